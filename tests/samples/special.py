"""Samples of special functions; references are the standard library's, and long sums."""

from __future__ import annotations

import math

import numpy

from tests.samples.table import case, normal, samples, uniform


def each(function):
    """``function`` of Python floats, element by element, in the arrays' dtype (float64 for integers)."""

    def reference(x, **settings):
        out = numpy.array([function(float(v), **settings) for v in numpy.ravel(x)]).reshape(numpy.shape(x))
        return out.astype(x.dtype if x.dtype.kind == "f" else numpy.float64)

    return reference


def lgamma(x):
    if x <= 0 and not math.isinf(x) and x == math.floor(x):
        return math.inf
    return math.lgamma(x)


def polygamma(x, *, order=0):
    """The defining sum, 3,000 terms of it, and the first of the Euler-Maclaurin formula for the rest."""
    if x == math.inf:
        return math.inf if order == 0 else 0.0
    if not x > 0 and (math.isnan(x) or math.isinf(x) or order > 1 or x == math.floor(x)):
        return math.nan
    if x < 0 and order == 0:
        return polygamma(1 - x) - math.pi / math.tan(math.pi * x)
    if x < 0:
        return (math.pi / math.sin(math.pi * x)) ** 2 - polygamma(1 - x, order=1)
    z = x + 3000
    total = math.fsum((x + k) ** -(order + 1) for k in range(3000))
    if order == 0:
        return math.log(z) - 0.5 / z - 1 / (12 * z**2) - total
    rest = math.factorial(order - 1) / z**order + math.factorial(order) / (2 * z ** (order + 1))
    rest += math.factorial(order + 1) / (12 * z ** (order + 2))
    return (-1) ** (order + 1) * (math.factorial(order) * total + rest)


samples(
    "lgamma",
    each(lgamma),
    case(uniform(0.05, 9.0, 12)),
    case(uniform(-4.9, -4.1, 3)),
    case(numpy.array([0.3, 1.0, 2.0, 0.5, 12.0, 40.0])),
    kinds="if",
)
samples(
    "polygamma",
    each(polygamma),
    case(uniform(0.2, 9.0, 8)),
    case(uniform(0.2, 9.0, 8), order=1),
    case(uniform(0.5, 5.0, 4), order=2),
    case(uniform(1.5, 5.0, 4), order=5),
    case(numpy.array([0.01, 1.0, 100.0]), order=0),
    kinds="if",
    tolerance=1e-5,
)
samples(
    "erfc",
    each(math.erfc),
    case(normal(3, 4)),
    case(numpy.array([-7.0, -0.3, 0.0, 0.46, 0.47, 3.9, 4.1, 5.5])),
    kinds="if",
)
