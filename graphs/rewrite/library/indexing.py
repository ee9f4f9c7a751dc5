"""Taking parts: slices of slices and of joined arrays, and pairs that put and take, split and join."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy

from graphs.core.spec import axis_of
from graphs.ops import getitem, tril, triu
from graphs.ops.slicing import Slice
from graphs.rewrite.pattern import same
from graphs.rewrite.rules import Rules, made_by, same_shape, spec_of


indexing = Rules("indexing")


def _whole(item: Any, dim: int | None) -> bool:
    """Whether an item of an index takes all of an axis of size ``dim``, in order."""
    if item is Ellipsis:
        return True
    if not isinstance(item, Slice) or item.step not in (None, 1):
        return False
    return item.start in (None, 0) and (item.stop is None or (dim is not None and item.stop >= dim))


def _items(index: Any, dims: Any) -> list[Any] | None:
    """One item for each axis; None where the index adds axes, or the rank is not known."""
    if dims is None or None in index:
        return None
    at = index.index(Ellipsis) if Ellipsis in index else len(index)
    rest = index[at + 1 :]
    return [*index[:at], *[Slice()] * (len(dims) - at - len(rest)), *rest]


@indexing.rule("getitem(x, index=index)")
def slice_of_everything(x: Any, index: Any) -> Any:
    """x[:, :] -> x"""
    items = _items(index, spec_of(x).dims)
    return x if items is not None and all(map(_whole, items, spec_of(x).shape)) else None


@indexing.rule("getitem(getitem(x, index=first), index=second)")
def slice_of_slice(x: Any, first: Any, second: Any) -> Any:
    """x[a:b][c:d] -> x[a + c : a + d] along axes of known size"""
    dims = spec_of(x).dims
    inner = _items(first, dims)
    if dims is None or inner is None or None in second:
        return None
    left = [i for i, item in enumerate(inner) if isinstance(item, Slice)]
    outer = _items(second, [dims[i] for i in left])
    if outer is None:
        return None
    for i, item in zip(left, outer, strict=True):
        joined = _joined(inner[i], item, dims[i])
        if joined is None:
            return None
        inner[i] = joined
    return getitem(x, index=tuple(inner))


def _joined(first: Slice, second: Any, dim: int | None) -> Any:
    """``second`` of what ``first`` takes of an axis of size ``dim``, as one item; None where that cannot be told."""
    if _whole(first, dim):
        return second
    if second == Slice():
        return first
    if dim is None:
        return None
    taken = range(*slice(*first).indices(dim))
    if not isinstance(second, Slice):
        return taken[second]
    taken = taken[slice(*second)]
    if not taken:
        return Slice(0, 0)
    return Slice(taken.start, None if taken.stop < 0 else taken.stop, taken.step)


@indexing.rule("getitem(concat(*xs, axis=axis), index=index)")
def slice_of_concat(xs: Any, axis: int, index: Any) -> Any:
    """concat(x, y)[a:b] -> y[c:d] where the slice lies in one part"""
    sizes = _sizes(xs, axis)
    if sizes is None:
        return None
    dims = spec_of(xs[0]).shape
    items = _items(index, dims)
    if items is None:
        return None
    place = axis_of(axis, len(dims))
    item, ends = items[place], list(accumulate(sizes))
    taken = range(ends[-1])[slice(*item)] if isinstance(item, Slice) else range(ends[-1])[item : item + 1 or None]
    for x, size, end in zip(xs, sizes, ends, strict=True):
        start = end - size
        if taken and taken.step > 0 and start <= taken[0] and taken[-1] < end:
            local = Slice(taken[0] - start, taken[-1] - start + 1, taken.step)
            items[place] = local if isinstance(item, Slice) else local.start
            return getitem(x, index=tuple(items))
    return None


def _sizes(xs: Any, axis: int) -> list[int] | None:
    """The sizes of values along an axis, where all are known."""
    sizes = []
    for x in xs:
        dims = spec_of(x).dims
        size = None if dims is None else dims[axis_of(axis, len(dims))]
        if size is None:
            return None
        sizes.append(size)
    return sizes


@indexing.rule("getitem(stack(*xs, axis=0), index=index)")
def item_of_stack(xs: Any, index: Any) -> Any:
    """stack(x, y)[1] -> y"""
    if len(index) != 1 or not isinstance(index[0], int) or not -len(xs) <= index[0] < len(xs):
        return None
    return xs[index[0]]


@indexing.rule("getitem(put_like(x, _like, index=index), index=index)")
def taken_where_put(x: Any) -> Any:
    """what put_like put at an index taken from there -> x"""
    return x


@indexing.rule("take(x, constant(places), axis=axis)")
def take_of_range(x: Any, places: Any, axis: int) -> Any:
    """take(x, [a, a + 1, ... b]) -> x[a : b + 1], a view"""
    dims = spec_of(x).dims
    places = numpy.asarray(places)
    if dims is None or places.ndim != 1 or not places.size or places[0] < 0 or not (numpy.diff(places) == 1).all():
        return None
    place = axis_of(axis, len(dims))
    size = dims[place]
    if size is None or places[-1] >= size:
        return None
    index = [Slice()] * len(dims)
    index[place] = Slice(int(places[0]), int(places[-1]) + 1)
    return getitem(x, index=tuple(index))


@indexing.rule("diagonal(diag(x, offset=offset), offset=offset)")
def diagonal_of_diag(x: Any) -> Any:
    """diagonal(diag(x)) -> x"""
    return x


@indexing.rule("tril(tril(x, offset=offset), offset=offset)")
def lower_triangle_twice(x: Any, offset: int) -> Any:
    """tril(tril(x)) -> tril(x)"""
    return tril(x, offset=offset)


@indexing.rule("triu(triu(x, offset=offset), offset=offset)")
def upper_triangle_twice(x: Any, offset: int) -> Any:
    """triu(triu(x)) -> triu(x)"""
    return triu(x, offset=offset)


# Split and join


@indexing.rule("concat(*parts, axis=axis)")
def concat_of_split(parts: Any, axis: int) -> Any:
    """concat(split(x)) -> x for all parts in order, along one axis"""
    whole = made_by(parts[0], "split")
    if whole is None or len(whole.outputs) != len(parts) or not all(map(same, parts, whole.outputs)):
        return None
    rank = len(spec_of(parts[0]).dims or ())
    return whole.inputs[0] if rank and whole.params["axis"] % rank == axis % rank else None


@indexing.rule("split_like(concat(*xs, axis=axis), *likes, axis=axis)")
def split_of_concat(xs: Any, likes: Any) -> Any:
    """split_like(concat(x, y), x, y) -> x, y"""
    if len(xs) != len(likes) or not all(map(same_shape, xs, likes)):
        return None
    return tuple(xs)


@indexing.rule("split(concat(*xs, axis=axis), sections=sections, axis=axis)")
def split_where_joined(xs: Any, axis: int, sections: Any) -> Any:
    """split(concat(x, y)) -> x, y where it was joined"""
    sizes = _sizes(xs, axis)
    count = len(sections) if isinstance(sections, tuple) else sections
    if sizes is None or count != len(xs):
        return None
    wanted = list(sections) if isinstance(sections, tuple) else [sum(sizes) // count] * count
    return tuple(xs) if sizes == wanted else None
