"""What a part's nodes took in a run, as plain data, and that data of all parts as a run's metadata, on one clock."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from static.metadata import AllocatorMemoryUsed, DeviceStepStats, NodeExecStats, StepStats
from static.names import type_name


class Recorder:
    """Notes when each node of a plan has run: ``[name, type, inputs, start, end, bytes, origins]``, nanoseconds since 1970.

    A ``receive`` lasts from when its part came to it until the tensor was there.
    """

    def __init__(self, plan: Any) -> None:
        self.found: list[list[Any]] = []
        self._makers = {register: step.node.name for step in plan.schedule.steps for register in step.outs}
        self._inputs = {
            step.node: [self._makers[arg] for arg in step.args if arg in self._makers] for step in plan.schedule.steps
        }
        self._from = time.time_ns()

    def observe(self, node: Any, operands: Sequence[Any], outs: Sequence[Any]) -> None:
        """Enter a node that has just run."""
        now = time.time_ns()
        size = 0 if node.op.view else sum(int(getattr(out, "nbytes", 0)) for out in outs)
        meant = [each.name for each in getattr(node, "origins", ()) if each is not node]
        kind = type_name(node.op.name)
        self.found.append([node.name, kind, self._inputs.get(node, []), self._from, now, size, meant])
        self._from = time.time_ns()


class Crossing(NamedTuple):
    """A value that crossed in a run.

    Attributes:
        name: the node or variable whose value it is; ``reader`` the first that waits for it.
        source, target: the devices.
        bytes: of data; 0 for a mere order.
        sent: when its part gave it away; ``wanted`` when the other asked for it, ``there`` when it had it. Seconds since
            1970, of each part's own clock unless the run was traced.
    """

    name: str
    reader: str
    source: str
    target: str
    bytes: int
    sent: float
    wanted: float
    there: float


def crossings(
    edges: Sequence[Any],
    answers: Mapping[int, Mapping[str, Any]],
    devices: Mapping[int, str],
    ahead: Mapping[int, float] | None = None,
) -> list[Crossing]:
    """What crossed, in the order of the run's edges."""
    shift = ahead or {}
    sent = {entry[0]: entry for answer in answers.values() for entry in answer.get("sent", ())}
    got = {entry[0]: entry for answer in answers.values() for entry in answer.get("received", ())}
    made = []
    for edge in edges:
        if edge.number in sent and edge.number in got:
            _, size, begun, _ = sent[edge.number]
            _, _, wanted, there = got[edge.number]
            early, late = shift.get(edge.source, 0.0), shift.get(edge.target, 0.0)
            names = (edge.name, edge.reader, devices[edge.source], devices[edge.target])
            made.append(Crossing(*names, size, begun - early, wanted - late, there - late))
    return made


def stats(devices: Mapping[int, str], found: Mapping[int, Sequence[Sequence[Any]]], ahead: Mapping[int, float]) -> StepStats:
    """What all parts have noted, a row a device, in the session's own time; ``ahead`` has by how much each clock is fast."""
    rows = []
    for place in sorted(found):
        shift = int(ahead.get(place, 0.0) * 1e9)
        row = DeviceStepStats(devices[place])
        for name, kind, inputs, start, end, size, meant in found[place]:
            took = max(0, end - start)
            label = f"{name} = {kind}({', '.join(inputs)})"
            one = NodeExecStats(name, label, place + 1, start - shift, 0, took, took, start - shift, origins=list(meant))
            if size:
                one.memory.append(AllocatorMemoryUsed("cpu", size, size, size))
            row.node_stats.append(one)
        rows.append(row)
    return StepStats(rows)


__all__ = ["Crossing", "Recorder", "crossings", "stats"]
