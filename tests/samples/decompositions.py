"""Samples of what is had from matrices through their factors; references are the definitions, on one matrix at a time."""

from __future__ import annotations

import math

import numpy

from tests.samples.factors import batched
from tests.samples.table import case, normal, samples


SQUARE = normal(3, 3) + 2 * numpy.eye(3)
BATCH = normal(2, 3, 3)


def eliminated(a):
    """Gaussian elimination with rows exchanged: permutation, lower and upper triangle."""
    rows, columns = a.shape
    order, a = list(range(rows)), a.copy()
    lower = numpy.eye(rows, min(rows, columns))
    for k in range(min(rows, columns)):
        best = max(range(k, rows), key=lambda i: abs(a[i, k]))
        a[[k, best]], lower[[k, best], :k] = a[[best, k]], lower[[best, k], :k]
        order[k], order[best] = order[best], order[k]
        for i in range(k + 1, rows):
            lower[i, k] = a[i, k] / a[k, k]
            a[i] = a[i] - lower[i, k] * a[k]
    p = numpy.zeros((rows, rows))
    p[order, range(rows)] = 1
    return p, lower, numpy.triu(a[: min(rows, columns)])


def determinant(a):
    if not len(a):
        return 1.0
    minors = (numpy.delete(numpy.delete(a, 0, 0), j, 1) for j in range(len(a)))
    return sum((-1) ** j * a[0, j] * determinant(m) for j, m in enumerate(minors))


def slogdet(a):
    d = determinant(a)
    return numpy.array(numpy.sign(d)), numpy.array(math.log(abs(d)) if d == d else d)


def iterated(a, rtol=None, atol=0.0):
    """The pseudo-inverse as the limit of Newton's iteration (Ben-Israel and Cohen 1966)."""
    if numpy.isnan(a).any():
        return (numpy.full(a.T.shape, math.nan),)
    x = a.T / (a * a).sum()
    for _ in range(100):
        x = x @ (2 * numpy.eye(len(a)) - a @ x)
    return (x,)


def exponential(a):
    """The defining sum, of the matrix halved five times, squared as often."""
    total = term = numpy.eye(len(a))
    for k in range(1, 40):
        term = term @ a / 32 / k
        total = total + term
    for _ in range(5):
        total = total @ total
    return (total * (1 if total.size and numpy.isfinite(total).all() else math.nan),)


RECTANGLES = (case(normal(3, 5)), case(normal(5, 3)), case(normal(2, 4, 2)))
BAD = (case(normal(3)), case(normal(2, 3)))
samples("slogdet", batched(slogdet, counts=2), case(SQUARE), case(BATCH), refuses=BAD)
samples("lu", batched(eliminated, counts=3), case(SQUARE), case(BATCH), refuses=(case(normal(3)),))
samples("pinv", batched(iterated, counts=1), case(SQUARE), *RECTANGLES, refuses=(case(normal(3)),), tolerance=1e-5)
samples(
    "matrix_exp",
    batched(exponential, counts=1),
    case(SQUARE),
    case(BATCH),
    case(normal(2, 2) * 4),
    refuses=BAD,
    tolerance=1e-5,
)
