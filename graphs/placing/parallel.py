"""What a training step takes on many workers: synchronous replicas, and a net cut in stages. Formulas, not events.

All-reduce: a ring moves ``2 (n-1)/n`` of the bytes in ``2 (n-1)`` messages one after another (Patarasuk and Yuan 2009); two
trees move twice the bytes in ``2 log2 n`` (Sanders, Speck and Träff 2009); in two levels, groups reduce inside, then the
parts across, then gather inside. ``Runtime`` has what the runtime of this project's sessions costs besides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from graphs.placing.cluster import Link, PlacementError
from graphs.placing.devices import Speed, total
from graphs.placing.simulate import Runtime
from graphs.placing.training import Scaled, Training, buckets


BUCKET = 25 * 2**20
"""Bytes of gradients that are reduced together, PyTorch's default."""


def ring(count: int, size: float, link: Link) -> float:
    """Seconds of an all-reduce of ``size`` bytes over ``count`` workers in a ring."""
    return 2 * (count - 1) * link.seconds(size / count) if count > 1 else 0.0


def tree(count: int, size: float, link: Link) -> float:
    """The same along two binary trees."""
    return 2 * math.ceil(math.log2(count)) * link.latency + 2 * size / link.bandwidth if count > 1 else 0.0


def nested(group: int, groups: int, size: float, inner: Link, outer: Link) -> float:
    """The same over ``groups`` of ``group`` workers each: every worker of a group carries its part of the bytes outside."""
    return ring(group, size, inner) + best(groups, size / group, outer)[0]


def best(count: int, size: float, link: Link) -> tuple[float, str]:
    """The faster of ring and tree, and its name."""
    return min((ring(count, size, link), "ring"), (tree(count, size, link), "tree"))


class Fabric(NamedTuple):
    """How workers are joined: groups of ``group`` by ``inner``, the groups by ``outer``."""

    outer: Link
    inner: Link = Link()
    group: int = 1

    def all_reduce(self, count: int, size: float) -> tuple[float, str]:
        """Seconds and the way, the fastest, of an all-reduce over ``count`` workers."""
        if count <= self.group:
            return best(count, size, self.inner)
        found = best(count, size, self.outer)
        if self.group > 1 and count % self.group == 0:
            return min(found, (nested(self.group, count // self.group, size, self.inner, self.outer), "two levels"))
        return found


class Step(NamedTuple):
    """A predicted step over ``workers``. Seconds; the parts add up to ``seconds``.

    Attributes:
        compute: up to the last gradient.
        exposed: of the all-reduce, what is not hidden behind the computation.
        update: the optimiser's part, which all workers do alike.
        dispatch: the runtime's calls and answers.
        way: how gradients are reduced.
        alone: what one worker takes for the whole batch, or in weak scaling for one worker's.
        work: how many times one worker's work is done.
    """

    workers: int
    batch: float
    compute: float
    exposed: float
    update: float
    dispatch: float
    way: str
    alone: float
    work: float

    @property
    def seconds(self) -> float:
        """The whole step."""
        return self.compute + self.exposed + self.update + self.dispatch

    @property
    def speedup(self) -> float:
        """How many times as much is done in a second as by one worker."""
        return self.work * self.alone / self.seconds

    @property
    def efficiency(self) -> float:
        """The speed-up by worker."""
        return self.speedup / self.workers

    @property
    def limit(self) -> str:
        """The largest part of what is lost against perfect scaling: ``all-reduce``, ``update``, ``dispatch``, ``kernels``.

        ``kernels`` stands for what a part of the batch takes longer than its part of the time: launches, and small arrays.
        """
        ideal = self.alone * self.work / self.workers
        lost = {
            "all-reduce": self.exposed,
            "dispatch": self.dispatch,
            "update": self.update * (1 - self.work / self.workers),
            "kernels": self.compute - max(0.0, ideal - self.update * self.work / self.workers),
        }
        name = max(lost, key=lost.__getitem__)
        return name if lost[name] > 0.02 * self.seconds else "nothing"


def replicas(
    net: Scaled,
    count: int,
    speed: Speed,
    fabric: Fabric,
    *,
    batch: float | None = None,
    each: float | None = None,
    runtime: Runtime | None = None,
    bucket: float = BUCKET,
    overlap: bool = True,
) -> Step:
    """A synchronous step of ``count`` replicas: ``batch`` examples in all (strong scaling), or ``each`` (weak scaling).

    With ``overlap`` a bucket of gradients is reduced as soon as its last one is there, one bucket at a time; without, all at
    once at the end. ``runtime`` is that of a session whose process calls every worker; without one nothing does.
    """
    if (batch is None) == (each is None):
        raise PlacementError("a step has a batch in all or a batch for each worker")
    share = batch / count if batch is not None else float(each or 0)
    whole = net.at(batch if batch is not None else share)
    step = net.at(share)
    alone = total(speed, whole.works) + total(speed, whole.updates) + _dispatch(runtime, 1)
    compute = total(speed, step.works)
    done, way = _reduced(step, count, speed, fabric, bucket, overlap)
    update, dispatch = total(speed, step.updates), _dispatch(runtime, count)
    work = 1.0 if batch is not None else float(count)
    return Step(count, share, compute, max(0.0, done - compute), update, dispatch, way, alone, work)


def _reduced(step: Training, count: int, speed: Speed, fabric: Fabric, bucket: float, overlap: bool) -> tuple[float, str]:
    """When the last gradient is averaged, and how most of them are."""
    if count == 1:
        return 0.0, "none"
    ends: list[float] = [0.0]
    for work in step.works:
        ends.append(ends[-1] + speed.seconds(work))
    at, ways = 0.0, []
    for after, size in buckets(step.gradients, bucket if overlap else math.inf):
        seconds, way = fabric.all_reduce(count, size)
        at = max(at, ends[after]) + seconds
        ways.append(way)
    return at, max(dict.fromkeys(ways), key=ways.count)


def _dispatch(runtime: Runtime | None, count: int) -> float:
    """Calls leave one after another; of the answers, all but the last are taken while others are on their way."""
    if runtime is None:
        return 0.0
    return count * (runtime.call + runtime.answer) + 2 * runtime.wire.latency + runtime.part


class Pipelined(NamedTuple):
    """A predicted step of a net cut in stages. Seconds; ``bubble`` is the share of the time in which a worker waits."""

    stages: int
    parts: int
    seconds: float
    bubble: float
    transfer: float


def pipeline(stages: Sequence[float], parts: int, sizes: Sequence[float], link: Link, update: float = 0.0) -> Pipelined:
    """A step of a net whose stages stand on a worker each, with the batch in ``parts`` that follow each other.

    Args:
        stages: seconds of each stage for the whole batch, there and back.
        parts: of the batch (GPipe's micro-batches, Huang et al. 2019).
        sizes: bytes for the whole batch that cross behind each stage but the last, one way.
        link: between neighbours.
        update: seconds that each stage's update takes.

    The slowest stage or link sets the pace; filling and emptying the line costs every stage and link once, there and back.
    """
    if len(sizes) != len(stages) - 1 or parts < 1:
        raise PlacementError(f"{len(stages)} stages have {len(stages) - 1} borders and one part at least")
    hops = [2 * link.seconds(size / parts) for size in sizes]
    once = [seconds / parts for seconds in stages]
    pace = max(*once, *hops) if hops else once[0]
    seconds = sum(once) + sum(hops) + (parts - 1) * pace + update
    busy = sum(stages) / len(stages) + update
    return Pipelined(len(stages), parts, seconds, 1 - busy / seconds, sum(hops))


def parts_of(steps: Sequence[Step]) -> dict[str, list[float]]:
    """The parts of steps, a list each, for a plot."""
    names = ("compute", "exposed", "update", "dispatch")
    return {name: [getattr(step, name) for step in steps] for name in names}


__all__ = [
    "BUCKET",
    "Fabric",
    "Pipelined",
    "Step",
    "best",
    "nested",
    "parts_of",
    "pipeline",
    "replicas",
    "ring",
    "tree",
]
