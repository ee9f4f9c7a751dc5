"""Convolutional nets on small pictures: from tf.nn with helper functions, and from tf.layers with a training switch."""


def pictures(np):
    rng = np.random.RandomState(9)
    labels = rng.randint(0, 4, 24)
    images = rng.rand(24, 12, 12, 1) * 0.2
    for image, label in zip(images, labels):
        image[(label // 2) * 6 : (label // 2) * 6 + 6, (label % 2) * 6 : (label % 2) * 6 + 6] += 0.8
    return images.astype(np.float32), labels


def from_nn(tf, np):
    rng = np.random.RandomState(10)
    images, labels = pictures(np)

    def weight(shape):
        return tf.Variable((rng.standard_normal(shape) * 0.2).astype(np.float32))

    def conv2d(x, W):
        return tf.nn.conv2d(x, W, strides=[1, 1, 1, 1], padding="SAME")

    def max_pool_2x2(x):
        return tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")

    x = tf.placeholder(tf.float32, [None, 144])
    y = tf.placeholder(tf.float32, [None, 4])
    keep = tf.placeholder(tf.float32)
    h = tf.reshape(x, [-1, 12, 12, 1])
    h = max_pool_2x2(tf.nn.relu(conv2d(h, weight([5, 5, 1, 4])) + tf.Variable(tf.constant(0.1, shape=[4]))))
    h = tf.nn.lrn(h, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75)
    h = max_pool_2x2(tf.nn.relu(conv2d(h, weight([3, 3, 4, 6])) + tf.Variable(tf.constant(0.1, shape=[6]))))
    h = tf.reshape(h, [-1, 3 * 3 * 6])
    h = tf.nn.dropout(tf.nn.relu(tf.nn.xw_plus_b(h, weight([54, 10]), tf.Variable(tf.zeros([10])))), keep)
    logits = tf.matmul(h, weight([10, 4])) + tf.Variable(tf.zeros([4]))
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
    train_step = tf.train.AdamOptimizer(1e-2).minimize(loss)
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1)), tf.float32))
    feed = {x: images.reshape(24, 144), y: np.eye(4)[labels], keep: 1.0}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        losses = [sess.run([loss, train_step], feed)[0] for _ in range(10)]
        return {"losses": np.array(losses), "logits": logits.eval(feed), "accuracy": accuracy.eval(feed)}


def from_layers(tf, np):
    images, labels = pictures(np)
    rng = np.random.RandomState(11)

    def normal(shape, dtype=None, partition_info=None):
        return tf.constant(rng.standard_normal([int(n) for n in shape]) * 0.2, dtype or tf.float32)

    x = tf.placeholder(tf.float32, [None, 12, 12, 1])
    y = tf.placeholder(tf.int64, [None])
    training = tf.placeholder(tf.bool, [])
    with tf.variable_scope("lenet"):
        h = tf.layers.conv2d(x, 4, 5, padding="same", activation=tf.nn.relu, kernel_initializer=normal, name="conv1")
        h = tf.layers.max_pooling2d(h, 2, 2)
        h = tf.layers.conv2d(h, 6, [3, 3], use_bias=False, kernel_initializer=normal)
        h = tf.nn.relu(tf.layers.batch_normalization(h, training=training, momentum=0.9))
        h = tf.layers.average_pooling2d(h, pool_size=[2, 2], strides=2)
        h = tf.layers.flatten(h)
        h = tf.layers.dense(h, 10, tf.nn.tanh, kernel_initializer=normal)
        h = tf.layers.dropout(h, rate=0.0, training=training)
        logits = tf.layers.dense(
            h, 4, kernel_initializer=normal, kernel_regularizer=lambda w: 0.01 * tf.reduce_sum(tf.square(w))
        )
    loss = tf.losses.sparse_softmax_cross_entropy(labels=y, logits=logits) + tf.losses.get_regularization_loss()
    update_ops = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    with tf.control_dependencies(update_ops):
        step = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, global_step=tf.train.get_or_create_global_step())
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        feed = {x: images, y: labels, training: True}
        losses = []
        for _ in range(10):
            losses.append(sess.run(loss, feed))
            sess.run(step, feed)
        feed[training] = False
        found = {"losses": np.array(losses), "test": sess.run(loss, feed), "logits": sess.run(logits, feed)}
        for variable in tf.global_variables():
            found[variable.name] = sess.run(variable)
    found["trainable"] = np.array([v.name for v in tf.trainable_variables()])
    return found


def generator(tf, np):
    """The up-sampling half of a convolutional generator, with batch normalisation, and its critic."""
    rng = np.random.RandomState(12)

    def normal(shape, dtype=None, partition_info=None):
        return tf.constant(rng.standard_normal([int(n) for n in shape]) * 0.3, dtype or tf.float32)

    z = tf.placeholder(tf.float32, [None, 5])

    def generate(z, training):
        with tf.variable_scope("g", reuse=not training):
            h = tf.layers.dense(z, 3 * 3 * 4, use_bias=False, kernel_initializer=normal, name="project")
            h = tf.reshape(h, [-1, 3, 3, 4])
            h = tf.nn.relu(tf.layers.batch_normalization(h, training=training, name="bn0"))
            h = tf.layers.conv2d_transpose(h, 3, 5, 2, "same", use_bias=False, kernel_initializer=normal, name="up1")
            h = tf.nn.relu(tf.layers.batch_normalization(h, training=training, name="bn1"))
            h = tf.layers.conv2d_transpose(h, 1, 4, strides=2, padding="valid", kernel_initializer=normal, name="up2")
            return tf.tanh(h)

    with tf.variable_scope("d"):
        fake = generate(z, True)
        h = tf.layers.conv2d(fake, 4, 3, strides=2, padding="same", kernel_initializer=normal)
        logits = tf.layers.dense(tf.layers.flatten(tf.nn.leaky_relu(h)), 1, kernel_initializer=normal)
        shown = generate(z, False)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=tf.ones_like(logits)))
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        step = tf.train.AdamOptimizer(0.01, 0.5).minimize(loss)
    feed = {z: rng.uniform(-1, 1, [6, 5])}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        losses = [sess.run([loss, step], feed)[0] for _ in range(6)]
        found = {"losses": np.array(losses), "fake": sess.run(fake, feed), "shown": sess.run(shown, feed)}
    found["shape"] = np.array(fake.get_shape().as_list()[1:])
    found["names"] = np.array([v.name for v in tf.global_variables()])
    return found


CASES = {"from_nn": from_nn, "from_layers": from_layers, "generator": generator}
