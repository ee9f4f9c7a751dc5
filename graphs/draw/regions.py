"""What a static plan runs as one kernel, as coloured clusters over the graph that was written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from graphs.draw.labels import given_name
from graphs.draw.picture import Item, Picture
from graphs.draw.style import REGIONS
from graphs.rewrite import Program, origins


class Region(NamedTuple):
    """Nodes that one kernel computes, and the kernel's name."""

    name: str
    nodes: tuple[Any, ...]


def program_of(plan: Any) -> Program | None:
    """The program that a plan, what passes made of a run, or a program itself, runs; None for anything else."""
    outcome = getattr(plan, "outcome", plan)
    program = getattr(outcome, "program", outcome)
    return program if isinstance(program, Program) else None


def regions_of(asked: Any) -> list[Region]:
    """The regions of a plan (or program) or several, or those that a user gives: groups of nodes, or groups by name.

    Raises TypeError for what has none.
    """
    program = program_of(asked)
    if program is not None:
        fused = [node for node in program.nodes if "fused" in node.op.traits]
        found = [Region(_label(node), origins([node])) for node in fused]
        return [region for region in found if len(region.nodes) > 1]
    if isinstance(asked, (list, tuple)) and asked and all(program_of(each) is not None for each in asked):
        return [region for each in asked for region in regions_of(each)]
    if isinstance(asked, Iterable):
        pairs = asked.items() if hasattr(asked, "items") else ((f"region {at}", nodes) for at, nodes in enumerate(asked, 1))
        return [Region(str(name), tuple(getattr(node, "node", node) for node in nodes)) for name, nodes in pairs]
    raise TypeError(f"regions are those of a plan or groups of nodes, not of a {type(asked).__name__}")


def _label(node: Any) -> str:
    label = node.params.get("label", "") or given_name(node) or node.op.name
    return f"fused: {label}"


def coloured(picture: Picture, regions: Iterable[Region]) -> Picture:
    """``picture`` with a cluster for each region, inside the scopes that all its nodes share. A node is in one at most."""
    by_serial = {item.node.serial: item for item in picture.items if item.node is not None}
    clusters = dict(picture.clusters)
    scope_of: dict[int, tuple[str, ...]] = {}
    number = 0
    for region in regions:
        members = [item for node in region.nodes if (item := by_serial.get(node.serial)) and item.key not in scope_of]
        if len(members) < 2:
            continue
        scope = (*_shared(members), _unused(region.name, members, clusters))
        clusters[scope] = f"region {number % REGIONS}"
        number += 1
        scope_of.update((item.key, scope) for item in members)
    items = [replace(item, scope=scope_of.get(item.key, item.scope)) for item in picture.items]
    return replace(picture, items=items, clusters=clusters)


def _unused(name: str, members: list[Item], taken: dict[tuple[str, ...], str]) -> str:
    """A region's name, told apart from those of regions in the same scope."""
    scope, tried, number = _shared(members), name, 1
    while (*scope, tried) in taken:
        number += 1
        tried = f"{name} ({number})"
    return tried


def _shared(members: list[Item]) -> tuple[str, ...]:
    scope = members[0].scope
    for item in members[1:]:
        while item.scope[: len(scope)] != scope:
            scope = scope[:-1]
    return scope
