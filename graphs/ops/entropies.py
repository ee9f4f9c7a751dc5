"""Products with logarithms that are 0 where the factor is, and sums of powers of two in logarithms."""

from __future__ import annotations

import math
from typing import Any

from graphs.core.op import elementwise
from graphs.ops.dtypes import real
from graphs.ops.functions import exp2, log, log1p
from graphs.ops.logic import equal, logical_and, where
from graphs.ops.shape import beside


def _product(xp: Any, x: Any, y: Any, logarithm: Any) -> Any:
    dtype = real(xp.result_type(x, y))
    x, y = xp.asarray(x, dtype), xp.asarray(y, dtype)
    nothing = (x == 0) & ~xp.isnan(y)
    return xp.where(nothing, xp.asarray(0, dtype), x * logarithm(xp.where(nothing, xp.asarray(1, dtype), y)))


@elementwise("xlogy(x, y)", dtype=real)
def xlogy(xp: Any, x: Any, y: Any) -> Any:
    """``x · log(y)``, 0 where ``x`` is 0 and ``y`` is no NaN."""
    return _product(xp, x, y, xp.log)


@elementwise("xlog1py(x, y)", dtype=real)
def xlog1py(xp: Any, x: Any, y: Any) -> Any:
    """``x · log(1 + y)``, 0 where ``x`` is 0 and ``y`` is no NaN."""
    return _product(xp, x, y, xp.log1p)


def _logarithm(g: Any, x: Any, y: Any, shift: int) -> Any:
    """``g · log(y + shift)``, 0 where ``x`` is 0 and that logarithm is not finite."""
    whole = beside(y, g)
    return g * where(logical_and(equal(x, 0), whole <= -shift), 0.0, log1p(whole) if shift else log(whole))


xlogy.vjp(lambda g, _out, x, y: _logarithm(g, x, y, 0), lambda g, _out, x, y: g * (x / y))
xlog1py.vjp(lambda g, _out, x, y: _logarithm(g, x, y, 1), lambda g, _out, x, y: g * (x / (y + 1)))


@elementwise("entr(x)", dtype=real)
def entr(xp: Any, x: Any) -> Any:
    """``-x · log(x)``: 0 at 0, minus infinity below."""
    inside = xp.where(x > 0, x, 1)
    out = xp.where(x > 0, -inside * xp.log(inside), xp.where(x == 0, 0.0, -math.inf))
    return xp.where(xp.isnan(x), x, out).astype(real(x.dtype))


entr.vjp(lambda g, _out, x: g * where(x < 0, math.nan, -log(x) - 1))


@elementwise("logaddexp2(x, y)", dtype=real, traits={"commutative"})
def logaddexp2(xp: Any, x: Any, y: Any) -> Any:
    """``log2(2^x + 2^y)`` without overflow."""
    return xp.logaddexp2(x, y)


logaddexp2.vjp(lambda g, out, x, _y: g * exp2(x - out), lambda g, out, _x, y: g * exp2(y - out))
