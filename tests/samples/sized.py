"""Samples of ops whose ends and counts are arrays; references are numpy's own calls with numbers."""

from __future__ import annotations

import numpy

from graphs.ops.slicing import Slice
from tests.samples.table import case, normal, samples


def scalar(n):
    return numpy.array(n)


def ranged(start, stop, step):
    out = []
    while (start < stop) if step > 0 else (start > stop):
        out.append(start)
        start = start + step
    return numpy.array(out, numpy.result_type(start, stop, step))


samples(
    "arange_to",
    ranged,
    case(scalar(2), scalar(9), scalar(3)),
    case(scalar(3), scalar(0), scalar(-1)),
    case(scalar(3), scalar(3), scalar(1)),
    *(case(scalar(0), scalar(n), scalar(step)) for n in (1, 2, 5, 40) for step in (1, 2)),
    kinds="if",
    refuses=(case(normal(2), scalar(1.0), scalar(1.0)),),
)


def getitem_at(x, *bounds, index, places):
    items = [slice(*item) if isinstance(item, Slice) else item for item in index]
    for bound, (at, field) in zip(bounds, places, strict=True):
        if field == 3:
            items[at] = int(bound)
        else:
            ends = [items[at].start, items[at].stop, items[at].step]
            ends[field] = int(bound)
            items[at] = slice(*ends)
    return x[tuple(items)]


def put_at_like(x, like, *bounds, index, places):
    out = numpy.zeros(like.shape, x.dtype)
    getitem_at(out, *bounds, index=(*index, *([] if Ellipsis in index else [Ellipsis])), places=places)[...] = x
    return out


WAYS = [
    ((4, 3), (scalar(2),), (Slice(),), ((0, 1),)),
    ((4, 3), (scalar(1), scalar(-1)), (Slice(), 0), ((0, 0), (1, 3))),
    ((5, 3, 2), (scalar(1),), (None, Ellipsis, Slice(0, 1)), ((2, 0),)),
    ((5, 3), (scalar(-2), scalar(0)), (Slice(None, None, None), Slice(1, None, 2)), ((0, 2), (1, 0))),
    ((3, 2), (scalar(9),), (Slice(), 1), ((0, 1),)),
    ((3, 4, 2), (scalar(1), scalar(3)), (Ellipsis, Slice(), 0), ((1, 0), (1, 1))),
]


def picked(shape, bounds, index, places):
    return getitem_at(normal(*shape), *bounds, index=index, places=places)


samples(
    "getitem_at",
    getitem_at,
    *(case(normal(*shape), *bounds, index=index, places=places) for shape, bounds, index, places in WAYS),
    kinds="bif",
    refuses=(
        case(normal(3), scalar(1), index=(Slice(), Slice()), places=((0, 1),)),
        case(normal(3), normal(2).astype(int), index=(Slice(),), places=((0, 1),)),
        case(normal(3), scalar(1.5), index=(Slice(),), places=((0, 1),)),
        case(normal(3), scalar(1), scalar(2), index=(Slice(),), places=((0, 1),)),
    ),
)
samples(
    "put_at_like",
    put_at_like,
    *(
        case(normal(*picked(shape, bounds, index, places).shape), numpy.zeros(shape), *bounds, index=index, places=places)
        for shape, bounds, index, places in WAYS
    ),
    kinds="bif",
    refuses=(case(normal(2), normal(3), scalar(1), index=(Slice(),), places=()),),
)


def tile_to_adjoint(x, like, reps):
    out = numpy.zeros_like(like, dtype=x.dtype)
    for at in numpy.ndindex(x.shape):
        out[tuple(i % n for i, n in zip(at, like.shape, strict=True))] += x[at]
    return out


samples(
    "tile_to",
    lambda x, reps: numpy.tile(x, tuple(reps)),
    case(normal(2, 3), numpy.array([2, 1])),
    case(normal(2), numpy.array([3])),
    case(normal(2, 3), numpy.array([0, 2])),
    kinds="bif",
    refuses=(case(normal(2, 3), numpy.array([2])), case(normal(2), normal(1))),
)
samples(
    "tile_to_adjoint",
    tile_to_adjoint,
    case(normal(4, 3), numpy.zeros((2, 3)), numpy.array([2, 1])),
    case(normal(6), numpy.zeros(2), numpy.array([3])),
    case(normal(2, 6), numpy.zeros((2, 3)), numpy.array([1, 2])),
    kinds="if",
    refuses=(case(normal(6), numpy.zeros(2), normal(1)),),
)

BORDERS = [
    ((2, 3), [[1, 0], [0, 2]], {}),
    ((2, 3), [[1, 1], [0, 2]], {"mode": "reflect"}),
    ((3,), [[2, 1]], {"mode": "symmetric"}),
    ((2, 3), [[0, 0], [2, 0]], {"mode": "edge"}),
]


def pad_to(x, paddings, *, mode="constant", value=0):
    return numpy.pad(x, paddings, mode, **({"constant_values": value} if mode == "constant" else {}))


def pad_to_adjoint(x, paddings, *, mode="constant"):
    shape = [n - sum(pair) for n, pair in zip(x.shape, paddings, strict=True)]
    source = numpy.pad(numpy.arange(numpy.prod(shape)).reshape(shape), paddings, mode, **_outside(mode))
    out = numpy.zeros(int(numpy.prod(shape)), x.dtype)
    for at in numpy.ndindex(x.shape):
        if source[at] >= 0:
            out[source[at]] += x[at]
    return out.reshape(shape)


def _outside(mode):
    return {"constant_values": -1} if mode == "constant" else {}


samples(
    "pad_to",
    pad_to,
    *(case(normal(*shape), numpy.array(widths), **settings) for shape, widths, settings in BORDERS),
    case(normal(2), numpy.array([[1, 2]]), value=3),
    kinds="bif",
    refuses=(case(normal(2, 3), numpy.array([[1, 2]])), case(normal(2), numpy.array([[1, 2]]), mode="wild")),
)
samples(
    "pad_to_adjoint",
    pad_to_adjoint,
    *(
        case(normal(*(n + sum(pair) for n, pair in zip(shape, widths, strict=True))), numpy.array(widths), **settings)
        for shape, widths, settings in BORDERS
    ),
    kinds="if",
    refuses=(case(normal(4, 3), numpy.array([[1, 2]])),),
)
