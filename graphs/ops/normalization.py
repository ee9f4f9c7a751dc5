"""Batch normalisation, with all its gradients together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphs.core.errors import ShapeError
from graphs.core.op import op
from graphs.core.spec import Shape, Spec, show
from graphs.ops.dtypes import floats
from graphs.ops.functions import rsqrt
from graphs.ops.reduction import mean, spread_like, sum
from graphs.ops.shape import rank


def _normalised(x: Spec, scale: Spec, offset: Spec, *, epsilon: float) -> tuple[Shape | None, ...]:
    channels = None
    for each in (Spec(x.dims and x.dims[-1:], x.dtype), scale, offset):
        if each.dims is None:
            continue
        if len(each.dims) != 1 or (None not in (channels, each.dims[0]) and channels != each.dims[0]):
            raise ShapeError(f"scale and offset hold a number for each of the {channels} channels, not {show(each.dims)}")
        channels = each.dims[0] if channels is None else channels
    return x.dims and (*x.dims[:-1], channels), (channels,), (channels,)


@op(_normalised, dtype=lambda *dtypes, **_: (floats(*dtypes),) * 3)
def batch_norm(xp: Any, x: Any, scale: Any, offset: Any, *, epsilon: float) -> tuple[Any, Any, Any]:
    """``x`` with mean 0 and variance 1 in each channel of the last axis, times ``scale`` plus ``offset`` (Ioffe and Szegedy
    2015), and the mean and the variance (not corrected) that it had."""
    axes = tuple(range(x.ndim - 1))
    count = math.prod(x.shape[:-1])
    dtype = xp.result_type(x, scale, offset)
    centre = x.sum(axis=axes, dtype=dtype) / dtype.type(count)
    out = x - centre
    spread = xp.square(out).sum(axis=axes, dtype=dtype) / dtype.type(count)
    out *= scale / xp.sqrt(spread + dtype.type(epsilon))
    out += offset
    return out, centre, spread


@batch_norm.joint_vjp
def _batch_norm_vjp(needs: Any, gs: Any, outs: Any, args: Any, *, epsilon: float) -> Sequence[Any]:
    g, g_mean, g_variance = gs
    x, scale, _ = args
    _, centre, variance = outs
    dims = rank(x)
    if dims is None:
        raise ShapeError("batch_norm: the gradient of an array of unknown rank")
    axes = tuple(range(dims - 1))
    along = None
    d_scale = d_offset = None
    if g is not None:
        inverse = rsqrt(variance + epsilon)
        normal = (x - centre) * inverse
        if needs[0]:
            along = scale * inverse * (g - mean(g, axis=axes) - normal * mean(g * normal, axis=axes))
        d_scale = sum(g * normal, axis=axes) if needs[1] else None
        d_offset = sum(g, axis=axes) if needs[2] else None
    if needs[0] and g_mean is not None:
        more = spread_like(g_mean, x, axis=axes)
        along = more if along is None else along + more
    if needs[0] and g_variance is not None:
        more = 2 * (x - centre) * spread_like(g_variance, x, axis=axes)
        along = more if along is None else along + more
    return along, d_scale, d_offset
