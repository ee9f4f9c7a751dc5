"""Softmax regression on pictures of synthetic digits: a summed cross-entropy written by hand, accuracy through argmax."""


def digits(np, rng, count):
    shapes = rng.rand(10, 64)
    labels = rng.randint(0, 10, count)
    images = shapes[labels] * 0.7 + rng.rand(count, 64) * 0.3
    return images.astype(np.float32), np.eye(10, dtype=np.float32)[labels]


def main(tf, np):
    images, labels = digits(np, np.random.RandomState(1), 300)
    x = tf.placeholder(tf.float32, [None, 64], name="images")
    y_ = tf.placeholder(tf.float32, [None, 10], name="labels")
    W = tf.Variable(tf.zeros([64, 10]))
    b = tf.Variable(tf.zeros([10]))
    y = tf.nn.softmax(tf.matmul(x, W) + b)
    cross_entropy = tf.reduce_mean(-tf.reduce_sum(y_ * tf.log(y), reduction_indices=[1]))
    train_step = tf.train.GradientDescentOptimizer(0.5).minimize(cross_entropy)
    correct_prediction = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
    accuracy = tf.reduce_mean(tf.cast(correct_prediction, tf.float32))

    sess = tf.InteractiveSession()
    tf.initialize_all_variables().run()
    losses = []
    for step in range(40):
        batch = slice(step * 20 % 300, step * 20 % 300 + 20)
        train_step.run({x: images[batch], y_: labels[batch]})
        losses.append(cross_entropy.eval({x: images, y_: labels}))
    found = {
        "losses": np.array(losses),
        "accuracy": accuracy.eval({x: images, y_: labels}),
        "W": W.eval(),
        "b": sess.run(b),
        "right": correct_prediction.eval({x: images[:20], y_: labels[:20]}),
    }
    sess.close()
    return found
