"""A laid-out picture for a browser: one SVG group for each box, arrow and scope, and what a script has to know of them.

Graphviz's SVG is taken apart and only shapes and words are kept, with a colour as a CSS variable that has it as its default.
So nothing but text can come from a program's names, and a page decides about light and dark.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from graphs.draw.dot import dot
from graphs.draw.labels import link_label
from graphs.draw.layout import render
from graphs.draw.picture import Item, Link, Picture
from graphs.draw.style import line_of


SHAPES = frozenset({"polygon", "polyline", "path", "ellipse", "text"})
KEPT = (
    *("points", "d", "cx", "cy", "rx", "ry", "x", "y", "text-anchor", "font-size", "font-weight", "font-style"),
    *("text-decoration", "stroke-width", "stroke-dasharray", "fill-opacity", "stroke-opacity"),
)
"""What is kept of Graphviz's SVG, besides colours."""

WIDTH = 4.4
"""About how wide a letter beside an arrow is: these words are centred, and may stand at the edge of a picture."""

FEW_ARROWS = 60
"""Arrows up to which a level below the first has curved ones: there are many levels, and 100 took 3 s in place of 0.2."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_MOVED = re.compile(r"translate\(([^ )]+)[ ,]([^)]+)\)")
_OPENS = re.compile(r"^\s*subgraph (?:(\w+) )?\{$|^\s*\{$")
_DEFINES = re.compile(r"^\s*(\w+) \[")

Frame = tuple[float, float, float, float]
"""Left, top, width and height."""


@dataclass(slots=True)
class Shape:
    """A box, an arrow or a scope: its drawn group, the frame around it, and its words."""

    group: ElementTree.Element
    frame: Frame
    words: list[str]


@dataclass(slots=True)
class Arrow:
    """An arrow from box ``tail`` to box ``head``, where its point is."""

    shape: Shape
    tail: str
    head: str
    kind: str
    label: str = ""


@dataclass(slots=True)
class Scene:
    """What is drawn, by the names of boxes and clusters in the DOT text.

    Attributes:
        items: the item of each box.
        boxes: the boxes, in the order of the picture.
        clusters: the frames around boxes, those outside first.
        arrows: the arrows.
        parent: for each box and cluster the cluster just around it.
        bounds: the frame around everything.
        shift: what has to be added to coordinates inside the groups.
        colours: every colour that occurs, as ``#rrggbb``.
    """

    items: dict[str, Item]
    boxes: dict[str, Shape] = field(default_factory=dict)
    clusters: dict[str, Shape] = field(default_factory=dict)
    arrows: list[Arrow] = field(default_factory=list)
    parent: dict[str, str] = field(default_factory=dict)
    bounds: Frame = (0, 0, 1, 1)
    shift: tuple[float, float] = (0, 0)
    colours: set[str] = field(default_factory=set)


def scene(picture: Picture, direction: str = "TB", prefix: str = "") -> Scene:
    """``picture`` laid out, without its title and legend, which a page has in words; all names begin with ``prefix``."""
    source = dot(replace(picture, title=""), legend=False, direction=direction)
    if prefix and source.count(" -> ") > FEW_ARROWS:
        source = source.replace("{\n", "{\n\tgraph [splines=line nslimit=4 nslimit1=4]\n", 1)
    graph = ElementTree.fromstring(render(source, "svg"))[0]
    made = Scene({prefix + name: item for name, item in names(picture).items()})
    made.parent = {prefix + name: prefix + around for name, around in _parents(source.splitlines()).items()}
    _join_bodies(made)
    moved = _MOVED.search(graph.get("transform", ""))
    shift = made.shift = (float(moved[1]), float(moved[2])) if moved else (0.0, 0.0)
    links = _links(picture)
    for group in graph:
        kind = group.get("class")
        if kind not in ("node", "edge", "cluster"):
            continue
        name = prefix + (group[0].text or "")
        shape = _shape(group, shift, made.colours)
        if kind == "node":
            made.boxes[name] = shape
        elif kind == "cluster":
            made.clusters[name] = shape
        else:
            made.arrows.append(_arrow(shape, group[0].text or "", links, prefix))
    made.boxes = {name: made.boxes[name] for name in dict.fromkeys((*made.items, *made.boxes)) if name in made.boxes}
    made.parent = {name: around for name, around in made.parent.items() if around in made.clusters}
    made.bounds = _around([shape.frame for shape in (*made.boxes.values(), *made.clusters.values(), *_shapes(made.arrows))])
    return made


def names(picture: Picture) -> dict[str, Item]:
    """The items of a picture and of the bodies in it, by the names that ``dot`` gives them."""
    found = {}
    stack = [(picture, "n")]
    while stack:
        shown, prefix = stack.pop()
        for at, item in enumerate(shown.items, 1):
            name = f"{prefix}{at}"
            found[name] = item
            stack += [(body, f"{name}_{number}_") for number, (_, body) in enumerate(item.bodies)]
    return found


def _links(picture: Picture) -> dict[tuple[str, str], list[tuple[Link, str]]]:
    """The links between each two boxes in the order in which they are written, with their words, latest first."""
    found: dict[tuple[str, str], list[tuple[Link, str]]] = {}
    stack = [(picture, "n")]
    while stack:
        shown, prefix = stack.pop()
        name_of = {item.key: f"{prefix}{at}" for at, item in enumerate(shown.items, 1)}
        for link in reversed(shown.links):
            ends = (link.head, link.tail) if link.upwards else (link.tail, link.head)
            pair = name_of[ends[0]], name_of[ends[1]]
            found.setdefault(pair, []).append((link, link_label(link, shown.dtype, shown.show)))
        for at, item in enumerate(shown.items, 1):
            stack += [(body, f"{prefix}{at}_{number}_") for number, (_, body) in enumerate(item.bodies)]
    return found


def _arrow(shape: Shape, name: str, links: dict[tuple[str, str], list[tuple[Link, str]]], prefix: str) -> Arrow:
    tail, _, head = name.partition("->")
    known = links.get((tail, head))
    if not known:
        return Arrow(shape, prefix + tail, prefix + head, "body")
    link, label = known.pop()
    if link.upwards or line_of(link.kind, link.status).back:
        tail, head = head, tail
    return Arrow(shape, prefix + tail, prefix + head, link.kind, label)


def _parents(lines: Iterable[str]) -> dict[str, str]:
    """The cluster just around each box and cluster, read off the DOT text, which has a statement a line."""
    parent: dict[str, str] = {}
    open_: list[str] = []
    for line in lines:
        if opens := _OPENS.match(line):
            name = opens[1] or ""
            if name.startswith("cluster") and open_ and open_[-1]:
                parent[name] = open_[-1]
            open_.append(name if name.startswith("cluster") else open_[-1] if open_ else "")
        elif line.strip() == "}":
            if open_:
                open_.pop()
        elif (defines := _DEFINES.match(line)) and open_ and open_[-1] and defines[1] not in ("graph", "node", "edge"):
            parent.setdefault(defines[1], open_[-1])
    return parent


def _join_bodies(made: Scene) -> None:
    """Let the cluster of a body, which lies outside of all scopes, belong to the scope of the box that has the body."""
    for name in made.items:
        owner = name.rsplit("_", 2)[0]
        if owner != name and owner in made.parent:
            top = _outermost(made, name)
            if top != name and top != _outermost(made, owner):
                made.parent[top] = made.parent[owner]


def _outermost(made: Scene, name: str) -> str:
    while name in made.parent:
        name = made.parent[name]
    return name


def _shape(group: ElementTree.Element, shift: tuple[float, float], colours: set[str]) -> Shape:
    """The shapes and words of one of Graphviz's groups in a group of their own."""
    made = ElementTree.Element("g")
    points: list[tuple[float, float]] = []
    words = []
    for each in group.iter():
        tag = each.tag.rpartition("}")[2]
        if tag not in SHAPES:
            continue
        leaf = ElementTree.SubElement(made, tag, {name: each.get(name, "") for name in KEPT if each.get(name) is not None})
        for name in ("fill", "stroke"):
            if (colour := each.get(name)) is not None:
                leaf.set(name, paint(colour, colours))
        if tag == "text":
            leaf.text = each.text
            words.append((each.text or "").strip())
            if group.get("class") == "edge":
                x, y, half = float(each.get("x", "0")), float(each.get("y", "0")), len(each.text or "") * WIDTH / 2
                points += [(x - half, y), (x + half, y)]
        else:
            points += _points(each, tag)
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    top, bottom = min(y for _, y in points), max(y for _, y in points)
    frame = (round(left + shift[0], 2), round(top + shift[1], 2), round(right - left, 2), round(bottom - top, 2))
    return Shape(made, frame, [word for word in words if word])


def paint(colour: str, colours: set[str]) -> str:
    """A colour as a CSS variable with itself as default; noted in ``colours``."""
    plain = {"black": "#000000", "white": "#ffffff"}.get(colour, colour)
    if not re.fullmatch(r"#[0-9a-f]{6}", plain):
        return plain
    colours.add(plain)
    return f"var(--c-{plain[1:]}, {plain})"


def _points(shape: ElementTree.Element, tag: str) -> Iterator[tuple[float, float]]:
    if tag == "ellipse":
        x, y, rx, ry = (float(shape.get(name, "0")) for name in ("cx", "cy", "rx", "ry"))
        yield from ((x - rx, y - ry), (x + rx, y + ry))
        return
    numbers = [float(each) for each in _NUMBER.findall(shape.get("points") or shape.get("d") or "")]
    yield from zip(numbers[::2], numbers[1::2], strict=False)


def _shapes(arrows: Iterable[Arrow]) -> Iterator[Shape]:
    return (arrow.shape for arrow in arrows)


def _around(frames: list[Frame]) -> Frame:
    if not frames:
        return 0, 0, 1, 1
    left, top = min(x for x, _, _, _ in frames), min(y for _, y, _, _ in frames)
    right, bottom = max(x + w for x, _, w, _ in frames), max(y + h for _, y, _, h in frames)
    return round(left, 2), round(top, 2), round(right - left, 2), round(bottom - top, 2)
