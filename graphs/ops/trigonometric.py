"""Circular and hyperbolic functions and their inverses, angles in radians."""

from __future__ import annotations

import math
from typing import Any

from graphs.core.op import elementwise
from graphs.ops.dtypes import inexact, real
from graphs.ops.functions import rsqrt, sqrt, square
from graphs.ops.logic import equal, where


@elementwise("sin(x)", dtype=inexact)
def sin(xp: Any, x: Any) -> Any:
    """Sine."""
    return xp.sin(x)


@elementwise("cos(x)", dtype=inexact)
def cos(xp: Any, x: Any) -> Any:
    """Cosine."""
    return xp.cos(x)


@elementwise("tan(x)", dtype=inexact)
def tan(xp: Any, x: Any) -> Any:
    """Tangent."""
    return xp.tan(x)


sin.vjp(lambda g, _out, x: g * cos(x))
cos.vjp(lambda g, _out, x: -g * sin(x))
tan.vjp(lambda g, out, _x: g * (square(out) + 1))


@elementwise("asin(x)", dtype=inexact)
def asin(xp: Any, x: Any) -> Any:
    """Inverse sine, in [-π/2, π/2]; NaN outside [-1, 1]."""
    return xp.arcsin(x)


@elementwise("acos(x)", dtype=inexact)
def acos(xp: Any, x: Any) -> Any:
    """Inverse cosine, in [0, π]; NaN outside [-1, 1]."""
    return xp.arccos(x)


@elementwise("atan(x)", dtype=inexact)
def atan(xp: Any, x: Any) -> Any:
    """Inverse tangent, in [-π/2, π/2]."""
    return xp.arctan(x)


asin.vjp(lambda g, _out, x: g * rsqrt(1 - square(x)))
acos.vjp(lambda g, _out, x: -g * rsqrt(1 - square(x)))
atan.vjp(lambda g, _out, x: g / (square(x) + 1))


@elementwise("atan2(y, x)", dtype=real)
def atan2(xp: Any, y: Any, x: Any) -> Any:
    """The angle of the point ``(x, y)``, in [-π, π]; its slope at the origin is taken as 0."""
    return xp.arctan2(y, x)


def _squared_radius(y: Any, x: Any) -> Any:
    """``x² + y²``, 1 at the origin."""
    total = x * x + y * y
    return where(equal(total, 0), 1.0, total)


atan2.vjp(
    lambda g, _out, y, x: g * (x / _squared_radius(y, x)),
    lambda g, _out, y, x: -g * (y / _squared_radius(y, x)),
)


@elementwise("sinh(x)", dtype=inexact)
def sinh(xp: Any, x: Any) -> Any:
    """Hyperbolic sine."""
    return xp.sinh(x)


@elementwise("cosh(x)", dtype=inexact)
def cosh(xp: Any, x: Any) -> Any:
    """Hyperbolic cosine."""
    return xp.cosh(x)


@elementwise("tanh(x)", dtype=inexact)
def tanh(xp: Any, x: Any) -> Any:
    """Hyperbolic tangent."""
    return xp.tanh(x)


sinh.vjp(lambda g, _out, x: g * cosh(x))
cosh.vjp(lambda g, _out, x: g * sinh(x))
tanh.vjp(lambda g, out, _x: g * (1 - out * out))


@elementwise("asinh(x)", dtype=inexact)
def asinh(xp: Any, x: Any) -> Any:
    """Inverse hyperbolic sine."""
    return xp.arcsinh(x)


@elementwise("acosh(x)", dtype=inexact)
def acosh(xp: Any, x: Any) -> Any:
    """Inverse hyperbolic cosine; NaN below 1."""
    return xp.arccosh(x)


@elementwise("atanh(x)", dtype=inexact)
def atanh(xp: Any, x: Any) -> Any:
    """Inverse hyperbolic tangent; NaN outside [-1, 1]."""
    return xp.arctanh(x)


asinh.vjp(lambda g, _out, x: g * rsqrt(square(x) + 1))
acosh.vjp(lambda g, _out, x: g / (sqrt(x - 1) * sqrt(x + 1)))
atanh.vjp(lambda g, _out, x: g / (1 - square(x)))


@elementwise("where(x == 0.0, 1.0, sin(3.141592653589793 * x) / (3.141592653589793 * x))", dtype=real)
def sinc(xp: Any, x: Any) -> Any:
    """``sin(πx) / (πx)``, 1 at 0."""
    return xp.sinc(x)


def _sinc_slope(x: Any, out: Any) -> Any:
    """``(cos(πx) - sinc(x)) / x``; near 0, where that cancels, its Taylor series, which has the right slope at 0 too."""
    near = abs(x) < 1e-2
    series = x * (-(math.pi**2) / 3 + x * x * (math.pi**4 / 30))
    return where(near, series, (cos(x * math.pi) - out) / where(near, 1.0, x))


sinc.vjp(lambda g, out, x: g * _sinc_slope(x, out))
