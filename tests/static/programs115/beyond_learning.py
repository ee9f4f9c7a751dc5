"""Graphs that compute without learning: a fractal, waves on a pond, clusters, an associative memory, a map of features."""


def mandelbrot(tf, np):
    Y, X = np.mgrid[-1.3:1.3:0.1, -2:1:0.1]
    Z = X + 1j * Y
    sess = tf.InteractiveSession()
    xs = tf.constant(Z.astype(np.complex64))
    zs = tf.Variable(xs)
    ns = tf.Variable(tf.zeros_like(xs, tf.float32))
    tf.global_variables_initializer().run()
    zs_ = zs * zs + xs
    not_diverged = tf.abs(zs_) < 4
    step = tf.group(zs.assign(zs_), ns.assign_add(tf.cast(not_diverged, tf.float32)))
    for _ in range(8):
        step.run()
    found = {"ns": ns.eval(), "zs": zs.eval()[10:15, 20:25]}
    sess.close()
    return found


def pond(tf, np):
    def make_kernel(a):
        a = np.asarray(a)
        a = a.reshape(list(a.shape) + [1, 1])
        return tf.constant(a, dtype=1)

    def simple_conv(x, k):
        x = tf.expand_dims(tf.expand_dims(x, 0), -1)
        y = tf.nn.depthwise_conv2d(x, k, [1, 1, 1, 1], padding="SAME")
        return y[0, :, :, 0]

    def laplace(x):
        return simple_conv(x, make_kernel([[0.5, 1.0, 0.5], [1.0, -6.0, 1.0], [0.5, 1.0, 0.5]]))

    N = 20
    rng = np.random.RandomState(17)
    u_init, ut_init = np.zeros([N, N], dtype=np.float32), np.zeros([N, N], dtype=np.float32)
    for _ in range(8):
        a, b = rng.randint(0, N, 2)
        u_init[a, b] = rng.uniform()
    eps, damping = tf.placeholder(tf.float32, shape=()), tf.placeholder(tf.float32, shape=())
    U, Ut = tf.Variable(u_init), tf.Variable(ut_init)
    U_ = U + eps * Ut
    Ut_ = Ut + eps * (laplace(U) - damping * Ut)
    with tf.control_dependencies([U_, Ut_]):  # or else TensorFlow may assign one before the other has read it
        step = tf.group(U.assign(U_), Ut.assign(Ut_))
    with tf.Session():
        tf.global_variables_initializer().run()
        for _ in range(15):
            step.run({eps: 0.03, damping: 0.04})
        return {"U": U.eval(), "Ut": Ut.eval()}


def k_means(tf, np):
    rng = np.random.RandomState(18)
    points = np.concatenate([rng.normal(c, 0.4, [20, 2]) for c in (0, 3, 6)])
    centres = tf.Variable(points[[0, 1, 2]])
    data = tf.constant(points)
    distances = tf.reduce_sum(tf.square(tf.expand_dims(data, 0) - tf.expand_dims(centres, 1)), 2)
    nearest = tf.argmin(distances, 0)
    sums = tf.unsorted_segment_sum(data, nearest, 3)
    counts = tf.unsorted_segment_sum(tf.ones_like(data), nearest, 3)
    update = tf.assign(centres, tf.where(counts > 0, sums / tf.maximum(counts, 1), centres))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(12):
            sess.run(update)
        return {"centres": sess.run(centres), "nearest": sess.run(nearest)}


def hopfield(tf, np):
    """A memory that repairs patterns, by a loop that ends when nothing changes any more."""
    rng = np.random.RandomState(19)
    patterns = np.sign(rng.normal(size=[3, 32])).astype(np.float32)
    W = tf.matmul(tf.constant(patterns), tf.constant(patterns), transpose_a=True) / 32.0
    W = tf.matrix_set_diag(W, tf.zeros([32]))
    start = tf.placeholder(tf.float32, [None, 32])

    def body(state, _, count):
        moved = tf.sign(tf.matmul(state, W))
        return tf.where(tf.equal(moved, 0.0), state, moved), state, count + 1

    state, _, count = tf.while_loop(
        lambda s, before, n: tf.logical_and(tf.reduce_any(tf.not_equal(s, before)), n < 20), body, (start, -start, 0)
    )
    energy = -0.5 * tf.reduce_sum(tf.matmul(state, W) * state, 1)
    noisy = patterns * np.where(rng.uniform(size=patterns.shape) < 0.1, -1, 1)
    with tf.Session() as sess:
        values = sess.run([state, count, energy], {start: noisy})
    return {"state": values[0], "count": values[1], "energy": values[2]}


def self_organizing_map(tf, np):
    rng = np.random.RandomState(20)
    weights = tf.Variable(rng.uniform(size=[12, 3]).astype(np.float32))
    places = tf.constant([[i, j] for i in range(4) for j in range(3)])
    vector, turn = tf.placeholder("float", [3]), tf.placeholder("float")
    best = tf.argmin(tf.sqrt(tf.reduce_sum(tf.pow(tf.subtract(weights, tf.stack([vector] * 12)), 2), 1)), 0)
    where = tf.reshape(
        tf.slice(places, tf.pad(tf.reshape(best, [1]), np.array([[0, 1]])), tf.constant(np.array([1, 2]))), [2]
    )
    fade = tf.subtract(1.0, tf.div(turn, 10.0))
    rate, radius = tf.multiply(0.3, fade), tf.multiply(2.0, fade)
    squares = tf.reduce_sum(tf.pow(tf.subtract(places, tf.stack([where] * 12)), 2), 1)
    neighbours = tf.exp(tf.negative(tf.div(tf.cast(squares, "float32"), tf.pow(radius, 2))))
    rates = tf.stack([tf.tile(tf.slice(tf.multiply(rate, neighbours), [i], [1]), [3]) for i in range(12)])
    train = tf.assign(weights, tf.add(weights, tf.multiply(rates, tf.subtract(tf.stack([vector] * 12), weights))))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for turn_number in range(8):
            for colour in rng.uniform(size=[4, 3]):
                sess.run(train, {vector: colour, turn: turn_number})
        return {"weights": sess.run(weights)}


def dream(tf, np):
    """An input changed to please a layer, its gradient normalised."""
    rng = np.random.RandomState(21)
    image = tf.placeholder(np.float32, name="input")
    centred = tf.expand_dims(image - 0.5, 0)
    h = tf.nn.relu(tf.nn.conv2d(centred, rng.normal(0, 0.3, [3, 3, 3, 4]).astype(np.float32), [1, 2, 2, 1], "SAME"))
    score = tf.reduce_mean(tf.square(h))
    grad = tf.gradients(score, image)[0]
    picture = rng.uniform(size=[9, 9, 3]).astype(np.float32)
    scores = []
    with tf.Session() as sess:
        for _ in range(6):
            g, s = sess.run([grad, score], {image: picture})
            picture += g / (g.std() + 1e-8) * 0.1
            scores.append(s)
    return {"picture": picture, "scores": np.array(scores)}


CASES = {f.__name__: f for f in (mandelbrot, pond, k_means, hopfield, self_organizing_map, dream)}
