"""Complex numbers: their parts, made from parts, and what else is asked of them."""

from __future__ import annotations

import math
from typing import Any

from graphs import ops
from static.calls import REALS, both, call, cast, taken
from static.tensor import apply, convert_to_tensor


def complex_(real: Any, imag: Any, name: str | None = None) -> Any:
    """The complex numbers with these real and imaginary parts, float32 or float64."""
    x, y = both(real, imag)
    return apply(ops.complex_, x, y, name=name, node="Complex")


def real(input: Any, name: str | None = None) -> Any:
    """The real part; ``input`` itself where it is real."""
    x = convert_to_tensor(input)
    return call(ops.real, x, name=name) if x.dtype.is_complex else x


def imag(input: Any, name: str | None = None) -> Any:
    """The imaginary part, zeros where ``input`` is real."""
    x = convert_to_tensor(input)
    return call(ops.imag, x, name=name) if x.dtype.is_complex else ops.zeros_like(x)


def conj(x: Any, name: str | None = None) -> Any:
    """The conjugate; ``x`` itself where it is real."""
    x = convert_to_tensor(x)
    return call(ops.conj, x, name=name) if x.dtype.is_complex else x


def angle(input: Any, name: str | None = None) -> Any:
    """The argument, in radians from -π to π."""
    x = convert_to_tensor(input)
    if x.dtype.is_complex:
        return apply(ops.atan2, ops.imag(x), ops.real(x), name=name, node="Angle")
    return apply(ops.where, ops.less(x, 0), math.pi * ops.ones_like(x), ops.zeros_like(x), name=name, node="Angle")


def abs_(x: Any, name: str | None = None) -> Any:
    """The absolute value, of complex numbers too; its slope at 0 is taken as 0."""
    x = convert_to_tensor(x)
    if not x.dtype.is_complex:
        return call(ops.absolute, taken(x, REALS, "abs"), name=name)
    squared = ops.square(ops.real(x)) + ops.square(ops.imag(x))
    none = ops.equal(squared, 0.0)
    size = ops.sqrt(ops.where(none, ops.ones_like(squared), squared))
    return apply(ops.where, none, ops.zeros_like(squared), size, name=name, node="ComplexAbs")


def to_complex64(x: Any, name: str | None = None) -> Any:
    """``x`` in complex64."""
    return cast(x, "complex64", name)


def to_complex128(x: Any, name: str | None = None) -> Any:
    """``x`` in complex128."""
    return cast(x, "complex128", name)
