"""``x[index]`` and ``x[index] = value``, for everything that PyTorch takes between the brackets."""

from __future__ import annotations

import warnings
from typing import Any

import numpy

from dynamic.apply import Carried, apply, wrap
from graphs.core.arrays import is_array
from graphs.ops.selection import index as index_op, index_put, parted
from graphs.ops.slicing import frozen, getitem


def get(tensor: Any, index: Any) -> Any:
    """What ``index`` takes from ``tensor``: a view for integers and slices, a copy for masks and integer tensors.

    ``loss.data[0]`` of a tensor without dimensions is its number, as it was in PyTorch until 0.4; later ones refuse.
    """
    if index.__class__ is int and index == 0 and not tensor._array.ndim:
        warnings.warn("index 0 of a tensor without dimensions: use item() for its number", DeprecationWarning, stacklevel=3)
        return tensor.item()
    try:
        fixed = frozen(index)
    except TypeError:
        at, arrays, axes = _parted(tensor, index)
        if any(item != slice(None) for item in at):
            tensor = apply(getitem, (tensor,), {"index": at})
        return apply(index_op, (tensor, *arrays), {"axes": axes})
    return apply(getitem, (tensor,), {"index": fixed})


def put(tensor: Any, index: Any, value: Any) -> None:
    """Change what ``index`` takes from ``tensor`` to ``value``, in place, and record it where a gradient may be wanted."""
    value = _filling(value, tensor._array.dtype)
    try:
        fixed = frozen(index)
    except TypeError:
        at, arrays, axes = _parted(tensor, index)
        if value._array.dtype != tensor._array.dtype:
            value = value.to(tensor._array.dtype)
        tensor._become(apply(index_put, (tensor, value, *arrays), {"at": at, "axes": axes}))
        return
    apply(getitem, (tensor,), {"index": fixed}).copy_(value)


def _filling(value: Any, dtype: Any) -> Any:
    return value if isinstance(value, Carried) else wrap(numpy.asarray(value, dtype))


def _parted(tensor: Any, index: Any) -> Any:
    items = index if type(index) is tuple else (index,)
    return parted(tuple(map(_plain, items)), tensor._array.ndim, is_array)


def _plain(item: Any) -> Any:
    """An item of an index with tensors and lists as arrays; a tensor of bytes is a mask, as it was in PyTorch until 1.2."""
    if isinstance(item, Carried):
        item = item._array
    elif isinstance(item, (list, bool)):
        item = numpy.asarray([_plain(x) for x in item] if isinstance(item, list) else item)
    if is_array(item):
        if item.dtype.kind not in "biu":
            raise IndexError(f"an index is of integers, bools or bytes, not of {item.dtype}")
        if item.dtype == numpy.uint8:
            return item.astype(bool)
        if item.ndim == 0 and item.dtype.kind in "iu":
            return int(item)
    elif isinstance(item, float):
        raise IndexError("an index is of integers, bools or bytes, not of floats")
    return item
