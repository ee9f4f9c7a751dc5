"""Tensors as text, the way PyTorch prints them."""

from __future__ import annotations

import math
from typing import Any

import numpy

from dynamic.tape import leaf
from graphs.core.arrays import to_numpy


_EDGE = 3
_MANY = 1000


def show(tensor: Any) -> str:
    """``tensor([[1., 2.]], requires_grad=True)``."""
    array = to_numpy(tensor._array)
    body = "[]" if array.size == 0 else _nested(_shortened(array), _formatter(array), len("tensor("))
    notes = []
    if array.dtype not in (numpy.float32, numpy.int64, numpy.bool_):
        notes.append(f"dtype=torch.{array.dtype.name}")
    if array.size == 0 and array.ndim != 1:
        notes.insert(0, f"size={tuple(array.shape)}")
    edge = tensor._edge
    if edge is not None:
        notes.append("requires_grad=True" if edge.node.op is leaf else f"grad_fn=<{edge.node.label}>")
    return f"tensor({', '.join([body, *notes])})"


class _Cut:
    """The place of elements that are left out."""


def _shortened(array: Any) -> Any:
    """Nested lists of the elements, those in the middle of long axes left out where there are many."""
    if array.ndim == 0:
        return array.item()
    cut = array.size > _MANY and len(array) > 2 * _EDGE
    rows = [*range(_EDGE), None, *range(len(array) - _EDGE, len(array))] if cut else range(len(array))
    if array.size > _MANY:
        return [_Cut if i is None else _inner(array[i]) for i in rows]
    return array.tolist()


def _inner(array: Any) -> Any:
    if array.ndim == 0:
        return array.item()
    cut = len(array) > 2 * _EDGE
    rows = [*range(_EDGE), None, *range(len(array) - _EDGE, len(array))] if cut else range(len(array))
    return [_Cut if i is None else _inner(array[i]) for i in rows]


def _nested(x: Any, form: Any, indent: int) -> str:
    if x is _Cut:
        return "..."
    if not isinstance(x, list):
        return str(form(x))
    if x and not isinstance(next((item for item in x if item is not _Cut), None), list):
        items = [_nested(item, form, 0) for item in x]
        return "[" + _wrapped(items, indent + 1) + "]"
    depth = _depth(x)
    glue = "," + "\n" * (depth - 1) + " " * (indent + 1)
    return "[" + glue.join(_nested(item, form, indent + 1) for item in x) + "]"


def _depth(x: Any) -> int:
    depth = 0
    while isinstance(x, list):
        depth += 1
        x = next((item for item in x if item is not _Cut), None)
    return depth


def _wrapped(items: list[str], indent: int, width: int = 80) -> str:
    """The items of one row, broken into lines of at most ``width`` characters."""
    each = max(map(len, items), default=1) + 2
    per_line = max(1, (width - indent) // each)
    lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return (",\n" + " " * indent).join(lines)


def _formatter(array: Any) -> Any:
    """How one element is written, so that all have the same width: PyTorch's choice of digits and exponents."""
    kind = array.dtype.kind
    if kind == "b":
        width = 5 if array.ndim and not array.all() else 4
        return lambda x: str(x).rjust(width if array.ndim else 0)
    if kind in "iu":
        width = max(len(str(int(array.max()))), len(str(int(array.min()))))
        return lambda x: str(x).rjust(width)
    if kind == "c":
        return lambda x: f"{x.real:.4f}{x.imag:+.4f}j"
    finite = numpy.abs(array[numpy.isfinite(array) & (array != 0)].astype(numpy.float64))
    if finite.size == 0:
        form = "{:.0f}."
        whole = True
        scientific = False
    else:
        top, low = float(finite.max()), float(finite.min())
        whole = bool((finite == numpy.ceil(finite)).all())
        scientific = top / low > 1000.0 or top > 1.0e8 or (not whole and low < 1.0e-4)
        if whole and top / low > 1000.0 and top <= 1.0e8:
            scientific = False
        form = "{:.4e}" if scientific else ("{:.0f}." if whole else "{:.4f}")

    def write(x: float) -> str:
        return form.format(x) if math.isfinite(x) else str(x)

    width = max(len(write(float(x))) for x in array.reshape(-1)[:_MANY])
    return lambda x: write(x).rjust(width if array.ndim else 0)
