"""Sorting and searching: sort, topk, argsort, searchsorted, nonzero, one_hot."""

from __future__ import annotations

from typing import Any

import numpy

from graphs.core.errors import DtypeError, ShapeError
from graphs.core.op import index_dtype, op
from graphs.core.spec import Shape, Spec, axis_of
from graphs.ops.indexing import take_along_axis_adjoint


_INT64 = numpy.dtype(numpy.int64)


def _ranked(xp: Any, x: Any, axis: int, descending: bool) -> Any:
    """The positions that sort ``x``, stably in either direction; NaN counts as the largest."""
    if not descending:
        return xp.argsort(x, axis=axis, kind="stable")
    backwards = xp.argsort(xp.flip(x, axis), axis=axis, kind="stable")
    return x.shape[axis] - 1 - xp.flip(backwards, axis)


def _sorted(x: Spec, *, axis: int, **_: Any) -> tuple[Shape | None, Shape | None]:
    if x.dims is not None:
        axis_of(axis, x.ndim)
    return (x.dims, x.dims)


def _values_and_positions(dtype: Any, **_: Any) -> tuple[Any, Any]:
    return (dtype, _INT64)


@op(_sorted, dtype=_values_and_positions)
def sort(xp: Any, x: Any, *, axis: int = -1, descending: bool = False) -> tuple[Any, Any]:
    """``x`` sorted along ``axis`` and the positions that its elements had, int64; elements that tie keep their order."""
    order = _ranked(xp, x, axis, descending)
    return xp.take_along_axis(x, order, axis), order


def _top(x: Spec, *, k: int, axis: int, **_: Any) -> tuple[Shape, Shape]:
    place = axis_of(axis, x.ndim)
    size = x.shape[place]
    if k < 0 or (size is not None and k > size):
        raise ShapeError(f"{k} of {size} elements")
    out = (*x.shape[:place], k, *x.shape[place + 1 :])
    return (out, out)


@op(_top, dtype=_values_and_positions)
def topk(xp: Any, x: Any, *, k: int, axis: int = -1, largest: bool = True) -> tuple[Any, Any]:
    """The ``k`` largest (or smallest) elements along ``axis`` in order, and their positions, int64; ties by position."""
    order = xp.moveaxis(xp.moveaxis(_ranked(xp, x, axis, largest), axis, 0)[:k], 0, axis)
    return xp.take_along_axis(x, order, axis), order


def _back_to_place(needs: Any, gs: Any, outs: Any, args: Any, *, axis: int) -> Any:
    return (None if gs[0] is None else take_along_axis_adjoint(gs[0], args[0], outs[1], axis=axis),)


sort.joint_vjp(_back_to_place, ghosts=(0,), ghost_outs=(0,))
topk.joint_vjp(_back_to_place, ghosts=(0,), ghost_outs=(0,))


@op(lambda x, *, axis, **_: _sorted(x, axis=axis)[0], dtype=index_dtype)
def argsort(xp: Any, x: Any, *, axis: int = -1, descending: bool = False) -> Any:
    """The positions that sort ``x`` along ``axis``, int64; elements that tie keep their order."""
    return _ranked(xp, x, axis, descending)


argsort.vjp(None)


def _searched(edges: Spec, x: Spec, **_: Any) -> Shape | None:
    if edges.dims is not None and edges.ndim != 1:
        raise ShapeError("what is searched is a vector")
    return x.dims


@op(_searched, dtype=index_dtype)
def searchsorted(xp: Any, edges: Any, x: Any, *, side: str = "left") -> Any:
    """Where each of ``x`` belongs in the sorted vector ``edges``, int64; before equal ones, or after them (right)."""
    return xp.searchsorted(edges, x, side=side)


searchsorted.vjp(None, None)


@op(lambda x: (None, x.ndim), dtype=index_dtype)
def nonzero(xp: Any, x: Any) -> Any:
    """The positions of the elements that are not zero, row by row, int64: (how many, dimensions of ``x``)."""
    return xp.argwhere(x)


nonzero.vjp(None)


def _one_hot(indices: Spec, *, depth: int, axis: int, **_: Any) -> Shape:
    place = axis_of(axis, indices.ndim + 1)
    return (*indices.shape[:place], depth, *indices.shape[place:])


def _one_hot_dtype(indices: Any, *, dtype: Any, **_: Any) -> Any:
    if indices.kind not in "iu":
        raise DtypeError(f"positions are integers, not {indices}")
    return numpy.dtype(dtype)


@op(_one_hot, dtype=_one_hot_dtype)
def one_hot(
    xp: Any, indices: Any, *, depth: int, axis: int = -1, on: float = 1, off: float = 0, dtype: Any = "float32"
) -> Any:
    """``on`` at each of ``indices`` along a new axis of size ``depth``, ``off`` elsewhere; nothing for those outside."""
    places = xp.arange(depth).reshape([-1] + [1] * (indices.ndim - axis % (indices.ndim + 1)))
    hot = xp.expand_dims(indices, axis) == places
    return xp.where(hot, on, off).astype(dtype)


one_hot.vjp(None)
