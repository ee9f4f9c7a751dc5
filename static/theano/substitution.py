"""Graphs with variables in them replaced by others: what ``givens`` are, and ``theano.clone``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphs.core.errors import at_line
from graphs.core.node import Value, ancestors
from static.tensor import apply, common_graph
from static.theano.variable import TensorVariable, as_tensor_variable


def pairs_of(given: Any) -> list[tuple[Any, Any]]:
    """A dict, or a list of pairs, as a list of pairs."""
    return list(given.items()) if isinstance(given, Mapping) else [(key, value) for key, value in given or ()]


def replacements(given: Any, what: str) -> dict[tuple[Any, int], Any]:
    """The tensors that stand for others, by those others' edges.

    Raises TypeError where a replacement is of another dtype or number of dimensions.
    """
    found: dict[tuple[Any, int], Any] = {}
    for old, new in pairs_of(given):
        if not isinstance(old, TensorVariable):
            raise TypeError(f"{what} replace variables, not {old!r}{at_line()}")
        fresh = new if isinstance(new, TensorVariable) else as_tensor_variable(old.type.filter(new, name=str(old)))
        if (old.dtype, old.ndim) != (fresh.dtype, fresh.ndim):
            raise TypeError(
                f"Cannot convert Type {fresh.type} (of Variable {fresh}) into Type {old.type}. You can try to manually "
                f"convert {fresh} into a {old.type}.{at_line()}"
            )
        found[old.tensor.node, old.tensor.index] = fresh.tensor
    return found


def substituted(tensors: Sequence[Any], replaced: Mapping[tuple[Any, int], Any]) -> list[Any]:
    """``tensors``, computed from the replacements: what lies behind them is made anew, the rest is shared."""
    if not replaced:
        return list(tensors)
    now = dict(replaced)
    graph = common_graph("givens", tensors)
    with graph.as_default(), graph.lenient():
        for node in ancestors({x.node for x in tensors}):
            if (node, 0) in now or not any(x is not None and (x.node, x.index) in now for x in node.edges):
                continue
            args = [now.get((x.node, x.index), x) if isinstance(x, Value) else x for x in node.inputs]
            out = apply(node.op, *args, **node.params)
            for index, value in enumerate(out if len(node.specs) > 1 else (out,)):
                now[node, index] = value
    return [now.get((x.node, x.index), x) for x in tensors]


def clone(output: Any, replace: Any = None, strict: bool = True, share_inputs: bool = True) -> Any:
    """``output``, a variable or a list of them, with the variables of ``replace`` (a dict or pairs) replaced."""
    several = isinstance(output, (list, tuple))
    outputs: Iterable[Any] = output if several else [output]
    found = [TensorVariable(x) for x in substituted([x.tensor for x in outputs], replacements(replace, "clone"))]
    return found if several else found[0]
