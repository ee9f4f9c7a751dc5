"""Boxes coloured by a measure of what they stand for: time, memory, arithmetic, or a user's own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from graphs.core.node import Node
from graphs.draw.picture import Picture, Scale
from graphs.draw.protocol import BACKWARD
from graphs.draw.values import keyed
from graphs.draw.words import quantity
from graphs.rewrite import Program, cost


UNITS = {"time": "s", "memory": "B", "operations": ""}
"""The measures that have a name, with their units: time of a kernel, bytes of what a node yields, scalar operations."""


class Overlay(NamedTuple):
    """Numbers to colour boxes by.

    Attributes:
        numbers: by node, tensor, serial or name.
        name: what is measured, for the legend.
        unit: ``"s"`` and ``"B"`` are written with prefixes; empty where the numbers are bare.
        log: whether colours follow the logarithm.
    """

    numbers: Mapping[Any, float]
    name: str = "measured"
    unit: str = ""
    log: bool = False


def overlay_of(asked: Any, nodes: list[Any], log: bool) -> Overlay:
    """The overlay that a user asks for: one, numbers, pairs of a name and numbers, or the name of a measure that is known.

    Raises ValueError for an unknown name, and for ``"time"``, which has to be measured.
    """
    if isinstance(asked, Overlay):
        return asked._replace(log=asked.log or log)
    if isinstance(asked, Mapping):
        return Overlay(asked, getattr(asked, "name", "measured"), getattr(asked, "unit", ""), log)
    if isinstance(asked, tuple) and len(asked) == 2:
        return Overlay(asked[1], str(asked[0]), UNITS.get(asked[0], ""), log)
    if asked == "memory":
        return Overlay({node.serial: found for node in nodes if (found := _yields(node)) is not None}, asked, "B", log)
    if asked == "operations":
        return Overlay({node.serial: found for node in nodes if (found := _work(node)) is not None}, asked, "", log)
    if asked == "time":
        raise ValueError(
            "times are measured: give ('time', seconds by node) as draw.timed() finds them, or use Session.draw"
        )
    raise ValueError(f"no measure {asked}; there are {', '.join(UNITS)}, and numbers by node")


def _yields(node: Any) -> int | None:
    sizes = [None if spec.size is None else spec.size * spec.dtype.itemsize for spec in node.specs]
    return None if None in sizes or not sizes else sum(size for size in sizes if size is not None)


def _work(node: Any) -> int | None:
    """Scalar operations of a graph's node, where its shapes are known; a tape's record has no arguments to tell from."""
    if not isinstance(node, Node) or not node.specs:
        return None
    return cost(Program((node,), (), frozenset())).operations


def covered(picture: Picture, overlay: Overlay, nodes: list[Any]) -> Picture:
    """``picture`` with the numbers of its items; the scale is fixed by ``scaled``, once all has folded.

    A record's numbers are those of its step forward; of its step backward nothing is known.
    """
    numbers = {serial: float(number) for (serial, _), number in keyed(overlay.numbers, nodes).items()}
    items = [
        replace(item, numbers={**item.numbers, overlay.name: numbers[item.node.serial]})
        if item.node is not None and item.node.serial in numbers and not (item.phase == BACKWARD and item.title)
        else item
        for item in picture.items
    ]
    return replace(picture, items=items)


def scaled(picture: Picture, overlay: Overlay) -> Picture:
    """``picture`` with its scale, each number written in its box. Raises ValueError where no item has one."""
    found = [item.numbers[overlay.name] for item in picture.items if overlay.name in item.numbers]
    if not found:
        raise ValueError(f"no node of this picture has a number for {overlay.name}")
    scale = Scale(overlay.name, overlay.unit, min(found), max(found), overlay.log)
    items = [
        replace(item, notes=(*item.notes, quantity(item.numbers[overlay.name], overlay.unit)))
        if overlay.name in item.numbers
        else item
        for item in picture.items
    ]
    return replace(picture, items=items, scale=scale)


__all__ = ["UNITS", "Overlay", "covered", "overlay_of", "scaled"]
