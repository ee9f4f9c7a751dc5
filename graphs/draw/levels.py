"""A picture as several within each other, each small enough to be read: what a fold stands for is one level below."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from graphs.draw.build import with_bodies
from graphs.draw.fold import contract, fold_repeats, fold_scopes
from graphs.draw.labels import title
from graphs.draw.picture import Item, Link, Picture
from graphs.draw.scene import names


OUTSIDE = 12
"""Neighbours of a level that are drawn each for itself; of more there is one box."""

SECTIONED = 2
"""How often what is shown at once is bearable where there are no scopes and no repeats: sections say little."""

CROWDED = 1.75
"""Arrows for each box shown at once from which on scopes fold to half as many boxes: one overlooks no more of them."""

FULL = 0.7
"""How full a section is at least, as a part of what is shown at once: a few full ones are better than many of two boxes."""


LARGEST = 0.8
"""The part of a level that may be in one of its folds."""


@dataclass(frozen=True, slots=True)
class Level:
    """``shown`` is what the box ``owner`` of the level ``above`` stands for; the first has neither."""

    shown: Picture
    above: int = -1
    owner: str = ""


def prefix_of(number: int) -> str:
    """How the names of the boxes of a level begin."""
    return f"{number}-" if number else ""


def levels(picture: Picture, at_once: int, limit: int) -> list[Level]:
    """``picture`` folded to ``at_once`` boxes, and level by level what its folds stand for, ``limit`` boxes in all.

    Scopes fold first, then repeats, then what follows one upon another. Bodies that are too large are a level of their own.
    Of folds for which there is no room any more nothing is shown but their boxes; the outermost have room first.
    """
    found: list[Level] = []
    waiting = deque([Level(picture)])
    while waiting:
        level = waiting.popleft()
        shown = level.shown
        if found:
            shown = replace(_few_outside(shown), scale=picture.scale, devices=picture.devices)
        shown = _folded(shown, at_once)
        if found:
            shown = replace(shown, items=_with_bodies(shown, at_once))
        shown = _bodies_below(shown, at_once)
        size = sum(len(each.items) for each in shown.inside())
        if found and size > limit:
            continue
        limit -= size
        number = len(found)
        found.append(replace(level, shown=shown))
        prefix = prefix_of(number)
        for name, item in names(shown).items():
            if item.held is not None and item.held.items:
                waiting.append(Level(item.held, number, prefix + name))
    return found


def _folded(picture: Picture, at_once: int) -> Picture:
    if len(picture.items) <= at_once:
        return picture
    shown = _unless_all_in_one(fold_scopes, picture, at_once)
    if len(shown.links) > CROWDED * at_once:
        shown = _unless_all_in_one(fold_scopes, picture, at_once // 2)
    if len(shown.items) > at_once:
        shown = _unless_all_in_one(fold_repeats, shown, at_once)
    return sections(shown, at_once) if len(shown.items) > SECTIONED * at_once else shown


def _unless_all_in_one(step: Callable[[Picture, int], Picture], picture: Picture, budget: int) -> Picture:
    """What ``step`` makes of ``picture``, or the picture itself where nearly all of it would be in one box.

    What lies in a scope, or repeats, is folded on its own level no more by that.
    """
    folded = step(picture, budget)
    own = sum(item.kind != "neighbour" for item in picture.items)
    largest = max((sum(i.kind != "neighbour" for i in item.held.items) for item in folded.items if item.held), default=0)
    return picture if largest > LARGEST * own else folded


def sections(picture: Picture, at_once: int) -> Picture:
    """``picture`` with a box for each run of boxes that follow one another in order."""
    own = [item for item in picture.items if item.kind != "neighbour"]
    room = max(at_once - (len(picture.items) - len(own)), 2)
    size = max(-(-len(own) // room), int(at_once * FULL), 2)
    group_of: dict[int, int] = {}
    boxed: dict[int, Item] = {}
    for start in range(0, len(own), size):
        members = own[start : start + size]
        if len(members) < 2:
            continue
        first = members[0].key
        words = f"{title(members[0])} … {title(members[-1])}"
        note = f"{start + 1:,} to {start + len(members):,} of {len(own):,}"
        boxed[first] = _box(first, words, note, members)
        group_of.update((item.key, first) for item in members)
    return contract(picture, group_of, boxed)


def _box(key: int, words: str, note: str, members: Sequence[Item], kind: str = "fold") -> Item:
    numbers: dict[str, float] = {}
    for item in members:
        for name, number in item.numbers.items():
            numbers[name] = numbers.get(name, 0.0) + number
    phases = {item.phase for item in members}
    phase, count = phases.pop() if len(phases) == 1 else "", sum(item.count for item in members)
    root = any(item.root for item in members)
    return Item(key, kind, None, phase, title=words, notes=(note,), count=count, root=root, numbers=numbers)


def _few_outside(shown: Picture) -> Picture:
    """``shown`` with one box for its neighbours, where they are many."""
    others = [item for item in shown.items if item.kind == "neighbour"]
    if len(others) <= OUTSIDE:
        return shown
    first = others[0].key
    box = _box(first, f"{len(others):,} boxes outside", "", others, "neighbour")
    few = contract(shown, {item.key: first for item in others}, {first: box})
    box.held = None
    return few


def _with_bodies(shown: Picture, budget: int) -> list[Item]:
    """The items with bodies as far as there is room, but for neighbours from outside."""
    own = iter(with_bodies([item for item in shown.items if item.kind != "neighbour"], budget))
    return [item if item.kind == "neighbour" else next(own) for item in shown.items]


def _bodies_below(shown: Picture, at_once: int) -> Picture:
    """``shown`` with bodies held inside their boxes where they would be more than fits beside the rest."""
    room = at_once - len(shown.items)
    items = []
    for item in shown.items:
        size = sum(len(each.items) for _, body in item.bodies for each in body.inside())
        if size and size > room:
            items.append(replace(item, held=_side_by_side(item), bodies=()))
            continue
        room -= size
        items.append(item)
    return replace(shown, items=items)


def _side_by_side(item: Item) -> Picture:
    """The bodies of an item as one picture; where there are several, each in a frame with its word."""
    if len(item.bodies) == 1:
        word, body = item.bodies[0]
        return replace(body, title=f"{word} of {title(item)}")
    items: list[Item] = []
    links: list[Link] = []
    for word, body in item.bodies:
        start = max((each.key for each in items), default=-1) + 1
        items += [replace(each, key=start + each.key, scope=(word, *each.scope)) for each in body.items]
        links += [replace(link, tail=start + link.tail, head=start + link.head) for link in body.links]
    return replace(item.bodies[0][1], items=items, links=links, pairs=[], title=f"bodies of {title(item)}")
