"""Numbers in few characters, the same on every machine."""

from __future__ import annotations

import math


_BYTES = ("B", "kB", "MB", "GB", "TB")
_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "\u00b5"), (1e-9, "n"))


def number(value: float) -> str:
    """A number with three digits: ``0.0312``, ``-4.2e-08``, ``1,234``."""
    if not math.isfinite(value):
        return {math.inf: "\u221e", -math.inf: "-\u221e"}.get(value, "NaN")
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.3g}"


def size(count: float) -> str:
    """A number of bytes, in powers of 1,000."""
    for unit in _BYTES[:-1]:
        if abs(count) < 1000:
            return f"{number(float(f'{count:.3g}'))} {unit}"
        count /= 1000
    return f"{number(float(f'{count:.3g}'))} {_BYTES[-1]}"


def quantity(value: float, unit: str) -> str:
    """A number with its unit; seconds and bytes in units of a fitting size."""
    if unit == "B":
        return size(value)
    if unit == "s":
        factor, prefix = next((each for each in _PREFIXES if abs(value) >= each[0]), _PREFIXES[-1])
        return f"{number(float(f'{value / factor:.3g}'))} {prefix}s"
    return f"{number(value)} {unit}".rstrip()


def share(part: float) -> str:
    """A fraction as a percentage, never 0 % or 100 % of what is neither."""
    percent = 100 * part
    if 0 < percent < 1:
        return "<1%"
    if 99 < percent < 100:
        return ">99%"
    return f"{percent:.0f}%"
