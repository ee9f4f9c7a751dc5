"""The first NaN or infinity of a run, and what led to it: ``first_nan``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy

from graphs.core.errors import at_line
from graphs.core.node import Value
from graphs.rewrite import origins
from static.blame import gradient_of
from static.defaults import get_default_session
from static.gpus import on_host
from static.layouts import ordered
from static.plan import cause, failed, uninitialized
from static.session import Session
from static.state import constant_op, placeholder_op, read_op, variable_op


def first_nan(
    session: Any = None, fetches: Any = None, feed_dict: Mapping[Any, Any] | None = None, *, infinities: bool = False
) -> Any:
    """The first NaN of a run of ``fetches``, with the values that led to it, or None; nothing is changed by looking.

    Without ``fetches`` it is a context manager in which every run of the session is looked at: the first one that fetches a
    NaN, or leaves one in a variable, raises ``NotFiniteError``, whose message is the chain of values that led to it, and
    changes no variable. ``raises=False`` of the manager's ``quietly()`` keeps the program going, and ``finding`` has it.

    Args:
        session: the session; by default the default one.
        fetches, feed_dict: as for ``run``.
        infinities: look for infinities as well. They are not always wrong: a mask is often made of them.

    The finding has ``chain``, a link a value with op, node, element, reason, phase, round and the user's line; ``cause``,
    the chain in a sentence; ``as_dict()``; and prints as text. It is of the graph as it was built: where only what a pass
    made has the NaN, it says so, and a NaN that the passes avoid is none.
    """
    session = session if session is not None else get_default_session()
    if not isinstance(session, Session):
        raise ValueError(f"first_nan looks at a session: pass one, or call it where there is a default session{at_line()}")
    if fetches is None:
        return RunsWatched(session, infinities)
    return _explained(session, fetches, feed_dict or {}, infinities)


class RunsWatched:
    """Looks at the runs of a session while it is entered.

    Attributes:
        finding: the first NaN that was found, None so far.
    """

    def __init__(self, session: Any, infinities: bool) -> None:
        self.finding: Any = None
        self._session = session
        self._infinities = infinities
        self._raises = True

    def quietly(self) -> RunsWatched:
        """The same, without an error: runs go on, and ``finding`` has the first NaN."""
        self._raises = False
        return self

    def __enter__(self) -> RunsWatched:
        self._plain = self._session.run
        self._session.run = self._run
        return self

    def __exit__(self, *_: object) -> None:
        del self._session.run

    def _run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        if self.finding is not None:
            return self._plain(fetches, feed_dict, options, run_metadata)
        session = self._session
        before = session._twin()
        wrong = import_module("graphs.inspection.causes").wrong
        held = dict(session._state)
        out = self._plain(fetches, feed_dict, options, run_metadata)
        changed = on_host({key: x for key, x in session._state.items() if x is not held.get(key) or session._own}).values()
        if any(wrong(x, self._infinities) for x in (*_leaves(out), *changed) if hasattr(x, "dtype")):
            self.finding = _explained(before, fetches, feed_dict or {}, self._infinities)
            if self.finding is not None and self._raises:
                session._take_over(before)
                raise import_module("graphs.inspection.causes").NotFiniteError(self.finding)
        return out


def _leaves(x: Any) -> Iterable[Any]:
    """The arrays in what a run gave."""
    stack = [x]
    while stack:
        each = stack.pop()
        if isinstance(each, Mapping):
            stack.extend(each.values())
        elif isinstance(each, (list, tuple)):
            stack.extend(each)
        else:
            yield each


class _Walk(NamedTuple):
    """A run, call by call: events with the cells they gave, in order, and the cells of what the run fetches and writes."""

    made: list[tuple[Any, tuple[Any, ...]]]
    ends: list[Any]


def _explained(session: Any, fetches: Any, feed_dict: Mapping[Any, Any], infinities: bool) -> Any:
    causes = import_module("graphs.inspection.causes")
    optimised = _found(_walk(session._twin(), fetches, feed_dict), infinities, causes)
    if optimised is None:
        return None
    cell, reaches = _found(_walk(session._twin(passes=()), fetches, feed_dict), infinities, causes) or (None, False)
    note = ""
    if cell is None:
        cell, reaches = optimised
        note = "The graph as it was built does not have it: it is in what the passes made of it."
    if not reaches:
        note = f"{note} It does not reach what is fetched or assigned.".strip()
    return causes.finding(cell, infinities, note)


def _found(walk: _Walk, infinities: bool, causes: Any) -> tuple[Any, bool] | None:
    """The first wrong cell from which what is wrong flows to an end, else the first there is, and whether it reaches one."""
    bad = {id(cell): cell for _, cells in walk.made for cell in cells if causes.wrong(cell.array, infinities)}
    given = [cell for cell in walk.ends if cell.maker is None and causes.wrong(cell.array, infinities)]
    if not bad:
        return (given[0], True) if given else None
    stack = [cell for cell in walk.ends if id(cell) in bad]
    reaching = {id(cell) for cell in stack}
    while stack:
        maker = stack.pop().maker
        for operand in maker.operands if maker is not None else ():
            if id(operand) in bad and id(operand) not in reaching:
                reaching.add(id(operand))
                stack.append(operand)
    first = next((cell for key, cell in bad.items() if key in reaching), None)
    return (first, True) if first is not None else (next(iter(bad.values())), False)


def _walk(session: Any, fetches: Any, feed_dict: Mapping[Any, Any]) -> _Walk:
    """Run ``fetches`` node by node in ``session``, a twin of the user's, and remember everything."""
    history = import_module("graphs.inspection.history")
    call = session._called(fetches, feed_dict)
    feeds = [feed.array(value) for feed, value in zip(call.feeds, feed_dict.values(), strict=True)]
    plan = session._planned(call, feeds)
    made, draw = plan.schedule, session._draws() if plan.random else None
    cells = {register: history.Cell(value, kind="constant") for register, value in made.constants.items()}
    for (register, _), feed, value in zip(made.feeds.items(), call.feeds, map(ordered, feeds), strict=True):
        cells[register] = history.Cell(value, kind="feed", name=feed.tensor.name, where=feed.tensor.node.where)
    state = on_host(session._state)
    for register, variable in made.reads.items():
        if variable not in state:
            raise uninitialized(variable)
        cells[register] = history.Cell(state[variable], kind="variable", name=variable.name, where=variable.where)
    for register, variable in made.peeks.items():
        cells[register] = history.Cell(state.get(variable), kind="variable", name=variable.name, where=variable.where)
    found = []
    phase = _phases(plan.outcome.program.nodes)
    with numpy.errstate(all="ignore"):
        for step in made.steps:
            node = step.node
            operands = tuple([cells[arg] for arg in step.args])
            _name(operands, node.inputs)
            extra = {} if draw is None or not step.draws else {"key": step.key(draw)}
            meant = origins([node])[-1]
            event = history.Event(node.op, operands, step.params, meant.name, meant.where)
            event.phase, event.of = phase(node)
            event.draw = extra.get("key") if "random" not in node.op.traits else None
            try:
                out = step.kernel(numpy, *event.arrays, **step.params, **extra)
            except Exception as error:
                raise failed(node, event.arrays, error) from cause(error)
            outs = out if len(step.outs) != 1 else (out,)
            event.params = {**step.params, **extra} if "random" in node.op.traits else step.params
            results = tuple([history.Cell(value, event, i) for i, value in enumerate(outs)])
            cells.update(zip(step.outs, results, strict=True))
            found.append((event, results))
    ends = [cells[register] for register, _ in (*made.fetches, *made.writes.values())]
    return _Walk(found, ends)


def _name(operands: Sequence[Any], inputs: Sequence[Any]) -> None:
    """Say of constants among the operands what they are called."""
    for cell, x in zip(operands, inputs, strict=False):
        if cell.maker is None and not cell.name and isinstance(x, Value):
            node: Any = x.node
            while node.op is read_op:
                node = node.inputs[0].node
            if node.op in (constant_op, variable_op, placeholder_op):
                cell.name, cell.where = node.name, node.where


def _phases(nodes: Sequence[Any]) -> Any:
    """Tells of a node in which phase it is, and on the way back of which node's gradient it is a part."""
    meant = sorted({origins([node])[-1] for node in nodes}, key=lambda node: node.serial)
    phases = import_module("graphs.draw.protocol").phases(meant)

    def phase(node: Any) -> tuple[str, str]:
        meant = origins([node])[-1]
        found = phases.get(meant.serial, "forward")
        return found, gradient_of(meant) if found == "backward" else ""

    return phase
