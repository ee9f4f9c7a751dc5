"""The Tensor: an array, and, where a gradient may be wanted, the edge of the tape that it came from."""

from __future__ import annotations

import builtins
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy

from dynamic import tape, volatile
from dynamic.apply import Carried, apply, counter_of, default_dtype, set_tensor_class, wrap
from dynamic.arithmetic import Arithmetic
from dynamic.autograd.engine import backward
from dynamic.changes import Changes
from dynamic.conversion import OWN, Conversions, rebuilt
from dynamic.dtypes import made_of, type_name
from dynamic.elsewhere import beside, to_numpy
from dynamic.indexing import get, put
from dynamic.memory import Memory
from dynamic.names import lacking_method
from dynamic.printing import show
from dynamic.size import Size as Size
from dynamic.tape import HookHandle, Record, leaf, new_leaf
from graphs.core.arrays import is_array
from graphs.core.errors import DtypeError, GradientError, ShapeError, at_line
from graphs.core.op import OPS


class Tensor(Arithmetic, Changes, Memory, Conversions):
    """An array whose operations run at once and are recorded where a gradient may be wanted.

    ``Tensor(2, 3)`` is of a size, ``Tensor([1, 2])`` from data, both in the default dtype; a tensor gives its own memory.

    Args:
        data: a tensor, whose memory is shared, or what an array can be made of; or, as several numbers, a size.
        requires_grad: collect gradients here.
        volatile: PyTorch's word, until 0.4, for a tensor whose operations are not recorded.
    """

    __array_priority__ = 100
    name: str | None = None
    """A name that pictures and messages show."""

    _volatile = _variable = False
    retains_grad = False

    def __init__(
        self, *data: Any, requires_grad: bool = False, volatile: bool = False, device: Any = None, dtype: Any = None
    ) -> None:
        if len(data) == 2 and data[1].__class__ is builtins.bool:
            first, requires_grad = data
            data = (first,)
        if len(data) == 1 and isinstance(data[0], Carried):
            self._array = data[0]._array
        else:
            self._array = made_of(data, default_dtype.get())
        if volatile:
            self.volatile = True
        elif requires_grad:
            self.requires_grad = True

    # The tape

    @property
    def requires_grad(self) -> builtins.bool:
        """Whether operations on the tensor are recorded; it can be set on leaves."""
        return self._edge is not None

    @requires_grad.setter
    def requires_grad(self, wanted: builtins.bool) -> None:
        if wanted and self._edge is None:
            if self._array.dtype.kind not in "fc":
                raise GradientError(
                    f"only floating-point tensors can require gradients, not {type_name(self._array.dtype)}{at_line()}"
                )
            self._edge = new_leaf(self)
        elif not wanted and self._edge is not None:
            if not self.is_leaf:
                raise GradientError(
                    f"requires_grad can be changed on leaves only; detach() gives a tensor without history{at_line()}"
                )
            self._edge = None

    def requires_grad_(self, requires_grad: builtins.bool = True) -> Self:
        """Set ``requires_grad`` and return the tensor."""
        if requires_grad.__class__ is not builtins.bool:
            raise TypeError(f"requires_grad is True or False, not {requires_grad!r}")
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
        if not isinstance(value, Carried):
            raise TypeError(f"data has to be a tensor, not a {type(value).__name__}{at_line()}")
        self._array = value._array
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
        """Forget the history, in place. Raises RuntimeError for a view of what has one: it would be renewed with it."""
        if self._source is not None and self._source[0]._edge is not None:
            raise GradientError(f"Can't detach views in-place: use detach(){at_line()}")
        self._edge = None
        self._source = None
        return self

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
            gradient = wrap(numpy.asarray(gradient))
        backward((self,), None if gradient is None else (gradient,), retain_graph, create_graph, inputs=inputs)

    def register_hook(self, hook: Callable[[Any], Any]) -> HookHandle:
        """Have ``hook(gradient)`` called when the tensor's gradient is computed; what it returns, if anything, is used."""
        if self._edge is None:
            raise GradientError(f"a tensor that does not require a gradient takes no hook{at_line()}")
        return tape.add_hook(self._edge.node, self._edge.index, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Any], Any]) -> HookHandle:
        """Have ``hook(tensor)`` called whenever a backward pass has added to the ``grad`` of this leaf."""
        if self._edge is None:
            raise GradientError(f"a tensor that does not require a gradient takes no hook{at_line()}")
        if not self.is_leaf:
            raise GradientError(f"gradients are collected in leaves, and {self.grad_fn} made this tensor{at_line()}")
        return tape.add_after(self._edge, hook)

    def retain_grad(self) -> None:
        """Collect the gradient in ``grad`` although the tensor is no leaf."""
        if self._edge is None:
            raise GradientError(f"retain_grad is for tensors that require a gradient{at_line()}")
        if self.is_leaf or self.retains_grad:
            return
        self.retains_grad = True
        itself = weakref.ref(self)

        def keep(g: Any) -> None:
            tensor = itself()
            if tensor is not None:
                tensor.grad = g if tensor.grad is None else tensor.grad + g

        tape.add_hook(self._edge.node, self._edge.index, keep, last=True)  # what other hooks make of it

    @property
    def volatile(self) -> builtins.bool:
        """Whether operations on the tensor, and on whatever comes of it, are not recorded (PyTorch's word until 0.4)."""
        return self._volatile

    @volatile.setter
    def volatile(self, wanted: builtins.bool) -> None:
        if wanted:
            if not self.is_leaf:
                raise GradientError(f"only leaves can be made volatile{at_line()}")
            self._edge = None
            volatile.begin()
        self._volatile = builtins.bool(wanted)

    def is_inference(self) -> builtins.bool:
        """Whether the tensor was made in inference mode and must never be recorded: there are no such tensors here."""
        return False

    # Values

    def item(self) -> Any:
        """The only element, as a Python number."""
        if self._array.size != 1:
            raise ShapeError(f"item() is for tensors of one element, not of shape {tuple(self._array.shape)}{at_line()}")
        return to_numpy(self._array).item()

    def __bool__(self) -> builtins.bool:
        if self._array.size != 1:
            raise GradientError(
                f"the truth of a tensor with {self._array.size} elements is ambiguous: use any() or all(){at_line()}"
            )
        return builtins.bool(to_numpy(self._array).item())

    def __int__(self) -> builtins.int:
        return int(self._number())

    def __float__(self) -> builtins.float:
        return float(self._number())

    def __complex__(self) -> builtins.complex:
        return builtins.complex(self.item())

    def _number(self) -> Any:
        number = self.item()
        if isinstance(number, builtins.complex):
            if number.imag:
                raise DtypeError(f"{number} is no real number{at_line()}")
            number = number.real
        return number

    def __index__(self) -> builtins.int:
        if self._array.dtype.kind not in "iub" or self._array.size != 1:
            raise TypeError("only integer tensors of one element can be an index")
        return int(self.item())

    def __format__(self, spec: str) -> str:
        if not self._array.ndim:
            return format(self.item(), spec)
        return format(str(self), spec) if not spec else object.__format__(self, spec)

    def __repr__(self) -> str:
        return show(self)

    def __reduce__(self) -> tuple[Any, ...]:
        extra = {name: value for name, value in vars(self).items() if name not in OWN}
        return rebuilt, (type(self), self._array, self._edge is not None, extra)

    def __getattr__(self, name: str) -> Any:
        raise lacking_method(type(self), name)

    def __hash__(self) -> builtins.int:
        return id(self)

    def __contains__(self, value: Any) -> builtins.bool:
        if not isinstance(value, (Carried, builtins.int, builtins.float, builtins.complex)):
            raise ShapeError(f"a tensor contains numbers and tensors, not a {type(value).__name__}{at_line()}")
        return builtins.bool((self == value).any())

    def __iter__(self) -> Iterator[Tensor]:
        if not self.dim():
            raise TypeError("iteration over a tensor without dimensions")
        return iter([self[i] for i in range(len(self))])

    def __reversed__(self) -> Tensor:
        return self.flip(0) if self._array.ndim else self

    # Numbers with two parts, and transposes

    @property
    def real(self) -> Tensor:
        """The real part, as a view; a real tensor itself."""
        return apply(OPS["real"], (self,)) if self._array.dtype.kind == "c" else self

    @real.setter
    def real(self, value: Any) -> None:
        self.real.copy_(value if isinstance(value, Carried) else wrap(numpy.asarray(value)))

    @property
    def imag(self) -> Tensor:
        """The imaginary part, as a view. Raises RuntimeError for a real tensor."""
        if self._array.dtype.kind != "c":
            raise DtypeError(f"imag is for complex tensors, not for {type_name(self._array.dtype)}{at_line()}")
        return apply(OPS["imag"], (self,))

    @imag.setter
    def imag(self, value: Any) -> None:
        self.imag.copy_(value if isinstance(value, Carried) else wrap(numpy.asarray(value)))

    @property
    def T(self) -> Tensor:  # noqa: N802
        """With the dimensions in reverse order, as a view."""
        return apply(OPS["transpose"], (self,), {"axes": tuple(reversed(range(self._array.ndim)))})

    @property
    def mT(self) -> Tensor:  # noqa: N802
        """With the last two dimensions exchanged, as a view."""
        if self._array.ndim < 2:
            raise ShapeError(f"mT is for matrices, not for {self._array.ndim} dimensions{at_line()}")
        return apply(OPS["swapaxes"], (self,), {"axis1": -2, "axis2": -1})

    @property
    def H(self) -> Tensor:  # noqa: N802
        """The conjugate transpose of a matrix."""
        if self._array.ndim != 2 and self._array.ndim:
            raise ShapeError(f"H is for matrices, not for {self._array.ndim} dimensions; use mH{at_line()}")
        return self.mH if self._array.ndim else self._conjugate()

    @property
    def mH(self) -> Tensor:  # noqa: N802
        """The conjugate with the last two dimensions exchanged."""
        return self.mT._conjugate()

    def _conjugate(self) -> Tensor:
        return apply(OPS["conj"], (self,)) if self._array.dtype.kind == "c" else self

    # Element by element, in Python

    def apply_(self, callable: Callable[[Any], Any]) -> Self:
        """Put ``callable(x)`` in place of each element x: slow, and not recorded."""
        return self._mapped("apply_", callable)

    def map_(self, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Self:
        """Put ``callable(x, y)`` in place of each element, y being that of ``tensor``, which is broadcast."""
        return self._mapped("map_", callable, tensor)

    def map2_(self, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Self:
        """As ``map_``, with the elements of two tensors."""
        return self._mapped("map2_", callable, x, y)

    def _mapped(self, name: str, function: Callable[..., Any], *others: Tensor) -> Self:
        if self._edge is not None or any(other._edge is not None for other in others):
            raise GradientError(f"Can't call {name} on a tensor that requires grad: use detach().{name}{at_line()}")
        rows = [
            self._array,
            *(apply(OPS["broadcast_to"], (other,), {"shape": self._array.shape})._array for other in others),
        ]
        values = [function(*numbers) for numbers in zip(*[row.ravel().tolist() for row in rows], strict=True)]
        mapped = numpy.array(values, self._array.dtype).reshape(self._array.shape)
        self._array[...] = beside(mapped, self._array)
        self._touch()
        return self

    # Indexing

    def __getitem__(self, index: Any) -> Any:
        return get(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        put(self, index, value)


set_tensor_class(Tensor)


class _Variable:
    """What ``Variable`` is since 0.4: another way to make a Tensor over the memory of one."""

    __name__ = __qualname__ = "Variable"

    def __call__(self, data: Any, requires_grad: bool = False, volatile: bool = False) -> Tensor:
        """A leaf over the memory of ``data``, a tensor or an array.

        With ``volatile``, what comes of it is not recorded, whatever else has a part in it.
        """
        if not isinstance(data, Carried):
            if not is_array(data) or isinstance(data, numpy.generic):
                raise TypeError(f"a Variable is made of a tensor, not of a {type(data).__name__}{at_line()}")
            data = wrap(data)
        made = Tensor(data, requires_grad=requires_grad, volatile=volatile)
        made._variable = True
        made._counter = counter_of(data)
        return made

    def __instancecheck__(self, instance: Any) -> builtins.bool:
        return isinstance(instance, Tensor)

    def __eq__(self, other: object) -> builtins.bool:
        return other is self or other is Tensor  # programs of 2017 ask for type(h) == Variable

    def __hash__(self) -> builtins.int:
        return hash(Tensor)

    def __mro_entries__(self, bases: Any) -> tuple[type[Any], ...]:
        return (Tensor,)


Variable = _Variable()
"""A Tensor over the memory of a tensor, as programs until 0.4 make it; every tensor is an instance."""
