"""Samples of normalisation by mean and variance."""

from __future__ import annotations

import numpy

from tests.samples.table import case, normal, samples, uniform


def batch_norm(x, scale, offset, epsilon):
    axes = tuple(range(x.ndim - 1))
    mean, variance = numpy.mean(x, axes), numpy.var(x, axes)
    return (x - mean) / numpy.sqrt(variance + epsilon) * scale + offset, mean, variance


samples(
    "batch_norm",
    batch_norm,
    case(normal(6, 3), uniform(0.5, 2, 3), normal(3), epsilon=1e-3),
    case(normal(2, 3, 4, 2), uniform(0.5, 2, 2), normal(2), epsilon=1e-1),
    case(normal(1, 2), uniform(0.5, 2, 2), normal(2), epsilon=1e-3),
    tolerance=1e-5,
    refuses=(
        case(normal(6, 3), normal(2), normal(3), epsilon=1e-3),
        case(normal(6, 3), normal(3), normal(2), epsilon=1e-3),
        case(normal(6, 3), normal(3, 1), normal(3), epsilon=1e-3),
    ),
)


def standardize(x, scale, offset, axis, epsilon, uniform=False):
    mean, variance = numpy.mean(x, axis, keepdims=True), numpy.var(x, axis, keepdims=True)
    return (x - mean) / numpy.sqrt(variance + epsilon) * scale + offset, mean, variance


samples(
    "standardize",
    standardize,
    case(normal(6, 3), uniform(0.5, 2, 3), normal(3), axis=(0,), epsilon=1e-3),
    case(normal(6, 3), uniform(0.5, 2, 3), normal(3), axis=(-1,), epsilon=1e-1),
    case(normal(2, 3, 4), uniform(0.5, 2, 3, 1), normal(3, 1), axis=(0, 2), epsilon=1e-1, uniform=True),
    case(normal(2, 2, 3, 2), uniform(0.5, 2, 2, 3, 1), normal(2, 3, 1), axis=(2, 3), epsilon=1e-1),
    case(normal(2, 5), uniform(0.5, 2), numpy.array(0.0), axis=(1,), epsilon=1e-1),
    tolerance=1e-5,
    refuses=(
        case(normal(6, 3), normal(2), normal(3), axis=(0,), epsilon=1e-3),
        case(normal(6, 3), normal(3), normal(2, 6, 3), axis=(0,), epsilon=1e-3),
        case(normal(6, 3), normal(3), normal(3), axis=(2,), epsilon=1e-3),
    ),
)
samples(
    "sum_products",
    lambda x, y, axis: (x * y).sum(axis, keepdims=True),
    *(case(normal(2, 3, 4), normal(2, 3, 4, seed=1), axis=axis) for axis in ((0,), (-1,), (0, 2), (0, 1, 2), ())),
    case(normal(2, 0), normal(2, 0), axis=(1,)),
    refuses=(
        case(normal(2, 3), normal(2, 1), axis=(0,)),
        case(normal(2, 3), normal(3), axis=(0,)),
        case(normal(2, 3), normal(2, 3), axis=(2,)),
    ),
)
