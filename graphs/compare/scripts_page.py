"""Two scripts side by side as one HTML page: sources, graphs, losses, steps a second; no certificate."""

from __future__ import annotations

from graphs import draw
from graphs.compare import plots, sections
from graphs.compare.scripts import Script, Scripts
from graphs.compare.sections import Context
from graphs.compare.sheet import Viewers, graphs, marked, render
from graphs.compare.sources import Sources, whole
from graphs.compare.words import count, digits, plural, seconds
from graphs.draw import html


_LEAD = (
    "Two scripts as they were written, one run after the other on Diptych's front-ends in place of the frameworks that they "
    "import. They need not be the same program, so nothing is compared bit by bit."
)

_PROGRAMS = (
    "Both files as they are. Lines whose number is underlined made nodes: point at one, or come to it with Tab, and its "
    "nodes light up, with the lines of their counterparts."
)

_LOSSES = "Broad and pale the first script's losses, narrow the second's, at the steps at which they were seen."

_PACE = (
    "Steps a second over the later half of each run, without the time that looking took. The scripts decide themselves what "
    "else a step does."
)


def scripts_page(found: Scripts) -> str:
    """The page. Where matplotlib is missing, tables stand alone and the page says what to install."""
    viewers = Viewers()
    forms = {word: whole(script.path) for word, script in zip(found.words, found.pair, strict=True)}
    pictures = {
        word: draw.picture(script.roots, budget=html.WHOLE, title=f"{script.path.name}, {script.mode}")
        for word, script in zip(found.words, found.pair, strict=True)
        if script.roots
    }
    programs = [script.path for script in found.pair]
    shown: Context = {
        "programs": sections.programs(Sources(forms, ()), found.words, _PROGRAMS),
        "graphs": graphs(found.words, pictures, found.matching, programs, viewers, _graphs_words(found)),
        "losses": sections.losses(_curves(found), found.words, _LOSSES, plots.available()),
        "pace": _pace(found),
        "machine": sections.machines(),
    }
    return render(
        shown,
        viewers,
        title=" and ".join(path.name for path in programs),
        modes=found.words,
        lead=_LEAD,
        verdict=None,
        tiles=[_tile(word, script) for word, script in zip(found.words, found.pair, strict=True)],
        command=f"diptych compare {' '.join(path.name for path in programs)} --out …",
        marked=marked(shown["graphs"]["sides"]),
        data={"sides": [side["data"] for side in shown["graphs"]["sides"]], "certificate": None},
    )


def _graphs_words(found: Scripts) -> str:
    words = "The graph of one round of each script's loop: what a run of the session runs, or what is on the tape."
    if found.matching is None:
        return f"{words} One of the scripts has shown none, so there is nothing to match."
    return f"{words} {plural(len(found.matching.pairs), 'pair')} of nodes are alike in their structure."


def _curves(found: Scripts) -> plots.Curves:
    curves: dict[str, dict[str, plots.Line]] = {}
    for word, script in zip(found.words, found.pair, strict=True):
        for name, curve in script.losses.items():
            curves.setdefault(name, {})[word] = curve.steps, curve.values
    return curves


def _rate(script: Script) -> str:
    return "\u2013" if script.rate is None else digits(script.rate)


def _pace(found: Scripts) -> Context:
    first, second = found.pair
    rows = [
        ["file", first.path.name, second.path.name],
        ["a step is", first.what, second.what],
        ["steps", count(first.steps), count(second.steps)],
        ["steps a second", _rate(first), _rate(second)],
        ["first step\u2019s end to last step\u2019s", seconds(first.seconds), seconds(second.seconds)],
        ["nodes of a round", count(first.nodes), count(second.nodes)],
        ["kernels of a round", count(first.kernels), count(second.kernels)],
        ["exit status", str(first.status), str(second.status)],
    ]
    return {"words": _PACE, "rows": rows}


def _tile(word: str, script: Script) -> Context:
    ended = f", ended with status {script.status}" if script.status else ""
    return {
        "what": word,
        "value": f"{_rate(script)} steps a second",
        "note": f"{script.path.name}: {plural(script.steps, 'step')}, {count(script.kernels)} kernels in a round{ended}",
    }
