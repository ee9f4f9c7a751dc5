"""Samples of the ops that put arrays together and take them apart; references go element by element."""

from __future__ import annotations

import itertools

import numpy

from tests.samples.shape import ANY, EMPTY, FLAT, LIKE, ONE, at_each
from tests.samples.table import case, normal, samples


# Several arrays to one and back


def concatenated(*xs, axis=0):
    return numpy.array(list(itertools.chain(*(numpy.moveaxis(x, axis, 0) for x in xs))), xs[0].dtype).swapaxes(0, axis)


def parts(x, sections, axis=0):
    ends = numpy.cumsum([x.shape[axis] // sections] * sections if isinstance(sections, int) else sections)
    starts = [0, *ends[:-1]]
    return tuple(numpy.take(x, range(i, j), axis) for i, j in zip(starts, ends, strict=True))


samples(
    "concat",
    concatenated,
    case(FLAT, normal(2, 4), normal(0, 4)),
    case(FLAT, normal(3, 1), axis=1),
    case(FLAT, normal(3, 2), axis=-1),
    case(FLAT),
    kinds=ANY,
    refuses=(case(FLAT, normal(3, 5)), case(FLAT, normal(3)), case(FLAT, FLAT, axis=2), case()),
)
samples(
    "split_like",
    lambda x, *likes, axis=0: parts(x, [like.shape[axis] for like in likes], axis),
    case(FLAT, LIKE[:1], LIKE[:2]),
    case(FLAT, LIKE[:, :3], LIKE[:, :0], LIKE[:, :1], axis=-1),
    kinds=ANY,
)
samples(
    "split",
    parts,
    case(FLAT, sections=3),
    case(FLAT, sections=2, axis=-1),
    case(FLAT, sections=(1, 0, 3), axis=1),
    kinds=ANY,
    refuses=(case(FLAT, sections=2), case(FLAT, sections=(1, 1)), case(FLAT, sections=0), case(FLAT, sections=1, axis=2)),
)
samples(
    "stack",
    lambda *xs, axis=0: numpy.moveaxis(
        numpy.array([x.tolist() for x in xs], xs[0].dtype).reshape(len(xs), *xs[0].shape), 0, axis
    ),
    *(case(FLAT, normal(3, 4, seed=1), axis=axis) for axis in (0, 1, -1, -2)),
    case(ONE, ONE),
    kinds=ANY,
    refuses=(case(FLAT, normal(3, 5)), case(FLAT, FLAT, axis=3), case()),
)


def tiled(x, reps):
    width = max(x.ndim, len(reps))
    x, reps = x.reshape((1,) * (width - x.ndim) + x.shape), (1,) * (width - len(reps)) + reps
    shape = [n * k for n, k in zip(x.shape, reps, strict=True)]
    return at_each(shape, lambda *i: x[tuple(k % n for k, n in zip(i, x.shape, strict=True))], x.dtype)


def untiled(x, like, reps):
    out = numpy.zeros((1,) * (x.ndim - like.ndim) + like.shape, x.dtype)
    for index in numpy.ndindex(*x.shape):
        out[tuple(k % n for k, n in zip(index, out.shape, strict=True))] += x[index]
    return out.reshape(like.shape)


samples("tile", tiled, *(case(FLAT, reps=reps) for reps in ((2,), (2, 1), (2, 1, 3), (0, 1), ())), kinds=ANY)
samples(
    "tile_adjoint", untiled, case(normal(6, 8), LIKE, reps=(2, 2)), case(normal(2, 3, 8), LIKE, reps=(2, 1, 2)), kinds="if"
)
samples(
    "repeat",
    lambda x, repeats, axis: numpy.take(x, [k // repeats for k in range(x.shape[axis] * repeats)], axis),
    case(FLAT, repeats=2, axis=0),
    case(FLAT, repeats=3, axis=-1),
    case(FLAT, repeats=0, axis=1),
    kinds=ANY,
    refuses=(case(FLAT, repeats=2, axis=2), case(FLAT, repeats=-1, axis=0)),
)
samples(
    "repeat_adjoint",
    lambda x, like, repeats, axis: sum(numpy.take(x, range(k, x.shape[axis], repeats), axis) for k in range(repeats)),
    case(normal(6, 4), LIKE, repeats=2, axis=0),
    case(normal(3, 12), LIKE, repeats=3, axis=-1),
    kinds="if",
)


def origin(k, size, mode):
    """Where the element at ``k``, counted from the first that is no border, comes from."""
    if mode == "edge":
        return min(max(k, 0), size - 1)
    if mode == "wrap":
        return k % size
    return abs(k) if k < size else 2 * (size - 1) - k


def padded(x, paddings, mode="constant", value=0):
    shape = [n + sum(pair) for n, pair in zip(x.shape, paddings, strict=True)]

    def element(*i):
        i = [k - before for k, (before, _) in zip(i, paddings, strict=True)]
        if mode == "constant":
            return x[tuple(i)] if all(0 <= k < n for k, n in zip(i, x.shape, strict=True)) else value
        return x[tuple(origin(k, n, mode) for k, n in zip(i, x.shape, strict=True))]

    return at_each(shape, element, x.dtype)


def unpadded(x, paddings, mode="constant"):
    out = numpy.zeros([n - sum(pair) for n, pair in zip(x.shape, paddings, strict=True)], x.dtype)
    for index in numpy.ndindex(*x.shape):
        i = [k - before for k, (before, _) in zip(index, paddings, strict=True)]
        if mode != "constant":
            i = [origin(k, n, mode) for k, n in zip(i, out.shape, strict=True)]
        if all(0 <= k < n for k, n in zip(i, out.shape, strict=True)):
            out[tuple(i)] += x[index]
    return out


BORDER = ((1, 2), (0, 3))
samples(
    "pad",
    padded,
    case(FLAT, paddings=BORDER, value=1),
    *(case(FLAT, paddings=BORDER, mode=mode) for mode in ("reflect", "edge", "wrap")),
    case(EMPTY, paddings=BORDER),
    case(FLAT, paddings=((0, 0), (0, 0)), mode="edge"),
    kinds=ANY,
    refuses=(
        case(FLAT, paddings=((1, 1),)),
        case(FLAT, paddings=((1, -1), (0, 0))),
        case(FLAT, paddings=((3, 0), (0, 0)), mode="reflect"),
        case(EMPTY, paddings=BORDER, mode="edge"),
        case(FLAT, paddings=BORDER, mode="around"),
    ),
)
samples(
    "pad_adjoint",
    unpadded,
    *(case(normal(6, 7), paddings=BORDER, mode=mode) for mode in ("constant", "reflect", "edge", "wrap")),
    kinds="if",
)
