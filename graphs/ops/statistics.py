"""Reductions made of several steps, each in one op: variance, standard deviation, norms, logsumexp."""

from __future__ import annotations

import math
from typing import Any

from graphs.core.errors import DtypeError
from graphs.core.op import floating, op
from graphs.core.portable import largest
from graphs.core.spec import Shape, Spec
from graphs.ops.elementwise import absolute, cast_like, sign
from graphs.ops.functions import exp
from graphs.ops.logic import equal, where
from graphs.ops.reduction import expand_like, mean, reduced, reduced_nonempty, spread_like, sum
from graphs.ops.shape import Axes, zeros_like


@op(reduced, dtype=floating, traits={"reduction"})
def var(xp: Any, x: Any, *, axis: Axes = None, keepdims: bool = False, correction: float = 0) -> Any:
    """Variance over ``axis``: squared distances from the mean, summed, by the number of elements less ``correction``."""
    away = x - mean.kernel(xp, x, axis=axis, keepdims=True)
    return mean.kernel(xp, away * away, axis=axis, keepdims=keepdims, correction=correction)


@op(reduced, dtype=floating, traits={"reduction"})
def std(xp: Any, x: Any, *, axis: Axes = None, keepdims: bool = False, correction: float = 0) -> Any:
    """Standard deviation over ``axis``: the square root of ``var``. Its slope where it is 0 is taken as 0."""
    return xp.sqrt(var.kernel(xp, x, axis=axis, keepdims=keepdims, correction=correction))


def _away(g: Any, x: Any, *, axis: Axes = None, keepdims: bool = False, correction: float = 0) -> Any:
    away = x - mean(x, axis=axis, keepdims=True)
    return away * spread_like(g, x, axis=axis, keepdims=keepdims, correction=correction)


var.vjp(lambda g, _out, x, **at: 2.0 * _away(g, x, **at))
std.vjp(lambda g, out, x, **at: _away(where(equal(out, 0.0), 0.0, g / out), x, **at))


def _floats(dtype: Any, **_: Any) -> Any:
    if dtype.kind != "f":
        raise DtypeError(f"{dtype} is not floating")
    return dtype


@op(reduced, dtype=_floats, traits={"reduction"})
def logsumexp(xp: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Logarithm of the sum of exponentials over ``axis``, shifted by the maximum; minus infinity for none."""
    top = largest(xp, x, -math.inf, axis, keepdims=True)
    top = xp.where(xp.isfinite(top), top, 0)
    out = xp.log(xp.sum(xp.exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else out.squeeze(axis)


def _logsumexp_slope(g: Any, out: Any, x: Any, **at: Any) -> Any:
    top = where(equal(out, -math.inf), 0.0, out)
    return expand_like(g, x, **at) * exp(x - expand_like(top, x, **at))


logsumexp.vjp(_logsumexp_slope)


def _normed(x: Spec, *, ord: float, **at: Any) -> Shape:
    return (reduced_nonempty if ord == -math.inf else reduced)(x, **at)


@op(_normed, dtype=_floats, traits={"lenient", "reduction"})
def norm(xp: Any, x: Any, *, ord: float = 2, axis: Axes = None, keepdims: bool = False) -> Any:
    """Vector norm of the elements along ``axis``: ``(Σ |x|^ord)^(1/ord)``; for ord 0 how many are not zero.

    For infinity it is the largest |x|, for minus infinity the smallest; the gradient is then shared equally among elements
    that tie. Where the norm is 0, so is its gradient.
    """
    if ord == 2:
        return xp.sqrt((x * x).sum(axis=axis, keepdims=keepdims))
    size = xp.abs(x)
    if ord == math.inf:
        return largest(xp, size, 0, axis, keepdims)
    if ord == -math.inf:
        return size.min(axis=axis, keepdims=keepdims)
    if ord == 0:
        return (size != 0).sum(axis=axis, keepdims=keepdims, dtype=x.dtype)
    if ord == 1:
        return size.sum(axis=axis, keepdims=keepdims)
    return (size**ord).sum(axis=axis, keepdims=keepdims) ** (1 / ord)


def _norm_slope(g: Any, out: Any, x: Any, *, ord: float, axis: Axes, keepdims: bool) -> Any:
    at = {"axis": axis, "keepdims": keepdims}
    if ord == 1:
        return sign(x) * expand_like(g, x, **at)
    if ord == 0:
        return zeros_like(x)
    if abs(ord) == math.inf:
        extreme = equal(absolute(x), expand_like(out, x, **at))
        count = sum(cast_like(extreme, g), **at)
        return where(extreme, sign(x) * expand_like(g / count, x, **at), 0.0)
    positive = where(equal(out, 0.0), 1.0, out)
    if ord == 2:
        return x * expand_like(g / positive, x, **at)
    return sign(x) * absolute(x) ** (ord - 1) * expand_like(g / positive ** (ord - 1), x, **at)


norm.vjp(_norm_slope)
