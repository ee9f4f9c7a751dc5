"""The report as one HTML page that needs nothing else: no network, no server, no other file.

Words of a user's program reach the page through templates that escape them, through text nodes, and through data that no
browser runs; a strict Content-Security-Policy lets nothing run but the page's own scripts, by their digests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from graphs.compare import plots, sections, spending
from graphs.compare.exhibits import STAGE_BUDGET, Exhibits, Plan
from graphs.compare.report import Report
from graphs.compare.sections import Context
from graphs.compare.words import plural
from graphs.draw import html
from graphs.draw.labels import place, title
from graphs.draw.picture import Item, Picture


COLOURS = ("first", "second")
"""What the two modes' colours are called in the style sheet."""

WORDS = {
    "programs": "Both programs",
    "graphs": "Both graphs",
    "certificate": "Certificate of equality",
    "losses": "Losses",
    "time": "Where the time goes",
    "memory": "Memory over a step",
    "kernels": "Kernels and temporaries",
    "passes": "What the passes do",
    "breakeven": "When building a graph has paid",
    "machine": "Machine and versions",
}
"""The sections in order, with their headings; those that a report has nothing for are left out."""


def page(report: Report, exhibits: Exhibits) -> str:
    """The report as a page. Where matplotlib is missing, tables stand alone and the page says what to install."""
    viewers = _Viewers()
    drawn = plots.available()
    found: Context = {
        "programs": sections.programs(exhibits, report.modes, _programs_words(report)),
        "graphs": _graphs(report, exhibits, viewers),
        "certificate": sections.certificate(report),
        "losses": sections.losses(report.agreement.losses, report.modes, _losses_words(report), drawn),
        "time": spending.time(report, drawn),
        "memory": spending.memory(report, drawn),
        "kernels": spending.kernels(report),
        "breakeven": spending.breakeven(report, drawn),
        "machine": sections.machines(),
    }
    found = {name: section for name, section in found.items() if section is not None}
    if exhibits.plans:
        pictures = _stages(exhibits.plans, viewers)
        found["passes"] = sections.passes(
            exhibits.plans, pictures, [_PASSES, *(str(each).splitlines()[0] for each in report.passes)]
        )
    data = {
        "sides": [side["data"] for side in found["graphs"]["sides"]],
        "certificate": found["certificate"].pop("data"),
    }
    return _render(
        found,
        viewers,
        title=report.path.name,
        modes=report.modes,
        lead=_LEAD,
        verdict={"equal": report.agreement.difference is None, "words": _verdict(report)},
        tiles=spending.tiles(report),
        command=f"diptych compare {report.path.name} --out …",
        marked=_marked(found["graphs"]["sides"]),
        data=data,
    )


_LEAD = (
    "The same model, written as a static graph that is built once and run many times, and as a dynamic program whose "
    "operations run at once and are recorded on a tape. Both call the same kernels."
)

_PASSES = (
    "Before a static graph runs, passes rewrite it. Move along: what stayed, what came, what went and what became another "
    "node, with the cost before and after. On paper all stages follow each other."
)


def _render(found: Context, viewers: _Viewers, **more: Any) -> str:
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
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"plural": plural, "json": _json}
    return made


def _json(value: Any) -> Markup:
    """``value`` for a data block, in which no browser finds an end of it, a comment or a tag."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _text(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


class _Viewers:
    """The viewers of a page: each needs an id of its own, and the style sheet needs the data of all."""

    def __init__(self) -> None:
        self.data: list[dict[str, Any]] = []

    def add(self, picture: Picture, label: str, **settings: Any) -> tuple[str, Markup, Markup]:
        """A viewer's id, its markup and its data block; ``settings`` as for ``html.fragment``."""
        id = f"view{len(self.data) + 1}"  # noqa: A001
        markup, data = html.fragment(picture, id=id, label=label, **settings)
        self.data.append(data)
        return id, markup, html.data_block(id, data)


def _graphs(report: Report, exhibits: Exhibits, viewers: _Viewers) -> Context:
    matching = exhibits.matching
    groups = {} if matching is None else matching.groups()
    sides: list[Context] = []
    for mode, colour in zip(report.modes, COLOURS, strict=True):
        picture = exhibits.pictures[mode]
        link = _links(groups, mode)
        id, viewer, block = viewers.add(picture, f"graph of the {mode} form", links=link)  # noqa: A001
        nodes = {
            name: {"title": title(item), "line": place(item.node), "group": link(item)}
            for name, item in html.boxes(picture).items()
            if item.node is not None
        }
        side = {"word": mode, "colour": colour, "note": html.summary(picture), "viewer": viewer, "block": block}
        sides.append({**side, "data": {"mode": mode, "viewer": id, "nodes": nodes}})
    alone = sections.alone(exhibits, report.path)
    return {
        "words": _graphs_words(report, exhibits),
        "sides": sides,
        "matched": matching is not None,
        "alone": alone,
        "alone_words": _alone_words(report, exhibits),
    }


def _links(groups: Mapping[tuple[str, int, str], int], mode: str) -> Callable[[Item], str | None]:
    """Tells an item's group of counterparts as a word."""

    def link(item: Item) -> str | None:
        number = None if item.node is None else groups.get((mode, item.node.serial, item.phase))
        return None if number is None else f"m{number}"

    return link


def _marked(sides: Sequence[Context]) -> set[str]:
    """The source lines that made nodes."""
    return {node["line"] for side in sides for node in side["data"]["nodes"].values() if node["line"]}


def _stages(plans: Sequence[Plan], viewers: _Viewers) -> dict[tuple[int, int], Markup]:
    found = {}
    for number, plan in enumerate(plans):
        for at, frame in enumerate(plan.frames):
            _, viewer, block = viewers.add(frame.picture, f"run {number + 1}, {frame.word}", at_once=STAGE_BUDGET)
            found[number, at] = viewer + block
    return found


def _programs_words(report: Report) -> str:
    return (
        f"What {report.path.name} does in either form. Lines whose number is underlined made nodes: point at one, or come "
        "to it with Tab, and its nodes light up in both graphs, with the lines of their counterparts."
    )


def _graphs_words(report: Report, exhibits: Exhibits) -> str:
    first, second = report.modes
    words = f"What one step of the {first} form runs, and what one step of the {second} form leaves on its tape."
    if exhibits.matching is not None:
        pairs = len(exhibits.matching.pairs)
        words += (
            f" {plural(pairs, 'pair')} of nodes compute the same: found by the bits of their results, then by their place."
        )
    return words


def _alone_words(report: Report, exhibits: Exhibits) -> str:
    assert exhibits.matching is not None
    counts = [sum(each.mode == mode for each in exhibits.matching.alone) for mode in report.modes]
    told = " and ".join(
        f"{plural(number, 'node')} of the {mode} form" for mode, number in zip(report.modes, counts, strict=True)
    )
    return f"{told} have nothing beside them. That is the difference between the two kinds of graph:"


def _losses_words(report: Report) -> str:
    if report.agreement.difference is None:
        return "The curves lie on each other, as every loss is the same to the last bit: one broad and pale, one narrow."
    return "Broad and pale the one form, narrow the other, up to the step at which they part."


def _verdict(report: Report) -> str:
    agreement = report.agreement
    if agreement.difference is None:
        what = "losses, gradients, optimiser slots and parameters"
        return f"Equal to the last bit for {plural(agreement.steps, 'step')}: {what}."
    found = agreement.difference
    return f"Not equal: the forms part at step {found.step}, update {found.station}, in the {found.what}."


def write_page(report: Report, exhibits: Exhibits) -> None:
    """Write the page to where the report says it is."""
    assert report.page is not None
    report.page.write_text(page(report, exhibits), encoding="utf-8")
