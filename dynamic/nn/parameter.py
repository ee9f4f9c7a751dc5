"""Tensors that modules keep: parameters, which training changes, and buffers, which it does not."""

from __future__ import annotations

from typing import Any

from dynamic.names import lacking
from dynamic.tensor import Tensor


class Parameter(Tensor):
    """A leaf that requires a gradient; as an attribute of a module it is one of the module's parameters.

    Args:
        data: a tensor, whose memory is shared; without one the parameter is empty.
        requires_grad: collect gradients here.
    """

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        super().__init__(() if data is None else data, requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = _rebuilt(type(self), self._array.copy(), self.requires_grad, self._extra())
        return memo[id(self)]

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self._array, self.requires_grad, self._extra())

    def _extra(self) -> dict[str, Any]:
        """The attributes that somebody gave the parameter."""
        return {name: value for name, value in vars(self).items() if name not in _OURS}

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(Tensor):
    """A tensor that, as an attribute of a module, is one of the module's buffers.

    Args:
        data: a tensor, whose memory is shared; without one the buffer is empty.
        persistent: whether the module's ``state_dict`` has it.
    """

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        super().__init__(() if data is None else data, data is not None and getattr(data, "requires_grad", False))
        self.persistent = persistent


_OURS = frozenset(["_array", "_edge", "_counter", "_source", "_views", "grad"])


def _rebuilt(kind: type[Parameter], array: Any, requires_grad: bool, extra: dict[str, Any]) -> Parameter:
    """A parameter over ``array``: what pickling and copying end with."""
    parameter = kind.__new__(kind)
    parameter._array = array
    parameter.requires_grad = requires_grad
    vars(parameter).update(extra)
    return parameter


__getattr__ = lacking(__name__)
