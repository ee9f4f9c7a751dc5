"""What pages of comparisons share: templates, policy, viewers, and two graphs with their counterparts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from graphs.compare import plots
from graphs.compare.matching import Matching
from graphs.compare.sections import Context, without_folders
from graphs.compare.words import plural
from graphs.draw import html
from graphs.draw.labels import place, title
from graphs.draw.picture import Item, Picture


COLOURS = ("first", "second")
"""What the two sides' colours are called in the style sheet."""

WORDS = {
    "programs": "Both programs",
    "graphs": "Both graphs",
    "certificate": "Certificate of equality",
    "losses": "Losses",
    "pace": "Steps a second",
    "time": "Where the time goes",
    "memory": "Memory over a step",
    "kernels": "Kernels and temporaries",
    "passes": "What the passes do",
    "breakeven": "When building a graph has paid",
    "machine": "Machine and versions",
}
"""The sections in order, with their headings; those that there is nothing for are left out."""


def render(found: Context, viewers: Viewers, **more: Any) -> str:
    """The page with the sections of ``found``; ``more`` is what its head says."""
    environment = _environment()
    styles = [html.style(*viewers.data), _text("report.css")]
    scripts = [html.script(), _text("report.js")]
    contents = [{"id": name, "word": word} for name, word in WORDS.items() if name in found]
    return environment.get_template("report.html").render(
        **found,
        **more,
        contents=contents,
        install=plots.INSTALL,
        policy=html.policy(styles=styles, scripts=scripts),
        styles=[Markup(text) for text in styles],
        scripts=[Markup(text) for text in scripts],
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("graphs.compare", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=html.fitting,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"plural": plural, "json": _json}
    return made


def _json(value: Any) -> Markup:
    """``value`` for a data block."""
    return Markup(html.embedded_json(value))


def _text(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


class Viewers:
    """The viewers of a page: each needs an id of its own, and the style sheet needs the data of all."""

    def __init__(self) -> None:
        self.data: list[dict[str, Any]] = []

    def add(self, picture: Picture, label: str, **settings: Any) -> tuple[str, Markup, Markup]:
        """A viewer's id, its markup and its data block; ``settings`` as for ``html.fragment``."""
        id = f"view{len(self.data) + 1}"  # noqa: A001
        markup, data = html.fragment(picture, id=id, label=label, **settings)
        self.data.append(data)
        return id, markup, html.data_block(id, data)


def graphs(
    sides: Sequence[str],
    pictures: Mapping[str, Picture],
    matching: Matching | None,
    programs: Sequence[Path],
    viewers: Viewers,
    words: str,
) -> Context:
    """Two graphs beside each other, by the names of their sides, and what has no counterpart."""
    groups = {} if matching is None else matching.groups()
    shown: list[Context] = []
    for side, colour in zip(sides, COLOURS, strict=True):
        if side not in pictures:
            continue
        picture, link = pictures[side], _links(groups, side)
        id, viewer, block = viewers.add(picture, f"graph, {side}", links=link)  # noqa: A001
        nodes = {
            name: {"title": title(item), "line": place(item.node), "group": link(item)}
            for name, item in html.boxes(picture).items()
            if item.node is not None
        }
        told = {"word": side, "colour": colour, "note": html.summary(picture), "viewer": viewer, "block": block}
        shown.append({**told, "data": {"mode": side, "viewer": id, "nodes": nodes}})
    found = [] if matching is None else _alone(matching, programs)
    return {
        "words": words,
        "sides": shown,
        "matched": matching is not None,
        "alone": found,
        "alone_words": "" if matching is None else _alone_words(sides, matching),
    }


def _alone(matching: Matching, programs: Sequence[Path]) -> list[Context]:
    """The nodes without counterpart; those alike are one row that counts them."""
    found: Counter[tuple[str, ...]] = Counter()
    for each in matching.alone:
        where, why = (without_folders(text, programs) for text in (each.where, each.why))
        found[each.mode, each.op, each.name.rsplit("/", 1)[-1], why, where] += 1
    names = ("mode", "op", "name", "why", "line")
    return [{**dict(zip(names, row, strict=True)), "times": times} for row, times in found.items()]


def _alone_words(sides: Sequence[str], matching: Matching) -> str:
    counts = [sum(each.mode == side for each in matching.alone) for side in sides]
    told = " and ".join(f"{plural(number, 'node')} of {side}" for side, number in zip(sides, counts, strict=True))
    return f"{told} have nothing beside them. That is the difference between the two graphs:"


def _links(groups: Mapping[tuple[str, int, str], int], mode: str) -> Callable[[Item], str | None]:
    """Tells an item's group of counterparts as a word."""

    def link(item: Item) -> str | None:
        number = None if item.node is None else groups.get((mode, item.node.serial, item.phase))
        return None if number is None else f"m{number}"

    return link


def marked(sides: Sequence[Context]) -> set[str]:
    """The source lines that made nodes."""
    return {node["line"] for side in sides for node in side["data"]["nodes"].values() if node["line"]}
