"""Rows of a table by their numbers, with the gradients that a table of embeddings wants."""

from __future__ import annotations

from typing import Any

from graphs.core.errors import DtypeError, ShapeError
from graphs.core.op import index_dtype, like_first, op
from graphs.core.portable import looks
from graphs.core.spec import Shape, Spec
from graphs.ops.dtypes import floats, whole
from graphs.ops.elementwise import cast_like
from graphs.ops.logic import equal, where
from graphs.ops.segments import segment_sum
from graphs.ops.shape import expand_dims


def _ids(dtype: Any, **_: Any) -> Any:
    whole(dtype)
    return index_dtype()


@op(like_first, dtype=_ids)
def occurrences(xp: Any, ids: Any) -> Any:
    """How often each element of ``ids`` occurs among them, int64."""
    _, inverse, counts = xp.unique(ids, return_inverse=True, return_counts=True)
    return counts[inverse.reshape(-1)].reshape(ids.shape)


occurrences.vjp(None)


def _looked_up(table: Spec, ids: Spec, **_: Any) -> Shape:
    if table.ndim != 2:
        raise ShapeError(f"a table of rows is wanted, not {table.ndim} dimensions")
    return (*ids.shape, table.shape[1])


def _row_dtype(table: Any, ids: Any, **_: Any) -> Any:
    if ids.kind not in "iu":
        raise DtypeError(f"rows are numbered by integers, not {ids}")
    return floats(table)


@op(_looked_up, dtype=_row_dtype)
def embedding(xp: Any, table: Any, ids: Any, *, padding: int | None = None, by_frequency: bool = False) -> Any:
    """The rows of ``table`` that ``ids`` numbers (Bengio et al. 2003). Raises IndexError for a number without a row.

    No gradient flows into the row ``padding``; with ``by_frequency`` a row's gradient is divided by the times it occurs.
    """
    if looks(xp) and ids.size and (ids.min() < 0 or ids.max() >= len(table)):
        raise IndexError(f"rows are numbered from 0 to {len(table) - 1}, and there is {ids.min()} to {ids.max()}")
    return table.take(ids, axis=0)


def _into_table(g: Any, _out: Any, _table: Any, ids: Any, *, padding: Any, by_frequency: bool) -> Any:
    if by_frequency:
        g = g / expand_dims(cast_like(occurrences(ids), g), axis=-1)
    return segment_sum(g, _table, ids if padding is None else where(equal(ids, padding), -1, ids))


embedding.vjp(_into_table, None)
