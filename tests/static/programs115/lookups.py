"""Optimizers on a table of which each step looks up a few rows: the table, the slots, and what names they have."""


def run(tf, np, make, dense=False):
    random = np.random.RandomState(0)
    table = random.randn(7, 3)
    ids = tf.placeholder(tf.int32, [None])
    step = tf.Variable(np.int64(0), trainable=False, name="step")
    w = tf.Variable(table, name="w")
    rows = tf.nn.embedding_lookup(w, ids)
    loss = tf.reduce_sum(tf.square(rows - 0.5)) + (tf.reduce_sum(tf.square(w)) if dense else 0.0)
    optimizer = make(tf, np.float64, step)
    pairs = optimizer.compute_gradients(loss)
    train = optimizer.apply_gradients(pairs, step)
    values = {"is slices": np.array(isinstance(pairs[0][0], tf.IndexedSlices))}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for i in range(8):
            session.run(train, {ids: np.array([i, 3, i, 2]) % 6})
        for variable in tf.global_variables():
            if variable.name.startswith("w"):  # and so not the powers of betas, which TensorFlow keeps in other dtypes
                values[variable.name] = session.run(variable)
    values["names"] = np.array([v.name for v in tf.global_variables()])
    return values


MAKERS = {
    "gradient_descent": lambda tf, F, _: tf.train.GradientDescentOptimizer(F(0.1)),
    "momentum": lambda tf, F, _: tf.train.MomentumOptimizer(F(0.05), F(0.9)),
    "nesterov": lambda tf, F, _: tf.train.MomentumOptimizer(F(0.05), F(0.9), use_nesterov=True),
    "adagrad": lambda tf, F, _: tf.train.AdagradOptimizer(F(0.2)),
    "adagrad_da": lambda tf, F, step: tf.train.AdagradDAOptimizer(F(0.2), step, 0.1, F(0.001), F(0.01)),
    "adadelta": lambda tf, F, _: tf.train.AdadeltaOptimizer(F(0.5), F(0.9), F(1e-3)),
    "adam": lambda tf, F, _: tf.train.AdamOptimizer(F(0.05), F(0.9), F(0.999), F(1e-8)),
    "rmsprop": lambda tf, F, _: tf.train.RMSPropOptimizer(F(0.01), F(0.8), F(0.7), F(1e-4)),
    "rmsprop_centered": lambda tf, F, _: tf.train.RMSPropOptimizer(F(0.01), F(0.9), F(0.5), F(1e-3), centered=True),
    "ftrl": lambda tf, F, _: tf.train.FtrlOptimizer(F(0.25), -0.5, 0.5, 0.125, 0.25),
    "ftrl_shrinkage": lambda tf, F, _: tf.train.FtrlOptimizer(F(0.25), l2_shrinkage_regularization_strength=0.125),
    "proximal_gradient_descent": lambda tf, F, _: tf.train.ProximalGradientDescentOptimizer(F(0.1), F(0.05), F(0.02)),
    "proximal_adagrad": lambda tf, F, _: tf.train.ProximalAdagradOptimizer(F(0.2), 0.5, F(0.05), F(0.02)),
    "adamax": lambda tf, F, _: tf.contrib.opt.AdaMaxOptimizer(F(0.05), F(0.9), F(0.99), F(1e-8)),
    "nadam": lambda tf, F, _: tf.contrib.opt.NadamOptimizer(F(0.05), F(0.9), F(0.99), F(1e-8)),
    "lazy_adam": lambda tf, F, _: tf.contrib.opt.LazyAdamOptimizer(F(0.05), F(0.9), F(0.99), F(1e-8)),
    "moving_average": lambda tf, F, _: tf.contrib.opt.MovingAverageOptimizer(
        tf.train.MomentumOptimizer(F(0.05), F(0.9)), average_decay=0.9
    ),
}

CASES = {name: lambda tf, np, make=make: run(tf, np, make) for name, make in MAKERS.items()}
CASES.update(
    {
        f"{name}_dense": lambda tf, np, make=MAKERS[name]: run(tf, np, make, dense=True)
        for name in ("adamax", "nadam", "lazy_adam", "moving_average")
    }
)
