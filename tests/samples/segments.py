"""Samples of what is done with numbered slices, and of vectors as sets; references are loops."""

from __future__ import annotations

import numpy

from tests.samples.table import case, integers, normal, samples, uniform


IDS = numpy.array([0, 2, 2, -1, 0])
SORTED = numpy.array([0, 0, 1, 1, 1])
PLACES = numpy.array([[1, 0, 3], [1, -1, 1]])


def segmented(start, combine):
    def reference(x, like, ids, *, empty=None):
        out = numpy.full(like.shape, start(x.dtype), x.dtype)
        seen = set()
        for at in numpy.ndindex(ids.shape):
            row = int(ids[at])
            if row >= 0:
                out[row] = combine(out[row], x[at])
                seen.add(row)
        for row in set(range(like.shape[0])) - seen:
            out[row] = out[row] if empty is None else empty
        return out

    return reference


def limits(dtype):
    return numpy.finfo(dtype) if dtype.kind == "f" else numpy.iinfo(dtype)


def tables(*, spread=normal, **settings):
    """Calls with a row without slices, a dropped slice, numbers of two dimensions, scalars as slices, and nothing at all."""
    return (
        case(spread(5, 2), numpy.zeros((4, 2)), IDS, **settings),
        case(spread(5), numpy.zeros(2), SORTED),
        case(spread(2, 3, 2), numpy.zeros((4, 2)), PLACES, **settings),
        case(spread(0, 2), numpy.zeros((3, 2)), numpy.zeros(0, int), **settings),
    )


REFUSED = (
    case(normal(5, 2), numpy.zeros((4, 2)), numpy.zeros(4, int)),
    case(normal(5, 2), numpy.zeros((4, 3)), IDS),
    case(normal(5), numpy.zeros(4), IDS * 1.0),
)
samples("segment_sum", segmented(lambda _: 0, numpy.add), *tables(), kinds="if", refuses=REFUSED)
samples(
    "segment_max",
    segmented(lambda d: limits(d).min, numpy.maximum),
    *tables(empty=0),
    kinds="if",
    refuses=REFUSED,
)
samples(
    "segment_min",
    segmented(lambda d: limits(d).max, numpy.minimum),
    *tables(empty=0),
    kinds="if",
    refuses=REFUSED,
)
samples(
    "segment_prod",
    segmented(lambda _: 1, numpy.multiply),
    *tables(spread=lambda *shape: uniform(0.5, 2.0, *shape)),
    kinds="if",
    refuses=REFUSED,
)


def segment_take(x, ids):
    rows = [x[i] if i >= 0 else numpy.zeros_like(x[0]) for i in ids.reshape(-1)]
    return numpy.array(rows, x.dtype).reshape(*ids.shape, *x.shape[1:])


samples(
    "segment_take",
    segment_take,
    case(normal(4, 2), IDS),
    case(normal(4), PLACES),
    case(normal(4, 2), numpy.array(3)),
    kinds="if",
    refuses=(case(normal(), IDS), case(normal(4), IDS * 1.0)),
)


def reverse_sequence(x, lengths, *, seq_axis, batch_axis=0):
    out = x.copy()
    source, to = (numpy.moveaxis(array, (batch_axis, seq_axis), (0, 1)) for array in (x, out))
    for b, length in enumerate(lengths):
        for t in range(int(length)):
            to[b, t] = source[b, length - 1 - t]
    return out


samples(
    "reverse_sequence",
    reverse_sequence,
    case(normal(3, 4), numpy.array([0, 2, 4]), seq_axis=1),
    case(normal(4, 3, 2), numpy.array([3, 1, 4]), seq_axis=0, batch_axis=1),
    case(normal(2, 3, 2), numpy.array([1, 2]), seq_axis=-1, batch_axis=-2 - 1),
    kinds="bif",
    refuses=(
        case(normal(3, 4), numpy.array([0, 2]), seq_axis=1),
        case(normal(3, 4), numpy.array([0, 2, 4]), seq_axis=0),
        case(normal(3, 4), normal(3), seq_axis=1),
    ),
)


# Sets


def unique(x):
    values, which, counts = [], [], []
    for item in x.tolist():
        if item not in values:
            values.append(item)
            counts.append(0)
        which.append(values.index(item))
        counts[which[-1]] += 1
    return numpy.array(values, x.dtype), numpy.array(which, int), numpy.array(counts, int)


def listdiff(x, y):
    kept = [(item, i) for i, item in enumerate(x.tolist()) if item not in y.tolist()]
    return numpy.array([item for item, _ in kept], x.dtype), numpy.array([i for _, i in kept], int)


MANY = numpy.array([3.0, -1.0, 3.0, 7.5, -1.0, 3.0])
samples("unique", unique, case(MANY), case(integers(0, 4, 12)), case(normal(0)), kinds="bif", refuses=(case(normal(2, 2)),))
samples(
    "listdiff",
    listdiff,
    case(MANY, numpy.array([-1.0, 2.0])),
    case(numpy.array([5, 2, 5, 1]), numpy.array([1, 9])),
    kinds="bif",
    refuses=(case(normal(2, 2), normal(2)),),
)


def bincount(x, weights, *, minlength=0, maxlength=None):
    size = max(int(x.max(initial=-1)) + 1, minlength)
    out = numpy.zeros(size if maxlength is None else min(size, maxlength), weights.dtype)
    every = numpy.broadcast_to(weights, x.shape)
    for at in numpy.ndindex(x.shape):
        if x[at] < len(out):
            out[x[at]] += every[at]
    return out


samples(
    "bincount",
    bincount,
    case(numpy.array([1, 4, 1, 0]), normal(4)),
    case(numpy.array([[1, 4], [1, 0]]), numpy.array(2.0), minlength=7),
    case(numpy.array([1, 4, 1, 0]), normal(4), minlength=3, maxlength=3),
    case(numpy.zeros(0, int), normal(0)),
    kinds="if",
    refuses=(case(normal(4), normal(4)),),
)
