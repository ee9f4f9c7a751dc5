"""Tensors as text, the way PyTorch prints them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from dynamic.apply import default_dtype
from dynamic.tape import leaf
from graphs.core.arrays import to_numpy


_EDGE = 3
_MANY = 1000
_WIDTH = 80
_PREFIX = "tensor("


def show(tensor: Any) -> str:
    """``tensor([[1., 2.]], requires_grad=True)``."""
    array = to_numpy(tensor._array)
    usual = {default_dtype.get(), numpy.dtype(numpy.int64), numpy.dtype(numpy.bool_)}
    notes = []
    if array.size == 0:
        body = "[]"
        usual = {default_dtype.get()}  # there are no elements to tell integers by
        if array.ndim != 1:
            notes.append(f"size={tuple(array.shape)}")
    else:
        cut = array.size > _MANY
        shown = _shortened(array) if cut else array
        body = _nested(array, _formatter(shown), len(_PREFIX), cut)
    if array.dtype not in usual:
        notes.append(f"dtype=torch.{array.dtype.name}")
    edge = tensor._edge
    if edge is not None:
        notes.append("requires_grad=True" if edge.node.op is leaf else f"grad_fn=<{edge.node.label}>")
    return _with_notes(_PREFIX + body, notes) + ")"


def _with_notes(text: str, notes: list[str]) -> str:
    """``text`` and the notes after it, a new line begun where one does not fit."""
    indent = len(_PREFIX)
    length = len(text) - text.rfind("\n") + 1
    for note in notes:
        if length + len(note) + 2 > _WIDTH:
            text += ",\n" + " " * indent + note
            length = indent + len(note)
        else:
            text += ", " + note
            length += len(note) + 2
    return text


def _ends(size: int) -> list[int]:
    """The positions that are shown of a long dimension."""
    return [*range(_EDGE), *range(size - _EDGE, size)] if size > 2 * _EDGE else [*range(size)]


def _shortened(array: Any) -> Any:
    """The elements that are shown of a large array."""
    return array[numpy.ix_(*map(_ends, array.shape))]


def _nested(array: Any, form: Callable[[Any], str], indent: int, cut: bool) -> str:
    if array.ndim == 0:
        return form(array.item())
    long = cut and len(array) > 2 * _EDGE
    if array.ndim == 1:
        items = [form(x) for x in array[_ends(len(array)) if long else slice(None)].tolist()]
    else:
        items = [_nested(array[i], form, indent + 1, cut) for i in (_ends(len(array)) if long else range(len(array)))]
    if array.ndim > 1:
        if long:
            items.insert(_EDGE, "...")
        return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(items) + "]"
    each = len(items[0]) + 2 if items else 2
    if long:
        items.insert(_EDGE, " ...")
    per_line = max(1, (_WIDTH - indent) // each)
    lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _formatter(array: Any) -> Callable[[Any], str]:
    """How one element is written, so that all have the same width: PyTorch's choice of digits and exponents."""
    kind = array.dtype.kind
    if kind == "c":
        return lambda x: f"{x.real:.4f}{x.imag:+.4f}j"
    if kind == "f":
        values = array[numpy.isfinite(array) & (array != 0)]
        write = _float_writer(numpy.abs(values.astype(numpy.float64)))
    else:
        values, write = array.reshape(-1), str
    width = max((len(write(x)) for x in values.reshape(-1).tolist()), default=1)
    return lambda x: write(x).rjust(width)


def _float_writer(sizes: Any) -> Callable[[float], str]:
    """The way to write floats whose absolute values, where finite and not zero, are ``sizes``."""
    whole = bool((sizes == numpy.ceil(sizes)).all())
    if sizes.size:
        top, low = float(sizes.max()), float(sizes.min())
        if top / low > 1000.0 or top > 1.0e8 or low < 1.0e-4:
            return "{:.4e}".format
    if whole:
        return lambda x: f"{x:.0f}." if math.isfinite(x) else str(x)
    return "{:.4f}".format
