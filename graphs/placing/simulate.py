"""What a run of a placed graph takes, event by event: calls, kernels, transfers that wait for each other, answers."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import networkx

from graphs.placing.cluster import Cluster, Link, PlacementError
from graphs.placing.problem import Problem
from graphs.placing.timeline import Run, Timeline, Transfer


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a run costs besides kernels and links. Everything is in seconds, and nothing costs anything by default.

    Attributes:
        call: what the caller is busy with for each part that it calls, one after another.
        answer: what it is busy with for each answer.
        wire: what lies between the caller and each worker; what is fed and fetched travels on it too.
        part: what a part is busy with before its first kernel.
        send: what a worker is busy with for each value that it sends.
        copy: the same, for each byte.
        blocking: whether a worker waits until what it sends has arrived, and only then goes on.
        message: what each message keeps a worker's own end of the link busy for, besides its bytes.
        caller: what to call the caller.
    """

    call: float = 0.0
    answer: float = 0.0
    wire: Link = field(default_factory=Link)
    part: float = 0.0
    send: float = 0.0
    copy: float = 0.0
    blocking: bool = False
    message: float = 0.0
    caller: str = "session"


def simulate(
    graph: networkx.DiGraph,
    assignment: Mapping[Any, str],
    cluster: Cluster,
    runtime: Runtime = Runtime(),
    order: Mapping[str, Sequence[Any]] | None = None,
    *,
    title: str = "predicted",
) -> Timeline:
    """The timeline of one run of ``graph`` with each node on the worker that ``assignment`` names.

    Each worker runs its nodes one after another in its ``order``, by default the graph's, and waits where what the next one
    reads is not there yet. A value is sent to each worker that reads it, once, when it has been made; what a worker sends
    leaves in that order, one at a time, and so does what it is sent arrive.

    Besides what ``graphs.placing.problem`` describes, nodes may have ``feeds``, bytes by the name of what is fed, which the
    caller sends along to each worker that needs it, and ``fetched``, bytes that go back to it. The caller has a row of its
    own where calls or answers cost anything.

    Raises PlacementError where a node has no worker, where an order names other nodes than those of its worker, and where
    orders have workers wait for each other for ever.
    """
    problem = Problem(graph, cluster)
    return _Simulation(problem, _homes(problem, assignment), runtime, _orders(problem, assignment, order), title).run()


def _homes(problem: Problem, assignment: Mapping[Any, str]) -> list[int]:
    missing = [name for key, name in zip(problem.keys, problem.names, strict=True) if key not in assignment]
    if missing:
        raise PlacementError(f"{missing[0]} has no worker" + (f", nor have {len(missing) - 1} more" if missing[1:] else ""))
    return [problem.number[problem.cluster.worker(assignment[key]).name] for key in problem.keys]


def _orders(problem: Problem, assignment: Mapping[Any, str], order: Mapping[str, Sequence[Any]] | None) -> list[deque[int]]:
    rows: list[deque[int]] = [deque() for _ in problem.workers]
    for at, key in enumerate(problem.keys):
        rows[problem.number[assignment[key]]].append(at)
    for worker, keys in (order or {}).items():
        row = rows[problem.number[problem.cluster.worker(worker).name]]
        if sorted(row) != sorted(problem.place.get(key, -1) for key in keys):
            raise PlacementError(f"the order of {worker} does not name the nodes that are on it, each once")
        row.clear()
        row.extend(problem.place[key] for key in keys)
    return rows


class _Simulation:
    """The state of a simulation: a heap of events, and who is busy until when."""

    def __init__(
        self, problem: Problem, homes: Sequence[int], runtime: Runtime, rows: Sequence[deque[int]], title: str
    ) -> None:
        self.problem, self.homes, self.runtime, self.rows, self.title = problem, homes, runtime, rows, title
        self.events: list[tuple[float, int, Any]] = []
        self.count = 0
        self.runs: list[Run] = []
        self.sent: list[Transfer] = []
        self.free = [0.0] * len(problem.workers)
        self.out, self.into = list(self.free), list(self.free)
        self.open = [False] * len(problem.workers)
        self.busy = [False] * len(problem.workers)
        self.missing = [len({(tail, value) for tail, value, _ in inputs}) for inputs in problem.inputs]
        self.leaves = self._leaves()
        self.left = [len(row) for row in rows]
        self.caller = 0.0
        self.waits: dict[Hashable, list[Hashable]] = {}

    def _leaves(self) -> list[dict[Hashable, tuple[float, dict[int, list[int]]]]]:
        """By node, each of its values: its bytes, and its readers by worker."""
        found: list[dict[Hashable, tuple[float, dict[int, list[int]]]]] = [{} for _ in self.problem.keys]
        for at, inputs in enumerate(self.problem.inputs):
            for tail, value, size in inputs:
                _, readers = found[tail].setdefault(value, (size, {}))
                readers.setdefault(self.homes[at], []).append(at)
        return found

    def at(self, time: float, *event: Any) -> None:
        """Have ``event`` happen then; of two at one time the one that was known first comes first."""
        heapq.heappush(self.events, (time, self.count, event))
        self.count += 1

    def run(self) -> Timeline:
        """Until nothing is left to happen."""
        self._call()
        while self.events:
            time, _, event = heapq.heappop(self.events)
            getattr(self, event[0])(time, *event[1:])
        stuck = [row[0] for row in self.rows if row]
        if stuck:
            names = ", ".join(f"{self.problem.names[at]} on {self.problem.workers[self.homes[at]]}" for at in stuck)
            raise PlacementError(f"the workers' orders have them wait for each other: {names}")
        keys, problem = self.problem.keys, self.problem
        for at, inputs in enumerate(problem.inputs):
            self.waits.setdefault(keys[at], []).extend(dict.fromkeys(keys[tail] for tail, *_ in inputs))
        rows = (self.runtime.caller, *problem.workers) if self.caller else problem.workers
        return Timeline.of(rows, self.runs, self.sent, title=self.title, edges=self.waits)

    # The caller

    def _call(self) -> None:
        data = self.problem.graph.nodes
        for worker, row in enumerate(self.rows):
            if not row:
                continue
            fed: dict[Any, float] = {}
            for at in row:
                fed |= data[self.problem.keys[at]].get("feeds", {})
            size = sum(fed.values())
            self._busy("call", worker, self.caller, self.runtime.call)
            self.at(self.caller + self.runtime.wire.seconds(size), "opened", worker)

    def _busy(self, kind: str, worker: int, start: float, seconds: float) -> None:
        begins = max(start, self.caller)
        self.caller = begins + seconds
        if seconds:
            name = self.problem.workers[worker]
            self.runs.append(Run((kind, name), self.runtime.caller, begins, self.caller, f"{kind} {name}", kind))

    def opened(self, time: float, worker: int) -> None:
        """A part has been called."""
        self.open[worker] = True
        if self.runtime.part:
            name = self.problem.workers[worker]
            self.runs.append(Run(("part", name), name, time, time + self.runtime.part, "start", "part"))
            self.waits["part", name] = [("call", name)]
        self.free[worker] = time + self.runtime.part
        self.next(time, worker)

    def answered(self, time: float, worker: int) -> None:
        """A part's answer is there."""
        self._busy("answer", worker, time, self.runtime.answer)

    # Workers

    def next(self, time: float, worker: int) -> None:
        """Start what is next on a worker, if it can start."""
        row = self.rows[worker]
        if not self.open[worker] or self.busy[worker] or not row or self.missing[row[0]]:
            return
        at = row.popleft()
        start = max(time, self.free[worker])
        self.free[worker] = end = start + self.problem.seconds[at][worker]
        self.busy[worker] = True
        key, name = self.problem.keys[at], self.problem.workers[worker]
        self.runs.append(Run(key, name, start, end, self.problem.names[at]))
        self.waits.setdefault(key, [("call", name)] if self.left[worker] == len(row) + 1 else [])
        self.at(end, "made", worker, at)

    def made(self, time: float, worker: int, at: int) -> None:
        """A node has run: its values are there, and leave for others."""
        self.busy[worker] = False
        for value, (size, readers) in self.leaves[at].items():  # all leave before the next node starts
            for target, reading in readers.items():
                if target != worker:
                    self._send(worker, target, at, value, size, reading)
        for _, readers in self.leaves[at].values():
            for reader in readers.get(worker, ()):
                self.missing[reader] -= 1
        self.left[worker] -= 1
        if not self.left[worker]:
            fetched = sum(
                self.problem.graph.nodes[key].get("fetched", 0)
                for key, home in zip(self.problem.keys, self.homes, strict=True)
                if home == worker
            )
            self.waits["answer", self.problem.workers[worker]] = [self.problem.keys[at]]
            self.at(self.free[worker] + self.runtime.wire.seconds(fetched), "answered", worker)
        self.next(time, worker)

    def _send(self, worker: int, target: int, at: int, value: Hashable, size: float, reading: Sequence[int]) -> None:
        problem, runtime = self.problem, self.runtime
        ready = self.free[worker]
        own = runtime.send + runtime.copy * size
        leaves = max(ready + own, self.out[worker], self.into[target])
        arrives = leaves + problem.travel(worker, target, size)
        self.out[worker] = self.into[target] = leaves + runtime.message + size * problem.rate[worker][target]
        until = arrives if runtime.blocking else ready + own
        if until > ready:
            self.free[worker] = until
            key = ("send", problem.keys[at], value, problem.workers[target])
            self.runs.append(Run(key, problem.workers[worker], ready, until, f"send {problem.names[at]}", "send"))
        ends = (problem.workers[worker], problem.workers[target])
        read = tuple(problem.keys[each] for each in reading)
        self.sent.append(Transfer(problem.keys[at], *ends, round(size), ready, arrives, value, read, problem.names[at]))
        self.at(arrives, "arrived", target, reading)

    def arrived(self, time: float, worker: int, reading: Sequence[int]) -> None:
        """A value is on ``worker``."""
        for at in reading:
            self.missing[at] -= 1
        self.next(time, worker)


__all__ = ["Runtime", "simulate"]
