"""Looking for faults in a graph, or in a program's runs: ``static.lint`` says what is wrong, with the line and the remedy.

Whoever is not watched pays nothing. Watching changes no number: a run is made as it would be, and looked at from outside.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy

from graphs.core.errors import at_line
from graphs.core.node import Value
from graphs.inspection.lint import Enough, Findings
from graphs.inspection.lint_forms import saturated
from static.around import going_around
from static.calling import frozen
from static.graph import Graph
from static.lint_rules import asked_of, forms, line_key, report_logarithm, runs_of, trained, unordered
from static.packing import packer
from static.schedule import changed_by, needed
from static.session import Session
from static.state import placeholder_op


_OFTEN = 5
"""A line that makes operations between so many runs of one session stands in a loop."""

_LOOKS = 3
"""In so many runs of one kind the arguments of logarithms are looked at."""


def lint(what: Any = None, *, steps: int | None = None) -> Any:
    """What is wrong with a graph, or with what a run of these fetches does: a list of ``graphs.inspection.lint.Finding``.

    ``static.lint(graph)`` looks at all of it, and takes for a run each training operation, and the updates by gradients of
    one call. ``static.lint([loss, update])`` looks at a run of these fetches, whose reads and writes can be without order.
    ``with static.lint() as found:`` watches the runs that sessions make inside, and sees values and growing graphs too;
    ``found`` is whole when the block has ended. Printed, the list shows each finding with the line and the remedy. Nothing
    is changed in graph, session or results.

    Args:
        what: a graph, or fetches as ``Session.run`` takes them; None for the context manager.
        steps: end the program (``SystemExit``) when so many runs have changed variables and another begins.

    Raises TypeError and ValueError, as ``Session.run`` does, for what cannot be fetched.
    """
    if what is None:
        return watching(steps)
    found = Findings()
    graph = what if isinstance(what, Graph) else _graph_of(what)
    if isinstance(what, Graph):
        runs: list[list[Any]] = list(runs_of(what))
        nodes = [node for node in graph.get_operations() if node.body is None]
    else:
        runs = [_fetched(Session(graph=graph), what)]
        nodes = needed(runs[0], ())
    for fetches in runs:
        _ordered(fetches, (), found)
    for node, hit in forms(nodes, found):
        report_logarithm(node, hit, 0, 0, found)
    trained(graph, found)
    return found


@contextmanager
def watching(limit: int | None = None) -> Iterator[Findings]:
    """Watch the runs of all sessions inside, for so many that change variables; the findings are whole at the end."""
    watcher = Watcher(limit)
    try:
        with going_around(watcher.run):
            yield watcher.found
    finally:
        watcher.finish()


class Watcher:
    """What has been seen of sessions' runs."""

    def __init__(self, limit: int | None) -> None:
        self.found = Findings()
        self._limit = limit
        self._steps = 0
        self._inside = False
        self._known: weakref.WeakKeyDictionary[Session, dict[Any, _Kind]] = weakref.WeakKeyDictionary()
        self._sizes: weakref.WeakKeyDictionary[Session, int] = weakref.WeakKeyDictionary()
        self._lines: weakref.WeakKeyDictionary[Session, Counter[Any]] = weakref.WeakKeyDictionary()
        self._graphs: dict[Graph, None] = {}
        self._kinds: list[_Kind] = []

    def run(self, run: Any, session: Session, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any) -> Any:
        """A run, looked at."""
        if not self._inside:
            self._inside = True
            try:
                self._look(session, fetches, feed_dict or {})
            finally:
                self._inside = False
        return run(session, fetches, feed_dict, options, run_metadata)

    def _look(self, session: Session, fetches: Any, feeds: Mapping[Any, Any]) -> None:
        """Look at a run that is about to be made."""
        self._grown(session)
        self._graphs[session.graph] = None
        known = self._known.setdefault(session, {})
        try:
            key = (type(fetches), frozen(fetches), *feeds)
            kind = known.get(key)
            if kind is None:
                kind = known[key] = _Kind(session, fetches, feeds, self.found)
                self._kinds.append(kind)
        except (TypeError, ValueError, KeyError, RuntimeError):
            return  # the run itself says what is wrong with it
        if kind.changes:
            if self._limit is not None and self._steps >= self._limit:
                raise Enough
            self._steps += 1
        kind.look(session, feeds)

    def _grown(self, session: Session) -> None:
        """Report a line that makes operations between runs, again and again."""
        operations = session.graph._operations
        before, size = self._sizes.get(session), len(operations)
        self._sizes[session] = size
        if before is None or size <= before:
            return
        times = self._lines.setdefault(session, Counter())
        fresh = {line_key(node.where): node for node in islice(operations.values(), before, None)}
        for key, node in fresh.items():
            times[key] += key is not None
            if times[key] == _OFTEN:
                message = (
                    f"{node.name} and the like are made here before each run: {size} operations by now, and a plan for each"
                )
                self.found.add("growing-graph", "static", node.where, message, (node.name,))

    def finish(self) -> None:
        """Report what only the whole program tells."""
        for kind in self._kinds:
            kind.finish(self.found)
        for graph in self._graphs:
            trained(graph, self.found)


class _Kind:
    """Runs of one kind: what they do, and what their logarithms were given."""

    def __init__(self, session: Session, fetches: Any, feeds: Mapping[Any, Any], found: Findings) -> None:
        elements = _fetched(session, fetches)
        fed = [session.graph.as_graph_element(key, allow_operation=False) for key in feeds]
        nodes = _ordered(elements, fed, found)
        initializers = {variable.initializer for variable in session.graph.variables.values()}
        self.changes = any(changed_by(node) and node not in initializers for node in nodes)
        self.logarithms = forms(nodes + self._losses(session.graph, nodes, fed), found)
        self.zeros = [(0, 0)] * len(self.logarithms)
        self.arguments = [(node.edges[-1], hit.source.outputs[0]) for node, hit in self.logarithms]
        inner = needed([x for pair in self.arguments for x in pair], fed)
        if any(changed_by(node) or "stateful" in node.op.traits for node in inner):
            self.arguments = []
        self.looks = _LOOKS

    def _losses(self, graph: Graph, nodes: Sequence[Any], fed: Sequence[Any]) -> list[Any]:
        """The nodes of losses that a run which changes variables makes smaller without computing them."""
        more: dict[Any, None] = {}
        for each in asked_of(graph) if self.changes else ():
            own = needed([each.loss], fed)
            if not any(node.op is placeholder_op for node in own):
                more.update(dict.fromkeys(own))
        known = set(nodes)
        return [node for node in more if node not in known and node.body is None]

    def look(self, session: Session, feeds: Mapping[Any, Any]) -> None:
        """See what the logarithms of the run are given, without changing anything."""
        if not self.arguments or not self.looks:
            return
        self.looks -= 1
        try:
            values = session.interpret(self.arguments, feeds, commit=False)
        except Exception:
            self.arguments = []  # the run itself says what is wrong with it
            return
        for i, ((node, hit), (x, source)) in enumerate(zip(self.logarithms, values, strict=True)):
            zeros = int(numpy.count_nonzero((x + 1 if node.op.name == "log1p" else x) == 0))
            if hit.direct or saturated(source):
                self.zeros[i] = max(self.zeros[i], (zeros, x.size))

    def finish(self, found: Findings) -> None:
        """Report the logarithms."""
        for (node, hit), (zeros, size) in zip(self.logarithms, self.zeros, strict=True):
            report_logarithm(node, hit, zeros, size, found)


def _ordered(fetches: Any, fed: Any, found: Findings) -> list[Any]:
    """The nodes of a run, whose order has been looked at."""
    nodes = [node for node in needed(fetches, fed) if node.body is None]
    if nodes:
        unordered(nodes, {x.node if isinstance(x, Value) else x for x in fetches}, found)
    return nodes


def _fetched(session: Session, fetches: Any) -> list[Any]:
    """The tensors and operations of a structure of fetches."""
    found: dict[Any, int] = {}
    packer(session.graph, fetches, found)
    return list(found)


def _graph_of(fetches: Any) -> Graph:
    """The graph that fetches are of."""
    stack = [fetches]
    while stack:
        x = stack.pop()
        if isinstance(x, Mapping):
            stack += x.values()
        elif isinstance(x, (list, tuple)):
            stack += x
        elif isinstance(getattr(x, "graph", None), Graph):
            found: Graph = x.graph
            return found
    raise TypeError(f"lint takes a graph or fetches of one, and {fetches!r} is neither{at_line()}")
