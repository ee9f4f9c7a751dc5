"""``tensorflow.python.client.timeline``: a run's ``StepStats`` as a trace for Chrome (``chrome://tracing``) or Perfetto."""

from __future__ import annotations

import json
import re
from typing import Any

from static.metadata import DeviceStepStats, NodeExecStats, StepStats


_LABEL = re.compile(r"(.*?) = (.*?)\((.*)\)\Z", re.DOTALL)


class Timeline:
    """The trace of one run: ``Timeline(run_metadata.step_stats)``."""

    def __init__(self, step_stats: StepStats, graph: Any = None) -> None:
        self._step_stats = step_stats

    def generate_chrome_trace_format(self, show_dataflow: bool = True, show_memory: bool = False) -> str:
        """The trace as JSON in the Trace Event Format: a bar for each node, by device.

        Args:
            show_dataflow: with an arrow to each node from those whose outputs it reads.
            show_memory: with the memory held by outputs that some node is still to read.
        """
        events: list[dict[str, Any]] = []
        for number, device in enumerate(self._step_stats.dev_stats):
            pid = 2 * number + 1
            events.append(_process(f"{device.device} Compute", pid))
            events += [_bar(stats, pid) for stats in device.node_stats]
            if show_dataflow:
                events += _arrows(device, pid)
            if show_memory:
                events.append(_process(f"{device.device} Memory", pid + 1))
                events += _memory(device, pid + 1)
        return json.dumps({"traceEvents": events}, indent=4)


def _process(name: str, pid: int) -> dict[str, Any]:
    return {"name": "process_name", "ph": "M", "pid": pid, "args": {"name": name}}


def _parsed(stats: NodeExecStats) -> tuple[str, list[str]]:
    """The type of a node and the names of its inputs."""
    found = _LABEL.match(stats.timeline_label)
    if found is None:
        return "unknown", []
    return found[2], [name for name in found[3].split(", ") if name]


def _bar(stats: NodeExecStats, pid: int) -> dict[str, Any]:
    kind, inputs = _parsed(stats)
    args = {"name": stats.node_name, "op": kind, **{f"input{i}": name for i, name in enumerate(inputs)}}
    args |= {f"of{i}": words for i, words in enumerate(stats.origins)}
    return {
        "ph": "X",
        "cat": "Op",
        "name": kind,
        "pid": pid,
        "tid": 0,
        "ts": stats.all_start_micros,
        "dur": max(stats.all_end_rel_micros, 1),
        "args": args,
    }


def _sources(device: DeviceStepStats) -> list[tuple[NodeExecStats, NodeExecStats]]:
    """Each node with each of those before it that it reads."""
    by_name = {stats.node_name: stats for stats in device.node_stats}
    pairs = []
    for stats in device.node_stats:
        names = dict.fromkeys(name.partition(":")[0] for name in _parsed(stats)[1])
        pairs += [(by_name[name], stats) for name in names if name in by_name]
    return pairs


def _arrows(device: DeviceStepStats, pid: int) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for number, (source, target) in enumerate(_sources(device)):
        common = {"name": source.node_name, "cat": "DataFlow", "id": number, "pid": pid, "tid": 0}
        events.append({**common, "ph": "s", "ts": source.all_start_micros + source.all_end_rel_micros})
        events.append({**common, "ph": "t", "ts": target.all_start_micros})
    return events


def _memory(device: DeviceStepStats, pid: int) -> list[dict[str, Any]]:
    """A counter of the bytes of outputs, from the end of a node until its last reader has ended."""
    last = {stats.node_name: stats for stats in device.node_stats}
    for source, target in _sources(device):
        last[source.node_name] = target
    changes: list[tuple[int, int]] = []
    for stats in device.node_stats:
        size = sum(memory.total_bytes for memory in stats.memory)
        if size:
            changes.append((stats.all_start_nanos + stats.all_end_rel_nanos, size))
            end = last[stats.node_name]
            changes.append((end.all_start_nanos + end.all_end_rel_nanos, -size))
    events, held = [], 0
    for when, change in sorted(changes, key=lambda item: item[0]):
        held += change
        at = {"ph": "C", "cat": "Memory", "name": "cpu", "pid": pid, "tid": 0, "ts": when // 1000}
        events.append({**at, "args": {"cpu": held}})
    return events
