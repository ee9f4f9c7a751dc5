"""The matrix products that a step cannot do without, and nothing else: ``numpy.matmul`` into arrays made before.

Operands that a step needs transposed are views, as BLAS takes them. What is multiplied is drawn at random, and so free of
denormal numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy

from benchmarks.workloads import Gan, Lstm, Net, Recurrent, aligned


Product = tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]
"""Two operands and where their product goes."""


def _drawn(*shape: int) -> numpy.ndarray:
    return aligned(numpy.random.default_rng(list(shape)).standard_normal(shape) / 8)


def _product(x: numpy.ndarray, y: numpy.ndarray) -> Product:
    return x, y, _drawn(len(x), y.shape[1])


def _forward(x: numpy.ndarray, *weights: numpy.ndarray) -> Iterator[Product]:
    """The products of layers, one after the other."""
    for w in weights:
        yield _product(x, w)
        x = _drawn(len(x), w.shape[1])


def _backward(x: numpy.ndarray, w1: numpy.ndarray, w2: numpy.ndarray) -> Iterator[Product]:
    """The products of two layers' gradients: both weights' and the hidden values'."""
    hidden, grad = _drawn(len(x), w1.shape[1]), _drawn(len(x), w2.shape[1])
    yield _product(hidden.T, grad)
    yield _product(grad, w2.T)
    yield _product(x.T, hidden)


def net(work: Net) -> list[Product]:
    """Five products."""
    x, _, w1, w2 = work.arrays()
    return [*_forward(x, w1, w2), *_backward(x, w1, w2)]


def gan(work: Gan) -> list[Product]:
    """Twenty-one: in the discriminator's turn six forward and six backward, in the generator's four and five."""
    weights = work.weights()
    (g1, _, g2, _), (d1, _, d2, _) = weights["generator"], weights["discriminator"]
    images, noise, other = next(work.batches())
    fakes = _drawn(*images.shape)
    grad, on_hidden = _drawn(work.batch, 1), _drawn(work.batch, work.hidden)
    turn = [*_forward(noise, g1, g2), *_forward(images, d1, d2), *_forward(fakes, d1, d2)]
    turn += [*_backward(images, d1, d2), *_backward(fakes, d1, d2)]
    turn += [*_forward(other, g1, g2), *_forward(fakes, d1, d2)]
    return [*turn, _product(grad, d2.T), _product(on_hidden, d1.T), *_backward(other, g1, g2)]


def recurrent(work: Recurrent) -> list[Product]:
    """Three over all steps at once, and two a step with the recurrent weight, forward and backward."""
    x, wx, wh, _ = work.arrays()
    return _unrolled(x, wx, wh)


def lstm(work: Lstm) -> list[Product]:
    """The same with the four gates side by side."""
    x, wx, wh, _ = work.arrays()
    return _unrolled(x, wx, wh)


def _unrolled(x: numpy.ndarray, wx: numpy.ndarray, wh: numpy.ndarray) -> list[Product]:
    steps, batch, _ = x.shape
    flat = x.reshape(steps * batch, -1)
    sums, states = _drawn(steps, batch, wh.shape[1]), _drawn(steps, batch, len(wh))
    out, back = numpy.empty_like(sums), numpy.empty_like(states)
    every = [(flat, wx, _drawn(len(flat), wx.shape[1]))]
    every += [(states[t], wh, out[t]) for t in range(steps)]
    every += [(sums[t], wh.T, back[t]) for t in range(steps)]
    grads = sums.reshape(len(flat), -1)
    return [*every, _product(flat.T, grads), _product(states.reshape(len(flat), -1).T, grads)]


def _program(list_of: Callable[[Any], list[Product]]) -> Callable[[Any, Any], Callable[[], float]]:
    def setup(_: Any, work: Any) -> Callable[[], float]:
        products = list_of(work)
        matmul = numpy.matmul

        def step() -> float:
            for x, y, out in products:
                matmul(x, y, out=out)
            return 0.0

        return step

    return setup


PRODUCTS: dict[type, Callable[[Any], list[Product]]] = {Net: net, Gan: gan, Recurrent: recurrent, Lstm: lstm}
PROGRAMS = {kind: _program(list_of) for kind, list_of in PRODUCTS.items()}
