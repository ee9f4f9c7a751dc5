"""Tensors from data: numbers in lists, arrays, buffers, what other libraries hand over."""

from __future__ import annotations

from typing import Any

import numpy

from dynamic.apply import Carried, apply, default_dtype, wrap
from dynamic.devices import moved
from dynamic.dtypes import dtype_of, type_name
from dynamic.functions.making import check_held, complex_default, finished, kind_of, number, plain
from graphs.core.errors import DtypeError, ShapeError, at_line
from graphs.core.op import OPS


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Any:
    """A new tensor with a copy of ``data``; floats become the default dtype, integers int64.

    Raises ShapeError (a ValueError) for rows of different lengths, DtypeError for what are no numbers, and for numbers that
    ``dtype`` does not hold.
    """
    if isinstance(data, Carried):
        array = data._array.copy()
    elif isinstance(data, (numpy.ndarray, numpy.generic)):
        _check_array(data)
        array = numpy.array(data)
    else:
        array = _from_python(data)
        if dtype is not None:
            check_held(array, dtype_of(dtype).numpy)
        elif array.dtype.kind in "fc" and not _has_arrays(data):
            array = array.astype(default_dtype.get() if array.dtype.kind == "f" else complex_default())
    if dtype is not None:
        with numpy.errstate(all="ignore"):
            array = array.astype(dtype_of(dtype).numpy)
    return finished(array, requires_grad, device, None, pin_memory)


def _from_python(data: Any) -> Any:
    try:
        array = numpy.array(plain(data))
    except ValueError as error:
        raise ShapeError(f"a tensor cannot be made of these rows: {error}{at_line()}") from None
    if array.dtype.kind not in "biufc" or array.dtype == numpy.uint64:
        raise DtypeError(f"a tensor cannot be made of such data ({array.dtype}){at_line()}")
    return array


def _has_arrays(data: Any) -> bool:
    """Whether some number in nested lists says its own dtype."""
    if isinstance(data, (list, tuple)):
        return any(issubclass(kind, (Carried, numpy.ndarray, numpy.generic)) for kind in set(map(type, data))) or any(
            _has_arrays(item) for item in data if isinstance(item, (list, tuple))
        )
    return isinstance(data, (Carried, numpy.ndarray, numpy.generic))


def _check_array(array: Any) -> None:
    """Refuse arrays that PyTorch has no tensors for."""
    if not array.dtype.isnative:
        raise DtypeError(
            f"the array's byte order is not this machine's: use array.astype(array.dtype.newbyteorder('=')){at_line()}"
        )
    dtype_of(array.dtype)
    if any(step < 0 for step in array.strides):
        raise ShapeError(f"the array has a negative stride: use array.copy(){at_line()}")


def from_numpy(array: Any) -> Any:
    """A tensor over the memory of a numpy array.

    Raises TypeError for anything else and for dtypes that PyTorch has not, ValueError for negative strides.
    """
    if not isinstance(array, numpy.ndarray):
        raise TypeError(f"from_numpy takes a numpy array, not {type(array).__name__}{at_line()}")
    _check_array(array)
    return wrap(array)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """``data`` as a tensor, without a copy where it is one already, or an array."""
    if isinstance(data, Carried):
        return data.to(device=device, dtype=dtype)  # type: ignore[attr-defined]
    if isinstance(data, numpy.ndarray):
        return from_numpy(data).to(device=device, dtype=dtype)
    return tensor(data, dtype=dtype, device=device)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Any:
    """``obj`` as a tensor: one's own memory for tensors, arrays and buffers, unless ``copy`` says otherwise.

    Raises ValueError where ``copy=False`` and a copy is needed.
    """
    if isinstance(obj, (Carried, numpy.ndarray, bytearray, memoryview)):
        if isinstance(obj, (Carried, numpy.ndarray)):
            made: Any = obj if isinstance(obj, Carried) else from_numpy(obj)
        else:
            made = frombuffer(obj, dtype=default_dtype.get() if dtype is None else dtype)
        cast: Any = made.to(device=device, dtype=dtype)
        if copy is False and cast is not made:
            raise DtypeError(f"another dtype or device needs a copy{at_line()}")
        made = cast.clone() if copy and cast is made else cast
        if made.is_leaf and requires_grad and not made.requires_grad:
            made = made.detach().requires_grad_()
        return made
    if copy is False:
        raise ShapeError(f"a {type(obj).__name__} has no memory that a tensor could share{at_line()}")
    return tensor(obj, dtype=dtype, device=device, requires_grad=requires_grad)


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Any:
    """A vector over the memory of a buffer, from the byte ``offset`` on. Raises ValueError where it does not fit."""
    try:
        size = memoryview(buffer).nbytes
    except TypeError:
        raise ShapeError(f"a {type(buffer).__name__} is no buffer{at_line()}") from None
    kind = dtype_of(dtype).numpy
    if not size or not count:
        raise ShapeError(f"neither the buffer ({size} bytes) nor count ({count}) may be empty{at_line()}")
    if not 0 <= offset < size:
        raise ShapeError(f"the offset {offset} is outside a buffer of {size} bytes{at_line()}")
    if count < 0 and (size - offset) % kind.itemsize:
        raise ShapeError(f"{size - offset} bytes are not a whole number of {kind.name}{at_line()}")
    if count > 0 and offset + count * kind.itemsize > size:
        raise ShapeError(f"{count} of {kind.name} from {offset} on reach beyond a buffer of {size} bytes{at_line()}")
    return finished(numpy.frombuffer(buffer, kind, count, offset), requires_grad)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Any:
    """A tensor over the memory of any object, or capsule, that speaks DLPack."""
    if not hasattr(ext_tensor, "__dlpack__"):
        ext_tensor = _Capsule(ext_tensor)
    made = wrap(numpy.from_dlpack(ext_tensor))
    return made if device is None else moved(made, device)


class _Capsule:
    """A DLPack capsule with the methods that numpy asks for."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


def scalar_tensor(s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any) -> Any:
    """A tensor without dimensions, by default of the default dtype."""
    return finished(numpy.array(number(s), kind_of(dtype)), requires_grad, device)


# Complex numbers


def complex(real: Any, imag: Any, *, out: Any = None) -> Any:
    """Complex numbers of their parts. Raises DtypeError where these are not floating point, or differ in dtype."""
    _need_parts("complex", real, imag)
    made = apply(OPS["complex"], (real, imag))
    return made if out is None else out.copy_(made)


def polar(abs: Any, angle: Any, *, out: Any = None) -> Any:
    """Complex numbers of their absolute values and angles. Raises DtypeError as ``complex``."""
    _need_parts("polar", abs, angle)
    made = apply(OPS["complex"], (abs * angle.cos(), abs * angle.sin()))
    return made if out is None else out.copy_(made)


def _need_parts(name: str, one: Any, other: Any) -> None:
    kinds = one._array.dtype, other._array.dtype
    if kinds[0].kind != "f" or kinds[0] != kinds[1]:
        raise DtypeError(
            f"{name} takes two floating-point tensors of one dtype, not {' and '.join(map(type_name, kinds))}{at_line()}"
        )


FUNCTIONS = {
    function.__name__: function
    for function in (tensor, as_tensor, asarray, from_numpy, frombuffer, from_dlpack, scalar_tensor, complex, polar)
}
"""Functions of the package."""
