"""Which node of a fused region it is that fails: the region is gone through once more, node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from graphs.codegen.fused import fused
from graphs.core.node import Value
from graphs.rewrite import origins


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
