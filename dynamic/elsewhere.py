"""Arrays of a GPU beside those of numpy: the way there and back, counted, and whether operands are in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy
from numpy import ndarray

from dynamic import kernels
from graphs.codegen.links import Transfers as Transfers, pinned
from graphs.core import arrays
from graphs.core.errors import GraphsError, at_line
from graphs.core.op import Op


MOST_PINNED = 64 << 20
"""Bytes of the largest array that is fetched into pinned memory, of which a machine has not much to give away."""


class DeviceError(GraphsError, RuntimeError, AssertionError):
    """A device that this machine, or this installation, has not (PyTorch raises an AssertionError or a RuntimeError)."""


class OutOfMemoryError(GraphsError, RuntimeError):
    """The memory of a GPU is full."""


counted = Transfers()
"""The transfers of this process so far."""


def to_numpy(value: Any) -> ndarray:
    """``value`` as a numpy array: itself where it is one, fetched from the GPU where it lives on one."""
    return value if isinstance(value, ndarray) else fetched(value)


def fetched(value: Any, wait: bool = True) -> ndarray:
    """A numpy array of what ``value``, an array of a GPU, holds; without ``wait`` only once its stream has got so far."""
    if not hasattr(value, "get") or not arrays.is_array(value):
        return arrays.to_numpy(value)
    counted.fetched(value)
    if not value.nbytes or (wait and value.nbytes > MOST_PINNED):
        return arrays.to_numpy(value)
    out = pinned(arrays.xp_of((value,)), value.shape, value.dtype)
    value.get(out=out, blocking=wait)
    return out


def sent(module: Any, array: Any, wait: bool = True) -> Any:
    """``array`` in the memory of the current GPU, itself where it is there.

    What is not pinned is copied to pinned memory first, and may be changed at once; what is pinned is waited for, unless
    ``wait`` is False, and must not be changed before the stream has got so far.
    """
    if isinstance(array, (ndarray, numpy.generic)):
        counted.sent(array)
        return module.asarray(array, blocking=wait and is_pinned(array))
    if array.data.device_id == module.cuda.get_device_id():
        return array
    counted.crossed(array)
    return array.copy()  # to the current device, wherever it is


def beside(array: Any, other: Any) -> Any:
    """``array``, one of the processor, in the memory that ``other`` is in: for positions and constants."""
    if other.__class__ is ndarray or not isinstance(array, ndarray) or isinstance(other, (ndarray, numpy.generic)):
        return array
    with current(other):
        return sent(arrays.xp_of((other,)), array)


def in_pinned(module: Any, array: ndarray) -> ndarray:
    """A copy of ``array`` in pinned memory, in the same order."""
    order = numpy.argsort([-abs(step) for step in array.strides], kind="stable")
    laid = pinned(module, [array.shape[i] for i in order], array.dtype).transpose(numpy.argsort(order))
    laid[...] = array
    return laid


def is_pinned(array: Any) -> bool:
    """Whether a numpy array lies in pinned memory."""
    while type(array).__name__ != "PinnedMemoryPointer":
        if not isinstance(array, (ndarray, memoryview)):
            return False
        array = array.base if isinstance(array, ndarray) else array.obj
    return True


def may_share(x: Any, y: Any) -> bool:
    """Whether two arrays may have memory in common: for numpy whether their bounds overlap, on a GPU likewise."""
    if isinstance(x, ndarray) and isinstance(y, ndarray):
        return numpy.may_share_memory(x, y)
    memory = getattr(getattr(x, "data", None), "mem", None)
    if memory is None or memory is not getattr(getattr(y, "data", None), "mem", None):
        return False
    (a, b), (c, d) = _bounds(x), _bounds(y)
    return a < d and c < b


def _bounds(x: Any) -> tuple[int, int]:
    if not x.size:
        return 0, 0
    ends = [(n - 1) * step for n, step in zip(x.shape, x.strides, strict=True)]
    start = x.data.ptr + sum(end for end in ends if end < 0)
    return start, x.data.ptr + sum(end for end in ends if end > 0) + x.itemsize


def writeable(array: Any) -> bool:
    """Whether no two elements of an array share their memory, as those of an expanded tensor do."""
    if isinstance(array, ndarray):
        return array.flags.writeable
    return not any(n > 1 and not step for n, step in zip(array.shape, array.strides, strict=True))


def current(array: Any) -> Any:
    """A context in which the GPU that ``array`` is on is the current one."""
    if isinstance(array, ndarray):
        return nullcontext()
    xp: Any = arrays.xp_of((array,))
    device = array.data.device_id
    return nullcontext() if device == xp.cuda.get_device_id() else xp.cuda.Device(device)


def another(tensors: Sequence[Any]) -> Any:
    """A context in which the GPU that the first of ``tensors`` is on is the current one; None where it is already."""
    array = getattr(tensors[0], "_array", None) if tensors else None
    if array is None or isinstance(array, (ndarray, numpy.generic)):
        return None
    place = current(array)
    return None if isinstance(place, nullcontext) else place


def check_together(name: str, names: Sequence[str], operands: Sequence[Any]) -> int:
    """The number of the GPU whose memory the arrays among ``operands`` are in; 0-d ones of the processor count as numbers.

    Raises DeviceError in PyTorch's words, naming the operation, the argument and both devices, where there are several.
    """
    device = None
    for i, given in enumerate(operands):
        x: Any = given
        if isinstance(x, (ndarray, numpy.generic)):
            place = "cpu" if x.ndim and x.dtype.kind != "O" else None  # a box holds arrays of any place
        elif type(x) in arrays.MODULES:
            place = x.data.device_id
        else:
            continue
        if place is None or place == device:
            continue
        if device is None:
            device = place
            continue
        called = names[i] if i < len(names) else f"number {i + 1}"
        one, other = (each if each == "cpu" else f"cuda:{each}" for each in (device, place))
        raise DeviceError(
            f"Expected all tensors to be on the same device, but found at least two devices, {one} and {other}! "
            f"(when checking argument {called} of {name}){at_line()}"
        )
    return int(device or 0)


_mover: list[Callable[[Any, int], Any]] = []


def set_mover(mover: Callable[[Any, int], Any]) -> None:
    """Say how a tensor is brought to a GPU, with its history."""
    _mover[:] = [mover]


def run(xp: Any, op: Op, args: Any, operands: list[Any], edges: list[Any], params: Mapping[str, Any]) -> tuple[Op, Any, Any]:
    """The op to record, the arguments, and what it gives on the GPU that its operands are on, whichever is the current one.

    Arrays of the processor without dimensions count as numbers, as in PyTorch; ``operands`` and ``edges`` are changed to say
    so. Others are refused.
    """
    device = check_together(op.name, op.names, operands)
    for i, x in enumerate(operands):
        if x.__class__ is ndarray and x.dtype.kind != "O":
            if edges[i] is None:
                operands[i] = x[()]
            else:
                args = (*args[:i], _mover[0](args[i], device), *args[i + 1 :])
                operands[i], edges[i] = args[i]._array, args[i]._edge
    try:
        with nullcontext() if device == xp.cuda.get_device_id() else xp.cuda.Device(device):
            out = kernels.several(op, xp, operands, params)
            return kernels.with_kernels(op), args, op.kernel(xp, *operands, **params) if out is None else out
    except MemoryError as error:
        raise out_of_memory(xp, op.name, error) from error


def out_of_memory(xp: Any, what: str, error: MemoryError) -> OutOfMemoryError:
    """What to tell where ``what`` found no memory."""
    pool, (free, total) = xp.get_default_memory_pool(), xp.cuda.runtime.memGetInfo()
    return OutOfMemoryError(
        f"CUDA out of memory in {what} ({error}): tensors have {pool.used_bytes():,} bytes, {pool.free_bytes():,} more are "
        f"kept for the next ones (dynamic.cuda.empty_cache() gives them back), {free:,} of {total:,} are free{at_line()}"
    )
