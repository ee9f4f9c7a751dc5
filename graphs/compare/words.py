"""Figures as words: times, sizes, counts, distances."""

from __future__ import annotations

import math


TIMES = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
SIZES = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


def seconds(value: float) -> str:
    """A time with three digits and its unit."""
    if not math.isfinite(value):
        return str(value)
    unit, scale = next(((unit, scale) for unit, scale in TIMES if abs(value) >= scale), TIMES[-1])
    return f"{digits(value / scale)} {unit}"


def size(value: float) -> str:
    """A number of bytes."""
    unit, scale = next(((unit, scale) for unit, scale in SIZES if abs(value) >= scale), ("bytes", 1))
    return f"{value:,.0f} bytes" if unit == "bytes" else f"{digits(value / scale)} {unit}"


def digits(value: float) -> str:
    """A number with three digits, or all those before the point."""
    if value == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(places, 9)}f}"


def count(value: int | None) -> str:
    """A number with its thousands apart; a question mark for one that is not known."""
    return "?" if value is None else f"{value:,}"


def plural(value: int, word: str) -> str:
    """``3 steps``, ``1 step``."""
    return f"{value:,} {word}{'s' * (value != 1)}"


def apart(distance: int | None) -> str:
    """A distance in units in the last place."""
    if distance is None:
        return "not comparable (dtype, shape or NaN)"
    if distance == 0:
        return "apart in the sign of a zero or the bits of a NaN"
    return f"{plural(distance, 'unit')} in the last place apart"


def shape(dims: tuple[int, ...]) -> str:
    """A shape; of a scalar its word."""
    return "\u00d7".join(map(str, dims)) if dims else "scalar"
