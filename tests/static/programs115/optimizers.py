"""Ten steps of each optimizer on a small net in float64: losses, parameters, and the slots by name."""


def run(tf, np, make):
    random = np.random.RandomState(0)
    x = tf.constant(random.randn(20, 5))
    y = tf.constant(random.randn(20, 3))
    w1 = tf.Variable(random.randn(5, 4), name="w1")
    w2 = tf.Variable(random.randn(4, 3), name="w2")
    b = tf.Variable(np.zeros(3), name="b")
    loss = tf.reduce_mean(tf.square(tf.matmul(tf.tanh(tf.matmul(x, w1)), w2) + b - y))
    step = tf.Variable(np.int64(0), trainable=False, name="step")
    optimizer = make(tf, np, step)
    train = optimizer.minimize(loss, global_step=step)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        losses = [session.run([loss, train])[0] for _ in range(10)]
        values = {"losses": np.array(losses), "w1": session.run(w1), "w2": session.run(w2), "b": session.run(b)}
        values["step"] = session.run(step)
        for variable in (w1, w2, b):
            for slot in optimizer.get_slot_names():
                values["slot " + optimizer.get_slot(variable, slot).name] = session.run(optimizer.get_slot(variable, slot))
        values["slot names"] = np.array(optimizer.get_slot_names() or [""])
    return values


# TensorFlow makes float32 of Python's numbers, but not of numpy's.
MAKERS = {
    "gradient_descent": lambda tf, F, _: tf.train.GradientDescentOptimizer(F(0.1)),
    "momentum": lambda tf, F, _: tf.train.MomentumOptimizer(F(0.05), F(0.9)),
    "nesterov": lambda tf, F, _: tf.train.MomentumOptimizer(F(0.05), F(0.9), use_nesterov=True),
    "adagrad": lambda tf, F, _: tf.train.AdagradOptimizer(F(0.2)),
    "adagrad_start": lambda tf, F, _: tf.train.AdagradOptimizer(F(0.2), initial_accumulator_value=0.5),
    "adagrad_da": lambda tf, F, step: tf.train.AdagradDAOptimizer(F(0.2), step, 0.1, F(0.001), F(0.01)),
    "adadelta": lambda tf, F, _: tf.train.AdadeltaOptimizer(F(0.5), F(0.9), F(1e-3)),
    "adam": lambda tf, F, _: tf.train.AdamOptimizer(F(0.05), F(0.9), F(0.999), F(1e-8)),
    "adam_settings": lambda tf, F, _: tf.train.AdamOptimizer(F(0.05), F(0.5), F(0.9), F(1e-2)),
    "rmsprop": lambda tf, F, _: tf.train.RMSPropOptimizer(F(0.01), F(0.9), F(0.0), F(1e-10)),
    "rmsprop_momentum": lambda tf, F, _: tf.train.RMSPropOptimizer(F(0.01), F(0.8), F(0.7), F(1e-4)),
    "rmsprop_centered": lambda tf, F, _: tf.train.RMSPropOptimizer(F(0.01), F(0.9), F(0.5), F(1e-3), centered=True),
    "ftrl": lambda tf, F, _: tf.train.FtrlOptimizer(F(0.1)),
    "ftrl_l1_l2": lambda tf, F, _: tf.train.FtrlOptimizer(
        F(0.1), -0.5, 0.2, l1_regularization_strength=0.01, l2_regularization_strength=0.1
    ),
    "ftrl_shrinkage": lambda tf, F, _: tf.train.FtrlOptimizer(F(0.1), l2_shrinkage_regularization_strength=0.1),
    "proximal_gradient_descent": lambda tf, F, _: tf.train.ProximalGradientDescentOptimizer(F(0.1), F(0.01), F(0.02)),
    "proximal_adagrad": lambda tf, F, _: tf.train.ProximalAdagradOptimizer(F(0.1), 0.1, F(0.01), F(0.02)),
    "decayed": lambda tf, F, step: tf.train.GradientDescentOptimizer(
        tf.train.exponential_decay(F(0.1), step, 3, F(0.5), staircase=True)
    ),
}

CASES = {
    name: lambda tf, np, make=make: run(tf, np, lambda tf, np, step: make(tf, np.float64, step))
    for name, make in MAKERS.items()
}
