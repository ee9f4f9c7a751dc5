"""A graph or a tape as a networkx graph: the index that pictures, analyses and comparisons are made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import networkx

from graphs.core.node import Value, ancestors
from graphs.draw.protocol import nodes_of
from graphs.rewrite import Program


def collect(roots: Any) -> networkx.MultiDiGraph:
    """What ``roots`` depend on, as a multigraph whose keys are serials, in order of creation.

    A node has the attributes ``node`` (itself), ``op`` and ``name``. An edge has ``kind``: ``"data"`` with ``out`` (which
    output), ``at`` (which argument) and ``spec``, or ``"control"`` for a mere order of execution. Iterative, at any depth.
    """
    return _collected(ancestors(nodes_of(roots)))


def collect_program(program: Program) -> networkx.MultiDiGraph:
    """A program's nodes, and before them those outside whose values it is given, as a graph like that of ``collect``."""
    inside = set(program.nodes)
    given = {x.node: None for node in program.nodes for x in node.inputs if isinstance(x, Value) and x.node not in inside}
    return _collected([*given, *program.nodes], frozenset(given))


def _collected(nodes: Sequence[Any], given: frozenset[Any] = frozenset()) -> networkx.MultiDiGraph:
    graph = networkx.MultiDiGraph()
    graph.add_nodes_from((n.serial, {"node": n, "op": n.op.name, "name": n.name}) for n in nodes)
    for node in nodes:
        if node in given:
            continue
        for at, edge in enumerate(node.edges):
            if edge is not None:
                spec = edge.node.specs[edge.index]
                graph.add_edge(edge.node.serial, node.serial, kind="data", out=edge.index, at=at, spec=spec)
        for before in node.after:
            if before.serial in graph:
                graph.add_edge(before.serial, node.serial, kind="control")
    return graph
