"""The first NaN or infinity of a run, and the chain of values that led to it."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy
from rich.console import Console, Group, RenderableType
from rich.text import Text

from graphs.core.errors import GraphsError
from graphs.inspection.elements import behind, choose, reason_of
from graphs.inspection.history import Cell, Event, opened, opens
from graphs.inspection.numbers import shown


_MOST_SHOWN = 14
"""Links of a chain that are shown at its beginning; the last few are shown in any case."""

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


class Operand(NamedTuple):
    """An operand at a link: its name, the element that has a part, its index and its value."""

    name: str
    at: tuple[int, ...]
    value: Any
    kind: str

    def __str__(self) -> str:
        return f"{self.name} = {shown(self.value)}" if self.name else shown(self.value)


@dataclass(frozen=True)
class Link:
    """One value of a chain.

    Attributes:
        op: the op that computed it; empty for what was given.
        kind: ``"computed"``, or what it is that was given: ``"feed"``, ``"variable"``, ``"parameter"``, ``"constant"``.
        name: the node's name, or the name of what was given.
        output: which of the node's outputs.
        index: the element.
        value: the element's value.
        shape, dtype: of the array that it is in.
        reason: why it is what it is, in words; empty where nothing is known but its operands.
        operands: the elements that it was computed from, those of element-wise ops in full.
        phase: ``"forward"``, ``"backward"`` or ``"update"``.
        of: on the way back, what it is the gradient of.
        round: the round of the loop that it was computed in, from 0; None outside of loops.
        time: how many backward passes or runs had begun; None where that is not counted.
        where: the user's line.
        several: whether more elements have a part in it than ``operands`` tells of.
    """

    op: str
    kind: str
    name: str
    output: int
    index: tuple[int, ...]
    value: Any
    shape: tuple[int, ...]
    dtype: str
    reason: str = ""
    operands: tuple[Operand, ...] = ()
    phase: str = "forward"
    of: str = ""
    round: int | None = None
    time: int | None = None
    where: str = ""
    several: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Everything there is to say, as JSON takes it; numbers that JSON lacks are words."""
        plain = {name: value for name, value in vars(self).items() if name not in ("value", "operands", "index", "shape")}
        operands = [{"name": x.name, "index": list(x.at), "value": _plain(x.value), "kind": x.kind} for x in self.operands]
        return {
            **plain,
            "index": list(self.index),
            "shape": list(self.shape),
            "value": _plain(self.value),
            "operands": operands,
        }


@dataclass(frozen=True)
class Finding:
    """The first value of a run that is NaN (or infinite), and what led to it.

    Attributes:
        chain: the value itself, then the operand that it comes from, and so on to one that was given.
        note: what else there is to say.
    """

    chain: tuple[Link, ...]
    note: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def link(self) -> Link:
        """The value itself."""
        return self.chain[0]

    @property
    def cause(self) -> str:
        """The chain in one sentence: ``log of 0 is -inf, from saturated sigmoid: …, from matmul, from the feed x``."""
        parts: list[str] = []
        for link in self.chain:
            part = link.reason or (link.op or f"the {link.kind} {link.name}".strip())
            if not parts or parts[-1] != part:
                parts.append(part)
        if len(parts) > 6:
            parts = [*parts[:4], "…", parts[-1]]
        return ", from ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Everything there is to say, as JSON takes it."""
        return {
            "cause": self.cause,
            "chain": [link.as_dict() for link in self.chain],
            "note": self.note,
            "counts": self.counts,
        }

    def __rich__(self) -> RenderableType:
        return Group(*self._lines())

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=10_000, color_system=None, highlight=False)
        console.print(self)
        text: str = console.file.getvalue()  # type: ignore[attr-defined]
        return "\n".join(line.rstrip() for line in text.rstrip().splitlines())

    def show(self, file: Any = None) -> None:
        """Print it, in colours where ``file`` (standard output) is a terminal."""
        Console(file=file or sys.stdout, highlight=False).print(self)

    def _lines(self) -> Iterator[Text]:
        first = self.link
        head = Text()
        head.append(shown(first.value), "bold #d55e00")
        round_ = "" if first.round is None else f", round {first.round} of its loop"
        head.append(f" in the {_PHASES[first.phase]}{round_}{_when(first)}")
        if self.counts:
            wrong = ", ".join(f"{n} {name}" for name, n in self.counts.items() if name != "elements" and n)
            head.append(f" ({wrong} of {self.counts['elements']} elements)")
        yield head
        for number, link in _selected(self.chain):
            if link is None:
                yield Text(f"     … {number} more", "dim")
                continue
            yield from _shown(link, number == 0)
        if self.note:
            yield Text(self.note, "italic")


_PHASES = {"forward": "forward pass", "backward": "backward pass", "update": "update"}


def _when(link: Link) -> str:
    if link.time is None:
        return ""
    if link.phase == "backward":
        return f", which is number {link.time}"
    return f", after {link.time} backward pass{'' if link.time == 1 else 'es'}" if link.time else ""


def _selected(chain: Sequence[Link]) -> Iterator[tuple[int, Link | None]]:
    left_out = len(chain) - _MOST_SHOWN - 2
    for number, link in enumerate(chain):
        if left_out <= 1 or number < _MOST_SHOWN or number >= len(chain) - 2:
            yield number, link
        elif number == _MOST_SHOWN:
            yield left_out, None


def _shown(link: Link, first: bool) -> Iterator[Text]:
    text = Text("  " if first else "  <- ")
    at = f"[{', '.join(map(str, link.index))}]" if link.index else ""
    if link.kind == "computed":
        label = link.name if link.name.startswith(link.op) else f"{link.op} {link.name}"
        text.append(label, "bold").append(f"{f':{link.output}' if link.output else ''}{at}")
    else:
        text.append(f"{link.kind} {link.name}".strip(), "bold #0072b2").append(at)
    text.append(f" = {shown(link.value)}", "#d55e00" if not _finite(link.value) else "")
    if link.reason:
        text.append(f"  {link.reason}", "bold")
    elif link.operands:
        text.append(f"  {'mostly ' if link.several else ''}of {', '.join(map(str, link.operands))}")
    yield text
    about = []
    if link.of:
        about.append(f"{'update' if link.phase == 'update' else 'gradient'} of {link.of}")
    if not first and link.round is not None:
        about.append(f"round {link.round}")
    if about:
        yield Text(f"       ({', '.join(about)})", "dim")
    if link.where:
        yield Text(f"       {link.where}", "dim")


def _finite(x: Any) -> bool:
    try:
        return bool(numpy.isfinite(x))
    except TypeError:
        return True


def _plain(x: Any) -> Any:
    value = x.item() if isinstance(x, numpy.generic) else x
    if isinstance(value, complex):
        return str(value)
    return value if not isinstance(value, float) or _finite(value) else shown(value)


def wrong(array: Any, infinities: bool) -> bool:
    """Whether an array has a NaN, or with ``infinities`` anything that is not finite."""
    x = numpy.asarray(array)
    if x.dtype.kind not in "fc":
        return False
    if infinities:
        return not bool(numpy.isfinite(x).all())
    return bool(numpy.isnan(x).any())


def finding(cell: Cell, infinities: bool = False, note: str = "") -> Finding:
    """What there is to say of a cell with a wrong element: the first such, or one inside the loop that made it."""
    cell = _inside(cell, infinities)
    array = numpy.asarray(cell.array)
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
        array = numpy.asarray(cell.array)
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
                where=_at(cell),
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
                _at(event),
                any(len(part.places) > 1 for part in parts),
            )
        if next_ is None:
            return
        cell = event.operands[next_.operand]
        shape = numpy.shape(cell.array)
        index = tuple(int(k) for k in numpy.unravel_index(next_.place, shape)) if shape else ()


def _given(cell: Cell, value: Any) -> str:
    if _finite(value):
        return ""
    how = {"feed": "was fed", "variable": "is what the variable held", "parameter": "is what the parameter held"}
    return f"{shown(value)} {how.get(cell.kind, 'was given')}"


def _at(x: Any) -> str:
    return "" if x.where is None else str(x.where)


def _operands(event: Event, parts: Iterable[Any], chosen: Any) -> Iterator[Operand]:
    names = event.op.names
    for part in parts:
        cell = event.operands[part.operand]
        array = numpy.asarray(cell.array)
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
