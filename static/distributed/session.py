"""``tf.Session("dask://...")``: a session whose graph runs on the workers of a Dask cluster."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy

from graphs.rewrite import Choice
from static import errors
from static.calling import Call
from static.config import ConfigProto
from static.devices import DeviceAttributes
from static.distributed.cluster import ClusterSpec
from static.distributed.connection import Connection
from static.distributed.holding import Holding
from static.distributed.partition import Partition, partition
from static.distributed.placement import LOCAL, Placed, Placing, names_task
from static.distributed.programs import written
from static.distributed.running import Stopped, told
from static.distributed.targets import parsed
from static.distributed.tensors import packed, unpacked
from static.distributed.tracing import Crossing, Recorder, crossings, stats
from static.distributed.worker import HOME
from static.emit import handed_out
from static.graph import Graph, Operation
from static.metadata import RunMetadata, StepStats
from static.passes import PIPELINE, Pass
from static.plan import Plan
from static.schedule import Schedule
from static.session import Session


_HEAVIER = 4.0
"""A run so many times as dear as all before it decides where the variables are that nobody has placed."""


class ClusterPlan(Plan):
    """What a run does, not yet cut: the session cuts it for the tasks that there are.

    Attributes:
        cut: the parts of the run, and ``placing`` where everything is; ``version`` says for which state of the cluster.
        number: what the parts call it, and ``known`` the places that have it.
    """

    def _ready(self, made: Schedule, specs: Sequence[Any], reuse: bool, placer: Any = None) -> None:
        super()._ready(Schedule(), [], False)
        self.schedule, self.specs, self.reuse = made, list(specs), reuse
        self.writes, self.rows, self.random = bool(made.writes), made.rows, made.random
        self._texts.clear()
        self.silent = True
        self.version = -1
        self.number = -1
        self.known: set[int] = set()
        self.cut = Partition()
        self.placing = Placing()

    def compile(self) -> bool:
        """Nothing here: each part compiles its own share once that is hot."""
        return False


class ClusterSession(Holding, Session):
    """A session on a Dask cluster. A program runs on it as on a local one, with the same bits.

    The target is ``dask://host:port`` of a running scheduler; ``dask://`` or ``dask://local`` for processes of one thread on
    this machine, on the loopback, which are started for the session and end with it; or a ``distributed.Client``. Settings
    follow a question mark: ``dask://local?workers=2&timeout=10&place=first``. ``workers`` is how many to start, or to wait
    for; ``timeout`` for how many seconds a process may not answer before it counts as stuck; ``place=first`` puts all that
    nobody has placed on the first task, where it is otherwise placed by what it costs.

    Which worker is which task ``config.cluster_def`` says (``tf.train.ClusterSpec(...).as_cluster_def()``); without it the
    scheduler's workers are the tasks of the job ``worker``, in the order of their names. ``/job:localhost`` is the session's
    own process. ``config.allow_soft_placement``, ``log_device_placement`` and ``operation_timeout_in_ms`` are heeded, and
    ``RunOptions.timeout_in_ms``.

    Variables are the session's own, and live on the workers. All of a run's changes are made, or none. A worker that is lost
    ends the run with ``tf.errors.UnavailableError``, one that does not answer with ``DeadlineExceededError``; the session is
    broken then, and every further run raises ``AbortedError``, until ``rebuild``.

    Attributes:
        tasks: who is where: ``job``, ``index``, ``worker``, ``address``, ``pid``.
        crossings: what crossed in the last run, an entry a tensor.
        broken: why the session is broken, "" as long as it is not.
        address: the scheduler's, where others meet the same workers: ``tf.Session(f"dask://{session.address}")``.
    """

    def __init__(
        self,
        target: Any = "",
        graph: Graph | None = None,
        config: Any = None,
        passes: Sequence[Pass] = PIPELINE,
        refuse: Iterable[str] = (),
        check: bool | None = None,
    ) -> None:
        self._connection: Connection | None = None
        super().__init__("", graph, config, passes, refuse, check)
        self._config = cast(Any, config if isinstance(config, ConfigProto) else ConfigProto())
        self._target = parsed(target)
        defined = self._config.cluster_def
        self._connection = Connection(self._target, ClusterSpec(defined) if defined.job else None)
        self.tasks = self._connection.tasks
        self.address = self._connection.address
        self.crossings: list[Crossing] = []
        self.broken = ""
        self._name = uuid.uuid4().hex
        self._ops: dict[str, Operation] = {}
        self._homes: dict[Any, int] = {}
        self._notes: dict[str, Placed] = {}
        self._weight = 0.0
        self._version = 0
        self._numbers = 0
        self._runs = 0
        self._named = (0, False)
        self._inside = False
        self._trace: RunMetadata | None = None
        self._seconds: float | None = None
        self._begin()

    # Plans

    def _made(self, call: Call, specs: Sequence[Any] | None, reason: str) -> Plan:
        choice = Choice(refuse=self.refuse, limit=self._limit, check=self.check)
        return ClusterPlan(call.fetches, [feed.tensor for feed in call.feeds], self.passes, choice, specs, reason)

    def _names_tasks(self) -> bool:
        seen, found = self._named
        if not found and seen != self.graph.version:
            found = any(names_task(op.device) for op in self.graph.get_operations()[seen:])
            self._named = (self.graph.version, found)
        return found

    def _cut(self, plan: ClusterPlan) -> Partition:
        """The parts of a plan; it is cut again where variables have moved or the cluster has changed."""
        if plan.version == self._version:
            return plan.cut
        named = self._names_tasks()
        program = plan.outcome.program
        placing = self._where.place(program, plan.schedule, self._homes, named)
        if placing.weight > _HEAVIER * self._weight:
            fixed = {variable: home for variable, home in self._homes.items() if home == HOME}
            placing = self._where.place(program, plan.schedule, fixed, named)
            moved = {v: home for v, home in placing.homes.items() if self._homes.get(v, home) != home}
            if moved:
                self._move(moved)
            self._weight = placing.weight
        self._homes.update(placing.homes)
        self._ops.update({variable.name: variable for variable in placing.homes})
        plan.placing = placing
        plan.cut = partition(plan.schedule, plan.specs, placing.steps, placing.homes, program.nodes, plan.reuse)
        plan.version = self._version
        self._numbers += 1
        plan.number, plan.known = self._numbers, set()
        old = {name: note for name, note in self._notes.items() if name in placing.kept}
        self._notes = {**self._notes, **placing.notes, **old}
        if self._config.log_device_placement:
            for note in placing.notes.values():
                print(f"{note.name}: {note.actual} ({note.why})", file=sys.stderr)
        return plan.cut

    # Runs

    def run(
        self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """As ``Session.run``. A trace has a row a task, with sends and receives, all on the clock of this process."""
        milliseconds = getattr(options, "timeout_in_ms", 0) or self._config.operation_timeout_in_ms
        if not milliseconds and run_metadata is None:
            return super().run(fetches, feed_dict)
        with self._lock:
            before = self._seconds, self._trace
            try:
                self._seconds = milliseconds / 1e3 if milliseconds else None
                if run_metadata is not None:
                    if not isinstance(run_metadata, RunMetadata):
                        raise TypeError(f"run_metadata has to be a RunMetadata, not a {type(run_metadata).__name__}")
                    run_metadata.step_stats = StepStats()
                    self._trace = run_metadata if getattr(options, "trace_level", 0) else None
                return super().run(fetches, feed_dict)
            finally:
                self._seconds, self._trace = before

    def _follow(self, plan: Plan, feeds: Sequence[Any]) -> tuple[Any, ...]:
        assert isinstance(plan, ClusterPlan)
        with self._lock:
            self._usable()
            self._inside = True
            try:
                return self._followed(plan, feeds)
            finally:
                self._inside = False

    def _followed(self, plan: ClusterPlan, feeds: Sequence[Any]) -> tuple[Any, ...]:
        cut = self._cut(plan)
        self._share_out(plan, cut)
        self._runs += 1
        run = self._runs
        stream = None
        if plan.random:
            self.stream.advance()
            stream = self.stream
        alone = len(cut.shares) == 1
        draw = None if stream is None else [stream.seed, stream.step, stream.ordinal]
        messages = [packed(feed)[0] for feed in feeds] if feeds and any(place != HOME for place in cut.shares) else []
        calls = {
            place: {
                "run": run,
                "plan": plan.number,
                "feeds": [messages[i] for i in share.feeds],
                "decided": self._pending.pop(place, []),
                "draw": draw,
                "alone": alone,
                "trace": self._trace is not None,
            }
            for place, share in cut.shares.items()
            if place != HOME
        }
        answers = self._answers(plan, cut, run, calls, feeds, stream, alone)
        self._checked(answers, plan)
        writing = [place for place, share in cut.shares.items() if share.schedule.writes]
        if not alone:
            for place in writing:
                if place == HOME:
                    self._home.decide([run])
                else:
                    self._pending.setdefault(place, []).append(run)
        if stream is not None:
            made = cut.draws
            stream.ordinal += made if made is not None else max(answer.get("draws", 0) for answer in answers.values())
        self._note(cut, answers)
        return self._results(plan, cut, answers, feeds)

    def _share_out(self, plan: ClusterPlan, cut: Partition) -> None:
        """Let each part have its share of a plan, once."""
        missing = [place for place in cut.shares if place not in plan.known]
        if not missing:
            return
        if HOME in missing:
            self._home.add(plan.number, cut.shares[HOME])  # type: ignore[arg-type]
        calls = {
            place: {"plan": plan.number, "program": written(cut.shares[place]), "decided": self._pending.pop(place, [])}
            for place in missing
            if place != HOME
        }
        self._checked(self._ask("add", calls), plan)
        plan.known.update(missing)

    def _answers(
        self,
        plan: ClusterPlan,
        cut: Partition,
        run: int,
        calls: Mapping[int, Mapping[str, Any]],
        feeds: Sequence[Any],
        stream: Any,
        alone: bool,
    ) -> dict[int, dict[str, Any]]:
        """What all parts answer, that of this process among them."""
        answers: dict[int, dict[str, Any]] = {}
        others = None
        try:
            if calls:
                round_ = self._wire.round(run, "run", calls, self._seconds)
                others = asyncio.run_coroutine_threadsafe(round_, self._wire.loop)
            if HOME in cut.shares:
                answers[HOME] = self._at_home(plan, cut, run, feeds, stream, alone, others)
                if "error" in answers[HOME] and calls:
                    self._wire.wait(self._wire.abort(run, list(calls), str(answers[HOME]["error"]["message"])))
            if others is not None:
                answers.update(others.result())
        except BaseException as error:
            if others is not None:
                self._wire.wait(self._wire.abort(run, list(calls), f"interrupted: {type(error).__name__}"))
                others.cancel()
            raise
        return answers

    def _at_home(
        self, plan: ClusterPlan, cut: Partition, run: int, feeds: Sequence[Any], stream: Any, alone: bool, others: Any
    ) -> dict[str, Any]:
        home, share = self._home, cut.shares[HOME]
        home.others = others
        recorder = Recorder(home.plan(plan.number)) if self._trace is not None else None
        given = [feeds[i] for i in share.feeds]
        try:
            observe = None if recorder is None else recorder.observe
            values, traffic, draws = home.compute(plan.number, run, given, stream, alone, observe)
            unsent = home.sent()
        except (errors.OpError, Stopped) as error:
            return {"error": {**told(error), "raised": error}}
        if unsent:
            return {"error": {"kind": "UnavailableError", "message": unsent}}
        made = {"values": values, "draws": draws, "sent": traffic.sent, "received": traffic.received}
        return made if recorder is None else {**made, "nodes": recorder.found}

    def _results(
        self, plan: ClusterPlan, cut: Partition, answers: Mapping[int, Mapping[str, Any]], feeds: Sequence[Any]
    ) -> tuple[Any, ...]:
        found: list[Any] = [None] * len(plan.specs)
        for place, share in cut.shares.items():
            for position, message in zip(share.fetches, answers[place].get("values", ()), strict=True):
                found[position] = message if place == HOME else _own(unpacked(message))
        if cut.given:
            registers = dict(zip(plan.schedule.feeds, feeds, strict=True))
            for position, register in cut.given:
                value = registers[register] if register in registers else plan.schedule.constants[register]
                found[position] = handed_out(numpy.asarray(value), False, plan.specs[position])
        return tuple(found)

    def _note(self, cut: Partition, answers: Mapping[int, Mapping[str, Any]]) -> None:
        """Keep what crossed, and fill the metadata that was asked for."""
        names = {place: self._where.device(place) for place in cut.shares}
        self.crossings = crossings(cut.edges, answers, names) if cut.edges else []
        if self._trace is not None:
            pings = self._wire.wait(self._wire.pings())
            ahead = {place: ping["ahead"] for place, ping in enumerate(pings) if ping}
            found = {place: answer.get("nodes", ()) for place, answer in answers.items()}
            self._trace.step_stats = stats(names, found, ahead)
            self.crossings = crossings(cut.edges, answers, names, ahead)

    # What it holds

    @property
    def placement(self) -> list[Placed]:
        """Where the nodes of the runs so far are: name, what was asked for, the actual device, and why."""
        return list(self._notes.values())

    def list_devices(self) -> list[DeviceAttributes]:
        """The processors of all tasks, and this process's."""
        return [DeviceAttributes(task.device) for task in self.tasks] + [DeviceAttributes(LOCAL)]

    def close(self) -> None:
        """Give up the variables' values, the parts and, where it was started for the session, the cluster."""
        super().close()
        connection, self._connection = self._connection, None
        if connection is not None:
            self._parts.clear()
            connection.close()


def _own(value: Any) -> Any:
    """A fetched value that its caller may change."""
    return value.copy() if isinstance(value, numpy.ndarray) and not value.flags.writeable else value


__all__ = ["ClusterPlan", "ClusterSession"]
