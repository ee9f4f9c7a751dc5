"""Arrays in the words of TensorFlow's C++ side, as ``tf.Print``, ``tf.Assert`` and ``tf.print`` show them."""

from __future__ import annotations

import math
from typing import Any

import numpy


_DIGITS = {"float16": (6, 9), "float32": (6, 9), "float64": (15, 17)}
"""Significant digits that are tried first, and those that always suffice."""


def element(x: Any, quoted: bool = False) -> str:
    """One element: floats with as few digits as give the number back, bools as 1 and 0, strings as they are or quoted."""
    if isinstance(x, (bytes, str)):
        text = x.decode(errors="replace") if isinstance(x, bytes) else x
        return f'"{text}"' if quoted else text
    kind = numpy.dtype(type(x)).kind
    if kind == "f":
        few, enough = _DIGITS.get(type(x).__name__, (15, 17))
        if not math.isfinite(x):
            return f"{float(x):g}"
        short = f"{float(x):.{few}g}"
        return short if type(x)(short) == x else f"{float(x):.{enough}g}"
    if kind == "c":
        return f"({element(x.real)},{element(x.imag)})"
    return str(int(x))


def summary(x: Any, entries: int = 3) -> str:
    """The first ``entries`` elements of an array (all for a negative number), rows in brackets of their own."""
    array = numpy.asarray(x)
    limit = array.size if entries < 0 else min(array.size, entries)
    if array.ndim == 0:
        return element(array[()]) if limit else "..."
    parts: list[str] = []
    _rows(array, limit, 0, True, parts)
    return "".join(parts) + ("..." if array.size > limit else "")


def _rows(array: Any, limit: int, shown: int, outermost: bool, parts: list[str]) -> int:
    """Add the text of ``array`` after ``shown`` elements; how many are shown then."""
    if shown >= limit:
        return shown
    if array.ndim == 1:
        for position, x in enumerate(array):
            if shown >= limit:
                parts.append("" if outermost else "...")
                return shown
            parts.append((" " if position else "") + element(x))
            shown += 1
        return shown
    for row in array:
        if shown >= limit:
            break
        parts.append("[")
        shown = _rows(row, limit, shown, False, parts)
        parts.append("]")
    return shown


def layout(x: Any, ends: int = 3) -> str:
    """An array as numpy lays one out, with ``ends`` items at either end of each axis (all for a negative number)."""
    array = numpy.asarray(x)
    return _nested(array, array.size if ends < 0 else min(array.size, ends), 0)


def _nested(array: Any, ends: int, depth: int) -> str:
    if array.ndim == 0:
        return element(array[()], quoted=True)
    count = len(array)
    space = " " if array.ndim == 1 else "\n" * (array.ndim - 1) + " " * (depth + 1)
    items = [_nested(array[i, ...], ends, depth + 1) for i in range(min(ends, count))]
    if count > 2 * ends:
        items.append("..." if items else f"{space}...")
    items += [_nested(array[i, ...], ends, depth + 1) for i in range(max(ends, count - ends), count)]
    return f"[{space.join(items)}]"
