"""Pictures of a graph with the values of a run on them, and of functions over tensors. What draws is loaded when asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from time import perf_counter
from typing import Any

import numpy

from graphs.core.node import ancestors
from static.graph import Graph
from static.nest import flatten
from static.placement import HOST, place_name
from static.state import assign_op, constant_op, read_op
from static.tensor import convert_to_tensor, placeholder


TIMES = 5
"""Runs that a measurement is the least of, node by node."""

Key = tuple[int, int]


def draw(session: Any, fetches: Any, feed_dict: Mapping[Any, Any] | None, settings: Mapping[str, Any]) -> bytes:
    """See ``Session.draw``."""
    drawing = import_module("graphs.draw")
    shown = settings.get("show", ())
    wanted = {shown} if isinstance(shown, str) else set(shown)
    roots = session._called(fetches, feed_dict or {}).fetches
    given = dict(settings)
    if given.get("devices") is True and session._placer.concerns(session.graph):
        given["devices"] = homes(session, fetches, feed_dict) or True  # nothing is left to run where all is folded
    if wanted & {"values", "gradients"} or given.get("devices") is True:
        given["values"] = {**values(session, fetches, feed_dict), **given.get("values", {})}
    if given.get("overlay") == "time":
        given["overlay"] = ("time", times(session, fetches, feed_dict))
    picture: bytes = drawing.draw(roots, **given)
    return picture


def homes(session: Any, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> dict[Any, str]:
    """Where each node of a run is, by the plan that the run follows: ``CPU:0`` or ``GPU:0``."""
    call = session._called(fetches, feed_dict or {})
    feeds = [feed.array(value) for feed, value in zip(call.feeds, (feed_dict or {}).values(), strict=True)]
    plan = session._planned(call, feeds)
    made = plan.schedule
    nodes = [*made.reads.values(), *made.peeks.values(), *made.writes, *(step.node for step in made.steps)]
    found = {node: place_name(plan.placement.of(node)) for node in nodes}
    for variable in (*made.reads.values(), *made.writes):  # reads and plain assignments are no steps
        for node in session.graph.get_operations():
            if node not in found and node.op in (read_op, assign_op) and node.edges[0].node is variable:
                found[node] = found[variable]
    found.update({feed.tensor.node: place_name(HOST) for feed in call.feeds})
    return found


def values(session: Any, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> dict[Key, Any]:
    """Every value of a run without passes, by the serial of its node and the number of the output; it changes nothing."""
    found: dict[Key, Any] = {}

    def observe(node: Any, _operands: Sequence[Any], outs: Sequence[Any]) -> None:
        for at, out in enumerate(outs):
            found[_written(node).serial, at] = out

    run = _Run(session, fetches, feed_dict)
    run(observe)
    for feed, array in zip(run.call.feeds, run.feeds, strict=True):
        found[feed.tensor.node.serial, feed.tensor.index] = array
    ends = {x if hasattr(x, "edges") else x.node for x in run.call.fetches}
    for node in ancestors(ends):
        if node.op is constant_op:
            found.setdefault((node.serial, 0), node.params["value"])
        elif node in run.state:
            found[node.serial, 0] = run.state[node]
        elif node.op.name == "read" and node.edges[0].node in run.state:
            found.setdefault((node.serial, 0), run.state[node.edges[0].node])
    return found


def times(session: Any, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> dict[int, float]:
    """Seconds that each node of a run without passes takes, by its serial: the least of a few runs, which change nothing."""
    found: dict[int, float] = {}
    run = _Run(session, fetches, feed_dict)
    last = 0.0

    def observe(node: Any, _operands: Sequence[Any], _outs: Sequence[Any]) -> None:
        nonlocal last
        seconds, serial = perf_counter() - last, _written(node).serial
        found[serial] = min(found.get(serial, seconds), seconds)
        last = perf_counter()

    for _ in range(TIMES):
        last = perf_counter()
        run(observe)
    return found


class _Run:
    """A run without passes on a copy of what a session holds, to be interpreted again and again from the same values."""

    def __init__(self, session: Any, fetches: Any, feed_dict: Mapping[Any, Any] | None) -> None:
        fed = feed_dict or {}
        twin = session._twin(passes=())
        self.call = twin._called(fetches, fed)
        self.feeds = [feed.array(value) for feed, value in zip(self.call.feeds, fed.values(), strict=True)]
        self.state: Mapping[Any, Any] = dict(twin._state)
        self._plan = twin._planned(self.call, self.feeds)
        self._draw = twin._draws

    def __call__(self, observe: Callable[..., None]) -> None:
        with numpy.errstate(all="ignore"):
            self._plan.interpret(self.state, self.feeds, self._draw() if self._plan.random else None, observe)


def _written(node: Any) -> Any:
    """The node that the user wrote, of one that was made with shapes that are known."""
    return getattr(node, "origins", (node,))[-1]


def traced(fn: Callable[..., Any], specs: Sequence[Any]) -> list[Any]:
    """The tensors that ``fn`` gives for placeholders of ``specs``, in a graph of their own."""
    with Graph().as_default():
        given = [placeholder(spec.dtype, spec.dims, name=f"input_{at}") for at, spec in enumerate(specs)]
        return [convert_to_tensor(each) for each in flatten(fn(*given))]


__all__ = ["draw", "times", "traced", "values"]
