"""A picture as a Mermaid flowchart, which wikis, Markdown pages and ``mermaid.js`` draw.

Every character of a label that means something to Mermaid, Markdown or HTML is written by its number (``#34;``), so that no
string of a user's program is ever taken for syntax.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphs.draw.labels import link_label, notes, shorten, title
from graphs.draw.outline import Group, Level, levels, scopes, told, walked
from graphs.draw.picture import Item, Link, Picture
from graphs.draw.style import CLUSTERS, FAINT, INK, LINES, MARKS, QUIET, Frame, Look, heat, line_of, look_of


SHAPES = {
    "placeholder": ("[/", "/]"),
    "variable": ("[(", ")]"),
    "constant": ("[", "]"),
    "input": ("[/", "/]"),
    "random": ("([", "])"),
    "control": ("{{", "}}"),
    "outside": (">", "]"),
    "fold": ("[[", "]]"),
}
"""The brackets that give a kind of node its outline; others are round at the corners."""

ARROWS = {"data": "-->", "gradient": "==>", "body": "---"}
"""The arrow of a kind of link; others are dotted."""

BODY = Frame("", "#fffdf9", FAINT, style="rounded,dashed")
"""The frame around a body."""

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._,()/=+\u00d7\u2192\u2026\u00b7")
_DASHES = {"dashed": "6 3", "dotted": "2 3"}


def mermaid(picture: Picture, *, legend: bool = True, direction: str = "TB") -> bytes:
    """The flowchart as text in UTF-8, the same bytes for the same picture; ``legend`` names the dtype of most values."""
    return "".join(f"{line}\n" for line in _lines(picture, direction, legend)).encode()


def label(text: str) -> str:
    """``text`` as the inside of a quoted label."""
    return "".join(c if c in _PLAIN else f"#{ord(c)};" for c in shorten(text, 200))


def _lines(picture: Picture, direction: str, legend: bool) -> Iterator[str]:
    if picture.title:
        yield from ("---", f'title: "{_yaml(shorten(picture.title, 90))}"', "---")
    yield f"flowchart {direction}"
    if legend:
        yield f'  legend["{label(picture.dtype)} unless noted"]'
        yield f"  style legend fill:none,stroke:none,color:{QUIET}"
    every = list(levels(picture))
    bodies: dict[str, list[Level]] = {}
    for level in every[1:]:
        bodies.setdefault(level.owner, []).append(level)
    fills = list(_fills(every))
    used: dict[str, Look] = {}
    frames: dict[str, list[str]] = {}
    for level in every:
        if not level.owner:
            yield from _boxes(level, bodies, used, frames, direction)
    strokes: dict[tuple[str, str], list[int]] = {}
    count = 0
    for level in every:
        for link in level.picture.links:
            line = line_of(link.kind, link.status)
            strokes.setdefault((line.colour, _DASHES.get(line.style, "")), []).append(count)
            count += 1
            yield f"  {_link(link, level, picture.dtype)}"
        if level.owner:
            strokes.setdefault((LINES["body"].colour, ""), []).append(count)
            count += 1
            yield f"  {level.owner} {ARROWS['body']} {_frame(level)}"
    for name, look in used.items():
        dash = _dash(look)
        yield f"  classDef {name} fill:{look.fill},stroke:{look.line},color:{INK},stroke-width:{look.width:g}px{dash}"
    for kind, names in frames.items():
        frame = CLUSTERS.get(kind, BODY)
        dash = _dash(frame)
        name = f"frame_{kind.replace(' ', '_')}"
        yield f"  classDef {name} fill:{frame.fill},stroke:{frame.line},color:{frame.ink}{dash}"
        yield f"  class {','.join(names)} {name}"
    yield from fills
    for (colour, dash), places in strokes.items():
        yield f"  linkStyle {','.join(map(str, places))} stroke:{colour}" + (f",stroke-dasharray:{dash}" if dash else "")


def _yaml(text: str) -> str:
    """The inside of a quoted string of YAML; Mermaid reads a title as markup, so that angle brackets are exchanged."""
    text = text.replace("<", "\u2039").replace(">", "\u203a")
    return "".join(c if c.isascii() and (c.isalnum() or c in " ,.") else f"\\U{ord(c):08x}" for c in text)


def _dash(look: Look | Frame) -> str:
    found = next((dash for word, dash in _DASHES.items() if word in look.style), "")
    return f",stroke-dasharray:{found}" if found else ""


def _fills(every: Iterable[Level]) -> Iterator[str]:
    """The colours of boxes by a measure."""
    for level in every:
        scale = level.picture.scale
        for item in level.picture.items if scale is not None else ():
            if scale is not None and scale.name in item.numbers:
                yield f"  style {level.name[item.key]} fill:{heat(scale.place(item.numbers[scale.name]))}"


def _frame(level: Level) -> str:
    """The identifier of the frame around a body: that of its boxes without their number."""
    return f"b{next(iter(level.name.values()), level.owner).rpartition('_')[0]}"


def _boxes(
    whole: Level, bodies: dict[str, list[Level]], used: dict[str, Look], frames: dict[str, list[str]], direction: str
) -> Iterator[str]:
    """The boxes of a picture inside their scopes, then the frames of bodies, frames within frames."""
    stack: list[tuple[Level, int, bool]] = [(whole, 0, False)]
    number = 0
    while stack:
        level, depth, done = stack.pop()
        pad = "  " * (depth + 1)
        if done:
            yield f"{'  ' * depth}end"
            continue
        if level.owner:
            yield f'{"  " * depth}subgraph {_frame(level)}["{label(f"{level.word}: {level.picture.title}")}"]'
            yield f"{pad}direction {direction}"
            stack.append((level, depth, True))
            frames.setdefault("body", []).append(_frame(level))
        shown = told(level.picture)
        inner: list[Level] = []
        for below, member in walked(scopes(level.picture)):
            if member is None:
                yield f"{pad}{'  ' * below}end"
            elif isinstance(member, Group):
                number += 1
                yield f'{pad}{"  " * below}subgraph s{number}["{label(member.scope[-1])}"]'
                frames.setdefault(level.picture.clusters.get(member.scope, "scope"), []).append(f"s{number}")
            else:
                look = look_of(member.kind, member.status)
                kind = f"{member.kind}_{member.status}" if member.status else member.kind
                kind += "_root" if member.root else ""
                used.setdefault(kind, look if not member.root else _thicker(look))
                words = _words(member, notes(member, last=member.key not in shown, dtype=whole.picture.dtype))
                left, right = SHAPES.get(member.kind, ("(", ")"))
                name = level.name[member.key]
                yield f'{pad}{"  " * below}{name}{left}"{words}"{right}:::{kind}'
                inner += bodies.get(name, [])
        stack += [(each, depth + 1, False) for each in reversed(inner)]


def _thicker(look: Look) -> Look:
    return Look(look.word, look.fill, look.line, look.shape, look.style, look.width + 1)


def _words(item: Item, small: Iterable[str]) -> str:
    head = f"{MARKS[item.status]} {title(item)}" if item.status in MARKS else title(item)
    return "<br/>".join([label(head), *(f"<small>{label(note)}</small>" for note in small)])


def _link(link: Link, level: Level, dtype: str) -> str:
    line = line_of(link.kind, link.status)
    ends = [level.name[link.tail], level.name[link.head]]
    tail, head = reversed(ends) if line.back else ends
    words = link_label(link, dtype, level.picture.show)
    words = words or (line.word if link.kind in ("control", "changes") else "")
    arrow = ARROWS.get(link.kind, "-.->")
    said = "<br/>".join(label(part) for part in words.split("\n"))
    return f'{tail} {arrow}|"{said}"| {head}' if words else f"{tail} {arrow} {head}"
