"""Keeping a picture within its budget: name scopes fold to a box each, repeats along a chain to one, the rest is cut.

Every step is linear in the picture (but for sorting) and iterative, and depends on nothing but order and structure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from graphs.draw.labels import TIMES, series, title
from graphs.draw.picture import Item, Link, Picture
from graphs.draw.style import SOURCES, STATUSES


LONGEST_PERIOD = 24
"""Boxes in the longest pattern that is looked for along a chain."""


def fold(picture: Picture, budget: int) -> Picture:
    """``picture`` with at most ``budget`` boxes (2 at least)."""
    for step in (fold_scopes, fold_repeats, cut):
        if len(picture.items) <= budget:
            break
        picture = step(picture, budget)
    return picture


def fold_scopes(picture: Picture, budget: int) -> Picture:
    """Fold name scopes until the budget is met: the deepest first, of these the largest, those that are alike together."""
    inside: dict[tuple[str, ...], list[Item]] = {}
    for item in picture.items:
        for depth in range(1, len(item.scope) + 1):
            inside.setdefault(item.scope[:depth], []).append(item)
    boxes = {scope: len(items) for scope, items in inside.items()}
    total = len(picture.items)
    folded: list[tuple[str, ...]] = []
    for depth in range(max(map(len, inside), default=0), 0, -1):
        alike: dict[Any, list[tuple[str, ...]]] = {}
        for scope, items in inside.items():
            if len(scope) == depth and boxes[scope] > 1:
                alike.setdefault(tuple(sign(item) for item in items), []).append(scope)
        for family in sorted(alike.values(), key=lambda f: (-len(inside[f[0]]), inside[f[0]][0].key)):
            if total <= budget:
                break
            for scope in family:
                saved = boxes[scope] - 1
                total -= saved
                folded.append(scope)
                for above in range(1, depth + 1):
                    boxes[scope[:above]] -= saved
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
            name = series(title(item) for item in pattern[:period])
            boxed[first] = _box(members, f"{name}  {TIMES} {times:,}", f"{_total(members):,} nodes", _shared_scope(pattern))
            group_of.update((item.key, first) for item in members)
    return contract(picture, group_of, boxed)


def sign(item: Item) -> Any:
    """What makes boxes alike: kind, op, shapes and dtypes; for a fold, those of all that is in it."""
    if item.node is None:
        return item.sign or (item.kind, item.title)
    return (item.kind, item.status, item.node.op.name, *map(str, item.node.specs))


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
    pairs = [(a, b) for a, b in picture.pairs if a not in group_of and b not in group_of]
    folds = list(dict.fromkeys((group_of[a], group_of[b]) for a, b in picture.pairs if a in group_of and b in group_of))
    beside = [(a, b) for a, b in folds if a in boxed and b in boxed and a != b]
    return Picture(items, [*single, *merged.values()], [*pairs, *beside], picture.title, picture.dtype)


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
        name,
        tuple(words for words in (note, touched) if words),
        _total(members),
        any(item.root for item in members),
        sign=tuple(sign(item) for item in members),
        status=members[0].status if len({item.status for item in members}) == 1 else "changed",
    )


def _total(members: Iterable[Item]) -> int:
    return sum(item.count for item in members)


def _shared_scope(members: Sequence[Item]) -> tuple[str, ...]:
    scope: tuple[str, ...] = members[0].scope
    for item in members[1:]:
        while item.scope[: len(scope)] != scope:
            scope = scope[:-1]
    return scope
