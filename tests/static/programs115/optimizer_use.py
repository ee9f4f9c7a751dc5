"""What programs do with optimizers: settings that are tensors, variables by scope, several in a graph, and their own."""


def variables(tf, np):
    random = np.random.RandomState(3)
    with tf.variable_scope("generator"):
        g = tf.get_variable("w", initializer=random.randn(3, 2))
    with tf.variable_scope("discriminator"):
        d = tf.get_variable("w", initializer=random.randn(2))
        b = tf.get_variable("b", initializer=random.randn(2))
    loss = tf.reduce_sum(tf.square(tf.matmul(tf.constant(random.randn(4, 3)), g) * d + b))
    return g, d, b, loss


def states(tf, np, session, kept=lambda name: "power" not in name):
    """The values of all variables but those that TensorFlow keeps in another dtype, and all names."""
    values = {v.name: session.run(v) for v in tf.global_variables() if kept(v.name)}
    values["names"] = np.array([v.name for v in tf.global_variables()])
    return values


def settings_as_tensors(tf, np):
    _, _, _, loss = variables(tf, np)
    rate = tf.placeholder(tf.float64, [])
    beta = tf.Variable(np.float64(0.9), trainable=False, name="beta")
    fade = beta.assign(beta * 0.95)
    steps = [
        tf.train.MomentumOptimizer(rate, lambda: np.float64(0.5)).minimize(loss),
        tf.train.AdamOptimizer(rate, beta, np.float64(0.99), np.float64(1e-8)).minimize(loss),
        tf.train.RMSPropOptimizer(
            rate * 0.1, tf.constant(np.float64(0.8)), momentum=beta, epsilon=np.float64(1e-6)
        ).minimize(loss),
        tf.train.FtrlOptimizer(rate).minimize(loss),
    ]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for i in range(5):
            for step in steps:
                session.run(step, {rate: 0.01 * (i + 1)})
            session.run(fade)
        return states(tf, np, session)


def by_scope(tf, np):
    _, _, _, loss = variables(tf, np)
    mine = [v for v in tf.trainable_variables() if v.name.startswith("generator")]
    theirs = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="discriminator")
    optimizer = tf.train.AdamOptimizer(np.float64(0.01), np.float64(0.5), np.float64(0.999), np.float64(1e-8))
    up = optimizer.minimize(loss, var_list=mine)
    with tf.variable_scope("training"):
        down = tf.train.AdamOptimizer(np.float64(0.02), np.float64(0.5), np.float64(0.999), np.float64(1e-8)).minimize(
            -loss, var_list=theirs
        )
    again = optimizer.minimize(loss * 0.5, var_list=mine + theirs, name="again")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(up)
            session.run(down)
            session.run(again)
        values = states(tf, np, session)
    values["operations"] = np.array([up.name, down.name, again.name])
    values["optimizer's"] = np.array([v.name for v in optimizer.variables()])
    values["collected"] = np.array([op.name for op in tf.get_collection(tf.GraphKeys.TRAIN_OP)])
    return values


def several_of_a_kind(tf, np):
    _, _, _, loss = variables(tf, np)
    steps = [
        tf.train.MomentumOptimizer(np.float64(0.01), np.float64(0.9)).minimize(loss),
        tf.train.MomentumOptimizer(np.float64(0.01), np.float64(0.9), name="Mine").minimize(loss),
        tf.train.MomentumOptimizer(np.float64(0.01), np.float64(0.9)).minimize(loss),
        tf.train.RMSPropOptimizer(np.float64(0.01), centered=True).minimize(loss),
        tf.train.AdadeltaOptimizer(np.float64(0.1)).minimize(loss),
        tf.train.AdagradOptimizer(np.float64(0.1)).minimize(loss),
    ]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step in steps:
            session.run(step)
        values = states(tf, np, session, kept=lambda name: "/" not in name.replace("/w", "").replace("/b", ""))
    values["operations"] = np.array([step.name for step in steps])
    return values


def own_optimizer(tf, np):
    """Derived from tf.train.Optimizer by the methods that its documentation names: sign momentum."""

    class Sign(tf.train.Optimizer):
        def __init__(self, rate, use_locking=False, name="Sign"):
            super(Sign, self).__init__(use_locking, name)
            self._rate = rate

        def _create_slots(self, var_list):
            for v in var_list:
                self._zeros_slot(v, "mean", self._name)
                self._get_or_make_slot(v, tf.ones_like(v.initialized_value()) * 0.5, "size", "Size")
            self._create_non_slot_variable(np.float64(1.0), "scale", colocate_with=min(var_list, key=lambda v: v.name))

        def _prepare(self):
            self._rate_t = tf.convert_to_tensor(self._call_if_callable(self._rate), name="rate")

        def _apply_dense(self, grad, var):
            mean, size = self.get_slot(var, "mean"), self.get_slot(var, "size")
            mean_t = mean.assign(mean * 0.9 + grad * 0.1)
            size_t = size.assign(tf.maximum(size * 0.9, tf.abs(grad)))
            scale = self._get_non_slot_variable("scale", graph=var.graph)
            change = var.assign_sub(self._rate_t * scale * tf.sign(mean_t) * size_t)
            return tf.group(change, mean_t, size_t)

        def _apply_sparse(self, grad, var):
            return tf.scatter_sub(var, grad.indices, self._rate_t * tf.sign(grad.values)).op

        def _finish(self, update_ops, name_scope):
            scale = self._get_non_slot_variable("scale", graph=tf.get_default_graph())
            with tf.control_dependencies(update_ops):
                return tf.group(*(update_ops + [scale.assign(scale * 0.9)]), name=name_scope)

    _, _, _, loss = variables(tf, np)
    table = tf.Variable(np.arange(12.0).reshape(4, 3), name="table")
    loss += tf.reduce_sum(tf.square(tf.gather(table, [2, 0, 2])))
    count = tf.train.get_or_create_global_step()
    optimizer = Sign(lambda: np.float64(0.01))
    step = optimizer.minimize(loss, count)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(5):
            session.run(step)
        values = states(tf, np, session)
    values["step"] = np.array([step.name, optimizer.get_name()] + optimizer.get_slot_names())
    return values


CASES = {
    "settings_as_tensors": settings_as_tensors,
    "by_scope": by_scope,
    "several_of_a_kind": several_of_a_kind,
    "own_optimizer": own_optimizer,
}
