"""What stands on a picture's arrows beside the shapes: bytes, statistics of the values, norms of the gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from graphs.draw.picture import Item, Link, Picture
from graphs.draw.values import Key, norm, statistics
from graphs.draw.words import number, share, size


SHOW = ("shapes", "dtypes", "bytes", "values", "gradients")
"""What can stand on arrows."""

FLOWS = ("data", "shape", "gradient")
"""The kinds of links along which values flow."""


def checked(show: str | Iterable[str]) -> tuple[str, ...]:
    """``show`` in the order of ``SHOW``. Raises ValueError for what cannot be shown."""
    asked = {show} if isinstance(show, str) else set(show)
    for each in sorted(asked - set(SHOW), key=str):
        raise ValueError(f"no {each} can be shown; there are {', '.join(SHOW)}")
    return tuple(each for each in SHOW if each in asked)


def annotated(picture: Picture, show: tuple[str, ...], values: Mapping[Key, Any], grads: Mapping[Key, Any]) -> Picture:
    """``picture`` with what ``show`` asks for, from arrays and gradients by the keys of the values.

    On an arrow that a gradient flows along stands the gradient's own; a value that no arrow shows has it in its box.
    """
    if not set(show) & {"bytes", "values", "gradients"}:
        return replace(picture, show=show)
    known: dict[tuple[str, Key], tuple[tuple[str, ...], dict[str, float]]] = {}

    def told(kind: str, key: Key) -> tuple[tuple[str, ...], dict[str, float]]:
        if (kind, key) not in known:
            known[kind, key] = _told(show, grads if kind == "gradient" else values, grads, key)
        return known[kind, key]

    links = []
    for link in picture.links:
        notes, numbers = list(link.notes), dict(link.numbers)
        if "bytes" in show and link.kind in (*FLOWS, "saved") and (held := _bytes(link)) is not None:
            numbers["bytes"] = held
            notes.append(size(held))
        if link.value is not None and link.kind in ("data", "gradient"):
            words, found = told(link.kind, link.value)
            notes += words
            numbers |= found
        links.append(replace(link, notes=tuple(notes), numbers=numbers))
    shown = {link.tail for link in picture.links if link.kind == "data"}
    items = [item if item.key in shown else _ending(item, told) for item in picture.items]
    return replace(picture, items=items, links=links, show=show)


def _ending(item: Item, told: Any) -> Item:
    """An item that no arrow leaves, with what is known of its first output."""
    if item.node is None or not item.node.specs or item.title:
        return item
    words, _ = told("data", (item.node.serial, 0))
    return replace(item, notes=(*item.notes, *words))


def _bytes(link: Link) -> int | None:
    if link.spec is None or link.spec.size is None or link.spec.dtype.kind == "O":
        return None
    return int(link.spec.size) * link.spec.dtype.itemsize * link.count


def _told(
    show: tuple[str, ...], values: Mapping[Key, Any], grads: Mapping[Key, Any], key: Key
) -> tuple[tuple[str, ...], dict[str, float]]:
    lines: list[str] = []
    numbers: dict[str, float] = {}
    if "values" in show and key in values:
        numbers = statistics(values[key])
        if "mean" in numbers:
            lines.append(_range(numbers))
        rare = [f"{share(numbers[name])} {word}" for name, word in (("zeros", "zeros"), ("nan", "NaN")) if numbers.get(name)]
        if rare:
            lines.append(", ".join(rare))
    if "gradients" in show and key in grads:
        numbers["gradient"] = norm(grads[key])
        lines.append(f"\u2016\u2207\u2016 {number(numbers['gradient'])}")
    return tuple(lines), numbers


def _range(numbers: Mapping[str, float]) -> str:
    low, mean, high = (number(numbers[name]) for name in ("min", "mean", "max"))
    return low if low == high else f"{low} \u2026 {high}, mean {mean}"
