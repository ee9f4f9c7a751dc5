"""A line through points, one point at a time, with the loss and parameters looked at now and then."""


def main(tf, np):
    rng = np.random.RandomState(0)
    train_x = rng.uniform(0, 10, 17).astype(np.float32)
    train_y = (0.25 * train_x + 0.9 + rng.normal(0, 0.3, 17)).astype(np.float32)
    n_samples = train_x.shape[0]

    X = tf.placeholder("float")
    Y = tf.placeholder("float")
    W = tf.Variable(np.float32(-0.4), name="weight")
    b = tf.Variable(np.float32(1.7), name="bias")
    pred = tf.add(tf.multiply(X, W), b)
    cost = tf.reduce_sum(tf.pow(pred - Y, 2)) / (2 * n_samples)
    optimizer = tf.train.GradientDescentOptimizer(0.01).minimize(cost)

    history = []
    init = tf.global_variables_initializer()
    with tf.Session() as sess:
        sess.run(init)
        for epoch in range(30):
            for x, y in zip(train_x, train_y):
                sess.run(optimizer, feed_dict={X: x, Y: y})
            if (epoch + 1) % 10 == 0:
                c = sess.run(cost, feed_dict={X: train_x, Y: train_y})
                history.append([c, sess.run(W), sess.run(b)])
        test = sess.run(pred, feed_dict={X: np.linspace(0, 5, 4)})
    return {"history": np.array(history), "test": test}
