"""What is timed: sizes, data and initial values, drawn once and the same for every contender.

This module and ``benchmarks/theano`` run under Python 3.8 too, where Theano is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy


ALIGNMENT = 64
"""Bytes. TensorFlow and JAX take arrays that begin at such an address as they are, and copy others at each feed."""


def aligned(values: numpy.ndarray) -> numpy.ndarray:
    """A copy of ``values`` in float32 whose memory begins at a multiple of ``ALIGNMENT``."""
    memory = numpy.empty(values.size * 4 + ALIGNMENT, numpy.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    out = memory[start : start + values.size * 4].view(numpy.float32).reshape(values.shape)
    out[...] = values
    return out


@dataclass(frozen=True)
class Net:
    """A two-layer net with a squared loss on random data, trained by hand-written gradient descent."""

    batch: int
    inputs: int
    hidden: int
    outputs: int
    learning_rate: float = 1e-6

    def arrays(self) -> tuple[numpy.ndarray, ...]:
        """Inputs, targets and the two weights, float32, new ones at each call."""
        draws = numpy.random.default_rng(0)
        shapes = [
            (self.batch, self.inputs),
            (self.batch, self.outputs),
            (self.inputs, self.hidden),
            (self.hidden, self.outputs),
        ]
        return tuple(aligned(draws.standard_normal(shape)) for shape in shapes)


@dataclass(frozen=True)
class Gan:
    """A generator and a discriminator of two layers each, trained by Adam in turns."""

    batch: int = 64
    pixels: int = 784
    hidden: int = 128
    noise: int = 100
    learning_rate: float = 1e-3

    def weights(self) -> dict[str, list[numpy.ndarray]]:
        """Weight, bias, weight, bias of ``generator`` and ``discriminator``, float32, new ones at each call."""
        draws = numpy.random.default_rng(0)

        def layers(*sizes: int) -> Iterator[numpy.ndarray]:
            for rows, columns in zip(sizes, sizes[1:]):  # noqa: B905, RUF007  # Python 3.8 has neither
                yield aligned(draws.standard_normal((rows, columns)) / numpy.sqrt(rows / 2.0))
                yield aligned(numpy.zeros(columns))

        return {
            "generator": list(layers(self.noise, self.hidden, self.pixels)),
            "discriminator": list(layers(self.pixels, self.hidden, 1)),
        }

    def batches(self) -> Iterator[tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]]:
        """Endless images, noise for the discriminator's turn, noise for the generator's: eight draws, again and again."""
        draws = numpy.random.default_rng(1)
        made = [
            (
                aligned(draws.random((self.batch, self.pixels), numpy.float32)),
                aligned(draws.standard_normal((self.batch, self.noise), numpy.float32)),
                aligned(draws.standard_normal((self.batch, self.noise), numpy.float32)),
            )
            for _ in range(8)
        ]
        while True:
            yield from made


@dataclass(frozen=True)
class Recurrent:
    """A recurrent net, ``h = tanh(x @ wx + h @ wh + b)`` at each step, with a squared loss on all of its states."""

    steps: int = 100
    batch: int = 32
    units: int = 128
    learning_rate: float = 1e-2

    def arrays(self) -> tuple[numpy.ndarray, ...]:
        """Inputs (steps, batch, units), the two weights and the bias, float32, new ones at each call."""
        draws = numpy.random.default_rng(0)
        x = draws.standard_normal((self.steps, self.batch, self.units))
        wx, wh = draws.standard_normal((2, self.units, self.units)) / numpy.sqrt(self.units) * 0.7
        return tuple(aligned(a) for a in (x, wx, wh, numpy.zeros(self.units)))


@dataclass(frozen=True)
class Lstm:
    """A layer of long short-term memory (Hochreiter and Schmidhuber 1997) with a squared loss on all of its outputs.

    ``i, j, f, o = split(x @ wx + h @ wh + b, 4)``, then ``c = c * sigmoid(f + 1) + sigmoid(i) * tanh(j)`` and
    ``h = tanh(c) * sigmoid(o)``: TensorFlow's ``BasicLSTMCell``.
    """

    steps: int = 50
    batch: int = 32
    inputs: int = 128
    units: int = 128
    learning_rate: float = 1.0

    def arrays(self) -> tuple[numpy.ndarray, ...]:
        """Inputs (steps, batch, inputs), both weights (…, 4 * units), the bias; float32, new ones at each call."""
        draws = numpy.random.default_rng(0)
        x = draws.standard_normal((self.steps, self.batch, self.inputs))
        wx = draws.standard_normal((self.inputs, 4 * self.units)) / numpy.sqrt(self.inputs)
        wh = draws.standard_normal((self.units, 4 * self.units)) / numpy.sqrt(self.units)
        return tuple(aligned(a) for a in (x, wx, wh, numpy.zeros(4 * self.units)))


@dataclass(frozen=True)
class Chain:
    """``sigmoid(2a + 1) * tanh(a) - exp(-a * a)`` of a long vector, all of it; a step returns one element to check.

    Which element differs from step to step, so that nobody gets away with computing that one alone.
    """

    size: int = 1_000_000

    def array(self) -> numpy.ndarray:
        """The vector, float32, a new one at each call."""
        return aligned(numpy.random.default_rng(0).standard_normal(self.size))

    def places(self) -> Iterator[int]:
        """Endless positions to look at."""
        return places(self.size)


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba 2015) on one long vector of parameters; gradients are given, two of them in turns.

    A step returns one of the updated parameters to check, at another place each time. Gradients that change by turns
    move the parameters by less than the learning rate, which a wrong decay would not do.
    """

    size: int = 10_000_000
    learning_rate: float = 0.1

    def arrays(self) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
        """Parameters and the two gradients, float32, new ones at each call."""
        draws = numpy.random.default_rng(0)
        p, first, second = (aligned(draws.standard_normal(self.size, numpy.float32)) for _ in range(3))
        return p, first, second

    def places(self) -> Iterator[int]:
        """Endless positions to look at."""
        return places(self.size)


def places(size: int) -> Iterator[int]:
    """Endless positions in a vector of ``size``, never the same twice in a row."""
    at = 0
    while True:
        at = (at + 7919) % size
        yield at


WORKLOADS: dict[str, Any] = {
    "net": Net(64, 1000, 100, 10),
    "tiny": Net(8, 16, 16, 4),
    "gan": Gan(),
    "chain": Chain(),
    "adam": Adam(),
    "scan": Recurrent(),
    "lstm": Lstm(),
}
"""Every workload by its name."""

_TIMES, _MINUS = "\u00d7", "\u2212"

TITLES = {
    "net": _TIMES.join(["net 64", "1000", "100", "10"]),
    "tiny": _TIMES.join(["net 8", "16", "16", "4"]),
    "gan": "GAN with Adam, batch 64",
    "chain": f"\u03c3(2a+1)·tanh(a){_MINUS}exp({_MINUS}a²), a million elements",
    "adam": "Adam, ten million parameters",
    "scan": f"tanh net, 100 steps of 32{_TIMES}128",
    "lstm": f"LSTM, 50 steps of 32{_TIMES}128",
}
"""What the workloads are called in tables."""


SMALL: dict[str, Any] = {
    "net": Net(4, 6, 5, 3, learning_rate=1e-3),
    "gan": Gan(batch=4, pixels=9, hidden=5, noise=3),
    "chain": Chain(1000),
    "adam": Adam(1000),
    "scan": Recurrent(steps=5, batch=2, units=4, learning_rate=1e-1),
    "lstm": Lstm(steps=5, batch=2, inputs=3, units=4),
}
"""The same programs at sizes for checking that everybody computes the same."""
