"""Functions of each element: arithmetic, comparison, elementary functions, activations that PyTorch has at the top level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from dynamic.apply import Carried, apply, binary, result_type, unary, wrap
from dynamic.tape import recording
from graphs.core.errors import GradientError
from graphs.core.op import OPS, Op
from graphs.ops import (
    add as add_op,
    clip,
    divide as divide_op,
    floor_divide as floor_divide_op,
    maximum as maximum_op,
    minimum as minimum_op,
    subtract as subtract_op,
    where as where_op,
)


def _unary(name: str, op: Op) -> Callable[..., Any]:
    def function(input: Any, *, out: Any = None) -> Any:
        return _into(out, unary(op, input))

    return _named(function, name, op)


def _binary(name: str, op: Op) -> Callable[..., Any]:
    def function(input: Any, other: Any, *, out: Any = None) -> Any:
        return _into(out, binary(op, input, other))

    return _named(function, name, op)


def _named(function: Callable[..., Any], name: str, op: Op) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__module__ = "dynamic"  # where pickle finds it
    function.__doc__ = op.doc
    return function


def _into(out: Any, result: Any) -> Any:
    """``result``, written into ``out`` where one was given; an empty one takes the result's shape.

    Raises RuntimeError where a gradient may be wanted.
    """
    if out is None:
        return result
    if recording.get() and (out.requires_grad or result.requires_grad):
        raise GradientError("a function with out= is not recorded: leave out= away, or detach its arguments")
    if not out._array.size:
        out._array = numpy.empty(result._array.shape, out._array.dtype)
    return out.copy_(result)


_UNARY = {
    "neg": "negative",
    "negative": "negative",
    "abs": "absolute",
    "absolute": "absolute",
    "sign": "sign",
    "reciprocal": "reciprocal",
    "square": "square",
    "sqrt": "sqrt",
    "rsqrt": "rsqrt",
    "exp": "exp",
    "exp2": "exp2",
    "expm1": "expm1",
    "log": "log",
    "log2": "log2",
    "log10": "log10",
    "log1p": "log1p",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "asin": "asin",
    "acos": "acos",
    "atan": "atan",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "asinh": "asinh",
    "acosh": "acosh",
    "atanh": "atanh",
    "erf": "erf",
    "floor": "floor",
    "ceil": "ceil",
    "round": "round",
    "trunc": "trunc",
    "sigmoid": "sigmoid",
    "relu": "relu",
    "selu": "selu",
    "isnan": "isnan",
    "isinf": "isinf",
    "isfinite": "isfinite",
    "logical_not": "logical_not",
    "bitwise_not": "bitwise_not",
}

_BINARY = {
    "mul": "multiply",
    "multiply": "multiply",
    "true_divide": "divide",
    "floor_divide": "floor_divide",
    "remainder": "remainder",
    "fmod": "fmod",
    "pow": "power",
    "atan2": "atan2",
    "arctan2": "atan2",
    "logaddexp": "logaddexp",
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "less": "less",
    "less_equal": "less_equal",
    "greater": "greater",
    "greater_equal": "greater_equal",
    "not_equal": "not_equal",
    "logical_and": "logical_and",
    "logical_or": "logical_or",
    "logical_xor": "logical_xor",
    "bitwise_and": "bitwise_and",
    "bitwise_or": "bitwise_or",
    "bitwise_xor": "bitwise_xor",
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: _unary(name, OPS[op]) for name, op in _UNARY.items()},
    **{name: _binary(name, OPS[op]) for name, op in _BINARY.items()},
}
"""Functions of this module that are made from tables; all are methods too."""


def add(input: Any, other: Any, *, alpha: float = 1, out: Any = None) -> Any:
    """``input + alpha * other``."""
    return _into(out, binary(add_op, input, other if alpha == 1 else other * alpha))


def sub(input: Any, other: Any, *, alpha: float = 1, out: Any = None) -> Any:
    """``input - alpha * other``."""
    return _into(out, binary(subtract_op, input, other if alpha == 1 else other * alpha))


def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Any = None) -> Any:
    """``input / other``; rounded down with ``rounding_mode="floor"``, towards zero with ``"trunc"``."""
    if rounding_mode == "floor":
        result = apply(floor_divide_op, (input, other))
    elif rounding_mode == "trunc":
        whole = result_type((input, other)).kind in "iu"
        result = apply(OPS["trunc"], (apply(divide_op, (input, other)),))
        result = result.type_as(input) if whole else result
    elif rounding_mode is None:
        result = apply(divide_op, (input, other))
    else:
        raise ValueError(f"div: rounding_mode is None, 'floor' or 'trunc', not {rounding_mode!r}")
    return _into(out, result)


def clamp(input: Any, min: Any = None, max: Any = None, *, out: Any = None) -> Any:
    """Each element, not below ``min`` and not above ``max`` (numbers or tensors; either may be left out)."""
    if min is None and max is None:
        raise RuntimeError("clamp needs min, max or both")
    if isinstance(min, Carried) or isinstance(max, Carried):
        result = input if min is None else maximum(input, min)
        return _into(out, result if max is None else minimum(result, max))
    if max is None:
        return _into(out, binary(maximum_op, input, min))
    if min is None:
        return _into(out, binary(minimum_op, input, max))
    return _into(out, apply(clip, (input,), {"min": min, "max": max}))


def maximum(input: Any, other: Any, *, out: Any = None) -> Any:
    """The greater of two elements; where they are equal, the gradient is shared between them."""
    return _into(out, apply(maximum_op, (input, other), {"tie": "both"}))


def minimum(input: Any, other: Any, *, out: Any = None) -> Any:
    """The smaller of two elements; where they are equal, the gradient is shared between them."""
    return _into(out, apply(minimum_op, (input, other), {"tie": "both"}))


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """Elements of ``input`` where ``condition`` holds, else of ``other``; with a condition alone, where it holds."""
    if input is None and other is None:
        return tuple(wrap(each) for each in condition._array.nonzero())
    return apply(where_op, (condition, input, other))


def lerp(input: Any, end: Any, weight: Any, *, out: Any = None) -> Any:
    """``input + weight * (end - input)``."""
    return _into(out, input + weight * (end - input))


def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1, out: Any = None) -> Any:
    """``input + value * tensor1 * tensor2``."""
    return _into(out, input + (tensor1 * tensor2 if value == 1 else tensor1 * tensor2 * value))


def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1, out: Any = None) -> Any:
    """``input + value * tensor1 / tensor2``."""
    return _into(out, input + (tensor1 / tensor2 if value == 1 else tensor1 / tensor2 * value))


FUNCTIONS |= {
    "add": add,
    "sub": sub,
    "subtract": sub,
    "div": div,
    "divide": div,
    "clamp": clamp,
    "clip": clamp,
    "maximum": maximum,
    "minimum": minimum,
    "lerp": lerp,
    "addcmul": addcmul,
    "addcdiv": addcdiv,
}

IN_PLACE = (
    *(
        "neg",
        "abs",
        "sign",
        "reciprocal",
        "square",
        "sqrt",
        "rsqrt",
        "exp",
        "exp2",
        "expm1",
        "log",
        "log2",
        "log10",
        "log1p",
    ),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "erf", "floor", "ceil", "round", "trunc"),
    *("sigmoid", "relu", "add", "sub", "mul", "div", "true_divide", "floor_divide", "remainder", "fmod", "pow"),
    *("clamp", "clip", "lerp", "addcmul", "addcdiv", "eq", "ne", "lt", "le", "gt", "ge", "logical_not", "logical_and"),
    *("logical_or", "logical_xor"),
)
"""Functions that have a variant in place, named with an underscore."""
