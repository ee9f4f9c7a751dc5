"""The one reverse pass: ``static.gradients``, ``Tensor.backward`` and ``autograd.grad`` are thin callers of ``backprop``.

What differs between them is only what a rule is handed (``residuals``): values of the graph, bare arrays that the tape kept,
or those arrays as tensors that are taped again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from graphs.core.errors import GradientError
from graphs.core.function import Function, trace
from graphs.core.node import Node, Value, ancestors
from graphs.core.spec import Spec
from graphs.ops.shape import ones_like, unbroadcast


Residuals = Callable[[Any], tuple[Sequence[Any], Sequence[Any]]]

plus: Callable[[Any, Any], Any] = operator.add
"""How gradients that meet are summed: an op on values and tensors, numpy's own sum on bare arrays."""


def backprop(
    roots: Iterable[tuple[Any, Any]],
    wrt: Iterable[Any] | None,
    residuals: Residuals,
    *,
    on_gradient: Callable[[Any, list[Any]], list[Any]] | None = None,
    stop: frozenset[Any] = frozenset(),
) -> dict[Any, list[Any]]:
    """Gradients of the sum of ``root · seed`` over ``roots``, in reverse order of creation.

    Args:
        roots: pairs of an edge and the gradient that flows into it.
        wrt: the nodes whose outputs' gradients are wanted; None for all leaves (nodes whose op has the trait ``source``).
        residuals: for a node, its arguments and its outputs as its gradient rules are to see them.
        on_gradient: called with each node and the gradients of its outputs before they flow on; returns those to use.
        stop: nodes through which nothing flows (they are treated as constants).

    Returns:
        For each wanted node that was reached, one gradient per output, None where nothing flowed.

    Raises GradientError where the path leads through an op without gradient rules.
    """
    pending: dict[Any, list[Any]] = {}
    for edge, seed in roots:
        _accumulate(pending, edge, seed)
    targets = None if wrt is None else set(wrt)
    order = ancestors(pending, (lambda node: node in stop) if stop else None)
    live = None if targets is None else _leading_to(targets, order, stop)
    found: dict[Any, list[Any]] = {}
    for node in reversed(order):
        gs = pending.pop(node, None)
        if gs is None or (live is not None and node not in live):
            continue
        if on_gradient is not None:
            gs = on_gradient(node, gs)
        op = node.op
        if (node in targets) if targets is not None else ("source" in op.traits):
            found[node] = gs
        edges = node.edges
        if not edges or node in stop:
            continue
        if live is None:
            needs = tuple([edge is not None for edge in edges])
        else:
            needs = tuple([edge is not None and edge.node in live for edge in edges])
            if True not in needs:
                continue
        args, outs = residuals(node)
        elementwise = op.elementwise
        try:
            contributions = op.gradients(needs, gs, outs, args, node.params)
        except GradientError as error:
            raise GradientError(f"{error}: it stands on the way back at {node.name}, made at {node.where}") from None
        for edge, g, arg, need in zip(edges, contributions, args, needs, strict=True):
            if g is None or not need:
                continue
            if elementwise:
                shape, wanted = _dims(g), _dims(arg)
                if shape != wanted or wanted is None or None in wanted:
                    g = unbroadcast(g, arg)
            _accumulate(pending, edge, g)
    return found


def _accumulate(pending: dict[Any, list[Any]], edge: Any, g: Any) -> None:
    node, index = edge.node, edge.index
    slots = pending.get(node)
    if slots is None:
        slots = pending[node] = [None] * len(node.specs) if isinstance(node, Node) else [None] * node.width
    before = slots[index]
    slots[index] = g if before is None else plus(before, g)


def _leading_to(targets: set[Any], order: list[Any], stop: frozenset[Any]) -> set[Any]:
    """The nodes of ``order`` on a differentiable way back from a root to a target, the targets among them."""
    live = set()
    for node in order:
        if node in targets:
            live.add(node)
        elif node not in stop:
            flows = node.op.flows
            for position, edge in enumerate(node.edges):
                if edge is not None and edge.node in live and (flows(position) or not node.op.differentiable):
                    live.add(node)
                    break
    return live


def _dims(x: Any) -> Any:
    return x.dims if isinstance(x, Value) else x.shape


def graph_residuals(node: Node) -> tuple[Sequence[Any], Sequence[Any]]:
    """What rules see of a graph's node: its inputs and outputs themselves."""
    return node.inputs, node.outputs


def symbolic(outputs: Sequence[Value], seeds: Sequence[Any], wrt: Sequence[Value], stop: Iterable[Value] = ()) -> list[Any]:
    """Gradients of graph values as graph values, None where ``outputs`` do not depend on one. A seed of None means ones."""
    roots = [(y, ones_like(y) if seed is None else seed) for y, seed in zip(outputs, seeds, strict=True)]
    found = backprop(roots, {x.node for x in wrt}, graph_residuals, stop=frozenset(x.node for x in stop))
    return [found[x.node][x.index] if x.node in found else None for x in wrt]


def adjoint(body: Function, needs: tuple[bool, ...]) -> Function:
    """The Function ``(*inputs, *output gradients) -> gradients of the inputs marked in needs`` (zeros where none flow)."""
    key = ("adjoint", needs)
    made: Function | None = body.cache.get(key)
    if made is None:
        width = len(body.inputs)

        def backwards(*values: Any) -> list[Any]:
            inputs, gs = values[:width], values[width:]
            outs = body(*inputs)
            pairs = [(y, g) for y, g in zip(outs, gs, strict=True) if isinstance(y, Value)]
            wanted = [x for x, need in zip(inputs, needs, strict=True) if need]
            found = symbolic([y for y, _ in pairs], [g for _, g in pairs], wanted)
            return [x * 0 if g is None else g for x, g in zip(wanted, found, strict=True)]

        specs: list[Spec] = [value.spec for value in body.inputs]
        made, captured = trace(backwards, *specs, *body.specs, name=f"{body.name}_adjoint")
        assert not captured
        body.cache[key] = made
    return made
