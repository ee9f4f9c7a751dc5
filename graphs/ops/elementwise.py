"""Arithmetic, comparison, logic, and the elementary functions, element by element."""

from __future__ import annotations

from typing import Any

from graphs.core.op import elementwise, numeric


# Arithmetic


@elementwise("x + y", traits={"commutative"})
def add(xp: Any, x: Any, y: Any) -> Any:
    """Sum ``x + y`` (logical or for bool)."""
    return xp.add(x, y)


add.vjp(lambda g, _out, _x, _y: g, lambda g, _out, _x, _y: g)


@elementwise("x - y", dtype=numeric)
def subtract(xp: Any, x: Any, y: Any) -> Any:
    """Difference ``x - y``."""
    return xp.subtract(x, y)


subtract.vjp(lambda g, _out, _x, _y: g, lambda g, _out, _x, _y: -g)


@elementwise("x * y", traits={"commutative"})
def multiply(xp: Any, x: Any, y: Any) -> Any:
    """Product ``x * y`` (logical and for bool)."""
    return xp.multiply(x, y)


multiply.vjp(lambda g, _out, _x, y: g * y, lambda g, _out, x, _y: g * x)


@elementwise("-x", dtype=numeric)
def negative(xp: Any, x: Any) -> Any:
    """``-x``."""
    return xp.negative(x)


negative.vjp(lambda g, _out, _x: -g)
