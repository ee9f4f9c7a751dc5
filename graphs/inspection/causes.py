"""The first NaN or infinity of a run, and the chain of values that led to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy

from graphs.core.arrays import all_finite, has_nan, to_numpy
from graphs.core.errors import GraphsError
from graphs.inspection.elements import behind, choose, reason_of
from graphs.inspection.findings import Finding, Link, Operand, is_finite
from graphs.inspection.history import Cell, Event, opened, opens
from graphs.inspection.numbers import shown
from graphs.inspection.showing import placed


_MOST_LINKS = 10_000

_HANDED_ON = frozenset({"clone", "read", "identity"})
"""Ops that are no links: their result is their operand."""


class NotFiniteError(GraphsError, FloatingPointError):
    """A NaN or an infinity in a program that is being watched for them; ``finding`` tells of it.

    The message is the finding's text.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def wrong(array: Any, infinities: bool) -> bool:
    """Whether an array has a NaN, or with ``infinities`` anything that is not finite."""
    x = to_numpy(array)
    if x.dtype.kind not in "fc":
        return False
    return not all_finite(x) if infinities else has_nan(x)


def finding(cell: Cell, infinities: bool = False, note: str = "") -> Finding:
    """What there is to say of a cell with a wrong element: the first such, or one inside the loop that made it."""
    cell = _inside(cell, infinities)
    array = to_numpy(cell.array)
    bad = ~numpy.isfinite(array) if infinities else numpy.isnan(array)
    index = tuple(int(k) for k in numpy.unravel_index(int(numpy.argmax(bad)), array.shape)) if array.ndim else ()
    counts = {"NaN": int(numpy.isnan(array).sum()), "inf": int(numpy.isinf(array).sum()), "elements": int(array.size)}
    return Finding(tuple(_links(cell, index)), note, counts)


def _inside(cell: Cell, infinities: bool) -> Cell:
    """The first wrong value in the loop, branch or region that made ``cell``, as deep as there is one."""
    while cell.maker is not None and opens(cell.maker):
        found: list[Cell] = []

        def observe(event: Event, outs: tuple[Any, ...], found: list[Cell] = found) -> None:
            if not found:
                found.extend(Cell(out, event, i) for i, out in enumerate(outs) if wrong(out, infinities))

        opened(cell.maker, observe)
        if not found:
            break
        cell = found[0]
    return cell


def chain(cell: Cell, index: tuple[int, ...]) -> tuple[Link, ...]:
    """The links from an element back to one that was given."""
    return tuple(_links(cell, index))


def _links(cell: Cell, index: tuple[int, ...]) -> Iterator[Link]:
    for _ in range(_MOST_LINKS):
        while cell.maker is not None and opens(cell.maker):
            deeper = opened(cell.maker).cell(cell.place, index)
            if deeper is None:
                break
            cell, index = deeper
        array = to_numpy(cell.array)
        if index and len(index) != array.ndim and array.ndim == 0:
            index = ()
        event = cell.maker
        value = array[index] if len(index) == array.ndim else array
        if event is None:
            yield Link(
                "",
                cell.kind,
                cell.name,
                0,
                index,
                value,
                array.shape,
                str(array.dtype),
                _given(cell, value),
                where=placed(cell.where),
            )
            return
        with numpy.errstate(all="ignore"):
            parts = behind(event.op, event.arrays, array, cell.place, index, event.params)
            reason = reason_of(event.op, event.arrays, array, index, event.params, parts)
            kinds = [operand.kind if operand.maker is None else "computed" for operand in event.operands]
            next_ = choose(event.op, event.arrays, array, cell.place, index, event.params, parts, reason, kinds)
        if event.op.name not in _HANDED_ON or next_ is None:
            yield Link(
                event.op.name,
                "computed",
                event.name,
                cell.place,
                index,
                value,
                array.shape,
                str(array.dtype),
                "" if reason is None else reason.text,
                tuple(_operands(event, parts, next_)),
                event.phase,
                event.of,
                event.round,
                event.time,
                placed(event.where),
                any(len(part.places) > 1 for part in parts),
            )
        if next_ is None:
            return
        cell = event.operands[next_.operand]
        shape = numpy.shape(cell.array)
        index = tuple(int(k) for k in numpy.unravel_index(next_.place, shape)) if shape else ()


def _given(cell: Cell, value: Any) -> str:
    if is_finite(value):
        return ""
    how = {"feed": "was fed", "variable": "is what the variable held", "parameter": "is what the parameter held"}
    return f"{shown(value)} {how.get(cell.kind, 'was given')}"


def _operands(event: Event, parts: Iterable[Any], chosen: Any) -> Iterator[Operand]:
    names = event.op.names
    for part in parts:
        cell = event.operands[part.operand]
        array = to_numpy(cell.array)
        at = chosen.place if chosen is not None and chosen.operand == part.operand else None
        if at is None and len(part.places) == 1:
            at = int(part.places[0])
        elif at is None:
            at = None if chosen is None else chosen.best.get(part.operand)
        if at is None:
            continue
        index = tuple(int(k) for k in numpy.unravel_index(at, array.shape)) if array.ndim else ()
        usual = names[part.operand].lstrip("_") if part.operand < len(names) else f"operand {part.operand}"
        name = cell.name or (cell.maker.name if cell.maker is not None else "" if cell.kind == "constant" else usual)
        kind = cell.kind if cell.maker is None else "computed"
        yield Operand(name, index, array.ravel()[at], kind)
