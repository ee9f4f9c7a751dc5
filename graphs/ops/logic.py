"""Comparison, logic, bits, tests for NaN and infinity, and the choice between two values."""

from __future__ import annotations

from typing import Any

from graphs.core.errors import DtypeError
from graphs.core.op import boolean, elementwise
from graphs.core.spec import promote
from graphs.ops.dtypes import bits, comparable, logical, whole


# Comparison


@elementwise("x == y", dtype=boolean, traits={"commutative"})
def equal(xp: Any, x: Any, y: Any) -> Any:
    """Whether ``x == y``; false for NaN."""
    return xp.equal(x, y)


@elementwise("x != y", dtype=boolean, traits={"commutative"})
def not_equal(xp: Any, x: Any, y: Any) -> Any:
    """Whether ``x != y``; true for NaN."""
    return xp.not_equal(x, y)


@elementwise("x < y", dtype=comparable)
def less(xp: Any, x: Any, y: Any) -> Any:
    """Whether ``x < y``."""
    return xp.less(x, y)


@elementwise("x <= y", dtype=comparable)
def less_equal(xp: Any, x: Any, y: Any) -> Any:
    """Whether ``x <= y``."""
    return xp.less_equal(x, y)


@elementwise("x > y", dtype=comparable)
def greater(xp: Any, x: Any, y: Any) -> Any:
    """Whether ``x > y``."""
    return xp.greater(x, y)


@elementwise("x >= y", dtype=comparable)
def greater_equal(xp: Any, x: Any, y: Any) -> Any:
    """Whether ``x >= y``."""
    return xp.greater_equal(x, y)


for _op in (equal, not_equal, less, less_equal, greater, greater_equal):
    _op.vjp(None, None)


# Logic, on bool only


@elementwise("logical_and(x, y)", dtype=logical, traits={"commutative"})
def logical_and(xp: Any, x: Any, y: Any) -> Any:
    """Whether both are true."""
    return xp.logical_and(x, y)


@elementwise("logical_or(x, y)", dtype=logical, traits={"commutative"})
def logical_or(xp: Any, x: Any, y: Any) -> Any:
    """Whether either is true."""
    return xp.logical_or(x, y)


@elementwise("logical_xor(x, y)", dtype=logical, traits={"commutative"})
def logical_xor(xp: Any, x: Any, y: Any) -> Any:
    """Whether exactly one is true."""
    return xp.logical_xor(x, y)


@elementwise("logical_not(x)", dtype=logical)
def logical_not(xp: Any, x: Any) -> Any:
    """Whether ``x`` is false."""
    return xp.logical_not(x)


# Bits, of integers and bool


@elementwise("bitwise_and(x, y)", dtype=bits, traits={"commutative"})
def bitwise_and(xp: Any, x: Any, y: Any) -> Any:
    """The bits that both have."""
    return xp.bitwise_and(x, y)


@elementwise("bitwise_or(x, y)", dtype=bits, traits={"commutative"})
def bitwise_or(xp: Any, x: Any, y: Any) -> Any:
    """The bits that either has."""
    return xp.bitwise_or(x, y)


@elementwise("bitwise_xor(x, y)", dtype=bits, traits={"commutative"})
def bitwise_xor(xp: Any, x: Any, y: Any) -> Any:
    """The bits that exactly one has."""
    return xp.bitwise_xor(x, y)


@elementwise("bitwise_not(x)", dtype=bits)
def bitwise_not(xp: Any, x: Any) -> Any:
    """Every bit flipped; logical not for bool."""
    return xp.invert(x)


@elementwise("left_shift(x, y)", dtype=whole)
def left_shift(xp: Any, x: Any, y: Any) -> Any:
    """``x · 2^y``, bits that leave the word lost."""
    return xp.left_shift(x, y)


@elementwise("right_shift(x, y)", dtype=whole)
def right_shift(xp: Any, x: Any, y: Any) -> Any:
    """``x / 2^y`` rounded down."""
    return xp.right_shift(x, y)


for _op in (logical_and, logical_or, logical_xor, bitwise_and, bitwise_or, bitwise_xor, left_shift, right_shift):
    _op.vjp(None, None)


# What kind of number


@elementwise("isnan(x)", dtype=boolean)
def isnan(xp: Any, x: Any) -> Any:
    """Whether ``x`` is NaN."""
    return xp.isnan(x)


@elementwise("isinf(x)", dtype=boolean)
def isinf(xp: Any, x: Any) -> Any:
    """Whether ``x`` is infinite, of either sign."""
    return xp.isinf(x)


@elementwise("isfinite(x)", dtype=boolean)
def isfinite(xp: Any, x: Any) -> Any:
    """Whether ``x`` is neither infinite nor NaN."""
    return xp.isfinite(x)


for _op in (logical_not, bitwise_not, isnan, isinf, isfinite):
    _op.vjp(None)


# Choice


def _chosen(condition: Any, x: Any, y: Any) -> Any:
    if condition.kind != "b":
        raise DtypeError(f"a condition is bool, not {condition}")
    return promote(x, y)


@elementwise("where(condition, x, y)", dtype=_chosen)
def where(xp: Any, condition: Any, x: Any, y: Any) -> Any:
    """``x`` where ``condition`` holds, ``y`` elsewhere. No gradient reaches the one that was not chosen, NaN or not."""
    dtype = getattr(condition, "dtype", None)
    if dtype is not None and dtype.kind != "b":
        raise DtypeError(f"a condition is bool, not {dtype}")
    return xp.where(condition, x, y)


where.vjp(
    None,
    lambda g, _out, condition, _x, _y: where(condition, g, 0.0),
    lambda g, _out, condition, _x, _y: where(condition, 0.0, g),
)
