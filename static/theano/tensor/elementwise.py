"""Functions of each element, under Theano's names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from graphs import ops
from graphs.core.op import Op
from static.tensor import Tensor, constant_value
from static.theano.variable import as_tensor_variable, divided, floating, wrapped


def _unary(name: str, op: Op, floats: bool = True) -> Callable[[Any], Any]:
    convert = floating if floats else as_tensor_variable

    def function(x: Any) -> Any:
        return op(convert(x))

    return _named(function, name, op)


def _binary(name: str, op: Op) -> Callable[[Any, Any], Any]:
    def function(x: Any, y: Any) -> Any:
        return op(as_tensor_variable(x), y)

    return _named(function, name, op)


def _joined(name: str, op: Op) -> Callable[..., Any]:
    def function(x: Any, *others: Any) -> Any:
        return functools.reduce(op, others, as_tensor_variable(x))

    return _named(function, name, op)


def _named(function: Callable[..., Any], name: str, op: Op) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = op.doc
    return function


exp, exp2, expm1 = _unary("exp", ops.exp), _unary("exp2", ops.exp2), _unary("expm1", ops.expm1)
log2, log10, log1p = (_unary(name, getattr(ops, name)) for name in ("log2", "log10", "log1p"))
sqrt = _unary("sqrt", ops.sqrt)
inv = _unary("inv", ops.reciprocal)
sin, cos, tan = (_unary(name, getattr(ops, name)) for name in ("sin", "cos", "tan"))
sinh, cosh, tanh = (_unary(name, getattr(ops, name)) for name in ("sinh", "cosh", "tanh"))
arcsin, arccos, arctan = (_unary(f"arc{name}", getattr(ops, f"a{name}")) for name in ("sin", "cos", "tan"))
arcsinh, arccosh, arctanh = (_unary(f"arc{name}", getattr(ops, f"a{name}")) for name in ("sinh", "cosh", "tanh"))
erf, erfc, gammaln = _unary("erf", ops.erf), _unary("erfc", ops.erfc), _unary("gammaln", ops.lgamma)
ceil, floor, trunc = (_unary(name, getattr(ops, name), False) for name in ("ceil", "floor", "trunc"))
isnan, isinf = _unary("isnan", ops.isnan), _unary("isinf", ops.isinf)
neg, sqr, sgn = (_unary(n, op, False) for n, op in (("neg", ops.negative), ("sqr", ops.square), ("sgn", ops.sign)))
abs_ = _unary("abs_", ops.absolute, False)
invert = _unary("invert", ops.bitwise_not, False)
square = sqr

add, mul = _joined("add", ops.add), _joined("mul", ops.multiply)
and_, or_, xor = (
    _joined(f"{name}", op) for name, op in (("and_", ops.bitwise_and), ("or_", ops.bitwise_or), ("xor", ops.bitwise_xor))
)
sub, int_div, mod = _binary("sub", ops.subtract), _binary("int_div", ops.floor_divide), _binary("mod", ops.remainder)
pow = power = _binary("pow", ops.power)
maximum, minimum = _binary("maximum", ops.maximum), _binary("minimum", ops.minimum)
eq, neq, lt, le, gt, ge = (
    _binary(name, op)
    for name, op in (
        ("eq", ops.equal),
        ("neq", ops.not_equal),
        ("lt", ops.less),
        ("le", ops.less_equal),
        ("gt", ops.greater),
        ("ge", ops.greater_equal),
    )
)
bitwise_and, bitwise_or, bitwise_xor, bitwise_not = and_, or_, xor, invert


def log(x: Any) -> Any:
    """The natural logarithm. Of a softmax or a sigmoid, or one less a sigmoid, it is taken where it stays finite."""
    x = floating(x)
    return wrapped(_log(x.tensor))


def _log(x: Any) -> Any:
    """The logarithm in its stable form, which has to stand in the graph before gradients do: they would be 0 / 0."""
    node = x.node
    if node.op is ops.softmax:
        return ops.log_softmax(node.inputs[0], **node.params)
    if node.op is ops.sigmoid:
        return ops.log_sigmoid(node.inputs[0])
    if node.op is ops.subtract and constant_value(node.inputs[0]) == 1 and _is_sigmoid(node.inputs[1]):
        return ops.log_sigmoid(-node.inputs[1].node.inputs[0])
    if node.op in (ops.index, ops.getitem) and node.inputs[0].node.op is ops.softmax:
        return node.op(_log(node.inputs[0]), *node.inputs[1:], **node.params)
    return ops.log(x)


def _is_sigmoid(x: Any) -> bool:
    return isinstance(x, Tensor) and x.node.op is ops.sigmoid


def true_div(x: Any, y: Any) -> Any:
    """``x / y``, of integers in ``floatX``."""
    return divided(as_tensor_variable(x), y)


def arctan2(x: Any, y: Any) -> Any:
    """The angle of the point (``y``, ``x``)."""
    return ops.atan2(floating(x), floating(y))


def psi(x: Any) -> Any:
    """The derivative of ``gammaln``."""
    return ops.polygamma(floating(x), n=0)


def deg2rad(x: Any) -> Any:
    """Degrees in radians."""
    return floating(x) * (3.141592653589793 / 180)


def rad2deg(x: Any) -> Any:
    """Radians in degrees."""
    return floating(x) * (180 / 3.141592653589793)


def round(x: Any, mode: str | None = None) -> Any:
    """The nearest whole numbers, halves to the even one; with mode ``half_away_from_zero`` away from zero."""
    x = as_tensor_variable(x)
    if mode == "half_away_from_zero":
        return ops.sign(x) * ops.floor(ops.absolute(x) + 0.5)
    return ops.round(x)


def iround(x: Any, mode: str | None = None) -> Any:
    """``round`` as int64."""
    return round(x, mode).astype("int64")


def switch(cond: Any, ift: Any, iff: Any) -> Any:
    """``ift`` where ``cond`` is not zero, else ``iff``."""
    cond = as_tensor_variable(cond)
    mask = cond if cond.dtype == "bool" else ops.not_equal(cond, 0)
    return ops.where(mask, as_tensor_variable(ift), as_tensor_variable(iff))


where = switch


def clip(x: Any, min: Any, max: Any) -> Any:
    """``x`` with what is below ``min`` or above ``max`` replaced by it."""
    return as_tensor_variable(x).clip(min, max)


def cast(x: Any, dtype: Any) -> Any:
    """``x`` in ``dtype``; ``"floatX"`` stands for ``theano.config.floatX``."""
    return as_tensor_variable(x).astype(dtype)


def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether elements differ by at most ``atol + rtol * |b|``."""
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    close = ops.logical_or(ops.equal(a, b), abs(a - b) <= atol + rtol * abs(b))
    return ops.logical_or(close, ops.logical_and(ops.isnan(a), ops.isnan(b))) if equal_nan else close


def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether ``isclose`` holds for all elements."""
    return isclose(a, b, rtol, atol, equal_nan).all()
