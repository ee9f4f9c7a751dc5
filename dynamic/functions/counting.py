"""Functions that count, search and compare as sets. None has a gradient: they work on the arrays, off the tape."""

from __future__ import annotations

from typing import Any

import numpy

from dynamic.apply import Carried, wrap
from dynamic.dtypes import dtype_of, type_name
from dynamic.functions.calling import named, on_host, results
from graphs.core.errors import DtypeError, PositionError, ShapeError, at_line


HISTOGRAM = results("histogram", "hist bin_edges")


def _several(outs: list[Any]) -> Any:
    return outs[0] if len(outs) == 1 else tuple(outs)


@on_host
def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements (or slices along ``dim``) that differ, in order; which of them each is; how often each occurs."""
    array = input._array
    values, inverse, counts = numpy.unique(array, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)
    outs = [wrap(values)]
    if return_inverse:
        outs.append(wrap(inverse.reshape(array.shape if dim is None else -1)))
    if return_counts:
        outs.append(wrap(counts))
    return _several(outs)


@on_host
def unique_consecutive(input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None) -> Any:
    """The elements (or slices along ``dim``) without those that equal the one before; which each is; how many in a row."""
    array = input._array
    rows = array.reshape(-1) if dim is None else numpy.moveaxis(array, dim, 0)
    flat = rows.reshape(len(rows), -1)
    new = numpy.ones(len(rows), bool)
    if len(rows):
        new[1:] = (flat[1:] != flat[:-1]).any(1)
    starts = numpy.flatnonzero(new)
    outs = [wrap(rows[starts] if dim is None else numpy.moveaxis(rows[starts], 0, dim))]
    if return_inverse:
        which = numpy.cumsum(new) - 1
        outs.append(wrap(which.reshape(array.shape) if dim is None else which))
    if return_counts:
        outs.append(wrap(numpy.diff(numpy.append(starts, len(rows)))))
    return _several(outs)


@on_host
def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """For each number up to the greatest how often it occurs in a vector, or the sum of the weights where it does."""
    array = input._array
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DtypeError(
            f"bincount takes a vector of integers, not {type_name(array.dtype)} of shape {array.shape}{at_line()}"
        )
    if array.size and array.min() < 0:
        raise ShapeError(f"bincount takes no negative numbers{at_line()}")
    if weights is None:
        return wrap(numpy.bincount(array, minlength=minlength))
    counts = numpy.bincount(array, weights._array, minlength)
    return wrap(counts.astype(weights._array.dtype if weights._array.dtype.kind == "f" else numpy.float64))


def _bounds(array: Any, low: float, high: float) -> tuple[float, float]:
    if low == high and array.size:
        low, high = float(array.min()), float(array.max())
    if not numpy.isfinite([low, high]).all() or low > high:
        raise ShapeError(f"a range from {low} to {high} has no bins{at_line()}")
    return (low - 1, high + 1) if low == high else (low, high)


@on_host
def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0) -> Any:
    """How many elements lie in each of ``bins`` equal ranges from ``min`` to ``max``, by default those of the elements."""
    array = input._array
    if bins <= 0:
        raise ShapeError(f"histc: {bins} bins{at_line()}")
    counts, _ = numpy.histogram(array, bins, _bounds(array, float(min), float(max)))
    return wrap(counts.astype(array.dtype))


@on_host
def histogram(input: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    """How many elements (or what weight) lie between the edges ``bins``, or in so many equal ranges; and the edges."""
    array = input._array
    edges = bins._array if isinstance(bins, Carried) else int(bins)
    limits = None if isinstance(bins, Carried) else _bounds(array, *(map(float, range) if range is not None else (0.0, 0.0)))
    counts, edges = numpy.histogram(array, edges, limits, density, None if weight is None else weight._array)
    return HISTOGRAM(wrap(counts.astype(array.dtype)), wrap(edges.astype(array.dtype)))


def _searched(edges: Any, values: Any, right: bool, out_int32: bool) -> Any:
    found = numpy.asarray(numpy.searchsorted(edges, values, "right" if right else "left"))
    return found.astype(numpy.int32) if out_int32 else found


@on_host
def searchsorted(
    sorted_sequence: Any,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Any = None,
) -> Any:
    """Where each element belongs in a sorted sequence, or in the row of sorted sequences that it stands in.

    Before equal elements, or after them with ``right=True`` or ``side="right"``. ``sorter`` puts the sequences in order.
    """
    if side not in (None, "left", "right") or (side == "left" and right):
        raise RuntimeError(f"searchsorted: side={side!r} and right={right}{at_line()}")
    after = right or side == "right"
    edges = sorted_sequence._array
    if sorter is not None:
        edges = numpy.take_along_axis(edges, sorter._array, -1)
    values = input._array if isinstance(input, Carried) else numpy.asarray(input)
    if edges.ndim == 1:
        return wrap(_searched(edges, values, after, out_int32))
    if edges.shape[:-1] != values.shape[:-1]:
        raise ShapeError(f"searchsorted: {values.shape} in sequences {edges.shape}{at_line()}")
    out = numpy.empty(values.shape, numpy.int32 if out_int32 else numpy.int64)
    for at in numpy.ndindex(*edges.shape[:-1]):
        out[at] = _searched(edges[at], values[at], after, out_int32)
    return wrap(out)


@on_host
def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    """Which of the ranges between sorted boundaries each element lies in; the upper boundary belongs to a range."""
    values = input._array if isinstance(input, Carried) else numpy.asarray(input)
    if boundaries._array.ndim != 1:
        raise ShapeError(f"bucketize: boundaries are a vector, not of shape {boundaries._array.shape}{at_line()}")
    return wrap(_searched(boundaries._array, values, right, out_int32))


@on_host
def argwhere(input: Any) -> Any:
    """The indices of the elements that are not zero, one per row."""
    return wrap(numpy.argwhere(input._array))


@on_host
def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not zero, one per row; or as one vector per dimension."""
    if as_tuple:
        return tuple(map(wrap, numpy.atleast_1d(input._array).nonzero()))
    return wrap(numpy.argwhere(input._array))


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None) -> Any:
    """The indices of the lower triangle of a matrix: rows, and columns."""
    kind = numpy.int64 if dtype is None else dtype_of(dtype).numpy
    return wrap(numpy.stack(numpy.tril_indices(row, offset, col)).astype(kind))


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None) -> Any:
    """The indices of the upper triangle of a matrix: rows, and columns."""
    kind = numpy.int64 if dtype is None else dtype_of(dtype).numpy
    return wrap(numpy.stack(numpy.triu_indices(row, offset, col)).astype(kind))


@on_host
def unravel_index(indices: Any, shape: Any) -> Any:
    """Indices into a flattened tensor of that shape as one tensor of indices per dimension."""
    if indices._array.dtype.kind not in "iu":
        raise DtypeError(f"unravel_index takes integers, not {type_name(indices._array.dtype)}{at_line()}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    try:
        return tuple(wrap(numpy.asarray(each)) for each in numpy.unravel_index(indices._array, sizes))
    except ValueError as error:
        raise PositionError(f"unravel_index: {error}{at_line()}") from error


METHODS = named(unique, unique_consecutive, bincount, histc, histogram, argwhere, nonzero)
"""Functions that are methods too."""

FUNCTIONS = {**METHODS, **named(searchsorted, bucketize, tril_indices, triu_indices, unravel_index)}
"""Functions of the package."""
