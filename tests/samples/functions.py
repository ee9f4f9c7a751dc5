"""Samples of the elementary functions; references go through another formula or Python's ``math``."""

from __future__ import annotations

import math

import numpy

from tests.samples.table import case, normal, samples, uniform


ANY = case(normal(3, 4)), case(normal())
POSITIVE = case(uniform(0.5, 3.0, 3, 4)), case(uniform(0.5, 3.0))
INSIDE = case(uniform(-0.8, 0.8, 3, 4)), case(uniform(-0.8, 0.8))
ABOVE_ONE = case(uniform(1.2, 3.0, 3, 4))
TWO = case(normal(3, 4), normal(4, seed=1))


def each(function):
    """``function`` of one Python float, applied element by element."""
    return numpy.vectorize(function, otypes=[float])


def sinc(x):
    return numpy.where(x == 0, 1.0, numpy.sin(math.pi * x) / (math.pi * numpy.where(x == 0, 1.0, x)))


def tangent(x):
    return numpy.sin(x) / numpy.cos(x)


samples("square", lambda x: x * x, *ANY, kinds="if")
samples("sqrt", lambda x: numpy.where(x == -math.inf, math.nan, numpy.power(x, 0.5)), *POSITIVE, kinds="if")
samples("rsqrt", lambda x: 1 / numpy.sqrt(x), *POSITIVE, kinds="if")
samples("cbrt", lambda x: numpy.copysign(numpy.power(abs(x), 1 / 3), x), *POSITIVE, case(uniform(-3, -0.5, 3)), kinds="if")
samples("exp", lambda x: numpy.power(math.e, x), *ANY, kinds="if")
samples("exp2", lambda x: numpy.power(2.0, x), *ANY, kinds="if")
samples("expm1", lambda x: numpy.exp(x) - 1, *ANY, kinds="if")
samples("log", lambda x: numpy.log2(x) * math.log(2), *POSITIVE, kinds="if")
samples("log2", lambda x: numpy.log(x) / math.log(2), *POSITIVE, kinds="if")
samples("log10", lambda x: numpy.log(x) / math.log(10), *POSITIVE, kinds="if")
samples("log1p", lambda x: numpy.log(1 + x), *POSITIVE, case(uniform(-0.8, 0.8, 3)), kinds="if")
samples("logaddexp", lambda x, y: numpy.log(numpy.exp(x) + numpy.exp(y)), TWO, case(normal(3), 0.5), kinds="if")
samples("erf", each(math.erf), *ANY, case(uniform(-7, 7, 30)), kinds="if")
samples("sinc", sinc, *ANY, case(numpy.array([0.0, 1e-3, -2.0])), kinds="if", tolerance=1e-5)

samples("floor", lambda x: numpy.where(x < numpy.trunc(x), numpy.trunc(x) - 1, numpy.trunc(x)), *ANY, kinds="if")
samples("ceil", lambda x: -numpy.floor(-x), *ANY, kinds="if")
samples("trunc", lambda x: numpy.where(x < 0, numpy.ceil(x), numpy.floor(x)), *ANY, kinds="if")
samples("round", numpy.rint, *ANY, case(numpy.array([0.5, 1.5, 2.5, -0.5]) + 1e-4), kinds="if")

samples("sin", each(lambda x: math.sin(x) if math.isfinite(x) else math.nan), *ANY, kinds="if")
samples("cos", each(lambda x: math.cos(x) if math.isfinite(x) else math.nan), *ANY, kinds="if")
samples("tan", tangent, *INSIDE, kinds="if")
samples("asin", lambda x: numpy.arctan2(x, numpy.sqrt(1 - x * x)), *INSIDE, kinds="if")
samples("acos", lambda x: numpy.arctan2(numpy.sqrt(1 - x * x), x), *INSIDE, kinds="if")
samples("atan", lambda x: numpy.arctan2(x, 1.0), *ANY, kinds="if")
samples("atan2", each(math.atan2), TWO, case(normal(3), 0.5), kinds="if")
samples("sinh", lambda x: (numpy.exp(x) - numpy.exp(-x)) / 2, *ANY, kinds="if")
samples("cosh", lambda x: (numpy.exp(x) + numpy.exp(-x)) / 2, *ANY, kinds="if")
samples("tanh", each(math.tanh), *ANY, kinds="if")
samples("asinh", each(math.asinh), *ANY, kinds="if")
samples("acosh", lambda x: numpy.log(x + numpy.sqrt(x - 1) * numpy.sqrt(x + 1)), ABOVE_ONE, kinds="if")
samples("atanh", lambda x: (numpy.log(1 + x) - numpy.log(1 - x)) / 2, *INSIDE, kinds="if")
