"""Arrays made from attributes alone, or from a shape that is known only when running."""

from __future__ import annotations

import math
from typing import Any

import numpy

from graphs.core.errors import DtypeError, ShapeError
from graphs.core.op import op
from graphs.core.spec import Shape, Spec
from graphs.ops.reduction import sum
from graphs.ops.shape import vector_to_shape


def _dtype(*, dtype: Any, **_: Any) -> Any:
    return numpy.dtype(dtype)


@op(lambda *, shape, **_: shape, dtype=_dtype, traits={"source"})
def full(xp: Any, *, shape: tuple[int, ...], value: Any, dtype: Any) -> Any:
    """An array of ``shape`` filled with the scalar ``value``."""
    return xp.full(shape, value, dtype)


def _arange(*, start: float, stop: float, step: float, **_: Any) -> Shape:
    if step == 0:
        raise ShapeError("a range with a step of 0 does not end")
    return (max(math.ceil((stop - start) / step), 0),)


@op(_arange, dtype=_dtype, traits={"source"})
def arange(xp: Any, *, start: float = 0, stop: float, step: float = 1, dtype: Any) -> Any:
    """The numbers from ``start`` up to but without ``stop``, ``step`` apart."""
    return xp.arange(start, stop, step, dtype)


@op(lambda *, num, **_: (num,), dtype=_dtype, traits={"source"})
def linspace(xp: Any, *, start: float, stop: float, num: int, dtype: Any) -> Any:
    """``num`` numbers from ``start`` to ``stop``, both among them, at equal distances."""
    return xp.linspace(start, stop, num, dtype=dtype)


@op(lambda *, rows, columns, **_: (rows, rows if columns is None else columns), dtype=_dtype, traits={"source"})
def eye(xp: Any, *, rows: int, columns: int | None = None, offset: int = 0, dtype: Any) -> Any:
    """Ones on a diagonal, ``offset`` to the right of the main one, zeros elsewhere; square by default."""
    return xp.eye(rows, columns, offset, dtype)


def _filled(dims: Spec, value: Spec) -> Shape | None:
    if value.dims:
        raise ShapeError("an array is filled with a scalar")
    return vector_to_shape(dims)


def _filled_dtype(dims: Any, value: Any) -> Any:
    if dims.kind not in "iu":
        raise DtypeError(f"a shape is made of integers, not of {dims}")
    return value


@op(_filled, dtype=_filled_dtype)
def fill(xp: Any, dims: Any, value: Any) -> Any:
    """An array of the shape that the integer vector ``dims`` holds, filled with the scalar ``value``."""
    return xp.full(tuple(map(int, dims)), value)


fill.vjp(None, lambda g, _out, _dims, _value: sum(g))
