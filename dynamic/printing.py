"""Tensors as text, the way PyTorch prints them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

from dynamic.apply import default_dtype
from dynamic.devices import where_is
from dynamic.elsewhere import to_numpy
from dynamic.tape import leaf


@dataclass
class Options:
    """How tensors are printed.

    Attributes:
        precision: digits after the point.
        threshold: tensors of more elements are shown in part.
        edgeitems: how many items of either end then are.
        linewidth: characters a line.
        sci_mode: with exponents, or without; None to decide by the numbers.
    """

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


OPTIONS = Options()
_PROFILES = {"default": Options(), "short": Options(2, 1000, 2, 80), "full": Options(threshold=math.inf)}

Form = Callable[[Any], str]


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Say how tensors are printed: digits, when and how they are shortened, characters a line, exponents or none.

    ``profile`` is "default", "short" or "full". What is not given stays; without ``sci_mode`` the numbers decide.
    """
    if profile is not None:
        base = _PROFILES[profile]
        for name in ("precision", "threshold", "edgeitems", "linewidth"):
            setattr(OPTIONS, name, getattr(base, name))
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    for name, value in given.items():
        if value is not None:
            setattr(OPTIONS, name, value)
    OPTIONS.sci_mode = sci_mode


def show(tensor: Any) -> str:
    """``tensor([[1., 2.]], requires_grad=True)``."""
    array = to_numpy(tensor._array)
    kind = type(tensor)
    prefix = "tensor(" if kind.__module__.startswith("dynamic.") else f"{kind.__name__}("
    usual = {default_dtype.get(), numpy.dtype(numpy.int64), numpy.dtype(numpy.bool_)}
    usual.add(numpy.result_type(default_dtype.get(), numpy.complex64))
    notes = []
    if array.size == 0:
        body = "[]"
        usual = {default_dtype.get()}  # there are no elements to tell integers by
        if array.ndim != 1:
            notes.append(f"size={tuple(array.shape)}")
    else:
        cut = array.size > OPTIONS.threshold
        form, width = _formatter(_shortened(array) if cut else array)
        body = _nested(array, form, width, len(prefix), cut)
    where = where_is(tensor._array)
    if where.type != "cpu":
        notes.append(f"device='{where}'")
    if array.dtype not in usual:
        notes.append(f"dtype=torch.{array.dtype.name}")
    edge = tensor._edge
    if edge is not None:
        notes.append("requires_grad=True" if edge.node.op is leaf else f"grad_fn=<{edge.node.label}>")
    return _with_notes(prefix + body, notes, len(prefix)) + ")"


def _with_notes(text: str, notes: list[str], indent: int) -> str:
    """``text`` and the notes after it, a new line begun where one does not fit."""
    length = len(text) - text.rfind("\n") + 1
    for note in notes:
        if length + len(note) + 2 > OPTIONS.linewidth:
            text += ",\n" + " " * indent + note
            length = indent + len(note)
        else:
            text += ", " + note
            length += len(note) + 2
    return text


def _ends(size: int) -> list[int]:
    """The positions that are shown of a long dimension."""
    edge = OPTIONS.edgeitems
    return [*range(edge), *range(size - edge, size)] if size > 2 * edge else [*range(size)]


def _shortened(array: Any) -> Any:
    """The elements that are shown of a large array."""
    return array[numpy.ix_(*map(_ends, array.shape))]


def _nested(array: Any, form: Form, width: int, indent: int, cut: bool) -> str:
    """``width`` is that of an element, by which rows are broken into lines."""
    if array.ndim == 0:
        return form(array.item())
    edge = OPTIONS.edgeitems
    long = cut and len(array) > 2 * edge
    if array.ndim > 1:
        positions = _ends(len(array)) if long else range(len(array))
        items = [_nested(array[i], form, width, indent + 1, cut) for i in positions]
        if long:
            items.insert(edge, "...")
        return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(items) + "]"
    items = [form(x) for x in array[_ends(len(array)) if long else slice(None)].tolist()]
    if long:
        items.insert(edge, " ...")
    per_line = max(1, (OPTIONS.linewidth - indent) // (width + 2))
    lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _formatter(array: Any) -> tuple[Form, int]:
    """How one element is written, so that all have the same width, and that width: PyTorch's digits and exponents."""
    kind = array.dtype.kind
    if kind == "c":
        (real, width), (imag, other) = _formatter(array.real), _formatter(array.imag)
        return lambda z: _joined(real(z.real), imag(z.imag)), width + other + 1
    if kind == "f":
        values = array[numpy.isfinite(array) & (array != 0)]
        write = _float_writer(numpy.abs(values.astype(numpy.float64)))
    else:
        values, write = array.reshape(-1), str
    width = max((len(write(x)) for x in values.reshape(-1).tolist()), default=1)
    return (lambda x: write(x).rjust(width)), width


def _joined(real: str, imag: str) -> str:
    """The two parts of a complex number: the sign of the second stands between them."""
    imag = imag.lstrip()
    return real + (imag if imag[0] in "+-" else f"+{imag}") + "j"


def _float_writer(sizes: Any) -> Form:
    """The way to write floats whose absolute values, where finite and not zero, are ``sizes``."""
    digits = OPTIONS.precision
    whole = bool((sizes == numpy.ceil(sizes)).all())
    exponents = False
    if sizes.size:
        top, low = float(sizes.max()), float(sizes.min())
        exponents = top / low > 1000.0 or top > 1.0e8 or low < 1.0e-4
    if OPTIONS.sci_mode is not None and sizes.size:
        exponents = OPTIONS.sci_mode
    if exponents:
        return f"{{:.{digits}e}}".format
    if whole:
        return lambda x: f"{x:.0f}." if math.isfinite(x) else str(x)
    return f"{{:.{digits}f}}".format
