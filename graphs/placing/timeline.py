"""What runs where and when: kernels on workers, transfers between them. Predicted or measured, in the same form."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphs.placing.cluster import PlacementError


@dataclass(frozen=True, slots=True)
class Run:
    """One kernel on one worker, from ``start`` to ``end`` in seconds since the run began.

    Attributes:
        node: the node's key in the graph, or anything else that tells it from the others.
        worker: the name of the worker.
        name: what to call it.
        kind: ``"kernel"``, or what the runtime does besides: ``"dispatch"``, ``"send"``, ``"receive"``, ``"answer"``.
    """

    node: Hashable
    worker: str
    start: float
    end: float
    name: str = ""
    kind: str = "kernel"


@dataclass(frozen=True, slots=True)
class Transfer:
    """One value on its way, from when it was ready to when it can be read.

    Attributes:
        node: the key of the node that made it.
        source, target: names of workers.
        size: bytes.
        start, end: seconds since the run began.
        value: which value of the node, where it has several.
        readers: the keys of the nodes that read it there.
        name: what to call it.
    """

    node: Hashable
    source: str
    target: str
    size: int
    start: float
    end: float
    value: Hashable = 0
    readers: tuple[Hashable, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Timeline:
    """A run over several workers.

    Attributes:
        workers: names, a row each.
        runs: in order of their start.
        transfers: in order of their start.
        title: what it shows.
    """

    workers: tuple[str, ...]
    runs: tuple[Run, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    title: str = ""
    edges: Mapping[Hashable, tuple[Hashable, ...]] = field(default_factory=dict)
    """The nodes that a node waits for, by its key: what the critical path goes along."""

    @classmethod
    def of(
        cls,
        workers: Iterable[str],
        runs: Iterable[Run],
        transfers: Iterable[Transfer] = (),
        *,
        title: str = "",
        edges: Mapping[Hashable, Iterable[Hashable]] | None = None,
        origin: float | None = 0.0,
    ) -> Timeline:
        """A timeline in order. Times are counted from ``origin`` on; None is the first start.

        Raises PlacementError for a worker that has no row, and for what ends before it starts.
        """
        rows, made, sent = tuple(workers), list(runs), list(transfers)
        named = {run.worker for run in made} | {end for each in sent for end in (each.source, each.target)}
        strange = sorted(named - set(rows))
        if strange:
            raise PlacementError(f"nothing is known of the workers {', '.join(strange)}; there are {', '.join(rows)}")
        every: list[Run | Transfer] = [*made, *sent]
        for each in every:
            if each.end < each.start:
                raise PlacementError(f"{each.name or each.node} ends before it starts")
        first = min((each.start for each in every), default=0.0) if origin is None else origin
        place = {name: at for at, name in enumerate(rows)}
        if first:
            made = [_moved(run, first) for run in made]
            sent = [_moved(transfer, first) for transfer in sent]
        made.sort(key=lambda run: (run.start, place[run.worker], run.end))
        sent.sort(key=lambda transfer: (transfer.start, place[transfer.source], place[transfer.target], transfer.end))
        before = {node: tuple(others) for node, others in (edges or {}).items()}
        return cls(rows, tuple(made), tuple(sent), title, before)

    @property
    def makespan(self) -> float:
        """Seconds until the last kernel has ended."""
        return max((run.end for run in self.runs), default=0.0)

    @property
    def size(self) -> int:
        """Bytes that cross from worker to worker."""
        return sum(each.size for each in self.transfers)

    def busy(self, worker: str) -> float:
        """Seconds in which ``worker`` runs something; what overlaps counts once."""
        total, reached = 0.0, 0.0
        for run in self.runs:
            if run.worker == worker and run.end > reached:
                total += run.end - max(run.start, reached)
                reached = run.end
        return total

    def idle(self, worker: str) -> float:
        """Seconds of the makespan in which ``worker`` waits."""
        return self.makespan - self.busy(worker)

    @cached_property
    def critical(self) -> tuple[Run | Transfer, ...]:
        """What the makespan consists of, from its beginning: to shorten the run, shorten one of these.

        From the last end on back: whatever a kernel has waited for last, be it its worker, a value that came from another,
        or one that was made there.
        """
        return _critical(self)

    def as_dict(self) -> dict[str, Any]:
        """The timeline as plain data, with names for keys; seconds and bytes."""
        names = {run.node: run.name or str(run.node) for run in self.runs}
        return {
            "title": self.title,
            "workers": list(self.workers),
            "makespan": self.makespan,
            "bytes": self.size,
            "busy": {worker: self.busy(worker) for worker in self.workers},
            "runs": [
                {"name": names[run.node], "worker": run.worker, "start": run.start, "end": run.end, "kind": run.kind}
                for run in self.runs
            ],
            "transfers": [
                {
                    "name": each.name or names.get(each.node, str(each.node)),
                    "from": each.source,
                    "to": each.target,
                    "bytes": each.size,
                    "start": each.start,
                    "end": each.end,
                }
                for each in self.transfers
            ],
        }

    def chrome_trace(self) -> str:
        """The run as JSON in Chrome's Trace Event Format, for Perfetto: a row a worker, an arrow a transfer."""
        return chrome_trace([self])


def chrome_trace(timelines: Sequence[Timeline]) -> str:
    """Several timelines above each other, as JSON in Chrome's Trace Event Format; the same data gives the same bytes."""
    events: list[dict[str, Any]] = []
    flows = 0
    for number, shown in enumerate(timelines):
        rows = {worker: at for at, worker in enumerate(shown.workers)}
        pid, critical = number + 1, {id(each) for each in shown.critical}
        events.append(_named("process_name", pid, 0, shown.title or f"run {pid}"))
        events += [_named("thread_name", pid, 2 * row, worker) for worker, row in rows.items()]
        events += [_named("thread_name", pid, 2 * row + 1, f"{worker}, arriving") for worker, row in rows.items()]
        for run in shown.runs:
            args: dict[str, Any] = {"critical": id(run) in critical}
            events.append(_bar(run.name or str(run.node), run.kind, pid, 2 * rows[run.worker], run, args))
        for each in shown.transfers:
            name = each.name or str(each.node)
            args = {"bytes": each.size, "from": each.source, "to": each.target, "critical": id(each) in critical}
            row = 2 * rows[each.target] + 1
            events.append(_bar(name, "transfer", pid, row, each, args))
            flow = {"name": name, "cat": "transfer", "id": flows, "pid": pid}
            events.append({**flow, "ph": "s", "tid": 2 * rows[each.source], "ts": _micros(each.start)})
            events.append({**flow, "ph": "f", "bp": "e", "tid": row, "ts": _micros(each.end)})
            flows += 1
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}, indent=1)


def _named(kind: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"name": kind, "ph": "M", "pid": pid, "tid": tid, "args": {"name": name}}


def _bar(name: str, cat: str, pid: int, tid: int, each: Run | Transfer, args: Mapping[str, Any]) -> dict[str, Any]:
    start = _micros(each.start)
    times = {"ts": start, "dur": round(_micros(each.end) - start, 3)}
    return {"ph": "X", "cat": cat, "name": name, "pid": pid, "tid": tid, **times, "args": dict(args)}


def _micros(seconds: float) -> float:
    return round(seconds * 1e6, 3)


def _moved(each: Any, by: float) -> Any:
    words = {name: getattr(each, name) for name in each.__slots__}
    return type(each)(**{**words, "start": each.start - by, "end": each.end - by})


def _critical(shown: Timeline) -> tuple[Run | Transfer, ...]:
    """Go back from what ends last. Iterative: a path may be as long as the graph."""
    if not shown.runs:
        return ()
    by_node: dict[Hashable, list[Run]] = {}
    for run in shown.runs:
        by_node.setdefault(run.node, []).append(run)
    rows: dict[str, list[Run]] = {worker: [] for worker in shown.workers}
    earlier: dict[int, Run] = {}
    for run in shown.runs:
        row = rows[run.worker]
        if row:
            earlier[id(run)] = row[-1]
        row.append(run)
    arriving: dict[tuple[Hashable, str], list[Transfer]] = {}
    for each in shown.transfers:
        for reader in each.readers:
            arriving.setdefault((reader, each.target), []).append(each)
    at: Run | Transfer | None = max(shown.runs, key=lambda run: run.end)  # the first of several: a fixed order
    path: list[Run | Transfer] = []
    seen: set[int] = set()
    while at is not None and id(at) not in seen:
        path.append(at)
        seen.add(id(at))
        before: list[Run | Transfer] = []
        if isinstance(at, Transfer):
            before += [run for run in by_node.get(at.node, ()) if run.worker == at.source]
        else:
            before += arriving.get((at.node, at.worker), ())
            for other in shown.edges.get(at.node, ()):
                # a value of a kernel elsewhere comes by a transfer; calls and answers have none
                before += [
                    run
                    for run in by_node.get(other, ())
                    if run.worker == at.worker or run.kind != "kernel" or at.kind != "kernel"
                ]
            if id(at) in earlier:
                before.append(earlier[id(at)])
        start = at.start
        known = [each for each in before if each.start <= start and id(each) not in seen]
        at = max(known, key=lambda each: min(each.end, start), default=None)
    return tuple(reversed(path))


__all__ = ["Run", "Timeline", "Transfer", "chrome_trace"]
