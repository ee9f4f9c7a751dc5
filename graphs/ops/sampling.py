"""Draws of classes to be contrasted with the true ones: uniform, log-uniform (Zipf's law), or by weights.

With ``unique`` classes are drawn again until there are enough that differ; the number of draws that it took is what expected
counts are computed from (Jean et al. 2015).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from graphs.core.arrays import to_numpy
from graphs.core.errors import ShapeError
from graphs.core.op import like_first, op
from graphs.core.random import Key
from graphs.core.spec import Shape, Spec
from graphs.ops.dtypes import floats, ordered
from graphs.ops.random import _generator


_INT64 = numpy.dtype(numpy.int64)
DISTRIBUTIONS = ("uniform", "log_uniform")


def _draws(draw: Callable[[int], Any], count: int, unique: bool) -> tuple[Any, int]:
    """``count`` classes and the number of draws that it took."""
    if not unique:
        return draw(count), count
    drawn = draw(count)
    while True:
        first = numpy.sort(numpy.unique(drawn, return_index=True)[1])
        if len(first) >= count:
            return drawn[first[:count]], int(first[count - 1]) + 1
        drawn = numpy.concatenate([drawn, draw(max(count, len(drawn)))])


def _enough(count: int, classes: int | None, unique: bool) -> None:
    if count < 0 or (unique and classes is not None and count > classes):
        raise ShapeError(f"{count} different ones of {classes} classes cannot be drawn")


def _sampled(*, count: int, classes: int, unique: bool, distribution: str, **_: Any) -> tuple[Shape, Shape]:
    if distribution not in DISTRIBUTIONS:
        raise ShapeError(f"no distribution {distribution!r}; there are {', '.join(DISTRIBUTIONS)}")
    _enough(count, classes, unique)
    return ((count,), ())


@op(_sampled, dtype=lambda **_: (_INT64, _INT64), traits={"random"})
def sample_classes(
    xp: Any, *, count: int, classes: int, unique: bool = True, distribution: str = "uniform", key: Key | None = None
) -> tuple[Any, Any]:
    """``count`` of the numbers 0 to ``classes - 1`` and how many draws it took, both int64.

    They are drawn uniformly, or (log_uniform) ``k`` with probability ``log((k + 2) / (k + 1)) / log(classes + 1)``.
    """
    draws = _generator(key)
    scale = math.log(classes + 1)

    def draw(n: int) -> Any:
        if distribution == "uniform":
            return draws.integers(0, classes, n)
        return numpy.minimum(numpy.floor(numpy.exp(draws.random(n) * scale)).astype(numpy.int64) - 1, classes - 1)

    sampled, tries = _draws(draw, count, unique)
    return xp.asarray(sampled), xp.asarray(tries, dtype=_INT64)


def _weighed(weights: Spec, *, count: int, unique: bool, **_: Any) -> tuple[Shape, Shape]:
    if weights.dims is not None and weights.ndim != 1:
        raise ShapeError(f"the weights of classes are a vector, not {weights}")
    _enough(count, weights.size, unique)
    return ((count,), ())


def _weights_dtype(weights: Any, **_: Any) -> tuple[Any, Any]:
    ordered(weights)
    return (_INT64, _INT64)


@op(_weighed, dtype=_weights_dtype, traits={"lenient", "random"})
def sample_weighted(xp: Any, weights: Any, *, count: int, unique: bool = True, key: Key | None = None) -> tuple[Any, Any]:
    """``count`` positions in ``weights``, each with probability in proportion to its weight, and how many draws it took."""
    draws = _generator(key)
    given = to_numpy(weights).astype(numpy.float64)
    if (given < 0).any() or (unique and numpy.count_nonzero(given) < count):
        raise ValueError(f"sample_weighted: {count} classes of {numpy.count_nonzero(given > 0)} that have a positive weight")

    edges = given.cumsum()
    last = int(numpy.flatnonzero(given)[-1]) if edges.size and edges[-1] > 0 else 0

    def draw(n: int) -> Any:
        return numpy.minimum(numpy.searchsorted(edges, draws.random(n) * edges[-1], side="right"), last)

    sampled, tries = _draws(draw, count, unique)
    return xp.asarray(sampled.astype(numpy.int64)), xp.asarray(tries, dtype=_INT64)


sample_classes.vjp()
sample_weighted.vjp(None)


@op(like_first, dtype=floats, traits={"random"})
def random_gamma(xp: Any, shape_parameter: Any, *, key: Key | None = None) -> Any:
    """Numbers from gamma distributions of scale 1, one for each element of ``shape_parameter``, in its dtype."""
    alpha = to_numpy(shape_parameter)
    return xp.asarray(_generator(key).standard_gamma(alpha.astype(numpy.float64)), alpha.dtype)


@op(like_first, dtype=floats, traits={"random"})
def random_poisson(xp: Any, rate: Any, *, key: Key | None = None) -> Any:
    """Counts from Poisson distributions, one for each element of ``rate``, in its dtype."""
    lam = to_numpy(rate)
    return xp.asarray(_generator(key).poisson(lam.astype(numpy.float64)), lam.dtype)


random_gamma.vjp(None)
random_poisson.vjp(None)
