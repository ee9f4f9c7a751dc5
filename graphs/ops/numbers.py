"""Numbers as they are kept: signs, neighbours, fractions, what replaces NaN; greatest common divisors of integers."""

from __future__ import annotations

from typing import Any

import numpy

from graphs.core.errors import DtypeError
from graphs.core.op import elementwise, op
from graphs.core.spec import Shape, Spec
from graphs.ops.dtypes import comparable, ordered, real, whole
from graphs.ops.elementwise import cast_like, multiply, sign
from graphs.ops.functions import exp2
from graphs.ops.logic import isfinite, isnan, logical_not, logical_or
from graphs.ops.shape import zeros_like


@elementwise("copysign(x, y)", dtype=real)
def copysign(xp: Any, x: Any, y: Any) -> Any:
    """The size of ``x`` with the sign of ``y``, that of a zero too; its slope where ``x`` is 0 is taken as 0."""
    return xp.copysign(x, y)


copysign.vjp(lambda g, out, x, _y: g * (sign(x) * sign(out)), lambda g, _out, _x, _y: zeros_like(g))


@elementwise("signbit(x)", dtype=comparable)
def signbit(xp: Any, x: Any) -> Any:
    """Whether the sign is minus, that of a zero or NaN too."""
    return xp.signbit(x) if x.dtype.kind == "f" else x < 0


signbit.vjp(None)


@elementwise("nextafter(x, y)", dtype=real)
def nextafter(xp: Any, x: Any, y: Any) -> Any:
    """The number next to ``x`` on the way to ``y``."""
    return xp.nextafter(x, y)


@elementwise("heaviside(x, y)", dtype=ordered)
def heaviside(xp: Any, x: Any, y: Any) -> Any:
    """The step function: 0 below 0, 1 above, ``y`` at 0."""
    dtype = xp.result_type(x, y)
    return xp.heaviside(x, y) if dtype.kind == "f" else xp.where(x == 0, y, x > 0).astype(dtype)


@elementwise("x - trunc(x)", dtype=ordered)
def frac(xp: Any, x: Any) -> Any:
    """The fraction, with the sign of ``x``."""
    return x - xp.trunc(x)


frac.vjp(lambda g, _out, _x: g)


@elementwise("hypot(x, y)", dtype=real, traits={"commutative"})
def hypot(xp: Any, x: Any, y: Any) -> Any:
    """``sqrt(x² + y²)`` without overflow; it has no slope at the origin."""
    return xp.hypot(x, y)


hypot.vjp(lambda g, out, x, _y: g * (x / out), lambda g, out, _x, y: g * (y / out))


@elementwise("fmax(x, y)", dtype=ordered, traits={"commutative"})
def fmax(xp: Any, x: Any, y: Any) -> Any:
    """The larger of the two, or the one that is no NaN; where they are equal the gradient goes to ``x``."""
    return xp.fmax(x, y)


@elementwise("fmin(x, y)", dtype=ordered, traits={"commutative"})
def fmin(xp: Any, x: Any, y: Any) -> Any:
    """The smaller of the two, or the one that is no NaN; where they are equal the gradient goes to ``x``."""
    return xp.fmin(x, y)


def _above(x: Any, y: Any) -> Any:
    return logical_or(x >= y, isnan(y))


def _below(x: Any, y: Any) -> Any:
    return logical_or(x <= y, isnan(y))


fmax.vjp(
    lambda g, _out, x, y: multiply(g, _above(x, y)),
    lambda g, _out, x, y: multiply(g, logical_not(_above(x, y))),
)
fmin.vjp(
    lambda g, _out, x, y: multiply(g, _below(x, y)),
    lambda g, _out, x, y: multiply(g, logical_not(_below(x, y))),
)


@elementwise("nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)", dtype=ordered)
def nan_to_num(xp: Any, x: Any, *, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """``x`` with numbers in place of NaN and the infinities; of these the dtype's extremes by default."""
    return xp.nan_to_num(x, copy=True, nan=nan, posinf=posinf, neginf=neginf)


nan_to_num.vjp(lambda g, _out, x: multiply(g, isfinite(x)))


# Mantissa and exponent


def _parts(dtype: Any) -> tuple[Any, Any]:
    if dtype.kind != "f":
        raise DtypeError(f"{dtype} is not a floating dtype")
    return dtype, numpy.dtype(numpy.int32)


def _twice(x: Spec) -> tuple[Shape | None, Shape | None]:
    return x.dims, x.dims


@op(_twice, dtype=_parts)
def frexp(xp: Any, x: Any) -> tuple[Any, Any]:
    """``m`` of size in [0.5, 1) and the int32 ``e`` with ``x = m · 2^e``; of 0 both are 0."""
    mantissa, exponent = xp.frexp(x)
    return mantissa, exponent.astype(xp.int32)


@frexp.joint_vjp
def _frexp_vjp(needs: Any, gs: Any, outs: Any, _args: Any) -> Any:
    return (None if gs[0] is None else gs[0] * exp2(cast_like(-outs[1], gs[0])),)


# Integers


@elementwise("gcd(x, y)", dtype=whole, traits={"commutative"})
def gcd(xp: Any, x: Any, y: Any) -> Any:
    """The greatest common divisor; 0 of two zeros."""
    return xp.gcd(x, y)


@elementwise("lcm(x, y)", dtype=whole, traits={"commutative"})
def lcm(xp: Any, x: Any, y: Any) -> Any:
    """The least common multiple."""
    return xp.lcm(x, y)


gcd.vjp(None, None)
lcm.vjp(None, None)
