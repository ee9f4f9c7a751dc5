"""Who is timed: for each system, the sources' programs in its own idiom.

A contender has a function for each kind of workload, which sets everything up and returns ``step() -> loss``. Systems with
one interface share the program text: PyTorch and ``dynamic``, TensorFlow 1 and ``static``. Another system joins by such
functions and a line in ``CONTENDERS``; one that is not installed is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from benchmarks import THREADS, by_hand
from benchmarks.workloads import Gan, Net, Recurrent


Step = Callable[[], float]


def eager_net(torch: Any, work: Net) -> Step:
    """The two-layer net with autograd, parameters updated through ``data``."""
    x, y, w1, w2 = (torch.from_numpy(a) for a in work.arrays())
    w1.requires_grad = w2.requires_grad = True

    def step() -> float:
        y_pred = x.mm(w1).clamp(min=0).mm(w2)
        loss = (y_pred - y).pow(2).sum()
        loss.backward()
        w1.data -= work.learning_rate * w1.grad.data
        w2.data -= work.learning_rate * w2.grad.data
        w1.grad.data.zero_()
        w2.grad.data.zero_()
        return float(loss.item())

    return step


def eager_gan(torch: Any, work: Gan) -> Step:
    """The GAN with binary cross-entropy and two optimisers; ``backward`` runs through both nets, as in the sources."""
    functional = torch.nn.functional
    nets = {name: [torch.from_numpy(a).requires_grad_() for a in arrays] for name, arrays in work.weights().items()}
    g_solver = torch.optim.Adam(nets["generator"], lr=work.learning_rate)
    d_solver = torch.optim.Adam(nets["discriminator"], lr=work.learning_rate)
    ones, zeros = torch.ones(work.batch, 1), torch.zeros(work.batch, 1)
    batches = work.batches()

    def run(name: str, x: Any) -> Any:
        w1, b1, w2, b2 = nets[name]
        return torch.sigmoid(torch.relu(x @ w1 + b1) @ w2 + b2)

    def reset() -> None:
        for p in (*nets["generator"], *nets["discriminator"]):
            p.grad.data.zero_()

    def step() -> float:
        images, noise, other = (torch.from_numpy(a) for a in next(batches))
        d_real = run("discriminator", images)
        d_fake = run("discriminator", run("generator", noise))
        d_loss = functional.binary_cross_entropy(d_real, ones) + functional.binary_cross_entropy(d_fake, zeros)
        d_loss.backward()
        d_solver.step()
        reset()
        g_loss = functional.binary_cross_entropy(run("discriminator", run("generator", other)), ones)
        g_loss.backward()
        g_solver.step()
        reset()
        return float(d_loss.item() + g_loss.item())

    return step


def eager_recurrent(torch: Any, work: Recurrent) -> Step:
    """The recurrent net as a Python loop."""
    x, *arrays = work.arrays()
    inputs = torch.from_numpy(x)
    params = wx, wh, b = [torch.from_numpy(a).requires_grad_() for a in arrays]

    def step() -> float:
        h = torch.zeros(work.batch, work.units)
        states = []
        for t in range(work.steps):
            h = torch.tanh(inputs[t] @ wx + h @ wh + b)
            states.append(h)
        loss = torch.stack(states).pow(2).mean()
        loss.backward()
        for p in params:
            p.data -= work.learning_rate * p.grad.data
            p.grad.data.zero_()
        return float(loss.item())

    return step


def graph_net(tf: Any, work: Net) -> Step:
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


def graph_gan(tf: Any, work: Gan) -> Step:
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


def graph_recurrent(tf: Any, work: Recurrent) -> Step:
    """The recurrent net as a scan."""
    x, *initial = work.arrays()
    graph = tf.Graph()
    with graph.as_default():
        inputs = tf.placeholder(tf.float32, (None, work.batch, work.units))
        params = wx, wh, b = [tf.Variable(a) for a in initial]
        start = tf.zeros((work.batch, work.units))
        states = tf.scan(lambda h, e: tf.tanh(tf.matmul(e, wx) + tf.matmul(h, wh) + b), inputs, initializer=start)
        loss = tf.reduce_mean(tf.square(states))
        train = tf.train.GradientDescentOptimizer(work.learning_rate).minimize(loss, var_list=params)
        initialize = tf.global_variables_initializer()
    session = _session(tf, graph)
    session.run(initialize)
    return lambda: float(session.run([loss, train], feed_dict={inputs: x})[0])


def _session(tf: Any, graph: Any) -> Any:
    threads = {"intra_op_parallelism_threads": THREADS, "inter_op_parallelism_threads": 1}
    return tf.Session(graph=graph, config=tf.ConfigProto(**threads))


@dataclass(frozen=True)
class Contender:
    """A system: the module to import, and its programs, which are handed that module."""

    module: str
    programs: dict[type, Callable[[Any, Any], Step]]

    def load(self) -> Any:
        """The module; None where it is not installed."""
        top, *parts = self.module.split(".")
        try:
            module: Any = import_module(top)
        except ModuleNotFoundError as error:
            if error.name != top:
                raise
            return None
        for part in parts:
            module = getattr(module, part)
        if top == "torch":
            module.set_num_threads(THREADS)
        return module

    def step(self, module: Any, work: Any) -> Step:
        """The training step for ``work``."""
        return self.programs[type(work)](module, work)


HAND: dict[type, Any] = {
    Net: lambda _, work: by_hand.net(work),
    Gan: lambda _, work: by_hand.gan(work),
    Recurrent: lambda _, work: by_hand.recurrent(work),
}
EAGER: dict[type, Any] = {Net: eager_net, Gan: eager_gan, Recurrent: eager_recurrent}
GRAPH: dict[type, Any] = {Net: graph_net, Gan: graph_gan, Recurrent: graph_recurrent}

CONTENDERS = {
    "numpy by hand": Contender("numpy", HAND),
    "PyTorch eager": Contender("torch", EAGER),
    "TensorFlow session": Contender("tensorflow.compat.v1", GRAPH),
    "dynamic": Contender("dynamic", EAGER),
    "static": Contender("static", GRAPH),
}
"""Everybody, by the name in the table; the first is what the others are compared with."""
