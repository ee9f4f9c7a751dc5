"""A generator and a discriminator, the second used twice through reuse, trained in turns on lists of variables by name."""


def main(tf, np):
    rng = np.random.RandomState(8)
    real = rng.normal(3.0, 0.5, [200, 2]).astype(np.float32)

    def layer(x, size, name):
        with tf.variable_scope(name):
            shape = [int(x.shape[1]), size]
            w = tf.get_variable("w", shape, initializer=tf.constant_initializer(rng.normal(0, 0.3, shape)))
            b = tf.get_variable("b", [size], initializer=tf.zeros_initializer())
            return tf.matmul(x, w) + b

    def generator(z):
        with tf.variable_scope("generator"):
            return layer(tf.nn.relu(layer(z, 8, "h")), 2, "out")

    def discriminator(x, reuse=False):
        with tf.variable_scope("discriminator") as scope:
            if reuse:
                scope.reuse_variables()
            logit = layer(tf.nn.leaky_relu(layer(x, 8, "h"), 0.2), 1, "out")
            return tf.sigmoid(logit), logit

    X = tf.placeholder(tf.float32, [None, 2])
    Z = tf.placeholder(tf.float32, [None, 4])
    G = generator(Z)
    D, D_logits = discriminator(X)
    D_, D_logits_ = discriminator(G, reuse=True)
    cross = tf.nn.sigmoid_cross_entropy_with_logits
    d_loss = tf.reduce_mean(cross(logits=D_logits, labels=tf.ones_like(D))) + tf.reduce_mean(
        cross(logits=D_logits_, labels=tf.zeros_like(D_))
    )
    g_loss = tf.reduce_mean(cross(logits=D_logits_, labels=tf.ones_like(D_)))
    t_vars = tf.trainable_variables()
    d_vars = [var for var in t_vars if "discriminator/" in var.name]
    g_vars = [var for var in t_vars if "generator/" in var.name]
    d_optim = tf.train.AdamOptimizer(0.01, beta1=0.5).minimize(d_loss, var_list=d_vars)
    g_optim = tf.train.AdamOptimizer(0.01, beta1=0.5).minimize(g_loss, var_list=g_vars)
    losses = []
    with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(20):
            z = rng.uniform(-1, 1, [20, 4]).astype(np.float32)
            feed = {X: real[step * 10 : step * 10 + 20][:20], Z: z}
            _, d = sess.run([d_optim, d_loss], feed)
            sess.run(g_optim, {Z: z})
            losses.append([d, g_loss.eval({Z: z})])
        samples = sess.run(G, {Z: np.zeros([1, 4])})
    return {"losses": np.array(losses), "samples": samples, "names": np.array([v.name for v in d_vars + g_vars])}
