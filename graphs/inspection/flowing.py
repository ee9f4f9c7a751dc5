"""Reverse passes on arrays in which everything that flows is looked at: by edge, by term of a loss, and by path."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy

from graphs.core.node import ancestors
from graphs.inspection.elements import pull
from graphs.inspection.provenance import Contribution, Step
from graphs.inspection.showing import placed, segment


MOST_PATHS = 16
"""Paths from one term that are told apart; where there are more, contributions are by the last step before the value."""

_THROUGH = frozenset({"add", "subtract", "negative", "identity", "read", "clone", "cast", "cast_like", "reshape"})
"""Ops through which terms of a sum are looked for."""

Residuals = Callable[[Any], tuple[Sequence[Any], Sequence[Any]]]


class Flow(NamedTuple):
    """A reverse pass, and all that flowed in it.

    Attributes:
        arrived: per node the gradients of its outputs.
        sent: what a node sent back to its argument, by ``(node, position)``; in the order in which it was sent.
    """

    arrived: dict[Any, list[Any]]
    sent: dict[tuple[Any, int], Any]


def live(roots: Iterable[Any], targets: set[Any], stop: Callable[[Any], bool]) -> set[Any]:
    """The nodes on a differentiable way back from ``roots`` to a target, the targets among them."""
    found: set[Any] = set()
    for node in ancestors(roots, stop):
        ways: Iterable[tuple[int, Any]] = () if node in targets or stop(node) else enumerate(node.edges)
        if node in targets or any(_leads(node, i, edge, found) for i, edge in ways):
            found.add(node)
    return found


def _leads(node: Any, position: int, edge: Any, found: set[Any]) -> bool:
    return edge is not None and edge.node in found and node.op.flows(position)


def flow(
    roots: Sequence[tuple[Any, Any]],
    targets: set[Any],
    residuals: Residuals,
    stop: Callable[[Any], bool] = lambda node: False,
) -> Flow:
    """The reverse pass from ``roots``, pairs of an edge and what flows into it, to ``targets``, on arrays.

    It adds up in the order in which ``graphs.autodiff.backprop`` does. ``stop`` says of nodes that nothing flows through.
    """
    on_the_way = live([edge.node for edge, _ in roots], targets, stop)
    gradients: dict[Any, list[Any]] = {}
    sent: dict[tuple[Any, int], Any] = {}
    arrived: dict[Any, list[Any]] = {}
    queue: list[tuple[int, Any]] = []

    def collect(edge: Any, g: Any) -> None:
        node = edge.node
        if node not in gradients:
            gradients[node] = [None] * node.width
            heappush(queue, (-node.serial, node))
        before = gradients[node][edge.index]
        gradients[node][edge.index] = g if before is None else before + g

    for edge, seed in roots:
        if edge.node in on_the_way:
            collect(edge, seed)
    with numpy.errstate(all="ignore"):
        while queue:
            node = heappop(queue)[1]
            gs = arrived[node] = gradients.pop(node)
            needs = tuple(_leads(node, i, edge, on_the_way) for i, edge in enumerate(node.edges))
            if not any(needs) or stop(node):
                continue
            args, outs = residuals(node)
            for i, (need, each) in enumerate(zip(needs, pull(node.op, needs, gs, outs, args, node.params), strict=True)):
                if need and each is not None:
                    sent[node, i] = each
                    collect(node.edges[i], each)
    return Flow(arrived, sent)


def terms(edge: Any, single: Callable[[Any], bool]) -> list[Any]:
    """The edges of the terms that a loss is a sum of: of itself alone, where it is none.

    ``single`` says of an edge that its value has one element: only sums of such are taken apart.
    """
    found: list[Any] = []
    stack = [edge]
    while stack:
        each = stack.pop()
        inner = _added(each, single)
        if inner is None:
            found.append(each)
        else:
            stack.extend(reversed(inner))
    return found


def _added(edge: Any, single: Callable[[Any], bool]) -> list[Any] | None:
    """The edges that are added up to make one, behind whatever only scales or hands on; None where it is no sum."""
    while True:
        node = edge.node
        inner = [x for x in node.edges if x is not None]
        if not single(edge) or not inner or "source" in node.op.traits:
            return None
        if node.op.name in ("add", "subtract") and len(inner) == 2 and all(map(single, inner)):
            return inner
        scales = node.op.name in ("multiply", "divide") and len(inner) == 1 and node.edges[0] is not None
        scales = scales or (node.op.name == "multiply" and len(inner) == 1)
        if len(inner) != 1 or not (node.op.name in _THROUGH or scales):
            return None
        edge = inner[0]


def contributions(
    roots: Sequence[tuple[Any, Any]],
    targets: set[Any],
    residuals: Residuals,
    single: Callable[[Any], bool],
    stop: Callable[[Any], bool] = lambda node: False,
    call: tuple[int, str] = (1, ""),
) -> dict[Any, list[Contribution]]:
    """Per target, the parts of its gradient in one reverse pass from ``roots``, by term and path."""
    ends = [(term, edge) for edge, _ in roots for term in terms(edge, single)]
    last = {term.node for term, _ in ends}
    down = flow(roots, last, residuals, lambda node: node in last or stop(node))
    seeds = {(edge.node, edge.index): seed for edge, seed in roots}
    groups: dict[Any, list[tuple[Any, Any]]] = {}
    for term, edge in ends:
        g = seeds[edge.node, edge.index] if term is edge else _into(term, down, ends)
        if g is not None:
            where = term.node.where
            place = () if where is None else (where.code, where.lasti)
            groups.setdefault((term.node.op, *place), []).append((term, g))
    found: dict[Any, list[Contribution]] = {target: [] for target in targets}
    for given in groups.values():
        node = given[0][0].node
        term, where = segment(node.where) or name_of(node), placed(node.where)
        for target, path, ways, value in _parts(given, targets, residuals, stop):
            found[target].append(Contribution(*call, term, where, path, ways, value))
    return found


def _into(term: Any, down: Flow, ends: Sequence[Any]) -> Any:
    """What flows from the sum into one of its terms: of a value that is a term twice, its share."""
    g = down.arrived.get(term.node, [None] * term.node.width)[term.index]
    times = sum(other.node is term.node and other.index == term.index for other, _ in ends)
    return g if times == 1 or g is None else g / times


def name_of(node: Any) -> str:
    """A node's name; that of its op where nobody named it."""
    return node.op.name if node.name == f"{node.op.name}_{node.serial}" else node.name


def _parts(
    given: Sequence[tuple[Any, Any]], targets: set[Any], residuals: Residuals, stop: Callable[[Any], bool]
) -> Iterator[tuple[Any, tuple[Step, ...], int, numpy.ndarray]]:
    """What came from some terms, by target and path: each path by itself, as long as there are few."""
    on_the_way = live([edge.node for edge, _ in given], targets, stop)
    counts = _paths(given, on_the_way, stop)
    few = [target for target in targets if 0 < counts.get(target, 0) <= MOST_PATHS]
    for target in sorted((t for t in targets if counts.get(t)), key=lambda node: node.serial):
        if target not in few:
            yield from _by_use(given, target, residuals, stop, counts)
    if few:
        yield from _by_path(given, set(few), residuals, stop)


def _paths(given: Sequence[tuple[Any, Any]], on_the_way: set[Any], stop: Callable[[Any], bool]) -> dict[Any, int]:
    """How many paths lead from the terms to each node."""
    counts: dict[Any, int] = {}
    for edge, _ in given:
        counts[edge.node] = counts.get(edge.node, 0) + 1
    for node in sorted(on_the_way, key=lambda node: -node.serial):
        if stop(node) or node not in counts:
            continue
        for i, edge in enumerate(node.edges):
            if _leads(node, i, edge, on_the_way):
                counts[edge.node] = counts.get(edge.node, 0) + counts[node]
    return counts


def _step(node: Any) -> Step:
    return Step(node.op.name, name_of(node), placed(node.where))


def _by_use(
    given: Sequence[tuple[Any, Any]], target: Any, residuals: Residuals, stop: Callable[[Any], bool], counts: dict[Any, int]
) -> Iterator[tuple[Any, tuple[Step, ...], int, numpy.ndarray]]:
    through = flow(given, {target}, residuals, stop)
    for (node, i), g in through.sent.items():
        if node.edges[i].node is target:
            yield target, (_step(node),), counts.get(node, 1), numpy.array(g)


def _by_path(
    given: Sequence[tuple[Any, Any]], targets: set[Any], residuals: Residuals, stop: Callable[[Any], bool]
) -> Iterator[tuple[Any, tuple[Step, ...], int, numpy.ndarray]]:
    on_the_way = live([edge.node for edge, _ in given], targets, stop)
    stack: list[tuple[Any, Any, Any]] = [(edge, g, None) for edge, g in reversed(given)]
    with numpy.errstate(all="ignore"):
        while stack:
            edge, g, behind = stack.pop()
            node = edge.node
            if node in targets:
                yield node, _unlinked(behind), 1, numpy.array(g)
            needs = [_leads(node, i, x, on_the_way) for i, x in enumerate(node.edges)]
            if stop(node) or not any(needs):
                continue
            args, outs = residuals(node)
            gs = [g if i == edge.index else None for i in range(node.width)]
            here = (_step(node), behind)
            sent = pull(node.op, needs, gs, outs, args, node.params)
            further = [i for i in range(len(needs)) if needs[i] and sent[i] is not None]
            stack.extend((node.edges[i], sent[i], here) for i in reversed(further))


def _unlinked(path: Any) -> tuple[Step, ...]:
    steps = []
    while path is not None:
        step, path = path
        steps.append(step)
    return tuple(reversed(steps))
