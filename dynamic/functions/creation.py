"""New tensors: filled, and rows of numbers at equal distances."""

from __future__ import annotations

import builtins
import math
import warnings
from operator import index as as_int
from typing import Any

import numpy

from dynamic.apply import Carried, default_dtype
from dynamic.conversion import strided_memory
from dynamic.dtypes import TensorType, dtype as Dtype, dtype_of, typed_constructor
from dynamic.elsewhere import current
from dynamic.functions.drawing import (
    multinomial as multinomial,
    rand as rand,
    randint as randint,
    randn as randn,
    randperm as randperm,
)
from dynamic.functions.given import FUNCTIONS as GIVEN, as_tensor as as_tensor, from_numpy as from_numpy, tensor as tensor
from dynamic.functions.making import complex_default, finished, kind_of, laid_out, module_at, number
from dynamic.random import Generator as Generator, manual_seed as manual_seed, next_key as next_key
from dynamic.size import sizes_of
from graphs.core.arrays import xp_of
from graphs.core.errors import ShapeError, at_line


# Filled


def _need_size(name: str, size: tuple[Any, ...], more: dict[str, Any]) -> tuple[int, ...]:
    """The size, given as numbers, as a sequence, or by name; what is left in ``more`` is nobody's argument."""
    if "size" in more:
        size = (more.pop("size"),)
    elif not size:
        raise TypeError(f"{name} needs a size")
    if more:
        raise TypeError(f"{name} has no argument {', '.join(more)}")
    return sizes_of(size)


def zeros(
    *size: Any,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    **more: Any,
) -> Any:
    """Zeros of the default dtype, or of ``dtype``."""
    shape = _need_size("zeros", size, more)
    return finished(module_at(device, out).zeros(shape, kind_of(dtype)), requires_grad, device, out, pin_memory)


def ones(
    *size: Any,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    **more: Any,
) -> Any:
    """Ones of the default dtype, or of ``dtype``."""
    shape = _need_size("ones", size, more)
    return finished(module_at(device, out).ones(shape, kind_of(dtype)), requires_grad, device, out, pin_memory)


def empty(
    *size: Any,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = None,
    **more: Any,
) -> Any:
    """Memory with whatever was in it, of the default dtype, or of ``dtype``."""
    shape = _need_size("empty", size, more)
    return finished(
        laid_out(module_at(device, out).empty(shape, kind_of(dtype)), memory_format), requires_grad, device, out, pin_memory
    )


def full(
    size: Any,
    fill_value: Any,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Any:
    """One value, of the dtype that it has by itself: floats of the default dtype, integers int64."""
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"full takes a tuple for its size, not {size!r}")
    value = number(fill_value)
    if dtype is None:
        kind = numpy.asarray(value).dtype
        dtype = default_dtype.get() if kind.kind == "f" else complex_default() if kind.kind == "c" else kind
    array = module_at(device, out).full(sizes_of((size,)), value, dtype_of(dtype).numpy)
    return finished(array, requires_grad, device, out, pin_memory)


def empty_strided(
    size: Any, stride: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any
) -> Any:
    """Memory with the given strides."""
    return finished(strided_memory(sizes_of((size,)), tuple(stride), kind_of(dtype)), requires_grad, device)


def empty_permuted(
    size: Any, physical_layout: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any
) -> Any:
    """Memory whose dimensions lie in the given order, the one with the largest stride first."""
    shape, axes = sizes_of((size,)), [as_int(axis) for axis in physical_layout]
    if sorted(axes) != [*builtins.range(len(shape))]:
        raise ShapeError(f"{axes} is no order of {len(shape)} dimensions{at_line()}")
    memory = module_at(device).empty([shape[axis] for axis in axes], kind_of(dtype))
    return finished(memory.transpose([axes.index(axis) for axis in builtins.range(len(axes))]), requires_grad, device)


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Any:
    """The identity matrix, with ``m`` columns where that is given."""
    rows, columns = sizes_of((n, n if m is None else m))
    return finished(module_at(device, out).eye(rows, columns, dtype=kind_of(dtype)), requires_grad, device, out, pin_memory)


# Rows of numbers


def _is_real(*values: Any) -> bool:
    return any(isinstance(value, float) for value in values)


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Any:
    """Numbers from ``start`` (0 where only one bound is given) up to but without ``end``, int64 where all are integers."""
    first, last, by = (0, number(start), number(step)) if end is None else (number(start), number(end), number(step))
    kind = (
        (default_dtype.get() if _is_real(first, last, by) else numpy.dtype(numpy.int64)) if dtype is None else kind_of(dtype)
    )
    if out is not None and dtype is None:
        kind = out._array.dtype
    _check_range("arange", first, last, by)
    xp = module_at(device, out)
    if kind.kind in "iu":
        return finished(xp.arange(int(first), int(last), int(by), dtype=kind), requires_grad, device, out, pin_memory)
    count = max(0, math.ceil((last - first) / by))
    return finished((first + xp.arange(count) * float(by)).astype(kind), requires_grad, device, out, pin_memory)


def _check_range(name: str, start: Any, end: Any, step: Any) -> None:
    if not all(map(math.isfinite, (start, end, step))):
        raise ShapeError(f"{name} has no numbers from {start} to {end} in steps of {step}{at_line()}")
    if step == 0 or (end - start) * step < 0:
        raise ShapeError(f"{name} does not come from {start} to {end} in steps of {step}{at_line()}")


def range(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Numbers from ``start`` to ``end``, which is among them (in PyTorch since its beginning, and deprecated for arange)."""
    warnings.warn("range includes its end; use arange, which does not, as Python's range", UserWarning, stacklevel=2)
    first, last, by = (0, number(start), number(step)) if end is None else (number(start), number(end), number(step))
    _check_range("range", first, last, by)
    count = math.floor((last - first) / by) + 1
    return finished((first + numpy.arange(count) * by).astype(kind_of(dtype)), requires_grad, device, out)


def linspace(
    start: Any,
    end: Any,
    steps: int = 100,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Any:
    """``steps`` numbers from ``start`` to ``end``, both among them (100 by default, as until 1.11)."""
    return finished(_spaced(number(start), number(end), steps, dtype), requires_grad, device, out, pin_memory)


def _spaced(start: Any, end: Any, steps: int, dtype: Any) -> Any:
    """Numbers at equal distances, counted from the nearer end, so that they are the same read backwards."""
    if steps < 0:
        raise ShapeError(f"the number of steps is not negative: {steps}{at_line()}")
    parts = isinstance(start, complex) or isinstance(end, complex)
    kind = (complex_default() if parts else default_dtype.get()) if dtype is None else kind_of(dtype)
    exact = kind if kind.kind in "fc" and kind != numpy.float16 else numpy.dtype(numpy.float32)
    if steps < 2:
        return numpy.full(steps, start, kind)
    first, last = exact.type(start), exact.type(end)
    step = (last - first) / exact.type(steps - 1)
    counts = numpy.arange(steps)
    low = first + step * counts.astype(exact)
    high = last - step * (steps - 1 - counts).astype(exact)
    return numpy.where(counts < steps // 2, low, high).astype(kind)


def logspace(
    start: Any,
    end: Any,
    steps: int = 100,
    base: float = 10.0,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Any:
    """``base`` to the power of ``linspace(start, end, steps)``."""
    kind = kind_of(dtype)
    exponents = _spaced(number(start), number(end), steps, kind if kind.kind in "fc" else numpy.float64)
    return finished(numpy.power(base, exponents).astype(kind), requires_grad, device, out, pin_memory)


# Like others


def _like(input: Any, dtype: Any) -> Any:
    if not isinstance(input, Carried):
        raise TypeError(f"a tensor is needed, not a {type(input).__name__}")
    return input._array.dtype if dtype is None else dtype_of(dtype).numpy


def _shaped(make: str, input: Any, kind: Any) -> Any:
    """An array where ``input`` is, of its shape and with its order of dimensions in memory."""
    array = input._array
    if isinstance(array, numpy.ndarray):
        return getattr(numpy, make)(array, kind, subok=False)
    with current(array):
        return getattr(xp_of((array,)), make)(array, kind)


def _beside(input: Any, array: Any, memory_format: Any, requires_grad: bool, device: Any) -> Any:
    return finished(laid_out(array, memory_format), requires_grad, input.device if device is None else device)


def zeros_like(
    input: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Any:
    """Zeros of the shape and dtype of ``input``."""
    kind = _like(input, dtype)
    return _beside(input, _shaped("zeros_like", input, kind), memory_format, requires_grad, device)


def ones_like(
    input: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Any:
    """Ones of the shape and dtype of ``input``."""
    return full_like(input, 1, dtype=dtype, device=device, requires_grad=requires_grad, memory_format=memory_format)


def empty_like(
    input: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Any:
    """Memory of the shape and dtype of ``input``, with whatever was in it."""
    kind = _like(input, dtype)
    return _beside(input, _shaped("empty_like", input, kind), memory_format, requires_grad, device)


def full_like(
    input: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Any:
    """One value in the shape and dtype of ``input``."""
    kind = _like(input, dtype)
    array = _shaped("empty_like", input, kind)
    array.fill(number(fill_value))
    return _beside(input, array, memory_format, requires_grad, device)


# Defaults


def set_default_dtype(d: Any) -> None:
    """Make new floating-point tensors of another dtype than float32. Raises TypeError for other kinds."""
    kind = dtype_of(d).numpy
    if kind.kind != "f":
        raise TypeError(f"only floating-point types are supported as the default type, not {kind.name}")
    default_dtype.set(kind)


def get_default_dtype() -> Dtype:
    """The dtype of new floating-point tensors."""
    return dtype_of(default_dtype.get())


def set_default_tensor_type(t: Any) -> None:
    """Make new tensors of a typed constructor's dtype: ``set_default_tensor_type(torch.DoubleTensor)`` or its name."""
    found = typed_constructor(t) if isinstance(t, str) else t
    set_default_dtype(found.dtype if isinstance(found, TensorType) else found)


FUNCTIONS = GIVEN | {
    function.__name__: function
    for function in (
        *(zeros, ones, empty, full, eye, empty_strided, empty_permuted, arange, range, linspace, logspace),
        *(zeros_like, ones_like, empty_like, full_like),
        *(set_default_dtype, get_default_dtype, set_default_tensor_type),
    )
}
"""Functions of the package."""
