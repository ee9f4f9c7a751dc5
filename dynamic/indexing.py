"""``x[index]`` and ``x[index] = value``, for everything that PyTorch takes between the brackets."""

from __future__ import annotations

import warnings
from typing import Any

import numpy

from dynamic.apply import Carried, apply, wrap
from dynamic.dtypes import type_name
from dynamic.elsewhere import beside, to_numpy
from dynamic.functions.making import check_held
from graphs.core.arrays import is_array
from graphs.core.errors import DtypeError, PositionError, ShapeError, at_line
from graphs.ops.selection import index as index_op, index_put, parted
from graphs.ops.slicing import frozen, getitem


def get(tensor: Any, index: Any) -> Any:
    """What ``index`` takes from ``tensor``: a view for integers and slices, a copy for masks and integer tensors.

    ``loss.data[0]`` of a tensor without dimensions is its number, as it was in PyTorch until 0.4; later ones refuse.

    Raises PositionError (an IndexError) for positions that there are not, and for what is no index.
    """
    if index.__class__ is int and index == 0 and not tensor._array.ndim:
        warnings.warn("index 0 of a tensor without dimensions: use item() for its number", DeprecationWarning, stacklevel=3)
        return tensor.item()
    try:
        fixed = _fixed(index)
    except TypeError:
        at, arrays, axes = _parted(tensor, index)
        if any(item != slice(None) for item in at):
            tensor = apply(getitem, (tensor,), {"index": at})
        if not arrays:
            return apply(getitem, (tensor,), {"index": ()})
        try:
            return apply(index_op, (tensor, *arrays), {"axes": axes})
        except ShapeError as error:
            raise PositionError(str(error)) from None
    return apply(getitem, (tensor,), {"index": fixed})


def put(tensor: Any, index: Any, value: Any) -> None:
    """Change what ``index`` takes from ``tensor`` to ``value``, in place, and record it where a gradient may be wanted.

    Raises TypeError for a value that is no number, tensor or array; DtypeError for a tensor of another dtype at positions.
    """
    given = isinstance(value, Carried) and value._array.ndim > 0
    value = _filling(value, tensor._array)
    try:
        fixed = _fixed(index)
    except TypeError:
        at, arrays, axes = _parted(tensor, index)
        kinds = tensor._array.dtype, value._array.dtype
        if kinds[0] != kinds[1]:
            if given:
                names = " is not put into ".join(map(type_name, reversed(kinds)))
                raise DtypeError(f"{names}: cast it first{at_line()}") from None
            value = value.to(kinds[0])
        tensor._become(apply(index_put, (tensor, value, *arrays), {"at": at, "axes": axes}))
        return
    view = apply(getitem, (tensor,), {"index": fixed})
    shape = value._array.shape
    if len(shape) > view._array.ndim and all(n == 1 for n in shape[: len(shape) - view._array.ndim]):
        value = value.reshape(shape[len(shape) - view._array.ndim :])
    view.copy_(value)


def _filling(value: Any, into: Any) -> Any:
    """What is put somewhere, as a tensor."""
    if isinstance(value, Carried):
        return value
    if not (isinstance(value, (int, float, complex)) or is_array(value)):
        raise TypeError(f"a {type(value).__name__} is not assigned to a tensor; a number or a tensor is")
    dtype = into.dtype
    array = to_numpy(value) if is_array(value) else numpy.asarray(value)
    if array.dtype.kind == "c" and dtype.kind != "c":
        raise DtypeError(f"complex numbers are not put into {type_name(dtype)}{at_line()}")
    check_held(array, dtype)
    return wrap(beside(array.astype(dtype), into) if array.ndim else array.astype(dtype))


def _fixed(index: Any) -> Any:
    """The index as an attribute of ``getitem``. Raises TypeError where arrays or masks are in it."""
    for item in index if index.__class__ is tuple else (index,):
        if isinstance(item, Carried):
            if item._array.dtype.kind not in "iu" or item._array.ndim:
                raise TypeError("arrays and masks are no part of a fixed index")
        elif item.__class__ is slice and item.step is not None and item.step.__class__ is int and item.step < 0:
            raise ShapeError(f"the step of a slice is greater than 0 here, not {item.step}: use flip{at_line()}")
    return frozen(index)


_PARTS = (list, tuple, range, slice, Carried, numpy.ndarray)


def _parted(tensor: Any, index: Any) -> Any:
    items = index if type(index) is tuple else (index,)
    if isinstance(index, list) and any(isinstance(x, _PARTS) or x is None or x is Ellipsis for x in index):
        items = tuple(index)  # as numpy did for long: a list that holds more than numbers counts as a tuple
    try:
        at, arrays, axes = parted(tuple(map(_plain, items)), tensor._array.ndim, is_array)
        if not isinstance(tensor._array, numpy.ndarray) and sum(array.dtype.kind == "b" for array in arrays) > 1:
            arrays, axes = _positions([to_numpy(array) for array in arrays], axes)  # cupy takes one mask
        return at, [beside(array, tensor._array) for array in arrays], axes
    except TypeError as error:
        if any(isinstance(item, (slice, str)) for item in items):
            raise
        raise PositionError(f"integers, slices, None, ellipses, lists and tensors are indices: {error}{at_line()}") from None


def _positions(arrays: Any, axes: Any) -> tuple[Any, Any]:
    """Masks as the positions that they take, an array for each of their axes."""
    found = [
        (each, axis + along)
        for array, axis in zip(arrays, axes, strict=True)
        for along, each in enumerate(array.nonzero() if array.dtype.kind == "b" else [array])
    ]
    return [each for each, _ in found], tuple(axis for _, axis in found)


def _plain(item: Any) -> Any:
    """An item of an index with tensors and lists as arrays; a tensor of bytes is a mask, as it was in PyTorch until 1.2."""
    if isinstance(item, Carried):
        item = item._array
        if item.dtype in (numpy.int8, numpy.int16):
            raise PositionError(f"tensors of positions are int64, int32, bool or bytes, not {item.dtype}{at_line()}")
    elif isinstance(item, (list, tuple, range, bool)):
        item = numpy.asarray([_plain(x) for x in item] if not isinstance(item, bool) else item)
        if not item.size:
            item = item.astype(numpy.int64)
    if is_array(item):
        if item.dtype.kind not in "biu":
            raise PositionError(f"an index is of integers, bools or bytes, not of {item.dtype}{at_line()}")
        if item.dtype == numpy.uint8:
            return item.astype(bool)
        if item.ndim == 0 and item.dtype.kind in "iu":
            return int(item)
    elif isinstance(item, float):
        raise PositionError(f"an index is of integers, bools or bytes, not of floats{at_line()}")
    return item
