"""A picture and the pictures of bodies in it, laid flat: what formats that write line by line go through, without recursion.

Identifiers are those of the DOT text: ``n3`` is the third box of the picture, ``n3_0_2`` the second one of its first body.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphs.draw.picture import Item, Link, Picture


REMARKS = frozenset({"became", "freed"})
"""Kinds of links along which nothing flows or waits: they say what belongs together."""


@dataclass(slots=True)
class Level:
    """One picture of those inside each other.

    Attributes:
        picture: the picture.
        name: the identifier of each item by its key.
        owner: the identifier of the item whose body it is; empty for the whole.
        word: what the body is to its owner: ``body``, ``branches 0``.
        depth: how many bodies it stands in.
    """

    picture: Picture
    name: dict[int, str]
    owner: str = ""
    word: str = ""
    depth: int = 0


@dataclass(slots=True)
class Group:
    """A scope that has a frame, and what is in it, in order."""

    scope: tuple[str, ...]
    members: list[Item | Group] = field(default_factory=list)


def levels(picture: Picture) -> Iterator[Level]:
    """The picture, then those of bodies, each after the one that its owner is in."""
    stack = [Level(picture, _names(picture, "n"))]
    while stack:
        level = stack.pop()
        yield level
        inner = [
            Level(body, _names(body, f"{level.name[item.key]}_{at}_"), level.name[item.key], word, level.depth + 1)
            for item in level.picture.items
            for at, (word, body) in enumerate(item.bodies)
        ]
        stack += reversed(inner)


def _names(picture: Picture, prefix: str) -> dict[int, str]:
    return {item.key: f"{prefix}{at}" for at, item in enumerate(picture.items, 1)}


def scopes(picture: Picture) -> Group:
    """Items inside their scopes, without those that hold a single item and are names alone."""
    held: dict[tuple[str, ...], int] = {}
    for item in picture.items:
        for depth in range(1, len(item.scope) + 1):
            held[item.scope[:depth]] = held.get(item.scope[:depth], 0) + 1
    found: dict[tuple[str, ...], Group] = {(): Group(())}
    for item in picture.items:
        parent = found[()]
        for depth in range(1, len(item.scope) + 1):
            scope = item.scope[:depth]
            if held[scope] > 1 or scope in picture.clusters:
                if scope not in found:
                    found[scope] = Group(scope)
                    parent.members.append(found[scope])
                parent = found[scope]
        parent.members.append(item)
    return found[()]


def walked(group: Group) -> Iterator[tuple[int, Item | Group | None]]:
    """What is in a group, with its depth: an item, a group that begins, or None where one ends."""
    stack: list[tuple[int, Any]] = [(0, member) for member in reversed(group.members)]
    while stack:
        depth, member = stack.pop()
        yield depth, member
        if isinstance(member, Group):
            stack.append((depth, None))
            stack += [(depth + 1, inner) for inner in reversed(member.members)]


def ordered(picture: Picture) -> list[Item]:
    """Items so that links lead onwards, in the picture's order where that leaves a choice; what is in a ring comes last."""
    by_key = {item.key: item for item in picture.items}
    place = {item.key: at for at, item in enumerate(picture.items)}
    onwards: dict[int, list[int]] = {key: [] for key in by_key}
    waits = dict.fromkeys(by_key, 0)
    for link in picture.links:
        if link.kind not in REMARKS and link.tail != link.head:
            onwards[link.tail].append(link.head)
            waits[link.head] += 1
    ready = [place[key] for key, count in waits.items() if count == 0]
    heapq.heapify(ready)
    found: list[Item] = []
    while ready:
        item = picture.items[heapq.heappop(ready)]
        found.append(item)
        for head in onwards[item.key]:
            waits[head] -= 1
            if waits[head] == 0:
                heapq.heappush(ready, place[head])
    there = {item.key for item in found}
    return [*found, *(item for item in picture.items if item.key not in there)]


def told(picture: Picture) -> set[int]:
    """The keys of items whose shape stands on a link."""
    shown = {link.tail for link in picture.links if link.kind in ("data", "gradient")}
    return shown | {link.head for link in picture.links if link.kind == "gradient"}


__all__ = ["REMARKS", "Group", "Level", "Link", "levels", "ordered", "scopes", "told", "walked"]
