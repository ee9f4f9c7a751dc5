"""Reductions over one axis, several or all, and the duals that spread a gradient back over them."""

from __future__ import annotations

import math
from typing import Any

import numpy

from graphs.core.op import first_dtype, floating, op
from graphs.core.spec import Shape, Spec, axes_of
from graphs.ops.shape import Axes


def reduced(x: Spec, *, axis: Axes = None, keepdims: bool = False, **_: Any) -> Shape:
    """The shape rule of every reduction."""
    if axis is None and not keepdims:
        return ()
    axes = axes_of(axis, x.ndim)
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    return tuple(n for i, n in enumerate(x.shape) if i not in axes)


def _summed(dtype: Any, **_: Any) -> Any:
    """numpy's rule: bool and short integers are summed as 64-bit integers."""
    if dtype.kind == "b" or (dtype.kind == "i" and dtype.itemsize < 8):
        return numpy.dtype(numpy.int64)
    return numpy.dtype(numpy.uint64) if dtype.kind == "u" else dtype


def _like_second(_x: Spec, like: Spec, **_: Any) -> Shape | None:
    return like.dims


def _count(shape: tuple[int, ...], axis: Axes, correction: float) -> float:
    """How many elements of an array of ``shape`` are reduced to one, less ``correction``; never negative."""
    return max(math.prod(shape[i] for i in axes_of(axis, len(shape))) - correction, 0)


def _expand(xp: Any, x: Any, shape: tuple[int, ...], axis: Axes, keepdims: bool) -> Any:
    if axis is not None and not keepdims:
        x = xp.expand_dims(x, axes_of(axis, len(shape)))
    return xp.broadcast_to(x, shape)


@op(reduced, dtype=_summed, traits={"reduction"})
def sum(xp: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Sum over ``axis``; of bool and short integers in 64 bits, as in numpy."""
    return x.sum(axis=axis, keepdims=keepdims)


@op(_like_second, dtype=first_dtype, traits={"view"})
def expand_like(xp: Any, x: Any, _like: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """``x``, reduced from the shape of ``like`` over ``axis``, repeated along it again: the gradient of ``sum`` (a view)."""
    return _expand(xp, x, _like.shape, axis, keepdims)


sum.vjp(lambda g, _out, _x, *, axis, keepdims: expand_like(g, _x, axis=axis, keepdims=keepdims))
expand_like.vjp(lambda g, _out, _x, _like, *, axis, keepdims: sum(g, axis=axis, keepdims=keepdims), None)


@op(reduced, dtype=floating, traits={"reduction"})
def mean(xp: Any, x: Any, *, axis: Axes = None, keepdims: bool = False, correction: float = 0) -> Any:
    """Mean over ``axis``: the sum divided by the number of elements, less ``correction``. NaN where there is none."""
    return x.sum(axis=axis, keepdims=keepdims) / _count(x.shape, axis, correction)


@op(_like_second, dtype=floating, traits={"view"})
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
