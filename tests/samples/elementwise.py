"""Samples of arithmetic, powers, minimum and maximum, blends and casts."""

from __future__ import annotations

import numpy

from tests.samples.table import case, normal, samples, uniform


PAIR = case(normal(3, 4), normal(3, 4, seed=1))
STRETCHED = case(normal(2, 1, 3), normal(4, 1, seed=1))
SCALAR = case(normal(), normal(3, seed=1))
LITERAL = case(normal(2, 3), 2.5)
QUOTIENT = case(normal(3, 4), uniform(0.5, 2.0, 3, 4))
ONE = case(normal(3, 4)), case(normal())
TIES = numpy.array([1.0, 2.0, 3.0]), numpy.array([2.0, 2.0, 2.0])


def add(x, y):
    return x | y if numpy.result_type(x, y).kind == "b" else x - (-y)


def multiply(x, y):
    return x & y if numpy.result_type(x, y).kind == "b" else x * y


samples("add", add, PAIR, STRETCHED, SCALAR, kinds="bif")
samples("subtract", lambda x, y: -(y - x), PAIR, STRETCHED, SCALAR, LITERAL, kinds="if")
samples("multiply", multiply, PAIR, STRETCHED, SCALAR, kinds="bif")
samples(
    "divide",
    lambda x, y: x / y,
    QUOTIENT,
    case(normal(2, 1, 3), uniform(1, 2, 4, 1)),
    case(2.5, uniform(1, 2, 3)),
    kinds="bif",
)
samples("floor_divide", lambda x, y: x // y, QUOTIENT, case(normal(2, 3), -0.75), kinds="if")
samples("remainder", lambda x, y: x % y, QUOTIENT, case(normal(2, 3), -0.75), kinds="if")
samples("fmod", numpy.fmod, QUOTIENT, case(normal(2, 3), -0.75), kinds="if")
samples("negative", lambda x: 0 - x, *ONE, kinds="if")
samples("absolute", numpy.fabs, *ONE, kinds="bif")
samples("sign", lambda x: numpy.where(x > 0, 1, numpy.where(x < 0, -1, x)), *ONE, kinds="if")
samples("reciprocal", lambda x: 1 / x, case(uniform(0.5, 2.0, 3, 4)), case(uniform(-2.0, -0.5, 3)), kinds="bif")
samples(
    "power",
    numpy.power,
    case(uniform(0.5, 2.0, 3, 4), uniform(0.5, 2.0, 4)),
    *(case(uniform(0.5, 2.0, 3), exponent) for exponent in (0, 1, 2, 2.0, 3, 0.5, -1.0, 1.7)),
    case(normal(3, 4), 2),
    case(1.5, normal(3)),
    kinds="if",
)
EXTREMES = PAIR, STRETCHED, SCALAR, LITERAL, case(*PAIR.args, tie="both")
samples("maximum", lambda x, y, tie="": numpy.where((x > y) | (x != x), x, y), *EXTREMES, kinds="bif")
samples("minimum", lambda x, y, tie="": numpy.where((x < y) | (x != x), x, y), *EXTREMES, kinds="bif")
samples(
    "clip",
    lambda x, min, max: numpy.clip(x, min, max),
    case(normal(3, 4), min=-0.5, max=1.0),
    case(normal(3), min=0, max=2),
    kinds="if",
)
samples("squared_difference", lambda x, y: abs(x - y) ** 2, PAIR, STRETCHED, LITERAL, kinds="if")
samples("lerp", lambda x, y, w: x + w * (y - x), case(*PAIR.args, uniform(0, 1, 4)), case(*PAIR.args, 0.25), kinds="if")
samples("identity", lambda x: x, *ONE, kinds="bif")
samples("stop_gradient", lambda x: x, *ONE, kinds="bif")
samples(
    "cast",
    lambda x, dtype: numpy.array(x, dtype),
    case(normal(3, 4), dtype="float64"),
    case(normal(3), dtype="int64"),
    kinds="bif",
)
samples(
    "cast_like",
    lambda x, like: numpy.array(x, like.dtype),
    case(normal(3, 4), normal(2)),
    case(normal(3), numpy.arange(2)),
    kinds="bif",
)
