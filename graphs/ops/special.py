"""Special functions: the gamma function's logarithm and that logarithm's derivatives, the complementary error function.

They are computed in float64 and rounded to the argument's dtype.
"""

from __future__ import annotations

import math
from typing import Any

from graphs.core.op import elementwise
from graphs.ops.dtypes import real
from graphs.ops.functions import ERFC_P, ERFC_Q, erf, exp, polynomial, square


_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
"""The Bernoulli numbers B2, B4, ..., of which the asymptotic series are made (Abramowitz and Stegun 6.1.40, 6.4.11)."""

_SHIFT = 12
"""The recurrence is followed for so many steps, beyond which eight terms of the series give every digit."""


def double(xp: Any, x: Any) -> tuple[Any, Any]:
    """``x`` in float64, and the dtype to return."""
    x = xp.asarray(x)
    return x.astype(xp.float64), real(x.dtype)


def _sine(xp: Any, x: Any) -> Any:
    """``|sin(πx)|``, exact at whole numbers."""
    return xp.absolute(xp.sin(math.pi * (x - xp.rint(x))))


@elementwise("lgamma(x)", dtype=real)
def lgamma(xp: Any, x: Any) -> Any:
    """Logarithm of the absolute value of the gamma function; infinite at 0 and at negative whole numbers."""
    given, dtype = double(xp, x)
    reflected = given < 0.5
    inner = xp.where(reflected, 1.0 - given, given)
    far = xp.where(xp.isinf(inner), 1.0, inner)
    product = far
    for step in range(1, _SHIFT):
        product = product * xp.minimum(far + step, 1e20)
    product = xp.where(far > 1e6, 1.0, product)
    z = xp.where(far > 1e6, far, far + _SHIFT)
    series = sum(b / (2 * k * (2 * k - 1)) * z ** (1.0 - 2 * k) for k, b in enumerate(_BERNOULLI, 1))
    out = (z - 0.5) * xp.log(z) - z + _HALF_LOG_TWO_PI + series - xp.log(product)
    out = xp.where(xp.isinf(inner), xp.inf, out)
    out = xp.where(reflected, math.log(math.pi) - xp.log(_sine(xp, given)) - out, out)
    return xp.where(given == -xp.inf, xp.inf, out).astype(dtype)


@elementwise("polygamma(x, order=order)", dtype=real)
def polygamma(xp: Any, x: Any, *, order: int = 0) -> Any:
    """The derivative of that order of the digamma function, which itself (order 0) is the derivative of ``lgamma``.

    NaN at 0 and at negative whole numbers; for orders above 1 at every negative number.
    """
    given, dtype = double(xp, x)
    reflected = given <= 0.0
    inner = xp.where(reflected, 1.0 - given, given)
    z = inner + _SHIFT
    terms = sum((inner + k) ** -(order + 1.0) for k in range(_SHIFT))
    if order == 0:
        out = xp.log(z) - 0.5 / z - sum(b / (2 * k) * z ** (-2.0 * k) for k, b in enumerate(_BERNOULLI, 1)) - terms
    else:
        series = math.factorial(order - 1) * z ** float(-order) + 0.5 * math.factorial(order) * z ** (-order - 1.0)
        series = series + sum(
            b * (math.factorial(2 * k + order - 1) / math.factorial(2 * k)) * z ** (-2.0 * k - order)
            for k, b in enumerate(_BERNOULLI, 1)
        )
        out = (-1) ** (order + 1) * (math.factorial(order) * terms + series)
    if order > 1:
        return xp.where(reflected, xp.nan, out).astype(dtype)
    away = xp.where(given == xp.floor(given), xp.nan, given)
    if order == 0:
        mirrored = out - math.pi / xp.tan(math.pi * (away - xp.rint(away)))
    else:
        mirrored = (math.pi / _sine(xp, away)) ** 2 - out
    return xp.where(reflected, mirrored, out).astype(dtype)


lgamma.vjp(lambda g, _out, x: g * polygamma(x, order=0))
polygamma.vjp(lambda g, _out, x, *, order: g * polygamma(x, order=order + 1))


# Cody's third approximation (see ``erf``), for arguments beyond 4: erfc(x) = exp(-x²)/x · (1/√π - y·P(y)/Q(y)), y = 1/x².
_FAR_P = (
    1.63153871373020978e-2,
    3.05326634961232344e-1,
    3.60344899949804439e-1,
    1.25781726111229246e-1,
    1.60837851487422766e-2,
    6.58749161529837803e-4,
)
_FAR_Q = (
    1.0,
    2.56852019228982242e0,
    1.87295284992346725e0,
    5.27905102951428412e-1,
    6.05183413124413191e-2,
    2.33520497626869185e-3,
)


def erfc_far(xp: Any, size: Any) -> Any:
    """``exp(x²) · erfc(x)`` for ``size`` beyond 4."""
    size = xp.maximum(size, 1.0)
    y = 1.0 / xp.square(size)
    return (1.0 / math.sqrt(math.pi) - y * polynomial(y, _FAR_P) / polynomial(y, _FAR_Q)) / size


@elementwise("erfc(x)", dtype=real)
def erfc(xp: Any, x: Any) -> Any:
    """Complementary error function ``1 - erf(x)``, which keeps its digits where ``erf`` is close to 1."""
    given, dtype = double(xp, x)
    size = xp.minimum(xp.absolute(given), 28.0)  # erfc(28) is 0 in double precision
    middle = polynomial(size, ERFC_P) / polynomial(size, ERFC_Q)
    rounded = xp.trunc(size * 16.0) / 16.0  # the square of which is exact, so that exp loses nothing
    decay = xp.exp(-rounded * rounded) * xp.exp(-(size - rounded) * (size + rounded))
    out = decay * xp.where(size > 4.0, erfc_far(xp, size), middle)
    out = xp.where(given < 0, 2.0 - out, out)
    return xp.where(xp.absolute(given) <= 0.46875, 1.0 - erf.kernel(xp, given), out).astype(dtype)


erfc.vjp(lambda g, _out, x: g * (exp(-square(x)) * (-2.0 / math.sqrt(math.pi))))
