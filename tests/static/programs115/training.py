"""Schedules, averages, and gradients that are changed between computing and applying them."""


def schedules(tf, np):
    step = tf.Variable(0, trainable=False, name="global_step")
    rates = {
        "exponential": tf.train.exponential_decay(0.1, step, 10, 0.96),
        "staircase": tf.train.exponential_decay(0.1, step, 10, 0.96, staircase=True),
        "piecewise": tf.train.piecewise_constant(step, [5, 15], [1.0, 0.5, 0.1]),
        "polynomial": tf.train.polynomial_decay(0.1, step, 20, 0.01, power=2.0),
        "cycle": tf.train.polynomial_decay(0.1, step, 8, 0.01, cycle=True),
        "natural": tf.train.natural_exp_decay(0.1, step, 10, 0.5),
        "inverse": tf.train.inverse_time_decay(0.1, step, 10, 0.5, staircase=True),
        "cosine": tf.train.cosine_decay(0.1, step, 20, alpha=0.1),
        "restarts": tf.train.cosine_decay_restarts(0.1, step, 6),
        "linear_cosine": tf.train.linear_cosine_decay(0.1, step, 20),
    }
    advance = step.assign_add(3)
    found = {name: [] for name in rates}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(10):
            for name, value in session.run(rates).items():
                found[name].append(value)
            session.run(advance)
    return {name: np.array(values) for name, values in found.items()}


def averages(tf, np):
    w = tf.Variable(np.array([1.0, 2.0]), name="w")
    step = tf.Variable(0, trainable=False, name="step")
    plain = tf.train.ExponentialMovingAverage(0.9, name="Plain")
    counted = tf.train.ExponentialMovingAverage(0.9, step, name="Counted")
    change = tf.group(w.assign(w * 1.5), step.assign_add(1))
    with tf.control_dependencies([change]):
        follow = tf.group(plain.apply([w]), counted.apply([w]))
    found = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(5):
            session.run(follow)
            found.append(session.run([w, plain.average(w), counted.average(w)]))
    names = [plain.average(w).name, plain.average_name(w), *sorted(v.name for v in tf.global_variables())]
    return {
        "values": np.array(found),
        "names": np.array(names),
        "to restore": np.array(sorted(plain.variables_to_restore())),
    }


def clipped(tf, np):
    random = np.random.RandomState(2)
    w, b = tf.Variable(random.randn(4, 2), name="w"), tf.Variable(random.randn(2), name="b")
    frozen = tf.Variable(random.randn(2), name="frozen", trainable=False)
    loss = tf.reduce_sum(tf.square(tf.matmul(tf.constant(random.randn(3, 4)), w) + b * frozen))
    optimizer = tf.train.MomentumOptimizer(np.float64(0.1), np.float64(0.9))
    grads, variables = zip(*optimizer.compute_gradients(loss))
    grads, norm = tf.clip_by_global_norm(grads, 1.0)
    step = optimizer.apply_gradients(zip(grads, variables))
    found = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(10):
            found.append(session.run([norm, step, loss])[::2])
        return {"norms and losses": np.array(found), "w": session.run(w), "b": session.run(b), "frozen": session.run(frozen)}


def two_losses(tf, np):
    """Two optimizers that take turns on two sets of variables, as in adversarial training."""
    g, d = tf.Variable(np.array([0.5, -0.5]), name="g"), tf.Variable(np.array([1.0, 2.0]), name="d")
    score = tf.reduce_sum(g * d) - tf.reduce_sum(tf.square(d))
    up = tf.train.AdamOptimizer(np.float64(0.1)).minimize(-score, var_list=[d])
    down = tf.train.GradientDescentOptimizer(np.float64(0.05)).minimize(score, var_list=[g])
    found = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(8):
            session.run(up)
            session.run(down)
            found.append(session.run([g, d]))
    return {"values": np.array(found)}


CASES = {"schedules": schedules, "averages": averages, "clipped": clipped, "two_losses": two_losses}
