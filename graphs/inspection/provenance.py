"""What a gradient is made of: the contributions by backward call, by term of the loss and by path, which sum to it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from graphs.core.node import ancestors
from graphs.inspection.elements import pull
from graphs.inspection.numbers import shown


MOST_PATHS = 16
"""Paths from one term that are told apart; where there are more, contributions are by the last step before the value."""

_THROUGH = frozenset({"add", "subtract", "negative", "identity", "read", "clone", "cast", "cast_like", "reshape"})
"""Ops through which terms of a sum are looked for."""

Residuals = Callable[[Any], tuple[Sequence[Any], Sequence[Any]]]


class Flow(NamedTuple):
    """A reverse pass, and all that flowed in it.

    Attributes:
        arrived: per node the gradients of its outputs.
        sent: what a node sent back to its argument, by ``(node, position)``; in the order in which it was sent.
    """

    arrived: dict[Any, list[Any]]
    sent: dict[tuple[Any, int], Any]


def live(roots: Iterable[Any], targets: set[Any], stop: Callable[[Any], bool]) -> set[Any]:
    """The nodes on a differentiable way back from ``roots`` to a target, the targets among them."""
    found: set[Any] = set()
    for node in ancestors(roots, stop):
        ways: Iterable[tuple[int, Any]] = () if node in targets or stop(node) else enumerate(node.edges)
        if node in targets or any(_leads(node, i, edge, found) for i, edge in ways):
            found.add(node)
    return found


def _leads(node: Any, position: int, edge: Any, found: set[Any]) -> bool:
    return edge is not None and edge.node in found and node.op.flows(position)


def flow(
    roots: Sequence[tuple[Any, Any]],
    targets: set[Any],
    residuals: Residuals,
    stop: Callable[[Any], bool] = lambda node: False,
) -> Flow:
    """The reverse pass from ``roots``, pairs of an edge and what flows into it, to ``targets``, on arrays.

    It adds up in the order in which ``graphs.autodiff.backprop`` does. ``stop`` says of nodes that nothing flows through.
    """
    on_the_way = live([edge.node for edge, _ in roots], targets, stop)
    gradients: dict[Any, list[Any]] = {}
    sent: dict[tuple[Any, int], Any] = {}
    arrived: dict[Any, list[Any]] = {}
    queue: list[tuple[int, Any]] = []

    def collect(edge: Any, g: Any) -> None:
        node = edge.node
        if node not in gradients:
            gradients[node] = [None] * node.width
            heappush(queue, (-node.serial, node))
        before = gradients[node][edge.index]
        gradients[node][edge.index] = g if before is None else before + g

    for edge, seed in roots:
        if edge.node in on_the_way:
            collect(edge, seed)
    with numpy.errstate(all="ignore"):
        while queue:
            node = heappop(queue)[1]
            gs = arrived[node] = gradients.pop(node)
            needs = tuple(_leads(node, i, edge, on_the_way) for i, edge in enumerate(node.edges))
            if not any(needs) or stop(node):
                continue
            args, outs = residuals(node)
            for i, (need, each) in enumerate(zip(needs, pull(node.op, needs, gs, outs, args, node.params), strict=True)):
                if need and each is not None:
                    sent[node, i] = each
                    collect(node.edges[i], each)
    return Flow(arrived, sent)


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
        term: the name of the term of the loss, the op that makes it.
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
class Provenance:
    """What a gradient is made of.

    Attributes:
        name: whose gradient it is.
        total: the gradient.
        contributions: its parts.
        calls: what ``call`` counts: backward calls, or losses.
        notes: what else has happened to it.
    """

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
        foot += [Text(f"term {term}: {where}", "dim") for term, where in terms]
        foot += [Text(note, "italic") for note in self.notes]
        several = len(calls) > 1 and self.calls[0] == "backward call"
        mixed = [Text(f"{len(calls)} backward calls are mixed in it.", "bold #d55e00")] if several else []
        return Group(head, *mixed, table, *foot)

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=160, color_system=None, highlight=False)
        console.print(self)
        text: str = console.file.getvalue()  # type: ignore[attr-defined]
        return "\n".join(line.rstrip() for line in text.rstrip().splitlines())

    def show(self, file: Any = None) -> None:
        """Print it, in colours where ``file`` (standard output) is a terminal."""
        Console(file=file or sys.stdout, highlight=False).print(self)


def terms(edge: Any, single: Callable[[Any], bool]) -> list[Any]:
    """The edges of the terms that a loss is a sum of: of itself alone, where it is none.

    ``single`` says of an edge that its value has one element: only sums of such are taken apart.
    """
    found: list[Any] = []
    stack = [edge]
    while stack:
        each = stack.pop()
        inner = _added(each, single)
        if inner is None:
            found.append(each)
        else:
            stack.extend(reversed(inner))
    return found


def _added(edge: Any, single: Callable[[Any], bool]) -> list[Any] | None:
    """The edges that are added up to make one, behind whatever only scales or hands on; None where it is no sum."""
    while True:
        node = edge.node
        inner = [x for x in node.edges if x is not None]
        if not single(edge) or not inner or "source" in node.op.traits:
            return None
        if node.op.name in ("add", "subtract") and len(inner) == 2 and all(map(single, inner)):
            return inner
        scales = node.op.name in ("multiply", "divide") and len(inner) == 1 and node.edges[0] is not None
        scales = scales or (node.op.name == "multiply" and len(inner) == 1)
        if len(inner) != 1 or not (node.op.name in _THROUGH or scales):
            return None
        edge = inner[0]


def contributions(
    roots: Sequence[tuple[Any, Any]],
    targets: set[Any],
    residuals: Residuals,
    single: Callable[[Any], bool],
    stop: Callable[[Any], bool] = lambda node: False,
    call: tuple[int, str] = (1, ""),
) -> dict[Any, list[Contribution]]:
    """Per target, the parts of its gradient in one reverse pass from ``roots``, by term and path."""
    ends = [(term, edge) for edge, _ in roots for term in terms(edge, single)]
    last = {term.node for term, _ in ends}
    down = flow(roots, last, residuals, lambda node: node in last or stop(node))
    seeds = {(edge.node, edge.index): seed for edge, seed in roots}
    groups: dict[tuple[str, str], list[tuple[Any, Any]]] = {}
    for term, edge in ends:
        g = seeds[edge.node, edge.index] if term is edge else _into(term, down, ends)
        if g is not None:
            groups.setdefault((_name(term.node), str(term.node.where or "")), []).append((term, g))
    found: dict[Any, list[Contribution]] = {target: [] for target in targets}
    for (term, where), given in groups.items():
        for target, path, ways, value in _parts(given, targets, residuals, stop):
            found[target].append(Contribution(*call, term, where, path, ways, value))
    return found


def _into(term: Any, down: Flow, ends: Sequence[Any]) -> Any:
    """What flows from the sum into one of its terms: of a value that is a term twice, its share."""
    g = down.arrived.get(term.node, [None] * term.node.width)[term.index]
    times = sum(other.node is term.node and other.index == term.index for other, _ in ends)
    return g if times == 1 or g is None else g / times


def _name(node: Any) -> str:
    return node.op.name if node.name == f"{node.op.name}_{node.serial}" else node.name


def _parts(
    given: Sequence[tuple[Any, Any]], targets: set[Any], residuals: Residuals, stop: Callable[[Any], bool]
) -> Iterator[tuple[Any, tuple[Step, ...], int, numpy.ndarray]]:
    """What came from some terms, by target and path: each path by itself, as long as there are few."""
    on_the_way = live([edge.node for edge, _ in given], targets, stop)
    counts = _paths(given, on_the_way, stop)
    few = [target for target in targets if 0 < counts.get(target, 0) <= MOST_PATHS]
    for target in sorted((t for t in targets if counts.get(t)), key=lambda node: node.serial):
        if target not in few:
            yield from _by_use(given, target, residuals, stop, counts)
    if few:
        yield from _by_path(given, set(few), residuals, stop)


def _paths(given: Sequence[tuple[Any, Any]], on_the_way: set[Any], stop: Callable[[Any], bool]) -> dict[Any, int]:
    """How many paths lead from the terms to each node."""
    counts: dict[Any, int] = {}
    for edge, _ in given:
        counts[edge.node] = counts.get(edge.node, 0) + 1
    for node in sorted(on_the_way, key=lambda node: -node.serial):
        if stop(node) or node not in counts:
            continue
        for i, edge in enumerate(node.edges):
            if _leads(node, i, edge, on_the_way):
                counts[edge.node] = counts.get(edge.node, 0) + counts[node]
    return counts


def _step(node: Any) -> Step:
    return Step(node.op.name, _name(node), str(node.where or ""))


def _by_use(
    given: Sequence[tuple[Any, Any]], target: Any, residuals: Residuals, stop: Callable[[Any], bool], counts: dict[Any, int]
) -> Iterator[tuple[Any, tuple[Step, ...], int, numpy.ndarray]]:
    through = flow(given, {target}, residuals, stop)
    for (node, i), g in through.sent.items():
        if node.edges[i].node is target:
            yield target, (_step(node),), counts.get(node, 1), numpy.array(g)


def _by_path(
    given: Sequence[tuple[Any, Any]], targets: set[Any], residuals: Residuals, stop: Callable[[Any], bool]
) -> Iterator[tuple[Any, tuple[Step, ...], int, numpy.ndarray]]:
    on_the_way = live([edge.node for edge, _ in given], targets, stop)
    stack: list[tuple[Any, Any, Any]] = [(edge, g, None) for edge, g in reversed(given)]
    with numpy.errstate(all="ignore"):
        while stack:
            edge, g, behind = stack.pop()
            node = edge.node
            if node in targets:
                yield node, _unlinked(behind), 1, numpy.array(g)
            needs = [_leads(node, i, x, on_the_way) for i, x in enumerate(node.edges)]
            if stop(node) or not any(needs):
                continue
            args, outs = residuals(node)
            gs = [g if i == edge.index else None for i in range(node.width)]
            here = (_step(node), behind)
            sent = pull(node.op, needs, gs, outs, args, node.params)
            further = [i for i in range(len(needs)) if needs[i] and sent[i] is not None]
            stack.extend((node.edges[i], sent[i], here) for i in reversed(further))


def _unlinked(path: Any) -> tuple[Step, ...]:
    steps = []
    while path is not None:
        step, path = path
        steps.append(step)
    return tuple(reversed(steps))
