"""Functions of each element: arithmetic, comparison, elementary functions, activations that PyTorch has at the top level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dynamic.apply import Carried, apply, binary, result_type, unary, wrap
from dynamic.functions.calling import into
from graphs.core.errors import DtypeError, at_line
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
        return unary(op, input) if out is None else into(out, unary(op, input))

    return _named(function, name, op)


def _binary(name: str, op: Op) -> Callable[..., Any]:
    def function(input: Any, other: Any, *, out: Any = None) -> Any:
        return binary(op, input, other) if out is None else into(out, binary(op, input, other))

    return _named(function, name, op)


def _named(function: Callable[..., Any], name: str, op: Op) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__module__ = "dynamic"  # where pickle finds it
    function.__doc__ = op.doc
    return function


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
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "asinh": "asinh",
    "acosh": "acosh",
    "atanh": "atanh",
    "erf": "erf",
    "erfc": "erfc",
    "erfinv": "erfinv",
    "lgamma": "lgamma",
    "i0": "i0",
    "sinc": "sinc",
    "floor": "floor",
    "ceil": "ceil",
    "trunc": "trunc",
    "fix": "trunc",
    "frac": "frac",
    "signbit": "signbit",
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
    "logaddexp2": "logaddexp2",
    "hypot": "hypot",
    "copysign": "copysign",
    "nextafter": "nextafter",
    "fmax": "fmax",
    "fmin": "fmin",
    "gcd": "gcd",
    "lcm": "lcm",
    "xlogy": "xlogy",
    "igamma": "igamma",
    "igammac": "igammac",
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
    "bitwise_left_shift": "left_shift",
    "bitwise_right_shift": "right_shift",
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: _unary(name, OPS[op]) for name, op in _UNARY.items()},
    **{name: _binary(name, OPS[op]) for name, op in _BINARY.items()},
}
"""Functions of this module that are made from tables; all are methods too."""


def _scaled(name: str, other: Any, alpha: Any, input: Any) -> Any:
    """``alpha * other``. Raises RuntimeError where that makes floats of what the sum has as integers."""
    if isinstance(alpha, float) and result_type((input, other)).kind in "biu":
        raise DtypeError(f"{name}: integers take a whole alpha, not {alpha}{at_line()}")
    return other * alpha


def add(input: Any, other: Any, *old: Any, alpha: Any = 1, out: Any = None) -> Any:
    """``input + alpha * other``; ``add(input, alpha, other)`` too, PyTorch's form until 1.4."""
    if old:
        alpha, (other,) = other, old
    result = binary(add_op, input, other if alpha == 1 else _scaled("add", other, alpha, input))
    return result if out is None else into(out, result)


def sub(input: Any, other: Any, *old: Any, alpha: Any = 1, out: Any = None) -> Any:
    """``input - alpha * other``; ``sub(input, alpha, other)`` too, PyTorch's form until 1.4."""
    if old:
        alpha, (other,) = other, old
    result = binary(subtract_op, input, other if alpha == 1 else _scaled("sub", other, alpha, input))
    return result if out is None else into(out, result)


def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """``other - alpha * input``."""
    return binary(subtract_op, other, input if alpha == 1 else _scaled("rsub", input, alpha, other))


def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Any = None) -> Any:
    """``input / other``; rounded down with ``rounding_mode="floor"``, towards zero with ``"trunc"``."""
    if rounding_mode is None:
        result = binary(divide_op, input, other)
    elif rounding_mode == "floor":
        result = apply(floor_divide_op, (input, other))
    elif rounding_mode == "trunc":
        kind = result_type((input, other))
        result = apply(OPS["trunc"], (binary(divide_op, input, other),))
        result = result.to(kind) if kind.kind in "iu" else result
    else:
        raise RuntimeError(f"div: rounding_mode is None, 'floor' or 'trunc', not {rounding_mode!r}")
    return result if out is None else into(out, result)


def clamp(input: Any, min: Any = None, max: Any = None, *, out: Any = None) -> Any:
    """Each element, not below ``min`` and not above ``max`` (numbers or tensors; either may be left out)."""
    if min is None and max is None:
        raise RuntimeError(f"clamp needs min, max or both{at_line()}")
    if min is None or max is None or isinstance(min, Carried) or isinstance(max, Carried):
        result = input if min is None else binary(maximum_op, input, min)
        result = result if max is None else binary(minimum_op, result, max)
    else:
        result = apply(clip, (input,), {"min": min, "max": max})
    return result if out is None else into(out, result)


def clamp_min(input: Any, min: Any, *, out: Any = None) -> Any:
    """Each element, not below ``min``."""
    return clamp(input, min, out=out)


def clamp_max(input: Any, max: Any, *, out: Any = None) -> Any:
    """Each element, not above ``max``."""
    return clamp(input, None, max, out=out)


def maximum(input: Any, other: Any, *, out: Any = None) -> Any:
    """The greater of two elements; where they are equal, the gradient is shared between them."""
    return into(out, apply(maximum_op, (input, other), {"tie": "both"}))


def minimum(input: Any, other: Any, *, out: Any = None) -> Any:
    """The smaller of two elements; where they are equal, the gradient is shared between them."""
    return into(out, apply(minimum_op, (input, other), {"tie": "both"}))


def where(condition: Any, input: Any = None, other: Any = None, *, out: Any = None) -> Any:
    """Elements of ``input`` where ``condition`` holds, else of ``other``; with a condition alone, where it holds."""
    if input is None and other is None:
        return tuple(wrap(each) for each in condition._array.nonzero())
    if condition._array.dtype.kind != "b":
        condition = condition.to("bool")
    result = apply(where_op, (condition, input, other))
    return result if out is None else into(out, result)


FUNCTIONS |= {
    "add": add,
    "sub": sub,
    "subtract": sub,
    "rsub": rsub,
    "div": div,
    "divide": div,
    "clamp": clamp,
    "clip": clamp,
    "clamp_min": clamp_min,
    "clamp_max": clamp_max,
    "maximum": maximum,
    "minimum": minimum,
    "where": where,
}

NOT_METHODS = frozenset({"selu", "rsub", "where"})
"""Functions that PyTorch has not as methods, or with other arguments."""

IN_PLACE = (
    *(name for name in _UNARY if name not in ("selu", "isnan", "isinf", "isfinite", "signbit")),
    *(name for name in _BINARY if name not in ("logaddexp", "logaddexp2", "fmax", "fmin")),
    *("add", "sub", "subtract", "div", "divide", "clamp", "clip", "clamp_min", "clamp_max"),
)
"""Functions that have a variant in place, named with an underscore."""
