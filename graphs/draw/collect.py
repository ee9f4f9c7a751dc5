"""A graph or a tape as a networkx graph: the index that pictures, analyses and comparisons are made from."""

from __future__ import annotations

from typing import Any

import networkx

from graphs.core.node import ancestors
from graphs.draw.protocol import nodes_of


def collect(roots: Any) -> networkx.MultiDiGraph:
    """What ``roots`` depend on, as a multigraph whose keys are serials, in order of creation.

    A node has the attributes ``node`` (itself), ``op`` and ``name``. An edge has ``kind``: ``"data"`` with ``out`` (which
    output), ``at`` (which argument) and ``spec``, or ``"control"`` for a mere order of execution. Iterative, at any depth.
    """
    graph = networkx.MultiDiGraph()
    nodes = ancestors(nodes_of(roots))
    graph.add_nodes_from((n.serial, {"node": n, "op": n.op.name, "name": n.name}) for n in nodes)
    for node in nodes:
        for at, edge in enumerate(node.edges):
            if edge is not None:
                source = edge.node
                graph.add_edge(source.serial, node.serial, kind="data", out=edge.index, at=at, spec=source.specs[edge.index])
        for before in node.after:
            graph.add_edge(before.serial, node.serial, kind="control")
    return graph
