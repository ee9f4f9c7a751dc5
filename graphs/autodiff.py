"""The one reverse pass: ``static.gradients``, ``Tensor.backward`` and ``autograd.grad`` are thin callers of ``backprop``.

What differs between them is only what a rule is handed (``residuals``): values of the graph, bare arrays that the tape kept,
or those arrays as tensors that are taped again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from sys import getrefcount
from typing import Any

import numpy
from numpy import ndarray

from graphs.core.errors import GradientError
from graphs.core.function import Function, trace
from graphs.core.node import Node, OwnEdge, Value, ancestors
from graphs.core.spec import Spec
from graphs.ops.shape import ones_like, unbroadcast


_SOLE = 3
"""References to an array that nobody but ``backprop`` has: its table, its local name, and ``getrefcount`` itself."""

Residuals = Callable[[Any], tuple[Sequence[Any], Sequence[Any]]]


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

    Raises GradientError where the path leads through an op without gradient rules. A caller that passes arrays keeps numpy's
    arithmetic warnings from becoming errors halfway (``numpy.errstate``).
    """
    pending: dict[Any, Any] = {}  # the gradient of each node's first output
    others: dict[Any, dict[int, Any]] = {}  # and of its further outputs
    queue: list[tuple[int, Any]] = []

    def collect(edge: Any, g: Any) -> None:
        node, index = edge.node, edge.index
        if node not in pending and node not in others:
            heappush(queue, (-node.serial, node))
        if index == 0:
            if node not in pending:
                pending[node] = g
                return
            before = pending[node]
            if before.__class__ is ndarray and before.base is None and getrefcount(before) <= _SOLE:
                before += g
            else:
                pending[node] = before + g
        else:
            at = others.setdefault(node, {})
            at[index] = at[index] + g if index in at else g

    for edge, seed in roots:
        collect(edge, seed)
    targets = None if wrt is None else set(wrt)
    live = None if targets is None else _leading_to(targets, [node for _, node in queue], stop)
    found: dict[Any, list[Any]] = {}
    while queue:
        node = heappop(queue)[1]  # whatever uses a value was made after it: the latest node has all its gradients
        g = pending.pop(node, None)
        more = others.pop(node, None) if others else None
        if live is not None and node not in live:
            continue
        op = node.op
        edges = node.edges
        wanted = (not edges and "source" in op.traits) if targets is None else (node in targets)
        if wanted or more is not None or on_gradient is not None or op.rules is None:
            gs = [g] if node.width == 1 else [g, *((more or {}).get(i) for i in range(1, node.width))]
            if on_gradient is not None:
                gs = on_gradient(node, gs)
                g = gs[0]
            if wanted:
                found[node] = gs
        if not edges or (stop and node in stop):
            continue
        if live is not None and not any(edge is not None and edge.node in live for edge in edges):
            continue
        args, outs = residuals(node)
        if op.rules is None:
            if op.joint is None:
                raise GradientError(f"{op.name} has no gradient, and {node.name}, on the way back, was made at {node.where}")
            needs = tuple([edge is not None and (live is None or edge.node in live) for edge in edges])
            contributions = op.joint(needs, gs, outs, args, **node.params)
            for edge, need, each in zip(edges, needs, contributions, strict=True):
                if need and each is not None:
                    collect(edge, each)
            continue
        params = node.params
        out = outs[0]
        for edge, rule, arg in zip(edges, op.rules, args):  # noqa: B905 (strict costs time, and vjp has counted the rules)
            if edge is None or rule is None:
                continue
            source = edge if isinstance(edge, OwnEdge) else edge.node
            if live is not None and source not in live:
                continue
            each = rule(g, out, *args, **params) if params else rule(g, out, *args)
            if op.elementwise:
                if isinstance(arg, Value):
                    dims = arg.dims
                    if dims is None or None in dims or _dims(each) != dims:
                        each = unbroadcast(each, arg)
                elif each.shape != arg.shape:
                    each = unbroadcast(each, arg)
            if source is not edge or others:
                collect(edge, each)
            elif source in pending:
                before = pending[source]
                if before.__class__ is ndarray and before.base is None and getrefcount(before) <= _SOLE:
                    before += each  # nobody else has it: a rule made it, and it waits here
                else:
                    pending[source] = before + each
            else:
                pending[source] = each
                if source.edges or source.early or live is not None:
                    heappush(queue, (-source.serial, source))
    for node, g in pending.items():  # the leaves of a tape: what is left needed no turn
        gs = [g] if on_gradient is None else on_gradient(node, [g])
        found[node] = gs
    return found


def _leading_to(targets: set[Any], roots: list[Any], stop: frozenset[Any]) -> set[Any]:
    """The nodes on a differentiable way back from a root to a target, the targets among them."""
    live = set()
    for node in ancestors(roots, (lambda node: node in stop) if stop else None):
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
    return x.dims if isinstance(x, Value) else numpy.shape(x)


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
