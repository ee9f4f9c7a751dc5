"""The machines that a graph is spread over: workers, the links between them, and what was measured of both."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from os import PathLike
from pathlib import Path
from typing import Any

import numpy

from graphs.core.errors import GraphsError, listed
from graphs.core.files import write_whole
from graphs.core.jsontext import strict


class PlacementError(GraphsError, ValueError):
    """A graph, a cluster or wishes that no placement can satisfy."""


@dataclass(frozen=True, slots=True)
class Worker:
    """What runs one kernel after another.

    Attributes:
        name: unique in its cluster.
        speed: how many seconds of a node's cost it does in one second.
        place: where it stands, from the outermost group inwards, such as ``("rack 0", "node 3")``.
    """

    name: str
    speed: float = 1.0
    place: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """What bytes travel on: ``latency`` in seconds, ``bandwidth`` in bytes a second."""

    latency: float = 0.0
    bandwidth: float = math.inf

    def seconds(self, size: float) -> float:
        """How long ``size`` bytes take, one message."""
        return self.latency + size / self.bandwidth

    @classmethod
    def measured(cls, samples: Iterable[tuple[float, float]]) -> Link:
        """The link that fits pairs of (bytes, seconds) best: least squares of the relative errors, neither part negative.

        Relative, because messages of a few bytes and of many megabytes are to count alike. Raises PlacementError for
        fewer than two sizes, and for times that are not above zero.
        """
        pairs = [(float(size), float(seconds)) for size, seconds in samples]
        if len({size for size, _ in pairs}) < 2:
            raise PlacementError("a link is measured with messages of two sizes at least")
        if any(not seconds > 0 or not math.isfinite(seconds) for _, seconds in pairs):
            raise PlacementError("a message takes more than no time: seconds have to be above zero")
        latency, each = _fitted(pairs)
        return cls(latency, 1 / each if each > 0 else math.inf)


def _fitted(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Latency and seconds a byte; where the best fit has one below zero, the best fit without it."""
    sizes, seconds = (numpy.array(column) for column in zip(*pairs, strict=True))
    scaled = numpy.stack([1 / seconds, sizes / seconds], axis=1)
    ones = numpy.ones(len(pairs))
    (latency, each), *_ = numpy.linalg.lstsq(scaled / (scale := scaled.max(axis=0)), ones)
    latency, each = latency / scale[0], each / scale[1]
    if latency < 0:
        return 0.0, float(scaled[:, 1].sum() / (scaled[:, 1] ** 2).sum())
    if each < 0:
        return float(scaled[:, 0].sum() / (scaled[:, 0] ** 2).sum()), 0.0
    return float(latency), float(each)


@dataclass(frozen=True)
class Cluster:
    """Workers and the links between them.

    Attributes:
        workers: in order; the first is where everything goes that needs no other.
        links: by how many groups two workers share, the outermost link first: the network, then what is inside a node.
        pairs: links of single pairs (from, to) that differ from these.
    """

    workers: tuple[Worker, ...]
    links: tuple[Link, ...] = (Link(),)
    pairs: Mapping[tuple[str, str], Link] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [worker.name for worker in self.workers]
        if not names:
            raise PlacementError("a cluster has one worker at least")
        if len(set(names)) < len(names):
            raise PlacementError(f"workers of the same name: {', '.join(sorted({n for n in names if names.count(n) > 1}))}")
        slow = [worker.name for worker in self.workers if not worker.speed > 0]
        if slow:
            raise PlacementError(f"speeds have to be above zero: {', '.join(slow)}")
        broken = [link for link in (*self.links, *self.pairs.values()) if not (link.latency >= 0 and link.bandwidth > 0)]
        if broken or not self.links:
            raise PlacementError(f"no link: {broken[0]}" if broken else "a cluster has one link at least")
        strange = sorted({name for pair in self.pairs for name in pair} - set(names))
        if strange:
            raise PlacementError(f"links of workers that are not there: {', '.join(strange)}")

    @classmethod
    def uniform(
        cls,
        workers: int | Iterable[str],
        link: Link = Link(),
        *,
        speed: float = 1.0,
    ) -> Cluster:
        """Workers that are alike, by names or how many (``worker:0``, ``worker:1``, …), each a ``link`` from each other."""
        names = [f"worker:{at}" for at in range(workers)] if isinstance(workers, int) else list(workers)
        return cls(tuple(Worker(name, speed) for name in names), (link,))

    @classmethod
    def nested(
        cls, counts: Sequence[int], links: Sequence[Link], *, words: Sequence[str] = (), speed: float = 1.0
    ) -> Cluster:
        """Groups of groups of workers: ``nested((4, 8), (network, nvlink))`` is four nodes of eight GPUs.

        ``words`` name the levels, by default ``node`` and ``gpu``; a worker is called ``node:1/gpu:3``. Raises
        PlacementError unless there is a link for each level.
        """
        words = tuple(words) or (*(["group"] * (len(counts) - 2)), *(("node", "gpu")[-len(counts) :]))
        if not len(counts) == len(links) == len(words):
            raise PlacementError(f"{len(counts)} levels of workers, {len(links)} links and {len(words)} words")
        workers = []
        for numbers in product(*map(range, counts)):
            path = [f"{word}:{number}" for word, number in zip(words, numbers, strict=True)]
            groups = tuple("/".join(path[: depth + 1]) for depth in range(len(path) - 1))
            workers.append(Worker("/".join(path), speed, groups))
        return cls(tuple(workers), tuple(links))

    @classmethod
    def measured(
        cls,
        workers: int | Iterable[str],
        samples: Mapping[tuple[str, str], Iterable[tuple[float, float]]] | Iterable[tuple[float, float]],
        *,
        speeds: Mapping[str, float] | None = None,
    ) -> Cluster:
        """The cluster that fits what was measured, as ``Link.measured`` does.

        ``samples`` are pairs of (bytes, seconds), of any link or by pairs of workers (from, to); links of pairs without
        samples fit those of all the others. ``speeds`` are those that differ from 1.
        """
        names = [worker.name for worker in cls.uniform(workers).workers]
        made = tuple(Worker(name, (speeds or {}).get(name, 1.0)) for name in names)
        if not isinstance(samples, Mapping):
            return cls(made, (Link.measured(samples),))
        lists = {pair: list(found) for pair, found in samples.items()}
        everywhere = Link.measured(sample for found in lists.values() for sample in found)
        return cls(made, (everywhere,), {pair: Link.measured(found) for pair, found in lists.items()})

    @property
    def names(self) -> tuple[str, ...]:
        """The workers' names, in order."""
        return tuple(worker.name for worker in self.workers)

    def worker(self, name: str) -> Worker:
        """The worker of that name. Raises PlacementError where there is none."""
        try:
            return self._by_name[name]
        except KeyError:
            raise PlacementError(f"no worker {name!r}; there are {listed(self.names, 8)}") from None

    @cached_property
    def _by_name(self) -> dict[str, Worker]:
        return {worker.name: worker for worker in self.workers}

    def link(self, source: str, target: str) -> Link:
        """What lies between two workers; from a worker to itself nothing takes any time."""
        if source == target:
            return Link()
        return self.pairs.get((source, target)) or self._between(self.worker(source), self.worker(target))

    def _between(self, source: Worker, target: Worker) -> Link:
        shared = 0
        for one, other in zip(source.place, target.place, strict=False):
            if one != other:
                break
            shared += 1
        return self.links[min(shared, len(self.links) - 1)]

    def seconds(self, source: str, target: str, size: float) -> float:
        """How long ``size`` bytes take from one worker to another."""
        return 0.0 if source == target else self.link(source, target).seconds(size)

    def as_dict(self) -> dict[str, Any]:
        """The cluster as plain data, for JSON; an endless bandwidth is None."""
        return {
            "workers": [{"name": w.name, "speed": w.speed, "place": list(w.place)} for w in self.workers],
            "links": [_plain(link) for link in self.links],
            "pairs": [{"from": a, "to": b, **_plain(link)} for (a, b), link in sorted(self.pairs.items())],
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Cluster:
        """The cluster that ``as_dict`` has described. Raises PlacementError for anything else."""
        try:
            workers = [Worker(str(w["name"]), float(w["speed"]), tuple(map(str, w["place"]))) for w in found["workers"]]
            links = [_read(link) for link in found["links"]]
            pairs = {(str(each["from"]), str(each["to"])): _read(each) for each in found["pairs"]}
        except (KeyError, TypeError, ValueError) as error:
            raise PlacementError(f"no description of a cluster: {type(error).__name__} at {error}") from error
        return cls(tuple(workers), tuple(links), pairs)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write it as JSON, whole or not at all, and return the path."""
        write_whole(str(path), (json.dumps(self.as_dict(), indent=2) + "\n").encode())
        return Path(path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Cluster:
        """The cluster that ``save`` has written. Raises PlacementError for other files."""
        try:
            found = strict(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise PlacementError(f"{path} is no JSON: {error}") from error
        try:
            return cls.from_dict(found)
        except PlacementError as error:
            raise PlacementError(f"{path}: {error}") from error


def _plain(link: Link) -> dict[str, float | None]:
    return {"latency": link.latency, "bandwidth": None if math.isinf(link.bandwidth) else link.bandwidth}


def _read(found: Mapping[str, Any]) -> Link:
    return Link(float(found["latency"]), math.inf if found["bandwidth"] is None else float(found["bandwidth"]))


__all__ = ["Cluster", "Link", "PlacementError", "Worker"]
