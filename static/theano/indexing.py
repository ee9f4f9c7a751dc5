"""What stands between brackets, in numpy's way: numbers, slices, None and ellipses, and arrays of positions or masks.

Any of the numbers may be a scalar of the graph. The parts are taken in two steps, slices before arrays.
"""

from __future__ import annotations

from typing import Any

import numpy

from graphs import ops
from graphs.core.errors import at_line
from graphs.core.node import Operators
from graphs.ops.sized import opened
from static.array import broadcast_to, cast, shape
from static.tensor import Tensor, apply, constant, convert_to_tensor, index


def _plain(item: Any) -> Any:
    """An item of an index with tensors for what stands for one, and for arrays and lists."""
    if isinstance(item, slice):
        return slice(*(None if x is None else _plain(x) for x in (item.start, item.stop, item.step)))
    if isinstance(item, numpy.ndarray) and item.ndim == 0:
        item = item[()]
    if isinstance(item, (numpy.integer, numpy.bool_)):
        return item.item()
    if isinstance(item, (list, tuple, numpy.ndarray)):
        return constant(numpy.asarray(item, numpy.int64 if len(item) == 0 else None))
    return convert_to_tensor(item) if isinstance(item, Operators) else item


def _split(x: Any, key: Any) -> tuple[tuple[Any, ...], list[Any], tuple[int, ...]]:
    """The part of ``key`` that numbers, slices and None make, the arrays, and the axes they then stand at."""
    items = [_plain(item) for item in (key if isinstance(key, tuple) else (key,))]
    arrays = any(isinstance(item, Tensor) and item.spec.shape for item in items)
    if arrays:  # then numbers are arrays without dimensions, as in numpy
        items = [constant(numpy.asarray(i, numpy.int64)) if type(i) is int else i for i in items]
    width = [0 if i is None or i is Ellipsis else _width(i) if arrays and isinstance(i, Tensor) else 1 for i in items]
    rank = len(x.spec.shape)
    if sum(width) > rank:
        raise IndexError(f"too many indices for {x.name}, which has {rank} dimensions{at_line()}")
    basic: list[Any] = []
    found: list[Any] = []
    axes: list[int] = []
    axis = 0
    for item, count in zip(items, width, strict=True):
        if item is Ellipsis:
            basic.extend([slice(None)] * (rank - sum(width)))
            axis += rank - sum(width)
        elif arrays and isinstance(item, Tensor):
            found.append(item)
            axes.append(axis)
            basic.extend([slice(None)] * count)
            axis += count
        else:
            basic.append(item)
            axis += item is None or isinstance(item, slice)
    return tuple(basic), found, tuple(axes)


def _width(item: Any) -> int:
    return len(item.spec.shape) if item.dtype.kind == "b" else 1


def taken(x: Any, key: Any) -> Any:
    """``x[key]``. Raises IndexError where there are more items than dimensions."""
    basic, arrays, axes = _split(x, key)
    part = x if all(item == slice(None) for item in basic) and basic else index(x, basic)
    if not arrays:
        return part
    if len(arrays) == 1 and arrays[0].dtype.kind != "b":
        return apply(ops.take, part, arrays[0], axis=axes[0])
    return apply(ops.index, part, *arrays, axes=axes)


def put(x: Any, key: Any, y: Any, add: bool) -> Any:
    """``x`` with ``y`` put at ``key``, or added there, as often as a position occurs."""
    basic, arrays, axes = _split(x, key)
    fixed, places, bounds = opened(basic, lambda item: isinstance(item, Tensor))
    if not bounds:
        return apply(ops.index_put, x, y, *arrays, at=fixed, axes=axes if arrays else None, accumulate=add)
    part = index(x, basic)
    if arrays:
        y = apply(ops.index_put, part, y, *arrays, axes=axes, accumulate=add)
        add = False
    whole = broadcast_to(y, cast(shape(part), "int32"))
    inside = apply(ops.put_at_like, whole, x, *bounds, index=fixed, places=places)
    if add:
        return apply(ops.add, x, inside)
    mask = apply(ops.put_at_like, cast(apply(ops.ones_like, part), "bool"), x, *bounds, index=fixed, places=places)
    return apply(ops.where, mask, inside, x)
