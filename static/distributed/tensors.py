"""Tensors on their way: as messages that Dask sends without pickling, and back with the same bits and the same layout.

How an array lies in memory goes along, because numpy adds up in the order of memory: a value that has crossed gives the same
sums, to the last bit, as one that has not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy
from numpy import ndarray
from numpy.lib.stride_tricks import as_strided

from graphs.core.errors import GraphsError
from graphs.core.spec import Spec
from static.layouts import order_of


Message = dict[str, Any]
"""Plain values that msgpack takes, and arrays of numbers."""


class GarbledError(GraphsError):
    """A message that is no tensor, or not the one that was to come."""


def packed(value: Any) -> tuple[Message, int]:
    """``value`` (an array, a scalar, None, an array of byte strings or of arrays) as a message, and its bytes of data.

    Raises TypeError for other Python objects, which exist in one process only.
    """
    if value is None or type(value) in (bool, int, float):
        return {"plain": value}, 8
    if not isinstance(value, (ndarray, numpy.generic)):
        raise TypeError(f"a {type(value).__name__} exists in one process only and cannot be sent to another")
    if value.dtype.kind == "O":
        return _strings(value)
    if not isinstance(value, ndarray):
        array = numpy.asarray(value)
        return {"scalar": _whole(array), "sum": _sum(array)}, array.nbytes
    order = order_of(value)
    if order is not None:
        dense = value.transpose(order) if order else value
        return {"array": _whole(dense), "order": list(order), "sum": _sum(dense)}, dense.nbytes
    once = value[tuple([slice(None) if stride else slice(0, 1) for stride in value.strides])]
    dense = numpy.array(once, order="C")
    about = {"shape": list(value.shape), "strides": list(value.strides)}
    return {"array": _whole(dense), "sum": _sum(dense), **about}, dense.nbytes


def copied(value: Any) -> Any:
    """``value`` in memory of its own, laid out alike: what it is a view of may change before it has been sent."""
    return numpy.array(value, order="K") if isinstance(value, ndarray) and order_of(value) is not None else value


def unpacked(message: Any, spec: Spec | None = None) -> Any:
    """The value of a message. Raises GarbledError where it has none, or one that does not fit ``spec``."""
    try:
        value = _value(message)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise GarbledError(f"it is no tensor ({type(error).__name__}: {error})") from None
    if spec is not None and value is not None:
        found = Spec.of(value)
        if isinstance(value, (ndarray, numpy.generic)) and found.dtype != spec.dtype:
            raise GarbledError(f"it is {found}, where {spec} is to come")
        if not spec.admits(tuple(numpy.shape(value))):
            raise GarbledError(f"it is {found}, where {spec} is to come")
    return value


def _value(message: Mapping[str, Any]) -> Any:
    if "plain" in message:
        return message["plain"]
    if "strings" in message:
        return _strings_from(message)
    if "boxed" in message:
        out = numpy.empty(len(message["boxed"]), object)
        for i, item in enumerate(message["boxed"]):
            out[i] = _value(item)
        return out.reshape(message["shape"])
    dense = message["scalar"] if "scalar" in message else message["array"]
    if type(dense) is not ndarray or dense.dtype.kind == "O":
        raise TypeError("its data is no array of numbers")
    if _sum(dense) != message["sum"]:
        raise ValueError("its bytes are not those that were sent")
    if not dense.flags.aligned:
        dense = dense.copy()
    if "scalar" in message:
        return dense[()]
    if "strides" in message:
        return _strided(dense, tuple(message["shape"]), tuple(message["strides"]))
    order = message["order"]
    return dense.transpose([order.index(i) for i in range(len(order))]) if order else dense


def _whole(array: ndarray) -> ndarray:
    return array if array.flags.c_contiguous else numpy.ascontiguousarray(array)


def _sum(array: ndarray) -> int:
    """The sum of the bytes, eight at a time: what goes wrong on the way is noticed for a fraction of what the way costs."""
    flat = numpy.ascontiguousarray(array).reshape(-1).view(numpy.uint8)
    whole = flat.size & ~7
    words = flat[:whole].view(numpy.uint64).sum(dtype=numpy.uint64) if whole else 0
    return (int(words) + int.from_bytes(flat[whole:].tobytes(), "little")) & ((1 << 63) - 1)


def _strided(dense: ndarray, shape: tuple[int, ...], strides: tuple[int, ...]) -> ndarray:
    """The elements in memory with the same gaps as those that were sent had."""
    ends = [stride * (size - 1) for size, stride in zip(shape, strides, strict=True)]
    first, last = sum(min(end, 0) for end in ends), sum(max(end, 0) for end in ends)
    memory = numpy.empty(last - first + dense.itemsize, numpy.uint8)
    out: ndarray = as_strided(memory[-first : -first + dense.itemsize].view(dense.dtype)[0:], shape, strides)
    out[...] = dense
    return out


def _strings(value: Any) -> tuple[Message, int]:
    items = list(value.flat) if isinstance(value, ndarray) else [value]
    shape = list(numpy.shape(value))
    if all(type(item) is bytes for item in items):
        return {"strings": items, "shape": shape}, sum(map(len, items))
    boxed = [packed(item) for item in items]  # what a loop keeps, or a TensorArray: arrays in an array
    return {"boxed": [message for message, _ in boxed], "shape": shape}, sum(size for _, size in boxed)


def _strings_from(message: Mapping[str, Any]) -> ndarray:
    items = message["strings"]
    if not all(type(item) is bytes for item in items):
        raise TypeError("these are no strings")
    out = numpy.empty(len(items), object)
    out[:] = items
    return out.reshape(message["shape"])


__all__ = ["GarbledError", "Message", "copied", "packed", "unpacked"]
