"""Rows of tables that may be cut into several, under ``tf.nn``'s names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphs import ops
from static.array import concat, reshape, shape, size
from static.calls import cast
from static.clipping import clip_by_norm
from static.counting import unique
from static.indexing import from_front, gather
from static.segments import (
    dynamic_partition,
    dynamic_stitch,
    expand_dims_to,
    segment_sum,
    sparse_segment_mean,
    sparse_segment_sqrt_n,
    sparse_segment_sum,
)
from static.sparse import SparseTensor
from static.tensor import apply, convert_to_tensor


def embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: float | None = None,
) -> Any:
    """The rows of ``params`` at ``ids``: of one table, or of one that is cut into several.

    Row ``i`` of a cut table is in part ``i % len(params)`` (``partition_strategy`` "mod"), or the parts hold consecutive
    rows, the first of them one more where they are not equal ("div"). ``max_norm`` clips each row's Euclidean norm.
    """
    tables = list(params) if isinstance(params, (list, tuple)) else [params]
    if not tables:
        raise ValueError("Need at least one param")
    places = convert_to_tensor(ids)
    if len(tables) == 1:
        return _clipped(tables[0], places, max_norm, name or "embedding_lookup")
    flat = reshape(places, [-1])
    part, row = _located(tables, flat, partition_strategy)
    which = dynamic_partition(ops.cast(_count(flat), dtype="int32"), part, len(tables))
    rows = dynamic_partition(row, part, len(tables))
    found = dynamic_stitch(which, [_clipped(table, at, max_norm) for table, at in zip(tables, rows, strict=True)])
    out = reshape(found, concat([shape(places), shape(tables[0])[1:]], 0), name or "embedding_lookup")
    out.set_shape(places.shape.concatenate(tables[0].shape[1:]))
    return out


def _count(flat: Any) -> Any:
    """0, 1, 2, ... of the length of the vector ``flat``."""
    return ops.arange_to(convert_to_tensor(0), size(flat), convert_to_tensor(1))


def _located(tables: list[Any], flat: Any, strategy: str) -> tuple[Any, Any]:
    """Which part each id is in, int32, and which row of the part it is."""
    count = len(tables)
    if strategy == "mod":
        return cast(ops.remainder(flat, count), "int32"), ops.floor_divide(flat, count)
    if strategy != "div":
        raise ValueError(f"Unrecognized partition strategy: {strategy}")
    lengths = [table.shape.as_list()[0] for table in tables]
    if None in lengths:
        raise ValueError("embedding_lookup: the rows of each part have to be known for the strategy 'div'")
    each, extra = divmod(sum(lengths), count)
    part = ops.maximum(ops.floor_divide(flat, each + 1), ops.floor_divide(flat - extra, each))
    early = ops.less(part, extra)
    row = ops.where(early, ops.remainder(flat, each + 1), ops.remainder(flat - extra, each))
    return cast(part, "int32"), row


def _clipped(table: Any, ids: Any, max_norm: float | None, name: str | None = None) -> Any:
    if max_norm is None:
        return apply(ops.take, table, from_front(ids), name=name, node="embedding_lookup", axis=0)
    rows = apply(ops.take, table, from_front(ids), node="embedding_lookup", axis=0)
    return clip_by_norm(rows, max_norm, axes=list(range(len(ids.shape), len(rows.shape))), name=name)


_COMBINERS: dict[str, Callable[..., Any]] = {
    "sum": sparse_segment_sum,
    "mean": sparse_segment_mean,
    "sqrtn": sparse_segment_sqrt_n,
}


def embedding_lookup_sparse(
    params: Any,
    sp_ids: SparseTensor,
    sp_weights: SparseTensor | None,
    partition_strategy: str = "mod",
    name: str | None = None,
    combiner: str | None = None,
    max_norm: float | None = None,
) -> Any:
    """For each row of ``sp_ids`` its embeddings' sum, mean, or sum by the root of the sum of squared weights ("sqrtn")."""
    how = combiner or "mean"
    if how not in _COMBINERS:
        raise ValueError("combiner must be one of 'mean', 'sqrtn' or 'sum'")
    if not isinstance(sp_ids, SparseTensor):
        raise TypeError("sp_ids must be SparseTensor")
    segments = cast(sp_ids.indices[:, 0], "int32")
    ids, which = unique(sp_ids.values)
    rows = embedding_lookup(params, ids, partition_strategy, max_norm=max_norm)
    if sp_weights is None:
        return _COMBINERS[how](rows, which, segments, name=name or "embedding_lookup_sparse")
    weights = cast(sp_weights.values, rows.dtype)
    spread = expand_dims_to(weights, len(rows.shape))
    total = segment_sum(gather(rows, which) * spread, segments)
    if how == "sum":
        return apply(ops.identity, total, name=name, node="embedding_lookup_sparse")
    norm = segment_sum(weights if how == "mean" else ops.square(weights), segments)
    divisor = expand_dims_to(norm if how == "mean" else ops.sqrt(norm), len(rows.shape))
    return apply(ops.divide, total, divisor, name=name, node="embedding_lookup_sparse")
