"""``tf.graph_util``: descriptions of graphs cut down to what is needed, and with variables' values in place of variables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy

from graphs.core.spec import Spec
from static.export.definitions import GraphDef, NodeDef
from static.export.reading import import_graph_def as import_graph_def


def extract_sub_graph(graph_def: GraphDef, dest_nodes: Iterable[str]) -> GraphDef:
    """The nodes called ``dest_nodes`` and those they need. Raises AssertionError, as TensorFlow does, for one not there."""
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be a list.")
    nodes = {node.name: node for node in graph_def.node}
    stack = list(dest_nodes)
    for name in stack:
        if name not in nodes:
            raise AssertionError(f"{name} is not in graph")
    needed = set(stack)
    while stack:
        for name in _before(nodes[stack.pop()]):
            if name not in needed:
                needed.add(name)
                stack.append(name)
    return GraphDef([node for node in graph_def.node if node.name in needed], graph_def.seed)


def _before(node: NodeDef) -> list[str]:
    edges = [x.rpartition(":")[0] for x in node.operands if isinstance(x, str)]
    return [*edges, *node.control, *(variable for variable, _ in node.writes)]


def convert_variables_to_constants(
    sess: Any,
    input_graph_def: GraphDef,
    output_node_names: Iterable[str],
    variable_names_whitelist: Iterable[str] | None = None,
    variable_names_blacklist: Iterable[str] | None = None,
) -> GraphDef:
    """What ``output_node_names`` need, with constants in place of variables: their values in ``sess``.

    The lists name the variables to convert and not to. Raises ValueError where a variable that is converted is changed by
    what is needed, FailedPreconditionError where it has no value.
    """
    found = extract_sub_graph(input_graph_def, output_node_names)
    names = [node.name for node in found.node if node.kind == "static.variable"]
    if variable_names_whitelist is not None:
        names = [name for name in names if name in set(variable_names_whitelist)]
    if variable_names_blacklist is not None:
        names = [name for name in names if name not in set(variable_names_blacklist)]
    values = dict(zip(names, sess.run([f"{name}:0" for name in names]), strict=True))
    return GraphDef([_converted(node, values) for node in found.node], found.seed)


def _converted(node: NodeDef, values: dict[str, Any]) -> NodeDef:
    if node.name in values:
        value = numpy.asarray(values[node.name])
        return replace(
            node, kind="static.constant", attr={"value": value}, specs=(Spec(value.shape, value.dtype),), shapes={}
        )
    if not any(isinstance(x, str) and x.rpartition(":")[0] in values for x in node.operands):
        return node
    if node.kind != "static.read":
        raise ValueError(f"Cannot convert variables to constants: {node.name!r} ({node.op}) works on a variable itself")
    return replace(node, kind="identity")


def remove_training_nodes(input_graph: GraphDef, protected_nodes: Iterable[str] | None = None) -> GraphDef:
    """``input_graph`` without the nodes that hand a value on (``Identity``) or check it, but for ``protected_nodes``."""
    kept = set(protected_nodes or ()) | {name for node in input_graph.node for name in node.control}
    instead: dict[str, str] = {}
    out = []
    for node in input_graph.node:
        operands = [instead.get(x, x) if isinstance(x, str) else x for x in node.operands]
        if node.kind in ("identity", "static.check_numerics") and node.name not in kept and not node.control:
            instead[f"{node.name}:0"] = operands[0]
        else:
            out.append(replace(node, operands=operands))
    return GraphDef(out, input_graph.seed)
