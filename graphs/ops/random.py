"""Random draws. They hold no state: ``key`` (seed, step, ordinal of the draw within the step) decides the numbers.

In a graph that is being built ``key`` is None, and whoever runs the graph passes one. What numpy draws for it is what there
is on every device: a GPU draws the common kinds itself (``graphs.codegen.draws``), the rest is drawn by numpy and copied.
float32 is drawn as float32, not rounded from float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from graphs.core.arrays import to_numpy
from graphs.core.errors import DtypeError, ShapeError
from graphs.core.op import index_dtype, like_first, op
from graphs.core.random import Key, drawn, generator
from graphs.core.spec import Shape, Spec
from graphs.ops.dtypes import real


_RANDOM = frozenset({"random"})


def _generator(key: Key | None) -> numpy.random.Generator:
    if key is None:
        raise ValueError("a random op was run without a key")
    return generator(key)


def _given_shape(*, shape: Sequence[int], **_: Any) -> Shape:
    if any(n is None or n < 0 for n in shape):
        raise ShapeError(f"{tuple(shape)} is not the shape of an array")
    return tuple(shape)


def _given_float(*, dtype: Any, **_: Any) -> Any:
    dtype = numpy.dtype(dtype)
    if dtype.kind != "f":
        raise DtypeError(f"{dtype} is not a floating dtype")
    return dtype


def _given_number(*, dtype: Any, **_: Any) -> Any:
    dtype = numpy.dtype(dtype)
    if dtype.kind not in "iuf":
        raise DtypeError(f"{dtype} is neither integer nor floating")
    return dtype


def _float_like(like: Any, **_: Any) -> Any:
    return _given_float(dtype=like)


def _drawn_in(dtype: Any) -> Any:
    """The dtype to draw in for ``dtype``: the generator knows float32 and float64."""
    return numpy.float64 if dtype == numpy.float64 else numpy.float32


def _normal(xp: Any, key: Key | None, shape: Sequence[int], dtype: Any, mean: float, stddev: float) -> Any:
    return (drawn(xp, key, "normal", shape, _drawn_in(dtype)) * stddev + mean).astype(dtype, copy=False)


def _uniform(xp: Any, key: Key | None, shape: Sequence[int], dtype: Any, low: float, high: float) -> Any:
    if dtype.kind != "f":
        return xp.asarray(_generator(key).integers(int(low), int(high), shape, dtype=dtype))
    return (drawn(xp, key, "uniform", shape, _drawn_in(dtype)) * (high - low) + low).astype(dtype, copy=False)


@op(_given_shape, dtype=_given_float, traits=_RANDOM)
def random_normal(
    xp: Any, *, shape: Sequence[int], dtype: Any = "float64", mean: float = 0.0, stddev: float = 1.0, key: Key | None = None
) -> Any:
    """Normal numbers."""
    return _normal(xp, key, shape, numpy.dtype(dtype), mean, stddev)


@op(_given_shape, dtype=_given_number, traits=_RANDOM)
def random_uniform(
    xp: Any, *, shape: Sequence[int], dtype: Any = "float64", low: float = 0.0, high: float = 1.0, key: Key | None = None
) -> Any:
    """Uniform numbers in ``[low, high)``; whole ones for an integer dtype."""
    return _uniform(xp, key, shape, numpy.dtype(dtype), low, high)


@op(like_first, dtype=_float_like, traits=_RANDOM)
def random_normal_like(xp: Any, _like: Any, *, mean: float = 0.0, stddev: float = 1.0, key: Key | None = None) -> Any:
    """Normal numbers of the shape and dtype of ``like``."""
    return _normal(xp, key, _like.shape, _like.dtype, mean, stddev)


@op(like_first, dtype=_float_like, traits=_RANDOM)
def random_uniform_like(xp: Any, _like: Any, *, low: float = 0.0, high: float = 1.0, key: Key | None = None) -> Any:
    """Uniform numbers in ``[low, high)`` of the shape and dtype of ``like``."""
    return _uniform(xp, key, _like.shape, _like.dtype, low, high)


@op(_given_shape, dtype=_given_float, traits=_RANDOM)
def truncated_normal(
    xp: Any, *, shape: Sequence[int], dtype: Any = "float64", mean: float = 0.0, stddev: float = 1.0, key: Key | None = None
) -> Any:
    """Normal numbers, those beyond two standard deviations drawn again."""
    wanted = numpy.dtype(dtype)
    draws = _generator(key)
    values = draws.standard_normal(tuple(shape), _drawn_in(wanted))
    while (far := abs(values) > 2.0).any():
        values[far] = draws.standard_normal(int(far.sum()), values.dtype)
    return xp.asarray((values * stddev + mean).astype(wanted, copy=False))


def _matrix_shape(*, shape: Sequence[int], **_: Any) -> Shape:
    if len(shape) < 2:
        raise ShapeError(f"a weight of shape {tuple(shape)} has no rows and columns")
    return _given_shape(shape=shape)


@op(_matrix_shape, dtype=_given_float, traits=_RANDOM)
def random_orthogonal(
    xp: Any, *, shape: Sequence[int], dtype: Any = "float64", gain: float = 1.0, key: Key | None = None
) -> Any:
    """A random matrix with orthonormal rows or columns, whichever are fewer, times ``gain`` (Saxe et al. 2014).

    Axes before the last are taken as one.
    """
    rows, columns = math.prod(shape[:-1]), shape[-1]
    draws = _generator(key).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = numpy.linalg.qr(draws)
    q *= numpy.sign(numpy.diagonal(r))  # the factorisation leaves signs open; these make the distribution uniform
    return xp.asarray((gain * (q if rows >= columns else q.T)).reshape(shape).astype(dtype))


@op(like_first, dtype=_float_like, traits=_RANDOM)
def bernoulli(xp: Any, p: Any, *, key: Key | None = None) -> Any:
    """1 with probability ``p``, else 0, element by element, in the dtype of ``p``."""
    return (drawn(xp, key, "uniform", p.shape, _drawn_in(p.dtype)) < p).astype(p.dtype)


@op(like_first, dtype=_float_like, traits=_RANDOM)
def dropout_mask(xp: Any, _like: Any, *, rate: float, key: Key | None = None) -> Any:
    """0 with probability ``rate``, else ``1 / (1 - rate)``, of the shape and dtype of ``like`` (Srivastava et al. 2014).

    The draws are float32 whatever the dtype, so that the same key drops the same elements in each.
    """
    kept = drawn(xp, key, "uniform", _like.shape, numpy.float32) >= rate
    return kept.astype(_like.dtype) * (1.0 / (1.0 - rate) if rate < 1.0 else 0.0)


@op(lambda *, n, **_: (n,), dtype=index_dtype, traits=_RANDOM)
def permutation(xp: Any, *, n: int, key: Key | None = None) -> Any:
    """The numbers 0 to ``n - 1`` in random order, int64."""
    return xp.asarray(_generator(key).permutation(n).astype(numpy.int64, copy=False))


def _drawn_shape(x: Spec, *, num_samples: int, replacement: bool, **_: Any) -> Shape:
    *rows, categories = x.shape if x.ndim else (None,)
    if not x.ndim:
        raise ShapeError("there are no categories along the axes of a scalar")
    if categories == 0 and num_samples:
        raise ShapeError("there are no categories to draw from")
    if not replacement and categories is not None and num_samples > categories:
        raise ShapeError(f"{num_samples} draws without replacement from {categories} categories")
    return (*rows, num_samples)


def _indices(*dtypes: Any, **_: Any) -> Any:
    real(*dtypes)
    return index_dtype()


@op(_drawn_shape, dtype=_indices, traits={*_RANDOM, "lenient"})
def multinomial(
    xp: Any, x: Any, *, num_samples: int, replacement: bool = True, logits: bool = False, key: Key | None = None
) -> Any:
    """``num_samples`` category indices for each row of the last axis of ``x``, int64.

    ``x`` holds weights, or with ``logits`` their logarithms, neither normalised. With replacement the distribution function
    is inverted; without it, the largest of the logarithms with Gumbel noise are taken (Kool, van Hoof and Welling 2019).
    """
    weights = to_numpy(x).astype(numpy.float64)
    draws = _generator(key)
    if not replacement:
        keys = (weights if logits else numpy.log(weights)) + draws.gumbel(size=weights.shape)
        return xp.asarray(numpy.argsort(-keys, axis=-1)[..., :num_samples])
    if logits:
        weights = numpy.exp(weights - weights.max(axis=-1, keepdims=True, initial=-numpy.inf))
    edges = weights.cumsum(axis=-1)
    points = draws.random((*edges.shape[:-1], num_samples)) * edges[..., -1:]
    rows = zip(edges.reshape(-1, edges.shape[-1]), points.reshape(-1, num_samples), strict=True)
    found = [numpy.searchsorted(edge, point, side="right") for edge, point in rows]
    return xp.asarray(numpy.reshape(found, points.shape).astype(numpy.int64))


for _op in (random_normal, random_uniform, truncated_normal, permutation):
    _op.vjp()
for _op in (random_normal_like, random_uniform_like, dropout_mask, bernoulli, multinomial):
    _op.vjp(None)
