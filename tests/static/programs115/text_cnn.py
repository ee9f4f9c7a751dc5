"""Sentences through an embedding and convolutions of several widths, with max over time and an L2 penalty."""


class TextCNN:
    def __init__(self, tf, np, length, classes, vocabulary, size, widths, filters, penalty):
        rng = np.random.RandomState(13)

        def initial(shape):
            return tf.constant_initializer(rng.uniform(-0.3, 0.3, shape))

        self.input_x = tf.placeholder(tf.int32, [None, length], name="input_x")
        self.input_y = tf.placeholder(tf.float32, [None, classes], name="input_y")
        self.keep = tf.placeholder_with_default(1.0, [], name="dropout_keep_prob")
        l2_loss = tf.constant(0.0)
        with tf.device("/cpu:0"), tf.name_scope("embedding"):
            self.W = tf.get_variable("W", [vocabulary, size], initializer=initial([vocabulary, size]))
            embedded = tf.expand_dims(tf.nn.embedding_lookup(self.W, self.input_x), -1)
        pooled = []
        for width in widths:
            with tf.name_scope("conv-maxpool-%s" % width):
                shape = [width, size, 1, filters]
                W = tf.Variable(rng.uniform(-0.3, 0.3, shape).astype(np.float32), name="W")
                b = tf.Variable(tf.constant(0.1, shape=[filters]), name="b")
                conv = tf.nn.conv2d(embedded, W, strides=[1, 1, 1, 1], padding="VALID", name="conv")
                h = tf.nn.relu(tf.nn.bias_add(conv, b), name="relu")
                over_time = tf.nn.max_pool(h, [1, length - width + 1, 1, 1], [1, 1, 1, 1], "VALID", name="pool")
                pooled.append(over_time)
        total = filters * len(widths)
        flat = tf.reshape(tf.concat(pooled, 3), [-1, total])
        dropped = tf.nn.dropout(flat, self.keep)
        with tf.name_scope("output"):
            W = tf.get_variable("W_out", [total, classes], initializer=initial([total, classes]))
            b = tf.Variable(tf.constant(0.1, shape=[classes]), name="b")
            l2_loss += tf.nn.l2_loss(W)
            l2_loss += tf.nn.l2_loss(b)
            self.scores = tf.nn.xw_plus_b(dropped, W, b, name="scores")
            self.predictions = tf.argmax(self.scores, 1, name="predictions")
        with tf.name_scope("loss"):
            losses = tf.nn.softmax_cross_entropy_with_logits(logits=self.scores, labels=self.input_y)
            self.loss = tf.reduce_mean(losses) + penalty * l2_loss
        with tf.name_scope("accuracy"):
            correct = tf.equal(self.predictions, tf.argmax(self.input_y, 1))
            self.accuracy = tf.reduce_mean(tf.cast(correct, "float"), name="accuracy")


def main(tf, np):
    rng = np.random.RandomState(14)
    sentences, labels = rng.randint(0, 25, [32, 9]), rng.randint(0, 2, 32)
    net = TextCNN(tf, np, 9, 2, 25, 6, (2, 3, 4), 3, 0.1)
    global_step = tf.Variable(0, name="global_step", trainable=False)
    optimizer = tf.train.AdamOptimizer(1e-2)
    grads_and_vars = optimizer.compute_gradients(net.loss)
    train_op = optimizer.apply_gradients(grads_and_vars, global_step=global_step)
    feed = {net.input_x: sentences, net.input_y: np.eye(2)[labels]}
    losses = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(15):
            losses.append(sess.run([net.loss, net.accuracy], feed))
            sess.run(train_op, feed)
        step = tf.train.global_step(sess, global_step)
        return {"losses": np.array(losses), "step": step, "W": sess.run(net.W), "scores": sess.run(net.scores, feed)}
