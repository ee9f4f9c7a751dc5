"""A static program in the form that ``graphs.compare`` runs, and the modules that ``diptych exec`` replaces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from numpy import ndarray

from graphs.compare import Batch, Held, Listener, Log, State
from graphs.compare.inside import look_inside
from graphs.rewrite import Record, origins
from static.graph import Graph, Operation
from static.linting import lint as lint
from static.observing import observing as observing
from static.picturing import times as times_of, traced as traced, values as values_of
from static.plan import Observer, Plan
from static.report import Report
from static.session import Session
from static.splitting import planning as planning, split
from static.stepping import stepping as stepping
from static.variables import global_variables_initializer


ALIASES = {"tensorflow": "static", "tensorflow.compat.v1": "static", "theano": "static.theano"}
"""Modules of other packages, and which of ours stand in for them."""


@dataclass(frozen=True)
class Run:
    """One call of ``Session.run`` within a step.

    Attributes:
        updates: what is run for its effect: an operation, or a list of them.
        feeds: the tensor that each part of a batch is fed to.
        losses: tensors by name.
        gradients: tensors by the name of the parameter.
    """

    updates: Any
    feeds: Mapping[str, Any]
    losses: Mapping[str, Any]
    gradients: Mapping[str, Any] = field(default_factory=dict)


class StaticProgram:
    """A graph with its session; a step is one or more runs of it.

    Args:
        graph: the graph.
        runs: what a step runs, in order.
        parameters: the trained variables by name.
        optimizers: those whose slots are compared.

    Attributes:
        session: the session, its variables initialised.
    """

    def __init__(
        self, graph: Graph, runs: Iterable[Run], parameters: Mapping[str, Any], optimizers: Iterable[Any] = ()
    ) -> None:
        self._runs = tuple(runs)
        self._parameters = dict(parameters)
        self._slots = {
            f"{slot} of {name}": variable
            for optimizer in optimizers
            for slot in optimizer.get_slot_names()
            for name, parameter in self._parameters.items()
            if (variable := optimizer.get_slot(parameter, slot)) is not None
        }
        self.session = Session(graph=graph)
        with graph.as_default():
            self.session.run(global_variables_initializer())

    def step(self, batch: Batch) -> None:
        """One training step: updates and losses are run for, as a training loop does."""
        for run in self._runs:
            self.session.run([run.updates, run.losses], _feed(run, batch))

    def states(self, batch: Batch) -> list[State]:
        """One training step, and the state after each of its updates."""
        return [self._state(self.session.run(_shown(run), _feed(run, batch))) for run in self._runs]

    def watch(self, batch: Batch, log: Listener) -> list[State]:
        """The same node by node, ``log`` being told of every call of a kernel."""
        return self._watch(batch, log, lambda *_: None)

    def listen(self, batch: Batch, log: Listener) -> None:
        """A step as ``step`` takes it, node by node, ``log`` being told of every call of a kernel."""
        for run, plan in zip(self._runs, self._plans(batch), strict=True):
            made = plan.schedule
            lasting = {register for register, _ in (*made.fetches, *made.writes.values())}
            places = {step.node: [i for i, out in enumerate(step.outs) if out in lasting] for step in made.steps}
            self.session.interpret([run.updates, run.losses], _feed(run, batch), _told(log, places))

    def trace(self, batch: Batch, log: Log) -> list[Any]:
        """The same as ``watch``, the bodies of loops and branches being looked into; the ends of the graph."""
        before = {name: log.digest(value) for name, value in self.session.run(self._parameters).items()}
        self._watch(batch, log, look_inside)
        for name, value in self.session.run(self._parameters).items():
            log.held[self._parameters[name].op.serial] = Held(name, before[name], log.digest(value))
        return self.roots(batch)

    def _watch(self, batch: Batch, log: Any, inside: Callable[[Operation, tuple[Any, ...], Any], None]) -> list[State]:
        tell = _told(log)

        def observe(node: Operation, operands: tuple[Any, ...], outs: tuple[Any, ...]) -> None:
            tell(node, operands, outs)
            inside(node, operands, log)

        return [self._state(self.session.interpret(_shown(run), _feed(run, batch), observe)) for run in self._runs]

    def _plans(self, batch: Batch) -> list[Plan]:
        return [self.session.plan([run.updates, run.losses], _feed(run, batch)) for run in self._runs]

    def split(self, batch: Batch, seconds: float) -> dict[str, float]:
        """Where the time of a step goes (``static.splitting``)."""
        return split(self.step, self._plans(batch), batch, seconds)

    def planned(self, batch: Batch) -> int | None:
        """The bytes that results of a run share once its plan is native, for the run that needs most; None without."""
        sizes = [plan.memory.bytes for plan in self._plans(batch) if plan.outcome.program.reuse]
        return max(sizes, default=None)

    def picturing(self, batch: Batch, wanted: Set[str]) -> dict[str, Any]:
        """Settings for pictures that take a run: of ``wanted`` the ``"values"``, ``"time"`` and ``"regions"`` of a step."""
        found: dict[str, Any] = {}
        for run in self._runs:
            fetches, feed = [run.updates, run.losses], _feed(run, batch)
            if "values" in wanted:
                found.setdefault("values", {}).update(values_of(self.session, fetches, feed))
            if "time" in wanted:
                found.setdefault("overlay", ("time", {}))[1].update(times_of(self.session, fetches, feed))
            if "regions" in wanted:
                found.setdefault("regions", []).append(self.session.plan(fetches, feed))
        return found

    def nodes(self, batch: Batch) -> int:
        """How many nodes the runs of a step have."""
        return sum(len(plan.schedule.steps) for plan in self._plans(batch))

    def without_passes(self) -> StaticProgram:
        """This program, to be run without passes from here on."""
        self.session = self.session._twin(passes=())
        return self

    def follow(self, other: StaticProgram) -> None:
        """Stand where ``other`` does, a program of the same text: its variables' values are taken over, and its draws."""
        named = other.session.graph.get_operation_by_name
        self.session._take_over(other.session, {mine: named(mine.name) for mine in self.session._state})

    def rewrites(self, batch: Batch) -> list[Record]:
        """What the passes did in a step."""
        return [record for run in self._runs for record in self.session.plan(_shown(run), _feed(run, batch)).outcome.log]

    def report(self, batch: Batch) -> Report:
        """What the passes did in a step, as a training loop runs it."""
        reports = [self.session.report([run.updates, run.losses], _feed(run, batch)) for run in self._runs]
        return Report([plan for each in reports for plan in each.plans], reports[0].passes, reports[0].refused)

    def roots(self, batch: Batch) -> list[Any]:
        """Losses and updates: the ends of the graph."""
        found: list[Any] = []
        for run in self._runs:
            found += run.losses.values()
            found += run.updates if isinstance(run.updates, (list, tuple)) else [run.updates]
        return found

    def _state(self, shown: tuple[Any, Mapping[str, ndarray], Mapping[str, ndarray]]) -> State:
        _, losses, gradients = shown
        slots, parameters = self.session.run([self._slots, self._parameters])
        return State(losses, gradients, slots, parameters)


def _told(log: Listener, lasting: Mapping[Operation, Sequence[int]] | None = None) -> Observer:
    """What tells ``log`` of a node that has run, by the serial of the user's node that it stands for.

    ``lasting`` says which outputs of nodes are what the run is for.
    """

    def observe(node: Operation, operands: tuple[Any, ...], outs: tuple[Any, ...]) -> None:
        log.add(node.op, log.before(operands), outs, node.params, node.name, node.where, origins([node])[-1].serial)
        for place in lasting.get(node, ()) if lasting else ():
            log.lasts(outs[place])

    return observe


def _shown(run: Run) -> tuple[Any, Any, Any]:
    return run.updates, run.losses, run.gradients


def _feed(run: Run, batch: Batch) -> dict[Any, ndarray]:
    return {tensor: batch[name] for name, tensor in run.feeds.items()}
