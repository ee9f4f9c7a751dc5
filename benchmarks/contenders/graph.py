"""The programs by definition and run, in a text that TensorFlow 1 and ``static`` share: a graph, then a session."""

from __future__ import annotations

from itertools import cycle
from typing import Any

from benchmarks import THREADS, workloads
from benchmarks.contenders.base import Step
from benchmarks.workloads import Chain, Gan, Lstm, Net, Recurrent


def net(tf: Any, work: Net) -> Step:
    """The two-layer net as a graph; both gradients are computed before either weight is assigned."""
    x_value, y_value, *initial = work.arrays()
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, (None, work.inputs))
        y = tf.placeholder(tf.float32, (None, work.outputs))
        w1, w2 = (tf.Variable(value) for value in initial)
        y_pred = tf.matmul(tf.maximum(tf.matmul(x, w1), 0.0), w2)
        loss = tf.reduce_sum((y - y_pred) ** 2.0)
        grad_w1, grad_w2 = tf.gradients(loss, [w1, w2])
        with tf.control_dependencies([grad_w1, grad_w2]):
            train = tf.group(
                tf.assign_sub(w1, work.learning_rate * grad_w1), tf.assign_sub(w2, work.learning_rate * grad_w2)
            )
        initialize = tf.global_variables_initializer()
    session = _session(tf, graph)
    session.run(initialize)
    return lambda: float(session.run([loss, train], feed_dict={x: x_value, y: y_value})[0])


def gan(tf: Any, work: Gan) -> Step:
    """The GAN as a graph, a run for each net's turn."""
    graph = tf.Graph()
    with graph.as_default():
        nets = {name: [tf.Variable(a) for a in arrays] for name, arrays in work.weights().items()}
        images = tf.placeholder(tf.float32, (None, work.pixels))
        noise = tf.placeholder(tf.float32, (None, work.noise))

        def run(name: str, x: Any) -> Any:
            w1, b1, w2, b2 = nets[name]
            return tf.nn.sigmoid(tf.matmul(tf.nn.relu(tf.matmul(x, w1) + b1), w2) + b2)

        d_real = run("discriminator", images)
        d_fake = run("discriminator", run("generator", noise))
        d_loss = -tf.reduce_mean(tf.log(d_real) + tf.log(1.0 - d_fake))
        g_loss = -tf.reduce_mean(tf.log(d_fake))
        d_solver = tf.train.AdamOptimizer(work.learning_rate).minimize(d_loss, var_list=nets["discriminator"])
        g_solver = tf.train.AdamOptimizer(work.learning_rate).minimize(g_loss, var_list=nets["generator"])
        initialize = tf.global_variables_initializer()
    session = _session(tf, graph)
    session.run(initialize)
    batches = work.batches()

    def step() -> float:
        x, first, second = next(batches)
        _, d_value = session.run([d_solver, d_loss], feed_dict={images: x, noise: first})
        _, g_value = session.run([g_solver, g_loss], feed_dict={noise: second})
        return float(d_value + g_value)

    return step


def chain(tf: Any, work: Chain) -> Step:
    """The chain; all of it is fetched."""
    value, places = work.array(), work.places()
    graph = tf.Graph()
    with graph.as_default():
        a = tf.placeholder(tf.float32, (None,))
        out = tf.sigmoid(2.0 * a + 1.0) * tf.tanh(a) - tf.exp(-tf.square(a))
    session = _session(tf, graph)
    return lambda: float(session.run(out, feed_dict={a: value})[next(places)])


def adam(tf: Any, work: workloads.Adam) -> Step:
    """Adam alone, the gradient fed; then a second run looks at a parameter."""
    initial, *grads = work.arrays()
    turns, places = cycle(grads), work.places()
    graph = tf.Graph()
    with graph.as_default():
        start, gradient = tf.placeholder(tf.float32, (work.size,)), tf.placeholder(tf.float32, (work.size,))
        place = tf.placeholder(tf.int32, ())
        p = tf.Variable(start)  # fed, since a graph's constants may not take more than 2 GB together, and are kept
        train = tf.train.AdamOptimizer(work.learning_rate).apply_gradients([(gradient, p)])
        found = tf.gather(p, place)
        initialize = tf.global_variables_initializer()
    session = _session(tf, graph)
    session.run(initialize, feed_dict={start: initial})

    def step() -> float:
        session.run(train, feed_dict={gradient: next(turns)})
        return float(session.run(found, feed_dict={place: next(places)}))

    return step


def recurrent(tf: Any, work: Recurrent) -> Step:
    """The recurrent net as a scan."""
    x, *initial = work.arrays()
    graph = tf.Graph()
    with graph.as_default():
        inputs = tf.placeholder(tf.float32, (None, work.batch, work.units))
        wx, wh, b = (tf.Variable(a) for a in initial)
        start = tf.zeros((work.batch, work.units))
        states = tf.scan(lambda h, e: tf.tanh(tf.matmul(e, wx) + tf.matmul(h, wh) + b), inputs, initializer=start)
        return _descending(tf, graph, states, tf.global_variables_initializer(), {inputs: x}, work.learning_rate)


def lstm(tf: Any, work: Lstm) -> Step:
    """The LSTM as a scan, the products with the inputs before it."""
    x, *initial = work.arrays()
    graph = tf.Graph()
    with graph.as_default():
        inputs = tf.placeholder(tf.float32, (None, work.batch, work.inputs))
        wx, wh, b = (tf.Variable(a) for a in initial)

        def cell(state: Any, sums: Any) -> Any:
            c, h = state
            i, j, f, o = tf.split(sums + tf.matmul(h, wh), 4, 1)
            c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            return c, tf.tanh(c) * tf.sigmoid(o)

        start = tf.zeros((work.batch, work.units))
        _, states = tf.scan(cell, tf.tensordot(inputs, wx, 1) + b, initializer=(start, start))
        return _descending(tf, graph, states, tf.global_variables_initializer(), {inputs: x}, work.learning_rate)


def _descending(tf: Any, graph: Any, states: Any, initialize: Any, feeds: Any, rate: float) -> Step:
    """Gradient descent on the mean square of ``states``."""
    loss = tf.reduce_mean(tf.square(states))
    train = tf.train.GradientDescentOptimizer(rate).minimize(loss)
    session = _session(tf, graph)
    session.run(initialize)
    return lambda: float(session.run([loss, train], feed_dict=feeds)[0])


def _session(tf: Any, graph: Any) -> Any:
    threads = {"intra_op_parallelism_threads": THREADS, "inter_op_parallelism_threads": 1}
    return tf.Session(graph=graph, config=tf.ConfigProto(**threads))


PROGRAMS: dict[type, Any] = {
    Net: net,
    Gan: gan,
    Chain: chain,
    workloads.Adam: adam,
    Recurrent: recurrent,
    Lstm: lstm,
}
