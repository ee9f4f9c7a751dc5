"""Keeping a picture within its budget: name scopes fold to a box each, repeats along a chain to one, the rest is cut.

Every step is linear in the picture (but for sorting) and iterative, and depends on nothing but order and structure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphs.draw.labels import TIMES, series, title
from graphs.draw.picture import Item, Link, Picture
from graphs.draw.style import SOURCES, STATUSES


LONGEST_PERIOD = 24
"""Boxes in the longest pattern that is looked for along a chain."""

_NUMBERED, _MODULE = re.compile(r"(.*?[^\d_])_?\d+$"), re.compile(r".*: (\w+)$")


def fold(picture: Picture, budget: int) -> Picture:
    """``picture`` with at most ``budget`` boxes (2 at least)."""
    for step in (fold_scopes, fold_repeats, cut):
        if len(picture.items) <= budget:
            break
        picture = step(picture, budget)
    return picture


def fold_scopes(picture: Picture, budget: int) -> Picture:
    """Fold name scopes until the budget is met: the deepest first, of these the largest, those that are alike together.

    Frames (of a tape, of rounds, of regions) are what somebody asked to see, and stay.
    """
    inside: dict[tuple[str, ...], list[Item]] = {}
    for item in picture.items:
        for depth in range(1, len(item.scope) + 1):
            inside.setdefault(item.scope[:depth], []).append(item)
    boxes = {scope: len(items) for scope, items in inside.items()}
    total = len(picture.items)
    folded: list[tuple[str, ...]] = []
    signs = {item.key: sign(item) for item in picture.items}
    for depth in range(max(map(len, inside), default=0), 0, -1):
        alike: dict[Any, list[tuple[str, ...]]] = {}
        for scope, items in inside.items():
            if len(scope) == depth and boxes[scope] > 1 and scope not in picture.clusters:
                alike.setdefault(tuple([signs[item.key] for item in items]), []).append(scope)
        for family in sorted(alike.values(), key=lambda f: (-len(inside[f[0]]), inside[f[0]][0].key)):
            if total <= budget:
                break
            for scope in family:
                saved = boxes[scope] - 1
                total -= saved
                folded.append(scope)
                for above in range(1, depth + 1):
                    boxes[scope[:above]] -= saved
    return _boxed(picture, folded, inside)


def fold_outside(picture: Picture, depth: int, expand: Callable[[Any], bool] | None) -> Picture:
    """Fold the scopes below ``depth`` levels, but for those around a node that ``expand`` holds of.

    Frames that are no name scopes (of a tape, of rounds) stay open and count for no level.
    """
    inside: dict[tuple[str, ...], list[Item]] = {}
    open_: set[tuple[str, ...]] = set(picture.clusters)
    for item in picture.items:
        wanted = expand is not None and item.node is not None and expand(item.node)
        level = 0
        for length in range(1, len(item.scope) + 1):
            scope = item.scope[:length]
            inside.setdefault(scope, []).append(item)
            level += scope not in picture.clusters
            if wanted or level <= depth:
                open_.add(scope)
    folded = [scope for scope, items in inside.items() if scope not in open_ and len(items) > 1]
    return _boxed(picture, folded, inside)


def _boxed(picture: Picture, folded: Iterable[tuple[str, ...]], inside: Mapping[tuple[str, ...], list[Item]]) -> Picture:
    """``picture`` with a box for each of the scopes ``folded``; of those within each other, for the outermost."""
    group_of: dict[int, int] = {}
    groups: dict[int, tuple[tuple[str, ...], list[Item]]] = {}
    for scope in sorted(folded, key=len):
        members = [item for item in inside[scope] if item.key not in group_of]
        if members:
            first = members[0].key
            groups[first] = (scope, members)
            group_of.update((item.key, first) for item in members)
    boxed = {
        first: _box(members, scope[-1], f"{_total(members):,} nodes", scope[:-1])
        for first, (scope, members) in groups.items()
    }
    return contract(picture, group_of, boxed)


def fold_repeats(picture: Picture, budget: int) -> Picture:
    """Fold what repeats along chains (one box, or a pattern of several, again and again) to one box with the count.

    A chain is a run of boxes of which each leads to the next only. Sources and other phases do not count as neighbours, and
    sources that serve one box go into the fold where each repetition has such a one.
    """
    by_key = {item.key: item for item in picture.items}
    onwards: dict[int, dict[int, None]] = {item.key: {} for item in picture.items}
    backwards: dict[int, dict[int, None]] = {item.key: {} for item in picture.items}
    readers: dict[int, dict[int, None]] = {item.key: {} for item in picture.items}
    for link in picture.links:
        tail, head = by_key[link.tail], by_key[link.head]
        readers[link.tail][link.head] = None
        if tail.kind not in SOURCES and head.kind not in SOURCES and tail.phase == head.phase:
            onwards[link.tail][link.head] = None
            backwards[link.head][link.tail] = None
    own: dict[int, list[Item]] = {}
    for item in picture.items:
        if item.kind in SOURCES and len(readers[item.key]) == 1:
            own.setdefault(next(iter(readers[item.key])), []).append(item)
    signs = {item.key: sign(item) for item in picture.items}
    group_of: dict[int, int] = {}
    boxed: dict[int, Item] = {}
    for chain in _chains(picture.items, onwards, backwards):
        for start, period, times in _periods([signs[key] for key in chain]):
            pattern = [by_key[key] for key in chain[start : start + period * times]]
            shared = [min(len(own.get(item.key, ())) for item in pattern[at::period]) for at in range(period)]
            members = []
            for at, item in enumerate(pattern):
                sources = own.get(item.key, [])
                members += [*sources[len(sources) - shared[at % period] :], item]
            first = min(item.key for item in members)
            name = series(_names(pattern[at::period]) for at in range(period))
            boxed[first] = _box(members, f"{name}  {TIMES} {times:,}", f"{_total(members):,} nodes", _shared_scope(pattern))
            group_of.update((item.key, first) for item in members)
    return contract(picture, group_of, boxed)


def _names(items: Sequence[Item]) -> str:
    """One name for boxes that are alike: without the numbers in which folded scopes differ; of modules, their class."""
    words = list(dict.fromkeys(title(item) for item in items))
    if len(words) == 1 or any(item.kind != "fold" for item in items):
        return words[0]
    for pattern in (_MODULE, _NUMBERED):
        found = {match[1] if (match := pattern.match(word)) else None for word in words}
        if len(found) == 1 and None not in found:
            return str(found.pop())
    return words[0]


def sign(item: Item) -> Any:
    """What makes boxes alike: kind, op, shapes and dtypes; for a fold, those of all that is in it."""
    if item.node is None:
        return item.sign or (item.kind, item.title)
    return (item.kind, item.status, item.node.op.name, *((spec.dims, spec.dtype.str) for spec in item.node.specs))


def _chains(
    items: Iterable[Item], onwards: dict[int, dict[int, None]], backwards: dict[int, dict[int, None]]
) -> Iterable[list[int]]:
    """The longest runs of at least two boxes of which each leads to the next only, which has no other before it."""

    def following(key: int) -> int | None:
        if len(onwards[key]) != 1:
            return None
        other = next(iter(onwards[key]))
        return other if len(backwards[other]) == 1 else None

    seen: set[int] = set()
    for item in items:
        before = backwards[item.key]
        if item.kind in SOURCES or (len(before) == 1 and following(next(iter(before))) == item.key):
            continue
        chain = [item.key]
        seen.add(item.key)
        while (after := following(chain[-1])) is not None and after not in seen:
            chain.append(after)
            seen.add(after)
        if len(chain) > 1:
            yield chain


def _periods(signs: Sequence[Any]) -> Iterable[tuple[int, int, int]]:
    """Where a pattern stands at least twice in a row: start, length of the pattern, times. The longest cover first."""
    numbers: dict[Any, int] = {}
    row = [numbers.setdefault(sign, len(numbers)) for sign in signs]
    start, end = 0, len(row)
    while start < end:
        best = (0, 0, 0)
        for period in range(1, min(LONGEST_PERIOD, (end - start) // 2) + 1):
            reach = start + period
            while reach < end and row[reach] == row[reach - period]:
                reach += 1
            times = (reach - start) // period
            if times > 1 and period * times > best[0]:
                best = (period * times, period, times)
        cover, period, times = best
        if cover:
            yield start, period, times
        start += cover or 1


def cut(picture: Picture, budget: int) -> Picture:
    """Keep the first and the last boxes and let one box stand for all between."""
    items = picture.items
    head = max(budget, 2) // 2
    tail = len(items) - (max(budget, 2) - 1 - head)
    hidden = items[head:tail]
    first = hidden[0].key
    box = _box(hidden, f"… {_total(hidden):,} more", "", ())
    return contract(picture, {item.key: first for item in hidden}, {first: box})


def contract(picture: Picture, group_of: dict[int, int], boxed: dict[int, Item]) -> Picture:
    """``picture`` with the items of each group replaced by one box, parallel links into and out of it made one."""
    items = [boxed.get(item.key, item) for item in picture.items if group_of.get(item.key, item.key) == item.key]
    single: list[Link] = []
    merged: dict[tuple[int, int, str, bool, str], Link] = {}
    for link in picture.links:
        tail, head = group_of.get(link.tail, link.tail), group_of.get(link.head, link.head)
        if tail == link.tail and head == link.head and tail not in boxed and head not in boxed:
            single.append(link)
        elif tail != head:
            key = (tail, head, link.kind, link.upwards, link.status)
            other = merged.get(key)
            if other is None:
                merged[key] = replace(link, tail=tail, head=head)
            else:
                other.count += link.count
                other.spec = other.spec if other.spec == link.spec else None
                other.value = other.value if other.value == link.value else None
                other.label = other.label if other.label == link.label else ""
                other.notes = other.notes if other.notes == link.notes else ()
                other.numbers = _together(other.numbers, link.numbers)
    pairs = [(a, b) for a, b in picture.pairs if a not in group_of and b not in group_of]
    folds = list(dict.fromkeys((group_of[a], group_of[b]) for a, b in picture.pairs if a in group_of and b in group_of))
    beside = [(a, b) for a, b in folds if a in boxed and b in boxed and a != b]
    _hold(picture, group_of, boxed)
    return replace(picture, items=items, links=[*single, *merged.values()], pairs=[*pairs, *beside])


def _hold(picture: Picture, group_of: Mapping[int, int], boxed: Mapping[int, Item]) -> None:
    """Give each box the picture of what it stands for, with its neighbours as they are drawn outside."""
    by_key = {item.key: item for item in picture.items}
    held: dict[int, dict[int, Item]] = {first: {} for first in boxed}
    links: dict[int, list[Link]] = {first: [] for first in boxed}
    for item in picture.items:
        if (first := group_of.get(item.key, -1)) in held:
            held[first][item.key] = item
    for link in picture.links:
        tail, head = group_of.get(link.tail, -1), group_of.get(link.head, -1)
        if tail == head:
            if tail in links:
                links[tail].append(link)
            continue
        for mine, theirs, other in ((tail, head, link.head), (head, tail, link.tail)):
            if mine in links:
                there = boxed.get(theirs, by_key[other])
                if there.key not in held[mine]:
                    held[mine][there.key] = replace(
                        there, kind="neighbour", title=title(there), scope=(), bodies=(), root=False, held=None
                    )
                if there.key == other:
                    links[mine].append(link)
                    continue
                ends = (link.tail, there.key) if other == link.head else (there.key, link.head)
                links[mine].append(replace(link, tail=ends[0], head=ends[1]))
    for first, box in boxed.items():
        items = sorted(held[first].values(), key=lambda item: item.key)
        box.held = replace(picture, items=items, links=links[first], pairs=[], title=box.title)


def _together(one: Mapping[str, float], other: Mapping[str, float]) -> Mapping[str, float]:
    """What is known of two links as one: how many bytes they carry."""
    return {"bytes": one["bytes"] + other["bytes"]} if "bytes" in one and "bytes" in other else {}


def boxed_alike(members: Sequence[Item]) -> Item:
    """One box for items that are alike."""
    return _box(members, f"{title(members[0])}  {TIMES} {len(members):,}", "", _shared_scope(members))


def _box(members: Sequence[Item], name: str, note: str, scope: tuple[str, ...]) -> Item:
    phases = {item.phase for item in members}
    statuses = Counter(item.status for item in members if item.status != "kept")
    touched = ", ".join(f"{count:,} {STATUSES[status].word}" for status, count in statuses.items() if status)
    return Item(
        min(item.key for item in members),
        "fold",
        None,
        members[0].phase if len(phases) == 1 else "",
        scope,
        name or "without a name",
        tuple(words for words in (note, touched) if words),
        _total(members),
        any(item.root for item in members),
        sign=tuple(sign(item) for item in members),
        status=members[0].status if len({item.status for item in members}) == 1 else "changed",
        device=members[0].device if len({item.device for item in members}) == 1 else "",
        numbers=_summed(members),
        freed=all(item.freed for item in members),
    )


def _summed(members: Iterable[Item]) -> dict[str, float]:
    total: dict[str, float] = {}
    for item in members:
        for name, number in item.numbers.items():
            total[name] = total.get(name, 0.0) + number
    return total


def _total(members: Iterable[Item]) -> int:
    return sum(item.count for item in members)


def _shared_scope(members: Sequence[Item]) -> tuple[str, ...]:
    scope: tuple[str, ...] = members[0].scope
    for item in members[1:]:
        while item.scope[: len(scope)] != scope:
            scope = scope[:-1]
    return scope
