"""Which node it is that fails: in a fused region, at a check of numbers, and in a gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from graphs.codegen.fused import fused
from graphs.core.node import Value
from graphs.rewrite import origins
from static.errors import place


def culprit(node: Any, operands: Sequence[Any]) -> tuple[Any, list[Any]] | None:
    """The user's node in the region ``node`` that raises when it is run by itself, and its operands.

    None for a node that is no region, or where none of them raises.
    """
    if node.op is not fused:
        return None
    body = node.params["body"]
    values = {(x.node, x.index): operand for x, operand in zip(body.inputs, operands, strict=True)}
    for inner in body.nodes:
        args = [values[x.node, x.index] if isinstance(x, Value) else x for x in inner.inputs]
        try:
            values[inner, 0] = inner.op.kernel(numpy, *args, **inner.params)
        except Exception:
            meant = [each for each in origins([node]) if each.name == inner.name]
            return (meant[0], args) if meant else None
    return None


def looked_at(node: Any) -> str:
    """The end of the message of a failed check of numbers: which output of which node it is, and where that was made."""
    if "finite" not in node.op.traits or not isinstance(node.inputs[0], Value):
        return ""
    x = node.inputs[0]
    made: Any = x.node
    name = gradient_of(made) if hasattr(made, "graph") else ""
    whose = f"\n  which is a part of the gradient of {place(made.graph.get_operation_by_name(name))}" if name else ""
    return f"\n  in output {x.index} of {place(made)}{whose}"


def gradient_of(node: Any) -> str:
    """The name of the operation whose gradient ``node`` is a part of, empty where its name does not say."""
    parts = node.name.split("/")
    for end in range(len(parts) - 1, 0, -1):
        if not parts[end - 1].endswith("_grad"):
            continue
        for start in range(end):
            name = "/".join(parts[start:end])[: -len("_grad")]
            if name in node.graph._operations:
                return str(name)
    return ""
