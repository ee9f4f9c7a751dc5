"""Inputs to try an expression on: random ones, and those at which rules go wrong (NaN, infinities, zeros, nothing)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy
from numpy import ndarray

from graphs.core.spec import Spec


Array = ndarray[Any, Any]

_SIZES = (3, 1, 2, 0)
"""What unknown dimensions are taken to be, one after the other."""

EDGES = 16
"""How many ``edges`` there are: a power of two, so that odd steps round them come to each."""

TAME = "ordinary"
"""The word for inputs on which nothing overflows or loses digits without reason."""


def probes(specs: Sequence[Spec], seed: int = 0) -> Iterator[tuple[str, tuple[Array, ...]]]:
    """Inputs of ``specs``, each with a word for its kind: ordinary, large, small, edges, equal."""
    random = numpy.random.default_rng(seed)
    open_ = any(spec.dims is None or None in spec.dims for spec in specs)
    for size in _SIZES if open_ else _SIZES[:1]:
        given = [(_shape(spec, size), spec.dtype) for spec in specs]
        for kind in (TAME, "positive", "large", "small"):
            yield kind, tuple([_drawn(random, kind, *each) for each in given])
        for inputs in _on_edges(random, given):
            yield "edges", inputs
        yield "equal", tuple([_drawn(random, "equal", *each) for each in given])


def _on_edges(random: numpy.random.Generator, given: Sequence[tuple[tuple[int, ...], Any]]) -> Iterator[tuple[Array, ...]]:
    """Inputs at which rules go wrong: so many that small ones have had each of ``edges`` at each element."""
    least = min([math.prod(shape) for shape, dtype in given if dtype.kind == "f"], default=0)
    starts = [(random.integers(0, EDGES, shape), 1 + 2 * int(random.integers(8))) for shape, _ in given]
    for n in range(EDGES if 0 < least < EDGES else 3):
        yield tuple(
            [
                numpy.asarray(edges(dtype)[(start + n * step) % EDGES])
                if dtype.kind == "f"
                else _drawn(random, "edges", shape, dtype)
                for (shape, dtype), (start, step) in zip(given, starts, strict=True)
            ]
        )


def _shape(spec: Spec, size: int) -> tuple[int, ...]:
    return (size, size) if spec.dims is None else tuple(size if n is None else n for n in spec.dims)


def _drawn(random: numpy.random.Generator, kind: str, shape: tuple[int, ...], dtype: Any) -> Array:
    if dtype.kind == "b":
        return random.random(shape) < 0.5
    if dtype.kind in "iu":
        high = 3 if kind in (TAME, "positive", "small") else 1 if kind == "equal" else 100
        low = 0 if dtype.kind == "u" or kind in (TAME, "positive", "equal") else -high
        return random.integers(low, high, shape, endpoint=True).astype(dtype)
    if dtype.kind == "c":
        return (random.standard_normal(shape) + 1j * random.standard_normal(shape)).astype(dtype)
    if dtype.kind != "f":
        return numpy.zeros(shape, dtype)
    normal = random.standard_normal(shape)
    if kind == "equal":
        return numpy.full(shape, 0.5, dtype)
    scale = {"large": 50.0, "small": 1e-4}.get(kind, 1.0)
    return numpy.asarray((abs(normal) if kind == "positive" else normal) * scale).astype(dtype)


def edges(dtype: Any) -> Array:
    """Numbers of a floating dtype at which rules go wrong: NaN, infinities, both zeros, the least and the greatest."""
    info = numpy.finfo(dtype)
    values = [numpy.nan, numpy.inf, -numpy.inf, 0.0, -0.0, 1.0, -1.0, 0.5, info.max, -info.max, info.tiny]
    return numpy.array([*values, info.smallest_subnormal, -info.tiny, 1.0 + info.eps, 2.0, -3.0], dtype)
