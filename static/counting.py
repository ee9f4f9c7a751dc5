"""Vectors as sets, histograms, and positions counted one way or another."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from graphs import ops
from static.array import concat, identity, reshape, stack, unstack
from static.calls import cast
from static.dtypes import as_dtype
from static.indexing import scatter_nd
from static.reductions import reduce_max
from static.tensor import apply, constant_value, convert_to_tensor


Unique = namedtuple("Unique", ["y", "idx"])
"""What ``unique`` gives."""

UniqueWithCounts = namedtuple("UniqueWithCounts", ["y", "idx", "count"])
"""What ``unique_with_counts`` gives."""

ListDiff = namedtuple("ListDiff", ["out", "idx"])
"""What ``setdiff1d`` gives."""


def unique(x: Any, out_idx: Any = "int32", name: str | None = None) -> Unique:
    """The values of a vector in the order in which they first occur, and which of them each element is."""
    values, which, _ = apply(ops.unique, convert_to_tensor(x), name=name, node="Unique")
    return Unique(values, cast(which, out_idx))


def unique_with_counts(x: Any, out_idx: Any = "int32", name: str | None = None) -> UniqueWithCounts:
    """As ``unique``, and how often each value occurs."""
    values, which, counts = apply(ops.unique, convert_to_tensor(x), name=name, node="UniqueWithCounts")
    return UniqueWithCounts(values, cast(which, out_idx), cast(counts, out_idx))


def setdiff1d(x: Any, y: Any, index_dtype: Any = "int32", name: str | None = None) -> ListDiff:
    """The elements of the vector ``x`` that are not in ``y``, and their positions."""
    x = convert_to_tensor(x)
    out, places = apply(ops.listdiff, x, convert_to_tensor(y, preferred_dtype=x.dtype), name=name, node="ListDiff")
    return ListDiff(out, cast(places, index_dtype))


def invert_permutation(x: Any, name: str | None = None) -> Any:
    """The permutation that undoes the permutation ``x`` of 0, 1, 2, ..."""
    order = convert_to_tensor(x)
    return cast(apply(ops.argsort, order, name=name, node="InvertPermutation"), order.dtype)


def searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = "int32", name: str | None = None
) -> Any:
    """Where each of ``values`` belongs in its row of ``sorted_sequence``: before elements equal to it, or after (right)."""
    edges, points = convert_to_tensor(sorted_sequence), convert_to_tensor(values)
    rank = len(edges.shape)
    if rank == 1:
        return cast(apply(ops.searchsorted, edges, points, name=name, node="searchsorted", side=side), out_type)
    pairs = ops.expand_dims(edges, axis=rank - 1), ops.expand_dims(points, axis=rank)
    before = ops.less(*pairs) if side == "left" else ops.less_equal(*pairs)
    return cast(apply(ops.count_nonzero, before, name=name, node="searchsorted", axis=-1), out_type)


# Histograms


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = "int32",
    name: str | None = None,
) -> Any:
    """How often each number from 0 on occurs in ``arr``, or the sum of the ``weights`` where it does; no gradient flows."""
    x = cast(arr, "int32")
    given = cast(ops.ones_like(x), dtype) if weights is None else ops.stop_gradient(convert_to_tensor(weights))
    limits = [None if n is None else int(constant_value(n)) for n in (minlength, maxlength)]  # type: ignore[arg-type]
    return apply(ops.bincount, x, given, name=name, node="Bincount", minlength=limits[0] or 0, maxlength=limits[1])


def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: int = 100, dtype: Any = "int32", name: str | None = None
) -> Any:
    """Which of ``nbins`` equal parts of ``value_range`` each value lies in; those outside in the first or the last."""
    x = convert_to_tensor(values)
    low, high = unstack(convert_to_tensor(value_range, preferred_dtype=x.dtype), 2)
    place = ops.floor((x - low) / (high - low) * float(nbins))
    kept = ops.clip(place, min=0.0, max=float(nbins - 1))
    return apply(ops.cast, kept, name=name, node="histogram_fixed_width_bins", dtype=as_dtype(dtype).name)


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: int = 100, dtype: Any = "int32", name: str | None = None
) -> Any:
    """How many ``values`` lie in each of ``nbins`` equal parts of ``value_range``, those outside in the first or last."""
    bins = reshape(histogram_fixed_width_bins(values, value_range, nbins), [-1])
    return bincount(bins, minlength=nbins, maxlength=nbins, dtype=dtype, name=name or "histogram_fixed_width")


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    dtype: Any = "int32",
    name: str | None = None,
    weights: Any = None,
) -> Any:
    """How often (or with what sum of ``weights``) each class, a row, was predicted to be each class, a column."""
    true, found = (reshape(cast(x, "int64"), [-1]) for x in (labels, predictions))
    count = num_classes
    if count is None:
        count = ops.maximum(reduce_max(true), reduce_max(found)) + 1
    pairs = stack([true, found], axis=1)
    values = cast(ops.ones_like(true), dtype) if weights is None else cast(reshape(weights, [-1]), dtype)
    dims = [int(count)] * 2 if constant_value(count) is not None else stack([cast(count, "int32")] * 2)
    return scatter_nd(pairs, values, dims, name=name or "confusion_matrix")


# Positions


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Any:
    """The positions, a row for each axis of ``dims``, of the elements that ``indices`` counts in row-major order."""
    flat = convert_to_tensor(indices)
    each = unstack(convert_to_tensor(dims, preferred_dtype=flat.dtype))
    out = []
    for size in reversed(each):
        out.append(ops.remainder(flat, size))
        flat = ops.floor_divide(flat, size)
    return identity(stack(out[::-1]), name or "UnravelIndex")


def meshgrid(*args: Any, **kwargs: Any) -> list[Any]:
    """The coordinates of the grid that vectors span, an array for each of them (``indexing`` "xy" or "ij")."""
    indexing = kwargs.pop("indexing", "xy")
    name = kwargs.pop("name", "meshgrid")
    if kwargs:
        raise TypeError(f"'{next(iter(kwargs))}' is an invalid keyword argument for this function")
    if indexing not in ("xy", "ij"):
        raise ValueError("indexing parameter must be either 'xy' or 'ij'")
    vectors = [reshape(convert_to_tensor(x), [-1]) for x in args]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        order[:2] = [1, 0]
    lines = [_standing(x, order[i], len(vectors)) for i, x in enumerate(vectors)]
    ones = [ops.ones_like(cast(line, "int32")) for line in lines]
    whole = ones[0]
    for one in ones[1:]:
        whole = whole * one
    return [apply(ops.multiply, line, cast(whole, line.dtype), name=name, node="meshgrid") for line in lines]


def _standing(x: Any, axis: int, rank: int) -> Any:
    """The vector ``x`` along ``axis`` of ``rank``."""
    return reshape(x, [-1 if i == axis else 1 for i in range(rank)])


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Any:
    """The shape to which two shapes broadcast, both of them vectors."""
    x, y = convert_to_tensor(shape_x, "int32"), convert_to_tensor(shape_y, "int32")
    rank = max(len_of(x), len_of(y))
    wide = [concat([[1] * (rank - len_of(v)), v], 0) if len_of(v) < rank else v for v in (x, y)]
    return apply(ops.where, ops.equal(wide[0], 1), wide[1], wide[0], node="BroadcastArgs")


def len_of(x: Any) -> int:
    """The number of elements of a vector. Raises ValueError where it is not known."""
    if not x.dims or x.dims[0] is None:
        raise ValueError(f"the length of {x.name} has to be known while the graph is being built")
    return int(x.dims[0])
