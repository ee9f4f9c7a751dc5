"""Parameters and buffers whose shape is not known yet."""

from __future__ import annotations

from typing import Any

from dynamic.apply import wrap
from dynamic.functions.creation import empty
from dynamic.names import lacking
from dynamic.nn.parameter import Parameter
from dynamic.tensor import Tensor
from graphs.core.errors import GradientError, at_line


_HINT = "call the lazy module with a batch first"


class Uninitialized(Tensor):
    """What both have in common: no values, so that whatever reads them raises ValueError."""

    _becomes: type[Tensor]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    @property
    def _array(self) -> Any:
        raise ValueError(f"Attempted to use an uninitialized parameter or buffer: {_HINT}{at_line()}")

    @property
    def shape(self) -> Any:
        """Not known. Raises RuntimeError."""
        raise GradientError(f"Can't access the shape of an uninitialized parameter or buffer: {_HINT}{at_line()}")

    @property
    def data(self) -> Any:
        """An empty tensor of the dtype that the values will have."""
        return wrap(vars(self)["_array"])

    @data.setter
    def data(self, value: Any) -> None:
        vars(self)["_array"] = value._array

    @property
    def dtype(self) -> Any:
        """The dtype that the values will have."""
        return self.data.dtype

    @property
    def device(self) -> Any:
        """Where the values will be."""
        return self.data.device

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Have a shape from now on, and whatever was in the memory."""
        made = empty(shape, device=self.device if device is None else device, dtype=self.dtype if dtype is None else dtype)
        self.__class__ = self._becomes  # type: ignore[assignment]
        self.data = made

    def share_memory_(self) -> Any:
        """Nothing is there to share. Raises RuntimeError."""
        raise GradientError(f"Can't share memory on an uninitialized parameter or buffer: {_HINT}{at_line()}")

    def cpu(self, *_: Any, **__: Any) -> Any:
        """The tensor itself: it has no memory."""
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(Uninitialized, Parameter):
    """A parameter without a shape until ``materialize`` gives it one; then it is a ``Parameter``.

    Args:
        requires_grad: collect gradients here.
        device, dtype: what the values will have.
    """

    _becomes = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:  # noqa: D102
        made = Parameter(empty(0, device=device, dtype=dtype), requires_grad)
        made.__class__ = cls
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.device, self.dtype)
        return memo[id(self)]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.requires_grad, self.device, self.dtype)


class UninitializedBuffer(Uninitialized):
    """A buffer without a shape until ``materialize`` gives it one; then it is a tensor.

    Args:
        requires_grad: collect gradients here.
        device, dtype: what the values will have.
        persistent: whether the module's ``state_dict`` has it.
    """

    _becomes = Tensor

    def __new__(  # noqa: D102
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> Any:
        made: Any = empty(0, device=device, dtype=dtype, requires_grad=requires_grad)
        made.__class__ = cls
        made.persistent = persistent
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.device, self.dtype, self.persistent)
        return memo[id(self)]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.requires_grad, self.device, self.dtype, self.persistent)


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer has no shape yet."""
    return isinstance(param, Uninitialized)


__getattr__ = lacking(__name__)
