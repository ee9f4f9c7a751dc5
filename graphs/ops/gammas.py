"""Incomplete gamma functions and Hurwitz's zeta function, computed in float64 and rounded to the arguments' dtype."""

from __future__ import annotations

import math
from typing import Any

from graphs.core.errors import GradientError
from graphs.core.op import elementwise
from graphs.core.portable import largest
from graphs.ops.dtypes import real
from graphs.ops.functions import exp, log
from graphs.ops.shape import zeros_like
from graphs.ops.special import lgamma


_ROUNDS = 400
"""At most so many terms of a series or steps of a continued fraction; for shapes up to 10,000 fewer do."""


def _doubles(xp: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    dtype = real(xp.result_type(x, y))
    x, y = xp.broadcast_arrays(xp.asarray(x, xp.float64), xp.asarray(y, xp.float64))
    return x, y, dtype


def _regularised(xp: Any, a: Any, x: Any, upper: bool) -> Any:
    """The lower or upper incomplete gamma function over the gamma function (Numerical Recipes 6.2), NaN outside."""
    valid = (a > 0) & (x > 0) & xp.isfinite(a) & xp.isfinite(x)
    s, z = xp.where(valid, a, 1.0), xp.where(valid, x, 1.0)
    front = xp.exp(s * xp.log(z) - z - lgamma.kernel(xp, s))
    low = z < s + 1
    zl, zh, sh = xp.where(low, z, 1.0), xp.where(low, s + 2, z), s
    term = 1 / s
    total = term.copy()
    for n in range(1, _ROUNDS):
        term = term * (zl / (s + n))
        total = total + term
        if not (term > total * 1e-17).any():
            break
    # The continued fraction by Lentz's method.
    tiny = 1e-300
    b = zh + 1 - sh
    c, d = xp.full_like(b, 1 / tiny), 1 / b
    h = d.copy()
    for n in range(1, _ROUNDS):
        factor = -n * (n - sh)
        b = b + 2
        d = factor * d + b
        d = 1 / xp.where(xp.absolute(d) < tiny, tiny, d)
        c = b + factor / c
        c = xp.where(xp.absolute(c) < tiny, tiny, c)
        h = h * (c * d)
        if not (xp.absolute(c * d - 1) > 1e-16).any():
            break
    if upper:
        out = xp.where(low, 1 - front * total, front * h)
        at_zero, at_infinity = 1.0, 0.0
    else:
        out = xp.where(low, front * total, 1 - front * h)
        at_zero, at_infinity = 0.0, 1.0
    inside = (a > 0) & xp.isfinite(a)
    out = xp.where(inside & (x == 0), at_zero, xp.where(inside & (x == xp.inf), at_infinity, out))
    out = xp.where((a == 0) & (x > 0), at_infinity, out)
    out = xp.where((a == xp.inf) & (x >= 0) & xp.isfinite(x), at_zero, out)
    ends = ((a == 0) & (x > 0)) | ((a == xp.inf) & (x >= 0) & xp.isfinite(x)) | (inside & (x >= 0))
    return xp.where(ends, out, xp.nan)


@elementwise("igamma(x, y)", dtype=real)
def igamma(xp: Any, x: Any, y: Any) -> Any:
    """The lower incomplete gamma function of shape ``x`` up to ``y``, over the gamma function. Only ``y`` has a gradient."""
    a, z, dtype = _doubles(xp, x, y)
    return _regularised(xp, a, z, upper=False).astype(dtype)


@elementwise("igammac(x, y)", dtype=real)
def igammac(xp: Any, x: Any, y: Any) -> Any:
    """The upper incomplete gamma function of shape ``x`` from ``y`` on: ``1 - igamma(x, y)``."""
    a, z, dtype = _doubles(xp, x, y)
    return _regularised(xp, a, z, upper=True).astype(dtype)


def _density(x: Any, y: Any) -> Any:
    return exp((x - 1) * log(y) - y - lgamma(x + zeros_like(y)))  # of one dtype, whatever number x is


def _unknown(g: Any, _out: Any, _x: Any, _y: Any) -> Any:
    raise GradientError("no derivative of igamma, igammac and zeta in their first argument is known here")


igamma.vjp(_unknown, lambda g, _out, x, y: g * _density(x, y))
igammac.vjp(_unknown, lambda g, _out, x, y: -g * _density(x, y))

_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_SHIFT = 12


@elementwise("zeta(x, y)", dtype=real)
def zeta(xp: Any, x: Any, y: Any) -> Any:
    """Hurwitz's zeta function ``Σ (k + y)^-x`` by the Euler-Maclaurin formula. Only ``y`` gets a gradient.

    Infinite at ``x`` 1 and at whole ``y`` below 1; NaN for ``x`` below 1, and for negative ``y`` where ``x`` is not whole.
    """
    s, q, dtype = _doubles(xp, x, y)
    poles = (q <= 0) & (q == xp.floor(q))
    wrong = (s < 1) | ((q <= 0) & ~poles & (s != xp.floor(s))) | xp.isnan(s) | xp.isnan(q)
    valid = (s > 1) & ~poles & ~wrong & xp.isfinite(s) & xp.isfinite(q)
    s0, q0 = xp.where(valid, s, 2.0), xp.where(valid, q, 1.0)
    depth = int(xp.ceil(largest(xp, -q0, 0.0)))
    out = xp.zeros_like(s0)
    for k in range(depth + _SHIFT):
        out = out + xp.power(q0 + k, -s0)
    z = q0 + depth + _SHIFT
    out = out + xp.power(z, 1 - s0) / (s0 - 1) + 0.5 * xp.power(z, -s0)
    rising = s0
    for k, b in enumerate(_BERNOULLI, 1):
        out = out + b * rising * xp.power(z, -s0 - 2 * k + 1) / math.factorial(2 * k)
        rising = rising * (s0 + 2 * k - 1) * (s0 + 2 * k)
    ends = xp.where(poles | (s == 1), xp.inf, xp.where(q == xp.inf, 0.0, xp.where(q == 1, 1.0, xp.nan)))
    return xp.where(wrong, xp.nan, xp.where(valid, out, ends)).astype(dtype)


zeta.vjp(_unknown, lambda g, _out, x, y: g * (-x * zeta(x + 1, y)))
