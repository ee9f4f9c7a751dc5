"""Arithmetic: neutral elements, signs, powers, inverse functions, copies and casts."""

from __future__ import annotations

import math
from typing import Any

import numpy

from graphs.ops import (
    absolute,
    cast,
    negative,
    ones_like,
    reciprocal,
    rsqrt,
    silu,
    sqrt,
    square,
    zeros_like,
)
from graphs.rewrite.rules import Rules, is_float, made_by, one_dtype, same_shape, scalar, spec_of


algebra = Rules("algebra")

_NEVER_NEGATIVE = ("exp", "exp2", "square", "absolute", "sigmoid", "cosh")
"""Ops whose result has no sign, not even that of zero (NaNs apart)."""


def _is_integer(x: Any) -> bool:
    return spec_of(x).dtype.kind in "iu"


# Neutral elements


@algebra.rule("x - 0")
def minus_zero(x: Any) -> Any:
    """x - 0 -> x"""
    return x


@algebra.rule("x + 0")
def plus_zero(x: Any) -> Any:
    """x + 0 -> x for integers and what is never -0.0, which would become 0.0"""
    return x if _is_integer(x) or made_by(x, *_NEVER_NEGATIVE) else None


@algebra.rule("x + -0.0")
def plus_negative_zero(x: Any) -> Any:
    """x + (-0.0) -> x"""
    return x


@algebra.rule("x + 0", level="fast", ulps=1)
def plus_any_zero(x: Any) -> Any:
    """x + 0 -> x, -0.0 too"""
    return x


@algebra.rule("zeros_like(x) + y", level="fast", ulps=1)
def plus_zeros(x: Any, y: Any) -> Any:
    """zeros_like(x) + y -> y where the shapes agree"""
    return y if same_shape(x, y) else None


@algebra.rule("x * 1")
def times_one(x: Any) -> Any:
    """x * 1 -> x"""
    return x


@algebra.rule("ones_like(x) * y")
def times_ones(x: Any, y: Any) -> Any:
    """ones_like(x) * y -> y where the shapes agree"""
    return y if same_shape(x, y) else None


@algebra.rule("x / 1")
def divided_by_one(x: Any) -> Any:
    """x / 1 -> x"""
    return x


@algebra.rule("x * 0")
def times_zero(x: Any) -> Any:
    """x * 0 -> 0 for integers (of floats, NaN and infinity stay NaN)"""
    return zeros_like(x) if _is_integer(x) else None


@algebra.rule("x * 0", level="fast", ulps=1)
def times_any_zero(x: Any) -> Any:
    """x * 0 -> 0"""
    return zeros_like(x)


@algebra.rule("x - x")
def difference_with_itself(x: Any) -> Any:
    """x - x -> 0 for integers (of floats, NaN and infinity give NaN)"""
    return zeros_like(x) if _is_integer(x) else None


@algebra.rule("x - x", level="fast", ulps=1)
def any_difference_with_itself(x: Any) -> Any:
    """x - x -> 0"""
    return zeros_like(x)


@algebra.rule("x / x", level="fast", ulps=1)
def quotient_with_itself(x: Any) -> Any:
    """x / x -> 1"""
    return ones_like(x)


# Signs


@algebra.rule("-(-x)")
def negated_twice(x: Any) -> Any:
    """-(-x) -> x"""
    return x


@algebra.rule("x + -y")
def plus_negative(x: Any, y: Any) -> Any:
    """x + (-y) -> x - y for values of one dtype (an integer has no -0)"""
    return x - y if one_dtype(x, y) else None


@algebra.rule("x - -y")
def minus_negative(x: Any, y: Any) -> Any:
    """x - (-y) -> x + y for values of one dtype (an integer has no -0)"""
    return x + y if one_dtype(x, y) else None


@algebra.rule("-x * -y")
def product_of_negatives(x: Any, y: Any) -> Any:
    """(-x) * (-y) -> x * y for values of one dtype (an integer has no -0)"""
    return x * y if one_dtype(x, y) else None


@algebra.rule("-x * y")
def negative_out_of_product(x: Any, y: Any) -> Any:
    """(-x) * y -> -(x * y) for floats, so that the sign can go further"""
    return negative(x * y) if is_float(x) and same_shape(x, y) else None


@algebra.rule("-x / -y")
def quotient_of_negatives(x: Any, y: Any) -> Any:
    """(-x) / (-y) -> x / y for floats"""
    return x / y if is_float(x) and is_float(y) else None


@algebra.rule("x * -1", "x / -1")
def times_minus_one(x: Any) -> Any:
    """x * -1 -> -x, and x / -1 -> -x"""
    return -x


@algebra.rule("0 - x", level="fast", ulps=1)
def zero_minus(x: Any) -> Any:
    """0 - x -> -x, whatever the sign of zero"""
    return -x


@algebra.rule("-(x - y)", level="fast", ulps=1)
def negated_difference(x: Any, y: Any) -> Any:
    """-(x - y) -> y - x, whatever the sign of zero"""
    return y - x


@algebra.rule("absolute(absolute(x))")
def absolute_twice(x: Any) -> Any:
    """||x|| -> |x|"""
    return absolute(x)


@algebra.rule("absolute(-x)")
def absolute_of_negative(x: Any) -> Any:
    """|-x| -> |x|"""
    return absolute(x)


@algebra.rule("absolute(x)")
def absolute_of_positive(x: Any) -> Any:
    """|x| -> x for what is never negative: exp, square, sigmoid of floats"""
    return x if is_float(x) and made_by(x, *_NEVER_NEGATIVE) else None


# Powers and roots


def _whole_arrays(x: Any) -> bool:
    """Whether ``x`` is a floating array with axes: numpy's short ways for exponents are those of arrays, not of scalars."""
    return is_float(x) and bool(spec_of(x).dims)


def _is_literal(y: Any, value: float) -> bool:
    return y.__class__ in (int, float) and y == value


@algebra.rule("x ** 1")
def power_of_one(x: Any) -> Any:
    """x ** 1 -> x"""
    return x


@algebra.rule("x ** y")
def power_of_two(x: Any, y: Any) -> Any:
    """x ** 2 -> square(x)"""
    return square(x) if _is_literal(y, 2) and _whole_arrays(x) else None


@algebra.rule("x ** y")
def power_of_half(x: Any, y: Any) -> Any:
    """x ** 0.5 -> sqrt(x)"""
    return sqrt(x) if _is_literal(y, 0.5) and _whole_arrays(x) else None


@algebra.rule("x ** y")
def power_of_minus_one(x: Any, y: Any) -> Any:
    """x ** -1 -> reciprocal(x)"""
    return reciprocal(x) if _is_literal(y, -1) and _whole_arrays(x) else None


@algebra.rule("x ** y", level="close", ulps=2)
def power_of_three(x: Any, y: Any) -> Any:
    """x ** 3 -> x * square(x), many times as fast as a power"""
    return x * square(x) if _is_literal(y, 3) and is_float(x) else None


@algebra.rule("x * x")
def product_with_itself(x: Any) -> Any:
    """x * x -> square(x)"""
    return square(x) if spec_of(x).dtype.kind in "if" else None


@algebra.rule("square(-x)", "square(absolute(x))")
def square_without_sign(x: Any) -> Any:
    """square(-x) -> square(x), and square(|x|) -> square(x)"""
    return square(x)


@algebra.rule("sqrt(square(x))", level="stable", ulps=1)
def root_of_square(x: Any) -> Any:
    """sqrt(square(x)) -> |x|, also where the square overflows"""
    return absolute(x)


@algebra.rule("square(sqrt(x))", level="fast", ulps=2)
def square_of_root(x: Any) -> Any:
    """square(sqrt(x)) -> x, also below 0"""
    return x


@algebra.rule("reciprocal(sqrt(x))", "1 / sqrt(x)")
def reciprocal_root(x: Any) -> Any:
    """1 / sqrt(x) -> rsqrt(x)"""
    return rsqrt(x)


@algebra.rule("x * reciprocal(y)", "x * (1 / y)", level="stable", ulps=2)
def times_reciprocal(x: Any, y: Any) -> Any:
    """x * (1 / y) -> x / y, rounded once, and finite where only 1 / y overflows, for values of one dtype"""
    return x / y if one_dtype(x, y) else None


@algebra.rule("x / reciprocal(y)", "x / (1 / y)", level="stable", ulps=2)
def divided_by_reciprocal(x: Any, y: Any) -> Any:
    """x / (1 / y) -> x * y for values of one dtype"""
    return x * y if one_dtype(x, y) else None


def _inverse(c: Any) -> Any:
    """1 / c, a Python number for one and a floating array for one; None for anything else."""
    number = scalar(c)
    if number is None or not 1e-30 < abs(number) < 1e30:
        return None
    if isinstance(c, (int, float)):
        return 1.0 / number
    return numpy.asarray(1.0 / number, c.dtype) if c.dtype.kind == "f" else None


@algebra.rule("x / constant(c)")
def divided_by_power_of_two(x: Any, c: Any) -> Any:
    """x / 2^k -> x * 2^-k"""
    number, inverse = scalar(c), _inverse(c)
    if number is None or inverse is None or not is_float(x):
        return None
    return x * inverse if abs(math.frexp(number)[0]) == 0.5 and 1e-4 < abs(number) < 1e4 else None


@algebra.rule("x / constant(c)", level="fast", ulps=2)
def divided_by_constant(x: Any, c: Any) -> Any:
    """x / c -> x * (1 / c) for a number c"""
    inverse = _inverse(c)
    return None if inverse is None or not is_float(x) else x * inverse


@algebra.rule("(x * constant(c)) * constant(d)", level="fast", ulps=2)
def constants_multiplied(x: Any, c: Any, d: Any) -> Any:
    """(x * c) * d -> x * (c * d) for numbers c and d"""
    return x * (c * d) if is_float(x) and None not in (scalar(c), scalar(d)) else None


@algebra.rule("(x + constant(c)) + constant(d)", level="fast", ulps=2, scale="largest")
def constants_added(x: Any, c: Any, d: Any) -> Any:
    """(x + c) + d -> x + (c + d) for numbers c and d"""
    return x + (c + d) if is_float(x) and None not in (scalar(c), scalar(d)) else None


@algebra.rule("(x / y) / z", level="fast", ulps=3)
def quotient_of_quotient(x: Any, y: Any, z: Any) -> Any:
    """(x / y) / z -> x / (y * z) for values of one dtype"""
    return x / (y * z) if one_dtype(x, y, z) else None


# Inverse functions


@algebra.rule("log(exp(x))", "log1p(expm1(x))", level="stable", ulps=1)
def logarithm_of_exponential(x: Any) -> Any:
    """log(exp(x)) -> x, also where exp overflows"""
    return x


@algebra.rule("exp(log(x))", "expm1(log1p(x))", level="fast", ulps=64)
def exponential_of_logarithm(x: Any) -> Any:
    """exp(log(x)) -> x, also below 0"""
    return x


@algebra.rule("x * sigmoid(x)")
def gated_by_itself(x: Any) -> Any:
    """x * sigmoid(x) -> silu(x)"""
    return silu(x)


# Copies and casts


@algebra.rule("identity(x)", "stop_gradient(x)")
def copy(x: Any) -> Any:
    """identity(x) -> x, and stop_gradient(x) -> x: gradients have been made"""
    return x


@algebra.rule("cast(x, dtype=dtype)")
def cast_to_own(x: Any, dtype: Any) -> Any:
    """cast(x, its own dtype) -> x"""
    return x if not isinstance(x, (bool, int, float)) and spec_of(x).dtype == numpy.dtype(dtype) else None


@algebra.rule("cast_like(x, y)")
def cast_to_known(x: Any, y: Any) -> Any:
    """cast_like(x, y) -> cast(x, the dtype of y), which no longer waits for y; x itself where it has that dtype"""
    if isinstance(x, (bool, int, float)):
        return None
    dtype = spec_of(y).dtype
    return x if spec_of(x).dtype == dtype else cast(x, dtype=dtype.name)


@algebra.rule("cast(cast(x, dtype=between), dtype=dtype)")
def cast_twice(x: Any, between: Any, dtype: Any) -> Any:
    """cast(cast(x, a), b) -> cast(x, b) where a holds every value of x"""
    own, middle, last = spec_of(x).dtype, numpy.dtype(between), numpy.dtype(dtype)
    if own.kind not in "biuf" or not _holds(own, middle) or (own.kind == "f" and last.kind not in "fb"):
        return None
    return cast(x, dtype=dtype)


def _holds(own: Any, wider: Any) -> bool:
    """Whether every value of the dtype ``own`` is one of ``wider``."""
    if own.kind in "iu" and wider.kind == "f":
        return bool(own.itemsize * 8 <= numpy.finfo(wider).nmant)
    return bool(wider.kind != "b" or own.kind == "b") and numpy.can_cast(own, wider, "safe")
