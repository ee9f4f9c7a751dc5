"""What a pass did, as a picture: the program before it and the program after it in one, with what stayed, came and went.

A program is followed node by node: a node that only got other inputs is the one that it was; what a record of the pass names
is drawn with the rule that made or removed it, and an arrow leads from what was replaced to what stands for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import networkx

from graphs.core.function import Function
from graphs.core.node import Value
from graphs.draw.build import name_ends, with_bodies
from graphs.draw.collect import collect_program
from graphs.draw.excerpt import excerpt
from graphs.draw.fold import fold
from graphs.draw.picture import Link, Picture, common_dtype, program as pictured
from graphs.draw.protocol import FORWARD, phases
from graphs.draw.trail import ADDED, CHANGED, KEPT, MERGED, REMOVED, Trail
from graphs.rewrite import Program, Record, origins


class Stage(Protocol):
    """What a pass did: the programs before and after it, and its rewrites."""

    @property
    def name(self) -> str:
        """The pass."""

    @property
    def was(self) -> Program:
        """The program before it."""

    @property
    def now(self) -> Program:
        """The program after it."""

    @property
    def records(self) -> Sequence[Record]:
        """Its rewrites."""


def pass_pictures(stages: Sequence[Stage], *, title: str = "", budget: int = 80) -> Iterator[tuple[str, Picture]]:
    """The program before the first pass, and one picture for each pass that changed something, each with its name.

    Pictures keep to ``budget`` boxes: of a larger program one shows the places that the pass touched, and of places that are
    alike one.
    """
    if not stages:
        return
    first = stages[0].was
    phase = _phase(first)
    start = f"{title}, " if title else ""
    yield "00-as-written", _plain(first, phase, f"{start}as written: {len(first.nodes)} nodes", budget)
    for number, stage in enumerate(stages, 1):
        trail = Trail(stage.was, stage.now, stage.records)
        if trail.changed:
            times = len(stage.records)
            words = f"{start}after {stage.name}: {times} rewrite{'s' * (times != 1)}, "
            words += f"{len(stage.was.nodes)} nodes became {len(stage.now.nodes)}"
            yield f"{number:02}-{stage.name}", _within(_compared(trail, phase, words, budget // 2), budget)
    last = stages[-1].now
    yield f"{len(stages) + 1:02}-as-run", _plain(last, phase, f"{start}as it is run: {len(last.nodes)} nodes", budget)


def _phase(first: Program) -> Callable[[Any], str]:
    """The phase of any node that passes make: that of the last of the user's nodes which it stands for."""
    found = phases(first.nodes)

    def phase(node: Any) -> str:
        return found.get(origins([node])[-1].serial, FORWARD)

    return phase


def _plain(shown: Program, phase: Callable[[Any], str], title: str, budget: int) -> Picture:
    drawn = fold(_finished(pictured(collect_program(shown), "joined", phase), shown.roots, title), budget)
    return replace(drawn, items=with_bodies(drawn.items, budget))


def _finished(drawn: Picture, roots: Iterable[Any], title: str) -> Picture:
    wanted = {(x.node if isinstance(x, Value) else x) for x in roots}
    for item in drawn.items:
        item.root = item.node in wanted
    drawn.dtype = common_dtype(drawn.links)
    drawn.title = title
    return drawn


def _changed_body(old: Function, new: Function, records: Sequence[Record], budget: int) -> Picture:
    drawn = _compared(Trail(Program.of(old), Program.of(new), records), lambda _: FORWARD, new.name)
    name_ends(drawn, new)
    return _within(drawn, budget)


def _within(drawn: Picture, budget: int) -> Picture:
    if len(drawn.items) > budget:
        drawn = excerpt(drawn, budget)
    return replace(drawn, items=with_bodies(drawn.items, budget))


def _compared(trail: Trail, phase: Callable[[Any], str], title: str, budget: int = 60) -> Picture:
    """Both programs of a trail in one picture; ``budget`` is for each body."""
    graph, records = _both(trail), trail.records
    drawn = pictured(graph, "joined", phase)
    keys = {item.node: item.key for item in drawn.items}
    for item in drawn.items:
        item.status = graph.nodes[item.node.serial]["status"]
        item.notes = (*item.notes, *trail.notes(item.node))
        changed = trail.bodies(item.node) if item.status == CHANGED else []
        item.bodies = tuple((word, _changed_body(old, new, records, budget)) for word, old, new in changed)
    drawn.links = [
        link for link in drawn.links if link.status != REMOVED or link.kind != "shape"
    ]  # they clutter, and say little
    for node, target in trail.targets.items():
        if node in keys and target in keys:
            drawn.links.append(Link(keys[node], keys[target], "became", status=MERGED))
    return _finished(drawn, trail.now.roots, title)


def _both(trail: Trail) -> networkx.MultiDiGraph:
    """The graph of what is in either program, with the status of nodes and edges."""
    now, was = collect_program(trail.now), collect_program(trail.was)
    both = networkx.MultiDiGraph()
    inside = {node.serial for node in (*trail.now.nodes, *trail.was.nodes)}
    given = [data["node"] for each in (was, now) for serial, data in each.nodes(data=True) if serial not in inside]
    for node in given:
        both.add_node(node.serial, node=node, status=KEPT)
    for node in trail.nodes:
        both.add_node(node.serial, node=node, status=trail.status(node))
    there = {(tail, head, data["kind"], data.get("at")) for tail, head, data in now.edges(data=True)}
    before = set()
    for tail, head, data in was.edges(data=True):
        ends = trail.serial(tail), trail.serial(head)
        key = (*ends, data["kind"], data.get("at"))
        before.add(key)
        if key not in there:
            both.add_edge(*ends, **data, status=REMOVED)
    for tail, head, data in now.edges(data=True):
        old = (tail, head, data["kind"], data.get("at")) in before
        both.add_edge(tail, head, **data, status=KEPT if old else ADDED)
    return both


def statuses(drawn: Picture) -> dict[str, int]:
    """How many nodes of a picture have each status, bodies included."""
    found: dict[str, int] = {}
    for shown in drawn.inside():
        for item in shown.items:
            found[item.status] = found.get(item.status, 0) + item.count
    return found


__all__ = ["ADDED", "CHANGED", "KEPT", "MERGED", "REMOVED", "Stage", "pass_pictures", "statuses"]
