"""Elementary functions: squares and roots, exponentials and logarithms, the error function, rounding."""

from __future__ import annotations

import math
from typing import Any

from graphs.core.op import elementwise, numeric
from graphs.ops.dtypes import inexact, ordered, real
from graphs.ops.shape import zeros_like


# Squares and roots


@elementwise("x * x", dtype=numeric)
def square(xp: Any, x: Any) -> Any:
    """``x * x``."""
    return xp.square(x)


square.vjp(lambda g, _out, x: g * (x * 2))


@elementwise("sqrt(x)", dtype=inexact)
def sqrt(xp: Any, x: Any) -> Any:
    """Square root; NaN below 0."""
    return xp.sqrt(x)


sqrt.vjp(lambda g, out, _x: g * 0.5 / out)


@elementwise("1.0 / sqrt(x)", dtype=inexact)
def rsqrt(xp: Any, x: Any) -> Any:
    """Reciprocal of the square root."""
    return xp.divide(1.0, xp.sqrt(x))


rsqrt.vjp(lambda g, out, _x: g * (out * square(out) * -0.5))


@elementwise("cbrt(x)", dtype=real)
def cbrt(xp: Any, x: Any) -> Any:
    """Cube root, negative for negative ``x``."""
    return xp.cbrt(x)


cbrt.vjp(lambda g, out, _x: g / (square(out) * 3))


# Exponentials


@elementwise("exp(x)", dtype=inexact)
def exp(xp: Any, x: Any) -> Any:
    """e to the power ``x``."""
    return xp.exp(x)


exp.vjp(lambda g, out, _x: g * out)


@elementwise("exp2(x)", dtype=inexact)
def exp2(xp: Any, x: Any) -> Any:
    """2 to the power ``x``."""
    return xp.exp2(x)


exp2.vjp(lambda g, out, _x: g * (out * math.log(2.0)))


@elementwise("expm1(x)", dtype=inexact)
def expm1(xp: Any, x: Any) -> Any:
    """``exp(x) - 1``, exact near 0 too."""
    return xp.expm1(x)


expm1.vjp(lambda g, out, _x: g * (out + 1))


# Logarithms


@elementwise("log(x)", dtype=inexact)
def log(xp: Any, x: Any) -> Any:
    """Natural logarithm; -inf at 0, NaN below."""
    return xp.log(x)


log.vjp(lambda g, _out, x: g / x)


@elementwise("log2(x)", dtype=inexact)
def log2(xp: Any, x: Any) -> Any:
    """Logarithm to the base 2."""
    return xp.log2(x)


log2.vjp(lambda g, _out, x: g / (x * math.log(2.0)))


@elementwise("log10(x)", dtype=inexact)
def log10(xp: Any, x: Any) -> Any:
    """Logarithm to the base 10."""
    return xp.log10(x)


log10.vjp(lambda g, _out, x: g / (x * math.log(10.0)))


@elementwise("log1p(x)", dtype=inexact)
def log1p(xp: Any, x: Any) -> Any:
    """``log(1 + x)``, exact near 0 too."""
    return xp.log1p(x)


log1p.vjp(lambda g, _out, x: g / (x + 1))


@elementwise("logaddexp(x, y)", dtype=real, traits={"commutative"})
def logaddexp(xp: Any, x: Any, y: Any) -> Any:
    """``log(exp(x) + exp(y))`` without overflow."""
    return xp.logaddexp(x, y)


logaddexp.vjp(lambda g, out, x, _y: g * exp(x - out), lambda g, out, _x, y: g * exp(y - out))


# The error function

# W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969): erf(x) = x·P(x²)/Q(x²) up to
# 0.46875, erfc(x) = exp(-x²)·R(x)/S(x) beyond it. Highest power first.
_P = (
    1.85777706184603153e-1,
    3.16112374387056560e0,
    1.13864154151050156e2,
    3.77485237685302021e2,
    3.20937758913846947e3,
)
_Q = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
ERFC_P = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e1,
    2.98635138197400131e2,
    8.81952221241769090e2,
    1.71204761263407058e3,
    2.05107837782607147e3,
    1.23033935479799725e3,
)
ERFC_Q = (
    1.0,
    1.57449261107098347e1,
    1.17693950891312499e2,
    5.37181101862009858e2,
    1.62138957456669019e3,
    3.29079923573345963e3,
    4.36261909014324716e3,
    3.43936767414372164e3,
    1.23033935480374942e3,
)


def polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    """Horner's rule, highest power first."""
    value = x * coefficients[0]
    for coefficient in coefficients[1:-1]:
        value += coefficient
        value *= x
    value += coefficients[-1]
    return value


@elementwise("erf(x)", dtype=real)
def erf(xp: Any, x: Any) -> Any:
    """Error function ``2/√π ∫₀ˣ exp(-t²) dt``, to a few units in the last place."""
    size = xp.minimum(xp.absolute(x), 6.0)  # erf(6) is 1 in double precision
    squared = size * size
    small = polynomial(squared, _P)
    small *= size
    small /= polynomial(squared, _Q)
    large = xp.exp(-squared)
    large *= polynomial(size, ERFC_P)
    large /= polynomial(size, ERFC_Q)
    return xp.copysign(xp.where(size <= 0.46875, small, 1.0 - large), x)


erf.vjp(lambda g, _out, x: g * (exp(-square(x)) * (2.0 / math.sqrt(math.pi))))


# Rounding


@elementwise("floor(x)", dtype=ordered)
def floor(xp: Any, x: Any) -> Any:
    """The largest whole number not above ``x``, in its dtype."""
    return xp.floor(x)


@elementwise("ceil(x)", dtype=ordered)
def ceil(xp: Any, x: Any) -> Any:
    """The smallest whole number not below ``x``, in its dtype."""
    return xp.ceil(x)


@elementwise("trunc(x)", dtype=ordered)
def trunc(xp: Any, x: Any) -> Any:
    """``x`` without its fraction, in its dtype."""
    return xp.trunc(x)


@elementwise("round(x)", dtype=ordered)
def round(xp: Any, x: Any) -> Any:
    """The nearest whole number, the even one of two, in its dtype."""
    return xp.round(x)


for _op in (floor, ceil, trunc, round):
    _op.vjp(lambda g, _out, _x: zeros_like(g))
