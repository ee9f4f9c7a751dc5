"""From roots to a finished Picture: collect, choose the view, fold to the budget, draw bodies inside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from graphs.core.function import Function
from graphs.core.node import Node
from graphs.draw.collect import collect
from graphs.draw.fold import fold
from graphs.draw.picture import VIEWS, Item, Picture, common_dtype, program
from graphs.draw.protocol import FORWARD, Phase, nodes_of
from graphs.draw.tape import tape


def picture(roots: Any, *, view: str = "joined", phase: Phase | None = None, title: str = "", budget: int = 200) -> Picture:
    """The picture of what ``roots`` depend on; see ``draw``.

    Records of a tape are drawn as a tape unless ``phase`` is given.
    """
    if view not in VIEWS:
        raise ValueError(f"no view {view}; there are {', '.join(VIEWS)}")
    if budget < 3:
        raise ValueError(f"a budget of {budget} boxes; 3 is the least")
    ends = {node.serial for node in nodes_of(roots)}
    graph = collect(roots)
    taped = phase is None and not any(isinstance(node, Node) for _, node in graph.nodes(data="node"))
    whole = tape(graph, view) if taped else program(graph, view, phase)
    if isinstance(roots, Function):
        name_ends(whole, roots)
    else:
        for item in whole.items:
            item.root = item.node is not None and item.node.serial in ends and not item.title
    whole.dtype = common_dtype(whole.links)
    whole.title = title
    drawn = fold(whole, budget)
    return replace(drawn, items=with_bodies(drawn.items, budget))


def name_ends(drawn: Picture, body: Function) -> None:
    """Number a Function's inputs and mark what it yields."""
    inputs = {value.node.serial: at for at, value in enumerate(body.inputs)}
    for item in drawn.items:
        serial = item.node.serial
        if serial in inputs and item.node.op.name == "parameter":
            item.title = f"input {inputs[serial]}"
        yields = [at for at, out in enumerate(body.outputs) if getattr(getattr(out, "node", None), "serial", 0) == serial]
        item.root = bool(yields)
        item.notes += tuple(f"output {at}" for at in yields)


def with_bodies(items: list[Item], budget: int) -> list[Item]:
    """``items`` with the pictures of the Functions among their nodes' parameters.

    Each Function is drawn once, within a quarter of the budget, and while there is room; a note stands for it elsewhere, in
    a node that a pass has left alone or removed, and in a region that it has fused, whose nodes are beside it.
    """
    room = budget - len(items) - sum(len(body.items) for item in items for _, body in item.bodies)
    drawn: set[int] = set()
    result = []
    for item in items:
        bodies, notes = [], list(item.notes)
        there = {word for word, _ in item.bodies}
        traits = item.node.op.traits if item.node is not None else ()
        for word, body in functions_of(item.node) if item.node is not None and not item.title else ():
            if word in there:
                continue
            shown = None
            new = not item.status or (item.status == "added" and "fused" not in traits)
            if room >= 3 and id(body) not in drawn and new:
                shown = picture(body, title=body.name, budget=max(budget // 4, 3), phase=lambda _: FORWARD)
            if shown is None or len(shown.items) > room:
                notes.append(f"{word}: {body.name}, {len(body.nodes)} nodes")
                continue
            drawn.add(id(body))
            room -= len(shown.items)
            bodies.append((word, shown))
        result.append(replace(item, bodies=(*item.bodies, *bodies), notes=tuple(notes)))
    return result


def functions_of(node: Any) -> Iterable[tuple[str, Function]]:
    """The Functions among a node's parameters, each with its parameter's name."""
    for name, value in node.params.items():
        if isinstance(value, Function):
            yield name, value
        elif isinstance(value, (tuple, list)):
            yield from ((f"{name} {at}", each) for at, each in enumerate(value) if isinstance(each, Function))
