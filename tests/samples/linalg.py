"""Samples of products, parts and inverses of matrices; references are sums written out with broadcasting and loops."""

from __future__ import annotations

import itertools
import math

import numpy

from tests.samples.table import case, integers, normal, samples


SQUARE = normal(3, 3) + 3 * numpy.eye(3)
BATCH = normal(2, 3, 3) + 3 * numpy.eye(3)
WIDE = normal(2, 3, 5)
ANY = "bif"


# Products


def matmul(x, y):
    left, right = numpy.atleast_2d(x), y[:, None] if y.ndim == 1 else y
    terms = left[..., :, :, None] * right[..., None, :, :]
    out = numpy.logical_or.reduce(terms, -2) if terms.dtype == bool else terms.sum(-2)
    out = out[..., 0, :] if x.ndim == 1 else out
    return out[..., 0] if y.ndim == 1 else out


SHAPES = [
    ((2, 3), (3, 4)),
    ((3,), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((2, 1, 2, 3), (4, 3, 2)),
    ((1, 2, 3), (1, 3, 4)),
    ((3,), (5, 3, 4)),
    ((5, 2, 3), (3,)),
    ((2, 0), (0, 3)),
    ((0, 3), (3, 2)),
]
samples(
    "matmul",
    matmul,
    *(case(normal(*left), normal(*right, seed=1)) for left, right in SHAPES),
    kinds=ANY,
    refuses=(
        case(normal(2, 3), normal(4, 2)),
        case(normal(2), normal(3)),
        case(normal(), normal(3)),
        case(normal(2, 2, 3), normal(3, 3, 2)),
    ),
)
samples(
    "dot",
    lambda x, y: numpy.array(sum(a * b for a, b in zip(x.tolist(), y.tolist(), strict=True))),
    case(normal(3), normal(3, seed=1)),
    case(normal(40), normal(40, seed=1)),
    kinds="if",
    refuses=(case(normal(3), normal(4)), case(normal(2, 3), normal(3))),
)
samples(
    "outer",
    lambda x, y: numpy.array([[a * b for b in y] for a in x]).reshape(x.size, y.size),
    case(normal(3), normal(4)),
    case(normal(3), normal(0)),
    kinds="if",
    refuses=(case(normal(2, 3), normal(3)),),
)


def einsum(*xs, equation):
    """The sum over every assignment of positions to labels, an ellipsis written out."""
    left, _, output = equation.partition("->")
    operands = left.split(",")
    if "->" not in equation:
        letters = left.replace(",", "").replace("...", "")
        output = "..." * ("..." in left) + "".join(sorted(k for k in letters if letters.count(k) == 1))
    wide = max(x.ndim - len(labels.replace("...", "")) for labels, x in zip(operands, xs, strict=True))
    dots = "0123456789"[:wide]

    def written(labels, ndim):
        count = ndim - len(labels.replace("...", ""))
        return labels.replace("...", dots[wide - count :])

    names = [written(labels, x.ndim) for labels, x in zip(operands, xs, strict=True)]
    sizes = {}
    for name, x in zip(names, xs, strict=True):
        for label, n in zip(name, x.shape, strict=True):
            sizes[label] = max(n, sizes.get(label, 1))
    output = output.replace("...", dots)
    out = numpy.zeros([sizes[label] for label in output], numpy.result_type(*xs))
    for index in itertools.product(*(range(n) for n in sizes.values())):
        at = dict(zip(sizes, index, strict=True))
        pick = [x[tuple(at[k] % n for k, n in zip(name, x.shape, strict=True))] for name, x in zip(names, xs, strict=True)]
        out[tuple(at[k] for k in output)] += math.prod(pick)
    return out


EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("bij,bjk", (2, 2, 3), (2, 3, 2)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("i,i->", (3,), (3,)),
    ("ij,k->i", (2, 3), (4,)),
    ("...ij,...jk->...ik", (2, 2, 3), (3, 2)),
    ("...ij,...jk->...ik", (1, 2, 3), (2, 3, 2)),
    ("i...,i...->...", (3, 2), (3,)),
    ("i...,...->i...", (3,), (4, 2)),
    ("ij...,j->i...", (2, 3, 2), (3,)),
    ("iij,j->ij", (3, 3, 2), (2,)),
    ("iji,k->jk", (3, 2, 3), (2,)),
    ("ijk->kij", (2, 3, 4)),
    ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)),
    ("ij,ij->ij", (1, 3), (2, 3)),
    ("i...i->...", (3, 2, 3)),
    (",ij->ij", (), (2, 3)),
]
samples(
    "einsum",
    einsum,
    *(case(*(normal(*shape, seed=i) for i, shape in enumerate(shapes)), equation=text) for text, *shapes in EQUATIONS),
    kinds="if",
    refuses=(
        case(SQUARE, equation="ij,jk->ik"),
        case(SQUARE, equation="ijk->i"),
        case(SQUARE, equation="i->i"),
        case(SQUARE, equation="ij->ik"),
        case(SQUARE, equation="ij->ii"),
        case(SQUARE, equation="...j->j"),
        case(SQUARE, equation="i1->i"),
        case(normal(2, 3), equation="ii->i"),
        case(normal(2, 3), normal(2, 4), equation="ij,ij->i"),
    ),
)
samples(
    "equal_labels_like",
    lambda x, labels: numpy.array(
        [len(set(zip(labels, index, strict=True))) == len(set(labels)) for index in numpy.ndindex(*x.shape)], x.dtype
    ).reshape(x.shape),
    *(case(integers(0, 9, *[3] * len(labels)), labels=labels) for labels in ("ij", "ii", "iji", "iii", "iijj")),
    kinds=ANY,
)


def tensordot(x, y, axes=2):
    left, right = (range(x.ndim - axes, x.ndim), range(axes)) if isinstance(axes, int) else axes
    left, right = [a % x.ndim for a in left], [a % y.ndim for a in right]
    x = numpy.moveaxis(x, left, range(x.ndim - len(left), x.ndim))
    y = numpy.moveaxis(y, right, range(len(right)))
    kept, shape = x.shape[: x.ndim - len(left)], y.shape[: len(right)]
    terms = x.reshape(kept + shape + (1,) * (y.ndim - len(right))) * y
    return terms.sum(tuple(range(len(kept), len(kept) + len(shape))))


samples(
    "tensordot",
    tensordot,
    case(normal(2, 3, 4), normal(3, 4, 2)),
    case(normal(2, 3, 4), normal(2, 4, 2), axes=((0, -1), (2, 1))),
    case(normal(2, 3), normal(4), axes=0),
    case(normal(2, 3), normal(3, 2), axes=((1, 0), (0, 1))),
    kinds="if",
    refuses=(
        case(normal(2, 3), normal(2, 3), axes=1),
        case(normal(2, 3), normal(3), axes=2),
        case(normal(2, 3), normal(3), axes=((0, 1), (0,))),
        case(normal(2, 3), normal(3), axes=((2,), (0,))),
    ),
)

# Parts


def on_diagonal(like, values, offset=0):
    out = numpy.zeros(like, values.dtype)
    for index in numpy.ndindex(*like):
        if index[-1] - index[-2] == offset:
            out[index] = values[(*index[:-2], min(index[-2:]))]
    return out


def where(condition):
    """The elements of matrices for which ``condition(row, column, offset)`` holds, zeros elsewhere."""

    def reference(x, offset=0):
        out = numpy.zeros_like(x)
        for index in numpy.ndindex(*x.shape):
            out[index] = x[index] if condition(*index[-2:], offset) else 0
        return out

    return reference


def diagonal(x, offset=0):
    rows, columns = x.shape[-2:]
    places = [(i, i + offset) for i in range(rows) if 0 <= i + offset < columns]
    return (
        numpy.array([x[..., i, j] for i, j in places], x.dtype)
        .reshape(len(places), *x.shape[:-2])
        .transpose(*range(1, x.ndim - 1), 0)
    )


AT_OFFSETS = tuple(case(WIDE, offset=offset) for offset in (-2, -1, 0, 1, 4, 9))
VECTORS = (case(normal(3)),)
samples("tril", where(lambda i, j, offset: j - i <= offset), *AT_OFFSETS, kinds=ANY, refuses=VECTORS)
samples("triu", where(lambda i, j, offset: j - i >= offset), *AT_OFFSETS, kinds=ANY, refuses=VECTORS)
samples("diagonal", diagonal, *AT_OFFSETS, case(SQUARE), kinds=ANY, refuses=VECTORS)
samples(
    "diagonal_adjoint",
    lambda x, like, offset=0: on_diagonal(like.shape, x, offset),
    case(normal(2, 3), integers(0, 9, 2, 3, 5)),
    case(normal(2, 2), integers(0, 9, 2, 3, 5), offset=-1),
    case(normal(2, 2), integers(0, 9, 2, 3, 5), offset=3),
    kinds=ANY,
)
samples(
    "diag",
    lambda x, offset=0: on_diagonal((*x.shape[:-1], *[x.shape[-1] + abs(offset)] * 2), x, offset),
    case(normal(3)),
    case(normal(2, 3), offset=1),
    case(normal(2, 0), offset=-2),
    kinds=ANY,
    refuses=(case(normal()),),
)
samples(
    "trace",
    lambda x: numpy.array(sum(x[..., i, i] for i in range(min(x.shape[-2:])))),
    case(SQUARE),
    case(WIDE),
    kinds="if",
    refuses=VECTORS,
)
samples(
    "trace_adjoint",
    lambda x, like: on_diagonal(like.shape, numpy.stack([x] * max(like.shape[-2:]), -1)),
    case(normal(2), integers(0, 9, 2, 3, 5)),
    case(normal(), integers(0, 9, 3, 3)),
    kinds="if",
)

# Solving


def det(x):
    if not x.shape[-1]:
        return numpy.ones(x.shape[:-2], x.dtype)
    out = 0
    for order in itertools.permutations(range(x.shape[-1])):
        swaps = sum(a > b for a, b in itertools.combinations(order, 2))
        out = out + (-1) ** swaps * math.prod(x[..., i, j] for i, j in enumerate(order))
    return numpy.array(out)


def solve(a, b):
    """Cramer's rule."""
    columns = []
    for i in range(a.shape[-1]):
        changed = numpy.repeat(a[..., None, :, :], b.shape[-1], -3)
        changed[..., :, i] = numpy.swapaxes(b, -1, -2)
        columns.append(det(changed) / det(a)[..., None])
    return numpy.stack(columns, -2)


NOT_SQUARE = (case(WIDE), case(normal(3)))
samples(
    "inverse",
    lambda x: solve(x, numpy.broadcast_to(numpy.eye(x.shape[-1]), x.shape)),
    case(SQUARE),
    case(BATCH),
    refuses=NOT_SQUARE,
)
samples("det", det, case(SQUARE), case(BATCH), case(normal(0, 0)), refuses=NOT_SQUARE)
samples(
    "solve",
    solve,
    case(SQUARE, normal(3, 2)),
    case(BATCH, normal(2, 3, 1)),
    refuses=(case(SQUARE, normal(2, 3)), case(WIDE, WIDE), case(SQUARE, normal(3)), case(SQUARE, BATCH)),
)
