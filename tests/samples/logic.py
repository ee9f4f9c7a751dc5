"""Samples of comparison, logic, bits, kinds of numbers, and choice."""

from __future__ import annotations

import math
import operator

import numpy

from tests.samples.table import case, integers, normal, samples


PAIR = case(normal(3, 4), normal(3, 4, seed=1))
EQUAL_SOMEWHERE = case(numpy.array([1.0, 2.0, math.nan]), numpy.array([[1.0, 3.0, math.nan]]))
BOOLS = case(normal(3, 4) > 0, normal(4) > 0)
WORDS = case(integers(-9, 9, 3, 4), integers(0, 5, 4))
SPECIAL = case(numpy.array([1.0, -math.inf, math.inf, math.nan, 0.0]))


for name, function in (
    ("equal", operator.eq),
    ("not_equal", operator.ne),
    ("less", operator.lt),
    ("less_equal", operator.le),
    ("greater", operator.gt),
    ("greater_equal", operator.ge),
):
    samples(name, function, PAIR, EQUAL_SOMEWHERE, case(normal(3), 0.25), kinds="bif")

samples("logical_and", operator.and_, BOOLS, kinds="b")
samples("logical_or", operator.or_, BOOLS, kinds="b")
samples("logical_xor", operator.ne, BOOLS, kinds="b")
samples("logical_not", lambda x: x == False, case(normal(3, 4) > 0), kinds="b")  # noqa: E712

samples("bitwise_and", operator.and_, WORDS, BOOLS, kinds="bi")
samples("bitwise_or", operator.or_, WORDS, BOOLS, kinds="bi")
samples("bitwise_xor", operator.xor, WORDS, BOOLS, kinds="bi")
samples("bitwise_not", lambda x: ~x, case(integers(-9, 9, 3)), kinds="bi")
samples("left_shift", lambda x, y: x * 2**y, WORDS, kinds="i")
samples("right_shift", lambda x, y: x // 2**y, WORDS, kinds="i")

samples("isnan", lambda x: x != x, SPECIAL, kinds="bif")
samples("isinf", lambda x: abs(x) == math.inf, SPECIAL, kinds="bif")
samples("isfinite", lambda x: x - x == 0 if x.dtype != bool else ~(x & ~x), SPECIAL, kinds="bif")

samples(
    "where",
    lambda condition, x, y: numpy.choose(condition, (y, x)),
    case(normal(3, 4, seed=2) > 0, *PAIR.args),
    case(normal(3, 1) > 0, normal(4), 0.0),
    kinds="bif",
)
