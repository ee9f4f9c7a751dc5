"""Samples of losses that reduce what they compute."""

from __future__ import annotations

import numpy

from tests.samples.table import case, integers, normal, samples


X, Y = 2 * normal(3, 4), normal(3, 4, seed=1)
CUBE = normal(2, 3, 4)
REDUCTIONS = ("none", "mean", "sum")
IGNORING = numpy.array([1, 7, 0])


def reduced(losses, reduction):
    return {"none": lambda x: x, "mean": numpy.mean, "sum": numpy.sum}[reduction](losses)


def smooth_l1(x, target, reduction="mean", beta=1.0):
    d = abs(x - target)
    return reduced(numpy.where(d < beta, d * d / (2 * beta), d - beta / 2), reduction)


def huber(x, target, reduction="mean", delta=1.0):
    return delta * smooth_l1(x, target, reduction, delta)


def nll(logs, target, axis=1, reduction="mean", ignore_index=-100):
    moved = numpy.moveaxis(logs, axis, -1)
    losses, counted = numpy.zeros(target.shape, logs.dtype), 0
    for index in numpy.ndindex(target.shape):
        if target[index] != ignore_index:
            losses[index] = -moved[(*index, target[index])]
            counted += 1
    return losses.sum() / losses.dtype.type(counted) if reduction == "mean" else reduced(losses, reduction)


def nll_adjoint(g, target, like, axis=1, reduction="mean", ignore_index=-100):
    out = numpy.moveaxis(numpy.zeros_like(like), axis, -1)
    kept = target != ignore_index
    each = numpy.broadcast_to(g / kept.sum() if reduction == "mean" else g, target.shape)
    for index in numpy.ndindex(target.shape):
        if kept[index]:
            out[(*index, target[index])] = -each[index]
    return numpy.moveaxis(out, -1, axis)


def pairs(**settings):
    yield from (case(X, Y, reduction=reduction, **settings) for reduction in REDUCTIONS)
    yield case(normal(), normal(seed=1), **settings)
    yield case(normal(0, 3), normal(0, 3), reduction="sum", **settings)


REFUSED = (case(X, normal(3, 5)), case(X, normal(4)))
samples(
    "mse_loss",
    lambda x, target, reduction="mean": reduced((x - target) ** 2, reduction),
    *pairs(),
    refuses=REFUSED,
)
samples("smooth_l1_loss", smooth_l1, *pairs(), *pairs(beta=0.3), refuses=REFUSED)
samples("huber_loss", huber, *pairs(), *pairs(delta=2.5), refuses=REFUSED)

WIDE = case(normal(5), numpy.array(3), axis=0)
samples(
    "nll_loss",
    nll,
    *(case(X, integers(0, 4, 3), reduction=reduction) for reduction in REDUCTIONS),
    *(case(CUBE, integers(0, 3, 2, 4), reduction=reduction) for reduction in REDUCTIONS),
    *(case(X, IGNORING, reduction=reduction, ignore_index=7) for reduction in REDUCTIONS),
    case(CUBE, integers(0, 3, 2, 4), ignore_index=1),
    case(CUBE, integers(0, 4, 2, 3), axis=2),
    WIDE,
    refuses=(case(X, integers(0, 4, 4)), case(X, normal(3)), case(X, integers(0, 4, 3), axis=2)),
)
samples(
    "nll_loss_adjoint",
    nll_adjoint,
    *(case(normal(), integers(0, 4, 3), X, reduction=reduction) for reduction in ("mean", "sum")),
    case(normal(3), integers(0, 4, 3), X, reduction="none"),
    case(normal(2, 4), integers(0, 3, 2, 4), CUBE, reduction="none"),
    case(normal(), integers(0, 3, 2, 4), CUBE, ignore_index=1),
    case(normal(), IGNORING, X, ignore_index=7),
    case(normal(), numpy.array(3), normal(5), axis=0),
    refuses=(case(normal(), normal(3), X),),
)
