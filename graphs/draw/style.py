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
    "body": Line("body", "#8c959f", style="dashed", arrow="none"),
    "became": Line("became", "#b0568a", style="dotted", arrow="vee", constraint=False),
}
"""Every kind of edge, in the order of the legend."""

EDGE_STATUSES: dict[str, Line] = {
    "added": Line("read now", "#00805d", style="bold"),
    "removed": Line("read before", "#d55e00", style="dashed"),
}
"""How an edge is drawn that a pass has added or removed, in the order of the legend."""

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
