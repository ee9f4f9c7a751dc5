"""Values and gradients, of first and second order, of the ops that every program uses."""

# TensorFlow 1.15 has no second derivative of these, or (with respect to labels) a wrong one.
ONCE = ("sparse_cross_entropy", "cross_entropy_of_both", "softsign")


def arrays(np):
    random = np.random.RandomState(1)
    return random.randn(3, 4), random.rand(3, 4) + 0.5, random.randn(4, 2)


def derive(tf, np, name, build):
    x_value, p_value, m_value = arrays(np)
    x, p, m = tf.constant(x_value), tf.constant(p_value), tf.constant(m_value)
    y = build(tf, x, p, m)
    weights = tf.constant(np.cos(np.arange(y.shape.num_elements())).reshape(y.shape.as_list()))
    first = tf.gradients(y, [x, p, m], weights)
    moved = [tf.reduce_sum(tf.sin(g)) for g in first if g is not None and name not in ONCE]
    second = tf.gradients(moved, [x, p, m]) if moved else [None] * 3
    values = {"y": y}
    for order, grads in (("first", first), ("second", second)):
        for name, g in zip("xpm", grads):
            if g is not None:
                values["%s %s" % (order, name)] = tf.convert_to_tensor(g)
    with tf.Session() as session:
        return session.run(values)


BUILDS = {
    "arithmetic": lambda tf, x, p, m: x * p + x / p - tf.square(x) + 2.0 * x - 1.0 / p,
    "powers": lambda tf, x, p, m: p**x + p**2.0 + tf.sqrt(p) + tf.rsqrt(p),
    "exponentials": lambda tf, x, p, m: tf.exp(x) + tf.log(p) + tf.log1p(p) + tf.expm1(x),
    "trigonometry": lambda tf, x, p, m: tf.sin(x) + tf.cos(x) + tf.tan(x * 0.3) + tf.atan(x) + tf.asin(tf.tanh(x)),
    "hyperbolic": lambda tf, x, p, m: tf.tanh(x) + tf.sinh(x) + tf.cosh(x) + tf.sigmoid(x),
    "activations": lambda tf, x, p, m: tf.nn.relu(x) + tf.nn.elu(x) + tf.nn.selu(x) + tf.nn.softplus(x),
    "softsign": lambda tf, x, p, m: tf.nn.softsign(x) + tf.nn.relu6(p * 4.0),
    "extremes": lambda tf, x, p, m: tf.maximum(x, p) + tf.minimum(x, 0.3) + tf.abs(x) + tf.clip_by_value(x, -0.5, 0.5),
    "matmul": lambda tf, x, p, m: tf.matmul(x, m) + tf.matmul(m, p, transpose_a=True, transpose_b=True)[0, 1],
    "matmul_batches": lambda tf, x, p, m: tf.matmul(tf.reshape(x, [3, 2, 2]), tf.reshape(p, [3, 2, 2]), adjoint_b=True),
    "broadcasting": lambda tf, x, p, m: x * p[0] + x[:, :1] - p[1:2, 2:3],
    "sums": lambda tf, x, p, m: tf.stack([tf.reduce_sum(x * p), tf.reduce_mean(x), tf.reduce_prod(p), tf.norm(x)]),
    "sums_over_axes": lambda tf, x, p, m: tf.reduce_sum(x * p, 0) + tf.reduce_mean(x, 0) + tf.reduce_prod(p, axis=[0]),
    "extremes_over_axes": lambda tf, x, p, m: tf.reduce_max(x, 1, keepdims=True) * tf.reduce_min(p, -1, keepdims=True),
    "logsumexp": lambda tf, x, p, m: tf.reduce_logsumexp(x, 1) + tf.reduce_logsumexp(p),
    "softmax": lambda tf, x, p, m: tf.nn.softmax(x) * p + tf.nn.log_softmax(p),
    "cross_entropy": lambda tf, x, p, m: tf.nn.softmax_cross_entropy_with_logits(labels=tf.nn.softmax(p), logits=x),
    "cross_entropy_of_both": lambda tf, x, p, m: tf.nn.softmax_cross_entropy_with_logits_v2(
        labels=tf.nn.softmax(p), logits=x
    ),
    "sparse_cross_entropy": lambda tf, x, p, m: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 3, 1], logits=x),
    "sigmoid_cross_entropy": lambda tf, x, p, m: tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.sigmoid(p), logits=x),
    "concat_split": lambda tf, x, p, m: tf.concat(tf.split(tf.concat([x, p], 1), [3, 5], 1)[::-1], 1),
    "stack_unstack": lambda tf, x, p, m: tf.stack([tf.unstack(x)[2], tf.unstack(p)[0]], 1) * m,
    "slices": lambda tf, x, p, m: x[::-1, 1:4:2] + tf.slice(p, [0, 1], [3, 2]) + x[:, tf.newaxis, 2],
    "gather": lambda tf, x, p, m: tf.gather(x, [0, 2, 0]) + tf.gather(p, [[1, 1, 0, 3]], axis=1)[:, 0],
    "gather_nd": lambda tf, x, p, m: tf.gather_nd(x, [[0, 1], [2, 3], [0, 1]]),
    "pad_tile": lambda tf, x, p, m: tf.pad(x, [[1, 0], [0, 2]]) + tf.tile(p[:1], [4, 2])[:, :6],
    "transpose": lambda tf, x, p, m: tf.transpose(x) + tf.transpose(tf.reshape(p, [3, 2, 2]), [1, 2, 0])[0, 1],
    "where": lambda tf, x, p, m: tf.where(x > 0.0, x * p, tf.exp(x)),
    "cumulative": lambda tf, x, p, m: tf.cumsum(x, 1, exclusive=True) + tf.cumprod(p, 0, reverse=True),
    "tensordot": lambda tf, x, p, m: tf.tensordot(x, p, [[1], [1]]) + tf.einsum("ij,kj->ik", p, x),
    "l2": lambda tf, x, p, m: tf.nn.l2_loss(x) * tf.nn.l2_normalize(p, 1),
    "moments": lambda tf, x, p, m: tf.stack(tf.nn.moments(x, [0])),
    "stopped": lambda tf, x, p, m: x * tf.stop_gradient(x * p),
    "clip_by_norm": lambda tf, x, p, m: tf.clip_by_norm(x, 1.5) + tf.clip_by_norm(p, 100.0),
    "clip_by_global_norm": lambda tf, x, p, m: tf.clip_by_global_norm([x, p], 0.7)[0][0],
}

CASES = {name: lambda tf, np, name=name, build=build: derive(tf, np, name, build) for name, build in BUILDS.items()}
