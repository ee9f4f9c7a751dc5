"""Choosing, placing and sorting elements, under TensorFlow 1's names."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from graphs import ops
from static.array import expand_dims, range_, shape, zeros
from static.calls import cast
from static.dtypes import as_dtype
from static.tensor import apply, constant_value, convert_to_tensor


TopKV2 = namedtuple("TopKV2", ["values", "indices"])
"""What ``top_k`` gives."""


def gather(params: Any, indices: Any, validate_indices: Any = None, name: str | None = None, axis: int = 0) -> Any:
    """The slices of ``params`` along ``axis`` at ``indices``."""
    x, at = convert_to_tensor(params), from_front(convert_to_tensor(indices))
    return apply(ops.take, x, at, name=name, node="GatherV2", axis=axis)


def from_front(indices: Any) -> Any:
    """``indices``, of which the run checks that none is negative; here, too, where they are known."""
    known = constant_value(indices)
    if indices.dtype.is_unsigned or (known is not None and not (known < 0).any()):
        return indices
    return ops.from_front(indices)


def positions(indices: Any) -> list[Any]:
    """The columns of the last axis of ``indices``, each the positions along one axis of what is indexed."""
    depth = None if indices.dims is None else indices.dims[-1]
    if depth is None:
        raise ValueError(f"the last axis of {indices.name} has to be known while the graph is being built")
    return [ops.getitem(indices, index=(Ellipsis, i)) for i in range(depth)]


def gather_nd(params: Any, indices: Any, name: str | None = None) -> Any:
    """The elements or slices of ``params`` at the positions that the last axis of ``indices`` holds."""
    places = positions(from_front(convert_to_tensor(indices)))
    return apply(ops.index, convert_to_tensor(params), *places, name=name, node="GatherNd")


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Any:
    """For each entry of the batch, along all axes of ``indices`` but its last, the slices of ``params`` at its indices."""
    x, at = convert_to_tensor(params), convert_to_tensor(indices)
    rank = len(at.shape)
    places = []
    for axis in range(rank - 1):
        line = ops.reshape(range_(shape(at)[axis]), shape=tuple(-1 if i == axis else 1 for i in range(rank)))
        places.append(ops.broadcast_like(line, at))
    return apply(ops.index, x, *places, at, name=name, node="BatchGatherV2")


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Any:
    """Zeros of ``shape`` with ``updates`` added at the positions that the last axis of ``indices`` holds."""
    values = convert_to_tensor(updates)
    base = zeros(shape, values.dtype)
    return apply(ops.index_adjoint, values, base, *positions(convert_to_tensor(indices)), name=name, node="ScatterNd")


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """``x`` where ``condition`` holds, else ``y``; with neither, the positions where it holds, one a row.

    A vector ``condition`` chooses among whole rows.
    """
    chosen = convert_to_tensor(condition)
    if x is None and y is None:
        return apply(ops.nonzero, chosen, name=name, node="Where")
    x = convert_to_tensor(x)
    rank = len(x.dims) if x.dims is not None else None
    if chosen.dims is not None and len(chosen.dims) == 1 and rank is not None and rank > 1:
        chosen = ops.expand_dims(chosen, axis=tuple(range(1, rank)))
    return apply(ops.where, chosen, x, y, name=name, node="Select")


def boolean_mask(tensor: Any, mask: Any, name: str = "boolean_mask", axis: int | None = None) -> Any:
    """The slices of ``tensor`` from ``axis`` on where ``mask`` holds."""
    at = None if not axis else (axis,)
    return apply(ops.index, convert_to_tensor(tensor), convert_to_tensor(mask), name=name, axes=at)


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    """``on_value`` (1) at the position along a new axis that each of ``indices`` names, ``off_value`` (0) elsewhere."""
    if dtype is None:
        given = [convert_to_tensor(v).dtype for v in (on_value, off_value) if v is not None]
        dtype = given[0] if given else "float32"
    dtype, at, size = as_dtype(dtype), convert_to_tensor(indices), constant_value(depth)
    on, off = (constant_value(default if v is None else v) for v, default in ((on_value, 1), (off_value, 0)))
    if size is not None and on is not None and off is not None:
        settings = {"depth": int(size), "on": on.item(), "off": off.item(), "dtype": dtype.name}
        return apply(ops.one_hot, at, name=name, node="one_hot", axis=-1 if axis is None else axis, **settings)
    place = len(at.shape) if axis in (None, -1) else int(axis)
    places = cast(range_(depth), at.dtype)
    hot = ops.equal(expand_dims(at, place), ops.expand_dims(places, axis=tuple(range(1, len(at.shape) - place + 1))))
    full = [convert_to_tensor(default if v is None else v, dtype) for v, default in ((on_value, 1), (off_value, 0))]
    return apply(ops.where, hot, *full, name=name, node="one_hot")


def top_k(input: Any, k: int = 1, sorted: bool = True, name: str | None = None) -> Any:
    """The ``k`` greatest values along the last axis, the greatest first, and their int32 positions."""
    values, places = apply(ops.topk, convert_to_tensor(input), name=name, node="TopKV2", k=int(k))
    return TopKV2(values, cast(places, "int32"))


def in_top_k(predictions: Any, targets: Any, k: int, name: str | None = None) -> Any:
    """For each row whether the class in ``targets`` is among its ``k`` most likely ones."""
    scores = convert_to_tensor(predictions)
    own = ops.take_along_axis(scores, ops.expand_dims(convert_to_tensor(targets), axis=1), axis=1)
    above = ops.count_nonzero(ops.greater(scores, own), axis=1)
    return apply(ops.less, above, k, name=name, node="InTopK")


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Any:
    """``values`` sorted along ``axis``."""
    down = direction == "DESCENDING"
    return apply(ops.sort, convert_to_tensor(values), name=name, node="sort", axis=axis, descending=down)[0]


def argsort(values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None) -> Any:
    """The int32 positions that would sort ``values`` along ``axis``."""
    down = direction == "DESCENDING"
    return cast(
        apply(ops.argsort, convert_to_tensor(values), name=name, node="argsort", axis=axis, descending=down), "int32"
    )
