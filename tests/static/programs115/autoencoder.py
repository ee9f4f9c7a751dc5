"""An autoencoder from dictionaries of weights, with RMSProp."""


def main(tf, np):
    rng = np.random.RandomState(5)
    images = rng.rand(50, 36).astype(np.float32)
    shapes = {"encoder_h1": [36, 18], "encoder_h2": [18, 6], "decoder_h1": [6, 18], "decoder_h2": [18, 36]}
    weights = {
        name: tf.Variable((rng.standard_normal(shape) * 0.5).astype(np.float32)) for name, shape in sorted(shapes.items())
    }
    biases = {name: tf.Variable(tf.zeros(shape[1:])) for name, shape in sorted(shapes.items())}

    def layer(x, name):
        return tf.nn.sigmoid(tf.add(tf.matmul(x, weights[name]), biases[name]))

    X = tf.placeholder("float", [None, 36])
    code = layer(layer(X, "encoder_h1"), "encoder_h2")
    y_pred = layer(layer(code, "decoder_h1"), "decoder_h2")
    cost = tf.reduce_mean(tf.pow(X - y_pred, 2))
    optimizer = tf.train.RMSPropOptimizer(0.01).minimize(cost)
    losses = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(30):
            _, c = sess.run([optimizer, cost], feed_dict={X: images})
            losses.append(c)
        decoded, codes = sess.run([y_pred, code], feed_dict={X: images[:5]})
    return {"losses": np.array(losses), "decoded": decoded, "codes": codes}
