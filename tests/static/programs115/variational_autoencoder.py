"""A variational autoencoder: the reparameterisation trick, a closed-form divergence, samples from the prior."""


def build(tf, np, noise):
    rng = np.random.RandomState(6)

    def dense(x, size, name, activation=None):
        with tf.variable_scope(name):
            shape = [x.get_shape().as_list()[1], size]
            scale = np.sqrt(2.0 / sum(shape))
            W = tf.get_variable("W", initializer=(rng.standard_normal(shape) * scale).astype(np.float32))
            b = tf.get_variable("b", [size], initializer=tf.constant_initializer(0.0))
            y = tf.nn.bias_add(tf.matmul(x, W), b)
            return y if activation is None else activation(y)

    def decode(z):
        hidden = dense(z, 16, "hidden", tf.tanh)
        return dense(hidden, 25, "logits")

    images = (rng.rand(40, 25) > 0.5).astype(np.float32)
    x = tf.placeholder(tf.float32, [None, 25])
    with tf.variable_scope("encoder"):
        hidden = dense(x, 16, "hidden", tf.nn.elu)
        mu = dense(hidden, 3, "mu")
        log_sigma_sq = dense(hidden, 3, "log_sigma_sq")
    epsilon = noise(tf.shape(mu))
    z = mu + tf.sqrt(tf.exp(log_sigma_sq)) * epsilon
    with tf.variable_scope("decoder"):
        logits = decode(z)
    with tf.variable_scope("decoder", reuse=True):
        prior = tf.placeholder(tf.float32, [None, 3])
        generated = tf.nn.sigmoid(decode(prior))
    reconstruction = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits), 1)
    divergence = -0.5 * tf.reduce_sum(1 + log_sigma_sq - tf.square(mu) - tf.exp(log_sigma_sq), 1)
    loss = tf.reduce_mean(reconstruction + divergence)
    step = tf.train.AdamOptimizer(learning_rate=0.01).minimize(loss)
    found = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(40):
            found.append(sess.run([loss, tf.get_default_graph().get_tensor_by_name(divergence.name), step], {x: images}))
        pictures = sess.run(generated, {prior: rng.standard_normal([4, 3])})
    return [f[0] for f in found], found[-1][1], pictures


def fixed_noise(tf, np):
    table = np.random.RandomState(7).standard_normal([40, 3]).astype(np.float32)
    losses, divergence, pictures = build(tf, np, lambda shape: tf.constant(table))
    names = [v.name for v in tf.trainable_variables()]
    return {"losses": np.array(losses), "divergence": divergence, "pictures": pictures, "names": np.array(names)}


def own_noise(tf, np):
    losses, _, pictures = build(tf, np, lambda shape: tf.random_normal(shape, 0, 1, dtype=tf.float32))
    return {"learned": losses[-1] < 0.97 * losses[0], "shape": np.array(pictures.shape)}


CASES = {"fixed_noise": fixed_noise, "own_noise": own_noise}
