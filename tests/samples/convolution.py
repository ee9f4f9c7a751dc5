"""Samples of convolutions, windows and pools; references go through windows one by one."""

from __future__ import annotations

import itertools
import math

import numpy

from tests.samples.table import case, integers, normal, samples


def spots(sizes, window, strides=None, padding=None, dilation=None):
    """For every window its position, and for every element of it inside the array the position there and in the window."""
    strides, dilation = strides or (1,) * len(sizes), dilation or (1,) * len(sizes)
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    if padding == "same":
        wanted = [max((-(-n // s) - 1) * s + r - n, 0) for n, s, r in zip(sizes, strides, reach, strict=True)]
        padding = [(p // 2, p - p // 2) for p in wanted]
    padding = padding or [(0, 0)] * len(sizes)
    counts = [(n + sum(p) - r) // s + 1 for n, p, r, s in zip(sizes, padding, reach, strides, strict=True)]
    found = []
    for position in numpy.ndindex(*counts):
        inside = []
        for tap in numpy.ndindex(*window):
            at = tuple(o * s + t * d - p[0] for o, s, t, d, p in zip(position, strides, tap, dilation, padding, strict=True))
            if all(0 <= i < n for i, n in zip(at, sizes, strict=True)):
                inside.append((tap, at))
        found.append((position, inside))
    return tuple(counts), found


# Windows


def unfold(x, window, **how):
    counts, found = spots(x.shape[1:-1], window, **how)
    out = numpy.zeros((len(x), *counts, *window, x.shape[-1]), x.dtype)
    for position, inside in found:
        for tap, at in inside:
            out[(slice(None), *position, *tap)] = x[(slice(None), *at)]
    return out


def fold(x, sizes, window, **how):
    out = numpy.zeros((len(x), *sizes, x.shape[-1]), x.dtype)
    for position, inside in spots(sizes, window, **how)[1]:
        for tap, at in inside:
            out[(slice(None), *at)] += x[(slice(None), *position, *tap)]
    return out


HOWS = [
    ((2, 5, 1), (3,), {}),
    ((2, 5, 2), (3,), {"padding": "same", "strides": (2,)}),
    ((2, 4, 5, 2), (2, 3), {"padding": ((1, 0), (0, 2)), "strides": (2, 1)}),
    ((1, 6, 5, 1), (3, 2), {"dilation": (2, 3), "padding": "same"}),
    ((1, 3, 4, 2, 2), (2, 2, 1), {"strides": (1, 2, 2)}),
    ((0, 4, 4, 1), (2, 2), {}),
]

samples(
    "unfold",
    unfold,
    *(case(normal(*shape), window=window, **how) for shape, window, how in HOWS),
    kinds="bif",
    refuses=(
        case(normal(2, 3), window=(2,)),
        case(normal(2, 3, 4), window=(4,)),
        case(normal(2, 3, 4), window=(2, 2)),
        case(normal(2, 3, 4), window=(2,), strides=(0,)),
        case(normal(2, 3, 4), window=(2,), padding="valid"),
        case(normal(2, 3, 4), window=(0,)),
        case(normal(2, 3, 4), window=(2,), padding=((-1, 0),)),
    ),
)
WINDOWS = [(normal(*unfold(normal(*shape), window, **how).shape), shape, window, how) for shape, window, how in HOWS]
samples(
    "fold_like",
    lambda x, like, **how: fold(x, like.shape[1:-1], **how),
    *(case(x, normal(*shape), window=window, **how) for x, shape, window, how in WINDOWS),
    kinds="if",
    refuses=(case(normal(2, 3, 2, 1), normal(2, 5, 1), window=(2,)),),
)
samples(
    "fold",
    fold,
    *(case(x, sizes=shape[1:-1], window=window, **how) for x, shape, window, how in WINDOWS),
    kinds="if",
    refuses=(case(normal(2, 3, 2, 1), sizes=(5,), window=(2,)),),
)


# Convolutions


def terms(x_shape, w_shape, groups=1, **how):
    """Every product in a convolution, as the indices of its input, its weight and its output (over the whole batch)."""
    *window, each, outputs = w_shape
    counts, found = spots(x_shape[1:-1], tuple(window), **how)
    out = []
    for position, inside in found:
        for tap, at in inside:
            for j, i in itertools.product(range(outputs), range(each)):
                channel = j // (outputs // groups) * each + i
                out.append(((slice(None), *at, channel), (*tap, i, j), (slice(None), *position, j)))
    return (x_shape[0], *counts, outputs), out


def convolution(x, w, **how):
    shape, products = terms(x.shape, w.shape, **how)
    out = numpy.zeros(shape, x.dtype)
    for at_x, at_w, at in products:
        out[at] += x[at_x] * w[at_w]
    return out


def convolution_input(g, w, like, **how):
    out = numpy.zeros(like.shape, g.dtype)
    for at_x, at_w, at in terms(like.shape, w.shape, **how)[1]:
        out[at_x] += g[at] * w[at_w]
    return out


def convolution_weight(x, g, like, **how):
    out = numpy.zeros(like.shape, g.dtype)
    for at_x, at_w, at in terms(x.shape, like.shape, **how)[1]:
        out[at_w] += (x[at_x] * g[at]).sum()
    return out


def convolution_transpose(x, w, sizes, groups=1, **how):
    like = numpy.zeros((len(x), *sizes, w.shape[-2] * groups))
    return convolution_input(x, w, like, groups=groups, **how)


CONVOLUTIONS = [
    ((2, 5, 2), (3, 2, 3), {}),
    ((2, 3, 4, 2), (1, 1, 2, 3), {}),
    ((2, 5, 4, 2), (3, 2, 2, 3), {"padding": "same"}),
    ((2, 5, 4, 1), (2, 3, 1, 2), {"padding": ((1, 2), (0, 1)), "strides": (2, 3)}),
    ((1, 5, 6, 2), (2, 2, 2, 1), {"dilation": (2, 3), "padding": "same"}),
    ((1, 3, 3, 3, 1), (2, 2, 2, 1, 2), {"strides": (1, 2, 1)}),
    ((2, 4, 4, 4), (2, 2, 2, 6), {"groups": 2}),
    ((2, 3, 4, 3), (2, 2, 1, 6), {"groups": 3, "padding": "same"}),
    ((2, 4, 3, 2), (2, 2, 1, 2), {"groups": 2, "strides": (2, 1)}),
    ((1, 4, 3, 17), (2, 2, 17, 2), {"padding": ((0, 1), (1, 1))}),
    ((1, 4, 34), (2, 17, 4), {"groups": 2}),
    ((1, 4, 17), (2, 17, 2), {"padding": ((2, 3),)}),
    ((0, 4, 4, 2), (2, 2, 2, 1), {}),
]
RESULTS = [(normal(*x), normal(*w, seed=1), normal(*terms(x, w, **how)[0], seed=2), how) for x, w, how in CONVOLUTIONS]

samples(
    "convolution",
    convolution,
    *(case(x, w, **how) for x, w, _, how in RESULTS),
    refuses=(
        case(normal(2, 5), normal(2, 5)),
        case(normal(2, 5, 3), normal(2, 4, 3)),
        case(normal(2, 5, 3), normal(2, 2, 3, 3)),
        case(normal(2, 5, 4), normal(2, 2, 3), groups=2),
        case(normal(2, 3, 3), normal(4, 3, 3)),
        case(normal(2, 3, 3), normal(2, 3, 3), strides=(1, 1)),
    ),
)
samples(
    "convolution_input",
    convolution_input,
    *(case(g, w, x, **how) for x, w, g, how in RESULTS),
    refuses=(case(normal(2, 3, 4), normal(2, 3, 4), normal(2, 5, 3)),),
)
samples(
    "convolution_weight",
    convolution_weight,
    *(case(x, g, w, **how) for x, w, g, how in RESULTS),
    refuses=(case(normal(2, 5, 3), normal(2, 3, 4), normal(2, 3, 4)),),
)
samples(
    "convolution_transpose",
    convolution_transpose,
    *(case(g, w, sizes=x.shape[1:-1], **how) for x, w, g, how in RESULTS),
    refuses=(case(normal(2, 3, 4), normal(2, 3, 4), sizes=(5,)), case(normal(2, 3), normal(2, 3), sizes=())),
)


# Pools


def pooled(x, window, pick, **how):
    """``pick(elements, their places, the number in a window)`` of every window of every channel of every example."""
    counts, found = spots(x.shape[1:-1], window, **how)
    out = numpy.zeros((len(x), *counts, x.shape[-1]))
    for position, inside in found:
        for n, c in numpy.ndindex(len(x), x.shape[-1]):
            out[(n, *position, c)] = pick([x[(n, *at, c)] for _, at in inside], [at for _, at in inside])
    return out


def largest(values):
    """Where the maximum stands: the first NaN, else the first of those that tie."""
    return (
        next((i for i, v in enumerate(values) if v != v), None) if any(v != v for v in values) else values.index(max(values))
    )


def max_pool(x, window, **how):
    return pooled(x, window, lambda values, _: values[largest(values)], **how).astype(x.dtype)


def winners(x, window, **how):
    """Where the maximum of each window stands among the spatial places."""
    sizes = x.shape[1:-1]
    return pooled(x, window, lambda v, at: numpy.ravel_multi_index(at[largest(v)], sizes), **how).astype(int)


def max_pool_adjoint(g, x, out, window, **how):
    back = numpy.zeros((len(x), math.prod(x.shape[1:-1]), x.shape[-1]), g.dtype)
    for (n, *_, c), place, value in zip(numpy.ndindex(*g.shape), winners(x, window, **how).flat, g.flat, strict=True):
        back[n, place, c] += value
    return back.reshape(x.shape)


def max_pool_select(g, x, out, window, **how):
    flat = g.reshape(len(x), math.prod(x.shape[1:-1]), x.shape[-1])
    places = winners(x, window, **how)
    taken = numpy.zeros(places.shape, g.dtype)
    for index, place in numpy.ndenumerate(places):
        taken[index] = flat[index[0], place, index[-1]]
    return taken


def sum_pool(x, window, **how):
    return pooled(x, window, lambda values, _: sum(values), **how).astype(x.dtype)


def avg_pool(x, window, counted=None, **how):
    if counted is None:
        return pooled(x, window, lambda values, _: sum(values) / len(values), **how).astype(x.dtype)
    border = [(0, 0), *counted, (0, 0)]
    padding = [(p - a, q - b) for (p, q), (a, b) in zip(how.pop("padding"), counted, strict=True)]
    return avg_pool(numpy.pad(x, border), window, padding=tuple(padding), **how)


POOLS = [
    ((2, 5, 2), (2,), {}),
    ((2, 4, 6, 2), (2, 3), {"strides": (2, 3)}),
    ((2, 5, 5, 2), (2, 2), {"strides": (2, 2), "padding": "same"}),
    ((1, 5, 4, 2), (3, 3), {"strides": (2, 1), "padding": ((1, 1), (1, 0))}),
    ((1, 3, 4, 4, 1), (2, 1, 2), {"strides": (1, 2, 2)}),
    ((1, 3, 4, 1), (1, 1), {"strides": (2, 2)}),
    ((0, 4, 4, 1), (2, 2), {}),
]
DILATED = ((1, 6, 5, 1), (2, 2), {"dilation": (3, 2), "padding": ((1, 1), (0, 0))})
NO_POOLS = (
    case(normal(2, 3), window=(2,)),
    case(normal(2, 3, 1), window=(4,)),
    case(normal(2, 3, 1), window=(2, 2)),
    case(normal(2, 3, 1), window=(2,), strides=(0,)),
)
MAXIMA = [*POOLS, DILATED]
samples(
    "max_pool",
    max_pool,
    *(case(normal(*shape), window=window, **how) for shape, window, how in MAXIMA),
    kinds="if",
    refuses=NO_POOLS,
)
samples(
    "max_pool_positions",
    winners,
    *(case(integers(0, 4, *shape), window=window, **how) for shape, window, how in MAXIMA),
    case(normal(1, 4, 5, 2), window=(2, 2)),
    kinds="if",
    refuses=NO_POOLS,
)
TIES = [(integers(0, 4, *shape), window, how) for shape, window, how in MAXIMA]
samples(
    "max_pool_adjoint",
    max_pool_adjoint,
    *(case(normal(*max_pool(x, k, **how).shape), x, max_pool(x, k, **how), window=k, **how) for x, k, how in TIES),
    refuses=(case(normal(2, 3, 1), integers(0, 4, 2, 5, 1), integers(0, 4, 2, 3, 1), window=(2,)),),
)
samples(
    "max_pool_select",
    max_pool_select,
    *(case(normal(*x.shape), x, max_pool(x, k, **how), window=k, **how) for x, k, how in TIES),
    refuses=(case(normal(2, 5, 1), integers(0, 4, 2, 5, 1), normal(2, 4, 1), window=(2,)),),
)
samples(
    "sum_pool",
    sum_pool,
    *(case(normal(*shape), window=window, **how) for shape, window, how in MAXIMA),
    kinds="if",
    refuses=NO_POOLS,
)
samples(
    "sum_pool_adjoint",
    lambda g, like, window, **how: adjoint(sum_pool, g, like, window=window, **how),
    *(case(normal(*sum_pool(normal(*n), k, **how).shape), normal(*n), window=k, **how) for n, k, how in MAXIMA),
    kinds="if",
    refuses=(case(normal(2, 3, 1), normal(2, 5, 1), window=(2,)),),
)


def adjoint(linear, g, like, **how):
    """The transpose of a linear map of arrays like ``like``, element by element, applied to ``g``."""
    size = math.prod(like.shape[1:])
    rows = linear(numpy.eye(size).reshape(-1, *like.shape[1:]), **how).reshape(size, -1)
    flat = g.reshape(len(g), 1, rows.shape[1])
    return numpy.where(rows, rows * flat, 0).sum(-1).reshape(like.shape).astype(g.dtype)


COUNTED = [
    *POOLS,
    ((2, 5, 4, 1), (3, 2), {"strides": (2, 2), "padding": ((1, 1), (1, 1)), "counted": ((1, 1), (1, 1))}),
    ((1, 6, 4, 2), (3, 2), {"strides": (2, 2), "padding": ((1, 2), (0, 1)), "counted": ((1, 1), (0, 0))}),
]
samples(
    "avg_pool",
    avg_pool,
    *(case(normal(*shape), window=window, **how) for shape, window, how in COUNTED),
    refuses=NO_POOLS,
)
samples(
    "avg_pool_adjoint",
    lambda g, like, window, **how: adjoint(avg_pool, g, like, window=window, **how),
    *(case(normal(*avg_pool(normal(*n), k, **dict(how)).shape), normal(*n), window=k, **how) for n, k, how in COUNTED),
    refuses=(case(normal(2, 3, 1), normal(2, 5, 1), window=(2,)),),
)
