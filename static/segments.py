"""Slices that share a number: their sums, means, products and extremes, taking tensors apart by number and putting them
together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphs import ops
from graphs.core.op import Op
from static.array import concat, expand_dims, fill, identity, range_, reshape, shape
from static.calls import NUMBERS, REALS, cast, taken
from static.indexing import gather
from static.names import type_name
from static.reductions import reduce_max
from static.tensor import apply, constant, constant_value, convert_to_tensor


# Segments in order, whose numbers rise


def _last(ids: Any) -> Any:
    """How many segments the ascending numbers ``ids`` make, as a vector of one element."""
    return concat([constant([0], ids.dtype), ids + 1], 0)[-1:]


def _room(data: Any, ids: Any, count: Any, rank: int) -> Any:
    """Zeros of the shape of the result: ``count`` (a scalar or a vector of one element) slices of ``data``."""
    known = constant_value(count)
    size = None if known is None else int(known.reshape(()))
    count = reshape(count, [1])
    out = fill(concat([cast(count, "int32"), shape(data)[rank:]], 0), constant(0, data.dtype))
    rest = None if data.dims is None else data.dims[rank:]
    out.set_shape(None if rest is None else (size, *rest))
    return out


def _segmented(name: str, op: Op, kinds: str, **settings: Any) -> Callable[..., Any]:
    def function(data: Any, segment_ids: Any, name: str | None = None) -> Any:
        x, ids = taken(data, kinds, "segment"), convert_to_tensor(segment_ids)
        room = _room(x, ids, _last(ids), 1)
        return apply(op, x, room, ids, name=name, node=type_name(op.name), **settings)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{op.doc.partition('.')[0]}; ``segment_ids`` rise from 0 and number the rows of ``data``."
    return function


segment_sum = _segmented("segment_sum", ops.segment_sum, NUMBERS)
segment_prod = _segmented("segment_prod", ops.segment_prod, NUMBERS)
segment_max = _segmented("segment_max", ops.segment_max, REALS, empty=0)
segment_min = _segmented("segment_min", ops.segment_min, REALS, empty=0)


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Any:
    """The mean of the rows of ``data`` with each number; ``segment_ids`` rise from 0."""
    x, ids = taken(data, REALS, "segment_mean"), convert_to_tensor(segment_ids)
    return _averaged(x, ids, _room(x, ids, _last(ids), 1), 1.0, name, "SegmentMean")


def _averaged(x: Any, ids: Any, room: Any, power: float, name: str | None, node: str) -> Any:
    """The sums of the segments by the number of their slices to the ``power``."""
    total = apply(ops.segment_sum, x, room, ids)
    ones = cast(ops.ones_like(ids), x.dtype)
    counts = ops.maximum(apply(ops.segment_sum, ones, room[(slice(None), *[0] * (len(room.shape) - 1))], ids), 1)
    weights = expand_dims_to(ops.sqrt(counts) if power == 0.5 else counts, len(room.shape))
    return apply(ops.divide, total, weights, name=name, node=node)


def expand_dims_to(x: Any, rank: int) -> Any:
    """``x`` with axes of size 1 put in after its own, up to ``rank`` of them."""
    own = len(x.shape)
    return x if own == rank else ops.expand_dims(x, axis=tuple(range(own, rank)))


def _sparse(name: str, reduce: Callable[..., Any]) -> Callable[..., Any]:
    def function(data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None) -> Any:
        rows = gather(data, indices)
        if num_segments is None:
            return reduce(rows, segment_ids, name=name)
        return _UNSORTED[reduce](rows, segment_ids, num_segments, name=name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"``{reduce.__name__}`` of the rows of ``data`` at ``indices``."
    return function


# Segments in any order


def _unsorted(name: str, op: Op, kinds: str) -> Callable[..., Any]:
    def function(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
        x, ids = taken(data, kinds, "unsorted_segment"), convert_to_tensor(segment_ids)
        room = _room(x, ids, num_segments, len(ids.shape))
        return apply(op, x, room, ids, name=name, node=f"Unsorted{type_name(op.name)}")

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{op.doc.partition(';')[0]}, of ``num_segments`` numbers in any order. Negative ones are left out."
    return function


unsorted_segment_sum = _unsorted("unsorted_segment_sum", ops.segment_sum, NUMBERS)
unsorted_segment_prod = _unsorted("unsorted_segment_prod", ops.segment_prod, NUMBERS)
unsorted_segment_max = _unsorted("unsorted_segment_max", ops.segment_max, REALS)
unsorted_segment_min = _unsorted("unsorted_segment_min", ops.segment_min, REALS)


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The mean of the slices of ``data`` with each of ``num_segments`` numbers, 0 where there is none."""
    x, ids = taken(data, REALS, "unsorted_segment_mean"), convert_to_tensor(segment_ids)
    room = _room(x, ids, num_segments, len(ids.shape))
    return _averaged(x, ids, room, 1.0, name, "UnsortedSegmentMean")


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The sum of the slices of ``data`` with each number, by the square root of how many they are."""
    x, ids = taken(data, REALS, "unsorted_segment_sqrt_n"), convert_to_tensor(segment_ids)
    room = _room(x, ids, num_segments, len(ids.shape))
    return _averaged(x, ids, room, 0.5, name, "UnsortedSegmentSqrtN")


def _segment_sqrt_n(data: Any, segment_ids: Any, name: str | None = None) -> Any:
    x, ids = taken(data, REALS, "segment_sqrt_n"), convert_to_tensor(segment_ids)
    return _averaged(x, ids, _room(x, ids, _last(ids), 1), 0.5, name, "SegmentSqrtN")


_UNSORTED: dict[Callable[..., Any], Callable[..., Any]] = {
    segment_sum: unsorted_segment_sum,
    segment_mean: unsorted_segment_mean,
    _segment_sqrt_n: unsorted_segment_sqrt_n,
}
sparse_segment_sum = _sparse("sparse_segment_sum", segment_sum)
sparse_segment_mean = _sparse("sparse_segment_mean", segment_mean)
sparse_segment_sqrt_n = _sparse("sparse_segment_sqrt_n", _segment_sqrt_n)


# Apart and together


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Any]:
    """For each number below ``num_partitions`` the slices of ``data`` that ``partitions`` gives it, in their order."""
    x, which = convert_to_tensor(data), convert_to_tensor(partitions)
    return [
        apply(ops.index, x, ops.equal(which, i), name=name, node="DynamicPartition", axes=None)
        for i in range(num_partitions)
    ]


def dynamic_stitch(indices: Sequence[Any], data: Sequence[Any], name: str | None = None) -> Any:
    """One tensor in which each slice of ``data`` stands at its place in ``indices``; the last of several at one place."""
    places = [convert_to_tensor(i) for i in indices]
    parts = [convert_to_tensor(x) for x in data]
    rank = len(places[0].shape)
    rest = shape(parts[0])[rank:]
    flat = concat([reshape(i, [-1]) for i in places], 0)
    rows = concat([reshape(x, concat([constant([-1]), rest], 0)) for x in parts], 0)
    count = reshape(reduce_max(concat([constant([-1], flat.dtype), flat], 0)) + 1, [1])
    known = [constant_value(i) for i in places]
    room = fill(concat([cast(count, "int32"), rest], 0), constant(0, rows.dtype))
    size = None if any(i is None for i in known) else max(int(i.max(initial=-1)) for i in known if i is not None) + 1
    dims = parts[0].dims
    room.set_shape(None if dims is None else (size, *dims[rank:]))
    return apply(ops.index_put, room, rows, flat, name=name, node="DynamicStitch")


parallel_stitch = dynamic_stitch


def reverse_sequence(
    input: Any,
    seq_lengths: Any,
    seq_axis: int | None = None,
    batch_axis: int | None = None,
    name: str | None = None,
    seq_dim: int | None = None,
    batch_dim: int | None = None,
) -> Any:
    """``input`` with the first ``seq_lengths[b]`` steps along ``seq_axis`` of entry ``b`` of the batch turned around."""
    steps = seq_dim if seq_axis is None else seq_axis
    if steps is None:
        raise ValueError("reverse_sequence: seq_axis is missing")
    settings = {"seq_axis": steps, "batch_axis": (batch_dim if batch_axis is None else batch_axis) or 0}
    x = convert_to_tensor(input)
    return apply(ops.reverse_sequence, x, convert_to_tensor(seq_lengths), name=name, node="ReverseSequence", **settings)


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = "bool", name: str | None = None) -> Any:
    """For each of ``lengths`` a row that is true in so many first places of ``maxlen``, by default the greatest length."""
    size = convert_to_tensor(lengths)
    longest = maxlen if maxlen is not None else ops.maximum(reduce_max(size), 0)
    places = range_(longest) if constant_value(longest) is None else range_(int(constant_value(longest)))  # type: ignore[arg-type]
    mask = apply(ops.less, cast(places, size.dtype), expand_dims(size, -1), node="SequenceMask")
    return identity(mask, name) if dtype == "bool" else cast(mask, dtype, name)
