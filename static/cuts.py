"""Why a gradient is None, or zero: ``why_none``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import numpy

from graphs.core.node import ancestors
from static.defaults import get_default_session
from static.gpus import on_host
from static.gradients import _element, _flat
from static.lineage import Values
from static.state import constant_op, read_op, variable_op
from static.tensor import convert_to_tensor


def why_none(loss: Any, w: Any, session: Any = None, feed_dict: Mapping[Any, Any] | None = None) -> Any:
    """Why the gradient of ``loss`` with respect to ``w`` is None: the op, argument and line where it ends, and the remedy.

    Args:
        loss, w: tensors; ``w`` may be a variable.
        session, feed_dict: where values are looked at; by default in the default session, if there is one. With them a
            gradient that is zero is explained as well, and so are constants that are copies of a variable's value.

    The result has ``status`` (``"none"``, ``"zero"`` or ``"flows"``), ``cuts`` (each with kind, op, name, argument, reason,
    line and remedy), ``as_dict()``, and prints as text; it is true where the gradient is None. Nothing is added to the
    graph. Without a session the graph tells of stop_gradient, casts, steps, positions, ops without gradients, assignments in
    between, and of no connection at all; what left the graph through ``run`` and came back as a constant is known by its
    value only.
    """
    inspection = import_module("graphs.inspection.cuts")
    y, source = convert_to_tensor(loss), _element(w)
    session = session if session is not None else get_default_session()
    about = (y.name, source.node.name)
    for x in (source, y):
        if x.spec.dtype.kind not in "fc":
            cut = inspection.Cut("dtype", "", x.node.name, None, f"{x.name} is {x.dtype.name}", str(x.node.where or ""))
            return inspection.WhyNone("none", *about, (cut,))
    nodes = ancestors({y.node})
    reached, cuts = inspection.cuts([y], {source.node}, _flat, nodes)
    if source.node in reached:
        return _flowing(inspection, about, y, source, session, feed_dict)
    if not cuts:
        cuts = list(_unconnected(inspection, y, source, nodes, session))
    return inspection.WhyNone("none", *about, tuple(cuts))


def _flowing(inspection: Any, about: Any, y: Any, source: Any, session: Any, feed_dict: Any) -> Any:
    if session is None:
        return inspection.WhyNone("flows", *about, (), "Give a session and what it is fed to look at its value.")
    values = Values(session, [y], feed_dict or {})
    flowed = import_module("graphs.inspection.flowing").flow(
        [(y, numpy.ones_like(values.edge(y)))], {source.node}, values.residuals, _flat
    )
    g = flowed.arrived.get(source.node, [None])[0]
    if g is None:
        return inspection.WhyNone("none", *about, (), "No op in between sends anything back at these values.")
    if numpy.any(g):
        return inspection.WhyNone("flows", *about, (), f"Its norm is {float(numpy.linalg.norm(numpy.ravel(g))):.4g}.")
    return inspection.WhyNone("zero", *about, tuple(inspection.zeros(flowed, values.residuals)))


def _unconnected(inspection: Any, y: Any, source: Any, nodes: Any, session: Any) -> Iterator[Any]:
    """What there is to say where no value flows from ``source`` to the loss."""
    used = set(nodes)
    graph = source.node.graph
    variables = {node for node in nodes if node.op is variable_op}
    behind: set[Any] = {source.node}
    root: Any = source.node
    while root.op is read_op:
        root = root.inputs[0].node
    found = False
    for node in graph.get_operations():
        if any(edge is not None and edge.node in behind for edge in node.edges):
            behind.add(node)
            target: Any = node.inputs[0].node if "update" in node.op.traits else None
            if target in variables and target is not source.node and _given(node) & behind:
                found = True
                reason = f"the loss reads the variable {target.name}, which {node.name} sets from {source.node.name}"
                yield inspection.Cut("assignment", node.op.name, node.name, 1, reason, str(node.where or ""))
    if root is not source.node and root in variables:
        found = True
        reason = f"the loss reads the variable {root.name} itself, not by way of {source.name}"
        yield inspection.Cut("other", "", "", None, reason, str(source.node.where or ""))
    elif source.node not in used and any(edge is not None and edge.node in used for edge in source.node.edges):
        found = True
        reason = f"{source.name} is computed from what the loss uses, and is not used itself"
        yield inspection.Cut("other", source.node.op.name, source.node.name, None, reason, str(source.node.where or ""))
    held = on_host(session._state).get(root) if session is not None and root.op is variable_op else None
    for node in nodes:
        value = node.params.get("value") if node.op is constant_op else None
        if (
            held is not None
            and isinstance(value, numpy.ndarray)
            and value.shape == held.shape
            and numpy.array_equal(value, held)
        ):
            found = True
            reason = f"is a constant of the value that {root.name} has: a copy, which a run gave"
            yield inspection.Cut("read", "constant", node.name, None, reason, str(node.where or ""))
    if not found:
        reason = f"the loss does not depend on {source.name}: it is computed without it"
        yield inspection.Cut("unused", "", "", None, reason, str(y.node.where or ""))


def _given(node: Any) -> set[Any]:
    """What an update takes beside the variable."""
    return {edge.node for edge in node.edges[1:] if edge is not None}
