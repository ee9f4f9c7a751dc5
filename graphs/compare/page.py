"""The report as one HTML page that needs nothing else: no network, no server, no other file.

Words of a user's program reach the page through templates that escape them, through text nodes, and through data that no
browser runs; a strict Content-Security-Policy lets nothing run but the page's own scripts, by their digests.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from graphs.compare import plots, sections, spending
from graphs.compare.exhibits import STAGE_BUDGET, Exhibits, Plan
from graphs.compare.report import Report
from graphs.compare.sections import Context
from graphs.compare.sheet import Viewers, graphs, marked, render
from graphs.compare.words import plural


def page(report: Report, exhibits: Exhibits) -> str:
    """The report as a page. Where matplotlib is missing, tables stand alone and the page says what to install."""
    viewers = Viewers()
    drawn = plots.available()
    found: Context = {
        "programs": sections.programs(exhibits.sources, report.modes, _programs_words(report)),
        "graphs": graphs(
            report.modes,
            exhibits.pictures,
            exhibits.matching,
            [report.path],
            viewers,
            _graphs_words(report, exhibits),
        ),
        "certificate": sections.certificate(report),
        "losses": sections.losses(_curves(report), report.modes, _losses_words(report), drawn),
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
    return render(
        found,
        viewers,
        title=report.path.name,
        modes=report.modes,
        lead=_LEAD,
        verdict={"equal": report.agreement.difference is None, "words": _verdict(report)},
        tiles=spending.tiles(report),
        command=f"diptych compare {report.path.name} --out …",
        marked=marked(found["graphs"]["sides"]),
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


def _stages(plans: Sequence[Plan], viewers: Viewers) -> dict[tuple[int, int], Markup]:
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


def _curves(report: Report) -> plots.Curves:
    losses = report.agreement.losses
    return {
        name: {mode: (range(1, len(values) + 1), values) for mode, values in each.items()} for name, each in losses.items()
    }


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
