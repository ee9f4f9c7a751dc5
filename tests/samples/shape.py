"""Samples of the ops that shape, slice and create; references go element by element, or by another numpy function."""

from __future__ import annotations

import math

import numpy

from graphs.ops.slicing import frozen
from tests.samples.table import case, integers, normal, samples


FLAT = normal(3, 4)
CUBE = normal(2, 3, 4)
LIKE = integers(0, 9, 3, 4)
ONE = normal()
EMPTY = normal(0, 3)
ANY = "bif"


def at_each(shape, element, dtype):
    """An array of ``shape`` made by ``element(*position)``."""
    out = numpy.zeros(shape, dtype)
    for index in numpy.ndindex(*shape):
        out[index] = element(*index)
    return out


# Pairs that rules use

PAIRS = case(FLAT, integers(0, 9, 3, 1)), case(CUBE, integers(0, 9, 1, 4)), case(FLAT, LIKE), case(FLAT, integers(0, 9))


def unbroadcast(x, like):
    wide = like.reshape((1,) * (x.ndim - like.ndim) + like.shape)
    out = numpy.zeros(wide.shape, x.dtype if x.dtype.kind == "f" else numpy.int64)
    for index in numpy.ndindex(*x.shape):
        out[tuple(0 if n == 1 else i for i, n in zip(index, wide.shape, strict=True))] += x[index]
    return out.reshape(like.shape)


samples("unbroadcast", unbroadcast, *PAIRS, kinds="if")
samples(
    "broadcast_like",
    lambda x, like: x + numpy.zeros(like.shape, x.dtype),
    case(normal(3, 1), LIKE),
    case(normal(4), LIKE),
    case(ONE, LIKE),
    case(FLAT, LIKE),
    kinds=ANY,
)
samples(
    "reshape_like",
    lambda x, like: numpy.array(x.flat).reshape(like.shape),
    case(normal(2, 6), LIKE),
    case(normal(12), normal(2, 1, 6)),
    case(EMPTY, EMPTY.T),
    kinds=ANY,
)
samples("ones_like", lambda x: x * 0 + 1, case(LIKE), case(LIKE[:0]), case(LIKE[0, 0]), kinds="bif")
samples("zeros_like", lambda x: x * 0, case(LIKE), case(LIKE[:0]), case(LIKE[0, 0]), kinds="bif")
samples(
    "full_like",
    lambda x, value, dtype=None: numpy.array([value] * x.size, dtype or x.dtype).reshape(x.shape),
    case(FLAT, value=2.5, dtype="float32"),
    case(ONE, value=1),
    case(LIKE, value=7),
    kinds=ANY,
)
samples("shape_of", lambda x: numpy.array(x.shape), case(FLAT), case(ONE), case(EMPTY), kinds=ANY)
samples("size_of", lambda x: numpy.array(len(list(x.flat))), case(FLAT), case(ONE), case(EMPTY), kinds=ANY)

# The same elements in another shape


def transposed(x, axes=None):
    axes = [a % x.ndim for a in axes] if axes is not None else list(range(x.ndim))[::-1]
    places = [axes.index(i) for i in range(x.ndim)]
    return at_each([x.shape[a] for a in axes], lambda *i: x[tuple(i[p] for p in places)], x.dtype)


samples(
    "reshape",
    lambda x, shape: numpy.array(x.flat, x.dtype).reshape(shape),
    *(case(FLAT, shape=shape) for shape in ((12,), (2, 6), (-1, 3), (2, 1, -1), (12, -1))),
    case(ONE, shape=(1, 1)),
    case(EMPTY, shape=(3, 0)),
    kinds=ANY,
    refuses=(case(FLAT, shape=(5, -1)), case(FLAT, shape=(-1, -1)), case(FLAT, shape=(2, 5)), case(EMPTY, shape=(0, -1))),
)
samples(
    "reshape_to",
    lambda x, dims: numpy.array(x.flat, x.dtype).reshape(dims.tolist()),
    case(FLAT, numpy.array([2, -1])),
    case(normal(1), numpy.array([], int)),
    case(normal(2, 3, 4), numpy.array([4, -1, 2])),
    case(normal(0, 3), numpy.array([3, 0])),
    kinds=ANY,
    refuses=(case(FLAT, numpy.array([[2, 6]])),),
)
samples(
    "transpose",
    transposed,
    *(case(CUBE, axes=axes) for axes in (None, (2, 0, 1), (0, -1, 1))),
    case(ONE),
    case(EMPTY),
    kinds=ANY,
    refuses=(case(CUBE, axes=(0, 1)), case(CUBE, axes=(0, 1, 1)), case(CUBE, axes=(0, 1, 3))),
)
samples(
    "swapaxes",
    lambda x, axis1, axis2: transposed(x, (2, 1, 0)),
    case(CUBE, axis1=0, axis2=2),
    case(CUBE, axis1=-1, axis2=0),
    kinds=ANY,
    refuses=(case(CUBE, axis1=0, axis2=3),),
)
samples(
    "matrix_transpose",
    lambda x: transposed(x, (*range(x.ndim - 2), -1, -2)),
    case(FLAT),
    case(CUBE),
    kinds=ANY,
    refuses=(case(normal(3)),),
)
samples(
    "expand_dims",
    lambda x, axis: {0: x[None], -1: x[..., None], (0, 2): x[None, :, None], (-1, 0): x[None, ..., None]}[axis],
    *(case(FLAT, axis=axis) for axis in (0, -1, (0, 2), (-1, 0))),
    kinds=ANY,
    refuses=(case(FLAT, axis=3), case(FLAT, axis=(1, 1))),
)


def squeeze(x, axis=None):
    gone = {None: range(x.ndim), 0: (0,), -1: (x.ndim - 1,)}.get(axis, axis)
    return x.reshape([n for i, n in enumerate(x.shape) if n != 1 or i not in gone])


samples(
    "squeeze",
    squeeze,
    *(case(normal(1, 3, 1), axis=axis) for axis in (None, 0, -1, (0, 2))),
    kinds=ANY,
    refuses=(case(FLAT, axis=0), case(FLAT, axis=2)),
)
samples(
    "broadcast_to",
    lambda x, shape: x + numpy.zeros(shape, x.dtype),
    *(case(normal(3, 1), shape=shape) for shape in ((3, 1), (3, 4), (2, 3, 4), (3, 0))),
    case(ONE, shape=(2, 2)),
    kinds=ANY,
    refuses=(case(FLAT, shape=(3, 5)), case(FLAT, shape=(4,)), case(FLAT, shape=(1, 4))),
)

# The same elements in other places


def flipped(x, axis=None):
    axes = range(x.ndim) if axis is None else [a % x.ndim for a in numpy.atleast_1d(axis)]
    return at_each(x.shape, lambda *i: x[tuple(x.shape[a] - 1 - k if a in axes else k for a, k in enumerate(i))], x.dtype)


def shifted(x, by, axis, fill=0):
    size = x.shape[axis]
    axis = axis % x.ndim

    def element(*i):
        source = i[axis] - by
        return x[(*i[:axis], source, *i[axis + 1 :])] if 0 <= source < size else fill

    return at_each(x.shape, element, x.dtype)


def rolled(x, shift, axis=None):
    if axis is None:
        return numpy.array([x.flat[(k - shift) % x.size] for k in range(x.size)], x.dtype).reshape(x.shape)
    by = dict(zip(numpy.atleast_1d(axis) % x.ndim, numpy.atleast_1d(shift), strict=True))
    return at_each(x.shape, lambda *i: x[tuple((k - by.get(a, 0)) % x.shape[a] for a, k in enumerate(i))], x.dtype)


samples("flip", flipped, *(case(CUBE, axis=axis) for axis in (None, 1, (0, -1))), kinds=ANY, refuses=(case(FLAT, axis=2),))
samples(
    "roll",
    rolled,
    case(FLAT, shift=2),
    case(FLAT, shift=-5, axis=1),
    case(CUBE, shift=(1, -1), axis=(0, -1)),
    kinds=ANY,
    refuses=(case(FLAT, shift=1, axis=2), case(FLAT, shift=(1, 2), axis=0)),
)
samples(
    "shift",
    shifted,
    *(case(FLAT, by=by, axis=1, fill=1) for by in (-5, -4, -1, 0, 2, 4, 9)),
    case(FLAT, by=1, axis=-2),
    case(EMPTY, by=1, axis=0),
    kinds=ANY,
    refuses=(case(FLAT, by=1, axis=2),),
)

# Slices

INDICES = [
    (1,),
    (-1, 2),
    (slice(1, None),),
    (slice(None, None, -2), 0),
    (Ellipsis, slice(-3, -1)),
    (None, Ellipsis, 1, None),
    (slice(2, 1),),
    (slice(-100, 100, 3),),
    (),
]


def picked(x, index):
    rest = x.ndim - sum(item is not None and item is not Ellipsis for item in index)
    at = index.index(Ellipsis) if Ellipsis in index else len(index)
    index = (*index[:at], *[(None, None, None)] * rest, *index[at + 1 :])
    sizes = iter(x.shape)
    shape = [1 if item is None else _size(item, next(sizes)) for item in index]
    return numpy.array(_walk(x.tolist(), index), x.dtype).reshape([n for n in shape if n >= 0])


def _size(item, dim):
    return len(range(dim)[slice(*item)]) if isinstance(item, tuple) else -1


def _walk(rows, index):
    if not index:
        return rows
    item, *rest = index
    if item is None:
        return [_walk(rows, rest)]
    return [_walk(row, rest) for row in rows[slice(*item)]] if isinstance(item, tuple) else _walk(rows[item], rest)


WRONG = ((3,), (0, -5), (0, 0, 0), (Ellipsis, Ellipsis), (slice(None, None, 0),))
samples(
    "getitem",
    picked,
    *(case(FLAT, index=frozen(index)) for index in INDICES),
    kinds=ANY,
    refuses=tuple(case(FLAT, index=frozen(index)) for index in WRONG),
)


def put(x, like, index):
    out = numpy.zeros(like.shape, x.dtype)
    out[tuple(slice(*i) if isinstance(i, tuple) else i for i in index)] = x
    return out


samples(
    "put_like",
    put,
    *(case(normal(*LIKE[index].shape), LIKE, index=frozen(index)) for index in INDICES),
    kinds=ANY,
    refuses=(case(normal(4), LIKE, index=(3,)),),
)

# Creation


def stepped(start, stop, step):
    while start < stop if step > 0 else start > stop:
        yield start
        start += step


samples(
    "full",
    lambda shape, value, dtype: numpy.array([value] * math.prod(shape), dtype).reshape(shape),
    case(shape=(2, 3), value=1.5, dtype="float32"),
    case(shape=(), value=True, dtype="bool"),
    case(shape=(0, 2), value=1, dtype="int64"),
)
samples(
    "arange",
    lambda stop, dtype, start=0, step=1: numpy.array(
        [start + k * step for k in range(math.ceil((stop - start) / step))], dtype
    ),
    case(stop=5, dtype="int64"),
    case(start=1.0, stop=0.2, step=-0.25, dtype="float32"),
    case(start=3, stop=1, dtype="float64"),
    refuses=(case(stop=3, step=0, dtype="int64"),),
)
samples(
    "linspace",
    lambda start, stop, num, dtype: numpy.array([start + (stop - start) * k / max(num - 1, 1) for k in range(num)], dtype),
    case(start=-1.0, stop=2.0, num=7, dtype="float64"),
    case(start=1.0, stop=2.0, num=1, dtype="float32"),
    case(start=1.0, stop=2.0, num=0, dtype="float64"),
)
samples(
    "eye",
    lambda rows, dtype, columns=None, offset=0: at_each(
        (rows, rows if columns is None else columns), lambda i, j: j - i == offset, dtype
    ),
    case(rows=3, dtype="float64"),
    case(rows=2, columns=4, offset=1, dtype="int64"),
    case(rows=3, columns=2, offset=-1, dtype="bool"),
)
samples(
    "fill",
    lambda dims, value: numpy.array([value] * math.prod(dims.tolist()), value.dtype).reshape(dims.tolist()),
    case(numpy.array([2, 3]), ONE),
    case(numpy.array([], int), ONE),
    case(numpy.array([0, 3]), ONE),
    kinds=ANY,
    refuses=(case(numpy.array([2, 3]), FLAT), case(numpy.array(2), ONE)),
)
