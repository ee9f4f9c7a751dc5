"""Samples of ``loop`` and ``branch``: counted, by condition, backwards, with sums; each of two bodies."""

from __future__ import annotations

from typing import Any

import numpy

from graphs.control import branch as branch, loop as loop
from graphs.core.function import Function, trace
from graphs.core.spec import Spec
from graphs.ops import exp, less, matmul, multiply, sin, softmax, sum as total, tanh
from tests.samples.table import case, normal, samples


_F = numpy.float64


def _function(fn: Any, *shapes: tuple[int, ...]) -> Function:
    return trace(fn, *(Spec(shape, _F) for shape in shapes))[0]


def recurrent(h: Any, x: Any, w: Any) -> Any:
    new = tanh(matmul(h, w) + x)
    return new, new * 2.0


def shrinking(x: Any, scale: Any) -> Any:
    return sin(x) * scale


def bounded(x: Any, scale: Any) -> Any:
    return less(0.3, total(multiply(x, x)))


def growing(h: Any, x: Any, w: Any) -> Any:
    new = h * w + tanh(x)
    return new, sin(new)


def small(h: Any, w: Any) -> Any:
    return less(total(h), 20.0)


def summing(x: Any, w: Any) -> Any:
    return softmax(x, axis=0) * 1.5, x * w


def _scan(n: Any, h: Any, xs: Any, w: Any, reverse: bool = False, **_: Any) -> Any:
    ys = []
    for x in xs[::-1] if reverse else xs:
        h = numpy.tanh(h @ w + x)
        ys.append(h * 2.0)
    stacked = numpy.stack(ys) if ys else numpy.zeros((0, *h.shape))
    return numpy.asarray(len(xs)), h, stacked[::-1] if reverse else stacked


def _while(n: Any, x: Any, scale: Any, **_: Any) -> Any:
    rounds = 0
    while rounds != n and (x * x).sum() > 0.3:
        x = numpy.sin(x) * scale
        rounds += 1
    return numpy.asarray(rounds), x


def _until(n: Any, h: Any, xs: Any, w: Any, **_: Any) -> Any:
    ys: list[Any] = []
    while len(ys) != n and h.sum() < 20.0:
        h = h * w + numpy.tanh(xs[len(ys)])
        ys.append(numpy.sin(h))
    return numpy.asarray(len(ys)), h, numpy.stack(ys) if ys else numpy.zeros((0, *h.shape))


def _summed(n: Any, like: Any, xs: Any, w: Any, **_: Any) -> Any:
    return numpy.asarray(int(n)), 1.5 * numpy.exp(xs) / numpy.exp(xs).sum(1, keepdims=True), (xs * w).sum(0)


_REFERENCES = {"recurrent": _scan, "shrinking": _while, "summing": _summed, "growing": _until}
_scanning = {"body": _function(recurrent, (2, 3), (2, 3), (3, 3)), "states": 1, "sequences": 1}
_by_condition = {"body": _function(shrinking, (3,), ()), "cond": _function(bounded, (3,), ()), "states": 1}
_until_large = {"body": _function(growing, (3,), (3,), (3,)), "cond": _function(small, (3,), (3,))}

samples(
    "loop",
    lambda *args, body, **params: _REFERENCES[body.name](*args, **params),
    case(numpy.asarray(4), normal(2, 3), normal(4, 2, 3), normal(3, 3), **_scanning),
    case(numpy.asarray(4), normal(2, 3), normal(4, 2, 3), normal(3, 3), **_scanning, reverse=True),
    case(numpy.asarray(-1), normal(3), numpy.asarray(0.8), **_by_condition),
    case(numpy.asarray(2), normal(3), numpy.asarray(0.8), **_by_condition),
    case(numpy.asarray(3), normal(2), normal(3, 2), normal(2), body=_function(summing, (2,), (2,)), sums=1, sequences=1),
    case(
        numpy.asarray(-1),
        numpy.asarray([3.0, 1.0, 2.0]),
        normal(5, 3),
        numpy.asarray([1.5, 1.3, 1.8]),
        **_until_large,
        states=1,
        sequences=1,
    ),
    kinds="f",
    refuses=(case(numpy.asarray(4), normal(2, 3), normal(4, 2, 3), **_scanning),),
)


def product(x: Any, y: Any) -> Any:
    return x * y, sin(x)


def power(x: Any, y: Any) -> Any:
    return exp(x), x * 3.0


_branches = (_function(product, (3,), (3,)), _function(power, (3,), (3,)))
_results = (lambda x, y: (x * y, numpy.sin(x)), lambda x, y: (numpy.exp(x), x * 3.0))

samples(
    "branch",
    lambda index, *args, **_: _results[int(index)](*args),
    case(numpy.asarray(0), normal(3), normal(3, seed=1), branches=_branches),
    case(numpy.asarray(True), normal(3), normal(3, seed=1), branches=_branches),
    case(numpy.asarray(1), normal(3, seed=2), normal(3), branches=_branches),
    kinds="f",
    refuses=(case(numpy.asarray([0, 1]), normal(3), normal(3), branches=_branches),),
)
