"""Samples of products and extremes by scattering, and of windows along an axis; references go one by one."""

from __future__ import annotations

import numpy

from tests.samples.indexing import moved
from tests.samples.table import case, integers, normal, samples


FLAT = normal(3, 4)
PLACES = numpy.array([[2, 2, -1], [0, 1, 0]])
LIKE = integers(0, 9, 3, 4)


def scattered(combine):
    def reference(x, indices, updates, axis):
        out = x.copy()
        updates = numpy.broadcast_to(updates, indices.shape)
        for index in numpy.ndindex(*indices.shape):
            at = moved(index, indices[index], axis)
            out[at] = combine(out[at], updates[index])
        return out

    return reference


CASES = (
    case(FLAT, PLACES, normal(2, 3, seed=1), axis=0),
    case(FLAT, PLACES, normal(2, 1), axis=-2),
    case(FLAT, PLACES, normal(2, 3, seed=2), axis=1),
)
REFUSED = (case(FLAT, PLACES, normal(3, 5), axis=1),)
samples("scatter_prod", scattered(lambda a, b: a * b), *CASES, kinds="if", refuses=REFUSED)
samples("scatter_max", scattered(numpy.maximum), *CASES, kinds="if", refuses=REFUSED)
samples("scatter_min", scattered(numpy.minimum), *CASES, kinds="if", refuses=REFUSED)


def framed(x, axis, size, step=1):
    starts = range(0, x.shape[axis] - size + 1, step)
    return numpy.stack([numpy.moveaxis(x.take(range(i, i + size), axis), axis, -1) for i in starts], axis % x.ndim)


def framed_adjoint(x, like, axis, size, step=1):
    out = numpy.zeros(like.shape, x.dtype)
    wide = numpy.moveaxis(out, axis, -1)
    for i in range(x.shape[axis % like.ndim]):
        wide[..., i * step : i * step + size] += x.take(i, axis % like.ndim)
    return out


CUBE = normal(3, 4, 5)
samples(
    "frames",
    framed,
    case(CUBE, axis=1, size=2),
    case(CUBE, axis=-1, size=2, step=2),
    case(CUBE, axis=0, size=3, step=4),
    kinds="bif",
    refuses=(case(FLAT, axis=0, size=4), case(FLAT, axis=2, size=1), case(FLAT, axis=0, size=1, step=0)),
)
samples(
    "frames_adjoint",
    framed_adjoint,
    case(normal(3, 3, 2), LIKE, axis=1, size=2),
    case(normal(2, 4, 2), LIKE, axis=0, size=2),
    case(normal(3, 2, 1), LIKE, axis=1, size=1, step=3),
    kinds="if",
)
