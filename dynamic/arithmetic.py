"""Python's operators on tensors."""

from __future__ import annotations

from typing import Any

from dynamic.apply import Carried, apply, binary, unary
from graphs.core.arrays import is_array
from graphs.core.op import OPS, Op
from graphs.ops import (
    absolute,
    add,
    divide,
    equal,
    floor_divide,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_not,
    matmul,
    multiply,
    negative,
    not_equal,
    power,
    remainder,
    subtract,
)


class Arithmetic(Carried):
    """The part of a tensor that operators are written with."""

    __hash__ = object.__hash__

    def __add__(self, other: Any) -> Any:
        return binary(add, self, other)

    def __radd__(self, other: Any) -> Any:
        return binary(add, other, self)

    def __sub__(self, other: Any) -> Any:
        return binary(subtract, self, other)

    def __rsub__(self, other: Any) -> Any:
        return binary(subtract, other, self)

    def __mul__(self, other: Any) -> Any:
        return binary(multiply, self, other)

    def __rmul__(self, other: Any) -> Any:
        return binary(multiply, other, self)

    def __truediv__(self, other: Any) -> Any:
        return binary(divide, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return binary(divide, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return binary(floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return binary(floor_divide, other, self)

    def __mod__(self, other: Any) -> Any:
        return binary(remainder, self, other)

    def __rmod__(self, other: Any) -> Any:
        return binary(remainder, other, self)

    def __pow__(self, other: Any) -> Any:
        return binary(power, self, other)

    def __rpow__(self, other: Any) -> Any:
        return binary(power, other, self)

    def __matmul__(self, other: Any) -> Any:
        return binary(matmul, self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return binary(matmul, other, self)

    def __neg__(self) -> Any:
        return unary(negative, self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return unary(absolute, self)

    def __eq__(self, other: object) -> Any:
        return binary(equal, self, other) if _comparable(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        return binary(not_equal, self, other) if _comparable(other) else NotImplemented

    def __lt__(self, other: Any) -> Any:
        return binary(less, self, other)

    def __le__(self, other: Any) -> Any:
        return binary(less_equal, self, other)

    def __gt__(self, other: Any) -> Any:
        return binary(greater, self, other)

    def __ge__(self, other: Any) -> Any:
        return binary(greater_equal, self, other)

    def __and__(self, other: Any) -> Any:
        return apply(_bits("and", self, other), (self, other))

    __rand__ = __and__

    def __or__(self, other: Any) -> Any:
        return apply(_bits("or", self, other), (self, other))

    __ror__ = __or__

    def __xor__(self, other: Any) -> Any:
        return apply(_bits("xor", self, other), (self, other))

    __rxor__ = __xor__

    def __lshift__(self, other: Any) -> Any:
        return apply(OPS["left_shift"], (self, other))

    def __rlshift__(self, other: Any) -> Any:
        return apply(OPS["left_shift"], (other, self))

    def __rshift__(self, other: Any) -> Any:
        return apply(OPS["right_shift"], (self, other))

    def __rrshift__(self, other: Any) -> Any:
        return apply(OPS["right_shift"], (other, self))

    def __invert__(self) -> Any:
        return apply(logical_not if self._array.dtype.kind == "b" else OPS["bitwise_not"], (self,))


def _comparable(other: Any) -> bool:
    return isinstance(other, (Carried, bool, int, float)) or is_array(other)


def _bits(word: str, x: Any, y: Any) -> Op:
    """The logical op for bools, the bitwise one for integers."""
    whole = all(getattr(a, "_array", a).__class__ is bool or getattr(a, "_array", a).dtype.kind == "b" for a in (x, y))
    return OPS[f"logical_{word}"] if whole else OPS[f"bitwise_{word}"]
