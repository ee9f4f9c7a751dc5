"""Samples of softmax and the cross-entropies."""

from __future__ import annotations

import numpy

from tests.samples.table import case, integers, normal, samples, uniform


X = normal(3, 4)
CUBE = normal(2, 3, 4)
EMPTY = case(normal(0, 4)), case(normal(3, 0))


def softmax(x, axis=-1):
    powers = numpy.exp(x)
    return powers / powers.sum(axis=axis, keepdims=True)


def log_softmax(x, axis=-1):
    return numpy.log(softmax(x, axis))


def cross_entropy(logits, labels, axis=-1):
    return numpy.sum(-labels * log_softmax(logits, axis), axis=axis)


def one_hot(labels, like, axis=-1):
    moved = numpy.moveaxis(numpy.zeros_like(like), axis, -1)
    for index in numpy.ndindex(labels.shape):
        moved[(*index, labels[index])] = 1
    return numpy.moveaxis(moved, -1, axis)


def binary_cross_entropy(x, target):
    return -(target * numpy.maximum(numpy.log(x), -100) + (1 - target) * numpy.maximum(numpy.log(1 - x), -100))


def sigmoid_cross_entropy(logits, labels):
    return numpy.logaddexp(0, -abs(logits)) + numpy.where(logits < 0, 0, logits) - logits * labels


samples(
    "softmax",
    softmax,
    case(X),
    case(CUBE, axis=1),
    case(normal(5), axis=0),
    *EMPTY,
    refuses=(case(X, axis=2), case(normal())),
)
samples(
    "log_softmax", log_softmax, case(X), case(CUBE, axis=1), case(normal(5), axis=0), *EMPTY, refuses=(case(X, axis=-3),)
)
samples(
    "binary_cross_entropy",
    binary_cross_entropy,
    case(uniform(0.1, 0.9, 3, 4), uniform(0.0, 1.0, 3, 4)),
    case(uniform(0.1, 0.9, 3, 4), uniform(0.0, 1.0, 4)),
    case(uniform(0.1, 0.9, 3, 4), 1.0),
)
samples(
    "sigmoid_cross_entropy_with_logits",
    sigmoid_cross_entropy,
    case(X, uniform(0.0, 1.0, 3, 4)),
    case(30 * X, uniform(0.0, 1.0, 4)),
)
samples(
    "softmax_cross_entropy_with_logits",
    cross_entropy,
    case(X, softmax(normal(3, 4, seed=1))),
    case(CUBE, uniform(0, 1, 2, 3, 4), axis=1),
    case(normal(0, 4), normal(0, 4)),
    refuses=(case(X, normal(3, 5)), case(X, normal(4)), case(X, X, axis=2)),
)
samples(
    "sparse_softmax_cross_entropy_with_logits",
    lambda logits, labels, axis=-1: cross_entropy(logits, one_hot(labels, logits, axis), axis),
    case(X, integers(0, 4, 3)),
    case(CUBE, integers(0, 3, 2, 4), axis=1),
    refuses=(case(X, integers(0, 4, 2)), case(X, normal(3)), case(X, integers(0, 4, 3, 4))),
)
samples("one_hot_like", one_hot, case(integers(0, 4, 3), X), case(integers(0, 3, 2, 4), CUBE, axis=1), kinds="bif")
