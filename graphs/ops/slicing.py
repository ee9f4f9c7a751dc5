"""Indexing by integers, slices, None and an ellipsis that are fixed when the op is made."""

from __future__ import annotations

from functools import lru_cache
from operator import index as as_int
from typing import Any, NamedTuple

from graphs.core.errors import PositionError, ShapeError
from graphs.core.op import first_dtype, op
from graphs.core.spec import Dim, Shape, adjoint


class Slice(NamedTuple):
    """A slice that can be hashed (Python's own cannot before 3.12), as an attribute has to be."""

    start: int | None = None
    stop: int | None = None
    step: int | None = None


Index = tuple[Any, ...]
"""Integers, ``Slice``, None and at most one Ellipsis."""


def frozen(index: Any) -> Index:
    """What somebody wrote between brackets as an attribute of ``getitem``. Raises TypeError on arrays, lists and bools."""
    return tuple(_frozen(item) for item in (index if type(index) is tuple else (index,)))


def _frozen(item: Any) -> Any:
    if item is None or item is Ellipsis or isinstance(item, Slice):
        return item
    if isinstance(item, slice):
        return Slice(*(None if n is None else as_int(n) for n in (item.start, item.stop, item.step)))
    if isinstance(item, bool):
        raise TypeError("a bool is no position; a mask is an array")
    return as_int(item)


@lru_cache(maxsize=4096)
def thawed(index: Index) -> tuple[Any, ...]:
    """``index`` as arrays take it, with an ellipsis, so that the result is always a view and never a scalar."""
    items = tuple(slice(*item) if isinstance(item, Slice) else item for item in index)
    return items if Ellipsis in items else (*items, Ellipsis)


def sliced(dim: Dim, item: Slice) -> Dim:
    """The size that a slice leaves of an axis."""
    if item.step == 0:
        raise ShapeError("the step of a slice is not 0")
    if dim is None:
        whole = item.start in (None, 0) and item.stop is None and item.step in (None, 1)
        return dim if whole else _bounded(item)
    return len(range(*slice(*item).indices(dim)))


def _bounded(item: Slice) -> Dim:
    """What a slice leaves of an axis of unknown size: 0 where it is empty for every size, else unknown."""
    start, stop = item.start or 0, item.stop
    empty = stop is not None and (item.step or 1) > 0 and start >= stop and (start < 0) == (stop < 0)
    return 0 if empty else None


def indexed(shape: Shape, index: Index) -> Shape:
    """The shape of what ``index`` takes from ``shape``. Raises ShapeError where it does not fit."""
    taken = len(index) - index.count(None) - index.count(Ellipsis)
    if index.count(Ellipsis) > 1:
        raise PositionError("an index has at most one ellipsis")
    if taken > len(shape):
        raise PositionError(f"{taken} indices for {len(shape)} dimensions")
    out: list[Dim] = []
    position = 0
    for item in index if Ellipsis in index else (*index, Ellipsis):
        if item is None:
            out.append(1)
        elif item is Ellipsis:
            out.extend(shape[position : position + len(shape) - taken])
            position += len(shape) - taken
        else:
            dim = shape[position]
            if isinstance(item, Slice):
                out.append(sliced(dim, item))
            elif dim is not None and not -dim <= item < dim:
                raise PositionError(f"index {item} is outside axis {position} of size {dim}")
            position += 1
    return tuple(out)


@op(lambda x, *, index: indexed(x.shape, index), traits={"view"})
def getitem(xp: Any, x: Any, *, index: Index) -> Any:
    """``x[index]``, the index being one that ``frozen`` made (a view)."""
    return x[thawed(index)]


@op(adjoint(lambda like, *, index: indexed(like.shape, index)), dtype=first_dtype)
def put_like(xp: Any, x: Any, _like: Any, *, index: Index) -> Any:
    """Zeros of the shape of ``like`` with ``x`` put at ``index``: the gradient of ``getitem``."""
    out = xp.zeros(_like.shape, x.dtype)
    out[thawed(index)] = x
    return out


getitem.vjp(lambda g, _out, _x, *, index: put_like(g, _x, index=index))
put_like.vjp(lambda g, _out, _x, _like, *, index: getitem(g, index=index), None)
