"""Comparisons, logic, choices, and the smaller and larger of two."""

from __future__ import annotations

import math
from typing import Any

from graphs.ops import (
    clip,
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    maximum,
    minimum,
    not_equal,
    relu,
    relu6,
    where,
)
from graphs.rewrite.rules import Rules, fills, scalar, spec_of


logic = Rules("logic")


# Logic


@logic.rule("~~x")
def not_not(x: Any) -> Any:
    """~~x -> x"""
    return x


@logic.rule("logical_and(x, True)", "logical_or(x, False)", "logical_xor(x, False)")
def neutral_in_logic(x: Any) -> Any:
    """x and true -> x, x or false -> x, x xor false -> x"""
    return x


@logic.rule("logical_and(_x, False)")
def and_false() -> Any:
    """x and false -> false"""
    return False


@logic.rule("logical_or(_x, True)")
def or_true() -> Any:
    """x or true -> true"""
    return True


@logic.rule("logical_and(x, x)", "logical_or(x, x)")
def same_in_logic(x: Any) -> Any:
    """x and x -> x, x or x -> x"""
    return x


@logic.rule("logical_and(x, logical_or(x, _y))", "logical_or(x, logical_and(x, _y))")
def absorbed_in_logic(x: Any) -> Any:
    """x and (x or y) -> x, x or (x and y) -> x"""
    return x if fills(x) else None


@logic.rule("~equal(x, y)")
def not_of_equal(x: Any, y: Any) -> Any:
    """not x == y -> x != y"""
    return not_equal(x, y)


@logic.rule("~not_equal(x, y)")
def not_of_not_equal(x: Any, y: Any) -> Any:
    """not x != y -> x == y"""
    return equal(x, y)


def _ordered(x: Any, y: Any) -> bool:
    """Whether of any two elements one is at least the other: NaNs are not."""
    return all(isinstance(v, (bool, int)) or (not isinstance(v, float) and spec_of(v).dtype.kind in "biu") for v in (x, y))


@logic.rule("~(x < y)")
def not_of_less(x: Any, y: Any) -> Any:
    """not x < y -> x >= y for integers"""
    return greater_equal(x, y) if _ordered(x, y) else None


@logic.rule("~(x >= y)")
def not_of_greater_equal(x: Any, y: Any) -> Any:
    """not x >= y -> x < y for integers"""
    return less(x, y) if _ordered(x, y) else None


@logic.rule("~(x > y)")
def not_of_greater(x: Any, y: Any) -> Any:
    """not x > y -> x <= y for integers"""
    return less_equal(x, y) if _ordered(x, y) else None


@logic.rule("~(x <= y)")
def not_of_less_equal(x: Any, y: Any) -> Any:
    """not x <= y -> x > y for integers"""
    return greater(x, y) if _ordered(x, y) else None


# Choices


@logic.rule("where(True, x, _y)")
def where_true(x: Any) -> Any:
    """where(true, x, y) -> x"""
    return x if fills(x) else None


@logic.rule("where(False, _x, y)")
def where_false(y: Any) -> Any:
    """where(false, x, y) -> y"""
    return y if fills(y) else None


@logic.rule("where(_c, x, x)")
def where_same(x: Any) -> Any:
    """where(c, x, x) -> x"""
    return x if fills(x) else None


@logic.rule("where(~c, x, y)")
def where_not(c: Any, x: Any, y: Any) -> Any:
    """where(not c, x, y) -> where(c, y, x)"""
    return where(c, y, x)


@logic.rule("where(c, where(c, x, _y), z)", "where(c, x, where(c, _y, z))")
def where_within_where(c: Any, x: Any, z: Any) -> Any:
    """where(c, where(c, x, y), z) -> where(c, x, z), and likewise for what is taken elsewhere"""
    return where(c, x, z) if fills(c) or fills(x) or fills(z) else None


# The smaller and the larger


@logic.rule("maximum(x, x, tie=_t)", "minimum(x, x, tie=_t)")
def extreme_with_itself(x: Any) -> Any:
    """maximum(x, x) -> x, minimum(x, x) -> x"""
    return x


@logic.rule("maximum(x, 0, tie=_t)")
def maximum_with_zero(x: Any) -> Any:
    """maximum(x, 0) -> relu(x)"""
    return relu(x)


@logic.rule("relu(relu(x))")
def relu_twice(x: Any) -> Any:
    """relu(relu(x)) -> relu(x)"""
    return relu(x)


@logic.rule("minimum(relu(x), 6, tie=_t)")
def relu_up_to_six(x: Any) -> Any:
    """minimum(relu(x), 6) -> relu6(x)"""
    return relu6(x)


def _limits(c: Any, d: Any) -> tuple[Any, Any] | None:
    """Two numbers, where both are known, neither is NaN, and they are not zeros of two signs."""
    a, b = scalar(c), scalar(d)
    if a is None or b is None or math.isnan(a) or math.isnan(b):
        return None
    return None if a == b == 0 and math.copysign(1, a) != math.copysign(1, b) else (a, b)


@logic.rule("maximum(maximum(x, constant(c), tie=_t), constant(d), tie=_u)")
def maximum_of_maximum(x: Any, c: Any, d: Any) -> Any:
    """maximum(maximum(x, c), d) -> maximum(x, the larger of c and d)"""
    limits = _limits(c, d)
    return None if limits is None else maximum(x, c if limits[0] >= limits[1] else d)


@logic.rule("minimum(minimum(x, constant(c), tie=_t), constant(d), tie=_u)")
def minimum_of_minimum(x: Any, c: Any, d: Any) -> Any:
    """minimum(minimum(x, c), d) -> minimum(x, the smaller of c and d)"""
    limits = _limits(c, d)
    return None if limits is None else minimum(x, c if limits[0] <= limits[1] else d)


@logic.rule("minimum(maximum(x, constant(c), tie=_t), constant(d), tie=_u)")
def clip_written_out(x: Any, c: Any, d: Any) -> Any:
    """minimum(maximum(x, c), d) -> clip(x, c, d) for Python's numbers"""
    return clip(x, min=c, max=d) if {c.__class__, d.__class__} <= {int, float} else None


@logic.rule("clip(clip(x, min=a, max=b), min=c, max=d)")
def clip_of_clip(x: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """clip(clip(x, a, b), c, d) -> clip(x, the larger of a and c, the smaller of b and d) where they overlap"""
    lows, highs = _limits(a, c), _limits(b, d)
    if lows is None or highs is None or max(lows) > min(highs):
        return None
    return clip(x, min=max(lows), max=min(highs))
