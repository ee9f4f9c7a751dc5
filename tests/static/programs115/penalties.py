"""Penalties of ``tf.contrib.layers``, losses and metrics, with the names and collections they leave behind."""


def penalties(tf, np):
    layers = tf.contrib.layers
    makers = [
        layers.l1_regularizer(0.5),
        layers.l2_regularizer(0.25),
        layers.l1_l2_regularizer(0.5, 0.1),
        layers.l1_l2_regularizer(0.0, 0.1, scope="mine"),
        layers.sum_regularizer([layers.l1_regularizer(0.5), None, layers.l2_regularizer(0.1)]),
        layers.l2_regularizer(0.0),
    ]
    start = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)
    for i, maker in enumerate(makers):
        with tf.variable_scope("layer_%d" % i, regularizer=maker):
            w = tf.get_variable("w", initializer=start)
            tf.get_variable("b", initializer=start[0], regularizer=tf.no_regularizer)
            tf.add_to_collection(tf.GraphKeys.WEIGHTS, w)
    applied = layers.apply_regularization(layers.l2_regularizer(0.5))
    tf.losses.mean_squared_error([1.0, 2.0], [1.5, 1.5])
    found = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    total = tf.losses.get_total_loss()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        values = session.run([*found, applied, total])
    return {"values": np.array(values), "names": np.array([t.name for t in [*found, applied, total]])}


def evaluation(tf, np):
    labels = tf.placeholder(tf.int64, [None])
    scores = tf.placeholder(tf.float32, [None, 3])
    chosen = tf.argmax(scores, 1)
    with tf.name_scope("eval"):
        pairs = [
            tf.metrics.accuracy(labels, chosen, name="acc"),
            tf.metrics.mean(tf.losses.sparse_softmax_cross_entropy(labels, scores)),
            tf.metrics.auc(tf.equal(labels, 0), tf.nn.softmax(scores)[:, 0]),
            tf.metrics.precision(tf.equal(labels, 1), tf.equal(chosen, 1)),
            tf.metrics.recall(tf.equal(labels, 1), tf.equal(chosen, 1)),
            tf.metrics.recall_at_k(labels, scores, 2),
        ]
        mean_iou, matrix = tf.metrics.mean_iou(labels, chosen, 3)
    rng = np.random.RandomState(0)
    history = []
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        for _ in range(3):
            feed = {labels: rng.randint(0, 3, 10), scores: rng.randn(10, 3)}
            history.append(session.run([update for _, update in pairs], feed))
            confusion = session.run(matrix, feed)
            history.append(session.run([value for value, _ in pairs]))
        iou = session.run(mean_iou)
    names = [v.name for v in tf.local_variables()] + [value.name for value, _ in pairs]
    return {"history": np.array(history), "confusion": confusion, "iou": iou, "names": np.array(names)}


def shared_by_template(tf, np):
    def tower(x, units):
        with tf.variable_scope("tower"):
            w = tf.get_variable("w", [2, units], initializer=tf.constant_initializer([1.0, 2.0, 3.0]))
            b = tf.get_variable("b", [units], initializer=tf.zeros_initializer(), trainable=False)
        return tf.matmul(x, w) + b

    shared = tf.make_template("net", tower, units=2)
    left, right = shared(tf.constant([[1.0, 2.0]])), shared(tf.constant([[3.0, 4.0]]))
    loss = tf.reduce_sum(left * right)
    slope = tf.gradients(loss, shared.trainable_variables)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        values = session.run([left, right, *slope])
    names = [v.name for v in tf.global_variables()] + [left.name, right.name, shared.variable_scope_name]
    return {"left": values[0], "right": values[1], "slope": values[2], "names": np.array(names)}


CASES = {"penalties": penalties, "evaluation": evaluation, "shared_by_template": shared_by_template}
