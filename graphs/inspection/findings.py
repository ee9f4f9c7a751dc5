"""A NaN or infinity and what led to it, link by link: as data, in a sentence, and as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy
from rich.console import Group, RenderableType
from rich.text import Text

from graphs.inspection.numbers import shown
from graphs.inspection.showing import Shown, label


_MOST_SHOWN = 14
"""Links of a chain that are shown at its beginning; the last few are shown in any case."""


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
class Finding(Shown):
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
        text.append(label(link.op, link.name), "bold").append(f"{f':{link.output}' if link.output else ''}{at}")
    else:
        text.append(f"{link.kind} {link.name}".strip(), "bold #0072b2").append(at)
    text.append(f" = {shown(link.value)}", "#d55e00" if not is_finite(link.value) else "")
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


def is_finite(x: Any) -> bool:
    """Whether a value is neither NaN nor infinite."""
    try:
        return bool(numpy.isfinite(x))
    except TypeError:
        return True


def _plain(x: Any) -> Any:
    value = x.item() if isinstance(x, numpy.generic) else x
    if isinstance(value, complex):
        return str(value)
    return value if not isinstance(value, float) or is_finite(value) else shown(value)
