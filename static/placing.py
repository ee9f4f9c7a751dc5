"""A session's run as a task graph: what its nodes take here, what crosses between them, and where they were asked to be.

graph = task_graph(session, train_step, {x: batch})
placement = graphs.placing.heft(graph, cluster, together=graph.graph["together"])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from time import perf_counter
from typing import Any

import numpy

from graphs.rewrite.costs import Shapes
from static.devices import DeviceSpec
from static.metadata import RunMetadata


SESSION = "session"
"""What to call the session's own process."""

RUNS = 5
"""Runs of which a node's seconds are the least."""


def task_graph(
    session: Any,
    fetches: Any,
    feed_dict: Mapping[Any, Any] | None = None,
    *,
    profile: RunMetadata | Sequence[RunMetadata] | Mapping[str, float] | None = None,
    runs: int = RUNS,
    rates: Any = None,
) -> Any:
    """What ``session.run(fetches, feed_dict)`` does after the passes, as ``graphs.placing`` takes it.

    Args:
        session: a session; its variables and its stream of random numbers stay as they are.
        fetches, feed_dict: as for ``run``.
        profile: traced runs of the same fetches, whose least times are taken in place of measuring here, or seconds by
            name (see ``profiled``).
        runs: how often each node is measured; with 0, times are estimated.
        rates: what is estimated by (``graphs.placing.Rates``), by default what a calibration of this machine finds.

    Comes back: a networkx DiGraph (see ``graphs.placing.costs.task_graph``), whose nodes have the least seconds of ``runs``.

    Raises what ``run`` raises, where it is to be measured: a variable without a value, for one.
    """
    placing = import_module("graphs.placing")
    fed = feed_dict or {}
    plan = session.plan(fetches, fed)
    call = session._called(fetches, fed)
    pairs = zip(call.feeds, plan.given, strict=True)
    known = {(feed.tensor.node, feed.tensor.index): spec for feed, spec in pairs if spec.known}
    seconds: dict[Any, float] = {}
    if profile is not None:
        seconds = dict(profile) if isinstance(profile, Mapping) else profiled(profile)
    elif runs:
        seconds = measured(session, fetches, fed, runs)
    return placing.task_graph(plan.outcome.program, Shapes(known), seconds, rates)


def profiled(
    metadata: RunMetadata | Sequence[RunMetadata], of: Callable[[Sequence[float]], float] = min
) -> dict[str, float]:
    """Seconds by node's name in traced runs (``RunOptions(trace_level=RunOptions.FULL_TRACE)``), the least by default."""
    found: dict[str, list[float]] = {}
    for each in [metadata] if isinstance(metadata, RunMetadata) else metadata:
        for device in each.step_stats.dev_stats:
            for stats in device.node_stats:
                spent = (stats.op_end_rel_nanos - stats.op_start_rel_nanos) / 1e9
                found.setdefault(stats.node_name, []).append(spent)
    return {name: of(each) for name, each in found.items()}


def measured(session: Any, fetches: Any, feed_dict: Mapping[Any, Any], runs: int = RUNS) -> dict[int, float]:
    """Seconds by the serial of each node of the plan, the least of ``runs``; nothing is changed in the session."""
    call = session._called(fetches, feed_dict)
    feeds = [feed.array(value) for feed, value in zip(call.feeds, feed_dict.values(), strict=True)]
    plan = session.plan(fetches, feed_dict)
    twin = session._twin()
    state = dict(twin._state)
    found: dict[int, float] = {}
    last = 0.0

    def observe(node: Any, _operands: Sequence[Any], _outs: Sequence[Any]) -> None:
        nonlocal last
        spent = perf_counter() - last
        found[node.serial] = min(found.get(node.serial, spent), spent)
        last = perf_counter()

    with numpy.errstate(all="ignore"):
        for _ in range(runs + 1):  # the first one is to warm up, and longer
            draw = twin._draws() if plan.random else None
            last = perf_counter()
            plan.interpret(state, feeds, draw, observe)
    return found


def assignment(session: Any, fetches: Any, feed_dict: Mapping[Any, Any] | None, graph: Any) -> dict[int, str]:
    """Where a session on a cluster has each node of a task graph: ``worker:1``, or ``session`` for its own process.

    Nodes that no part runs stand with what reads them. Raises TypeError for a session that is on no cluster.
    """
    plan = session.plan(fetches, feed_dict or {})
    if not hasattr(session, "_cut"):
        raise TypeError("this session is on no cluster: its nodes are where it is")
    session._cut(plan)
    placing = plan.placing
    found = {step.node.serial: _worker(session, at) for step, at in zip(plan.schedule.steps, placing.steps, strict=True)}
    found |= {variable.serial: _worker(session, at) for variable, at in placing.homes.items()}
    for key in graph:
        node = graph.nodes[key]["node"]
        if key not in found and node.op.name in ("read", "assign") and node.inputs[0].node.serial in found:
            found[key] = found[node.inputs[0].node.serial]
    everywhere = _worker(session, 0)
    for key in reversed(list(graph)):
        if key not in found:
            near = [found[other] for other in (*graph.successors(key), *graph.predecessors(key)) if other in found]
            found[key] = near[0] if near else everywhere
    return {key: found[key] for key in graph}


def place_by(session: Any, profile: RunMetadata | Sequence[RunMetadata] | Mapping[str, float]) -> None:
    """Have a session on a cluster place its runs anew, by what was measured, where it placed them by estimates.

    Args:
        session: a session whose graph names no task; its next runs are cut anew, and variables move with their values.
        profile: traced runs, or seconds by the names of nodes.

    Raises TypeError for a session that is on no cluster.
    """
    if not hasattr(session, "_cut"):
        raise TypeError("this session is on no cluster: there is nothing to place")
    seconds = dict(profile) if isinstance(profile, Mapping) else profiled(profile)
    with session._lock:
        session._where.seconds = {**session._where.seconds, **seconds}
        session._weight = 0.0
        session._version += 1


def _worker(session: Any, place: int) -> str:
    return SESSION if place < 0 else _short(session._where.device(place))


def _short(device: str) -> str:
    """``/job:worker/replica:0/task:1/device:CPU:0`` as ``worker:1``; the session's own process as ``session``."""
    spec = DeviceSpec.from_string(device)
    return SESSION if spec.job in (None, "localhost") else f"{spec.job}:{spec.task or 0}"


def timeline(
    session: Any, run_metadata: RunMetadata, graph: Any = None, *, title: str = "measured", began: float | None = None
) -> Any:
    """A traced run as a timeline of ``graphs.placing``, a row a process, with what crossed.

    Args:
        session: the session, whose last run it was.
        run_metadata: what that run filled.
        graph: the run's task graph, whose keys the timeline is to have; by default nodes go by their names.
        title: what to call it.
        began: when the run began, in seconds since 1970; by default when its first node did.

    A process that waits for a tensor is idle. Raises ValueError where nothing was traced.
    """
    placing = import_module("graphs.placing")
    rows = run_metadata.step_stats.dev_stats
    if not rows:
        raise ValueError("this run was not traced: options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)")
    keys = {name: key for key, name in graph.nodes(data="name")} if graph is not None else {}
    edges = {key: list(graph.predecessors(key)) for key in graph} if graph is not None else _edges(rows)
    runs = []
    for device in rows:
        for stats in device.node_stats:
            kind = _KINDS.get(stats.timeline_label.partition(" = ")[2].partition("(")[0], "kernel")
            if kind == "receive":
                continue
            start = stats.all_start_nanos / 1e9
            key = keys.get(stats.node_name, stats.node_name)
            end = start + stats.all_end_rel_nanos / 1e9
            runs.append(placing.Run(key, _short(device.device), start, end, stats.node_name, kind))
    moved = [
        placing.Transfer(
            keys.get(each.name, each.name),
            _short(each.source),
            _short(each.target),
            each.bytes,
            each.sent,
            max(each.there, each.sent),
            readers=(keys.get(each.reader, each.reader),),
            name=each.name,
        )
        for each in getattr(session, "crossings", ())
    ]
    named = {run.worker for run in runs} | {end for each in moved for end in (each.source, each.target)}
    return placing.Timeline.of(sorted(named, key=_order), runs, moved, title=title, edges=edges, origin=began)


_KINDS = {"Send": "send", "Receive": "receive"}


def _order(worker: str) -> tuple[bool, str, int]:
    job, _, task = worker.partition(":")
    return (worker != SESSION, job, int(task or 0))


def _edges(rows: Sequence[Any]) -> dict[str, list[str]]:
    """What each node reads, by the labels of a trace."""
    found = {}
    for device in rows:
        for stats in device.node_stats:
            inputs = stats.timeline_label.rpartition("(")[2].rstrip(")")
            found[stats.node_name] = [name.partition(":")[0] for name in inputs.split(", ") if name]
    return found


__all__ = ["assignment", "measured", "place_by", "profiled", "task_graph", "timeline"]
