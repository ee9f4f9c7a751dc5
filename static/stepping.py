"""``debug`` for graphs: a session's runs node by node as they are written, into loops, back, and with other values.

A run is a walk over the steps of a plan without passes. To change a value the walk begins again: nodes whose operands have
the bits that they had give what they gave, the others are computed. So control flow follows a change as well: a loop may
come to other rounds, a branch may be another one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy

from graphs.control import bodies, branch, loop
from graphs.core.node import Value
from graphs.core.random import Draws
from graphs.core.spec import Spec
from graphs.inspection.moments import Change, Emit, Moment, StepError, same
from graphs.inspection.stepper import BUDGET, Stepper
from graphs.inspection.walk import Ran, Rounds, Walk, steps
from static.around import going_around
from static.defaults import default_session
from static.gpus import on_host
from static.graph import get_default_graph
from static.plan import cause, failed
from static.session import Session
from static.state import read_op
from static.walking import Written


Site = tuple[Any, Rounds]


class Run:
    """One run of a session, under control. ``begun`` says of each session which is its latest run.

    Attributes:
        result: what the run gives; None until it has ended.
    """

    def __init__(self, session: Session, call: Any, feeds: Sequence[Any], begun: Mapping[Session, int], budget: int) -> None:
        self._session, self._call, self._feeds, self._begun, self._budget = session, call, feeds, begun, budget
        self._number = begun[session]
        given = [Spec(array.shape, feed.dtype) for feed, array in zip(call.feeds, feeds, strict=True)]
        fed = [feed.tensor for feed in call.feeds]
        self._written = Written(call.fetches, fed, given)
        made = self._written.schedule
        self._sources = {tensor.node.name: register for tensor, register in zip(fed, made.feeds, strict=True)}
        self._sources.update({variable.name: register for register, variable in made.reads.items()})
        self._labels = _labels([step.node for step in made.steps])
        self._state = on_host(session._state)
        self._stream = copy(session.stream)
        if made.random:
            session.stream.advance()
            self._stream = copy(session.stream)
        self._memo: dict[Site, tuple[Any, tuple[Any, ...]]] = {}
        self._order: list[Site] = []
        self._bytes = self._gone = self._ran = 0
        self._edits: dict[Site, dict[int, Any]] = {}
        self._given: dict[str, Any] = {}
        self._moments: list[Moment] = []
        self._sites: dict[Moment, Site] = {}
        self._ended = self._forgotten = False
        self.result: Any = None
        self._walk: Generator[Ran, None, Any] = self._begin()

    def go(self, emit: Emit) -> Any:
        """Run to the end, telling of each node; what the run gives. The variables have changed."""
        with numpy.errstate(all="ignore"):
            while self._advance():
                emit(self._moments[-1])
            self._end()
        self._ended = True
        return self.result

    def _begin(self) -> Generator[Ran, None, Any]:
        self._draws = copy(self._stream)
        self._registers = {**self._written.begin(self._state, self._feeds), **self._given}
        draw = Draws(self._draws) if self._written.schedule.random else None
        return steps(self._written.walking(self._registers, draw, Walk(self._compute)))

    def _end(self) -> None:
        values, written = self._written.results(self._registers)
        self._session.stream.step, self._session.stream.ordinal = self._draws.step, self._draws.ordinal
        self._session._own.clear()  # what older runs have read is changed by nobody
        self._session._commit(written)
        self.result = self._call.pack((*values, None))

    def _advance(self) -> bool:
        for ran in self._walk:
            self._moments.append(self._moment(ran))
            return True
        return False

    def _compute(self, node: Any, rounds: Rounds, depends: tuple[Any, ...], call: Callable[[], Any]) -> tuple[Any, ...]:
        site = (node, rounds)
        known = self._memo.get(site)
        if known is not None and same(known[0], depends):
            outs = known[1]
        else:
            try:
                outs = tuple(call())
            except Exception as error:
                raise failed(node, [x for x in depends if not isinstance(x, tuple)], error) from cause(error)
            self._ran += 1
            self._keep(site, depends, outs)
        edits = self._edits.get(site)
        return outs if edits is None else tuple([edits.get(i, out) for i, out in enumerate(outs)])

    def _keep(self, site: Site, depends: tuple[Any, ...], outs: tuple[Any, ...]) -> None:
        """Remember what a node gave, and let go of the oldest values where the budget is spent; not of effects."""
        if site not in self._memo:
            self._order.append(site)
        else:
            self._bytes -= _size(self._memo[site][1])
        self._memo[site] = (depends, outs)
        self._bytes += _size(outs)
        while self._bytes > self._budget and len(self._order) > 1:
            oldest = self._order.pop(0)
            if "stateful" not in oldest[0].op.traits and oldest in self._memo:
                self._bytes -= _size(self._memo.pop(oldest)[1])
                self._gone += 1

    def _moment(self, ran: Ran) -> Moment:
        node = ran.node
        name = self._labels.get(node, node.name)
        reads = tuple([_label(x, self._labels) for x in node.inputs])
        kind = "update" if "update" in node.op.traits else "backward" if name.startswith("gradients") else "forward"
        specs = tuple([Spec.of(out) for out in ran.outs if out is not None])
        scope = node.name.rpartition("/")[0]
        depth = len(ran.rounds)
        made = Moment(self, name, node.op.name, specs, node.where, reads, ran.rounds, self._number, scope, kind, depth)
        self._sites[made] = (node, ran.rounds)
        return made

    # What a stepper asks

    def values(self, moment: Moment) -> tuple[Any, ...]:
        """What a node gave; computed again, from what is known, where it was let go."""
        site = self._sites[moment]
        known = self._memo.get(site)
        if self._forgotten:
            raise StepError(f"the values of {moment.name} were let go to save memory: its run is long over")
        if known is not None:
            edits = self._edits.get(site, {})
            return tuple([edits.get(i, out) for i, out in enumerate(known[1])])
        place = self._draws, self._registers
        try:
            with numpy.errstate(all="ignore"):
                for ran in self._begin():
                    if (ran.node, ran.rounds) == site:
                        return ran.outs
        finally:
            self._draws, self._registers = place
        raise StepError(f"{moment.name} has not run")

    def sources(self, at: int) -> dict[str, Any]:
        """What is fed, and the variables that are read, as the run found them or as they were changed."""
        if self._forgotten:
            return {}
        begun = self._written.begin(self._state, self._feeds, lenient=True)
        return {name: self._given.get(key, begun[key]) for name, key in self._sources.items() if key in begun}

    def names(self) -> dict[str, Any]:
        """A graph's names are those of its nodes."""
        return {}

    def memory(self) -> tuple[int, int]:
        """The bytes of the values that are kept, and how many were let go."""
        return self._bytes, self._gone

    @property
    def bytes(self) -> int:
        """What it holds: the values of nodes, and of the variables as it found them."""
        return self._bytes + _size(list(self._state.values()))

    def forget(self) -> None:
        """Let go of all values, for good: another run has followed, and the budget is spent."""
        self._gone += len(self._memo)
        self._memo, self._edits, self._given, self._registers, self._state = {}, {}, {}, {}, {}
        self._bytes, self._forgotten = 0, True

    def change(self, target: Moment | str, index: int, value: Any, at: int) -> Change:
        """Let a node's output or a source be ``value``, and go over the run again up to where it stands.

        Of a run that has ended the variables change as well, if no other run of the session came after it.
        """
        if self._ended and self._begun[self._session] != self._number:
            raise StepError("that run is over, and others have followed: what it gave cannot be changed any more")
        before, last = self._moments, self._sites[self._moments[-1]] if self._moments else None
        old = {self._sites[moment]: (moment, self.values(moment)) for moment in before if self._sites[moment] in self._memo}
        if isinstance(target, str):
            self._given[self._sources[target]] = value
        else:
            self._edits.setdefault(self._sites[target], {})[index] = value
        self._ran, self._moments = 0, []
        self._walk = self._begin()
        with numpy.errstate(all="ignore"):
            while (self._ended or not self._moments or not self._reached(last, before)) and self._advance():
                pass
            if self._ended:
                self._end()
        changed = 0
        for moment in self._moments:
            was = old.get(self._sites[moment])
            moment.changed = was is not None and (was[0].changed or not same(was[1], self.values(moment)))
            changed += moment.changed
        notes = () if len(before) == len(self._moments) else (f"{len(before)} operations have become {len(self._moments)}",)
        return Change(self._moments, self._ran, len(self._moments) - self._ran, notes)

    def _reached(self, last: Site | None, before: Sequence[Moment]) -> bool:
        """Whether the walk has come as far as it was: to the same node, or past the loop that it was in."""
        site = self._sites[self._moments[-1]]
        if site == last or last is None:
            return True
        outer = last[1][0].name if last[1] else ""
        return bool(outer) and not site[1] and site[0].name == outer and len(self._moments) > 0


def _size(outs: Sequence[Any]) -> int:
    return sum(out.nbytes for out in outs if hasattr(out, "nbytes"))


def _labels(nodes: Sequence[Any]) -> dict[Any, str]:
    """Names for what has none of its own in the bodies of loops and branches: by loop, op and place, not by serial.

    What a body is given is called as it is outside; a loop's states and slices by their loop.
    """
    found: dict[Any, str] = {}
    stack = [node for node in nodes if bodies(node)]
    while stack:
        node = stack.pop()
        outer = found.get(node, node.name)
        for which, body in enumerate(bodies(node)):
            for x, label in zip(body.inputs, _given(node, body, outer, found), strict=True):
                found[x.node] = label
            for i, inner in enumerate(body.nodes):
                if inner.name == f"{inner.op.name}_{inner.serial}":
                    found[inner] = f"{outer}/{inner.op.name}{which or ''}_{i}"
                if bodies(inner):
                    stack.append(inner)
    return found


def _given(node: Any, body: Any, outer: str, found: Mapping[Any, str]) -> list[str]:
    """What the inputs of a body are called."""
    labels = [_label(x, found) for x in node.inputs[1:]]
    if node.op is branch:
        shared = len(labels) - len(node.params.get("owners", ()))
        return [*labels[:shared], *(f"{outer}/box_{i}" for i in range(len(body.inputs) - shared))]
    if node.op is not loop:
        return [f"{outer}/in_{i}" for i in range(len(body.inputs))]
    states, sums, sequences = (node.params.get(name, 0) for name in ("states", "sums", "sequences"))
    whole, constants = labels[states + sums : states + sums + sequences], labels[states + sums + sequences :]
    names = [f"{outer}/state_{i}" for i in range(states)]
    if body is not node.params.get("cond"):
        names += [f"{label}[t]" for label in whole]
    return [*names, *constants]


def _label(x: Any, found: Mapping[Any, str]) -> str:
    """What an operand is called: a variable's reading like the variable."""
    if not isinstance(x, Value):
        return f"{Spec.of(x)}" if getattr(x, "shape", ()) else f"{x}"
    node: Any = x.node.inputs[0].node if x.node.op is read_op else x.node
    name = found.get(node, node.name)
    return f"{name}:{x.index}" if x.index else name


@contextmanager
def stepping(emit: Emit, budget: int = BUDGET) -> Iterator[None]:
    """Have every run of a session that begins in this thread inside go node by node, told of to ``emit``."""
    thread = _thread()
    busy: list[bool] = []
    begun: dict[Session, int] = {}
    runs: list[Run] = []

    def stepped(run: Any, session: Session, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any) -> Any:
        if _thread() != thread or busy:
            return run(session, fetches, feed_dict, options, run_metadata)
        call = session._called(fetches, feed_dict or {})
        feeds = [feed.array(value) for feed, value in zip(call.feeds, (feed_dict or {}).values(), strict=True)]
        begun[session] = begun.get(session, -1) + 1
        busy.append(True)
        while runs and sum(each.bytes for each in runs) > budget:
            runs.pop(0).forget()
        made = Run(session, call, feeds, begun, budget)
        runs.append(made)
        try:
            return made.go(emit)
        finally:
            busy.pop()

    with going_around(stepped):
        yield


def _thread() -> int:
    return threading.get_ident()


def debug(fetches: Any, feed_dict: Any = None, session: Session | None = None, *, budget: int = BUDGET) -> Stepper:
    """A stepper over one run: nothing has run yet.

    Args:
        fetches, feed_dict: as for ``Session.run``; or a function without arguments that makes runs.
        session: by default the default one.
        budget: how many bytes of values are kept; older ones are computed again when somebody looks at them.

    ``static.debug(loss, feeds).interact()`` asks for commands. What is stepped is the graph as written, without passes.
    """
    if callable(fetches) and not hasattr(type(fetches), "_as_graph_element"):
        program = fetches
    else:
        chosen = session or default_session(None, get_default_graph(), "debug")

        def program() -> Any:
            return chosen.run(fetches, feed_dict)

    return Stepper(program, [lambda emit: stepping(emit, budget)])
