"""What runs one part of a session, wherever it is: on a worker (``worker.WorkerPart``), in the session's process (``Home``).

A part holds the values of the variables that are placed with it and the plans of its share of each run. A run computes first
and changes nothing: what it writes is staged, and enters when the session says, with its next message, that all parts have
done theirs. So a run changes the variables of all parts or of none, at the cost of no further message.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy
from numpy import ndarray

from graphs.core.parts import split_as, threads
from graphs.core.random import Key, Stream
from static.distributed.programs import Reading, variable_node
from static.distributed.tensors import GarbledError, copied, packed, unpacked
from static.errors import OpError
from static.plan import Plan
from static.rows import Commit


class Stopped(BaseException):
    """A part gives its run up: ``kind`` is the class of ``tf.errors`` that the session is to raise."""

    def __init__(self, kind: str, message: str, edge: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.edge = edge


class PartDraws:
    """The keys of one part's draws: those that the whole run's draws in the order of the program would have.

    Args:
        stream: seed, step and the ordinal at which the run begins, of the session.
        ordinals: for the serial of a node without a key of its own its place among the run's draws.
        running: the place of the first draw of a loop that draws without a key of its own, and of all behind it.
    """

    def __init__(self, stream: Stream, ordinals: Mapping[int, int], running: int) -> None:
        self._stream = stream
        self._first = stream.ordinal
        self._ordinals = ordinals
        self._rounds: dict[int, int] = {}
        self.next = running

    def __call__(self, own: Key | None, site: int) -> Key:
        """The key of op ``site``, as ``graphs.core.random.Draws`` gives it."""
        seed, step = self._stream.seed, self._stream.step
        if own is None:
            ordinal = self._ordinals.get(site)
            if ordinal is None:
                ordinal, self.next = self.next, self.next + 1
            return (seed, step, self._first + ordinal)
        rounds = self._rounds.get(site, 0)
        self._rounds[site] = rounds + 1
        return (own[0], step, own[2] + rounds)


class Traffic:
    """What one part has sent and waited for in one run: ``[edge, bytes, start, end]``, seconds of this process's clock."""

    __slots__ = ("received", "sent")

    def __init__(self) -> None:
        self.sent: list[list[Any]] = []
        self.received: list[list[Any]] = []


class Part:
    """One part: variables' values and plans. Subclasses say how tensors leave (``_put``) and come (``_get``)."""

    def __init__(self, place: int) -> None:
        self.place = place
        self.threads = threads()
        self.state: dict[Any, Any] = {}
        self._variables: dict[str, Any] = {}
        self._own: dict[Any, ndarray] = {}
        self._readings: dict[int, Reading] = {}
        self._staged: dict[int, dict[Any, Any]] = {}
        self._run = 0
        self._traffic = Traffic()

    def _put(self, run: int, edge: int, place: int, message: Any) -> None:
        """Let the part at ``place`` have a tensor."""
        raise NotImplementedError

    def _get(self, run: int, edge: int, place: int) -> Any:
        """The message of a tensor from the part at ``place``, waited for. Raises Stopped."""
        raise NotImplementedError

    def variable(self, name: str, spec: Sequence[Any]) -> Any:
        """What stands for the variable ``name`` here, under which its value is held."""
        found = self._variables.get(name)
        if found is None:
            found = self._variables[name] = variable_node(name, spec)
        return found

    # What plans call

    def sender(self, edge: int, place: int, flag: bool, control: bool) -> Callable[..., Any]:
        """The kernel of a ``send``: with ``flag`` it tells whether there is a value, for ``control`` that it is time."""

        def send(xp: Any, *values: Any) -> tuple[()]:
            start = time.time()
            value = None if control else values[0]
            if flag and value is not None:
                value = True
            message, size = packed(copied(value))
            self._put(self._run, edge, place, message)
            self._traffic.sent.append([edge, 0 if control or flag else size, start, time.time()])
            return ()

        return send

    def receiver(self, edge: int, place: int, spec: Any, control: bool) -> Callable[..., Any]:
        """The kernel of a ``receive``: waits for the value and looks at whether it is what is to come."""

        def receive(xp: Any) -> Any:
            start = time.time()
            message = self._get(self._run, edge, place)
            try:
                value = unpacked(message, spec)
            except GarbledError as error:
                raise Stopped("DataLossError", str(error), edge) from None
            self._traffic.received.append([edge, getattr(value, "nbytes", 0), start, time.time()])
            return () if control else value

        return receive

    # What the session asks

    def add(self, number: int, about: Mapping[str, Any]) -> None:
        """Make the plan ``number`` ready, of what ``programs.written`` has made."""
        self._readings[number] = Reading(about, self)

    def plan(self, number: int) -> Plan:
        """A plan that is ready."""
        return self._readings[number].plan

    def load(self, values: Mapping[Any, Any]) -> None:
        """Give variables values."""
        self.state = {**self.state, **values}

    def forget(self, names: Sequence[str]) -> None:
        """Give up the values of variables, which are somewhere else from now on."""
        self.state = {variable: value for variable, value in self.state.items() if variable.name not in names}

    def decide(self, committed: Sequence[int]) -> None:
        """Let what the runs ``committed`` have staged be the variables' values; all else that is staged falls away."""
        for run in sorted(committed):
            written = self._staged.pop(run, None)
            if written is not None:
                self._commit(written)
        self._staged.clear()

    def _commit(self, written: Mapping[Any, Any]) -> None:
        made = Commit(self.state, self._own)
        made.put(written)
        self.state = made.state

    def compute(
        self, number: int, run: int, feeds: Sequence[Any], stream: Stream | None, alone: bool, observe: Any = None
    ) -> tuple[tuple[Any, ...], Traffic, int]:
        """Run a plan: what it fetches, what crossed, and how many draws are behind it. What it writes is staged.

        With ``alone`` no other part has to do with the run: what it writes enters at once.
        """
        reading = self._readings[number]
        plan = reading.plan
        self._run, self._traffic = run, Traffic()
        draw = None if stream is None else PartDraws(stream, reading.ordinals, reading.running)
        with numpy.errstate(all="ignore"), split_as(self.threads):
            if observe is not None:
                values, written = plan.interpret(self.state, feeds, draw, observe)
            else:
                own = alone and bool(plan.inplace) and self._owns(plan)
                values, written = plan(self.state, feeds, draw, own)
                written = {} if own else written
        if written:
            if plan.inplace and observe is None:
                self._own.update(written)
            if alone:
                self._commit(written)
            else:
                self._staged[run] = dict(written)
        return values, self._traffic, 0 if draw is None else draw.next

    def _owns(self, plan: Plan) -> bool:
        own, state = self._own, self.state
        return all([own.get(variable) is state.get(variable) for variable in plan.inplace])  # noqa: C419 (faster)


def told(error: BaseException) -> dict[str, Any]:
    """An error as a plain message: the class of ``tf.errors``, what happened, and the name of the node."""
    if isinstance(error, Stopped):
        return {"kind": error.kind, "message": str(error), "edge": error.edge}
    if isinstance(error, OpError):
        name = None if error.op is None else error.op.name
        return {"kind": type(error).__name__, "message": error.message, "node": name}
    return {"kind": "InternalError", "message": f"{type(error).__name__}: {error}"}


__all__ = ["Part", "PartDraws", "Stopped", "Traffic", "told"]
