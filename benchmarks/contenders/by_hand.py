"""The programs in plain numpy, gradients and optimiser written out, in place and in blocks where that is faster."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import numpy

from benchmarks import workloads
from benchmarks.workloads import Chain, Gan, Lstm, Net, Recurrent


BLOCK = 16384
"""Elements of a vector that are worked on at once, so that what lies between two operations stays in the cache."""


def _blocks(size: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK))


def net(work: Net) -> Callable[[], float]:
    """The two-layer net: forward, loss, backward and update."""
    x, y, w1, w2 = work.arrays()

    def step() -> float:
        h = x @ w1
        h_relu = numpy.maximum(h, 0)
        difference = h_relu @ w2 - y
        loss = numpy.square(difference).sum()
        grad_y = 2.0 * difference
        grad_w2 = h_relu.T @ grad_y
        grad_h = grad_y @ w2.T
        grad_h[h < 0] = 0
        grad_w1 = x.T @ grad_h
        numpy.subtract(w1, work.learning_rate * grad_w1, out=w1)
        numpy.subtract(w2, work.learning_rate * grad_w2, out=w2)
        return float(loss)

    return step


def chain(work: Chain) -> Callable[[], float]:
    """The chain, block by block into one array."""
    a, places = work.array(), work.places()
    out, scratch = numpy.empty_like(a), numpy.empty(BLOCK, a.dtype)

    def step() -> float:
        for block in _blocks(a.size):
            x, y = a[block], out[block]
            s = scratch[: x.size]
            numpy.multiply(x, -2, out=s)
            s -= 1
            numpy.exp(s, out=s)
            s += 1
            numpy.tanh(x, out=y)
            y /= s
            numpy.multiply(x, x, out=s)
            numpy.negative(s, out=s)
            y -= numpy.exp(s, out=s)
        return float(out[next(places)])

    return step


def recurrent(work: Recurrent) -> Callable[[], float]:
    """The recurrent net: products with the inputs, and of the weights' gradients, are taken over all steps at once."""
    x, wx, wh, b = work.arrays()
    flat = x.reshape(-1, work.units)

    def step() -> float:
        inputs = (flat @ wx + b).reshape(x.shape)
        states = numpy.zeros((work.steps + 1, work.batch, work.units), numpy.float32)
        for t in range(work.steps):
            numpy.tanh(inputs[t] + states[t] @ wh, out=states[t + 1])
        loss = numpy.square(states[1:]).mean()
        grads = states[1:] * numpy.float32(2 / inputs.size)
        back = numpy.empty_like(inputs)
        carried: numpy.ndarray | float = 0.0
        for t in reversed(range(work.steps)):
            numpy.multiply(grads[t] + carried, 1 - states[t + 1] ** 2, out=back[t])
            carried = back[t] @ wh.T
        gathered = back.reshape(flat.shape)
        numpy.subtract(wx, work.learning_rate * (flat.T @ gathered), out=wx)
        numpy.subtract(wh, work.learning_rate * (states[:-1].reshape(flat.shape).T @ gathered), out=wh)
        numpy.subtract(b, work.learning_rate * gathered.sum(0), out=b)
        return float(loss)

    return step


def lstm(work: Lstm) -> Callable[[], float]:
    """The LSTM, with the same products over all steps at once, and one sigmoid over three of the gates."""
    x, wx, wh, b = work.arrays()
    units = work.units
    # The gate without a sigmoid goes last, so that the others lie side by side: i, f, o, j.
    order = numpy.r_[0:units, 2 * units : 4 * units, units : 2 * units]
    wx, wh, b = (a[..., order].copy() for a in (wx, wh, b))
    flat = x.reshape(-1, work.inputs)
    forget_bias = numpy.zeros_like(b)
    forget_bias[units : 2 * units] = 1
    shape = (work.steps, work.batch, units)

    def step() -> float:
        gates = (flat @ wx + (b + forget_bias)).reshape(work.steps, work.batch, 4 * units)
        cells = numpy.zeros((work.steps + 1, *shape[1:]), numpy.float32)
        squashed, states = numpy.empty(shape, numpy.float32), numpy.zeros_like(cells)
        for t, sums in enumerate(gates):
            sums += states[t] @ wh
            sigmoids, j = sums[:, : 3 * units], sums[:, 3 * units :]
            numpy.negative(sigmoids, out=sigmoids)
            numpy.exp(sigmoids, out=sigmoids)
            sigmoids += 1
            numpy.reciprocal(sigmoids, out=sigmoids)
            numpy.tanh(j, out=j)
            i, f, o = (sums[:, k * units : (k + 1) * units] for k in range(3))
            numpy.multiply(cells[t], f, out=cells[t + 1])
            cells[t + 1] += i * j
            numpy.tanh(cells[t + 1], out=squashed[t])
            numpy.multiply(squashed[t], o, out=states[t + 1])
        loss = numpy.square(states[1:]).mean()

        grads = states[1:] * numpy.float32(2 / squashed.size)
        slopes = gates * (1 - gates)  # of the sigmoids
        on_state: numpy.ndarray | float = 0.0
        on_cell: numpy.ndarray | float = 0.0
        for t in reversed(range(work.steps)):
            i, f, o, j = (gates[t, :, k * units : (k + 1) * units] for k in range(4))
            back_i, back_f, back_o, back_j = (slopes[t, :, k * units : (k + 1) * units] for k in range(4))
            on_state = grads[t] + on_state
            on_cell = on_state * o * (1 - squashed[t] ** 2) + on_cell
            back_i *= on_cell * j
            back_f *= on_cell * cells[t]
            back_o *= on_state * squashed[t]
            numpy.multiply(on_cell * i, 1 - j * j, out=back_j)
            on_cell = on_cell * f
            on_state = slopes[t] @ wh.T
        gathered = slopes.reshape(-1, 4 * units)
        numpy.subtract(wx, work.learning_rate * (flat.T @ gathered), out=wx)
        numpy.subtract(wh, work.learning_rate * (states[:-1].reshape(-1, units).T @ gathered), out=wh)
        numpy.subtract(b, work.learning_rate * gathered.sum(0), out=b)
        return float(loss)

    return step


class Adam:
    """Adam over a list of arrays, each taken as a vector, in place and in blocks."""

    def __init__(self, params: list[numpy.ndarray], rate: float) -> None:
        self.params, self.rate, self.t = [p.reshape(-1) for p in params], rate, 0
        self.m = [numpy.zeros_like(p) for p in self.params]
        self.v = [numpy.zeros_like(p) for p in self.params]
        self.scratch = numpy.empty(BLOCK, numpy.float32)

    def step(self, grads: list[numpy.ndarray]) -> None:
        """Change the parameters in place."""
        self.t += 1
        rate = self.rate * math.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t)
        for whole in zip(self.params, (g.reshape(-1) for g in grads), self.m, self.v, strict=True):
            for block in _blocks(whole[0].size):
                p, g, m, v = (a[block] for a in whole)
                s = self.scratch[: p.size]
                m *= 0.9
                m += numpy.multiply(g, 0.1, out=s)
                v *= 0.999
                numpy.multiply(g, g, out=s)
                s *= 0.001
                v += s
                numpy.sqrt(v, out=s)
                s += 1e-8
                numpy.divide(m, s, out=s)
                s *= rate
                p -= s


def adam(work: workloads.Adam) -> Callable[[], float]:
    """Adam alone."""
    p, *grads = work.arrays()
    solver = Adam([p], work.learning_rate)
    turns, places = cycle(grads), work.places()

    def step() -> float:
        solver.step([next(turns)])
        return float(p[next(places)])

    return step


def _sigmoid(x: numpy.ndarray) -> numpy.ndarray:
    return 1 / (1 + numpy.exp(-x))


def _backward(
    inputs: numpy.ndarray, hidden: numpy.ndarray, weights: list[numpy.ndarray], grad: numpy.ndarray
) -> tuple[list[numpy.ndarray], numpy.ndarray]:
    """Gradients of a net's parameters, and of its hidden layer's sums, from that of its output's sums."""
    _, _, w2, _ = weights
    grad_hidden = grad @ w2.T
    grad_hidden[hidden <= 0] = 0
    return [inputs.T @ grad_hidden, grad_hidden.sum(0), hidden.T @ grad, grad.sum(0)], grad_hidden


def gan(work: Gan) -> Callable[[], float]:
    """The GAN: the discriminator's turn, then the generator's; nothing is computed that no update needs."""
    weights = work.weights()
    generator, discriminator = weights["generator"], weights["discriminator"]
    g_solver, d_solver = Adam(generator, work.learning_rate), Adam(discriminator, work.learning_rate)
    batches = work.batches()
    scale = numpy.float32(1 / work.batch)

    def forward(net: list[numpy.ndarray], x: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
        w1, b1, w2, b2 = net
        hidden = numpy.maximum(x @ w1 + b1, 0)
        return hidden, _sigmoid(hidden @ w2 + b2)

    def step() -> float:
        images, noise, other = next(batches)
        _, fakes = forward(generator, noise)
        hidden_real, real = forward(discriminator, images)
        hidden_fake, fake = forward(discriminator, fakes)
        d_loss = -numpy.mean(numpy.log(real) + numpy.log(1 - fake))
        on_real, _ = _backward(images, hidden_real, discriminator, (real - 1) * scale)
        on_fake, _ = _backward(fakes, hidden_fake, discriminator, fake * scale)
        d_solver.step([a + b for a, b in zip(on_real, on_fake, strict=True)])

        hidden, fakes = forward(generator, other)
        hidden_fake, fake = forward(discriminator, fakes)
        g_loss = -numpy.mean(numpy.log(fake))
        w1, _, w2, _ = discriminator
        grad_hidden = ((fake - 1) * scale) @ w2.T
        grad_hidden[hidden_fake <= 0] = 0
        grad_images = grad_hidden @ w1.T
        g_solver.step(_backward(other, hidden, generator, grad_images * fakes * (1 - fakes))[0])
        return float(d_loss + g_loss)

    return step


PROGRAMS: dict[type, Any] = {
    kind: (lambda _, work, program=program: program(work))
    for kind, program in {
        Net: net,
        Gan: gan,
        Chain: chain,
        workloads.Adam: adam,
        Recurrent: recurrent,
        Lstm: lstm,
    }.items()
}
