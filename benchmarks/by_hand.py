"""The programs in plain numpy, gradients and optimiser written out: what the systems are measured against."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy

from benchmarks.workloads import Gan, Net, Recurrent


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


class Adam:
    """Adam over a list of arrays, one expression per line."""

    def __init__(self, params: list[numpy.ndarray], rate: float) -> None:
        self.params, self.rate, self.t = params, rate, 0
        self.m = [numpy.zeros_like(p) for p in params]
        self.v = [numpy.zeros_like(p) for p in params]

    def step(self, grads: list[numpy.ndarray]) -> None:
        """Change the parameters in place."""
        self.t += 1
        rate = self.rate * math.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t)
        for p, g, m, v in zip(self.params, grads, self.m, self.v, strict=True):
            m *= 0.9
            m += 0.1 * g
            v *= 0.999
            v += 0.001 * g * g
            p -= rate * m / (numpy.sqrt(v) + 1e-8)


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
