"""The Tensor: an array, and, where a gradient may be wanted, the edge of the tape that it came from."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy
from numpy import ndarray

from dynamic import tape
from dynamic.apply import apply, counter_of, default_dtype, set_tensor_class, wrap
from dynamic.arithmetic import Arithmetic
from dynamic.autograd.engine import backward
from dynamic.changes import Changes
from dynamic.dtypes import dtype as Dtype, dtype_of, type_name
from dynamic.indexing import get, put
from dynamic.inplace import clone
from dynamic.printing import show
from dynamic.tape import HookHandle, Record, leaf, new_leaf
from graphs.core.arrays import is_array, to_numpy
from graphs.core.errors import GradientError, ShapeError, at_line
from graphs.ops import (
    cast,
)


class Size(tuple[int, ...]):
    """A shape, as PyTorch gives it."""

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements."""
        count = 1
        for n in self:
            count *= n
        return count

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"


class Tensor(Arithmetic, Changes):
    """An array whose operations run at once and are recorded where a gradient may be wanted.

    ``Variable`` is the same class: ``Variable(data, requires_grad=True)`` makes a leaf over the same memory.

    Args:
        data: a tensor or array, whose memory is shared, or numbers, which become an array of the default dtype.
        requires_grad: collect gradients here.
        volatile: PyTorch's word, until 0.4, for a tensor whose operations are not recorded.
    """

    __array_priority__ = 100
    __array_ufunc__ = None

    def __init__(self, data: Any = (), requires_grad: bool = False, volatile: bool = False) -> None:
        if isinstance(data, Tensor):
            self._array = data._array
        elif is_array(data) and not isinstance(data, numpy.generic):
            self._array = data
        else:
            array = numpy.asarray(data)
            self._array = array.astype(default_dtype.get()) if array.dtype.kind == "f" or array.size == 0 else array
        if requires_grad and not volatile:
            self.requires_grad = True

    # Shape, dtype, memory

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return Size(self._array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        return Size(self._array.shape) if dim is None else self._array.shape[dim]

    def dim(self) -> int:
        """The number of dimensions."""
        return int(self._array.ndim)

    ndimension = dim

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return int(self._array.ndim)

    def numel(self) -> int:
        """The number of elements."""
        return int(self._array.size)

    nelement = numel

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("len() of a tensor without dimensions")
        return len(self._array)

    @property
    def dtype(self) -> Dtype:
        """The dtype, PyTorch's."""
        return dtype_of(self._array.dtype)

    def is_floating_point(self) -> bool:
        """Whether the dtype is a floating-point one."""
        return bool(self._array.dtype.kind == "f")

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The name of the tensor's type; or, given a dtype, type name or typed constructor, the tensor cast to it."""
        return type_name(self._array.dtype) if dtype is None else self.to(dtype)

    def to(self, *args: Any, dtype: Any = None, copy: bool = False, **_: Any) -> Tensor:
        """The tensor cast to a dtype (itself where it has it already); of devices there is the processor's only."""
        for arg in args:
            if isinstance(arg, Tensor):
                dtype = arg._array.dtype
            elif not (isinstance(arg, builtins.bool) or (isinstance(arg, str) and arg.startswith("cpu"))):
                dtype = arg
        if dtype is not None:
            wanted = dtype_of(dtype).numpy
            if wanted != self._array.dtype:
                return apply(cast, (self,), {"dtype": wanted})
        return self.clone() if copy else self

    def type_as(self, other: Tensor) -> Tensor:
        """The tensor cast to the dtype of ``other``."""
        return self.to(other)

    def cpu(self) -> Tensor:
        """The tensor itself: its memory is the processor's."""
        return self

    def is_contiguous(self) -> builtins.bool:
        """Whether the elements lie in memory in order."""
        return builtins.bool(self._array.flags.c_contiguous)

    def contiguous(self) -> Tensor:
        """The tensor itself where it is contiguous, else a contiguous copy."""
        return self if self._array.flags.c_contiguous else self.clone()

    def data_ptr(self) -> builtins.int:
        """The address of the first element."""
        return int(self._array.ctypes.data)

    def stride(self, dim: builtins.int | None = None) -> Any:
        """The strides in elements, or that of one dimension."""
        strides = tuple(n // self._array.itemsize for n in self._array.strides)
        return strides if dim is None else strides[dim]

    # The tape

    @property
    def requires_grad(self) -> builtins.bool:
        """Whether operations on the tensor are recorded; it can be set on leaves."""
        return self._edge is not None

    @requires_grad.setter
    def requires_grad(self, wanted: builtins.bool) -> None:
        if wanted and self._edge is None:
            if self._array.dtype.kind not in "fc":
                raise GradientError(f"only floating-point tensors can require gradients, not {type_name(self._array.dtype)}")
            self._edge = new_leaf(self)
        elif not wanted and self._edge is not None:
            if not self.is_leaf:
                raise GradientError("requires_grad can be changed on leaves only; detach() gives a tensor without history")
            self._edge = None

    def requires_grad_(self, requires_grad: builtins.bool = True) -> Self:
        """Set ``requires_grad`` and return the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> builtins.bool:
        """Whether no operation that was recorded made the tensor."""
        return self._edge is None or self._edge.node.op is leaf

    @property
    def grad_fn(self) -> Record | None:
        """The record of the operation that made the tensor; None for a leaf."""
        return None if self.is_leaf else self._edge.node

    @property
    def output_nr(self) -> builtins.int:
        """Which of its operation's outputs the tensor is."""
        return 0 if self._edge is None else self._edge.index

    @property
    def data(self) -> Tensor:
        """A tensor over the same memory, without history, whose changes in place the tape does not see."""
        return wrap(self._array)

    @data.setter
    def data(self, value: Any) -> None:
        if isinstance(value, Tensor) and value._array is self._array:
            return  # what `x.data -= y` ends with
        self._array = value._array if isinstance(value, Tensor) else numpy.asarray(value, self._array.dtype)
        if self._edge is not None and self._edge.node.op is leaf:
            self._edge.shape, self._edge.dtype = self._array.shape, self._array.dtype

    @property
    def _version(self) -> builtins.int:
        return 0 if self._counter is None else self._counter[1]

    def detach(self) -> Tensor:
        """A tensor over the same memory, without history; changes in place are seen by the tape."""
        tensor: Tensor = wrap(self._array)
        tensor._counter = counter_of(self)
        return tensor

    def detach_(self) -> Self:
        """Forget the history, in place."""
        self._edge = None
        self._source = None
        return self

    def clone(self) -> Tensor:
        """A copy, through which gradients flow."""
        return apply(clone, (self,))

    def backward(
        self,
        gradient: Any = None,
        retain_graph: Any = None,
        create_graph: builtins.bool = False,
        inputs: Any = None,
        **old: Any,
    ) -> None:
        """Add the gradients of this tensor to the ``grad`` of the leaves it depends on; see ``autograd.backward``."""
        if old:
            retain_graph = old.pop("retain_variables", retain_graph)  # its name until 0.2
            if old:
                raise TypeError(f"backward has no argument {', '.join(old)}")
        if gradient is not None and not isinstance(gradient, Tensor):
            gradient = Tensor(numpy.asarray(gradient))
        backward((self,), None if gradient is None else (gradient,), retain_graph, create_graph, inputs)

    def register_hook(self, hook: Callable[[Any], Any]) -> HookHandle:
        """Have ``hook(gradient)`` called when the tensor's gradient is computed; what it returns, if anything, is used."""
        if self._edge is None:
            raise GradientError("a tensor that does not require a gradient takes no hook")
        return tape.add_hook(self._edge.node, self._edge.index, hook)

    def retain_grad(self) -> None:
        """Collect the gradient in ``grad`` although the tensor is no leaf."""
        if self.is_leaf:
            return

        def keep(g: Any) -> None:
            self.grad = g if self.grad is None else self.grad + g

        self.register_hook(keep)

    # Values

    def item(self) -> Any:
        """The only element, as a Python number."""
        if self._array.size != 1:
            raise ShapeError(f"item() is for tensors of one element, not of shape {tuple(self._array.shape)}")
        return self._array.item()

    def numpy(self, *, force: builtins.bool = False) -> ndarray:
        """The array itself: memory is shared. Raises where a gradient is required (use ``detach()`` first, or ``force``)."""
        if self._edge is not None and not force:
            raise GradientError("numpy() on a tensor that requires a gradient: use tensor.detach().numpy()")
        return to_numpy(self._array)

    def tolist(self) -> Any:
        """The elements as nested Python lists."""
        return self._array.tolist()

    def __array__(self, dtype: Any = None, copy: Any = None) -> ndarray:
        array = self.numpy()
        return array if dtype is None or array.dtype == dtype else array.astype(dtype)

    def __bool__(self) -> builtins.bool:
        if self._array.size != 1:
            raise GradientError(f"the truth of a tensor with {self._array.size} elements is ambiguous: use any() or all()")
        return builtins.bool(self._array.item())

    def __int__(self) -> builtins.int:
        return int(self.item())

    def __float__(self) -> builtins.float:
        return float(self.item())

    def __index__(self) -> builtins.int:
        if self._array.dtype.kind not in "iub" or self._array.size != 1:
            raise TypeError("only integer tensors of one element can be an index")
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self._array.ndim == 0 and spec else format(str(self), spec)

    def __repr__(self) -> str:
        return show(self)

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.is_leaf:
            raise GradientError(f"only leaves are copied or pickled, not what {self.grad_fn} made: detach() it{at_line()}")
        return _rebuilt, (self._array, self.requires_grad)

    def __hash__(self) -> builtins.int:
        return id(self)

    def __contains__(self, value: Any) -> builtins.bool:
        return builtins.bool((self._array == (value._array if isinstance(value, Tensor) else value)).any())

    def __iter__(self) -> Iterator[Tensor]:
        if not self._array.ndim:
            raise TypeError("iteration over a tensor without dimensions")
        return iter([self[i] for i in range(len(self._array))])

    # Indexing

    def __getitem__(self, index: Any) -> Any:
        return get(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        put(self, index, value)


set_tensor_class(Tensor)
Variable = Tensor


def _rebuilt(array: Any, requires_grad: bool) -> Tensor:
    """A leaf over ``array``: what pickling and copying end with."""
    return Tensor(array, requires_grad=requires_grad)
