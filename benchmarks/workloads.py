"""What is timed: sizes, data and initial values, drawn once and the same for every contender."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy


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
        return tuple(draws.standard_normal(shape).astype(numpy.float32) for shape in shapes)


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
            for rows, columns in pairwise(sizes):
                yield (draws.standard_normal((rows, columns)) / numpy.sqrt(rows / 2.0)).astype(numpy.float32)
                yield numpy.zeros(columns, numpy.float32)

        return {
            "generator": list(layers(self.noise, self.hidden, self.pixels)),
            "discriminator": list(layers(self.pixels, self.hidden, 1)),
        }

    def batches(self) -> Iterator[tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]]:
        """Endless images, noise for the discriminator's turn, noise for the generator's: eight draws, again and again."""
        draws = numpy.random.default_rng(1)
        made = [
            (
                draws.random((self.batch, self.pixels), numpy.float32),
                draws.standard_normal((self.batch, self.noise), numpy.float32),
                draws.standard_normal((self.batch, self.noise), numpy.float32),
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
        return tuple(a.astype(numpy.float32) for a in (x, wx, wh, numpy.zeros(self.units)))


WORKLOADS: dict[str, Any] = {"net": Net(64, 1000, 100, 10), "tiny": Net(8, 16, 16, 4), "gan": Gan(), "scan": Recurrent()}
"""Every workload by its name."""
