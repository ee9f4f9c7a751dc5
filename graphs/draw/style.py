"""How things look, in one place: which kind a node is, and the colours, shapes and lines of each kind.

The hues are those of Okabe and Ito ("Color universal design", 2008), which colour-blind readers tell apart; fills are light
tints with dark text, and kinds differ in outline as well, so that a grey print still reads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from graphs.draw.font import FAMILY
from graphs.draw.protocol import BACKWARD, UPDATE


FONT = f"{FAMILY},Arial,Liberation Sans,sans-serif"
INK, QUIET, FAINT = "#1f2328", "#59636e", "#8c959f"


@dataclass(frozen=True)
class Look:
    """How a kind of node is drawn, and its word in the legend."""

    word: str
    fill: str
    line: str
    shape: str = "box"
    style: str = "rounded,filled"
    width: float = 1.0


@dataclass(frozen=True)
class Line:
    """How a kind of edge is drawn, and its word in the legend (empty: it explains itself).

    ``back`` has the arrow point at the tail; without ``constraint`` the edge has no say in what stands above what.
    """

    word: str
    colour: str
    style: str = "solid"
    arrow: str = "normal"
    constraint: bool = True
    back: bool = False


LOOKS: dict[str, Look] = {
    "placeholder": Look("placeholder", "#dbeefa", "#0072b2", style="filled"),
    "variable": Look("variable", "#fdebc8", "#c98500", style="filled", width=1.8),
    "constant": Look("constant or data", "#eceef0", "#8c959f", style="filled"),
    "input": Look("input", "#dbeefa", "#0072b2", style="filled,dashed"),
    "random": Look("random", "#fbf6bf", "#9c8f00", shape="ellipse", style="filled"),
    "control": Look("loop or branch", "#f9dfcb", "#d55e00", style="filled,diagonals"),
    "gradient": Look("gradient", "#f6e1ed", "#b0568a"),
    "update": Look("update", "#cdebdf", "#00805d", style="rounded,filled", width=1.8),
    "operation": Look("operation", "#ffffff", "#59636e"),
    "outside": Look("from the forward part", "#ffffff", "#8c959f", style="rounded,dashed"),
    "tensor": Look("value", "#f4f8fb", "#56b4e9", shape="ellipse", style="filled"),
    "change": Look("change in Python, off the tape", "#cdebdf", "#00805d", style="rounded,filled,dashed", width=1.8),
    "neighbour": Look("outside of what is opened", "#ffffff", "#8c959f", style="dashed,filled"),
    "fold": Look("folded", "#f3f4f6", "#59636e", shape="box3d", style="filled"),
}
"""Every kind of node, in the order of the legend."""

STATUSES: dict[str, Look] = {
    "kept": Look("stayed", "#ffffff", "#59636e"),
    "added": Look("added", "#cdebdf", "#00805d", style="rounded,filled", width=2.6),
    "changed": Look("changed inside", "#fdebc8", "#c98500", width=2.0),
    "merged": Look("became another node", "#f6e1ed", "#b0568a", style="filled,dotted", width=1.6),
    "removed": Look("fell away", "#ffffff", "#d55e00", style="filled,dashed", width=1.6),
}
"""How a node is drawn that a pass has dealt with, in the order of the legend. Its kind decides the shape alone."""

MARKS = {"added": "+", "changed": "~", "merged": "\u2192", "removed": "\u2212"}
"""What stands before the title of such a node, so that no colour is needed."""

LINES: dict[str, Line] = {
    "data": Line("", "#444c56"),
    "shape": Line("shape only", "#8c959f", style="dotted", arrow="vee"),
    "changes": Line("changes", "#00805d", style="dashed", back=True),
    "control": Line("runs after", "#d55e00", style="dashed", arrow="empty"),
    "saved": Line("kept for the way back", "#0072b2", style="dotted", arrow="vee", constraint=False),
    "gradient": Line("gradient flow", "#b0568a"),
    "freed": Line("kept, and freed by the way back", "#b6bec8", style="dotted", arrow="none", constraint=False),
    "body": Line("body", "#8c959f", style="dashed", arrow="none"),
    "became": Line("became", "#b0568a", style="dotted", arrow="vee", constraint=False),
}
"""Every kind of edge, in the order of the legend."""

EDGE_STATUSES: dict[str, Line] = {
    "added": Line("read now", "#00805d", style="bold"),
    "removed": Line("read before", "#d55e00", style="dashed"),
    "crossing": Line("crosses between workers", "#1f2328", style="bold"),
}
"""How an edge is drawn that a pass has added or removed, or that leads to another worker, in the order of the legend."""

BY_OP: dict[str, str] = {
    "placeholder": "placeholder",
    "placeholder_with_default": "placeholder",
    "parameter": "input",
    "variable": "variable",
    "leaf": "variable",
    "constant": "constant",
}
"""Kinds of single ops, by name: what traits do not tell."""

BY_TRAIT: tuple[tuple[str, str], ...] = (
    ("update", "update"),
    ("random", "random"),
    ("control", "control"),
    ("source", "constant"),
)
"""Kinds by trait; the first that an op has decides."""

PALE = "#f3f4f6"
"""What fills sources that a pass has left alone."""

SOURCES = frozenset({"placeholder", "variable", "constant", "input"})
"""The kinds whose nodes are known by their names rather than by what they do."""


@dataclass(frozen=True)
class Frame:
    """How a cluster is drawn, and its word in the legend (empty: its label says it)."""

    word: str
    fill: str
    line: str
    style: str = "rounded"
    ink: str = QUIET


CLUSTERS: dict[str, Frame] = {
    "scope": Frame("", "#f6f8fa", "#d0d7de"),
    "tape": Frame("", "#fbfcfd", "#59636e", style="rounded,dashed"),
    "outside": Frame("", "#f2faf7", "#00805d", style="rounded,dashed"),
    "round": Frame("", "#fdf4ec", "#d55e00", style="rounded,dashed"),
    "region 0": Frame("fused to one kernel", "#fbe9c6", "#e69f00", style="rounded,bold", ink=INK),
    "region 1": Frame("", "#dcf0fb", "#56b4e9", style="rounded,bold", ink=INK),
    "region 2": Frame("", "#d0eee3", "#009e73", style="rounded,bold", ink=INK),
    "region 3": Frame("", "#fcf9cf", "#b5a900", style="rounded,bold", ink=INK),
    "region 4": Frame("", "#d3e4f1", "#0072b2", style="rounded,bold", ink=INK),
    "region 5": Frame("", "#f9dfcb", "#d55e00", style="rounded,bold", ink=INK),
    "region 6": Frame("", "#f5e3ed", "#cc79a7", style="rounded,bold", ink=INK),
}
"""Every kind of cluster: name scopes, what lies on and off a tape, rounds of a loop, regions in colours that take turns."""

REGIONS = sum(name.startswith("region") for name in CLUSTERS)
"""Colours of regions."""

DEVICE_COLOURS = ("#59636e", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#b5a900")
"""What marks the devices on a picture, in their order."""

WORKERS = tuple((CLUSTERS[f"region {at}"].fill, CLUSTERS[f"region {at}"].line) for at in (1, 0, 2, 6, 3, 4, 5))
"""Fill and outline of what stands on each worker, in turns."""

HEAT = ("#fffbe8", "#fde3a3", "#f7bd58", "#ea8f2e", "#d55e00")
"""Fills from the least to the greatest number: one hue family of falling lightness, so that grey prints order them too."""


def heat(place: float) -> str:
    """The fill for a place on a scale, from 0 to 1, between the colours of ``HEAT``."""
    at = place * (len(HEAT) - 1)
    low = min(int(at), len(HEAT) - 2)
    pairs = zip(_channels(HEAT[low]), _channels(HEAT[low + 1]), strict=True)
    return "#" + "".join(f"{round(one + (other - one) * (at - low)):02x}" for one, other in pairs)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def look_of(kind: str, status: str = "") -> Look:
    """How a node of a kind is drawn, where ``status`` says what a pass did to it."""
    look = LOOKS[kind]
    if not status:
        return look
    made = STATUSES[status]
    if status != "kept":
        return replace(made, shape=look.shape)
    return replace(made, shape=look.shape, style=look.style, fill=PALE if kind in SOURCES or kind == "fold" else made.fill)


def line_of(kind: str, status: str = "") -> Line:
    """How an edge of a kind is drawn, where ``status`` says what a pass did to it: what stayed is grey."""
    line = LINES[kind]
    if status in EDGE_STATUSES:
        return EDGE_STATUSES[status]
    return replace(line, colour=FAINT) if status == "kept" and kind not in ("data", "became") else line


def kind_of(node: Any, phase: str) -> str:
    """The kind of a node, a key of ``LOOKS``."""
    named = BY_OP.get(node.op.name)
    if named is not None:
        return named
    for trait, kind in BY_TRAIT:
        if trait in node.op.traits:
            return kind
    return {BACKWARD: "gradient", UPDATE: "update"}.get(phase, "operation")
