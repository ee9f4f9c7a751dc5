"""Samples of the normal distribution's tails, Bessel functions and incomplete gammas; references are sums and integrals."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy

from tests.samples.numbers import pairs
from tests.samples.special import each
from tests.samples.table import case, normal, samples, uniform


def erfcx(x):
    if math.isinf(x):
        return 0.0 if x > 0 else math.inf
    return math.exp(x * x) * math.erfc(x)


def log_ndtr(x):
    if x == -math.inf or x != x:
        return x
    upper = math.erfc(x / math.sqrt(2)) / 2
    return math.log1p(-upper) if x > 0 else math.log(math.erfc(-x / math.sqrt(2)) / 2)


def ndtri(p):
    if p in (0, 1):
        return math.copysign(math.inf, p - 0.5)
    return NormalDist().inv_cdf(p) if 0 < p < 1 else math.nan


samples("erfcx", each(erfcx), case(normal(3, 4)), case(numpy.array([-3.0, -0.3, 0.0, 0.4, 0.5, 3.9, 4.1, 5.5])), kinds="if")
samples("log_ndtr", each(log_ndtr), case(normal(3, 4)), case(numpy.array([-5.5, -1.1, -0.9, 0.0, 3.0])), kinds="if")
samples(
    "erfinv",
    each(lambda x: ndtri((x + 1) / 2) / math.sqrt(2)),
    case(uniform(-0.8, 0.8, 12)),
    case(numpy.array([-0.5, 0.0, 0.9, 0.95])),
    kinds="if",
)
samples("ndtri", each(ndtri), case(uniform(0.1, 0.9, 12)), case(numpy.array([0.02, 0.075, 0.5, 0.98])), kinds="if")


def bessel(order, scaled):
    """The integral of ``exp(x cos t) cos(order t)`` over half a turn, by the trapezoidal rule."""

    def function(x):
        if math.isinf(x):
            return 0.0 if scaled else math.copysign(math.inf, x) if order else math.inf
        steps = 400
        angles = [math.pi * k / steps for k in range(1, steps)]
        shift = abs(x) if scaled else 0.0
        ends = (math.exp(x - shift) + math.exp(-x - shift) * math.cos(order * math.pi)) / 2
        return math.fsum([ends, *(math.exp(x * math.cos(t) - shift) * math.cos(order * t) for t in angles)]) / steps

    return each(function)


FEW, MORE = normal(3, 4), numpy.array([-31.0, -29.0, -5.0, 0.5, 12.0, 35.0])
for _order, _name in enumerate(("i0", "i1")):
    samples(_name, bessel(_order, False), case(FEW), case(MORE[2:4]), kinds="if", tolerance=1e-5)
    samples(f"{_name}e", bessel(_order, True), case(FEW), case(MORE), kinds="if", tolerance=1e-5)


def lower(a, x):
    """The power series of the lower incomplete gamma function."""
    a, x = float(a), float(x)
    if not (a > 0 and x >= 0 and math.isfinite(a)):
        return math.nan
    if math.isinf(x):
        return 1.0
    terms = (math.exp(-x + (a + n) * math.log(x) - math.lgamma(a + n + 1)) for n in range(200)) if x else [0.0]
    return math.fsum(terms)


X = uniform(0.2, 9.0, 3, 4)
samples("igamma", pairs(lower), case(2.5, X), case(7.0, X), case(0.5, numpy.array([0.1, 3.0])), kinds="if", tolerance=1e-5)
samples(
    "igammac",
    pairs(lambda a, x: 1 - lower(a, x)),
    case(2.5, X),
    case(7.0, X),
    case(0.5, numpy.array([0.1, 3.0])),
    kinds="if",
    tolerance=1e-5,
)


def zeta(s, q):
    """The defining sum, 3,000 terms of it, and the first of the Euler-Maclaurin formula for the rest."""
    s, q = float(s), float(q)
    if q == -math.inf:
        return math.inf
    if q != q or (q < 0 and q != math.floor(q)):
        return math.nan
    if q <= 0:
        return math.inf
    if math.isinf(q):
        return 0.0
    z = q + 3000
    rest = z ** (1 - s) / (s - 1) + 0.5 * z**-s + s * z ** (-s - 1) / 12
    return math.fsum([*((k + q) ** -s for k in range(3000)), rest])


samples("zeta", pairs(zeta), case(2.5, uniform(0.3, 5.0, 6)), case(6.5, uniform(0.5, 5.0, 6)), kinds="if", tolerance=1e-5)
