"""Where tensors live: ``device``, what it names, and the way of an array from one to another."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import numpy

from dynamic.apply import Carried, apply
from dynamic.elsewhere import DeviceError as DeviceError, fetched, sent, set_mover
from dynamic.uninterrupted import Inside
from graphs.core.errors import at_line
from graphs.core.gpus import cupy, found
from graphs.core.op import Op, first_dtype, like_first


KINDS = ("cpu", "cuda")
"""The kinds of devices that tensors can live on."""

_KNOWN = (*KINDS, "mps", "meta", "xpu", "xla", "mtia", "hip", "hpu", "ipu", "vulkan", "mkldnn", "opencl", "opengl", "ideep")


class device(Inside):  # noqa: N801 (PyTorch's name)
    """A kind of device and a number: ``device("cuda:1")``, ``device("cuda", 1)``. As a context, where new tensors are made.

    Raises RuntimeError for what names no device.
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index
        elif isinstance(type, int) and not isinstance(type, bool):
            if not available():
                raise DeviceError(f"device({type}): cannot access accelerator device when none is available{at_line()}")
            type, index = "cuda", type
        elif not isinstance(type, str):
            raise TypeError(f"a device is named by a string, not by a {type.__class__.__name__}")
        else:
            name, colon, number = type.partition(":")
            if name not in _KNOWN:
                raise DeviceError(f"expected one of {', '.join(_KNOWN)} at the start of a device's name: {type}{at_line()}")
            if colon:
                if not number.isdecimal() or index is not None:
                    raise DeviceError(f"invalid device string: {type!r}{at_line()}")
                type, index = name, int(number)
        super().__init__()
        self.type = type
        self.index = index

    def __repr__(self) -> str:
        return f"device(type={self.type!r})" if self.index is None else f"device(type={self.type!r}, index={self.index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, self.index)

    @property
    def _value(self) -> device:
        return self


CPU = device("cpu")
"""The processor's memory."""

default_device: ContextVar[device] = ContextVar("default device", default=CPU)
"""Where new tensors are made."""

device._variable = default_device


def set_default_device(device: Any) -> None:
    """Say where new tensors are made from now on; None for the processor's memory."""
    default_device.set(CPU if device is None else device_of(device))


def get_default_device() -> device:
    """Where new tensors are made."""
    return default_device.get()


def device_of(of: Any) -> device:
    """A device, a device's name or number, or a tensor's device."""
    return where_is(of._array) if isinstance(of, Carried) else of if isinstance(of, device) else device(of)


def where_is(array: Any) -> device:
    """The device whose memory an array is in."""
    if isinstance(array, (numpy.ndarray, numpy.generic)):
        return CPU
    return device("cuda", array.data.device_id)


def available() -> bool:
    """Whether tensors can live on a GPU: cupy is installed and finds one."""
    return bool(found()[0])


def cupy_for(name: Any) -> Any:
    """The module that computes on ``name``. Raises DeviceError saying what is missing."""
    count, reason = found()
    if not count:
        raise DeviceError(f"{name}: no tensors on a GPU here, since {reason}{at_line()}")
    if name.__class__ is device and name.index is not None and name.index >= count:
        there = "there is one GPU, cuda:0" if count == 1 else f"there are {count} GPUs, cuda:0 to cuda:{count - 1}"
        raise DeviceError(f"{name}: invalid device ordinal, {there}{at_line()}")
    return cupy()


def placed(array: Any, where: Any, wait: bool = True) -> Any:
    """``array`` in the memory of a device: itself where it is there already. Raises DeviceError where there is none.

    Without ``wait`` a copy between pinned memory and a GPU is only begun: the stream's work waits for it, nobody else does.
    """
    target = CPU if where is None else device_of(where)
    if target.type == "cpu":
        return array if isinstance(array, numpy.ndarray) else fetched(array, wait)
    if target.type != "cuda":
        raise DeviceError(f"{target}: tensors live on {' and '.join(KINDS)}{at_line()}")
    module = cupy_for(target)
    if target.index is None:
        return sent(module, array, wait)
    with module.cuda.Device(target.index):
        return sent(module, array, wait)


def _moved(xp: Any, x: Any, *, target: device, origin: device, wait: bool = True) -> Any:
    """``x`` in the memory of another device."""
    return placed(x, target, wait)


transfer = Op(_moved, name="to_copy", shape=like_first, dtype=first_dtype)
transfer.vjp(lambda g, _out, _x, *, target, origin, wait: transfer(g, target=origin, origin=target))


def moved(tensor: Any, where: Any, wait: bool = True) -> Any:
    """``tensor`` on a device, itself where it is there already; gradients come back the same way."""
    target, origin = device_of(where), where_is(tensor._array)
    if target.type == "cuda" and target.index is None:
        target = device("cuda", current_gpu(target))
    if origin == target or origin.type == target.type == "cpu":
        return tensor
    return apply(transfer, (tensor,), {"target": target, "origin": origin, "wait": wait})


set_mover(lambda tensor, number: moved(tensor, device("cuda", number)))


def number_of(of: Any = None) -> int:
    """The number of a GPU, named by a number, a device or its name, or a tensor; of the one that is used now for None."""
    found = of if isinstance(of, int) and of >= 0 else None if of is None or of == -1 else device_of(of).index
    return current_gpu() if found is None else int(found)


def current_gpu(name: Any = "cuda") -> int:
    """The number of the GPU that is used now. Raises DeviceError where there is none."""
    return int(cupy_for(name).cuda.get_device_id())


def check_here(where: Any) -> None:
    """Raise where a creation function is asked for a device that there is not."""
    if where is not None and not (where.__class__ is str and where == "cpu"):
        target = device_of(where)
        if target.type == "cuda":
            cupy_for(target)
        elif target.type != "cpu":
            raise DeviceError(f"{target}: tensors live on {' and '.join(KINDS)}{at_line()}")
