"""Running sums and products along an axis, and the product over axes, whose gradients hold where factors are zero."""

from __future__ import annotations

import math
from typing import Any

from graphs.core.op import numeric, op
from graphs.core.portable import running
from graphs.core.spec import Shape, Spec, axis_of
from graphs.ops.dtypes import floats
from graphs.ops.functions import exp
from graphs.ops.joining import agreed
from graphs.ops.logic import equal, where
from graphs.ops.reduction import expand_like, reduced, widened
from graphs.ops.shape import Axes, flip, reshape, reshape_like, shift


def _along(x: Spec, *, axis: int) -> Shape | None:
    if x.dims is not None:
        axis_of(axis, x.ndim)
    return x.dims


@op(_along, dtype=widened)
def cumsum(xp: Any, x: Any, *, axis: int) -> Any:
    """Running sum along ``axis``; of bool and short integers in 64 bits, as in numpy."""
    return x.cumsum(axis)


cumsum.vjp(lambda g, _out, _x, *, axis: flip(cumsum(flip(g, axis=axis), axis=axis), axis=axis))


def _recurrent(a: Spec, b: Spec, *, axis: int, **_: Any) -> Shape:
    axis_of(axis, a.ndim)
    return tuple(agreed((a.shape, b.shape), None))


@op(_recurrent, dtype=numeric)
def recurrence(xp: Any, a: Any, b: Any, *, axis: int, reverse: bool = False) -> Any:
    """The sequence ``s[k] = b[k] + a[k] * s[k - 1]`` along ``axis``, from 0; backwards if ``reverse``.

    In log2(n) passes (Hillis and Steele 1986) over windows of twice the length each.
    """
    order = slice(None, None, -1) if reverse else slice(None)
    dtype = xp.result_type(a, b)
    factors, out = (xp.moveaxis(x, axis, 0)[order].astype(dtype) for x in (a, b))
    width = 1
    while width < len(out):
        out[width:] += factors[width:] * out[:-width]
        factors[width:] = factors[width:] * factors[:-width]
        width *= 2
    return xp.moveaxis(out[order], 0, axis)


@recurrence.joint_vjp
def _recurrence_vjp(needs: Any, gs: Any, outs: Any, args: Any, *, axis: int, reverse: bool) -> Any:
    ahead = -1 if reverse else 1
    terms = recurrence(shift(args[0], by=-ahead, axis=axis), gs[0], axis=axis, reverse=not reverse)
    return (terms * shift(outs[0], by=ahead, axis=axis) if needs[0] else None, terms)


@op(_along, dtype=floats)
def logcumsumexp(xp: Any, x: Any, *, axis: int) -> Any:
    """Logarithm of the running sum of exponentials along ``axis``, without overflow."""
    return running(xp, "logaddexp", x, axis)


def _logcumsumexp_slope(g: Any, out: Any, x: Any, *, axis: int) -> Any:
    # Sums of g · exp(x - out), where out may differ by more than exp can say: a recurrence of what grows by exp(out - next).
    nothing = equal(out, -math.inf)
    base = where(nothing, 0.0, out)
    growth = exp(base - shift(base, by=-1, axis=axis, fill=math.inf))
    total = recurrence(where(nothing, 0.0, growth), g, axis=axis, reverse=True)
    return total * exp(x - base)


logcumsumexp.vjp(_logcumsumexp_slope)


@op(_along, dtype=widened)
def cumprod(xp: Any, x: Any, *, axis: int) -> Any:
    """Running product along ``axis``; of bool and short integers in 64 bits, as in numpy."""
    return x.cumprod(axis)


cumprod.vjp(
    lambda g, out, x, *, axis: (
        shift(out, by=1, axis=axis, fill=1) * recurrence(shift(x, by=-1, axis=axis), g, axis=axis, reverse=True)
    )
)


@op(reduced, dtype=widened, traits={"reduction"})
def prod(xp: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Product over ``axis``; of bool and short integers in 64 bits, as in numpy."""
    return x.prod(axis=axis, keepdims=keepdims)


def _prod_slope(g: Any, _out: Any, x: Any, *, axis: Axes, keepdims: bool) -> Any:
    g = expand_like(g, x, axis=axis, keepdims=keepdims)
    if axis is None:
        return g * reshape_like(_others(reshape(x, shape=(-1,)), 0), x)
    for one in (axis,) if isinstance(axis, int) else axis:
        g = g * _others(x, one)
        x = prod(x, axis=one, keepdims=True)
    return g


def _others(x: Any, axis: int) -> Any:
    """For each element the product of all others along ``axis``: of those before it and of those after it."""
    before = cumprod(shift(x, by=1, axis=axis, fill=1), axis=axis)
    after = cumprod(flip(shift(x, by=-1, axis=axis, fill=1), axis=axis), axis=axis)
    return before * flip(after, axis=axis)


prod.vjp(_prod_slope)
