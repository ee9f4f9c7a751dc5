"""Where each node is to run: list scheduling by earliest finish (HEFT).

H. Topcuoglu, S. Hariri, M.-Y. Wu, "Performance-effective and low-complexity task scheduling for heterogeneous computing",
IEEE Transactions on Parallel and Distributed Systems 13(3), 2002.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import networkx

from graphs.placing.cluster import Cluster
from graphs.placing.problem import Problem
from graphs.placing.timeline import Run, Timeline, Transfer


@dataclass(frozen=True)
class Placement:
    """Where each node of a graph is to run, and what that is predicted to take.

    Attributes:
        assignment: the name of the worker by node.
        timeline: when each node and each transfer is predicted to start and end.
        method: ``"HEFT"``, ``"one worker"`` where spreading would not have paid, or ``"asked"`` where nothing was left free.
        reason: why this one, in words.
        alone: the makespan with all that is free on one worker, in seconds.
        why: by node, why it is where it is.
    """

    assignment: Mapping[Hashable, str]
    timeline: Timeline
    method: str
    reason: str
    alone: float
    why: Mapping[Hashable, str] = field(default_factory=dict)

    @property
    def makespan(self) -> float:
        """Seconds from the first start to the last end."""
        return self.timeline.makespan

    @property
    def size(self) -> int:
        """Bytes that cross between workers."""
        return self.timeline.size

    @property
    def used(self) -> tuple[str, ...]:
        """The workers that have something to do, in the cluster's order."""
        found = set(self.assignment.values())
        return tuple(name for name in self.timeline.workers if name in found)


def heft(
    graph: networkx.DiGraph,
    cluster: Cluster,
    fixed: Mapping[Any, str] | None = None,
    together: Iterable[Iterable[Any]] = (),
    *,
    overhead: float = 0.0,
    refine: int = 0,
) -> Placement:
    """The placement of a task graph on a cluster by HEFT, never worse than all of it on one worker.

    Nodes take their turn by upward rank, the longest way from them to an end in mean costs, and each goes where it ends
    first, into a gap between others if it fits one. Equal ranks go by the graph's order, equal ends by the cluster's: the
    same input gives the same placement. Links are as free as in the paper; ``simulate`` knows better.

    Args:
        graph: nodes with ``seconds``, edges with ``bytes`` or ``values``, as ``graphs.placing.problem`` describes.
        cluster: the workers and links.
        fixed: workers' names by node, for nodes that have no choice.
        together: groups of nodes that have to stand on one worker, such as a variable and its updates. The first of a
            group to take its turn decides for all; groups that share a node are one.
        overhead: seconds that each worker beyond the first costs a run, whatever it does: what spreading has to win back.
        refine: how many schedules may be tried beyond HEFT's to make it better, by moving one unit at a time: HEFT is
            greedy, and does not see what the way back will cost.

    Raises PlacementError for a graph with a cycle, unknown nodes or workers, and wishes that contradict each other.
    """
    problem = Problem(graph, cluster)
    unit, where = problem.units(fixed or {}, together)
    order = _order(problem)
    free = sorted({each for each in unit if each not in where})
    made = _scheduled(problem, order, unit, where)
    moved = 0
    if refine and free:
        made, moved = _refined(problem, order, unit, where, made, refine)
    alone = _on_one(problem, order, unit, where, free)
    gained = alone.makespan - made.makespan
    price = overhead * (len(made.used) - len(alone.used))
    why = dict.fromkeys(problem.keys, "it ends there first")
    if not free:
        method, reason, best = "asked", "every node was asked to be where it is", made
    elif len(set(made.homes)) > 1 and gained > price:
        method, best = "HEFT", made
        reason = f"{_seconds(made.makespan)} a run are predicted, against {_seconds(alone.makespan)} on one worker"
        if price:
            reason += f" and {_seconds(price)} for more workers"
        if moved:
            reason += f"; {moved} moved afterwards"
    else:
        method, best = "one worker", alone
        reason = _no_gain(problem, made, alone, price)
        why = dict.fromkeys(problem.keys, "all is on one worker")
    asked = set(fixed or ())
    for at, key in enumerate(problem.keys):
        if key in asked:
            why[key] = "it was asked for"
        elif unit[at] != at:
            why[key] = f"it stands with {problem.names[unit[at]]}"
    assignment = {key: problem.workers[home] for key, home in zip(problem.keys, best.homes, strict=True)}
    return Placement(assignment, _timeline(problem, best, method), method, reason, alone.makespan, why)


def ranks(graph: networkx.DiGraph, cluster: Cluster) -> dict[Hashable, float]:
    """The upward rank of each node, in seconds: its mean cost and the longest way behind it, transfers at their mean."""
    problem = Problem(graph, cluster)
    return dict(zip(problem.keys, _upward(problem), strict=True))


def _upward(problem: Problem) -> list[float]:
    count = len(problem.workers)
    pairs = count * (count - 1)
    latency = sum(map(sum, problem.latency)) / pairs if pairs else 0.0
    rate = sum(map(sum, problem.rate)) / pairs if pairs else 0.0
    found = [sum(costs) / count for costs in problem.seconds]
    behind = [0.0] * len(found)
    for at in range(len(found) - 1, -1, -1):
        found[at] += behind[at]
        sizes: dict[int, float] = {}
        for tail, _, size in problem.inputs[at]:
            sizes[tail] = sizes.get(tail, 0.0) + size
        for tail, size in sizes.items():
            behind[tail] = max(behind[tail], latency + size * rate + found[at])
    return found


def _order(problem: Problem) -> list[int]:
    rank = _upward(problem)
    return sorted(range(len(rank)), key=lambda at: (-rank[at], at))


class _Schedule:
    """A schedule in the making: where nodes are, when they run, and what has been sent where."""

    def __init__(self, problem: Problem) -> None:
        count = len(problem.keys)
        self.homes = [-1] * count
        self.start, self.end = [0.0] * count, [0.0] * count
        self.rows: list[list[tuple[float, float]]] = [[] for _ in problem.workers]
        self.sent: dict[tuple[int, Hashable, int], tuple[float, float, list[int]]] = {}
        self.makespan = 0.0

    @property
    def used(self) -> set[int]:
        return set(self.homes)


def _scheduled(problem: Problem, order: Sequence[int], unit: Sequence[int], where: Mapping[int, int]) -> _Schedule:
    """Each node in turn on the worker on which it ends first, or on that of its unit.

    What costs nothing and waits for nothing, such as a variable, has no turn: it goes where its first reader goes.
    """
    made, homes = _Schedule(problem), dict(where)
    everywhere = range(len(problem.workers))
    given = _given(problem, unit)
    waiting: dict[int, list[int]] = {}
    for at in order:
        home = homes.get(unit[at])
        if home is None and given[at]:
            waiting.setdefault(unit[at], []).append(at)
            continue
        best, start, end = -1, 0.0, 0.0
        for worker in everywhere if home is None else (home,):
            seconds = problem.seconds[at][worker]
            begins = _gap(made.rows[worker], _ready(problem, made, at, worker), seconds)
            if best < 0 or begins + seconds < end:
                best, start, end = worker, begins, begins + seconds
        made.homes[at] = best
        for each in (unit[at], *(unit[tail] for tail, *_ in problem.inputs[at] if made.homes[tail] < 0)):
            homes.setdefault(each, best)
            for other in waiting.pop(each, ()):
                made.homes[other] = homes[each]
        made.start[at], made.end[at] = start, end
        made.makespan = max(made.makespan, end)
        if end > start:
            insort(made.rows[best], (start, end))
        for tail, value, size in problem.inputs[at]:
            source = made.homes[tail]
            if source != best:
                ready = made.end[tail]
                key = (tail, value, best)
                entry = made.sent.setdefault(key, (ready, ready + problem.travel(source, best, size), []))
                entry[2].append(at)
    for others in waiting.values():
        for other in others:
            made.homes[other] = 0
    return made


def _given(problem: Problem, unit: Sequence[int]) -> list[bool]:
    """Whether a node costs nothing anywhere and reads nothing, or only such nodes of its own unit."""
    found: list[bool] = []
    for at, costs in enumerate(problem.seconds):
        found.append(not any(costs) and all(found[tail] and unit[tail] == unit[at] for tail, *_ in problem.inputs[at]))
    return found


def _ready(problem: Problem, made: _Schedule, at: int, worker: int) -> float:
    """When all that a node reads is on ``worker``. What an earlier reader there has had sent is there already."""
    ready = 0.0
    for tail, _, size in problem.inputs[at]:
        if made.homes[tail] >= 0:  # else it goes where this one goes
            ready = max(ready, made.end[tail] + problem.travel(made.homes[tail], worker, size))
    return ready


def _refined(
    problem: Problem, order: Sequence[int], unit: Sequence[int], where: Mapping[int, int], made: _Schedule, tries: int
) -> tuple[_Schedule, int]:
    """The schedule after moves of single units that make it shorter, and their number; the first that does is made.

    Units are tried by what they cost, the dearest first, again and again until none is moved or all tries are used.
    """
    homes = {each: made.homes[each] for each in dict.fromkeys(unit)}
    weight: dict[int, float] = {}
    for at, each in enumerate(unit):
        weight[each] = weight.get(each, 0.0) + max(problem.seconds[at])
    units = sorted((each for each in homes if each not in where), key=lambda each: (-weight[each], each))
    moves, last = 0, -1
    while units and last != moves and tries > 0:
        last = moves
        for each in units:
            for worker in range(len(problem.workers)):
                if worker == homes[each] or tries <= 0:
                    continue
                tries -= 1
                tried = _scheduled(problem, order, unit, {**homes, each: worker})
                if tried.makespan < made.makespan * (1 - 1e-9):
                    made, moves = tried, moves + 1
                    homes[each] = worker
    return made, moves


def _gap(row: Sequence[tuple[float, float]], ready: float, seconds: float) -> float:
    """The first moment from ``ready`` on in which a worker, whose runs are ``row``, has ``seconds`` to spare."""
    at = bisect_left(row, (ready, 0.0))
    begins = max(ready, row[at - 1][1]) if at else ready
    for start, end in row[at:]:
        if begins + seconds <= start:
            return begins
        begins = max(begins, end)
    return begins


def _on_one(
    problem: Problem, order: Sequence[int], unit: Sequence[int], where: dict[int, int], free: list[int]
) -> _Schedule:
    """The best schedule with all that is free on one worker: one on which something is fixed, or the fastest."""
    totals = [0.0] * len(problem.workers)
    for at, costs in enumerate(problem.seconds):
        if unit[at] not in where:
            for worker, seconds in enumerate(costs):
                totals[worker] += seconds
    tried = sorted({*where.values(), min(range(len(totals)), key=totals.__getitem__)})
    made = [_scheduled(problem, order, unit, {**where, **dict.fromkeys(free, worker)}) for worker in tried]
    return min(made, key=lambda each: each.makespan)


def _no_gain(problem: Problem, made: _Schedule, alone: _Schedule, price: float) -> str:
    if len(problem.workers) == 1:
        return "there is one worker"
    if made.homes == alone.homes:
        return "no node would end earlier elsewhere"
    spread = _seconds(made.makespan) + (f" and {_seconds(price)} for more workers" if price else "")
    return f"spread out, a run is predicted to take {spread}, and {_seconds(alone.makespan)} on one worker"


def _timeline(problem: Problem, made: _Schedule, title: str) -> Timeline:
    numbers = range(len(problem.keys))
    runs = [
        Run(problem.keys[at], problem.workers[made.homes[at]], made.start[at], made.end[at], problem.names[at])
        for at in numbers
    ]
    transfers = []
    sizes = {(tail, value): size for at in numbers for tail, value, size in problem.inputs[at]}
    for (tail, value, target), (start, end, readers) in made.sent.items():
        who = (problem.keys[tail], problem.workers[made.homes[tail]], problem.workers[target])
        read = tuple(problem.keys[at] for at in readers)
        transfers.append(Transfer(*who, round(sizes[tail, value]), start, end, value, read, problem.names[tail]))
    edges = {problem.keys[at]: dict.fromkeys(problem.keys[tail] for tail, *_ in problem.inputs[at]) for at in numbers}
    return Timeline.of(problem.workers, runs, transfers, title=f"predicted, {title}", edges=edges)


def _seconds(value: float) -> str:
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:.3g} s"


__all__ = ["Placement", "heft", "ranks"]
