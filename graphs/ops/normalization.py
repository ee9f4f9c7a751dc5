"""Normalisation by mean and variance, with all gradients together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphs.core.errors import ShapeError
from graphs.core.op import op
from graphs.core.portable import unseen
from graphs.core.spec import Shape, Spec, axes_of, show
from graphs.core.sums import sum_over
from graphs.ops.dtypes import floats
from graphs.ops.functions import rsqrt
from graphs.ops.reduction import mean, spread_like, sum
from graphs.ops.shape import check_fits, rank, unbroadcast


_LETTERS = "abcdefghijklmnopqrstuvwxyz"


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
    centre = sum_over(x.astype(dtype, copy=False), axes) / dtype.type(count)
    out = x - centre
    spread = sum_over(xp.square(out), axes) / dtype.type(count)
    out *= scale / xp.sqrt(spread + dtype.type(epsilon))
    out += offset
    return out, centre, spread


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


batch_norm.joint_vjp(_batch_norm_vjp, ghost_outs=(0,))


def _paired(x: Spec, y: Spec, *, axis: tuple[int, ...]) -> Shape | None:
    if x.dims is None or y.dims is None:
        dims = y.dims if x.dims is None else x.dims
    elif len(x.dims) == len(y.dims) and all(None in (m, n) or m == n for m, n in zip(x.dims, y.dims, strict=True)):
        dims = tuple(n if m is None else m for m, n in zip(x.dims, y.dims, strict=True))
    else:
        raise ShapeError(f"arrays of one shape are wanted, not of {show(x.dims)} and {show(y.dims)}")
    if dims is None:
        return None
    axes = axes_of(axis, len(dims))
    return tuple(1 if i in axes else n for i, n in enumerate(dims))


def _products_summed(xp: Any, x: Any, y: Any, axis: tuple[int, ...]) -> Any:
    """In one pass: a product and a sum take three times as long."""
    labels = _LETTERS[: x.ndim]
    summed = {i % x.ndim for i in axis}
    kept = "".join(letter for i, letter in enumerate(labels) if i not in summed)
    shape = tuple(1 if i in summed else n for i, n in enumerate(x.shape))
    return xp.einsum(f"{labels},{labels}->{kept}", x, y).reshape(shape)


@op(_paired, dtype=floats, traits={"commutative"})
def sum_products(xp: Any, x: Any, y: Any, *, axis: tuple[int, ...]) -> Any:
    """The sum of ``x * y`` along ``axis``, which stays with size 1; both have one shape."""
    return _products_summed(xp, x, y, axis)


sum_products.vjp(lambda g, _out, _x, y: g * y, lambda g, _out, x, _y: g * x)


def _standardised(x: Spec, scale: Spec, offset: Spec, *, axis: tuple[int, ...], **_: Any) -> tuple[Shape | None, ...]:
    if x.dims is None:
        return None, None, None
    axes = axes_of(axis, x.ndim)
    for each in (scale, offset):
        if each.dims is not None:
            check_fits(each.dims, x.dims)
    moments = tuple(1 if i in axes else n for i, n in enumerate(x.dims))
    return x.dims, moments, moments


@op(_standardised, dtype=lambda *dtypes, **_: (floats(*dtypes),) * 3)
def standardize(
    xp: Any, x: Any, scale: Any, offset: Any, *, axis: tuple[int, ...], epsilon: float, uniform: bool = False
) -> tuple[Any, Any, Any]:
    """``x`` with mean 0 and variance 1 along ``axis``, times ``scale`` plus ``offset``, and the mean and the variance (not
    corrected) that it had, with axes of size 1.

    ``scale`` and ``offset`` are broadcast; ``uniform`` says that they do not vary along ``axis``, which saves time. With
    the axes of a batch it is batch normalisation (Ioffe and Szegedy 2015), with those of one example layer, group or
    instance normalisation (Ba, Kiros and Hinton 2016; Wu and He 2018; Ulyanov, Vedaldi and Lempitsky 2016).
    """
    dtype = xp.result_type(x, scale, offset)
    count = dtype.type(math.prod([x.shape[i] for i in axis]))
    centre = sum_over(x.astype(dtype, copy=False), axis, keepdims=True) / count
    out = x - centre
    spread = _products_summed(xp, out, out, axis) / count
    factor = 1 / xp.sqrt(spread + dtype.type(epsilon))
    if uniform:
        out *= factor * scale
    else:
        out *= factor
        out *= scale
    if offset.ndim or unseen(offset) or offset != 0:
        out += offset
    return out, centre, spread


def _standardize_vjp(
    needs: Any, gs: Any, outs: Any, args: Any, *, axis: Any, epsilon: float, uniform: bool
) -> Sequence[Any]:
    g, g_mean, g_variance = gs
    x, scale, offset = args
    _, centre, variance = outs
    along = d_scale = d_offset = None
    if g is not None:
        inverse = rsqrt(variance + epsilon)
        normal = (x - centre) * inverse if needs[0] or needs[1] else None
        if uniform:
            total = sum(g, axis=axis, keepdims=True) if needs[0] or needs[2] else None
            common = None if normal is None else sum_products(g, normal, axis=axis)
            along = (inverse * scale) * _less_common(g, normal, total, common, axis) if needs[0] else None
            d_scale = unbroadcast(common, scale) if needs[1] else None
            d_offset = unbroadcast(total, offset) if needs[2] else None
        else:
            scaled = g * scale if needs[0] else None
            if needs[0]:
                total, common = sum(scaled, axis=axis, keepdims=True), sum_products(scaled, normal, axis=axis)
                along = inverse * _less_common(scaled, normal, total, common, axis)
            d_scale = unbroadcast(g * normal, scale) if needs[1] else None
            d_offset = unbroadcast(g, offset) if needs[2] else None
    if needs[0] and g_mean is not None:
        more = spread_like(g_mean, x, axis=axis, keepdims=True)
        along = more if along is None else along + more
    if needs[0] and g_variance is not None:
        more = 2 * (x - centre) * spread_like(g_variance, x, axis=axis, keepdims=True)
        along = more if along is None else along + more
    return along, d_scale, d_offset


standardize.joint_vjp(_standardize_vjp, ghost_outs=(0,))


def _less_common(g: Any, normal: Any, total: Any, common: Any, axis: Any) -> Any:
    """``g`` less its mean and less what it has in common with ``normal``, given the sums of ``g`` and of their products."""
    own = spread_like(total, g, axis=axis, keepdims=True)
    return g - own - normal * spread_like(common, g, axis=axis, keepdims=True)
