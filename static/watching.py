"""``watch`` for graphs: values of runs, as they come, without fetching them.

A run that is watched is the run that it would have been: its plan, its bits, its native code. What is watched is computed
beside it, as the graph has it written and node by node, from the same variables, feeds and draws; so it may differ in its
last digits from what a pass has made of the node. Nothing is done twice that can be seen from outside: where a watched value
depends on a node with effects, that node's value is taken from the run itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy

from graphs.control import acts, bodies
from graphs.core.node import Value
from graphs.core.spec import Spec
from graphs.inspection.walk import Walk, names_inside, steps
from graphs.inspection.watch import At, Seen, Watch, WatchError, require
from static.around import enter, leave
from static.gpus import on_host
from static.graph import Graph, get_default_graph
from static.schedule import needed
from static.session import Session
from static.state import read_op, variable_op
from static.walking import Written


_watches: list[GraphWatch] = []
_sides: dict[Any, _Side] = {}
"""What is computed beside a run, by the way of calling and the shapes of the feeds; of the watches there are."""


class GraphWatch(Watch):
    """A watch on the runs of one graph, in whatever session.

    Attributes:
        graph: the graph.
        runs: how many runs had something to show.
    """

    def __init__(self, graph: Graph, names: Iterable[str], show: str, at: At, to: Any) -> None:
        super().__init__(names, show, at, to, _ended)
        self.graph = graph
        self.runs = 0


def watch(what: Any, show: str = "statistics", *, at: At = None, to: Any = None, graph: Graph | None = None) -> GraphWatch:
    """Show values of a graph's runs as they come: in any session, until the watch is stopped.

    Args:
        what: a tensor, operation or variable, one's name, a pattern of names (``"layer*/Relu"``), a name scope, or a list of
            these; inside loops, too. Of a variable it is the value that each run leaves.
        show: ``"statistics"``, ``"values"``, or ``"nan"``: nothing but the first value with a NaN or an infinity.
        at: the round of the innermost loop, or (outside of loops) the run, both counted from 0; a tuple has one for each
            loop, a range or set several.
        to: a function that is given each ``Seen``, or a file to print to; by default the standard output.
        graph: whose runs; by default that of the tensors, or the default graph.

    It is a context manager, and has ``stop()``. Raises WatchError for a name that the graph does not have.
    """
    names: list[str] = []
    for each in what if isinstance(what, (list, tuple)) else (what,):
        if isinstance(each, str):
            names.append(each.rpartition(":")[0] if each.rpartition(":")[2].isdecimal() and ":" in each else each)
            continue
        node = _node(each)
        if graph is not None and node.graph is not graph:
            raise WatchError(f"{node.name} is of another graph than the one to be watched")
        graph = node.graph
        names.append(node.name)
    graph = graph or get_default_graph()
    known = set(graph._operations)
    for operation in graph.get_operations():
        known |= names_inside(operation) if bodies(operation) else set()
    require(names, sorted(known), "the graph")
    made = GraphWatch(graph, names, show, at, to)
    if not _watches:
        enter(_watched)
    _watches.append(made)
    _sides.clear()
    return made


def _node(x: Any) -> Any:
    handle = getattr(x, "handle", None)
    if handle is not None:
        return handle.node
    element = x._as_graph_element() if hasattr(type(x), "_as_graph_element") else x
    node = getattr(element, "node", element)
    if getattr(node, "graph", None) is None:
        raise WatchError(f"a watch takes tensors, operations, variables and names, not {type(x).__name__}")
    return node


def _ended(watch: GraphWatch) -> None:
    _watches.remove(watch)
    _sides.clear()
    if not _watches:
        leave(_watched)


def _watched(run: Any, self: Session, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any) -> Any:
    """A run of a session while somebody watches."""
    watches = [each for each in _watches if each.graph is self.graph]
    if not watches:
        return run(self, fetches, feed_dict, options, run_metadata)
    call = self._called(fetches, feed_dict or {})
    feeds = [feed.array(value) for feed, value in zip(call.feeds, (feed_dict or {}).values(), strict=True)]
    key = (call, *(array.shape for array in feeds))
    side = _sides.get(key)
    if side is None:
        side = _sides[key] = _Side(call.fetches, [feed.tensor for feed in call.feeds], feeds, watches)
    with self._lock:
        if side.effects:
            result = _interpreted(self, call, feeds, side)
        else:
            side.look(self, on_host(self._state), feeds, {})
            result = run(self, fetches, feed_dict, options, run_metadata)
        side.variables(on_host(self._state))
    for each in side.concerned:
        each.runs += 1
    return result


def _interpreted(session: Session, call: Any, feeds: Sequence[Any], side: _Side) -> Any:
    """The run, node by node as ``Session.interpret`` has it, and what its nodes with effects yielded."""
    found: dict[str, tuple[Any, ...]] = {}

    def observe(node: Any, _operands: Any, outs: tuple[Any, ...]) -> None:
        if node.name in side.effects:
            found[node.name] = outs

    with numpy.errstate(all="ignore"):
        plan = session._planned(call, feeds)
        side.check({step.node.name: len(step.outs) for step in plan.schedule.steps})
        before = on_host(session._state)
        place = session.stream.step, session.stream.ordinal
        values, written = plan.interpret(before, feeds, session._draws() if plan.random else None, observe)
        after = session.stream.step, session.stream.ordinal
        session.stream.step, session.stream.ordinal = place
        side.look(session, before, feeds, found)
        session.stream.step, session.stream.ordinal = after
        session._commit(written)
    return call.pack((*values, None))


class _Side:
    """What is computed beside a run.

    Attributes:
        concerned: the watches that the run has something for.
        effects: the names of nodes with effects that what is watched depends on.
    """

    def __init__(
        self, fetches: Sequence[Any], fed: Sequence[Any], feeds: Sequence[Any], watches: Sequence[GraphWatch]
    ) -> None:
        nodes = needed(fetches, fed)
        self._watches = watches
        self._variables = [node for node in nodes if node.op is variable_op and self._wanted(node.name)]
        outside = [node for node in nodes if node.outputs and node.op is not variable_op and self._shows(node)]
        self._values = [x for node in outside for x in node.outputs]
        given = [Spec(array.shape, tensor.spec.dtype) for array, tensor in zip(feeds, fed, strict=True)]
        self._written = made = Written([*fetches, *self._values], fed, given)
        count = sum(isinstance(x, Value) for x in fetches)
        self._registers = [register for register, _ in made.schedule.fetches[count:]]
        self._inside: dict[Any, bool] = {}
        self._entered = {step.node for step in made.schedule.steps if self._enters(step.node)}
        self._steps = self._leading()
        chosen = [made.schedule.steps[position] for position in sorted(self._steps)]
        self.effects = {step.node.name for step in chosen if acts(step.node)}
        inside = {name for node in self._entered for name in names_inside(node)}
        names = [*(node.name for node in (*outside, *self._variables)), *inside]
        self.concerned = [each for each in watches if any(map(each.wants, names))]

    def _wanted(self, name: str) -> bool:
        return any(each.wants(name) for each in self._watches)

    def _shows(self, node: Any) -> bool:
        """Whether a node outside of loops is shown: reading a variable is not, unless that is what is named."""
        return self._wanted(node.name) and (node.op is not read_op or any(node.name in each.names for each in self._watches))

    def _enters(self, node: Any) -> bool:
        """Whether something in a node's bodies is watched."""
        known = self._inside.get(node)
        if known is None:
            known = self._inside[node] = bool(bodies(node)) and any(map(self._wanted, names_inside(node)))
        return known

    def _leading(self) -> set[int]:
        """Where the steps are that something watched depends on, and the loops that draw: else nobody knows how often."""
        wanted = set(self._registers)
        found: set[int] = set()
        for position, step in reversed(list(enumerate(self._written.schedule.steps))):
            random = step.draws and "random" not in step.node.op.traits
            if random or step.node in self._entered or not wanted.isdisjoint(step.outs):
                found.add(position)
                wanted.update(step.args)
                if step.node in self._entered and acts(step.node):
                    raise WatchError(f"{step.node.name} cannot be watched inside: something in it has effects of its own")
        return found

    def check(self, planned: Mapping[str, int]) -> None:
        """Refuse, before anything runs, where a plan has made another node of one with effects that is to be asked."""
        for position in sorted(self._steps):
            node = self._written.schedule.steps[position].node
            if node.name in self.effects and planned.get(node.name) != len(node.specs):
                raise WatchError(f"nothing after {node.name} can be watched: it has effects, and passes have changed it")

    def look(self, session: Session, state: Any, feeds: Sequence[Any], given: dict[str, tuple[Any, ...]]) -> None:
        """Compute what is watched and show it, given what nodes with effects yielded. The session stays as it was."""
        if not self._registers and not self._entered:
            return
        stream = session.stream
        place = stream.step, stream.ordinal
        draw = session._draws() if self._written.schedule.random else None
        names = {register: f"{x.node.name}" for register, x in zip(self._registers, self._values, strict=True)}
        nodes = {register: x.node for register, x in zip(self._registers, self._values, strict=True)}

        def compute(node: Any, rounds: Any, _operands: Any, call: Any) -> tuple[Any, ...]:
            if node.name not in self.effects or rounds:
                return tuple(call())
            return given[node.name]

        walk = Walk(compute, self._enters)
        values = self._written.begin(state, feeds, lenient=True)
        try:
            with numpy.errstate(all="ignore"):
                for register, node in nodes.items():
                    if register in values:
                        self._see(names[register], values[register], (), node.where)
                for ran in steps(self._written.walking(values, draw, walk, self._steps)):
                    rounds = tuple([each.k for each in ran.rounds if each.word == "round"])
                    for out in ran.outs if self._wanted(ran.node.name) else ():
                        self._see(ran.node.name, out, rounds, ran.node.where)
        finally:
            stream.step, stream.ordinal = place

    def variables(self, state: Any) -> None:
        """Show the variables that are watched, as the run leaves them."""
        for node in self._variables:
            if node in state:
                self._see(node.name, state[node], (), node.where, "variable")

    def _see(self, name: str, value: Any, rounds: tuple[int, ...], where: Any, kind: str = "value") -> None:
        if not isinstance(value, numpy.ndarray | numpy.generic) or _boxes(value):
            return
        for each in self._watches:
            if each.wants(name):
                each.see(Seen(name, value, kind, each.runs, rounds, where))


def _boxes(value: Any) -> bool:
    """Whether an array is what a loop has kept of its rounds, an array an element."""
    return bool(value.dtype.kind == "O" and all(isinstance(x, (numpy.ndarray, numpy.generic)) for x in value.flat))
