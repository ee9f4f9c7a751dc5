"""Samples of the ops that read and write at computed positions, sort and search; references go element by element."""

from __future__ import annotations

import numpy

from graphs.ops.slicing import Slice
from tests.samples.table import case, integers, normal, samples


FLAT = normal(3, 4)
CUBE = normal(3, 4, 5)
LIKE = integers(0, 9, 3, 4, 5)
ROWS = numpy.array([[0, 2], [-1, 0]])
TIES = numpy.array([[1.0, 3.0, 3.0, -1.0], [-2.0, 0.5, -2.0, -2.0]])
ANY = "bif"


# Along one axis


def taken(x, indices, axis=0):
    wide = numpy.moveaxis(x, axis, 0)
    out = numpy.array([wide[i] for i in indices.flat]).reshape(indices.shape + wide.shape[1:])
    axis = axis % x.ndim
    return numpy.moveaxis(out, range(indices.ndim), range(axis, axis + indices.ndim))


def take_adjoint(x, like, indices, axis=0):
    axis = axis % like.ndim
    out = numpy.zeros(like.shape, x.dtype)
    rows = numpy.moveaxis(x, range(axis, axis + indices.ndim), range(indices.ndim)).reshape(indices.size, -1)
    wide = numpy.moveaxis(out, axis, 0)
    for place, row in zip(indices.flat, rows, strict=True):
        wide[place] += row.reshape(wide.shape[1:])
    return out


def gathered(x, indices, axis):
    out = numpy.zeros(indices.shape, x.dtype)
    for index in numpy.ndindex(*indices.shape):
        out[index] = x[moved(index, indices[index], axis)]
    return out


def moved(index, place, axis):
    return tuple(place if i == axis % len(index) else k for i, k in enumerate(index))


def gathered_adjoint(x, like, indices, axis):
    out = numpy.zeros(like.shape, x.dtype)
    for index in numpy.ndindex(*indices.shape):
        out[moved(index, indices[index], axis)] += x[index]
    return out


def scattered(x, indices, updates, axis, add=False):
    out = x.copy()
    updates = numpy.broadcast_to(updates, indices.shape)
    for index in numpy.ndindex(*indices.shape):
        at = moved(index, indices[index], axis)
        out[at] = out[at] + updates[index] if add else updates[index]
    return out


DISTINCT = numpy.array([[2, 0, 1, 3], [0, 1, 3, 2], [1, -1, 0, 2]])
REPEATED = numpy.array([[2, 2, -1], [0, 1, 0]])
samples(
    "take",
    taken,
    *(case(CUBE, ROWS, axis=axis) for axis in (0, 1, -1)),
    case(CUBE, numpy.array(-2)),
    case(FLAT, numpy.array([], int)),
    kinds=ANY,
    refuses=(case(FLAT, ROWS, axis=2), case(FLAT, normal(2)), case(normal(0, 3), ROWS)),
)
samples(
    "take_adjoint",
    take_adjoint,
    case(normal(2, 2, 4, 5), LIKE, ROWS),
    case(normal(3, 2, 2, 5), LIKE, ROWS, axis=1),
    case(normal(3, 4, 2, 2), LIKE, ROWS, axis=-1),
    case(normal(4, 5), LIKE, numpy.array(1)),
    kinds="if",
)
samples(
    "take_along_axis",
    gathered,
    case(FLAT, DISTINCT, axis=1),
    case(FLAT, REPEATED, axis=-2),
    case(CUBE, integers(0, 5, 3, 2, 7), axis=2),
    kinds=ANY,
    refuses=(case(FLAT, ROWS.reshape(4), axis=0), case(FLAT, integers(0, 2, 4, 4), axis=1), case(FLAT, FLAT, axis=1)),
)
samples(
    "take_along_axis_adjoint",
    gathered_adjoint,
    case(normal(3, 4), LIKE[..., 0], DISTINCT, axis=1),
    case(normal(2, 3), LIKE[..., 0], REPEATED, axis=-2),
    kinds="if",
)
samples(
    "scatter",
    scattered,
    case(FLAT, DISTINCT, normal(3, 4, seed=1), axis=1),
    case(FLAT, DISTINCT[:2, :2], normal(2, 1), axis=1),
    case(FLAT, DISTINCT[:2, :2], numpy.array(True), axis=-1),
    kinds=ANY,
    refuses=(
        case(FLAT, DISTINCT, normal(3, 5), axis=1),
        case(FLAT, ROWS.reshape(4), normal(4), axis=0),
        case(LIKE[0], DISTINCT, normal(3, 4), axis=0),
    ),
)
samples(
    "scatter_add",
    lambda x, indices, updates, axis: scattered(x, indices, updates, axis, add=True),
    case(FLAT, DISTINCT, normal(3, 4, seed=1), axis=1),
    case(FLAT, REPEATED, normal(2, 1), axis=0),
    case(FLAT, REPEATED, 2, axis=-2),
    kinds="if",
    refuses=(case(FLAT, DISTINCT, normal(3, 5), axis=1),),
)

# By several arrays and masks

MASK = FLAT > 0.1
DEPTH = numpy.array([True, False, True, True, False])
COLUMN = numpy.array([[1], [3]])
ROW = numpy.array([0, 2])


def spelled(indices, axes):
    """For each axis that is indexed the positions as an array, masks written out."""
    out = {}
    for array, axis in zip(indices, axes or range(len(indices)), strict=True):
        for i, places in enumerate(numpy.argwhere(array).T if array.dtype == bool else [array]):
            out[axis + i] = places
    return out


def positions(x, indices, axes):
    """Where each element of ``x[...]`` comes from, laid out like the result."""
    by = spelled(indices, axes)
    shape = numpy.broadcast_shapes(*(places.shape for places in by.values()))
    rest = [i for i in range(x.ndim) if i not in by]
    adjacent = max(by) - min(by) + 1 == len(by)
    first = min(by) if adjacent else 0
    full = [x.shape[i] for i in rest[:first]] + list(shape) + [x.shape[i] for i in rest[first:]]
    out = numpy.empty(full, object)
    for index in numpy.ndindex(*full):
        at = index[first : first + len(shape)]
        others = dict(zip(rest, index[:first] + index[first + len(shape) :], strict=True))
        out[index] = tuple(int(numpy.broadcast_to(by[i], shape)[at]) if i in by else others[i] for i in range(x.ndim))
    return out


def indexed(x, *indices, axes=None):
    places = positions(x, indices, axes)
    out = numpy.zeros(places.shape, x.dtype)
    for index in numpy.ndindex(*places.shape):
        out[index] = x[places[index]]
    return out


def index_adjoint(x, like, *indices, axes=None):
    places = positions(like, indices, axes)
    out = numpy.zeros(like.shape, x.dtype)
    for index in numpy.ndindex(*places.shape):
        out[places[index]] += x[index]
    return out


def index_put(x, values, *indices, at=(), axes=None, accumulate=False):
    out = x.copy()
    inside = out[tuple(slice(*item) if isinstance(item, tuple) else item for item in (at if Ellipsis in at else (*at, ...)))]
    every = indices or (numpy.ones(inside.shape, bool),)
    places = positions(inside, every, axes)
    values = numpy.broadcast_to(values, places.shape if indices else inside.shape).reshape(places.shape)
    for index in numpy.ndindex(*places.shape):
        inside[places[index]] = inside[places[index]] + values[index] if accumulate else values[index]
    return out


samples(
    "index",
    indexed,
    case(CUBE, ROW),
    case(CUBE, ROW, COLUMN),
    *(case(CUBE, ROW, COLUMN, axes=axes) for axes in ((0, 1), (1, 2), (0, 2))),
    case(CUBE, MASK),
    case(CUBE, MASK, numpy.array([1]), axes=(0, 2)),
    case(CUBE, DEPTH, axes=(2,)),
    case(CUBE, numpy.array(-1)),
    case(CUBE, numpy.array(1), axes=(1,)),
    case(FLAT, MASK & False),
    kinds=ANY,
    refuses=(
        case(CUBE, DEPTH),
        case(FLAT, ROW, ROW, ROW),
        case(CUBE, ROW, ROW, axes=(1, 0)),
        case(CUBE, ROW, numpy.array([0, 1, 2])),
        case(FLAT, FLAT),
        case(FLAT),
    ),
)
samples(
    "index_adjoint",
    index_adjoint,
    case(normal(2, 4, 5), LIKE, numpy.array([1, 1])),
    case(normal(2, 2, 4), LIKE, ROW, COLUMN, axes=(0, 2)),
    case(normal(int(MASK.sum()), 5), LIKE, MASK),
    kinds="if",
)
samples(
    "index_put",
    index_put,
    case(CUBE, normal(2, 4, 5), ROW),
    case(CUBE, normal(5), ROW, COLUMN),
    case(CUBE, True, MASK),
    case(CUBE, normal(2), at=(0, 1, Slice(1, 3))),
    case(CUBE, normal(), at=(Ellipsis, 2)),
    case(CUBE, normal(2, 2), ROW, COLUMN, at=(Ellipsis, 3)),
    case(CUBE, normal(4, 2), ROW, at=(0,), axes=(1,)),
    case(CUBE, normal(2, 5), numpy.array([1, 1]), at=(0,), accumulate=True),
    case(FLAT, normal(4), at=(Slice(0, 2),), accumulate=True),
    kinds=ANY,
    refuses=(
        case(CUBE, normal(3, 4, 5), ROW),
        case(CUBE, normal(2, 1, 4, 5), numpy.array([0])),
        case(CUBE, normal(3), at=(0, 1, Slice(1, 3))),
        case(CUBE, normal(2), at=(5,)),
        case(integers(0, 9, 3), normal(3)),
    ),
)

# Order


def ranked(x, descending):
    """The stable order of a list, NaN counting as the largest."""
    return sorted(range(len(x)), key=lambda i: (x[i] != x[i], 0 if x[i] != x[i] else x[i]), reverse=descending)


def along(function):
    """``function(list) -> list``, applied along ``axis``."""

    def reference(x, axis=-1, **settings):
        return numpy.apply_along_axis(lambda row: numpy.array(function(row.tolist(), **settings)), axis, x)

    return reference


argsort = along(lambda xs, descending=False: ranked(xs, descending))
sort = along(lambda xs, descending=False: [xs[i] for i in ranked(xs, descending)])
top_positions = along(lambda xs, k, largest=True: ranked(xs, largest)[:k])
top = along(lambda xs, k, largest=True: [xs[i] for i in ranked(xs, largest)[:k]])

ORDERS = (
    case(CUBE),
    case(CUBE, axis=1, descending=True),
    case(TIES[0], descending=True),
)
WRONG = (case(FLAT, axis=2),)
samples("argsort", argsort, *ORDERS, case(TIES), case(TIES, descending=True), kinds=ANY, refuses=WRONG)
samples("sort", lambda x, **at: (sort(x, **at), argsort(x, **at)), *ORDERS[:2], kinds=ANY, refuses=WRONG)
samples(
    "topk",
    lambda x, **at: (top(x, **at), top_positions(x, **at)),
    case(CUBE, k=2),
    case(CUBE, k=3, axis=0, largest=False),
    case(FLAT, k=4),
    kinds=ANY,
    refuses=(case(FLAT, k=5), case(FLAT, k=-1), case(FLAT, k=1, axis=2)),
)
EDGES = numpy.array([-2, -1, 0, 0, 3])
samples(
    "searchsorted",
    lambda edges, x, side="left": sum((~(x <= edge) if side == "left" else ~(x < edge)).astype(int) for edge in edges),
    case(EDGES, FLAT),
    case(EDGES, numpy.array([0.0, 3.0, 9.0]), side="right"),
    case(EDGES, numpy.array([0.0, 3.0, 9.0])),
    kinds=ANY,
    refuses=(case(FLAT, FLAT),),
)
samples(
    "nonzero",
    lambda x: numpy.array([index for index in numpy.ndindex(*x.shape) if x[index]]).reshape(numpy.sum(x != 0), x.ndim),
    case(FLAT * MASK),
    case(normal()),
    case(FLAT * 0),
    kinds=ANY,
)


def one_hot(indices, depth, axis=-1, on=1, off=0, dtype="float32"):
    out = numpy.full((*indices.shape, depth), off, dtype)
    for index in numpy.ndindex(*indices.shape):
        if 0 <= indices[index] < depth:
            out[(*index, indices[index])] = on
    return numpy.moveaxis(out, -1, axis)


samples(
    "one_hot",
    one_hot,
    case(ROWS, depth=3),
    case(ROWS, depth=2, axis=0, on=2, off=-1, dtype="float64"),
    case(ROWS, depth=4, axis=1, on=True, off=False, dtype="bool"),
    case(numpy.array(1), depth=3),
    kinds="i",
    refuses=(case(ROWS, depth=2, axis=3),),
)
