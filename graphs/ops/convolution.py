"""Convolutions over any number of spatial axes, and their gradients, each of which is an op of the same family.

Arrays are channels-last, ``(batch, *spatial, channels)``; weights are ``(*window, channels / groups, outputs)``. As
everywhere in this field a convolution does not flip its weights. For ``padding`` see ``graphs.ops.windows``.

The windows of a few examples at a time are laid out as the rows of a matrix that stays in the cache, and one matrix product
does the rest. On an EPYC core that takes 1.3 to 1.6 times as long as oneDNN's kernels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from graphs.core.errors import ShapeError
from graphs.core.op import op
from graphs.core.parts import in_parts
from graphs.core.spec import Shape, Spec, show
from graphs.ops.dtypes import floats
from graphs.ops.windows import (
    Axis,
    Counts,
    Padding,
    bordered,
    check_windows,
    interior,
    layout,
    placed,
    spatial,
    taps,
    view,
)


_BLOCK = 1 << 21
"""About so many bytes of windows are laid out at a time: a core's share of the caches."""

_FEW = 16
"""With fewer channels than this the product that goes back to the input is better taken window by window than flipped."""


_DEPTHWISE = 4
"""How many arrays of the size of the output a depthwise convolution works on at once."""


# Shapes


def _convolved(x: Spec, w: Spec, *, strides: Counts, padding: Padding, dilation: Counts, groups: int) -> Shape:
    batch, *sizes, channels = spatial(x)
    if w.dims is None:
        return (batch, *(None for _ in sizes), None)
    *window, each, outputs = w.shape
    _check_groups(x, w, channels, each, outputs, groups)
    return (batch, *placed(tuple(sizes), tuple(window), strides, dilation, padding), outputs)


def _check_groups(x: Spec, w: Spec, channels: Any, each: Any, outputs: Any, groups: int) -> None:
    if len(w.shape) != x.ndim:
        raise ShapeError(f"weights of shape {show(w.dims)} for an input of {x.ndim} dimensions")
    if channels is not None and each is not None and channels != each * groups:
        raise ShapeError(f"the input has {channels} channels, and weights for {groups} times {each}")
    if outputs is not None and outputs % groups:
        raise ShapeError(f"{outputs} outputs do not come in {groups} groups")


def _input_like(g: Spec, w: Spec, like: Spec, **how: Any) -> Shape | None:
    if None not in (g.dims, w.dims, like.dims):
        check_windows(g, _convolved(like, w, **how))
    return like.dims


def _weight_like(x: Spec, g: Spec, like: Spec, **how: Any) -> Shape | None:
    if None not in (x.dims, g.dims, like.dims):
        check_windows(g, _convolved(x, like, **how))
    return like.dims


def _transposed(x: Spec, w: Spec, *, sizes: tuple[int, ...], groups: int, **how: Any) -> Shape:
    batch, *_ = spatial(x)
    if w.dims is None:
        return (batch, *sizes, None)
    each = w.shape[-2] if len(w.shape) > 1 else None
    out = (batch, *sizes, None if each is None else each * groups)
    check_windows(x, _convolved(Spec(out, x.dtype), w, groups=groups, **how))
    return out


def _first_and_second(x: Any, y: Any, _like: Any = None, **_: Any) -> Any:
    return floats(x, y)


# The ops


@op(_convolved, dtype=floats)
def convolution(
    xp: Any,
    x: Any,
    w: Any,
    *,
    strides: Counts = None,
    padding: Padding = None,
    dilation: Counts = None,
    groups: int = 1,
) -> Any:
    """The products of the windows of ``x`` with the weights ``w``: ``(batch, *counts, outputs)``.

    With ``groups``, the channels and the outputs come in so many groups, each convolved by itself.
    """
    axes = layout(x.shape[1:-1], w.shape[:-2], strides, dilation, padding)
    out = xp.empty((len(x), *(axis.number for axis in axes), w.shape[-1]), xp.result_type(x, w))
    if not (x.size and w.size and out.size):
        out[...] = 0
        return out
    x, w = (y.astype(out.dtype, copy=False) for y in (x, w))
    if groups > 1 and w.shape[-2] == 1:
        return _depthwise(xp, x, w, axes, out)
    for one, two, three in _groups(groups, x, w, out):
        part = three if groups == 1 else xp.empty(three.shape, out.dtype)
        _convolve(xp, one, two, axes, part)
        if groups > 1:
            three[...] = part
    return out


@op(_input_like, dtype=_first_and_second)
def convolution_input(
    xp: Any,
    g: Any,
    w: Any,
    _like: Any,
    *,
    strides: Counts = None,
    padding: Padding = None,
    dilation: Counts = None,
    groups: int = 1,
) -> Any:
    """The gradient of ``convolution`` in its input, which had the shape of ``like``."""
    return _back(xp, g, w, layout(_like.shape[1:-1], w.shape[:-2], strides, dilation, padding), groups)


@op(_transposed, dtype=floats)
def convolution_transpose(
    xp: Any,
    x: Any,
    w: Any,
    *,
    sizes: tuple[int, ...],
    strides: Counts = None,
    padding: Padding = None,
    dilation: Counts = None,
    groups: int = 1,
) -> Any:
    """The gradient of a convolution of an input with spatial ``sizes``, as an operation of its own (Zeiler et al. 2010).

    ``w`` has that convolution's shape, ``(*window, outputs / groups, channels)``.
    """
    return _back(xp, x, w, layout(sizes, w.shape[:-2], strides, dilation, padding), groups)


@op(_weight_like, dtype=_first_and_second)
def convolution_weight(
    xp: Any,
    x: Any,
    g: Any,
    _like: Any,
    *,
    strides: Counts = None,
    padding: Padding = None,
    dilation: Counts = None,
    groups: int = 1,
) -> Any:
    """The gradient of ``convolution`` in its weights, which had the shape of ``like``."""
    axes = layout(x.shape[1:-1], _like.shape[:-2], strides, dilation, padding)
    out = xp.zeros(_like.shape, xp.result_type(x, g))
    if not (x.size and g.size and out.size):
        return out
    x, g = (y.astype(out.dtype, copy=False) for y in (x, g))
    if groups > 1 and _like.shape[-2] == 1:
        return _depthwise_weight(xp, x, g, axes, out)
    for one, two, three in _groups(groups, x, g, out):
        _correlate(xp, one, two, axes, three)
    return out


convolution.vjp(
    lambda g, _out, _x, w, **how: convolution_input(g, w, _x, **how),
    lambda g, _out, x, _w, **how: convolution_weight(x, g, _w, **how),
)
convolution_input.vjp(
    lambda g, _out, _g, w, _like, **how: convolution(g, w, **how),
    lambda g, _out, g0, _w, _like, **how: convolution_weight(g, g0, _w, **how),
    None,
)
convolution_weight.vjp(
    lambda g, _out, _x, g0, _like, **how: convolution_input(g0, g, _x, **how),
    lambda g, _out, x, _g, _like, **how: convolution(x, g, **how),
    None,
)
convolution_transpose.vjp(
    lambda g, _out, _x, w, *, strides, padding, dilation, groups: convolution(
        g, w, strides=strides, padding=padding, dilation=dilation, groups=groups
    ),
    lambda g, _out, x, _w, *, strides, padding, dilation, groups: convolution_weight(
        g, x, _w, strides=strides, padding=padding, dilation=dilation, groups=groups
    ),
)


# How they are computed


def _groups(groups: int, *arrays: Any) -> Iterator[Any]:
    """The arrays cut along their last axis into one part a group."""
    if groups == 1:
        yield arrays
        return
    for i in range(groups):
        yield tuple(y[..., i * (y.shape[-1] // groups) : (i + 1) * (y.shape[-1] // groups)] for y in arrays)


def _windows(xp: Any, x: Any, axes: tuple[Axis, ...]) -> Iterator[tuple[int, int, Any]]:
    """The windows of ``x`` as the rows of matrices, a few examples at a time: first row, row after the last, matrix.

    The matrices share memory. Where windows are short they are written column by column, so that longer runs are copied.
    """
    channels = x.shape[-1]
    positions = math.prod(axis.number for axis in axes)
    elements = math.prod(axis.window for axis in axes) * channels
    if all(axis.window == axis.stride == 1 and not axis.padded for axis in axes):
        yield 0, len(x) * positions, x.reshape(-1, channels)
        return
    several = _several(len(x), positions * elements * x.itemsize)
    narrow = (axes[-1].window if axes[-1].dilation == 1 else 1) * channels < axes[-1].number
    direct = x.flags.c_contiguous and not any(axis.padded for axis in axes)
    inside = interior(axes)
    length = -1
    for first in range(0, len(x), several):
        part = x[first : first + several]
        if len(part) != length:
            length = len(part)
            source = part if direct else xp.zeros(bordered(length, axes, channels), x.dtype)
            block = xp.empty_like(view(xp, source, axes, narrow), order="C")
            matrix = block.reshape(elements, -1).T if narrow else block.reshape(-1, elements)
        if direct:
            source = part
        else:
            source[inside] = part
        block[...] = view(xp, source, axes, narrow)
        yield first * positions, (first + length) * positions, matrix


def _several(batch: int, size: int) -> int:
    """How many examples of ``size`` bytes are worked on at a time."""
    return max(1, min(batch, _BLOCK // max(1, size)))


def _convolve(xp: Any, x: Any, w: Any, axes: tuple[Axis, ...], out: Any) -> None:
    """Write the convolution into ``out``, which is contiguous."""
    weights = w.reshape(-1, out.shape[-1])

    def work(first: int, last: int) -> None:
        rows = out[first:last].reshape(-1, out.shape[-1])
        for start, stop, windows in _windows(xp, x[first:last], axes):
            xp.matmul(windows, weights, out=rows[start:stop])

    in_parts(xp, work, len(x), out.nbytes + len(weights) * (out.nbytes // out.shape[-1] if out.size else 0))


def _correlate(xp: Any, x: Any, g: Any, axes: tuple[Axis, ...], out: Any) -> None:
    """Write the gradient of the convolution of ``x`` in its weights into ``out``."""

    def work(first: int, last: int) -> Any:
        rows = g[first:last].reshape(-1, g.shape[-1])
        total = xp.zeros((math.prod(out.shape[:-1]), out.shape[-1]), out.dtype)
        for start, stop, windows in _windows(xp, x[first:last], axes):
            total += xp.matmul(windows.T, rows[start:stop])
        return total

    totals = in_parts(xp, work, len(x), math.prod(g.shape[:-1]) * math.prod(out.shape[:-1]) * out.itemsize)
    out[...] = sum(totals[1:], totals[0]).reshape(out.shape)


def _back(xp: Any, g: Any, w: Any, axes: tuple[Axis, ...], groups: int) -> Any:
    """What a convolution with ``w`` gives back to its input for the gradient ``g``."""
    each = w.shape[-2]
    dtype = xp.result_type(g, w)
    out = xp.zeros((len(g), *(axis.size for axis in axes), each * groups), dtype)
    if not (g.size and w.size and out.size):
        return out
    g, w = (y.astype(dtype, copy=False) for y in (g, w))
    if groups > 1 and each == 1:
        return _depthwise_back(xp, g, w, axes, out)
    turned = _turned(axes) if each >= _FEW else None
    for one, two, three in _groups(groups, g, w, out):
        if turned is None:
            _scatter(xp, one, two, axes, three)
        else:
            flipped = xp.ascontiguousarray(xp.flip(two, tuple(range(len(axes)))).swapaxes(-1, -2))
            part = three if groups == 1 else xp.empty(three.shape, dtype)
            _convolve(xp, one, flipped, turned, part)
            if groups > 1:
                three[...] = part
    return out


def _turned(axes: tuple[Axis, ...]) -> tuple[Axis, ...] | None:
    """Where windows stand that go back as a convolution with flipped weights; None where strides or padding prevent it."""
    if any(axis.stride > 1 or max(axis.before, axis.after) >= axis.extent for axis in axes):
        return None
    return tuple(
        Axis(a.number, a.window, 1, a.dilation, a.extent - 1 - a.before, a.extent - 1 - a.after, a.size) for a in axes
    )


def _scatter(xp: Any, g: Any, w: Any, axes: tuple[Axis, ...], out: Any) -> None:
    """Add to ``out`` the windows that ``g`` gives back through ``w``."""
    weights = w.reshape(-1, w.shape[-1]).T
    counts = tuple(axis.number for axis in axes)
    shape = (*counts, *w.shape[:-1])
    rest = (slice(None),) * len(axes)
    size = math.prod(shape) * out.itemsize
    several = _several(len(g), size)

    def work(start: int, last: int) -> None:
        for first in range(start, last, several):
            stop = min(first + several, last)
            windows = xp.matmul(g[first:stop].reshape(-1, w.shape[-1]), weights).reshape(-1, *shape)
            to = out[first:stop]
            for tap, found, places in taps(axes):
                to[places] += windows[(slice(None), *rest, *tap)][found]

    in_parts(xp, work, len(g), len(g) * size)


def _depthwise(xp: Any, x: Any, w: Any, axes: tuple[Axis, ...], out: Any) -> Any:
    """The convolution with a group for each channel: products with one weight a channel, without matrices."""
    weights, every = _rowwise(xp, w, axes[-1].number, x), _by_channel(out, x)
    several = _several(len(x), _DEPTHWISE * out[:1].nbytes)
    out[...] = 0
    for first in range(0, len(x), several):
        part, to = x[first : first + several, ..., None], every[first : first + several]
        for tap, windows, places in taps(axes):
            to[windows] += part[places] * weights[(*tap, windows[-1])]
    return out


def _depthwise_weight(xp: Any, x: Any, g: Any, axes: tuple[Axis, ...], out: Any) -> Any:
    to, g = _by_channel(out, x)[..., 0, :, :], _by_channel(g, x)
    several = _several(len(x), _DEPTHWISE * g[:1].nbytes)
    every = tuple(range(len(axes) + 1))
    for first in range(0, len(x), several):
        part, back = x[first : first + several, ..., None], g[first : first + several]
        for tap, windows, places in taps(axes):
            to[tap] += (part[places] * back[windows]).sum(axis=every)
    return out


def _depthwise_back(xp: Any, g: Any, w: Any, axes: tuple[Axis, ...], out: Any) -> Any:
    weights, g = _rowwise(xp, w, axes[-1].number, out), _by_channel(g, out)
    several = _several(len(g), _DEPTHWISE * g[:1].nbytes)
    for first in range(0, len(g), several):
        part, to = g[first : first + several], out[first : first + several]
        for tap, windows, places in taps(axes):
            each = part[windows] * weights[(*tap, windows[-1])]
            to[places] += each[..., 0] if each.shape[-1] == 1 else each.sum(axis=-1)
    return out


def _rowwise(xp: Any, w: Any, number: int, x: Any) -> Any:
    """The weights of a depthwise convolution, repeated along a row of windows: products then run over whole rows."""
    each = _by_channel(w, x)
    return xp.ascontiguousarray(xp.broadcast_to(each, (*each.shape[:-3], number, *each.shape[-2:])))


def _by_channel(y: Any, x: Any) -> Any:
    """``y`` with its outputs by the channels of ``x``, and then by the outputs of each channel."""
    return y.reshape(*y.shape[:-1], x.shape[-1], y.shape[-1] // x.shape[-1])
