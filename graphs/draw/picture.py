"""What is on a picture, before any format: items, links between them, and the pictures of bodies inside items."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import networkx
import numpy

from graphs.core.notebook import Shown
from graphs.core.spec import Spec
from graphs.draw.protocol import BACKWARD, FORWARD, UPDATE, Phase, phases, scope_of
from graphs.draw.style import SOURCES, kind_of


VIEWS = ("forward", "backward", "joined")
"""The parts of a program that can be drawn."""


@dataclass(slots=True)
class Item:
    """One box: a node, the step backward of one, or several nodes folded into one.

    Attributes:
        key: its place in the picture's order; links refer to it.
        kind: how it looks, a key of ``style.LOOKS``.
        node: the node, None for a fold.
        phase: the node's phase.
        scope: the name scopes around it.
        title: what to call it; empty for what its node is called.
        notes: small lines below the title, before those that its node has.
        count: how many nodes it stands for.
        root: whether it was asked for.
        sign: what a fold holds, to tell which folds are alike.
        bodies: the Functions in the node's parameters, each with its word and its picture.
        status: what a pass did to it, a key of ``style.STATUSES``; empty where no pass is looked at.
        device: where it was asked to run and where it ran, in words; empty where neither is told.
        numbers: what was measured of it, by the names of the picture's scales; of a fold, the sums.
        freed: whether the way back has let go of what this step had kept, so that it cannot go again.
        of: for a node of a gradient, the key of the forward item that it belongs to.
        held: what a fold stands for, with its neighbours outside.
    """

    key: int
    kind: str
    node: Any
    phase: str = FORWARD
    scope: tuple[str, ...] = ()
    title: str = ""
    notes: tuple[str, ...] = ()
    count: int = 1
    root: bool = False
    sign: Any = None
    bodies: tuple[tuple[str, Picture], ...] = ()
    status: str = ""
    device: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    freed: bool = False
    of: int | None = None
    held: Picture | None = None


@dataclass(slots=True)
class Link:
    """An arrow. ``kind`` is a key of ``style.LINES``; ``count`` values flow, ``spec`` is theirs if all have the same.

    ``upwards`` asks the layout to put the head above the tail, as in the way back beside the way forward; ``status`` is as
    an item's. ``value`` is the serial of the node whose output flows and which output it is, None where it is no node's;
    ``at`` is the argument that it becomes. ``label`` is a word for this arrow alone, ``notes`` are lines on the value beyond
    shape and dtype, ``numbers`` what they say (``bytes``, ``min``, ``mean``, ``max``, ``zeros``, ``nan``, ``gradient``).
    """

    tail: int
    head: int
    kind: str = "data"
    spec: Spec | None = None
    count: int = 1
    upwards: bool = False
    status: str = ""
    value: tuple[int, int] | None = None
    at: int = 0
    label: str = ""
    notes: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scale:
    """A measure that boxes are coloured by.

    Attributes:
        name: of the measure, as in an item's ``numbers``.
        unit: what it is counted in.
        low, high: its least and greatest number on the picture.
        log: whether colours follow its logarithm.
    """

    name: str
    unit: str
    low: float
    high: float
    log: bool = False

    def place(self, number: float) -> float:
        """Where a number lies between the ends, from 0 to 1."""
        low, high, at = (math.log(max(x, self.floor)) if self.log else x for x in (self.low, self.high, number))
        return min(max((at - low) / (high - low), 0.0), 1.0) if high > low else 1.0

    @property
    def floor(self) -> float:
        """The least number that a logarithmic scale tells from 0."""
        return max(self.low, self.high * 1e-6, 1e-300)


@dataclass(slots=True)
class Picture(Shown):
    """What is drawn, before any format.

    Attributes:
        items: the boxes in order.
        links: the arrows.
        pairs: pairs of items to be set side by side.
        title: the heading.
        dtype: the one that most values have.
        show: what stands on arrows, of ``annotate.SHOW``.
        scale: what boxes are coloured by, None for their kinds.
        clusters: how the scopes look that are more than names, by keys of ``style.CLUSTERS``.
        devices: the devices that items name, in order.
    """

    items: list[Item]
    links: list[Link]
    pairs: list[tuple[int, int]] = field(default_factory=list)
    title: str = ""
    dtype: str = "float32"
    show: tuple[str, ...] = ("shapes", "dtypes")
    scale: Scale | None = None
    clusters: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    devices: tuple[str, ...] = ()

    def inside(self) -> Iterator[Picture]:
        """The picture itself, and those of the bodies in it."""
        stack = [self]
        while stack:
            shown = stack.pop()
            yield shown
            stack += [body for item in shown.items for _, body in item.bodies]


def program(graph: networkx.MultiDiGraph, view: str, phase: Phase | None) -> Picture:
    """The nodes of a collected graph whose phase belongs to ``view``.

    The backward view also has what the gradients read of the forward part. A variable and its plain reads are one item.
    Raises ValueError where nothing is left.
    """
    nodes = [node for _, node in graph.nodes(data="node")]
    phase_of = phases(nodes, phase)
    wanted = {"forward": {FORWARD}, "backward": {BACKWARD, UPDATE}, "joined": {FORWARD, BACKWARD, UPDATE}}[view]
    inside = {serial for serial, name in phase_of.items() if name in wanted}
    if not inside:
        raise ValueError(f"there is nothing {view} in this graph")
    read_of = {node.serial: node.edges[0].node.serial for node in nodes if _is_plain_read(graph, node)}
    drawn = set(inside)
    if view == "backward":
        drawn.update(tail for serial in inside for tail in graph.predecessors(serial))
    drawn.update(read_of[serial] for serial in drawn & read_of.keys())
    key_of: dict[int, int] = {}
    items: list[Item] = []
    for node in nodes:
        serial = node.serial
        if serial in read_of:
            if serial in drawn:
                key_of[serial] = key_of[read_of[serial]]
                items[key_of[serial]].count += 1
        elif serial in drawn:
            kind = kind_of(node, phase_of[serial])
            if serial not in inside and kind not in SOURCES:
                kind = "outside"
            key_of[serial] = len(items)
            items.append(Item(len(items), kind, node, phase_of[serial], scope_of(node)))
    _move_into_own_scopes(items)
    links = [
        Link(
            key_of[tail],
            key_of[head],
            link_kind(graph.nodes[head]["node"], data),
            data.get("spec"),
            status=data.get("status", ""),
            value=(tail, data["out"]) if data["kind"] == "data" else None,
            at=data.get("at", 0),
        )
        for tail, head, data in graph.edges(data=True)
        if tail in key_of and head in key_of and head in inside and head not in read_of
    ]
    if view == "joined" and phase is None:
        _link_gradients(items)
    return Picture(items, links)


def _link_gradients(items: Sequence[Item]) -> None:
    """Tell the nodes of each gradient whose they are, and each forward node in which scope its gradient stands.

    What ``gradients`` makes for an operation stands in a scope named after it, ``gradients/net/MatMul_grad``. Lines from one
    to the other would cross the whole picture, and have the layout follow them in place of the values.
    """
    forward = {item.node.name: item for item in items if item.phase == FORWARD}
    for item in items:
        names = item.node.name.split("/")[:-1] if item.phase == BACKWARD else []
        at = next((n for n, part in enumerate(names) if part.startswith("gradients")), None)
        if at is None or not names[-1].endswith("_grad"):
            continue
        of = forward.get("/".join(names[at + 1 :])[: -len("_grad")])
        if of is not None:
            item.of = of.key
            note = f"\u2207 in {names[-1]}"
            if note not in of.notes:
                of.notes = (*of.notes, note)


def _is_plain_read(graph: networkx.MultiDiGraph, node: Any) -> bool:
    """Whether a node does no more than hand on a variable's value as the run found it, to readers that are drawn."""
    if node.op.name != "read" or node.after or graph.out_degree(node.serial) == 0:
        return False
    return all(data["kind"] == "data" for _, _, data in graph.out_edges(node.serial, data=True))


def _move_into_own_scopes(items: list[Item]) -> None:
    """Put what is named like a scope inside it: a variable ``w`` beside its slots ``w/Adam`` and ``w/Adam_1``."""
    scopes = {item.scope[:depth] for item in items for depth in range(1, len(item.scope) + 1)}
    for item in items:
        own = tuple((item.node.name or "").split("/"))
        if own in scopes:
            item.scope = own


def link_kind(reader: Any, data: Mapping[str, Any]) -> str:
    """The kind of a collected edge: control, data, shape where the kernel reads no more, or changes from a variable."""
    names = reader.op.names
    if data["kind"] == "data" and data["at"] == 0 and "update" in reader.op.traits:
        return "changes"
    if data["kind"] == "data" and data["at"] < len(names) and names[data["at"]].startswith("_"):
        return "shape"
    return str(data["kind"])


def common_dtype(links: Iterable[Link]) -> str:
    """The dtype of most links; float32 where there is none."""
    counts = Counter(link.spec.dtype.str for link in links if link.spec is not None)
    return numpy.dtype(counts.most_common(1)[0][0]).name if counts else "float32"
