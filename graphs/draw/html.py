"""A picture as one interactive page: no network, no server, no other file.

    draw.save("net.html", [loss])

Other pages hold the same viewer, as often as they like:

    html, data = fragment(picture, id="left")        # markup, and what the script needs, as plain values
    html2, data2 = fragment(other, id="right")
    css, js = style(data, data2), script()           # once a page, in <style> and <script>
    blocks = [data_block("left", data), data_block("right", data2)]
    csp = policy(styles=[css], scripts=[js])         # the content of a Content-Security-Policy that allows just these

In a page, ``diptych.viewers["left"]`` has ``highlight(names)``, ``show(name)`` and ``fit()``; ``boxes(picture)`` says what
the names stand for. Each viewer dispatches the event ``diptych:hover`` (it bubbles; its ``detail`` has ``viewer``, ``names``
and ``links``), and boxes with the same word from ``links=`` light up together in all viewers.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from graphs.core.quoting import fit
from graphs.draw.card import card, rows
from graphs.draw.labels import full_name, place, shorten, title
from graphs.draw.levels import Level, levels, prefix_of
from graphs.draw.picture import Item, Picture
from graphs.draw.scene import Scene, names, paint, scene
from graphs.draw.shades import variables
from graphs.draw.signs import colours, signs
from graphs.draw.sketch import drawing
from graphs.draw.style import LOOKS


Cards = Callable[[Item], Sequence[tuple[str, str]]]
"""Tells what is on an item's card: pairs of a label and what it says."""


Links = Callable[[Item], str | None]
"""Tells which boxes of several viewers belong together."""

_ENDING = re.compile(r"[<>&\u2028\u2029\x7f-\x9f\ud800-\udfff]")

WHOLE = 10**9
"""The budget of a picture that is folded here alone."""

AT_ONCE, LIMIT = 60, 1500
"""Boxes that are shown together, and boxes on a page: those in folds are laid out, too, and shown when a fold is opened."""


def page(
    picture: Picture,
    *,
    legend: bool = True,
    direction: str = "TB",
    cards: Cards | None = None,
    at_once: int = AT_ONCE,
    limit: int = LIMIT,
) -> str:
    """One HTML page that shows ``picture``, the same text for the same picture; arguments as for ``fragment``."""
    settings: dict[str, Any] = {"legend": legend, "direction": direction, "at_once": at_once, "limit": limit}
    html, data = fragment(picture, cards=cards, embedded=False, **settings)
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
    links: Links | None = None,
    embedded: bool = True,
    at_once: int = AT_ONCE,
    limit: int = LIMIT,
) -> tuple[Markup, dict[str, Any]]:
    """The markup of a viewer, and its data as plain values.

    Args:
        picture: what is shown.
        id: letters and digits; each viewer of a page needs another.
        cards: what the card of an item says, in place of the rows of ``card.card``.
        direction: ``"TB"`` or ``"LR"``.
        legend: whether there is a legend.
        label: what the viewer is called to those who cannot see it; the picture's title without one.
        links: a word for an item, or None; boxes with the same word in several viewers light up together.
        embedded: whether the viewer is a part of a longer page, which then keeps the wheel and the finger until it is used.
        at_once: boxes shown together; of a larger picture scopes and repeats fold, and open on a click.
        limit: boxes on the page, those inside folds included.
    """
    found = levels(picture, at_once, limit)
    scenes = [scene(level.shown, direction, prefix_of(at)) for at, level in enumerate(found)]
    entries = signs([level.shown for level in found]) if legend else []
    told = cards or _card
    data = {
        "direction": direction,
        "levels": [_level(level, shown) for level, shown in zip(found, scenes, strict=True)],
        **_data(scenes, links, told),
        "colours": sorted({colour for shown in scenes for colour in shown.colours} | colours(entries)),
    }
    html = _template("viewer.html").render(
        id=id,
        label=label or shorten(picture.title, 200) or "graph",
        embedded=embedded,
        drawings=[drawing(shown, id) for shown in scenes],
        bounds=" ".join(f"{each:g}" for each in scenes[0].bounds),
        scopes=any(shown.clusters for shown in scenes),
        legend=entries,
        paint=lambda colour: paint(colour, set()),
        dtype=picture.dtype,
    )
    return Markup(html), data


def boxes(picture: Picture, at_once: int = AT_ONCE, limit: int = LIMIT) -> dict[str, Item]:
    """The items that a viewer of ``picture`` shows on any level, by the names of their boxes."""
    found = enumerate(levels(picture, at_once, limit))
    return {prefix_of(at) + name: item for at, level in found for name, item in names(level.shown).items()}


def data_block(id: str, data: Mapping[str, Any]) -> Markup:  # noqa: A002
    """The data of viewer ``id`` for its page, in an element that no browser executes."""
    return Markup(f'<script type="application/json" id="{id}-data">{embedded_json(data)}</script>')


def embedded_json(value: Any) -> str:
    """``value`` as JSON in which no browser finds the end of an element, a comment, a tag or half a character."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _ENDING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def script() -> str:
    """The script of all viewers on a page."""
    return _text("viewer.js")


def style(*data: Mapping[str, Any]) -> str:
    """The style sheet of a page with the viewers of ``data``."""
    light, dark = variables(colour for each in data for colour in each["colours"])
    return _text("viewer.css").replace("/*LIGHT*/", light).replace("/*DARK*/", dark)


def policy(*, styles: Iterable[str], scripts: Iterable[str]) -> str:
    """The content of a Content-Security-Policy that allows these style sheets and scripts inline, and nothing else."""
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


def fitting(value: Any) -> Any:
    """What a template writes of a value: of a string, what a page may hold."""
    return fit(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("graphs.draw", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=fitting,
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


def _level(level: Level, shown: Scene) -> dict[str, Any]:
    title = shorten(level.shown.title, 60) or "graph"
    return {"title": title, "above": level.above, "owner": level.owner, "bounds": shown.bounds}


def _data(scenes: Sequence[Scene], links: Links | None, cards: Cards) -> dict[str, Any]:
    """What the script has to know of boxes, scopes and arrows; what several cards say is there once."""
    facts: dict[tuple[str, str], int] = {}
    made: dict[str, Any] = {}
    clusters: dict[str, Any] = {}
    arrows = []
    for level, shown in enumerate(scenes):
        for name, shape in shown.boxes.items():
            item = shown.items.get(name)
            made[name] = {
                "level": level,
                "frame": shape.frame,
                "title": title(item) if item is not None else " ".join(shape.words[:1]),
                "words": " ".join([*shape.words, *(_words(item) if item is not None else ())]),
                "in": shown.parent.get(name),
                "card": [facts.setdefault(fact, len(facts)) for fact in (cards(item) if item is not None else ())],
                "link": links(item) if item is not None and links is not None else None,
            }
        for name, shape in shown.clusters.items():
            label = shape.words[0] if shape.words else "scope"
            clusters[name] = {"level": level, "frame": shape.frame, "title": label, "in": shown.parent.get(name)}
        arrows += [[level, arrow.tail, arrow.head, arrow.kind, arrow.label] for arrow in shown.arrows]
    return {"boxes": made, "clusters": clusters, "arrows": arrows, "facts": list(facts)}


def _words(item: Item) -> list[str]:
    """What a search finds an item by, besides what is written in its box."""
    node = item.node
    found = [LOOKS[item.kind].word, item.phase, item.status, *item.scope]
    return [*found, *((full_name(node), node.op.name, place(node)) if node is not None else ())]


def _card(item: Item) -> list[tuple[str, str]]:
    return rows(card(item))
