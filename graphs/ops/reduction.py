"""Reductions over one axis, several or all, and the duals that spread a gradient back over them."""

from __future__ import annotations

import math
from typing import Any

import numpy

from graphs.core.arrays import spread
from graphs.core.errors import ShapeError
from graphs.core.op import boolean, first_dtype, floating, index_dtype, op
from graphs.core.spec import Shape, Spec, adjoint, axes_of
from graphs.core.sums import sum_over
from graphs.ops.dtypes import ordered
from graphs.ops.elementwise import cast_like
from graphs.ops.logic import equal, where
from graphs.ops.shape import Axes


_SMALL = 4096
"""Up to so many elements filling an array is faster than making a broadcast view, which takes numpy 3 µs."""


def reduced(x: Spec, *, axis: Axes = None, keepdims: bool = False, **_: Any) -> Shape:
    """The shape rule of every reduction."""
    if axis is None and not keepdims:
        return ()
    axes = axes_of(axis, x.ndim)
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    return tuple(n for i, n in enumerate(x.shape) if i not in axes)


def reduced_nonempty(x: Spec, *, axis: Axes = None, keepdims: bool = False) -> Shape:
    """The shape rule of reductions that have no value for nothing at all."""
    out = reduced(x, axis=axis, keepdims=keepdims)
    if x.dims is not None and 0 in (x.dims[i] for i in axes_of(axis, len(x.dims))):
        raise ShapeError("there is nothing to choose from along an empty axis")
    return out


def widened(dtype: Any, **_: Any) -> Any:
    """numpy's dtype rule for sums and products: bool and short integers turn into 64-bit integers."""
    if dtype.kind == "b" or (dtype.kind == "i" and dtype.itemsize < 8):
        return numpy.dtype(numpy.int64)
    return numpy.dtype(numpy.uint64) if dtype.kind == "u" else dtype


_like_second = adjoint(lambda like, *, axis, keepdims, **_: reduced(like, axis=axis, keepdims=keepdims))


def _count(shape: tuple[int, ...], axis: Axes, correction: float) -> float:
    """How many elements of an array of ``shape`` are reduced to one, less ``correction``; never negative."""
    count = math.prod(shape if axis is None else [shape[i] for i in axes_of(axis, len(shape))])
    return count - correction if count > correction else 0


def _expand(xp: Any, x: Any, shape: tuple[int, ...], axis: Axes, keepdims: bool) -> Any:
    if axis is not None and not keepdims:
        ones = list(shape)
        for i in (axis,) if isinstance(axis, int) else axis:
            ones[i] = 1
        x = x.reshape(ones)
    if math.prod(shape) > _SMALL:
        return spread(xp, x, shape)
    out = xp.empty(shape, x.dtype)
    out[...] = x
    return out


@op(reduced, dtype=widened, traits={"reduction"})
def sum(xp: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Sum over ``axis``; of bool and short integers in 64 bits, as in numpy."""
    if axis is None and not keepdims:
        return x.sum()  # without keywords it takes 1 µs less
    return sum_over(x, axis, keepdims)


@op(_like_second, dtype=first_dtype, traits={"lenient", "view"})
def expand_like(xp: Any, x: Any, _like: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """``x``, reduced from the shape of ``like`` over ``axis``, repeated along it again: the gradient of ``sum`` (a view)."""
    return _expand(xp, x, _like.shape, axis, keepdims)


sum.vjp(lambda g, _out, _x, *, axis=None, keepdims=False: expand_like(g, _x, axis=axis, keepdims=keepdims))
expand_like.vjp(lambda g, _out, _x, _like, *, axis, keepdims: sum(g, axis=axis, keepdims=keepdims), None)


@op(reduced, dtype=floating, traits={"reduction"})
def mean(xp: Any, x: Any, *, axis: Axes = None, keepdims: bool = False, correction: float = 0) -> Any:
    """Mean over ``axis``: the sum divided by the number of elements, less ``correction``. NaN where there is none."""
    return sum_over(x, axis, keepdims) / _count(x.shape, axis, correction)


@op(_like_second, dtype=lambda x, _like, **_: floating(x), traits={"lenient", "view"})
def spread_like(xp: Any, x: Any, _like: Any, *, axis: Axes = None, keepdims: bool = False, correction: float = 0) -> Any:
    """``x``, reduced from the shape of ``like`` over ``axis``, in equal shares along it: the gradient of ``mean``."""
    return _expand(xp, x / _count(_like.shape, axis, correction), _like.shape, axis, keepdims)


mean.vjp(
    lambda g, _out, _x, *, axis, keepdims, correction: spread_like(
        g, _x, axis=axis, keepdims=keepdims, correction=correction
    )
)
spread_like.vjp(
    lambda g, _out, _x, _like, *, axis, keepdims, correction: mean(g, axis=axis, keepdims=keepdims, correction=correction),
    None,
)


# Extremes


@op(reduced_nonempty, traits={"reduction"})
def max(xp: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Maximum over ``axis``. Its gradient is shared equally among elements that tie."""
    return x.max(axis=axis, keepdims=keepdims)


@op(reduced_nonempty, traits={"reduction"})
def min(xp: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Minimum over ``axis``. Its gradient is shared equally among elements that tie."""
    return x.min(axis=axis, keepdims=keepdims)


def _share(g: Any, out: Any, x: Any, *, axis: Axes, keepdims: bool) -> Any:
    """``g`` in equal shares to the elements of ``x`` that equal ``out``."""
    chosen = equal(x, expand_like(out, x, axis=axis, keepdims=keepdims))
    count = sum(cast_like(chosen, g), axis=axis, keepdims=keepdims)
    return where(chosen, expand_like(g / count, x, axis=axis, keepdims=keepdims), 0.0)


max.vjp(_share)
min.vjp(_share)


def _whole(x: Spec, **_: Any) -> Shape:
    return ()


@op(_whole, dtype=ordered, traits={"reduction"})
def median(xp: Any, x: Any, *, skip_nan: bool = False) -> Any:
    """The element in the middle of all in order, the lower of two; NaN if there is one, or among the others (``skip_nan``).

    NaN for nothing at all. Its gradient is shared equally among elements that tie.
    """
    flat = xp.sort(x.reshape(-1))
    if x.dtype.kind != "f":
        if not flat.size:
            raise ShapeError("there is no median of no integers")
        return flat[(flat.size - 1) // 2].reshape(())
    if not flat.size:
        return xp.asarray(math.nan, x.dtype)
    size = flat.size - xp.isnan(flat).sum()
    missing = size == 0 if skip_nan else size < flat.size
    return xp.where(missing, x.dtype.type(math.nan), xp.take(flat, xp.maximum(size - 1, 0) // 2)).reshape(())


median.vjp(lambda g, out, x: _share(g, out, x, axis=None, keepdims=False))


@op(reduced_nonempty, dtype=index_dtype, traits={"reduction"})
def argmax(xp: Any, x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Position of the first maximum along ``axis``, int64; among all elements in row-major order by default."""
    return xp.argmax(x, axis=axis, keepdims=keepdims)


@op(reduced_nonempty, dtype=index_dtype, traits={"reduction"})
def argmin(xp: Any, x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Position of the first minimum along ``axis``, int64; among all elements in row-major order by default."""
    return xp.argmin(x, axis=axis, keepdims=keepdims)


argmax.vjp(None)
argmin.vjp(None)


# Counts and logic


@op(reduced, dtype=boolean, traits={"reduction"})
def any(xp: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Whether any element along ``axis`` is true (not zero)."""
    return xp.any(x, axis=axis, keepdims=keepdims)


@op(reduced, dtype=boolean, traits={"reduction"})
def all(xp: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Whether all elements along ``axis`` are true (not zero)."""
    return xp.all(x, axis=axis, keepdims=keepdims)


@op(reduced, dtype=index_dtype, traits={"reduction"})
def count_nonzero(xp: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """How many elements along ``axis`` are not zero, int64."""
    return (x != 0).sum(axis=axis, keepdims=keepdims)


any.vjp(None)
all.vjp(None)
count_nonzero.vjp(None)
