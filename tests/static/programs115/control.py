"""Loops and branches: values, shapes of structures, and gradients of first and second order."""

import collections


State = collections.namedtuple("State", "total count")


def evaluate(tf, np, built, orders=1):
    """Run a dict of tensors; a pair (tensor, others) asks for its gradients with respect to the others, too."""
    fetches = {}
    for name, value in built.items():
        if isinstance(value, tuple):
            y, xs = value
            fetches[name] = y
            for order in range(orders):
                grads = tf.gradients(y, xs)
                y = [tf.reduce_sum(tf.sin(g)) for g in grads if g is not None]
                for position, g in enumerate(grads):
                    if g is not None:
                        fetches["%s order %d, %d" % (name, order + 1, position)] = tf.convert_to_tensor(g)
        else:
            fetches[name] = value
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return {name: np.array(value) for name, value in session.run(fetches).items()}


def while_power(tf, np):
    x, n = tf.constant(np.array([1.1, 0.9, -0.5])), tf.constant(5)
    _, y = tf.while_loop(lambda i, y: i < n, lambda i, y: [i + 1, y * x], [0, tf.ones_like(x)])
    return {"power": (y, [x])}


def while_on_data(tf, np):
    x = tf.constant(np.array([0.3, 0.8]))
    count, y = tf.while_loop(lambda i, y: tf.reduce_sum(y) < 20.0, lambda i, y: (i + 1, y * (1.2 + x)), (0, x + 1.0))
    return {"count": count, "y": (y, [x])}


def while_nested_structure(tf, np):
    x = tf.constant(np.array([[1.0, 2.0], [3.0, 4.0]]))
    state = State(total=tf.zeros([2], tf.float64), count=(tf.constant(0), [x]))

    def body(state):
        count, (value,) = state.count
        return [State(state.total + tf.reduce_sum(tf.tanh(value), 0), (count + 1, [value * 0.5]))]

    final = tf.while_loop(lambda state: state.count[0] < 4, body, [state])
    final = final[0] if isinstance(final, list) else final
    return {"total": (final.total, [x]), "count": final.count[0], "value": final.count[1][0]}


def while_growing(tf, np):
    x = tf.constant(np.array([[1.0, 2.0]]))
    i, y = tf.while_loop(
        lambda i, y: i < 3,
        lambda i, y: (i + 1, tf.concat([y, y[-1:] * x], 0)),
        [tf.constant(0), x],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 2])],
    )
    return {"y": (y, [x])}


def while_limited(tf, np):
    i, y = tf.while_loop(lambda i, y: True, lambda i, y: [i + 1, y * 2.0], [0, 1.0], maximum_iterations=6)
    return {"i": i, "y": y}


def while_nested(tf, np):
    x = tf.constant(np.array([0.5, -0.3]))

    def outer(i, y):
        _, inner = tf.while_loop(lambda j, z: j < i + 1, lambda j, z: (j + 1, tf.sin(z) * x + y), [0, y])
        return i + 1, inner + x

    _, y = tf.while_loop(lambda i, y: i < 3, outer, [0, x * 2.0])
    return {"y": (y, [x])}


def while_in_cond(tf, np):
    x = tf.constant(np.array([0.5, 1.5]))

    def loop():
        return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), [0, x])[1]

    built = {}
    for name, taken in (("taken", 1.0), ("left", -1.0)):
        built[name] = (tf.cond(tf.constant(taken) > 0.0, loop, lambda: tf.exp(x)), [x])
    return built


def cond_in_while(tf, np):
    x = tf.constant(np.array(0.7, np.float64))

    def body(i, y):
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: y * x, lambda: tf.sin(y) + x)

    _, y = tf.while_loop(lambda i, y: i < 5, body, [tf.constant(0), x])
    return {"y": (y, [x])}


def cond(tf, np):
    x, z = tf.constant(np.array([1.0, -2.0])), tf.constant(np.array([3.0, 0.5]))
    built = {}
    for name, flag in (("true", True), ("false", False)):
        y = tf.cond(tf.constant(flag), lambda: x * z, lambda: tf.square(x) + 1.0)
        built[name] = (y, [x, z])
        pair = tf.cond(tf.constant(flag), lambda: (x, [z, tf.constant(1)]), lambda: (z, [x * 2.0, tf.constant(2)]))
        built[name + " pair"] = pair[0] + pair[1][0]
        built[name + " number"] = pair[1][1]
    return built


def cond_nested(tf, np):
    x = tf.constant(np.array(1.5, np.float64))
    built = {}
    for a in (0.0, 3.0):
        for b in (0.0, 3.0):
            y = tf.cond(
                x > a,
                lambda b=b: tf.cond(x > b, lambda: x * 2.0, lambda: x * x),
                lambda b=b: tf.cond(x > b, lambda: tf.sin(x), lambda: tf.constant(7.0, tf.float64)),
            )
            built["%g %g" % (a, b)] = (y, [x])
    return built


def cond_assigns(tf, np):
    v, w = tf.Variable(1.0, name="v"), tf.Variable(2.0, name="w")
    flag = tf.placeholder(tf.bool, [])
    y = tf.cond(flag, lambda: tf.assign_add(v, 10.0), lambda: tf.assign(w, w * 3.0))
    found = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for value in (True, False, False, True):
            found.append([session.run(y, {flag: value}), *session.run([v, w])])
    return {"values": np.array(found)}


def while_assigns(tf, np):
    v = tf.Variable(1.0, name="v")

    def body(i):
        with tf.control_dependencies([tf.assign(v, v * 2.0)]):
            return tf.identity(i + 1)

    i = tf.while_loop(lambda i: i < 4, body, [tf.constant(0)], parallel_iterations=1)
    found = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            found.append([session.run(i), session.run(v)])
    return {"values": np.array(found, np.float64)}


def while_follows(tf, np):
    """Loops that read what their rounds before have left: in the condition, through nested loops, in scan."""
    v, w = tf.Variable(1.0, name="v"), tf.Variable(0.5, name="w")

    def grow(i):
        with tf.control_dependencies([tf.assign_add(v, v + 1.0)]):
            return tf.identity(i + 1)

    def twice(i):
        j = tf.while_loop(lambda j: j < 2, grow, [tf.constant(0)], parallel_iterations=1)
        with tf.control_dependencies([j]):
            return tf.identity(i + 1)

    def step(total, x):
        with tf.control_dependencies([tf.assign(w, w * x)]):
            return total + w.read_value()

    runs = [
        tf.while_loop(lambda i: v < 20.0, grow, [tf.constant(0)], parallel_iterations=1),
        tf.while_loop(lambda i: i < 3, twice, [tf.constant(0)], parallel_iterations=1),
        tf.scan(step, tf.constant([2.0, 3.0, 0.5]), tf.constant(1.0), parallel_iterations=1),
    ]
    found = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for run in runs:
            found.append([np.sum(session.run(run))] + session.run([v, w]))
    return {"values": np.array(found, np.float64)}


def case(tf, np):
    x = tf.constant(np.array(2.0, np.float64))
    built = {}
    for limit in (1.0, 3.0, 5.0):
        pairs = [(x < limit - 2.0, lambda: x * x), (x < limit, lambda: tf.exp(x))]
        built["%g" % limit] = (tf.case(pairs, default=lambda: tf.sin(x), exclusive=False), [x])
    return built


def scan(tf, np):
    random = np.random.RandomState(3)
    xs, w = tf.constant(random.randn(5, 2)), tf.constant(random.randn(2, 2) * 0.5)
    start = tf.constant(random.randn(2))

    def step(h, x):
        return tf.tanh(tf.reduce_sum(w * h, 1) + x)

    pair = tf.scan(
        lambda a, x: (a[0] + x[0] * x[1], a[1] * tf.sin(x[1])), (xs, tf.cos(xs)), (start, tf.ones([2], tf.float64))
    )
    return {
        "states": (tf.scan(step, xs, start), [xs, w, start]),
        "without": (tf.scan(step, xs), [xs, w]),
        "reverse": (tf.scan(step, xs, start, reverse=True), [xs, w, start]),
        "pair 0": (pair[0], [xs, start]),
        "pair 1": (pair[1], [xs]),
    }


def scan_in_scan(tf, np):
    random = np.random.RandomState(4)
    xs = tf.constant(random.randn(3, 4))

    def outer(total, row):
        return total + tf.scan(lambda a, x: a * tf.sin(x) + total, row, tf.constant(1.0, tf.float64))[-1]

    return {"y": (tf.scan(outer, xs, tf.constant(0.5, tf.float64)), [xs])}


def maps(tf, np):
    random = np.random.RandomState(5)
    xs, w = tf.constant(random.randn(4, 3)), tf.constant(random.randn(3))
    pair = tf.map_fn(lambda e: (e[0] * e[1], tf.reduce_sum(e[0])), (xs, xs + 1.0), dtype=(tf.float64, tf.float64))
    return {
        "squares": (tf.map_fn(lambda x: tf.square(x) * w, xs), [xs, w]),
        "pair 0": (pair[0], [xs]),
        "pair 1": (pair[1], [xs]),
        "other dtype": tf.map_fn(lambda x: tf.argmax(x), xs, dtype=tf.int64),
    }


def folds(tf, np):
    random = np.random.RandomState(6)
    xs, start = tf.constant(random.rand(4, 2) + 0.5), tf.constant(np.array([1.0, 2.0]))
    pair = tf.foldl(lambda a, x: (a[0] * x, a[1] + a[0]), xs, (start, tf.zeros([2], tf.float64)))
    return {
        "left": (tf.foldl(lambda a, x: a * x + 1.0, xs, start), [xs, start]),
        "right": (tf.foldr(lambda a, x: a / x + 1.0, xs, start), [xs, start]),
        "left without": (tf.foldl(lambda a, x: a - x * a, xs), [xs]),
        "right without": (tf.foldr(lambda a, x: a - x * a, xs), [xs]),
        "pair 0": (pair[0], [xs, start]),
        "pair 1": (pair[1], [xs, start]),
    }


def recurrent(tf, np):
    """A net over sequences of different lengths, trained through the loop."""
    random = np.random.RandomState(7)
    xs, lengths = tf.constant(random.randn(6, 3, 2)), tf.constant([6, 2, 4])
    w = tf.Variable(random.randn(2, 4) * 0.5, name="w")
    u = tf.Variable(random.randn(4, 4) * 0.5, name="u")

    def body(t, h):
        new = tf.tanh(tf.matmul(xs[t], w) + tf.matmul(h, u))
        return t + 1, tf.where(t < lengths, new, h)

    _, h = tf.while_loop(lambda t, h: t < tf.reduce_max(lengths), body, [0, tf.zeros([3, 4], tf.float64)])
    loss = tf.reduce_mean(tf.square(h - 0.3))
    F = np.float64  # of Python's numbers TensorFlow makes float32
    step = tf.train.AdamOptimizer(F(0.05), F(0.9), F(0.999), F(1e-8)).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        losses = [session.run([loss, step])[0] for _ in range(10)]
        return {"losses": np.array(losses), "w": session.run(w), "u": session.run(u)}


def arrays(tf, np):
    x = tf.constant(np.array([1.0, 2.0, 3.0]))
    store = tf.TensorArray(tf.float64, size=4, clear_after_read=False)

    def body(i, store):
        return i + 1, store.write(i, tf.square(x) * tf.cast(i, tf.float64))

    _, store = tf.while_loop(lambda i, store: i < 4, body, [0, store])
    given = tf.TensorArray(tf.float64, size=3).unstack(tf.stack([x, x * x, x + 1.0]))
    return {
        "stack": (store.stack(), [x]),
        "concat": store.concat(),
        "read": (given.read(1), [x]),
        "size": store.size(),
        "gather": store.gather([2, 0]),
    }


BUILDS = [
    while_power, while_on_data, while_nested_structure, while_growing, while_limited, while_nested, while_in_cond,
    cond_in_while, cond, cond_nested, case, scan, scan_in_scan, maps, folds, arrays,
]  # fmt: skip
CASES = {f.__name__: lambda tf, np, f=f: evaluate(tf, np, f(tf, np)) for f in BUILDS}
CASES.update({f.__name__: f for f in (cond_assigns, while_assigns, while_follows, recurrent)})


class Unrolled:
    """TensorFlow with loops over elements, whose second derivatives it cannot take, written out in Python."""

    def __init__(self, tf):
        self._tf = tf

    def __getattr__(self, name):
        return getattr(self._tf, name)

    def _elements(self, elems):
        if isinstance(elems, tuple):
            return list(zip(*[self._elements(part) for part in elems]))
        return self._tf.unstack(elems)

    def _stacked(self, values):
        if isinstance(values[0], tuple):
            return tuple(self._stacked([value[i] for value in values]) for i in range(len(values[0])))
        return self._tf.stack(values)

    def _states(self, fn, elems, initializer, reverse):
        elements = self._elements(elems)[:: -1 if reverse else 1]
        states = [elements.pop(0) if initializer is None else initializer]
        for element in elements:
            states.append(fn(states[-1], element))
        return states if initializer is None else states[1:]

    def scan(self, fn, elems, initializer=None, reverse=False):
        return self._stacked(self._states(fn, elems, initializer, reverse)[:: -1 if reverse else 1])

    def foldl(self, fn, elems, initializer=None):
        return self._states(fn, elems, initializer, False)[-1]

    def foldr(self, fn, elems, initializer=None):
        return self._states(fn, elems, initializer, True)[-1]

    def map_fn(self, fn, elems, dtype=None):
        return self._stacked([fn(element) for element in self._elements(elems)])


def twice(tf, np, build):
    """With gradients of second order; TensorFlow 1.15 takes those of loops and branches only if told to keep these whole."""
    if not tf.__name__.startswith("tensorflow"):
        return evaluate(tf, np, build(tf, np), orders=2)
    tf.enable_control_flow_v2()
    try:
        return evaluate(tf, np, build(Unrolled(tf), np), orders=2)
    finally:
        tf.disable_control_flow_v2()


CASES.update({"second_order_" + f.__name__: lambda tf, np, f=f: twice(tf, np, f) for f in BUILDS if f is not case})
