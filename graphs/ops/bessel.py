"""Modified Bessel functions of the first kind, of orders 0 and 1, plain and scaled by ``exp(-|x|)``.

Up to 30 by the power series, all of whose terms are positive; beyond by the asymptotic one (Abramowitz and Stegun 9.6.10 and
9.7.1). They are computed in float64 and rounded to the argument's dtype.
"""

from __future__ import annotations

from typing import Any

from graphs.core.op import elementwise
from graphs.ops.dtypes import real
from graphs.ops.elementwise import sign
from graphs.ops.logic import equal, where
from graphs.ops.special import double


_NEAR = 30.0
_TERMS = 75
"""Terms of the power series, which at 30 have fallen below a unit in the last place after 60."""

_FAR_TERMS = 30


def _scaled(xp: Any, x: Any, order: int) -> Any:
    """``exp(-|x|) · I(|x|)`` of float64 numbers."""
    size = xp.absolute(x)
    near = xp.minimum(size, _NEAR)
    quarter = near * near / 4
    term = xp.ones_like(near) if order == 0 else near / 2
    series = term.copy()
    for k in range(1, _TERMS):
        term = term * (quarter / (k * (k + order)))
        series = series + term
    far = xp.maximum(size, _NEAR)
    term = xp.ones_like(far)
    asymptotic = term.copy()
    for k in range(1, _FAR_TERMS):
        term = term * (((2 * k - 1) ** 2 - 4 * order * order) / (8 * k * far))
        asymptotic = asymptotic + term
    return xp.where(size <= _NEAR, series * xp.exp(-near), asymptotic / xp.sqrt(2 * xp.pi * far))


def _plain(xp: Any, x: Any, order: int) -> Any:
    half = xp.exp(xp.absolute(x) / 2)  # the whole exponential would overflow before the function does
    out = _scaled(xp, x, order) * half * half
    return xp.where(xp.isinf(x), xp.inf, out)


@elementwise("i0(x)", dtype=real)
def i0(xp: Any, x: Any) -> Any:
    """Modified Bessel function of the first kind of order 0."""
    given, dtype = double(xp, x)
    return _plain(xp, given, 0).astype(dtype)


@elementwise("i0e(x)", dtype=real)
def i0e(xp: Any, x: Any) -> Any:
    """``exp(-|x|) · i0(x)``."""
    given, dtype = double(xp, x)
    return _scaled(xp, given, 0).astype(dtype)


@elementwise("i1(x)", dtype=real)
def i1(xp: Any, x: Any) -> Any:
    """Modified Bessel function of the first kind of order 1."""
    given, dtype = double(xp, x)
    return xp.copysign(_plain(xp, given, 1), given).astype(dtype)


@elementwise("i1e(x)", dtype=real)
def i1e(xp: Any, x: Any) -> Any:
    """``exp(-|x|) · i1(x)``."""
    given, dtype = double(xp, x)
    return xp.copysign(_scaled(xp, given, 1), given).astype(dtype)


def _over(out: Any, x: Any) -> Any:
    """``out / x``, at 0 its limit."""
    zero = equal(x, 0.0)
    return where(zero, 0.5, out / where(zero, 1.0, x))


i0.vjp(lambda g, _out, x: g * i1(x))
i0e.vjp(lambda g, out, x: g * (i1e(x) - sign(x) * out))
i1.vjp(lambda g, out, x: g * (i0(x) - _over(out, x)))
i1e.vjp(lambda g, out, x: g * (i0e(x) - sign(x) * out - _over(out, x)))
