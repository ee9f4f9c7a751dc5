"""What a gradient is made of: the contributions by backward call, by term of the loss and by path, which sum to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from graphs.inspection.numbers import shown
from graphs.inspection.showing import Shown


class Step(NamedTuple):
    """A node on a path, from the loss towards the value."""

    op: str
    name: str
    where: str


@dataclass(frozen=True)
class Contribution:
    """A part of a gradient.

    Attributes:
        call: which backward call, or which of several losses, it came with, from 1; 0 for none.
        call_where: the line of that call.
        term: the term of the loss, as the program writes it, or the name of the node that makes it.
        term_where: its line.
        path: from the term to the value, where it came along one path; else the last step only.
        ways: along how many paths it came.
        value: the part, of the gradient's shape.
    """

    call: int
    call_where: str
    term: str
    term_where: str
    path: tuple[Step, ...]
    ways: int
    value: numpy.ndarray

    @property
    def norm(self) -> float:
        """Its Euclidean norm."""
        return float(numpy.linalg.norm(self.value.astype(numpy.float64).ravel()))

    @property
    def way(self) -> str:
        """The path in words."""
        ops = [step.op for step in self.path]
        if self.ways > 1:
            return f"{self.ways} ways, last through {ops[-1]}" if ops else f"{self.ways} ways"
        if len(ops) > 7:
            ops = [*ops[:3], "…", *ops[-3:]]
        return " < ".join(reversed(ops)) if ops else "itself"


@dataclass(frozen=True)
class Provenance(Shown):
    """What a gradient is made of.

    Attributes:
        name: whose gradient it is.
        total: the gradient.
        contributions: its parts.
        calls: what ``call`` counts: backward calls, or losses.
        notes: what else has happened to it.
    """

    _width: ClassVar[int] = 160

    name: str
    total: numpy.ndarray
    contributions: tuple[Contribution, ...]
    calls: tuple[str, str] = ("backward call", "backward calls")
    notes: tuple[str, ...] = ()

    @property
    def sum(self) -> numpy.ndarray:
        """The contributions added up, which is the gradient up to rounding."""
        parts = [part.value for part in self.contributions]
        if not parts:
            return numpy.zeros_like(self.total)
        return sum(parts[1:], parts[0])

    @property
    def difference(self) -> float:
        """The largest difference of an element between ``sum`` and the gradient: what rounding makes."""
        return float(numpy.abs(self.sum - self.total).max(initial=0))

    def by_call(self) -> dict[str, numpy.ndarray]:
        """The gradient by backward call."""
        return self._by(lambda part: f"{part.call}: {part.call_where}" if part.call else part.term)

    def by_term(self) -> dict[str, numpy.ndarray]:
        """The gradient by term of the losses."""
        return self._by(lambda part: f"{part.call}: {part.term} at {part.term_where}")

    def by_path(self) -> dict[str, numpy.ndarray]:
        """The gradient by path, whatever term it begins at."""
        return self._by(lambda part: part.way)

    def _by(self, label: Callable[[Contribution], str]) -> dict[str, numpy.ndarray]:
        found: dict[str, numpy.ndarray] = {}
        for part in self.contributions:
            key = label(part)
            found[key] = part.value if key not in found else found[key] + part.value
        return found

    def share(self, part: Contribution) -> float:
        """How much of the gradient a contribution is, along its direction: shares add up to 1, opposed ones are negative."""
        total = self.total.astype(numpy.float64).ravel()
        size = float(total @ total)
        return float(part.value.astype(numpy.float64).ravel() @ total) / size if size else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Everything there is to say, as JSON takes it."""
        parts = [
            {
                "call": part.call,
                "call_where": part.call_where,
                "term": part.term,
                "term_where": part.term_where,
                "path": [step._asdict() for step in part.path],
                "ways": part.ways,
                "norm": part.norm,
                "share": self.share(part),
                "value": part.value.tolist(),
            }
            for part in self.contributions
        ]
        norm = float(numpy.linalg.norm(self.total.astype(numpy.float64).ravel()))
        about = {"name": self.name, "norm": norm, "difference": self.difference, "notes": list(self.notes)}
        return {**about, "contributions": parts}

    def __rich__(self) -> RenderableType:
        norm = shown(float(numpy.linalg.norm(self.total.astype(numpy.float64).ravel())))
        calls = {part.call for part in self.contributions if part.call}
        head = Text(f"gradient of {self.name}: norm {norm}, from {len(calls)} {self.calls[len(calls) != 1]}")
        table = Table(box=None, pad_edge=False, show_edge=False)
        for column, side in (
            ("call", "right"),
            ("term", "left"),
            ("way to it", "left"),
            ("norm", "right"),
            ("share", "right"),
        ):
            table.add_column(column, justify=side, style="dim" if column == "call" else "", overflow="fold")  # type: ignore[arg-type]
        lines: dict[int, str] = {}
        for part in self.contributions:
            lines.setdefault(part.call, part.call_where)
            cells = (str(part.call or ""), part.term, part.way, shown(part.norm), f"{100 * self.share(part):.1f} %")
            table.add_row(*map(Text, cells))
        foot = [Text(f"{self.calls[0]} {call}: {where}", "dim") for call, where in lines.items() if call]
        terms = dict.fromkeys((part.term, part.term_where) for part in self.contributions if part.term_where)
        foot += [Text(f"term {term}: {_short(where, term)}", "dim") for term, where in terms]
        foot += [Text(note, "italic") for note in self.notes]
        several = len(calls) > 1 and self.calls[0] == "backward call"
        mixed = [Text(f"{len(calls)} backward calls are mixed in it.", "bold #d55e00")] if several else []
        return Group(head, *mixed, table, *foot)


def _short(where: str, term: str) -> str:
    """A place without its text, where the term has told enough of that."""
    place, _, text = where.partition("  ")
    return place if term.rstrip("…") in text else where
