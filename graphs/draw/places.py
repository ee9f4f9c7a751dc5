"""Where nodes were asked to run (``tf.device``) and where their values are, or where a placement puts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphs.core.arrays import is_array
from graphs.core.quoting import remark
from graphs.draw.picture import Item, Link, Picture
from graphs.draw.style import DEVICE_COLOURS, FAINT, INK, WORKERS
from graphs.draw.values import Key
from graphs.draw.words import size
from graphs.placing.heft import Placement


ELSEWHERE = "\u2260"
"""Marks what is not where it was asked to be."""

_ON = " on "


def placed(picture: Picture, values: Mapping[Key, Any], asked: Any) -> Picture:
    """``picture`` with each item's device, where nodes differ in it or a user has ``asked``; as it is if that is False.

    What was asked for is what ``tf.device`` says; where a node ran is where its values are, as far as some are known, or
    what ``asked`` says of it: a placement, or the worker by node, serial or name.
    """
    if asked is False:
        return picture
    given = asked.assignment if isinstance(asked, Placement) else asked
    homes = _homes(picture, given) if isinstance(given, Mapping) else {}
    words = {item.key: remark(_words(item, values, homes.get(item.key))) for item in picture.items}
    known = {word for word in words.values() if word}
    named = any(getattr(item.node, "device", "") for item in picture.items)
    if not known or (asked is None and not named and len(known) < 2):
        return picture
    devices = tuple(dict.fromkeys(word for word in words.values() if word))
    items = [replace(item, device=words[item.key]) for item in picture.items]
    links = [_crossing(link, homes) for link in picture.links] if homes else picture.links
    return replace(picture, items=items, links=links, devices=devices)


def _homes(picture: Picture, given: Mapping[Any, str]) -> dict[int, str]:
    """The worker by item, as far as ``given`` knows its node, or a node that stands for it."""
    stands: dict[Any, str] = {}
    for key, worker in given.items():
        for origin in getattr(key, "origins", ()):
            stands.setdefault(origin, worker)
    found: dict[int, str] = {}
    for item in picture.items:
        node = item.node
        if node is None:
            continue
        keys = (node, node.serial, node.name)
        known = [given[key] for key in keys if key in given]
        if known or node in stands:
            found[item.key] = str(known[0] if known else stands[node])
    return found


def _crossing(link: Link, homes: Mapping[int, str]) -> Link:
    """A link between workers is told from others, with the bytes that travel on it, where these are known."""
    tail, head = homes.get(link.tail), homes.get(link.head)
    if tail is None or head is None or tail == head or link.kind == "changes":
        return link
    spec = link.spec
    if spec is None or spec.size is None or spec.dtype.kind == "O":
        return replace(link, status="crossing")
    crossing = spec.size * spec.dtype.itemsize
    return replace(
        link, status="crossing", notes=(*link.notes, size(crossing)), numbers={**link.numbers, "crossing": crossing}
    )


def _words(item: Item, values: Mapping[Key, Any], home: str | None) -> str:
    node = item.node
    if node is None:
        return ""
    wanted = _short(str(getattr(node, "device", "") or ""))
    if home is not None:
        actual = _short(home) if home.startswith("/") else home
        return (
            f"on {actual}"
            if wanted in ("", actual) or actual.startswith(f"{wanted} ")
            else (f"{ELSEWHERE} asked {wanted}, on {actual}")
        )
    array = values.get((node.serial, 0))
    found = "" if array is None or not is_array(array) else _home(array)
    if wanted and found:
        return f"asked {wanted}, ran on {found}" if wanted != found else f"on {found}"
    return f"asked {wanted}" if wanted else f"on {found}" if found else ""


def homes_of(picture: Picture) -> tuple[str, ...]:
    """The devices on which something is, in the order of their names."""
    return tuple(sorted({_where(word) for word in picture.devices} - {""}))


def _where(word: str) -> str:
    return f" {word}".rpartition(_ON)[2] if _ON in f" {word}" else ""


def spread(picture: Picture) -> bool:
    """Whether items are on several devices, and are drawn in the colours of these."""
    return len(homes_of(picture)) > 1


def colour_of(device: str, picture: Picture) -> str:
    """What marks a device: that of where it is, else that of its words."""
    if spread(picture) and _where(device):
        return look_of(device, picture)[1]
    at = picture.devices.index(device) if device in picture.devices else 0
    return DEVICE_COLOURS[at % len(DEVICE_COLOURS)]


def look_of(device: str, picture: Picture) -> tuple[str, str]:
    """Fill and outline of what is on a device; white where it is not known."""
    homes, where = homes_of(picture), _where(device)
    return WORKERS[homes.index(where) % len(WORKERS)] if where in homes else ("#ffffff", FAINT)


def legend(picture: Picture) -> list[tuple[str, str, str]]:
    """What each colour means: fill, outline and words. Empty where devices have no colours of their own."""
    if not spread(picture) or picture.scale is not None:
        return []
    entries = [(*look_of(f"on {home}", picture), home) for home in homes_of(picture)]
    if any(device.startswith(ELSEWHERE) for device in picture.devices):
        entries.append(("#ffffff", INK, "dashed: not where it was asked to be"))
    return entries


def _short(device: str) -> str:
    """``/job:worker/task:1/device:GPU:0`` as ``worker:1 GPU:0``."""
    parts = dict(part.split(":", 1) for part in device.split("/") if ":" in part)
    job = f"{parts['job']}:{parts.get('task', '0')} " if "job" in parts else ""
    return f"{job}{parts.get('device', '')}".strip()


def _home(array: Any) -> str:
    number = getattr(getattr(array, "device", None), "id", None)
    return "CPU:0" if number is None else f"GPU:{number}"
