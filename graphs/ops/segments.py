"""Sums, products and extremes of the slices that share a number, and sequences turned around each at its own length.

``ids`` numbers the first dimensions of ``x``; ``like`` has the result's shape, a row for each number. A negative number
drops its slice; one without a row raises IndexError.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from graphs.core.errors import DtypeError, ShapeError
from graphs.core.op import numeric, op
from graphs.core.portable import combine_at, looks
from graphs.core.spec import Shape, Spec, axis_of, show
from graphs.ops.elementwise import cast_like, maximum
from graphs.ops.logic import equal, logical_and, where


def _numbered(dtype: Any) -> None:
    if dtype.kind not in "iu":
        raise DtypeError(f"segments are numbered by integers, not {dtype}")


def _reduced_dtype(x: Any, _like: Any, ids: Any, **_: Any) -> Any:
    _numbered(ids)
    return numeric(x)


def _ordered_dtype(x: Any, like: Any, ids: Any, **_: Any) -> Any:
    if x.kind == "c":
        raise DtypeError("complex numbers have no order")
    return _reduced_dtype(x, like, ids)


def _agree(left: Shape, right: Shape) -> bool:
    return len(left) == len(right) and all(None in (n, m) or n == m for n, m in zip(left, right, strict=True))


def _segmented(x: Spec, like: Spec, ids: Spec, **_: Any) -> Shape | None:
    if x.dims is not None and ids.dims is not None:
        if not _agree(x.dims[: len(ids.dims)], ids.dims):
            raise ShapeError(f"{show(ids.dims)} does not number the first dimensions of {show(x.dims)}")
        if like.dims is not None and (not like.dims or not _agree(x.dims[len(ids.dims) :], like.dims[1:])):
            raise ShapeError(f"slices of {show(x.dims)} numbered by {show(ids.dims)} do not fit into {show(like.dims)}")
    return like.dims


def _rows(xp: Any, x: Any, shape: tuple[int, ...], ids: Any, neutral: Any) -> tuple[Any, Any]:
    """The slices as rows of a matrix and their numbers as a vector, without those that are dropped.

    Where nobody looks which these are, they are rows of what is ``neutral``, numbered 0.
    """
    numbers = ids.reshape(-1)
    rows = x.reshape(numbers.size, math.prod(shape[1:]))
    kept = numbers >= 0
    if not shape[0]:
        return rows[:0], numbers[:0]
    if not looks(xp):
        return xp.where(kept[:, None], rows, rows.dtype.type(neutral)), xp.where(kept, numbers, 0)
    return (rows, numbers) if kept.all() else (rows[kept], numbers[kept])


@op(_segmented, dtype=_reduced_dtype)
def segment_sum(xp: Any, x: Any, _like: Any, ids: Any) -> Any:
    """For each number the sum of the slices of ``x`` that have it, 0 where none has."""
    shape = tuple(_like.shape)
    rows, numbers = _rows(xp, x, shape, ids, 0)
    width = rows.shape[1]
    flat = numbers.astype(xp.int64)[:, None] * width + xp.arange(width)
    out = xp.zeros(math.prod(shape), x.dtype)
    combine_at(xp, "add", out, flat.reshape(-1), rows.reshape(-1))
    return out.reshape(shape)


def _picked(x: Spec, ids: Spec) -> Shape:
    if not x.ndim:
        raise ShapeError("a scalar has no rows")
    return (*ids.shape, *x.shape[1:])


def _picked_dtype(x: Any, ids: Any) -> Any:
    _numbered(ids)
    return numeric(x)


@op(_picked, dtype=_picked_dtype)
def segment_take(xp: Any, x: Any, ids: Any) -> Any:
    """The rows of ``x`` that ``ids`` numbers, or zeros; the gradient of ``segment_sum``."""
    dropped = ids < 0
    if not len(x):
        return xp.zeros((*ids.shape, *x.shape[1:]), x.dtype)
    if not looks(xp):
        rows = x[xp.where(dropped, 0, ids)]
        return xp.where(dropped.reshape(dropped.shape + (1,) * (x.ndim - 1)), x.dtype.type(0), rows)
    if not dropped.any():
        return x[ids]
    out = xp.zeros((*ids.shape, *x.shape[1:]), x.dtype)
    out[~dropped] = x[ids[~dropped]]
    return out


segment_sum.vjp(lambda g, _out, _x, _like, ids: segment_take(g, ids), None, None)
segment_take.vjp(lambda g, _out, _x, ids: segment_sum(g, _x, ids), None)


def _extreme(xp: Any, x: Any, shape: tuple[int, ...], ids: Any, name: str, start: Any, empty: float | None) -> Any:
    rows, numbers = _rows(xp, x, shape, ids, start)
    out = xp.full((shape[0], rows.shape[1]), start, x.dtype)
    combine_at(xp, name, out, numbers, rows)
    if empty is not None:
        counts = xp.zeros(shape[0], xp.int64)
        counted = 1 if looks(xp) else (ids.reshape(-1)[: len(numbers)] >= 0).astype(xp.int64)
        combine_at(xp, "add", counts, numbers, counted)
        out = xp.where((counts == 0)[:, None], x.dtype.type(empty), out)
    return out.reshape(shape)


def _limits(dtype: Any) -> Any:
    return numpy.finfo(dtype) if dtype.kind == "f" else numpy.iinfo(dtype)


@op(_segmented, dtype=_ordered_dtype)
def segment_max(xp: Any, x: Any, _like: Any, ids: Any, *, empty: float | None = None) -> Any:
    """For each number the maximum of the slices of ``x`` that have it; ``empty`` (the dtype's least) where none has.

    The gradient is shared equally among elements that tie.
    """
    return _extreme(xp, x, tuple(_like.shape), ids, "maximum", _limits(x.dtype).min, empty)


@op(_segmented, dtype=_ordered_dtype)
def segment_min(xp: Any, x: Any, _like: Any, ids: Any, *, empty: float | None = None) -> Any:
    """For each number the minimum of the slices of ``x`` that have it; ``empty`` (the dtype's greatest) where none has.

    The gradient is shared equally among elements that tie.
    """
    return _extreme(xp, x, tuple(_like.shape), ids, "minimum", _limits(x.dtype).max, empty)


def _share(g: Any, out: Any, x: Any, _like: Any, ids: Any) -> Any:
    chosen = equal(x, segment_take(out, ids))
    count = maximum(segment_sum(cast_like(chosen, g), out, ids), 1.0)
    return where(chosen, segment_take(g / count, ids), 0.0)


segment_max.vjp(_share, None, None)
segment_min.vjp(_share, None, None)


@op(_segmented, dtype=_reduced_dtype)
def segment_prod(xp: Any, x: Any, _like: Any, ids: Any) -> Any:
    """For each number the product of the slices of ``x`` that have it, 1 where none has."""
    shape = tuple(_like.shape)
    rows, numbers = _rows(xp, x, shape, ids, 1)
    out = xp.ones((shape[0], rows.shape[1]), x.dtype)
    combine_at(xp, "multiply", out, numbers, rows)
    return out.reshape(shape)


def _others(g: Any, out: Any, x: Any, _like: Any, ids: Any) -> Any:
    """``g`` times the product of the other factors: by division, and where the factor is the only 0 without it."""
    zero = equal(x, 0.0)
    factor = where(zero, 1.0, x)
    rest = segment_prod(factor, out, ids)
    alone = equal(segment_take(segment_sum(cast_like(zero, g), out, ids), ids), 1.0)
    product = where(logical_and(zero, alone), segment_take(rest, ids), segment_take(out, ids) / factor)
    return segment_take(g, ids) * product


segment_prod.vjp(_others, None, None)


# Sequences of different lengths


def _sequences(x: Spec, lengths: Spec, *, seq_axis: int, batch_axis: int) -> Shape:
    time, batch = axis_of(seq_axis, x.ndim), axis_of(batch_axis, x.ndim)
    if time == batch:
        raise ShapeError(f"axis {time} cannot be both the steps and the batch")
    if lengths.dims is not None and not _agree(lengths.dims, (x.shape[batch],)):
        raise ShapeError(f"lengths {show(lengths.dims)} for {x.shape[batch]} sequences")
    return x.shape


def _sequences_dtype(x: Any, lengths: Any, **_: Any) -> Any:
    _numbered(lengths)
    return x


@op(_sequences, dtype=_sequences_dtype)
def reverse_sequence(xp: Any, x: Any, lengths: Any, *, seq_axis: int, batch_axis: int = 0) -> Any:
    """``x`` with the first ``lengths[b]`` steps of each sequence in reverse order, those after them as they were."""
    time, batch = seq_axis % x.ndim, batch_axis % x.ndim
    steps = xp.arange(x.shape[time])
    length = lengths.astype(xp.int64)[:, None]
    if looks(xp) and ((length > x.shape[time]).any() or (length < 0).any()):
        raise IndexError(f"lengths from {lengths.min()} to {lengths.max()} for {x.shape[time]} steps")
    places = xp.where(steps < length, length - 1 - steps, steps)
    shape = [1] * x.ndim
    shape[batch], shape[time] = places.shape
    places = (places if batch < time else places.T).reshape(shape)
    return xp.take_along_axis(x, places, time)


reverse_sequence.vjp(
    lambda g, _out, _x, lengths, *, seq_axis, batch_axis: reverse_sequence(
        g, lengths, seq_axis=seq_axis, batch_axis=batch_axis
    ),
    None,
)
