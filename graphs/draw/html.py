"""A picture as one interactive page: no network, no server, no other file.

    draw.save("net.html", [loss])

Other pages hold the same viewer, as often as they like:

    html, data = fragment(picture, id="left")        # markup, and what the script needs, as plain values
    html2, data2 = fragment(other, id="right")
    css, js = style(data, data2), script()           # once a page, in <style> and <script>
    blocks = [data_block("left", data), data_block("right", data2)]
    csp = policy(styles=[css], scripts=[js])         # the content of a Content-Security-Policy that allows just these

In a page, ``diptych.viewers["left"]`` has ``highlight(names)``, ``show(name)``, ``fit()``; each viewer dispatches ``diptych:hover``
(bubbling; ``detail`` has ``viewer``, ``names`` and ``links``), and boxes whose ``links`` have the same words light up in all viewers.
"""

from __future__ import annotations

import base64
import hashlib
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from graphs.draw.card import card, rows
from graphs.draw.labels import full_name, place, shorten, title
from graphs.draw.picture import Item, Picture
from graphs.draw.scene import Arrow, Scene, Shape, scene
from graphs.draw.shades import variables
from graphs.draw.style import EDGE_STATUSES, LINES, LOOKS, MARKS, STATUSES, Line, Look, line_of


Cards = Callable[[Item], Sequence[tuple[str, str]]]
"""Tells what is on an item's card: pairs of a label and what it says."""

DASHES = {"dashed": "5,2", "dotted": "1,5", "bold": "none", "solid": "none"}


def page(picture: Picture, *, legend: bool = True, direction: str = "TB", cards: Cards | None = None) -> str:
    """One HTML page that shows ``picture``, the same text for the same picture."""
    html, data = fragment(picture, cards=cards, direction=direction, legend=legend, embedded=False)
    css, js = style(data), script()
    return _template("page.html").render(
        title=shorten(picture.title, 200) or "graph",
        summary=summary(picture),
        policy=policy(styles=[css], scripts=[js]),
        style=Markup(css),
        script=Markup(js),
        viewer=html,
        data=data_block("graph", data),
    )


def fragment(
    picture: Picture,
    *,
    id: str = "graph",  # noqa: A002
    cards: Cards | None = None,
    direction: str = "TB",
    legend: bool = True,
    label: str = "",
    links: Mapping[int, str] | None = None,
    embedded: bool = True,
) -> tuple[Markup, dict[str, Any]]:
    """The markup of a viewer, and its data as plain values.

    Args:
        picture: what is shown.
        id: letters and digits; each viewer of a page needs another.
        cards: what the card of an item says, in place of the rows of ``card.card``.
        direction: ``"TB"`` or ``"LR"``.
        legend: whether there is a legend.
        label: what the viewer is called to those who cannot see it; the picture's title without one.
        links: words by nodes' serials; boxes with the same word in several viewers light up together.
        embedded: whether the viewer is a part of a longer page, which then keeps the wheel and the finger until it is used.
    """
    shown = scene(picture, direction)
    data = _data(shown, picture, links or {}, cards or _card)
    html = _template("viewer.html").render(
        id=id,
        label=label or shorten(picture.title, 200) or "graph",
        embedded=embedded,
        drawing=_drawing(shown, id),
        bounds=" ".join(f"{each:g}" for each in shown.bounds),
        scopes=[(name, shape.words[0] if shape.words else "") for name, shape in shown.clusters.items()],
        legend=_legend(picture, shown.colours) if legend else (),
        dtype=picture.dtype,
    )
    data["colours"] = sorted(shown.colours)
    return Markup(html), data


def data_block(id: str, data: Mapping[str, Any]) -> Markup:  # noqa: A002
    """The data of viewer ``id`` for its page, in an element that no browser executes."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(f'<script type="application/json" id="{id}-data">{text}</script>')


def script() -> str:
    """The script of all viewers on a page."""
    return _text("viewer.js")


def style(*data: Mapping[str, Any]) -> str:
    """The style sheet of a page with the viewers of ``data``."""
    light, dark = variables(colour for each in data for colour in each["colours"])
    return _text("viewer.css").replace("/*LIGHT*/", light).replace("/*DARK*/", dark)


def policy(*, styles: Iterable[str], scripts: Iterable[str]) -> str:
    """The content of a Content-Security-Policy that allows inline these style sheets and scripts, and nothing else at all."""
    allowed = {"style-src": map(_digest, styles), "script-src": map(_digest, scripts)}
    rules = ["default-src 'none'", *(f"{name} {' '.join(digests)}" for name, digests in allowed.items())]
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def summary(picture: Picture) -> str:
    """How much a picture shows, in words."""
    boxes = sum(len(shown.items) for shown in picture.inside())
    nodes = sum(item.count for shown in picture.inside() for item in shown.items)
    found = [f"{boxes:,} box{'es' * (boxes != 1)}"]
    if nodes > boxes:
        found.append(f"{nodes:,} nodes")
    return " · ".join([*found, f"{picture.dtype} unless noted"])


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("graphs.draw", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _template(name: str) -> Any:
    return _environment().get_template(name)


@cache
def _text(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _drawing(shown: Scene, prefix: str) -> Markup:
    """The scene's groups as markup: scopes below arrows below boxes, each with its name for the script."""
    top = ElementTree.Element("g", {"transform": f"translate({shown.shift[0]:g} {shown.shift[1]:g})"})
    layers = {name: ElementTree.SubElement(top, "g", {"class": f"dp-{name}"}) for name in ("clusters", "arrows", "boxes")}
    layers["arrows"].set("aria-hidden", "true")
    for name, shape in shown.clusters.items():
        label = shape.words[0] if shape.words else "scope"
        group = _named(layers["clusters"], shape, prefix, name, "dp-cluster")
        group.attrib |= {"role": "button", "aria-expanded": "true", "aria-label": f"scope {label}"}
    for at, arrow in enumerate(shown.arrows):
        group = arrow.shape.group
        group.attrib |= {"class": f"dp-arrow dp-{arrow.kind}", "id": f"{prefix}-e{at}"}
        layers["arrows"].append(group)
    for name, shape in shown.boxes.items():
        group = _named(layers["boxes"], shape, prefix, name, "dp-box")
        group.attrib |= {"role": "button", "aria-label": _spoken(shown.items.get(name), shape)}
    return Markup(ElementTree.tostring(top, encoding="unicode"))


def _named(layer: ElementTree.Element, shape: Shape, prefix: str, name: str, kind: str) -> ElementTree.Element:
    shape.group.attrib |= {"class": kind, "id": f"{prefix}-{name}", "data-name": name, "tabindex": "-1"}
    layer.append(shape.group)
    return shape.group


def _spoken(item: Item | None, shape: Shape) -> str:
    kind = (LOOKS[item.kind].word,) if item is not None else ()
    return ", ".join(dict.fromkeys([*shape.words, *kind]))


def _data(shown: Scene, picture: Picture, links: Mapping[int, str], cards: Cards) -> dict[str, Any]:
    """What the script has to know, as plain values; what several cards say is there once."""
    facts: dict[tuple[str, str], int] = {}
    boxes = {}
    for name, shape in shown.boxes.items():
        item = shown.items.get(name)
        told = cards(item) if item is not None else []
        boxes[name] = {
            "frame": shape.frame,
            "title": title(item) if item is not None else " ".join(shape.words[:1]),
            "words": " ".join([*shape.words, *(_words(item) if item is not None else ())]),
            "in": shown.parent.get(name),
            "card": [facts.setdefault(fact, len(facts)) for fact in told],
            "link": links.get(item.node.serial) if item is not None and item.node is not None else None,
        }
    clusters = {
        name: {"frame": shape.frame, "title": shape.words[0] if shape.words else "scope", "in": shown.parent.get(name)}
        for name, shape in shown.clusters.items()
    }
    return {
        "bounds": shown.bounds,
        "boxes": boxes,
        "clusters": clusters,
        "arrows": [_arrow(arrow) for arrow in shown.arrows],
        "facts": list(facts),
    }


def _arrow(arrow: Arrow) -> list[str]:
    return [arrow.tail, arrow.head, arrow.kind, arrow.label]


def _words(item: Item) -> list[str]:
    """What a search finds an item by, besides what is written in its box."""
    node = item.node
    found = [LOOKS[item.kind].word, item.phase, item.status, *item.scope]
    return [*found, *((full_name(node), node.op.name, place(node)) if node is not None else ())]


def _card(item: Item) -> list[tuple[str, str]]:
    return rows(card(item))


def _legend(picture: Picture, colours: set[str]) -> list[tuple[str, Any, str]]:
    """What occurs in a picture, in the order of the tables of looks: the sort of sign, its look and its word."""
    every = list(picture.inside())
    statuses = {item.status for shown in every for item in shown.items} - {""}
    kinds = {item.kind for shown in every for item in shown.items}
    looks: dict[str, Look] = STATUSES if statuses else LOOKS
    found: list[tuple[str, Any, str]] = []
    for kind, look in looks.items():
        if kind in (statuses or kinds):
            colours |= {look.fill, look.line}
            found.append(("box", look, MARKS.get(kind, "") if statuses else ""))
    edges = {link.status for shown in every for link in shown.links}
    lines = {link.kind for shown in every for link in shown.links if link.status not in EDGE_STATUSES}
    strokes: list[Line] = [line for status, line in EDGE_STATUSES.items() if status in edges]
    strokes += [line_of(kind, "kept" if statuses else "") for kind, line in LINES.items() if kind in lines and line.word]
    for line in strokes:
        colours.add(line.colour)
        found.append(("line", line, DASHES.get(line.style, "none")))
    return found
