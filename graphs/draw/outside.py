"""An optimiser's step beside a tape: what changes the parameters is no part of the graph, and a picture can say so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from graphs.draw.picture import Item, Link, Picture
from graphs.draw.protocol import BACKWARD, FORWARD, UPDATE
from graphs.draw.words import number


TAPE, OUTSIDE = "the tape: made anew in each step", "outside: Python changes the parameters"


def with_update(picture: Picture, update: Any) -> Picture:
    """``picture`` of a tape in a frame, and outside of it a box for each parameter that ``update`` changes.

    ``update`` is an optimiser or several, or the tensors that a program changes by hand. Raises TypeError for anything
    else, ValueError where none of its parameters is on the tape.
    """
    changed = _changes(update)
    words = {id(tensor): each for tensor, each in changed}
    leaves: dict[int, tuple[Item | None, Item | None]] = {}
    for item in picture.items:
        owner = getattr(item.node, "owner", None)
        tensor = owner() if owner is not None and not item.node.edges else None
        if tensor is not None and id(tensor) in words:
            forward, back = leaves.get(id(tensor), (None, None))
            leaves[id(tensor)] = (forward, item) if item.phase == BACKWARD else (item, back)
    if not leaves:
        raise ValueError("no parameter of this update is on the tape")
    clusters: dict[tuple[str, ...], str] = {(TAPE,): "tape", (OUTSIDE,): "outside"}
    clusters |= {(TAPE, *scope): kind for scope, kind in picture.clusters.items()}
    items = [replace(item, scope=(TAPE, *item.scope)) for item in picture.items]
    links = list(picture.links)
    next_key = max(item.key for item in items) + 1
    for key, (tensor, (forward, back)) in enumerate(((t, leaves[t]) for t in words if t in leaves), next_key):
        name, notes = words[tensor]
        of = forward or back
        assert of is not None
        items.append(Item(key, "change", None, UPDATE, (OUTSIDE,), f"{name}: {_name(of)}", notes))
        spec = of.node.specs[0]
        if back is not None:
            links.append(Link(back.key, key, "gradient", spec))
        if forward is not None:
            links.append(Link(forward.key, key, "changes", spec))
    left = len(words) - len(leaves)
    if left:
        word = "parameter" if left == 1 else "parameters"
        items[-1].notes = (*items[-1].notes, f"{left} more {word}, not on this tape")
    return replace(picture, items=items, links=links, clusters=clusters)


def _name(item: Item) -> str:
    name = item.node.name
    return item.title if item.title and item.phase == FORWARD else "parameter" if name.startswith("leaf_") else name


def _changes(update: Any) -> list[tuple[Any, tuple[str, tuple[str, ...]]]]:
    """Each parameter, with what changes it and how that is set."""
    if isinstance(update, (list, tuple)) and update and all(hasattr(each, "param_groups") for each in update):
        return [change for each in update for change in _changes(each)]
    groups = getattr(update, "param_groups", None)
    if groups is not None:
        kind = type(update).__name__
        return [(tensor, (kind, _settings(group))) for group in groups for tensor in group["params"]]
    if isinstance(update, Iterable) and not hasattr(type(update), "__bind__"):
        tensors = list(update)
        if all(hasattr(type(tensor), "__bind__") for tensor in tensors):
            return [(tensor, ("changed in Python", ())) for tensor in tensors]
    raise TypeError(f"an update is an optimiser or tensors, not a {type(update).__name__}")


def _settings(group: Any) -> tuple[str, ...]:
    """An optimiser's numbers for a group that are not 0 or off."""
    words = []
    for name, value in group.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value:
            words.append(f"{name}={number(value)}")
    return (", ".join(words[:3]),) if words else ()
