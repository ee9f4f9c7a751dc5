"""The part of a tensor that makes something else of it: other dtypes and devices, arrays, copies, new tensors like it."""

from __future__ import annotations

import copy as copying
from typing import Any

import numpy
from numpy import ndarray

from dynamic.apply import Carried, apply, counter_of, wrap
from dynamic.devices import DeviceError, check_here, cupy_for, device_of, moved, placed
from dynamic.dtypes import ALIASES, DTYPES, dtype as Dtype, dtype_of, type_name, typed_constructor
from dynamic.elsewhere import in_pinned, is_pinned, to_numpy
from dynamic.formats import memory_format, preserve_format
from dynamic.size import sizes_of
from dynamic.strided import Layout, layout_of, memory_of, root_of, within
from dynamic.tape import new_leaf
from graphs.core.arrays import is_array, xp_of
from graphs.core.errors import DtypeError, GradientError, ShapeError, at_line
from graphs.core.notebook import Shown
from graphs.ops import cast


_PYTHON = (float, int, bool, complex)
_REFLECTED = {
    "add": "__radd__",
    "subtract": "__rsub__",
    "multiply": "__rmul__",
    "divide": "__rtruediv__",
    "floor_divide": "__rfloordiv__",
    "remainder": "__rmod__",
    "power": "__rpow__",
    "matmul": "__rmatmul__",
    "equal": "__eq__",
    "not_equal": "__ne__",
    "less": "__gt__",
    "less_equal": "__ge__",
    "greater": "__lt__",
    "greater_equal": "__le__",
    "bitwise_and": "__rand__",
    "bitwise_or": "__ror__",
    "bitwise_xor": "__rxor__",
    "left_shift": "__rlshift__",
    "right_shift": "__rrshift__",
}
"""What numpy's operators come to where an array stands on the left of a tensor."""

OWN = frozenset(["_array", "_edge", "_counter", "_source", "_views", "grad"])
"""Attributes of a tensor that nobody gave it."""


class Conversions(Carried, Shown):
    """What can be made of a tensor."""

    def to(
        self,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        other: Any = None,
        non_blocking: bool = False,
        copy: bool = False,
        memory_format: memory_format = preserve_format,
    ) -> Any:
        """The tensor with another dtype, on another device, or with those of ``other``; itself where it has them already.

        ``to(dtype)``, ``to(device, dtype)`` or ``to(other)``; ``copy=True`` makes a copy in any case.
        """
        if args:
            dtype, device, other, non_blocking, copy = _target(args, dtype, device, other, non_blocking, copy)
        if other is not None:
            dtype, device = other._array.dtype, other
        made: Any = self
        if dtype is not None:
            wanted = dtype.numpy if dtype.__class__ is Dtype else dtype_of(dtype).numpy
            if wanted != self._array.dtype:
                made = apply(cast, (self,), {"dtype": wanted})
        if device is not None and not (device.__class__ is str and device == "cpu" and made._array.__class__ is ndarray):
            made = moved(made, device, not non_blocking)
        if copy and made._array is self._array:
            return made.clone(memory_format=memory_format)
        return made if memory_format is preserve_format else made.contiguous(memory_format=memory_format)

    def type(self, dtype: Any = None, non_blocking: bool = False, **_: Any) -> Any:
        """The name of the tensor's type; or, given a dtype, type name or typed constructor, the tensor cast to it.

        Raises ValueError for what names no type.
        """
        if dtype is None:
            return type_name(self._array.dtype, self.device.type)  # type: ignore[attr-defined]
        if isinstance(dtype, str):
            dtype = typed_constructor(dtype)
        device = getattr(dtype, "device", None)
        return self.to(dtype=dtype_of(dtype), device=device, non_blocking=non_blocking)

    def type_as(self, other: Any) -> Any:
        """The tensor cast to the dtype of ``other``, on its device."""
        return self.to(other)

    def cpu(self, memory_format: memory_format = preserve_format) -> Any:
        """The tensor in the processor's memory: itself where it is there."""
        return self if self._array.__class__ is ndarray else moved(self, "cpu")

    def cuda(self, device: Any = None, non_blocking: bool = False, memory_format: memory_format = preserve_format) -> Any:
        """The tensor in a GPU's memory. Raises an error that says what is missing where there is none."""
        return moved(self, "cuda" if device is None else device, not non_blocking)

    def pin_memory(self, device: Any = None) -> Any:
        """A copy in pinned memory, from which a GPU can read while others work; the tensor itself where it is there.

        Raises RuntimeError where there is no GPU, and for a tensor that lives on one.
        """
        if self._array.__class__ is not ndarray:
            raise DeviceError(f"cannot pin '{self.type()}': only dense CPU tensors can be pinned{at_line()}")
        if self.is_pinned():
            return self
        return wrap(in_pinned(cupy_for("pinned memory"), self._array))

    def is_pinned(self, device: Any = None) -> bool:
        """Whether the memory is pinned: the system leaves it where it is, so that a GPU can read it."""
        return is_pinned(self._array)

    # numpy and others

    def numpy(self, *, force: bool = False) -> ndarray:
        """An array over the same memory. Raises where a gradient is required (use ``detach()`` first, or ``force``)."""
        if self._edge is not None and not force:
            raise GradientError(f"numpy() on a tensor that requires a gradient: use tensor.detach().numpy(){at_line()}")
        if self._array.__class__ is not ndarray and not isinstance(self._array, ndarray) and not force:
            raise DtypeError(f"can't convert a tensor on {self.device} to numpy: use tensor.cpu() first{at_line()}")  # type: ignore[attr-defined]
        return to_numpy(self._array).view()  # of its own, so that a shape given to it is no change of the tensor

    def tolist(self) -> Any:
        """The elements as nested Python lists."""
        return to_numpy(self._array).tolist()

    def __array__(self, dtype: Any = None, copy: Any = None) -> ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_module__(self) -> Any:
        """The module whose functions take the array: numpy, or cupy on a GPU (``graphs.core.arrays.module_of``)."""
        return xp_of((self._array,))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        """What numpy's own functions make of a tensor: a tensor without history; operators beside an array are ours."""
        reflected = _REFLECTED.get(ufunc.__name__)
        if reflected and method == "__call__" and not settings and len(inputs) == 2 and inputs[1] is self:
            return getattr(self, reflected)(inputs[0])
        arrays = [x.numpy() if isinstance(x, Conversions) else x for x in inputs]
        result = getattr(ufunc, method)(*arrays, **settings)
        return wrap(result) if isinstance(result, (ndarray, numpy.generic)) and "out" not in settings else result

    def __dlpack__(self, **settings: Any) -> Any:
        """A capsule by which other libraries take over the memory. Raises BufferError where a gradient is required."""
        if self._edge is not None:
            raise BufferError("a tensor that requires a gradient is not exported: use tensor.detach()")
        return self._array.__dlpack__(**settings)

    def __dlpack_device__(self) -> Any:
        """Kind and number of the device, by DLPack's numbers."""
        return self._array.__dlpack_device__()

    def as_subclass(self, cls: Any) -> Any:
        """The same tensor, memory and history, as an instance of a subclass of Tensor."""
        if not (isinstance(cls, type) and issubclass(cls, Conversions)):
            raise TypeError(f"as_subclass takes a subclass of Tensor, not {cls!r}")
        made = object.__new__(cls)
        made._array, made._counter, made._source = self._array, counter_of(self), self._source
        if self._edge is not None:
            made._edge = self._edge
        return made

    # Copies

    def __deepcopy__(self, memo: dict[Any, Any]) -> Any:
        """A copy of a leaf, with its gradient and attributes; tensors that share memory share the copy's.

        Raises RuntimeError for what an operation has made.
        """
        if id(self) in memo:
            return memo[id(self)]
        if not self.is_leaf:  # type: ignore[attr-defined]
            raise GradientError(f"only leaves are copied deeply, not what {self.grad_fn} made: detach() it{at_line()}")  # type: ignore[attr-defined]
        made = memo[id(self)] = object.__new__(self.__class__)
        made._array = _deep(self._array, memo)
        if self._edge is not None:
            made._edge = new_leaf(made)
        extra = {name: value for name, value in vars(self).items() if name not in OWN}
        vars(made).update(copying.deepcopy(extra, memo))
        if self.grad is not None:
            made.grad = copying.deepcopy(self.grad, memo)
        return made

    # New tensors of the same dtype and device

    def new(self, *args: Any, device: Any = None, dtype: Any = None) -> Any:
        """A new tensor of the same dtype: of a size (``new(2, 3)``), or from data (``new([1.0, 2.0])``)."""
        if len(args) == 1 and not isinstance(args[0], (int, numpy.integer)) and not _is_size(args[0]):
            array = _plain(args[0])
            return self._like(numpy.array(array, self._array.dtype), dtype, device, False)
        return self._like(self._module(device).zeros(sizes_of(args or (0,)), self._array.dtype), dtype, device, False)

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any) -> Any:
        """A new tensor with a copy of ``data``, by default of the same dtype."""
        kind = self._array.dtype if dtype is None else dtype_of(dtype).numpy
        return self._like(numpy.array(_plain(data)).astype(kind), None, device, requires_grad)

    def new_zeros(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any) -> Any:
        """Zeros, by default of the same dtype."""
        array = self._module(device).zeros(sizes_of(_size(size, _)), self._kind(dtype))
        return self._like(array, None, device, requires_grad)

    def new_ones(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any) -> Any:
        """Ones, by default of the same dtype."""
        array = self._module(device).ones(sizes_of(_size(size, _)), self._kind(dtype))
        return self._like(array, None, device, requires_grad)

    def new_empty(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any) -> Any:
        """Memory with whatever was in it, by default of the same dtype."""
        array = self._module(device).empty(sizes_of(_size(size, _)), self._kind(dtype))
        return self._like(array, None, device, requires_grad)

    def new_full(
        self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any
    ) -> Any:
        """One value, by default of the same dtype."""
        array = self._module(device).full(sizes_of((size,)), fill_value, self._kind(dtype))
        return self._like(array, None, device, requires_grad)

    def new_empty_strided(
        self, size: Any, stride: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any
    ) -> Any:
        """Memory with the given strides, by default of the same dtype."""
        array = strided_memory(sizes_of((size,)), tuple(stride), self._kind(dtype))
        return self._like(array, None, device, requires_grad)

    def _kind(self, dtype: Any) -> Any:
        return self._array.dtype if dtype is None else dtype_of(dtype).numpy

    def _module(self, device: Any) -> Any:
        """The array module that makes what ``_like`` is given, so that nothing has to be sent."""
        if self._array.__class__ is ndarray or device is not None:
            return numpy
        xp: Any = xp_of((self._array,))
        return xp if self._array.data.device_id == xp.cuda.get_device_id() else numpy

    def _like(self, array: Any, dtype: Any, device: Any, requires_grad: bool) -> Any:
        if dtype is not None:
            array = array.astype(dtype_of(dtype).numpy)
        if device is not None:
            check_here(device)
            array = placed(array, device)
        elif self._array.__class__ is not ndarray:
            array = placed(array, self)
        made = wrap(array)
        if requires_grad:
            made.requires_grad = True
        return made


def _target(
    args: tuple[Any, ...], dtype: Any, device: Any, other: Any, non_blocking: bool, copy: bool
) -> tuple[Any, Any, Any, bool, bool]:
    """What the positional arguments of ``to`` ask for."""
    first, *rest = args
    if isinstance(first, Carried):
        other = first
    elif isinstance(first, (Dtype, numpy.dtype)) or first in _PYTHON or hasattr(first, "dtype") or _names_dtype(first):
        dtype = first
    else:
        device = None if first is None else device_of(first)
        if rest and not isinstance(rest[0], bool):
            dtype = rest.pop(0)
    if rest:
        non_blocking = rest[0]
    if len(rest) > 1:
        copy = rest[1]
    if len(rest) > 2:
        raise TypeError(f"to() takes no argument {rest[2]!r}")
    return dtype, device, other, non_blocking, copy


def _names_dtype(name: Any) -> bool:
    """Whether ``name`` is a dtype's name."""
    return isinstance(name, str) and (name in DTYPES or name in ALIASES)


def _plain(data: Any) -> Any:
    """``data`` with the tensors in it, also those inside lists, as arrays."""
    if isinstance(data, Carried):
        return to_numpy(data._array)
    return [_plain(item) for item in data] if isinstance(data, (list, tuple)) else data


def _is_size(value: Any) -> bool:
    return isinstance(value, tuple) and type(value) is not tuple


def _size(given: tuple[Any, ...], more: dict[str, Any]) -> tuple[Any, ...]:
    return (more["size"],) if "size" in more else given


def strided_memory(size: tuple[int, ...], stride: tuple[int, ...], dtype: Any) -> Any:
    """A new array with the given strides, in elements. Raises ShapeError where they do not fit the sizes."""
    dtype = numpy.dtype(dtype)
    if len(size) != len(stride):
        raise ShapeError(f"sizes {size} and strides {stride} differ in length{at_line()}")
    count = 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) if all(size) else 0
    return within(numpy.zeros(count * dtype.itemsize, numpy.uint8), dtype, Layout(size, stride, 0))


def _deep(array: Any, memo: dict[Any, Any]) -> Any:
    """A copy of an array; what lies in one memory does so in the copies of one ``memo``."""
    root = root_of(array) if array.__class__ is ndarray else array
    if root is not array and not (root.flags.owndata and root.size):
        return array.copy("K")
    key = "memory", id(root)
    if key not in memo:
        memo[key] = root.copy("K"), root  # the second keeps the id from being given to another
    made = memo[key][0]
    return made if root is array else within(memory_of(made), array.dtype, layout_of(array))


def rebuilt(kind: type[Any], array: Any, requires_grad: bool, extra: dict[str, Any] | None = None) -> Any:
    """A leaf over ``array``: what pickling and copying end with."""
    made = object.__new__(kind)
    made._array = array if is_array(array) else numpy.asarray(array)
    if requires_grad:
        made._edge = new_leaf(made)
    vars(made).update(extra or {})
    return made
