"""The places of a large picture that a pass has touched, each with what stands beside it; of places that are alike, one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphs.draw.fold import boxed_alike, contract, fold, sign
from graphs.draw.picture import Item, Picture


FEW = 3
"""Boxes of one sort that are drawn beside a place; one box stands for the others."""


def excerpt(picture: Picture, budget: int) -> Picture:
    """``picture`` of a pass with at most ``budget`` boxes: a place of each sort, first those of which there are fewest.

    A place is what the pass touched and links hold together. Its first box says how many places are alike.
    """
    by_key = {item.key: item for item in picture.items}
    beside: dict[int, dict[int, None]] = {item.key: {} for item in picture.items}
    for link in picture.links:
        beside[link.tail][link.head] = beside[link.head][link.tail] = None
    sorts: dict[Any, list[list[int]]] = {}
    for place in _places(picture.items, beside):
        signs = tuple(sorted((sign(by_key[key]) for key in place), key=repr))
        sorts.setdefault(signs, []).append(place)
    shown: set[int] = set()
    many: list[list[int]] = []
    places = 0
    for alike in sorted(sorts.values(), key=lambda each: (len(each), each[0])):
        place = alike[0]
        few, others = _neighbours(place, beside, by_key)
        more = {*place, *few, *(keys[0] for keys in others)}
        if shown and len(shown | more) > budget:
            continue
        shown |= more
        many += others
        places += 1
        if len(alike) > 1:
            first = by_key[min(place)]
            first.notes = (*first.notes, f"one of {len(alike):,} places alike")
    total = sum(map(len, sorts.values()))
    title = f"{picture.title}; {places} of {total:,} places" if picture.title and places < total else picture.title
    return fold(_cut_out(picture, shown, many, title), budget)


def _neighbours(
    place: Iterable[int], beside: dict[int, dict[int, None]], by_key: dict[int, Item]
) -> tuple[list[int], list[list[int]]]:
    """What stands beside a place: a few of each sort, and for each sort the others, in a list of their own."""
    inside = set(place)
    sorts: dict[Any, list[int]] = {}
    near: set[int] = set().union(*(beside[key] for key in inside)) - inside
    for key in sorted(near):
        sorts.setdefault(sign(by_key[key]), []).append(key)
    few = [key for keys in sorts.values() for key in (keys if len(keys) <= FEW + 1 else keys[:FEW])]
    return few, [keys[FEW:] for keys in sorts.values() if len(keys) > FEW + 1]


def _cut_out(picture: Picture, shown: set[int], many: Iterable[list[int]], title: str) -> Picture:
    """The items ``shown`` of a picture with a box for each list of ``many`` that are alike."""
    by_key = {item.key: item for item in picture.items}
    group_of: dict[int, int] = {}
    boxed: dict[int, Item] = {}
    for keys in many:
        rest = [key for key in keys if key not in group_of and (key not in shown or key == keys[0])]
        if rest:
            boxed[rest[0]] = boxed_alike([by_key[key] for key in rest])
            group_of.update((key, rest[0]) for key in rest)
    inside = shown | group_of.keys()
    items = [item for item in picture.items if item.key in inside]
    links = [link for link in picture.links if link.tail in inside and link.head in inside]
    return contract(Picture(items, links, [], title, picture.dtype), group_of, boxed)


def _places(items: Iterable[Item], beside: dict[int, dict[int, None]]) -> Iterable[list[int]]:
    """The keys of what was touched, a list for each connected part, in order."""
    touched = {item.key for item in items if item.status != "kept"}
    seen: set[int] = set()
    for first in sorted(touched):
        if first in seen:
            continue
        seen.add(first)
        part = [first]
        for key in part:
            for other in beside[key]:
                if other in touched and other not in seen:
                    seen.add(other)
                    part.append(other)
        yield part
