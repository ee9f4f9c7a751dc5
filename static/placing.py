"""A session's run as a task graph: what its nodes take here, what crosses between them, and where they were asked to be.

graph = task_graph(session, train_step, {x: batch})
placement = graphs.placing.heft(graph, cluster, together=graph.graph["together"])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from time import perf_counter
from typing import Any

import numpy

from graphs.rewrite.costs import Shapes
from static.metadata import RunMetadata


RUNS = 5
"""Runs of which a node's seconds are the least."""


def task_graph(
    session: Any,
    fetches: Any,
    feed_dict: Mapping[Any, Any] | None = None,
    *,
    profile: RunMetadata | None = None,
    runs: int = RUNS,
    rates: Any = None,
) -> Any:
    """What ``session.run(fetches, feed_dict)`` does after the passes, as ``graphs.placing`` takes it.

    Args:
        session: a session; its variables and its stream of random numbers stay as they are.
        fetches, feed_dict: as for ``run``.
        profile: a traced run of the same fetches, whose times are taken in place of measuring.
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
        seconds = profiled(profile)
    elif runs:
        seconds = measured(session, fetches, fed, runs)
    return placing.task_graph(plan.outcome.program, Shapes(known), seconds, rates)


def profiled(metadata: RunMetadata) -> dict[str, float]:
    """Seconds by node's name in a traced run (``RunOptions(trace_level=RunOptions.FULL_TRACE)``)."""
    found: dict[str, float] = {}
    for device in metadata.step_stats.dev_stats:
        for stats in device.node_stats:
            spent = (stats.op_end_rel_nanos - stats.op_start_rel_nanos) / 1e9
            found[stats.node_name] = found.get(stats.node_name, 0.0) + spent
    return found


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


__all__ = ["measured", "profiled", "task_graph"]
