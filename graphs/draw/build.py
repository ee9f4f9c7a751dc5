"""From roots to a finished Picture: collect, choose the view, fold to the budget, draw bodies inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from graphs.core.function import Function
from graphs.core.node import Node
from graphs.draw.annotate import annotated, checked
from graphs.draw.calling import called, function_of
from graphs.draw.collect import collect, collect_program
from graphs.draw.conventions import NODES, as_nodes
from graphs.draw.fold import fold, fold_outside, fold_repeats
from graphs.draw.modules import in_modules
from graphs.draw.outside import with_update
from graphs.draw.overlay import covered, overlay_of, scaled
from graphs.draw.picture import VIEWS, Item, Picture, common_dtype, program
from graphs.draw.places import placed
from graphs.draw.protocol import FORWARD, Phase, nodes_of, phases
from graphs.draw.regions import coloured, program_of, regions_of
from graphs.draw.tape import tape
from graphs.draw.unroll import unrolled
from graphs.draw.values import Key, gradients as found_gradients, kept, keyed


def picture(
    roots: Any,
    *inputs: Any,
    view: str = "joined",
    phase: Phase | None = None,
    title: str = "",
    budget: int = 200,
    nodes: str = "ops",
    show: str | Iterable[str] = ("shapes", "dtypes"),
    depth: int | None = None,
    expand: Callable[[Any], bool] | None = None,
    repeats: bool = False,
    unroll: int | None = None,
    regions: Any = None,
    modules: Any = None,
    update: Any = None,
    values: Mapping[Any, Any] | None = None,
    gradients: Mapping[Any, Any] | None = None,
    overlay: Any = None,
    log: bool = False,
    devices: Any = None,
) -> Picture:
    """The picture of what ``roots`` depend on; see ``draw``.

    Records of a tape are drawn as a tape unless ``phase`` is given.
    """
    _check(view, nodes, budget, depth, unroll)
    shown = checked(show)
    roots = function_of(called(roots, inputs) if inputs else roots)
    run = program_of(roots)
    graph = collect_program(run) if run is not None else collect(roots)
    every = [node for _, node in graph.nodes(data="node")]
    taped = phase is None and not any(isinstance(node, Node) for node in every)
    arrays = {**(kept(every) if taped else {}), **keyed(values or {}, every)}
    whole = tape(graph, view, arrays) if taped else program(graph, view, phase)
    ends = [] if run is not None else nodes_of(roots)
    if isinstance(roots, Function):
        name_ends(whole, roots)
    else:
        asked = ends if run is None else [getattr(root, "node", root) for root in run.roots]
        wanted = {node.serial for node in asked if hasattr(node, "serial")}
        for item in whole.items:
            item.root = item.node is not None and item.node.serial in wanted and not item.title
    whole.dtype = common_dtype(whole.links)
    whole.title = title
    whole = placed(whole, arrays, devices)
    if modules is not None:
        whole = in_modules(whole, modules)
    if regions is not None:
        whole = coloured(whole, regions_of(regions))
    if unroll is not None:
        whole = unrolled(whole, unroll)
    whole = annotated(whole, shown, arrays, _gradients(shown, gradients, every, ends, arrays))
    cover = None if overlay is None else overlay_of(overlay, every, log)
    if cover is not None:
        whole = covered(whole, cover, every)
    if update is not None:
        whole = with_update(whole, update)
    whole = as_nodes(whole, nodes)
    if depth is not None or expand is not None:
        whole = fold_outside(whole, depth or 0, expand)
    if repeats:
        whole = fold_repeats(whole, 0)
    drawn = fold(whole, budget)
    if cover is not None:
        drawn = scaled(drawn, cover)
    inside = partial(picture, nodes=nodes, show=tuple(each for each in shown if each not in ("values", "gradients")))
    return replace(drawn, items=with_bodies(drawn.items, budget, expand, inside))


def _check(view: str, nodes: str, budget: int, depth: int | None, unroll: int | None) -> None:
    if view not in VIEWS:
        raise ValueError(f"no view {view}; there are {', '.join(VIEWS)}")
    if nodes not in NODES:
        raise ValueError(f"no nodes {nodes}; there are {', '.join(NODES)}")
    if budget < 3:
        raise ValueError(f"a budget of {budget} boxes; 3 is the least")
    if depth is not None and depth < 0:
        raise ValueError(f"a depth of {depth} scopes; 0 folds them all")
    if unroll is not None and unroll < 0:
        raise ValueError(f"{unroll} rounds of a loop; 0 draws none of them")


def _gradients(
    shown: tuple[str, ...], given: Mapping[Any, Any] | None, every: list[Any], ends: list[Any], arrays: Mapping[Key, Any]
) -> Mapping[Key, Any]:
    """The gradients that a picture shows. Raises ValueError for what needs values where a graph has none."""
    static = any(isinstance(node, Node) for node in every)
    for name in ("values", "gradients"):
        if name in shown and static and not arrays and not (name == "gradients" and given):
            raise ValueError(f"a graph has no {name} before it runs: give {name}=, or draw by Session.draw, which runs it")
    if given is not None:
        return keyed(given, every)
    if "gradients" not in shown:
        return {}
    phase = phases(every) if static else {}
    return found_gradients([node for node in ends if phase.get(node.serial, FORWARD) == FORWARD], arrays)


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


def with_bodies(
    items: list[Item],
    budget: int,
    expand: Callable[[Any], bool] | None = None,
    inside: Callable[..., Picture] | None = None,
) -> list[Item]:
    """``items`` with the pictures of the Functions among their nodes' parameters, as ``inside`` draws them.

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
            if room >= 3 and id(body) not in drawn and new and (expand is None or expand(item.node)):
                shown = (inside or picture)(body, title=body.name, budget=max(budget // 4, 3), phase=lambda _: FORWARD)
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
