"""Where nodes were asked to run (``tf.device``) and where their values are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphs.core.arrays import is_array
from graphs.draw.picture import Item, Picture
from graphs.draw.values import Key


def placed(picture: Picture, values: Mapping[Key, Any], asked: bool | None) -> Picture:
    """``picture`` with each item's device, where nodes differ in it or a user has ``asked``; as it is if that is False.

    What was asked for is what ``tf.device`` says; where a node ran is where its values are, as far as some are known.
    """
    if asked is False:
        return picture
    words = {item.key: _words(item, values) for item in picture.items}
    known = {word for word in words.values() if word}
    named = any(getattr(item.node, "device", "") for item in picture.items)
    if not known or (asked is None and not named and len(known) < 2):
        return picture
    devices = tuple(dict.fromkeys(word for word in words.values() if word))
    items = [replace(item, device=words[item.key]) for item in picture.items]
    return replace(picture, items=items, devices=devices)


def _words(item: Item, values: Mapping[Key, Any]) -> str:
    node = item.node
    if node is None:
        return ""
    wanted = _short(str(getattr(node, "device", "") or ""))
    array = values.get((node.serial, 0))
    found = "" if array is None or not is_array(array) else _home(array)
    if wanted and found:
        return f"asked {wanted}, ran on {found}" if wanted != found else f"on {found}"
    return f"asked {wanted}" if wanted else f"on {found}" if found else ""


def _short(device: str) -> str:
    """``/job:worker/task:1/device:GPU:0`` as ``worker:1 GPU:0``."""
    parts = dict(part.split(":", 1) for part in device.split("/") if ":" in part)
    job = f"{parts['job']}:{parts.get('task', '0')} " if "job" in parts else ""
    return f"{job}{parts.get('device', '')}".strip()


def _home(array: Any) -> str:
    number = getattr(getattr(array, "device", None), "id", None)
    return "CPU:0" if number is None else f"GPU:{number}"
