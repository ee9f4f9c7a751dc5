"""Operations that order others: ``group``, ``no_op``, ``tuple``."""

from __future__ import annotations

from typing import Any

from graphs.ops import identity
from static.graph import Operation, get_default_graph
from static.state import no_op_op
from static.tensor import Tensor, apply


def no_op(name: str | None = None) -> Operation:
    """An operation that does nothing."""
    graph = get_default_graph()
    return graph.add(no_op_op, (), {}, (), graph.unique_name(name or "NoOp"), Tensor)


def group(*inputs: Any, name: str | None = None) -> Operation:
    """An operation that runs all of ``inputs`` (operations, tensors, variables, or sequences of them)."""
    flat: list[Any] = []
    for item in inputs:
        flat.extend(item if isinstance(item, (list, tuple)) else [item])
    graph = get_default_graph()
    with graph.control_dependencies(None), graph.control_dependencies(flat):
        return no_op(name or "group_deps")


def tuple_(tensors: Any, name: str | None = None, control_inputs: Any = None) -> list[Any]:
    """The tensors, each of which has a value only after all of them (and ``control_inputs``) have been run."""
    gate = group(*[t for t in tensors if t is not None], *(control_inputs or ()))
    graph = get_default_graph()
    with graph.name_scope(name or "tuple"), graph.control_dependencies([gate]):
        return [None if t is None else apply(identity, t, node="control_dependency") for t in tensors]
