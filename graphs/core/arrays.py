"""Array modules: numpy always, others (cupy) once somebody uses them.

An op's kernel is written over ``xp`` and gets the module of the arrays it is handed. No module but numpy is imported here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy
from numpy import ndarray


MODULES: dict[type, ModuleType] = {ndarray: numpy}
"""The array classes known so far, each with the module whose functions take it."""


def register_module(array_class: type, module: ModuleType) -> None:
    """Let kernels work on ``array_class`` through ``module``'s functions (the part of numpy's API that kernels use)."""
    MODULES[array_class] = module


def xp_of(args: Sequence[Any]) -> ModuleType:
    """The array module of the arguments: the first that is an array of another module than numpy decides, else numpy.

    Raises TypeError where arrays of two other modules meet; numpy arrays among them are left for that module to refuse.
    """
    if len(MODULES) == 1 and "cupy" not in sys.modules:
        return numpy
    found: ModuleType = numpy
    for arg in args:
        module = _module_of(type(arg))
        if module is not None and module is not numpy and module is not found:
            if found is not numpy:
                raise TypeError(f"arrays of {found.__name__} and of {module.__name__} in one call")
            found = module
    return found


def _module_of(kind: type) -> ModuleType | None:
    module = MODULES.get(kind)
    if module is None and kind.__module__.partition(".")[0] == "cupy" and kind.__name__ == "ndarray":
        module = sys.modules["cupy"]
        MODULES[kind] = module
    return module


def module_of(values: Sequence[Any]) -> ModuleType:
    """The array module of ``values``, which may be tensors too: these tell theirs by a method ``__array_module__``."""
    if len(MODULES) == 1 and "cupy" not in sys.modules:
        return numpy
    found = xp_of(values)
    for value in values if found is numpy else ():
        told = getattr(type(value), "__array_module__", None)
        if told is not None and (module := told(value)) is not numpy:
            return module
    return found


def is_array(value: Any) -> bool:
    """Whether ``value`` is an array of a known module, or one of numpy's scalars."""
    return type(value) in MODULES or isinstance(value, (ndarray, numpy.generic)) or _module_of(type(value)) is not None


def to_numpy(value: Any) -> ndarray:
    """``value`` as a numpy array: itself where it is one, copied from the device where it lives on one."""
    if isinstance(value, ndarray):
        return value
    get = getattr(value, "get", None)
    return get() if get is not None and is_array(value) else numpy.asarray(value)


def has_nan(array: Any) -> bool:
    """Whether an element of an array of floating point or complex numbers is NaN.

    A sum of squares is NaN only where a term is, and BLAS has it several times sooner than all elements are compared.
    """
    if array.__class__ is ndarray and array.dtype.kind == "f":
        flat = array.ravel("K")
        square = flat.dot(flat)
        return bool(square != square)
    return bool(xp_of((array,)).isnan(array).any())


def all_finite(array: Any) -> bool:
    """Whether no element of an array of floating point or complex numbers is NaN or infinite."""
    if array.__class__ is ndarray and numpy.isfinite(numpy.vdot(flat := array.ravel("K"), flat)):
        return True
    return bool(xp_of((array,)).isfinite(array).all())


def spread(xp: Any, x: Any, shape: tuple[int, ...]) -> Any:
    """``x`` broadcast to ``shape`` as a read-only view.

    ``numpy.broadcast_to`` takes 2 µs, several times as long as the arithmetic on a small array: one element, which is what
    the gradient of a loss begins with, goes another way.
    """
    if x.__class__ is ndarray and x.size == 1 and x.ndim <= len(shape):
        out = ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
        out.flags.writeable = False
        return out
    return xp.broadcast_to(x, shape)


def diagonal_view(xp: Any, x: Any, offset: int) -> Any:
    """The diagonals of the matrices in the last two axes, as a view that can be written to where ``x`` can.

    ``numpy.diagonal`` forbids writing, for the sake of programs from when it made a copy.
    """
    out = xp.diagonal(x, offset, -2, -1)
    if out.__class__ is ndarray and x.flags.writeable:
        out.flags.writeable = True
    return out
