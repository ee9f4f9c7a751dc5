"""Samples of ops on numbers as they are kept, and of products with logarithms; references go element by element."""

from __future__ import annotations

import math

import numpy

from tests.samples.table import case, integers, normal, samples, uniform


def pairs(function, *, whole=False):
    """``function`` of two Python numbers, element by element, in the dtype that numpy promotes to (float64 for integers)."""

    def reference(x, y):
        dtype = numpy.result_type(x, y)
        if dtype.kind != "f" and not whole:
            dtype = numpy.dtype(numpy.float64)
        x, y = numpy.broadcast_arrays(x, y)
        return numpy.array([function(a, b) for a, b in zip(x.flat, y.flat, strict=True)], dtype).reshape(x.shape)

    return reference


A, B, ROW = normal(3, 4), normal(3, 4, seed=1), normal(4)
AWAY = numpy.array([[0.7, -1.2], [2.5, -0.4]])

samples("copysign", pairs(math.copysign), case(A, B), case(A, ROW), kinds="if")
samples(
    "signbit",
    lambda x: numpy.array([math.copysign(1, v) < 0 if x.dtype.kind == "f" else bool(v < 0) for v in x.flat]).reshape(
        x.shape
    ),
    case(A),
    case(numpy.array([0.0, -0.0, -1.5])),
    kinds="bif",
)
samples("nextafter", lambda x, y: _next(x, y), case(A, B), case(A, ROW), case(AWAY, AWAY), kinds="if")
samples("heaviside", pairs(lambda a, b: _step(a, b), whole=True), case(A, B), case(numpy.round(A), ROW), kinds="if")
samples("frac", lambda x: x - numpy.sign(x) * numpy.floor(numpy.abs(x)), case(A * 3), case(AWAY), kinds="if")
samples("hypot", pairs(math.hypot), case(A, B), case(A, ROW), kinds="if")
samples("fmax", pairs(lambda a, b: _extreme(a, b, max), whole=True), case(A, B), case(A, ROW), kinds="if")
samples("fmin", pairs(lambda a, b: _extreme(a, b, min), whole=True), case(A, B), case(A, ROW), kinds="if")


def _next(x, y):
    dtype = numpy.result_type(x, y)
    dtype = dtype if dtype.kind == "f" else numpy.dtype(numpy.float64)
    x, y = (numpy.broadcast_to(each, numpy.broadcast_shapes(x.shape, y.shape)).astype(dtype) for each in (x, y))
    kind = f"i{dtype.itemsize}"
    tiny = numpy.copysign(numpy.ones((), kind).view(dtype), y)
    up = (y > x) == (x > 0)
    moved = numpy.where(x == 0, tiny, (x.copy().view(kind) + numpy.where(up, 1, -1).astype(kind)).view(dtype))
    return numpy.where(numpy.isnan(x) | numpy.isnan(y), numpy.nan, numpy.where(x == y, y, moved)).astype(dtype)


def _step(a, b):
    return a if a != a else b if a == 0 else float(a > 0)


def _extreme(a, b, choose):
    return b if a != a else a if b != b else choose(a, b)


def replaced(x, *, nan=0.0, posinf=None, neginf=None):
    if x.dtype.kind != "f":
        return x.copy()
    limits = numpy.finfo(x.dtype)
    out = numpy.where(x == numpy.inf, limits.max if posinf is None else posinf, x)
    out = numpy.where(x == -numpy.inf, limits.min if neginf is None else neginf, out)
    return numpy.where(x != x, nan, out).astype(x.dtype)


HOLES = numpy.array([1.5, math.nan, -2.0, 0.0])
samples("nan_to_num", replaced, case(A), case(A, nan=2.0, posinf=1.0, neginf=-1.0), kinds="if")


def frexp(x):
    found = [math.frexp(v) if math.isfinite(v) else (v, 0) for v in map(float, x.flat)]
    return (
        numpy.array([m for m, _ in found], x.dtype).reshape(x.shape),
        numpy.array([e for _, e in found], "int32").reshape(x.shape),
    )


samples("frexp", frexp, case(A), case(AWAY * 100))

K = integers(-12, 13, 3, 4)
samples("gcd", pairs(math.gcd, whole=True), case(K, integers(-12, 13, 3, 4, seed=1)), case(K, integers(0, 9, 4)), kinds="i")
samples("lcm", pairs(math.lcm, whole=True), case(K, integers(-12, 13, 3, 4, seed=1)), case(K, integers(0, 9, 4)), kinds="i")


# Logarithms


def _times_log(logarithm):
    def function(a, b):
        a, b = float(a), float(b)
        if b != b or (a != a):
            return math.nan
        return 0.0 if a == 0 else float(numpy.float64(a) * logarithm(numpy.float64(b)))

    return function


P, Q = uniform(0.2, 3.0, 3, 4), uniform(0.2, 3.0, 4)
samples("xlogy", pairs(_times_log(numpy.log)), case(A, P), case(A, Q), case(numpy.round(A), P), kinds="if")
samples("xlog1py", pairs(_times_log(numpy.log1p)), case(A, P), case(A, Q - 0.9), kinds="if")
samples("logaddexp2", pairs(lambda a, b: _log2_sum(float(a), float(b))), case(A, B), case(A * 50, ROW), kinds="if")


def _log2_sum(a, b):
    if a == b and math.isinf(a):
        return a
    top, low = max(a, b), min(a, b)
    return math.nan if a != a or b != b else top + math.log2(1 + 2 ** (low - top))


def entr(x):
    out = [
        math.nan if v != v else 0.0 if v == 0 else -math.inf if v < 0 or v == math.inf else -v * math.log(v) for v in x.flat
    ]
    return numpy.array(out, x.dtype if x.dtype.kind == "f" else float).reshape(x.shape)


samples("entr", entr, case(P), case(Q), kinds="if")
