"""The programs of ``benchmarks.gpu``: one text for PyTorch and ``dynamic``, one for ``static``; a step waits for nothing.

Parameters live on the GPU. The two-layer nets have their data there too; the GAN and the convolutional net are sent a batch
each step, as in training. What a step's loss was is asked for when the systems are compared, never while they are timed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy

from benchmarks.contenders import by_hand
from benchmarks.contenders.base import AbsentError
from benchmarks.contenders.compiled import or_absent
from benchmarks.convolutional import SIDE, net as layers
from benchmarks.workloads import Adam, Chain, Gan, Net


@dataclass(frozen=True)
class Images:
    """A convolutional net on images of 28 by 28 pixels, trained by gradient descent."""

    batch: int = 100
    channels: int = 16
    learning_rate: float = 0.05


@dataclass(frozen=True)
class Large(Net):
    """A two-layer net that is bound by its products."""


@dataclass
class Program:
    """A step of a program, and what tells its last loss, or a number of its result."""

    step: Callable[[], None]
    loss: Callable[[], float]


def _there(torch: Any, array: numpy.ndarray) -> Any:
    return torch.from_numpy(array).to("cuda")


def _pinned(torch: Any, array: numpy.ndarray) -> Any:
    return torch.from_numpy(array).pin_memory()


def _compiled(torch: Any, function: Any) -> Any:
    """``function`` by ``torch.compile(mode="reduce-overhead")``, which replays CUDA graphs."""
    jitted = or_absent(torch.compile(function, mode="reduce-overhead", fullgraph=True, dynamic=False))

    def call(*args: Any) -> Any:
        torch.compiler.cudagraph_mark_step_begin()
        return jitted(*args)

    return call


def _adam(torch: Any, params: list[Any], rate: float) -> Any:
    """PyTorch's Adam in one launch when it is asked for; that of ``dynamic`` is so always."""
    return torch.optim.Adam(params, lr=rate, **({"fused": True} if torch.__name__ == "torch" else {}))


def net(torch: Any, work: Net, compiled: bool) -> Program:
    """The two-layer net with autograd, descending by an optimiser without state."""
    x, y, *initial = (_there(torch, a) for a in work.arrays())
    params = [a.requires_grad_() for a in initial]
    solver = torch.optim.SGD(params, lr=work.learning_rate)

    def loss_of(w1: Any, w2: Any) -> Any:
        return (torch.relu(x.mm(w1)).mm(w2) - y).pow(2).sum()

    return _descending(_compiled(torch, loss_of) if compiled else loss_of, params, solver)


def _descending(loss_of: Any, args: list[Any], solver: Any) -> Program:
    last: list[Any] = [None]

    def step() -> None:
        solver.zero_grad()
        loss = loss_of(*args)
        loss.backward()
        solver.step()
        last[0] = loss.detach()

    return Program(step, lambda: float(last[0].item()))


def gan(torch: Any, work: Gan, compiled: bool) -> Program:
    """The GAN: two losses, two optimisers, three arrays sent a step."""
    functional = torch.nn.functional
    nets = {name: [_there(torch, a).requires_grad_() for a in arrays] for name, arrays in work.weights().items()}
    own = {name: _adam(torch, params, work.learning_rate) for name, params in nets.items()}
    ones, zeros = (_there(torch, make((work.batch, 1), numpy.float32)) for make in (numpy.ones, numpy.zeros))
    draws = work.batches()
    batches = cycle([tuple(_pinned(torch, a) for a in next(draws)) for _ in range(8)])

    def run(name: str, x: Any) -> Any:
        w1, b1, w2, b2 = nets[name]
        return torch.sigmoid(torch.relu(x @ w1 + b1) @ w2 + b2)

    def of_discriminator(images: Any, noise: Any) -> Any:
        d_real, d_fake = run("discriminator", images), run("discriminator", run("generator", noise))
        return functional.binary_cross_entropy(d_real, ones) + functional.binary_cross_entropy(d_fake, zeros)

    def of_generator(noise: Any) -> Any:
        return functional.binary_cross_entropy(run("discriminator", run("generator", noise)), ones)

    losses = (
        [_compiled(torch, each) for each in (of_discriminator, of_generator)]
        if compiled
        else [of_discriminator, of_generator]
    )
    last: list[Any] = [None, None]

    def turn(i: int, name: str, *inputs: Any) -> None:
        loss = losses[i](*inputs)
        loss.backward()
        own[name].step()
        for solver in own.values():
            solver.zero_grad()
        last[i] = loss.detach().clone() if compiled else loss.detach()

    def step() -> None:
        images, noise, other = (a.to("cuda", non_blocking=True) for a in next(batches))
        turn(0, "discriminator", images, noise)
        turn(1, "generator", other)

    return Program(step, lambda: float(last[0].item() + last[1].item()))


def images(torch: Any, work: Images, compiled: bool) -> Program:
    """The convolutional net: a batch is sent each step."""
    random = numpy.random.default_rng(0)
    model = layers(torch, work.channels)
    for p in model.parameters():
        fan_in = int(numpy.prod(p.shape[1:])) if p.dim() > 1 else 100
        p.data.copy_(torch.from_numpy((random.standard_normal(tuple(p.shape)) / fan_in**0.5).astype("f")))
    model = model.to("cuda")
    x, y = (_pinned(torch, a) for a in _pictures(work, random))
    solver = torch.optim.SGD(model.parameters(), lr=work.learning_rate)
    loss_of = torch.nn.CrossEntropyLoss()
    forward = _compiled(torch, lambda x, y: loss_of(model(x), y)) if compiled else lambda x, y: loss_of(model(x), y)
    last: list[Any] = [None]

    def step() -> None:
        solver.zero_grad()
        loss = forward(x.to("cuda", non_blocking=True), y.to("cuda", non_blocking=True))
        loss.backward()
        solver.step()
        last[0] = loss.detach()

    return Program(step, lambda: float(last[0].item()))


def _pictures(work: Images, random: Any) -> tuple[numpy.ndarray, numpy.ndarray]:
    return random.standard_normal((work.batch, 1, SIDE, SIDE)).astype("f"), random.integers(0, 10, work.batch)


def chain(torch: Any, work: Chain, compiled: bool) -> Program:
    """The chain, written as one writes it."""
    a = torch.from_numpy(_long(work.size)).to("cuda")

    def out_of(a: Any) -> Any:
        return torch.sigmoid(2 * a + 1) * torch.tanh(a) - torch.exp(-(a**2))

    function = _compiled(torch, out_of) if compiled else out_of
    last: list[Any] = [None]

    def step() -> None:
        last[0] = None  # its memory is for the next
        with torch.no_grad():
            last[0] = function(a)

    return Program(step, lambda: float(last[0][work.size // 3].item()))


def _long(size: int, seed: int = 0) -> numpy.ndarray:
    """A vector whose numbers repeat: drawing as many would take minutes."""
    few = numpy.random.default_rng(seed).standard_normal(min(size, 1 << 20)).astype("f")
    return numpy.resize(few, size)


def adam(torch: Any, work: Adam, compiled: bool) -> Program:
    """Adam alone, gradients put where ``backward`` would put them."""
    if compiled:
        raise AbsentError("its optimiser is one fused kernel already")
    p, *grads = (torch.from_numpy(_long(work.size, seed)).to("cuda") for seed in range(3))
    solver, turns = _adam(torch, [p.requires_grad_()], work.learning_rate), cycle(grads)

    def step() -> None:
        p.grad = next(turns)
        solver.step()

    return Program(step, lambda: float(p.detach()[work.size // 3].item()))


TAPED = {Net: net, Large: net, Gan: gan, Images: images, Chain: chain, Adam: adam}
"""Programs in the text that PyTorch and ``dynamic`` share: ``program(torch, work, compiled)``."""


# static


def _session(tf: Any, graph: Any, feeds: Any = None) -> Any:
    session = tf.Session(graph=graph)
    with graph.as_default():
        session.run(tf.global_variables_initializer(), feed_dict=feeds)
    return session


def static_net(tf: Any, work: Net) -> Program:
    """The two-layer net as a graph; its data are variables that are not trained."""
    graph = tf.Graph()
    with graph.as_default(), tf.device("/gpu:0"):
        x, y, *params = (tf.Variable(a, trainable=i > 1) for i, a in enumerate(work.arrays()))
        w1, w2 = params
        loss = tf.reduce_sum((tf.matmul(tf.nn.relu(tf.matmul(x, w1)), w2) - y) ** 2.0)
        train = tf.train.GradientDescentOptimizer(work.learning_rate).minimize(loss)
        kept = tf.Variable(numpy.float32(0), trainable=False)
        step = tf.group(train, kept.assign(loss))
    session = _session(tf, graph)
    return Program(lambda: session.run(step), lambda: float(session.run(kept)))


def static_gan(tf: Any, work: Gan) -> Program:
    """The GAN as a graph, a run for each net's turn."""
    graph = tf.Graph()
    with graph.as_default(), tf.device("/gpu:0"):
        nets = {name: [tf.Variable(a) for a in arrays] for name, arrays in work.weights().items()}
        images = tf.placeholder(tf.float32, (work.batch, work.pixels))
        noise = tf.placeholder(tf.float32, (work.batch, work.noise))

        def run(name: str, x: Any) -> Any:
            w1, b1, w2, b2 = nets[name]
            return tf.nn.sigmoid(tf.matmul(tf.nn.relu(tf.matmul(x, w1) + b1), w2) + b2)

        d_real, d_fake = run("discriminator", images), run("discriminator", run("generator", noise))
        losses = [-tf.reduce_mean(tf.log(d_real) + tf.log(1.0 - d_fake)), -tf.reduce_mean(tf.log(d_fake))]
        kept = [tf.Variable(numpy.float32(0), trainable=False) for _ in losses]
        turns = []
        for loss, name, value in zip(losses, ("discriminator", "generator"), kept, strict=True):
            train = tf.train.AdamOptimizer(work.learning_rate).minimize(loss, var_list=nets[name])
            turns.append(tf.group(train, value.assign(loss)))
    session = _session(tf, graph)
    draws = work.batches()
    batches = cycle([next(draws) for _ in range(8)])

    def step() -> None:
        x, first, second = next(batches)
        session.run(turns[0], feed_dict={images: x, noise: first})
        session.run(turns[1], feed_dict={noise: second})

    return Program(step, lambda: float(sum(session.run(kept))))


def static_images(tf: Any, work: Images) -> Program:
    """The convolutional net as a graph, with channels last as ``tf.layers`` has them; its losses are its own."""
    random = numpy.random.default_rng(0)
    graph = tf.Graph()
    with graph.as_default(), tf.device("/gpu:0"):
        tf.set_random_seed(0)
        x = tf.placeholder(tf.float32, (work.batch, SIDE, SIDE, 1))
        y = tf.placeholder(tf.int64, (work.batch,))
        h: Any = x
        for channels, pooled in ((work.channels, False), (work.channels, True), (2 * work.channels, True)):
            h = tf.layers.conv2d(h, channels, 3, padding="same", activation=tf.nn.relu)
            h = tf.layers.max_pooling2d(h, 2, 2) if pooled else h
        h = tf.layers.dense(tf.layers.flatten(h), 8 * work.channels, activation=tf.nn.relu)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=tf.layers.dense(h, 10)))
        train = tf.train.GradientDescentOptimizer(work.learning_rate).minimize(loss)
        kept = tf.Variable(numpy.float32(0), trainable=False)
        update = tf.group(train, kept.assign(loss))
    session = _session(tf, graph)
    given, labels = _pictures(work, random)
    feed = {x: numpy.ascontiguousarray(given.transpose(0, 2, 3, 1)), y: labels}
    return Program(lambda: session.run(update, feed_dict=feed), lambda: float(session.run(kept)))


def static_chain(tf: Any, work: Chain) -> Program:
    """The chain, into a variable."""
    graph = tf.Graph()
    with graph.as_default(), tf.device("/gpu:0"):
        start = tf.placeholder(tf.float32, (work.size,))
        a, out = tf.Variable(start), tf.Variable(start)
        step = out.assign(tf.sigmoid(2.0 * a + 1.0) * tf.tanh(a) - tf.exp(-tf.square(a))).op
        found = out[work.size // 3]
    session = _session(tf, graph, {start: _long(work.size)})
    return Program(lambda: session.run(step), lambda: float(session.run(found)))


def static_adam(tf: Any, work: Adam) -> Program:
    """Adam alone: a run for each of two gradients, which are variables."""
    graph = tf.Graph()
    with graph.as_default(), tf.device("/gpu:0"):
        starts = [tf.placeholder(tf.float32, (work.size,)) for _ in range(3)]
        p, *grads = (tf.Variable(start, trainable=i == 0) for i, start in enumerate(starts))
        solver = tf.train.AdamOptimizer(work.learning_rate)
        steps = cycle([solver.apply_gradients([(g.value(), p)]) for g in grads])
        found = p[work.size // 3]
    session = _session(tf, graph, {start: _long(work.size, seed) for seed, start in enumerate(starts)})
    return Program(lambda: session.run(next(steps)), lambda: float(session.run(found)))


STATIC = {
    Net: static_net,
    Large: static_net,
    Gan: static_gan,
    Images: static_images,
    Chain: static_chain,
    Adam: static_adam,
}
"""Programs of ``static``: ``program(tf, work)``."""


def on_processor(work: Net) -> Program:
    """The two-layer net by numpy on the processor."""
    step = by_hand.PROGRAMS[Net](numpy, Net(work.batch, work.inputs, work.hidden, work.outputs, work.learning_rate))
    last = [0.0]

    def run() -> None:
        last[0] = step()

    return Program(run, lambda: last[0])
