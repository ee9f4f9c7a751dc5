"""Matrix factorisation: embeddings for users and items, biases, penalties, and gradients of a few rows at a time."""


def main(tf, np):
    found = {}
    for name, optimizer in (
        ("sgd", lambda: tf.train.GradientDescentOptimizer(0.1)),
        ("momentum", lambda: tf.train.MomentumOptimizer(0.05, 0.9)),
        ("adagrad", lambda: tf.train.AdagradOptimizer(0.1)),
        ("adam", lambda: tf.train.AdamOptimizer(0.01)),
        ("rmsprop", lambda: tf.train.RMSPropOptimizer(0.01)),
        ("ftrl", lambda: tf.train.FtrlOptimizer(0.1)),
        ("adadelta", lambda: tf.train.AdadeltaOptimizer(1.0)),
    ):
        rng = np.random.RandomState(22)
        with tf.Graph().as_default():
            user, item = tf.placeholder(tf.int32, [None], "user"), tf.placeholder(tf.int32, [None], "item")
            rate = tf.placeholder(tf.float32, [None], "rate")
            with tf.variable_scope("table"):
                w_user = tf.get_variable("embd_user", initializer=rng.normal(0, 0.1, [8, 3]).astype(np.float32))
                w_item = tf.get_variable("embd_item", initializer=rng.normal(0, 0.1, [6, 3]).astype(np.float32))
                b_user = tf.get_variable("b_user", shape=[8], initializer=tf.zeros_initializer)
                b_all = tf.get_variable("b_all", shape=[], initializer=tf.constant_initializer(3.0))
            u = tf.nn.embedding_lookup(w_user, user, name="embedding_user")
            i = tf.nn.embedding_lookup(w_item, item, name="embedding_item")
            infer = tf.reduce_sum(tf.multiply(u, i), 1) + b_all + tf.nn.embedding_lookup(b_user, user)
            penalty = tf.add(tf.nn.l2_loss(u), tf.nn.l2_loss(i), name="regularizer")
            cost = tf.nn.l2_loss(tf.subtract(infer, rate)) + 0.05 * penalty
            step = tf.train.get_or_create_global_step()
            train = optimizer().minimize(cost, global_step=step)
            with tf.Session() as sess:
                sess.run(tf.global_variables_initializer())
                costs = []
                for _ in range(12):
                    feed = {user: rng.randint(0, 8, 5), item: rng.randint(0, 4, 5), rate: rng.randint(1, 6, 5)}
                    costs.append(sess.run([cost, train], feed)[0])
                found[name] = np.array(costs)
                found[name + " users"], found[name + " items"], _ = sess.run([w_user, w_item, step])
    return found
