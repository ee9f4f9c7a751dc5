"""The part of a tensor that tells of its memory: sizes, strides, storages, views by strides, other memory in its place."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

import numpy

from dynamic.apply import Carried, apply, counter_of
from dynamic.devices import device as Device, where_is
from dynamic.dtypes import dtype as Dtype, dtype_of, type_name
from dynamic.formats import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from dynamic.inplace import clone
from dynamic.size import Size, sizes_of
from dynamic.storage import TypedStorage, UntypedStorage, _Storage, typed, untyped
from dynamic.strided import Layout, as_strided, as_strided_, as_strided_scatter, layout_of, memory_of, root_of, within
from graphs.core.arrays import xp_of
from graphs.core.errors import GradientError, PositionError, ShapeError, at_line


class Memory(Carried):
    """What an array is, and where."""

    as_strided = as_strided
    as_strided_ = as_strided_
    as_strided_scatter = as_strided_scatter

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return Size(self._array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        if dim is None:
            return self.shape
        try:
            return self.shape[dim]
        except IndexError:
            raise _beyond(dim, self) from None

    def dim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    ndimension = dim
    ndim = property(dim, doc="The number of dimensions.")

    def numel(self) -> int:
        """The number of elements."""
        return int(self._array.size)

    nelement = numel

    def __len__(self) -> int:
        if not self.dim():
            raise TypeError("len() of a tensor without dimensions")
        return int(self.shape[0])

    @property
    def dtype(self) -> Dtype:
        """The dtype, PyTorch's."""
        return dtype_of(self._array.dtype)

    @property
    def layout(self) -> layout:
        """How the elements are stored: always ``torch.strided``."""
        return strided

    @property
    def device(self) -> Device:
        """Where the memory is."""
        return where_is(self._array)

    is_cpu = property(lambda self: self.device.type == "cpu", doc="Whether the memory is the processor's.")
    is_cuda = property(lambda self: self.device.type == "cuda", doc="Whether the memory is a GPU's.")
    is_sparse = is_quantized = is_meta = is_mkldnn = is_mps = is_nested = is_sparse_csr = is_xpu = False
    is_ipu = is_maia = is_mtia = is_vulkan = is_xla = False

    def is_conj(self) -> bool:
        """Whether a conjugate was put off until it is read: no, conjugates are computed at once."""
        return False

    def is_neg(self) -> bool:
        """Whether a change of sign was put off until it is read: no."""
        return False

    def get_device(self) -> int:
        """The number of the GPU that the memory is of; -1 for the processor's."""
        return -1 if self.is_cpu else self.device.index or 0

    def is_floating_point(self) -> bool:
        """Whether the dtype is a floating-point one."""
        return bool(self._array.dtype.kind == "f")

    def is_complex(self) -> bool:
        """Whether the dtype is a complex one."""
        return bool(self._array.dtype.kind == "c")

    def is_signed(self) -> bool:
        """Whether the dtype has negative numbers."""
        return bool(self._array.dtype.kind in "ifc")

    def is_same_size(self, other: Any) -> bool:
        """Whether ``other`` has the same shape."""
        return self.shape == other.shape

    def is_nonzero(self) -> bool:
        """Whether the only element is not zero. Raises RuntimeError where there is not one."""
        return bool(self)

    def element_size(self) -> int:
        """Bytes per element."""
        return int(self._array.itemsize)

    itemsize = property(element_size, doc="Bytes per element.")
    nbytes = property(lambda self: int(self._array.nbytes), doc="Bytes of all elements.")

    # Strides and order

    def stride(self, dim: int | None = None) -> Any:
        """The strides in elements, or that of one dimension."""
        step = self._array.itemsize
        strides = tuple(n // step for n in self._array.strides)
        if dim is None:
            return strides
        try:
            return strides[dim]
        except IndexError:
            raise _beyond(dim, self) from None

    def storage_offset(self) -> int:
        """The place of the first element in the storage, in elements."""
        return layout_of(self._array).offset

    def dim_order(self) -> tuple[int, ...]:
        """The dimensions from the one with the largest stride to the one with the smallest."""
        return tuple(sorted(range(self.dim()), key=lambda axis: (-self._array.strides[axis], axis)))

    def is_contiguous(self, memory_format: memory_format = contiguous_format) -> bool:
        """Whether the elements lie in memory in order, or with ``channels_last`` in the order of images' pixels."""
        if memory_format in (contiguous_format, preserve_format):
            return bool(self._array.flags.c_contiguous)
        axes = _pixels(memory_format)
        return self.dim() == len(axes) and bool(self._array.transpose(axes).flags.c_contiguous)

    def contiguous(self, memory_format: memory_format = contiguous_format) -> Any:
        """The tensor itself where it is contiguous, else a contiguous copy."""
        return self if self.is_contiguous(memory_format) else self.clone(memory_format=memory_format)

    def clone(self, *, memory_format: memory_format = preserve_format) -> Any:
        """A copy, through which gradients flow; by default with the order of dimensions in memory of the tensor itself."""
        if memory_format is preserve_format:
            return apply(clone, (self,))
        if memory_format is contiguous_format:
            return apply(clone, (self,), {"axes": tuple(range(self._array.ndim))})
        axes = _pixels(memory_format)
        if self._array.ndim != len(axes):
            raise ShapeError(f"{memory_format} is for tensors of {len(axes)} dimensions, not {self._array.ndim}{at_line()}")
        return apply(clone, (self,), {"axes": axes})

    # Storages

    def data_ptr(self) -> int:
        """The address of the first element."""
        return int(self._array.ctypes.data) if self.is_cpu else int(self._array.data.ptr)

    def untyped_storage(self) -> UntypedStorage:
        """The bytes of the memory that the tensor shows, wholly or in part."""
        return untyped(self._array)

    def storage(self) -> TypedStorage:
        """The memory that the tensor shows, as elements of its dtype."""
        return typed(self._array)

    def storage_type(self) -> Any:
        """The class of the storage."""
        return TypedStorage

    def is_set_to(self, tensor: Any) -> bool:
        """Whether ``tensor`` shows the same elements of the same memory."""
        mine, theirs = self._array, tensor._array
        same = root_of(mine) is root_of(theirs) or self.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()
        return bool(same and layout_of(mine) == layout_of(theirs))

    def set_(self, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Self:
        """Show the memory of ``source``, a tensor or a storage (nothing where there is none), in place of one's own."""
        array = self._array
        if source is None:
            new = numpy.zeros(0, array.dtype)
        elif isinstance(source, _Storage):
            bytes_ = source._array.view(numpy.uint8)
            shape = sizes_of((size,)) if size is not None else (len(bytes_) // array.itemsize - storage_offset,)
            steps = tuple(stride) if stride else _in_order(shape)
            new = within(bytes_, array.dtype, Layout(shape, steps, storage_offset))
        else:
            new = source._array
            if size is not None:
                new = within(memory_of(new), new.dtype, Layout(sizes_of((size,)), tuple(stride), storage_offset))
        if new.dtype != array.dtype or (isinstance(source, TypedStorage) and source._array.dtype != array.dtype):
            raise ShapeError(f"could not set a tensor of {type_name(array.dtype)} to {type_name(new.dtype)}{at_line()}")
        self._replace(new)
        if source is not None and isinstance(source, Carried):
            self._counter = counter_of(source)
        return self

    def _replace(self, array: Any) -> None:
        """Have other memory from now on; views of the old one keep it."""
        self._array, self._source, self._views = array, None, None
        if self._edge is not None:
            self._edge.shape, self._edge.dtype = array.shape, array.dtype

    def resize_(self, *sizes: Any, memory_format: memory_format = contiguous_format) -> Self:
        """Have another shape, over the same memory where that suffices, in place. Elements keep their order in memory."""
        if self._edge is not None:
            raise GradientError(f"cannot resize variables that require grad{at_line()}")
        shape, array = sizes_of(sizes), self._array
        if shape == array.shape:
            return self
        memory, at = memory_of(array), layout_of(array).offset
        need = (at + math.prod(shape)) * array.itemsize
        if need > len(memory):
            larger = numpy.zeros(need, numpy.uint8)
            larger[: len(memory)] = memory
            memory = larger
        self._replace(within(memory, array.dtype, Layout(shape, _in_order(shape), at)))
        return self

    def resize_as_(self, tensor: Any, memory_format: memory_format = contiguous_format) -> Self:
        """``resize_`` to the shape of ``tensor``."""
        return self.resize_(*tensor._array.shape)

    def resize(self, *sizes: Any) -> Any:
        """A view in another shape of as many elements (PyTorch's name until 0.4 for ``view``)."""
        shape = sizes_of(sizes)
        if math.prod(shape) != self._array.size:
            raise ShapeError(f"resize of {self._array.size} elements to {shape}: the number of elements stays{at_line()}")
        view: Callable[..., Any] = self.contiguous().view
        return view(*shape)

    def resize_as(self, tensor: Any) -> Any:
        """``resize`` to the shape of ``tensor``."""
        return self.resize(*tensor._array.shape)


def _pixels(order: memory_format) -> tuple[int, ...]:
    """The dimensions in the order of memory."""
    orders = {channels_last: (0, 2, 3, 1), channels_last_3d: (0, 2, 3, 4, 1)}
    if order not in orders:
        raise ShapeError(f"{order} is no order to put elements in{at_line()}")
    return orders[order]


def in_order_of(array: Any, order: memory_format) -> Any:
    """``array``, or a copy of it whose dimensions lie in memory in the given order."""
    if order is preserve_format:
        return array
    xp: Any = xp_of((array,))
    if order is contiguous_format:
        return xp.ascontiguousarray(array).reshape(array.shape)
    axes = _pixels(order)
    if array.ndim != len(axes):
        raise ShapeError(f"{order} is for tensors of {len(axes)} dimensions, not {array.ndim}{at_line()}")
    return xp.ascontiguousarray(array.transpose(axes)).transpose([axes.index(axis) for axis in range(len(axes))])


def _in_order(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a contiguous array."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def _beyond(dim: Any, tensor: Any) -> Exception:
    if not isinstance(dim, int):
        return TypeError(f"a dimension is an integer, not {dim!r}")
    return PositionError(f"dimension {dim} of a tensor with {tensor.dim()} dimensions{at_line()}")
