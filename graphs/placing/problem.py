"""What is to be placed, in numbers: a task graph's costs on each worker, and what crosses between them.

A task graph is a ``networkx.DiGraph`` without cycles whose keys are anything hashable, in the order in which they would
run on one worker. A node's attribute ``seconds`` is its cost on a worker of speed 1, or a mapping from workers' names to its
cost there; ``name`` is what to call it. An edge's attribute ``bytes`` is the size of what its head reads of its tail (0, or
none, for a mere order). Where several nodes read the same value it is sent once to each worker: ``values`` tells them apart,
a mapping from which value of the tail it is to its bytes, and stands in place of ``bytes``.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import networkx

from graphs.placing.cluster import Cluster, PlacementError


class Problem:
    """A task graph over a cluster, by numbers: nodes in topological order, workers in the cluster's.

    Attributes:
        keys: the graph's keys, in topological order; the graph's own order where that is one.
        place: the number of each key.
        seconds: by node, its cost on each worker.
        inputs: by node, what it reads: the number of the node that made it, which value, its bytes.
        readers: by node, the numbers of those that read it or wait for it.
        latency, rate: by pair of workers, seconds and seconds a byte.
    """

    def __init__(self, graph: networkx.DiGraph, cluster: Cluster) -> None:
        self.graph, self.cluster = graph, cluster
        rank = {key: at for at, key in enumerate(graph)}
        try:
            self.keys: list[Hashable] = list(networkx.lexicographical_topological_sort(graph, rank.__getitem__))
        except networkx.NetworkXUnfeasible:
            cycle = " → ".join(str(name_of(graph, tail)) for tail, _ in networkx.find_cycle(graph))
            raise PlacementError(f"the graph goes in a circle: {cycle}") from None
        self.place = {key: at for at, key in enumerate(self.keys)}
        self.names = [name_of(graph, key) for key in self.keys]
        self.workers = cluster.names
        self.number = {name: at for at, name in enumerate(self.workers)}
        speeds = [worker.speed for worker in cluster.workers]
        self.seconds = [self._costs(key, speeds) for key in self.keys]
        self.inputs: list[list[tuple[int, Hashable, float]]] = [[] for _ in self.keys]
        self.readers: list[list[int]] = [[] for _ in self.keys]
        for at, key in enumerate(self.keys):
            for tail in sorted(graph.pred[key], key=self.place.__getitem__):
                came = self.place[tail]
                self.readers[came].append(at)
                self.inputs[at] += [(came, value, size) for value, size in self._values(tail, key)]
        pairs = [[cluster.link(one, other) for other in self.workers] for one in self.workers]
        self.latency = [[link.latency for link in row] for row in pairs]
        self.rate = [[1 / link.bandwidth for link in row] for row in pairs]

    def _costs(self, key: Hashable, speeds: list[float]) -> list[float]:
        given = self.graph.nodes[key].get("seconds", 0.0)
        try:
            if isinstance(given, Mapping):
                found = [float(given[name]) for name in self.workers]
            else:
                found = [float(given) / speed for speed in speeds]
        except KeyError as error:
            raise PlacementError(f"{name_of(self.graph, key)} has no cost on {error.args[0]}") from None
        if any(not seconds >= 0 or math.isinf(seconds) for seconds in found):
            raise PlacementError(f"{name_of(self.graph, key)} costs {given} s: seconds are finite and not below zero")
        return found

    def _values(self, tail: Hashable, head: Hashable) -> list[tuple[Hashable, float]]:
        data = self.graph.edges[tail, head]
        given = data.get("values")
        found = list(given.items()) if given is not None else [(("edge", head), data.get("bytes", 0))]
        if any(not size >= 0 or math.isinf(size) for _, size in found):
            raise PlacementError(f"{name_of(self.graph, tail)} sends {found} to {name_of(self.graph, head)}")
        return found or [(("edge", head), 0)]

    def travel(self, source: int, target: int, size: float) -> float:
        """Seconds that ``size`` bytes take between two workers, by their numbers."""
        return 0.0 if source == target else self.latency[source][target] + size * self.rate[source][target]

    def units(self, fixed: Mapping[Any, str], together: Iterable[Iterable[Any]]) -> tuple[list[int], dict[int, int]]:
        """For each node the number of its unit (the first node that it has to stand beside), and where units are fixed.

        Raises PlacementError for unknown nodes and workers, and where two of a unit are fixed to different workers.
        """
        parent = list(range(len(self.keys)))

        def root(at: int) -> int:
            while parent[at] != at:
                parent[at] = parent[parent[at]]
                at = parent[at]
            return at

        for group in together:
            first, *others = sorted({root(self._number_of(member)) for member in group}) or [0]
            for other in others:
                parent[other] = first
        unit = [root(at) for at in range(len(self.keys))]
        where: dict[int, int] = {}
        asked: dict[int, Hashable] = {}
        for key, worker in fixed.items():
            at, home = unit[self._number_of(key)], self.number.get(self.cluster.worker(worker).name, 0)
            if where.setdefault(at, home) != home:
                first_asked, second = name_of(self.graph, asked[at]), name_of(self.graph, key)
                raise PlacementError(
                    f"{first_asked} is to be on {self.workers[where[at]]} and {second} on {worker}, "
                    "but they have to stand together"
                )
            asked.setdefault(at, key)
        return unit, where

    def _number_of(self, key: Any) -> int:
        try:
            return self.place[key]
        except KeyError:
            raise PlacementError(f"{key!r} is no node of this graph") from None


def name_of(graph: networkx.DiGraph, key: Any) -> str:
    """What to call a node."""
    return str(graph.nodes[key].get("name") or key)


__all__ = ["Problem", "name_of"]
