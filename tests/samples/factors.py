"""Samples of factorisations; references are the textbook algorithms, on one matrix at a time."""

from __future__ import annotations

import math

import numpy

from tests.samples.table import case, normal, samples


def batched(factorise, *, counts):
    """``factorise`` of one matrix, for each of several; all NaN where a matrix has a NaN."""

    def reference(x):
        found = zip(*(factorise(m.astype(float)) for m in x.reshape(-1, *x.shape[-2:])), strict=True)
        outs = tuple(numpy.reshape(parts, (*x.shape[:-2], *parts[0].shape)).astype(x.dtype) for parts in found)
        return outs if counts > 1 else outs[0]

    return reference


def cholesky(a):
    a = (a + a.T) / 2
    out = numpy.zeros_like(a)
    if numpy.isnan(a).any():
        return (out + math.nan,)
    for i in range(len(a)):
        for j in range(i + 1):
            rest = a[i, j] - out[i, :j] @ out[j, :j]
            out[i, j] = math.sqrt(rest) if i == j else rest / out[j, j]
    return (out,)


def signs(vectors):
    return numpy.array([math.copysign(1, column[abs(column).argmax()]) for column in vectors.T])


def rotated(a):
    """Eigenvalues and eigenvectors of a symmetric matrix by Jacobi's rotations, in ascending order."""
    a, vectors = a.copy(), numpy.eye(len(a))
    for _ in range(30):
        for p in range(len(a)):
            for q in range(p + 1, len(a)):
                if abs(a[p, q]) > 1e-300:
                    angle = 0.5 * math.atan2(2 * a[p, q], a[q, q] - a[p, p])
                    turn = numpy.eye(len(a))
                    turn[[p, q], [p, q]] = math.cos(angle)
                    turn[p, q], turn[q, p] = math.sin(angle), -math.sin(angle)
                    a, vectors = turn.T @ a @ turn, vectors @ turn
    order = numpy.argsort(numpy.diagonal(a))
    return numpy.diagonal(a)[order], vectors[:, order]


def eigh(a):
    if numpy.isnan(a).any():
        return a[0] * math.nan, a * math.nan
    values, vectors = rotated((a + a.T) / 2)
    return values, vectors * signs(vectors)


def svd(a):
    side = min(a.shape)
    if numpy.isnan(a).any():
        return numpy.full(side, math.nan), numpy.full((len(a), side), math.nan), numpy.full((a.shape[1], side), math.nan)
    values, v = rotated(a.T @ a)
    values, v = numpy.sqrt(values[::-1][:side]), v[:, ::-1][:, :side]
    u = a @ v / values
    sign = signs(u)
    return values, u * sign, v * sign


def qr(a):
    """Householder's reflections."""
    q, r = numpy.eye(len(a)), a.copy()
    for k in range(min(len(a) - 1, a.shape[1])):
        column = r[k:, k].copy()
        column[0] += math.copysign(numpy.linalg.norm(column), column[0])
        column /= numpy.linalg.norm(column)
        r[k:] -= 2 * numpy.outer(column, column @ r[k:])
        q[:, k:] -= 2 * numpy.outer(q[:, k:] @ column, column)
    return q[:, : a.shape[1]], numpy.triu(r[: a.shape[1]])


POSITIVE = normal(3, 3) @ normal(3, 3).T + 3 * numpy.eye(3)
BATCH = normal(2, 3, 3) @ normal(2, 3, 3).swapaxes(1, 2) + 2 * numpy.eye(3)
LOPSIDED = (case(normal(2, 3)), case(normal(3)), case(numpy.ones((2, 2), int)))

SKEWED = POSITIVE + numpy.tril(normal(3, 3), -1) / 9

samples(
    "cholesky",
    batched(cholesky, counts=1),
    *(case(POSITIVE), case(BATCH), case(SKEWED)),
    tolerance=1e-5,
    refuses=LOPSIDED,
)
samples(
    "eigh",
    batched(eigh, counts=2),
    *(case(POSITIVE), case(BATCH), case(normal(4, 4))),
    tolerance=1e-5,
    refuses=LOPSIDED,
)
samples(
    "qr",
    batched(qr, counts=2),
    *(case(normal(3, 3)), case(normal(4, 2)), case(normal(2, 3, 2))),
    tolerance=1e-5,
    refuses=LOPSIDED,
)
samples(
    "svd",
    batched(svd, counts=3),
    *(case(normal(3, 3)), case(normal(4, 2)), case(normal(2, 2, 3))),
    tolerance=1e-4,
    refuses=LOPSIDED[1:],
)
