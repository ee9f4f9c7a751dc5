"""Tensors as text, the way PyTorch 0.1 to 0.3 printed them: rows of numbers, and below them the type and the size."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy

from dynamic.dtypes import type_name
from dynamic.elsewhere import to_numpy
from dynamic.printing import OPTIONS


class Form(NamedTuple):
    """How one number is written: the format, its width, and what all numbers are divided by."""

    text: str
    width: int
    scale: float

    def __call__(self, x: Any) -> str:
        """``x`` in the column's width."""
        return self.text.format(x / self.scale if self.scale != 1 else x)


def show(tensor: Any, variable: bool) -> str:
    """Rows, and ``[torch.FloatTensor of size 2x2]``; a Variable's after ``Variable containing:``."""
    kind = type(tensor)
    if not (kind.__module__ == "dynamic.tensor" and kind.__qualname__ == "Tensor"):
        return _body(tensor).removeprefix("\n")  # a parameter's text says itself what it contains
    return f"Variable containing:{_body(tensor)}" if variable else _body(tensor)


def _body(tensor: Any) -> str:
    array = to_numpy(tensor._array)
    if array.dtype == numpy.bool_:
        array = array.astype(numpy.uint8)  # comparisons gave bytes
    name = type_name(array.dtype, tensor.device.type)
    if not array.size:
        return f"[{name} with no dimension]\n"
    array = array.reshape(1) if not array.ndim else array
    rows = _vector(array) if array.ndim == 1 else _matrix(array) if array.ndim == 2 else _stack(array)
    return f"\n{rows}[{name} of size {'x'.join(map(str, array.shape))}]\n"


def _form(array: Any) -> Form:
    """The way to write these numbers in columns."""
    sizes = numpy.abs(array.astype(numpy.float64))
    sizes = sizes[numpy.isfinite(sizes)]
    whole = bool((sizes == numpy.ceil(sizes)).all())
    low, high = (_digits(float(x)) for x in ((sizes.min(), sizes.max()) if sizes.size else (0.0, 0.0)))
    digits = OPTIONS.precision
    if whole:
        return Form(f"{{:11.{digits}e}}", 11, 1.0) if high > 9 else Form(f"{{:{high + 1}.0f}}", high + 1, 1.0)
    if high - low > digits:
        width = 12 if max(abs(low), abs(high)) > 99 else 11
        return Form(f"{{:{width}.{digits}e}}", width, 1.0)
    if high > digits + 1 or high < 0:
        return Form(f"{{:{digits + 3}.{digits}f}}", digits + 3, 10.0 ** (high - 1))
    width = digits + 3 if high == 0 else high + digits + 2
    return Form(f"{{:{width}.{digits}f}}", width, 1.0)


def _digits(size: float) -> int:
    """How many digits stand before the point."""
    return math.floor(math.log10(size)) + 1 if size else 1


def _scaled(form: Form) -> str:
    return f"{form.scale:.5e} *\n" if form.scale != 1 else ""


def _cut(size: int, whole: int) -> list[int | None]:
    """The positions of a dimension that are shown; None for those left out of a large tensor."""
    edge = OPTIONS.edgeitems
    if whole <= OPTIONS.threshold or size <= 2 * edge:
        return [*range(size)]
    return [*range(edge), None, *range(size - edge, size)]


def _vector(array: Any) -> str:
    form = _form(array)
    rows = ["⋮".center(form.width) if i is None else form(array[i]) for i in _cut(array.size, array.size)]
    return _scaled(form) + "".join(f"{row}\n" for row in rows)


def _matrix(array: Any, indent: str = "", whole: int | None = None) -> str:
    form = _form(array)
    whole = array.size if whole is None else whole
    rows, columns = _cut(array.shape[0], whole), _cut(array.shape[1], whole)
    per_line = max(1, (OPTIONS.linewidth - len(indent)) // (form.width + 1))
    parts = [columns[i : i + per_line] for i in range(0, len(columns), per_line)]
    text = indent + _scaled(form) if form.scale != 1 else ""
    for number, part in enumerate(parts):
        if len(parts) > 1:
            first, last = (next(i for i in order if i is not None) for order in (part, part[::-1]))
            text += ("\n" if number else "") + f"{indent}Columns {first} to {last} \n"
        for i in rows:
            items = ["⋮".center(form.width) if i is None else "..." if j is None else form(array[i, j]) for j in part]
            text += indent + " ".join(items) + "\n"
    return text


def _stack(array: Any) -> str:
    """Matrix by matrix, each after the place where it stands."""
    text = ""
    places = [_cut(n, array.size) for n in array.shape[:-2]]
    for place in _product(places):
        head = "".join(f"{i} ," for i in place)
        text += ("\n" if text else "") + f"({head}.,.) = \n" + _matrix(array[place], " ", array.size)
    return text


def _product(places: list[list[int | None]]) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for each in places:
        found = [(*place, i) for place in found for i in each if i is not None]
    return found
