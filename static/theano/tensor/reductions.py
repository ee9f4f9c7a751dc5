"""Reductions and orders, under Theano's names: the methods of variables as functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphs import ops
from static.theano.variable import TensorVariable, as_tensor_variable


def _method(name: str) -> Callable[..., Any]:
    method = getattr(TensorVariable, name)

    def function(x: Any, *args: Any, **kwargs: Any) -> Any:
        return method(as_tensor_variable(x), *args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = method.__doc__
    return function


sum, prod, mean, var, std, max, min = map(_method, ("sum", "prod", "mean", "var", "std", "max", "min"))
argmax, argmin, all, any = map(_method, ("argmax", "argmin", "all", "any"))
cumsum, cumprod, sort, argsort, nonzero = map(_method, ("cumsum", "cumprod", "sort", "argsort", "nonzero"))


def max_and_argmax(x: Any, axis: Any = None, keepdims: bool = False) -> tuple[Any, Any]:
    """The maximum along ``axis`` and its position."""
    x = as_tensor_variable(x)
    return x.max(axis, keepdims), x.argmax(axis, keepdims)


def ptp(x: Any, axis: Any = None) -> Any:
    """The maximum less the minimum along ``axis``."""
    x = as_tensor_variable(x)
    return x.max(axis) - x.min(axis)


def nonzero_values(x: Any) -> Any:
    """The elements that are not zero, in a vector."""
    x = as_tensor_variable(x)
    return x[x.nonzero()]


def smallest(*xs: Any) -> Any:
    """The smallest of several values, element by element."""
    return ops.min(ops.stack(*[as_tensor_variable(x) for x in xs]), axis=0)


def largest(*xs: Any) -> Any:
    """The largest of several values, element by element."""
    return ops.max(ops.stack(*[as_tensor_variable(x) for x in xs]), axis=0)
