"""Samples of the reductions, the statistics and the running sums; references are loops over Python numbers."""

from __future__ import annotations

import math

import numpy

from tests.samples.table import case, integers, normal, samples


CUBE = normal(2, 3, 4)
FLAT = normal(3, 4)
LIKE = integers(0, 9, 2, 3, 4)
ZEROS = FLAT * (FLAT > -0.2) * (FLAT < 0.7)
TIES = numpy.array([[1.0, 3.0, 3.0], [-2.0, 0.5, -2.0]])
AXES = (
    case(CUBE),
    case(CUBE, axis=1),
    case(CUBE, axis=-1, keepdims=True),
    case(CUBE, axis=(0, 2)),
    case(CUBE, axis=(2, 0), keepdims=True),
    case(CUBE, keepdims=True),
    case(CUBE, axis=()),
    case(normal()),
)
EMPTY = case(normal(0, 3), axis=0), case(normal(0, 3), axis=1), case(normal(2, 0, 3))
WRONG = case(CUBE, axis=3), case(CUBE, axis=(0, 0)), case(CUBE, axis=(0, -3))


def places(ndim, axis):
    axes = range(ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    return tuple(a % ndim for a in axes)


def each(function):
    """``function`` of the list of the elements that are reduced to one."""

    def reference(x, axis=None, keepdims=False, **settings):
        axes = places(x.ndim, axis)
        kept = [i for i in range(x.ndim) if i not in axes]
        wide = x.transpose(*kept, *sorted(axes)).reshape([x.shape[i] for i in kept] + [math.prod(x.shape[i] for i in axes)])
        out = numpy.empty(wide.shape[:-1], object)
        for index in numpy.ndindex(out.shape):
            out[index] = function(wide[index].tolist(), **settings)
        shape = [1 if i in axes else n for i, n in enumerate(x.shape)]
        out = numpy.array(out.tolist(), float).reshape(out.shape)
        return out.reshape(shape) if keepdims else out

    return reference


def mean(xs, correction=0):
    return sum(xs) / max(len(xs) - correction, 0)


def var(xs, correction=0):
    return sum((x - mean(xs)) ** 2 for x in xs) / max(len(xs) - correction, 0)


def norm(xs, ord=2):
    size = [abs(x) for x in xs]
    if abs(ord) == math.inf:
        return max(size) if ord > 0 else min(size)
    return sum(x != 0 for x in size) if ord == 0 else sum(x**ord for x in size) ** (1 / ord)


def spread(x, like, axis=None, keepdims=False):
    shape = [1 if i in places(like.ndim, axis) else n for i, n in enumerate(like.shape)]
    return x.reshape(shape) + numpy.zeros(like.shape, x.dtype)


def spread_shares(x, like, axis=None, keepdims=False, correction=0):
    count = math.prod(like.shape[i] for i in places(like.ndim, axis)) - correction
    return spread(x, like, axis, keepdims) / count


samples("sum", each(sum), *AXES, *EMPTY, kinds="bif", refuses=WRONG)
samples("mean", each(mean), *AXES, case(CUBE, axis=1, correction=1), kinds="bif", refuses=WRONG)
samples("max", each(max), *AXES, case(normal(0, 3), axis=1), kinds="bif", refuses=(*WRONG, *EMPTY[:1]))
samples("min", each(min), *AXES, case(normal(2, 3, 0), axis=1), kinds="bif", refuses=(*WRONG, *EMPTY[:1]))
samples("any", each(any), *AXES, *EMPTY, case(ZEROS, axis=0), kinds="bif", refuses=WRONG)
samples("all", each(all), *AXES, *EMPTY, case(ZEROS, axis=0), kinds="bif", refuses=WRONG)
samples("count_nonzero", each(lambda xs: sum(x != 0 for x in xs)), *AXES, *EMPTY, case(ZEROS, axis=0), kinds="bif")

ONE_AXIS = case(CUBE), case(CUBE, axis=1), case(CUBE, axis=-1, keepdims=True), case(TIES, axis=1), case(normal())
samples("argmax", each(lambda xs: xs.index(max(xs))), *ONE_AXIS, kinds="bif", refuses=EMPTY[:1])
samples("argmin", each(lambda xs: xs.index(min(xs))), *ONE_AXIS, kinds="bif", refuses=EMPTY[:1])

BACK = (
    case(normal(2, 4), LIKE, axis=1),
    case(normal(), LIKE),
    case(normal(1, 3, 1), LIKE, axis=(0, -1), keepdims=True),
    case(normal(3), LIKE, axis=(2, 0)),
    case(normal(1, 5), numpy.zeros((4000, 5), int), axis=0, keepdims=True),
)
samples("expand_like", spread, *BACK, kinds="bif")
samples("spread_like", spread_shares, *BACK, case(normal(2, 4), LIKE, axis=1, correction=1), kinds="bif")

MOMENTS = case(CUBE), case(CUBE, axis=1), case(CUBE, axis=(0, -1), keepdims=True), case(CUBE, axis=2, correction=1)
samples("var", each(var), *MOMENTS, case(normal()), kinds="bif", refuses=WRONG)
samples("std", each(lambda xs, correction=0: math.sqrt(var(xs, correction))), *MOMENTS, kinds="bif", refuses=WRONG)
samples("logsumexp", each(lambda xs: math.log(sum(map(math.exp, xs)))), *AXES, case(CUBE * 100, axis=0), refuses=WRONG)
samples(
    "norm",
    each(norm),
    *(case(CUBE, ord=ord, axis=1) for ord in (0, 1, 2, 3, 2.5, math.inf, -math.inf)),
    *(case(CUBE, axis=axis, keepdims=True) for axis in (None, (0, 2))),
    case(CUBE, ord=math.inf),
    refuses=WRONG,
)

samples(
    "prod", each(math.prod), *AXES, *EMPTY, *(case(ZEROS, axis=a) for a in (None, 0, 1, (1, 0))), kinds="bif", refuses=WRONG
)


def running(combine):
    def reference(x, axis):
        out = numpy.moveaxis(x.astype(numpy.result_type(x, numpy.int64) if x.dtype.kind == "b" else x.dtype), axis, 0).copy()
        for k in range(1, len(out)):
            out[k] = combine(out[k - 1], out[k])
        return numpy.moveaxis(out, 0, axis)

    return reference


def recurrence(a, b, axis, reverse=False):
    if reverse:
        return numpy.flip(recurrence(numpy.flip(a, axis), numpy.flip(b, axis), axis), axis)
    a, out = numpy.moveaxis(a, axis, 0), numpy.moveaxis(b, axis, 0).copy()
    for k in range(1, len(out)):
        out[k] += a[k] * out[k - 1]
    return numpy.moveaxis(out, 0, axis)


RUNS = case(ZEROS, axis=0), case(CUBE, axis=-2), case(normal(0, 3), axis=0), case(normal(5), axis=-1)
samples("cumsum", running(lambda x, y: x + y), *RUNS, kinds="bif", refuses=(case(FLAT, axis=2),))
samples("cumprod", running(lambda x, y: x * y), *RUNS, kinds="bif", refuses=(case(FLAT, axis=2),))
samples(
    "recurrence",
    recurrence,
    case(ZEROS, FLAT, axis=0),
    case(ZEROS, FLAT, axis=1, reverse=True),
    case(normal(7), normal(7, seed=1), axis=-1),
    case(normal(0, 2), normal(0, 2), axis=0),
    kinds="if",
    refuses=(case(FLAT, normal(3, 5), axis=0), case(FLAT, FLAT, axis=2)),
)


def middle(x, skip_nan=False):
    kept = sorted(v for v in x.flat if v == v)
    whole = len(kept) == x.size or skip_nan
    return numpy.array(kept[(len(kept) - 1) // 2] if kept and whole else numpy.nan, x.dtype)


samples(
    "median",
    middle,
    case(normal(3, 5)),
    case(normal(2, 4)),
    case(normal(3, 3), skip_nan=True),
    kinds="if",
)


def logcumsumexp(x, axis):
    wide = numpy.moveaxis(x, axis, -1)
    top = wide.max(-1, keepdims=True)
    return numpy.moveaxis(numpy.log(numpy.cumsum(numpy.exp(wide - top), -1)) + top, -1, axis).astype(x.dtype)


samples(
    "logcumsumexp",
    logcumsumexp,
    case(normal(3, 4), axis=1),
    case(normal(3, 4), axis=0),
    case(normal(2, 3, 2) * 9, axis=-2),
    refuses=(case(normal(3, 4), axis=2),),
)
