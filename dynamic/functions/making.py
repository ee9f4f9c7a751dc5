"""What all functions that make new tensors do with dtypes, devices, ``out`` and ``requires_grad``."""

from __future__ import annotations

from typing import Any

import numpy

from dynamic.apply import Carried, default_dtype, wrap
from dynamic.devices import CPU, check_here, cupy_for, default_device, device_of, placed
from dynamic.dtypes import dtype_of
from dynamic.elsewhere import to_numpy
from dynamic.formats import memory_format
from dynamic.memory import in_order_of
from graphs.core.arrays import xp_of
from graphs.core.errors import DtypeError, GradientError, at_line


def kind_of(dtype: Any) -> Any:
    """numpy's dtype for one that somebody asked for; by default the default dtype."""
    return default_dtype.get() if dtype is None else dtype_of(dtype).numpy


def complex_default() -> Any:
    """The dtype of complex numbers whose parts have the default dtype."""
    return numpy.result_type(default_dtype.get(), numpy.complex64)


def module_at(device: Any, out: Any = None) -> Any:
    """The array module that makes what a function is to give on ``device``, so that nothing has to be sent there.

    For a GPU that is not the current one it is numpy, and what is made is sent.
    """
    if out is not None:
        return xp_of((out._array,))
    if device.__class__ is str and device == "cpu":
        return numpy
    target = default_device.get() if device is None else device_of(device)
    if target.type != "cuda":
        return numpy
    module = cupy_for(target)
    return module if target.index in (None, module.cuda.get_device_id()) else numpy


def finished(array: Any, requires_grad: bool = False, device: Any = None, out: Any = None, pin_memory: bool = False) -> Any:
    """A tensor over ``array`` on the device asked for, or in pinned memory, or ``out`` with its values."""
    if out is not None:
        if out.requires_grad:
            raise GradientError(f"a function with out= is not recorded, and out requires a gradient{at_line()}")
        if out._array.shape != array.shape:
            out.resize_(*array.shape)
        return out.copy_(wrap(array))
    if device is not None:
        check_here(device)
        array = placed(array, device)
    elif default_device.get() is not CPU:
        array = placed(array, default_device.get())
    tensor = wrap(array)
    if pin_memory:
        tensor = tensor.pin_memory()
    if requires_grad:
        tensor.requires_grad = True
    return tensor


def number(value: Any) -> Any:
    """A Python number of a tensor of one element, or of numpy's scalar; a number itself. Raises TypeError for others."""
    if isinstance(value, Carried):
        value = value._array
    if isinstance(value, (numpy.ndarray, numpy.generic)) or hasattr(value, "get"):
        return to_numpy(value).item()
    if not isinstance(value, (int, float, complex)):
        raise TypeError(f"a number is needed, not a {type(value).__name__}")
    return value


def plain(data: Any) -> Any:
    """``data`` with the tensors in it, also those inside lists, as arrays."""
    if isinstance(data, Carried):
        return to_numpy(data._array)
    return [plain(item) for item in data] if isinstance(data, (list, tuple)) else data


def check_held(array: Any, dtype: Any) -> None:
    """Refuse numbers that an integer dtype does not hold; negative ones wrap around in an unsigned one."""
    if dtype.kind in "iu" and array.size and array.dtype.kind in "iuf":
        limits = numpy.iinfo(dtype)
        low = -limits.max if dtype.kind == "u" else limits.min
        if not (low <= float(array.min()) and float(array.max()) <= limits.max):
            raise DtypeError(f"{dtype.name} does not hold some of these numbers{at_line()}")


def laid_out(array: Any, order: memory_format | None) -> Any:
    """``array`` with the dimensions in another order in memory, where one is asked for."""
    return array if order is None else in_order_of(array, order)
