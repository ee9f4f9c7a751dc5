"""One step of a mode as units that can be matched: graph nodes, records of a tape, the way back through each, updates.

A unit knows its position in a picture (serial and phase), the calls of kernels that are its own in a log of the step, and
its neighbours by data, so that a static graph and a tape look alike however their front-end keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import networkx

from graphs.compare.calls import Call, Log
from graphs.control import bodies
from graphs.core.node import Node
from graphs.draw import BACKWARD, FORWARD, UPDATE, collect
from graphs.draw.protocol import phases


OUTSIDE = "outside"
"""The phase of a call that left no record: of what no gradient flows through, or of an update by hand."""

Key = tuple[int, str]
"""A unit's serial and phase."""


class Unit(NamedTuple):
    """What is matched.

    Attributes:
        serial: of the node or record; of a call outside the tape its own, which no picture has.
        phase: ``"forward"``, ``"backward"`` (of a record: the function that its gradient goes through), ``"update"`` (of a
            leaf: its change by the optimiser) or ``"outside"``.
        op: the op's name.
        name: the node's name.
        where: the user's line, empty where there is none.
        specs: shapes and dtypes of what it yields.
        calls: its calls, as positions in the log.
    """

    serial: int
    phase: str
    op: str
    name: str
    where: str
    specs: str
    calls: tuple[int, ...]

    @property
    def key(self) -> Key:
        """Serial and phase."""
        return self.serial, self.phase


@dataclass
class Side:
    """One mode's step.

    Attributes:
        mode: the mode.
        roots: the ends of its graph, to draw it from.
        log: the step, call by call.
        units: by key, in order of creation.
        flow: which unit reads what which other one yields, over their keys.
        taped: whether it is a tape.
        nodes: the nodes and records by serial, those in the bodies of loops among them.
    """

    mode: str
    roots: list[Any]
    log: Log
    units: dict[Key, Unit] = field(default_factory=dict)
    flow: networkx.DiGraph = field(default_factory=networkx.DiGraph)
    taped: bool = False
    nodes: dict[int, Any] = field(default_factory=dict)


def side(mode: str, roots: list[Any], log: Log) -> Side:
    """The units of a step whose graph ends in ``roots``."""
    made = Side(mode, roots, log)
    graph = collect(roots) if roots else networkx.MultiDiGraph()
    nodes = [node for _, node in graph.nodes(data="node")]
    made.taped = not any(isinstance(node, Node) for node in nodes)
    if made.taped:
        _tape(made, nodes)
    else:
        _graph(made, nodes)
    made.flow.add_nodes_from(made.units)
    if not made.taped:
        phase_of = dict(made.units.keys())
        for tail, head in graph.edges():
            made.flow.add_edge((tail, phase_of[tail]), (head, phase_of[head]))
    _by_value(made)
    return made


def _unit(node: Any, phase: str, calls: Iterable[int]) -> Unit:
    where = "" if node.where is None else str(node.where)
    return Unit(node.serial, phase, node.op.name, node.name, where, ", ".join(map(str, node.specs)), tuple(calls))


def _graph(made: Side, nodes: Sequence[Any]) -> None:
    """A unit for each node, and for each node in the body of a loop or branch, which has the phase of the loop."""
    positions: dict[int, list[int]] = {}
    for position, call in enumerate(made.log.calls):
        positions.setdefault(call.serial, []).append(position)
    phase_of = phases(nodes)
    waiting = list(reversed(nodes))
    while waiting:
        node = waiting.pop()
        made.nodes[node.serial] = node
        made.units.setdefault(
            (node.serial, phase_of[node.serial]), _unit(node, phase_of[node.serial], positions.get(node.serial, ()))
        )
        if "control" in node.op.traits:
            inner = [each for body in bodies(node) for each in body.nodes if each.serial not in phase_of]
            phase_of.update((each.serial, phase_of[node.serial]) for each in inner)
            waiting += reversed(inner)


def _tape(made: Side, records: Sequence[Any]) -> None:
    """A unit for each record as it ran, for the way back through it, for each leaf's change, and for calls without one."""
    calls = made.log.calls
    forward = [position for position, call in enumerate(calls) if call.back is None]
    back: dict[int, list[int]] = {}
    for position, call in enumerate(calls):
        if call.back is not None:
            back.setdefault(call.back, []).append(position)
    owners = _left(records, calls, forward)
    for record in records:
        made.nodes[record.serial] = record
        unit = _unit(record, FORWARD, owners.get(record.serial, ()))
        made.units[unit.key] = unit
        way = unit._replace(phase=BACKWARD, calls=tuple(back.get(record.serial, ())))
        made.units[way.key] = way
    taken = {position for positions in owners.values() for position in positions}
    last = {calls[position].results[0]: position for position in forward if calls[position].results}
    for serial, held in made.log.held.items():
        change = last.get(held.after) if held.after != held.before else None
        if change is not None:
            call = calls[change]
            made.units[serial, UPDATE] = Unit(serial, UPDATE, call.op, held.name, call.where, "", (change,))
            taken.add(change)
    for position in forward:
        if position not in taken:
            call = calls[position]
            made.units[call.serial, OUTSIDE] = Unit(call.serial, OUTSIDE, call.op, "", call.where, "", (position,))


def _left(records: Sequence[Any], calls: Sequence[Call], forward: Sequence[int]) -> dict[int, list[int]]:
    """The call that left each record: the last one before it, if it is of the same op."""
    found: dict[int, list[int]] = {}
    at = 0
    for record in records:
        while at < len(forward) and calls[forward[at]].serial < record.serial:
            at += 1
        if at and calls[forward[at - 1]].op == record.op.name:
            found[record.serial] = [forward[at - 1]]
    return found


def _by_value(made: Side) -> None:
    """Join units by the values that their calls read: each comes from the last unit that made it."""
    calls = made.log.calls
    of_call = {position: unit.key for unit in made.units.values() for position in unit.calls}
    makers: dict[str, Key] = {}
    for serial, held in made.log.held.items():
        start = next((key for key in ((serial, FORWARD), (serial, UPDATE)) if key in made.units), None)
        if start is not None:
            makers[held.before] = start
    for position, call in enumerate(calls):
        head = of_call.get(position)
        if head is not None:
            for digest in call.operands:
                tail = makers.get(digest)
                if tail is not None and tail != head:
                    made.flow.add_edge(tail, head)
            makers.update((digest, head) for digest in call.results)
    if made.taped:
        for key, unit in made.units.items():
            if unit.phase != FORWARD:
                continue
            for edge in made.nodes[unit.serial].edges:
                if edge is not None and (edge.node.serial, FORWARD) in made.units:
                    made.flow.add_edge((edge.node.serial, FORWARD), key)
                    made.flow.add_edge((unit.serial, BACKWARD), (edge.node.serial, BACKWARD))
