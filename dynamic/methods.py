"""Gives the functions over tensors to the Tensor class as methods, and their variants in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dynamic.dtypes import dtype_of
from dynamic.functions import pointwise, products, reductions, shapes
from dynamic.shared_memory import is_shared, share_memory_


CASTS = ("float", "double", "half", "long", "int", "short", "char", "byte", "bool", "cfloat", "cdouble")
"""Methods that cast to the dtype of that name."""


def attach(tensor_class: type[Any]) -> None:
    """Make methods of everything that PyTorch has as a method."""
    for module in (pointwise.FUNCTIONS, reductions.FUNCTIONS, shapes.METHODS, products.METHODS):
        for name, function in module.items():
            if name != "selu":  # the one of these functions that PyTorch has not as a method
                setattr(tensor_class, name, function)
    for name in pointwise.IN_PLACE:
        setattr(tensor_class, f"{name}_", _in_place(pointwise.FUNCTIONS[name]))
    for name in CASTS:
        setattr(tensor_class, name, _cast(name))
    tensor_class.where = lambda self, condition, other: pointwise.where(condition, self, other)
    tensor_class.share_memory_, tensor_class.is_shared = share_memory_, is_shared
    tensor_class.masked_fill_ = _in_place(shapes.masked_fill)


def _cast(name: str) -> Callable[..., Any]:
    def method(self: Any) -> Any:
        return self.to(dtype=name)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"The tensor cast to {dtype_of(name).name}."
    return method


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **settings: Any) -> Any:
        return self._become(function(self, *args, **settings))

    method.__name__ = method.__qualname__ = f"{function.__name__}_"
    method.__doc__ = f"{(function.__doc__ or '').rstrip('.')}, in place."
    return method
