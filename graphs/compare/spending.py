"""The sections of the report on what each form costs: time, memory, kernels, and when building a graph has paid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from graphs.compare import plots
from graphs.compare.breakeven import ONCE as TOLD, PARTS
from graphs.compare.measure import TOLERANCE, Cost
from graphs.compare.report import Report
from graphs.compare.sections import Context, without_folders
from graphs.compare.words import count, plural, seconds, size


TERMS = (
    ("build", "making the program: a graph's nodes, or a model's tensors"),
    ("optimise", "making plans: passes, the plan's Python text, machine code for hot plans; a tape has no such thing"),
    ("first step", "the first step without what was spent on plans in it"),
    ("steady step", "a later step, the median over rounds in which the forms take turns"),
    ("feed and fetch", "arrays handed in and results handed out"),
    ("kernels", "the kernels alone, called one after the other on the same arrays"),
    ("dispatch", "the way from kernel to kernel: a plan's lines of Python, a tensor's operations without a record"),
    ("tape", "recording, and the backward pass beside its kernels; a graph has none at run time"),
    (
        "rest",
        f"the step less its parts: the program's own lines, and noise, as each part is measured apart (±{TOLERANCE:.0%})",
    ),
)
"""What the words of the section on time mean."""

WORDS = {**PARTS, "tape": "tape", "rest": "rest"}
"""The parts of a step as they are called in tables and keys."""

ONCE = {"build": "build", "optimise": "optimise", "first": "first step"}


def pair(report: Report) -> list[Cost]:
    """The costs of both forms."""
    return [report.costs.modes[mode] for mode in report.modes]


def key(words: list[str]) -> list[Context]:
    """What the colours of a bar's parts mean."""
    return [{"word": word, "colour": f"part{at}"} for at, word in enumerate(words)]


def lines(report: Report) -> list[Context]:
    """What the two lines of a plot are."""
    dashes = [" ".join(f"{x * 1.8:g}" for x in plots.DASHES[at][1]) for at in range(2)]
    looks = zip(report.modes, ("first", "second"), dashes, strict=True)
    return [{"word": mode, "colour": colour, "width": 2, "dash": dash, "pale": False} for mode, colour, dash in looks]


def time(report: Report, drawn: bool) -> Context:
    """Build, optimise, first step, steady step and its parts, of both forms."""
    costs = pair(report)
    first, second = report.modes
    split = all(cost.parts is not None for cost in costs)
    steady = {
        mode: [_part(cost, name) for name in WORDS] if split else [cost.steady]
        for mode, cost in zip(report.modes, costs, strict=True)
    }
    once = {mode: [getattr(cost, name) for name in ONCE] for mode, cost in zip(report.modes, costs, strict=True)}
    told = [f"{seconds(cost.steady)} in the {mode} form" for mode, cost in zip(report.modes, costs, strict=True)]
    rows = [_row(word, [getattr(cost, name) for cost in costs], seconds) for name, word in ONCE.items()]
    rows.append(["steady step", *(seconds(cost.steady) for cost in costs), f"{report.costs.ratio:.2f}"])
    rows.append(["half of them within", *(" to ".join(map(seconds, cost.spread)) for cost in costs), ""])
    if split:
        rows += [_row(word, [_part(cost, name) for cost in costs], seconds) for name, word in WORDS.items()]
    return {
        "words": (
            f"A steady step takes {told[0]} and {told[1]}: {first} needs {report.costs.ratio:.2f} of {second}'s time, "
            "by the rounds' median. What each form pays once stands below; a tape pays its overhead in every step instead."
        ),
        "steady": {
            "key": key(list(WORDS.values()) if split else ["step"]),
            "plot": plots.bars("steady", steady, "The parts of a steady step, both forms.", *_unit(steady))
            if drawn
            else None,
        },
        "start": {
            "key": key(list(ONCE.values())),
            "plot": plots.bars("start", once, "Build, optimise and first step, both forms.", *_unit(once))
            if drawn
            else None,
        },
        "rows": rows,
        "terms": [term for term in TERMS if split or term[0] not in (*PARTS.values(), "tape", "rest")],
    }


def _part(cost: Cost, name: str) -> float:
    return float(getattr(cost.parts, name))


def _unit(rows: dict[str, list[float]]) -> tuple[str, float]:
    return ("ms", 1e3) if max(map(sum, rows.values())) >= 0.01 else ("µs", 1e6)


def _row(word: str, figures: Sequence[float], show: Callable[[Any], str]) -> list[str]:
    """A table's row: the figure of either form, and their ratio."""
    one, other = figures
    return [word, show(one), show(other), f"{one / other:.2f}" if one > 0 and other > 0 else ""]


def memory(report: Report, drawn: bool) -> Context | None:
    """Live bytes over a step; None where nobody looked."""
    found = [cost.memory for cost in pair(report)]
    if any(each is None for each in found):
        return None
    timelines = [each for each in found if each is not None]
    peaks = [each.peak for each in timelines]
    live = {mode: each.live for mode, each in zip(report.modes, timelines, strict=True)}
    words = "Live is what the step's kernels have made and somebody still holds, without parameters, slots and the batch. "
    words += "A graph's results go after their last use; a tape keeps what its way back needs until backward has used it."
    tops = [max(each.live, default=0) for each in timelines]
    rows = [
        ["most at once", *map(size, tops), f"{tops[0] / tops[1]:.2f}" if all(tops) else ""],
        ["after the kernel", *(("" if each is None else each.op) for each in peaks), ""],
        ["at the line", *(("" if each is None else _line(each.where, report.path)) for each in peaks), ""],
        ["left after the step", *(size(each.left) for each in timelines), ""],
        ["shared arena of a native plan", *(("" if x.planned is None else size(x.planned)) for x in timelines), ""],
        _row("peak of building and three steps", [cost.peak for cost in pair(report)], size),
    ]
    plot = (
        plots.memory(live, "Live bytes after each kernel of a step, both forms.") if drawn and all(live.values()) else None
    )
    return {"words": words, "key": lines(report), "plot": plot, "rows": rows}


def _line(where: str, program: Path) -> str:
    return without_folders(where, [program]).partition("  ")[0]


def kernels(report: Report) -> Context:
    """How often kernels are called in a step, and which arrays come and go."""
    costs = pair(report)
    rows = [
        _row("nodes, or records on the tape", [cost.nodes for cost in costs], count),
        _row("kernels called", [cost.kernels for cost in costs], count),
    ]
    ops: list[list[str]] = []
    timelines = [cost.memory for cost in costs if cost.memory is not None]
    if len(timelines) == len(costs):
        rows += [
            _row("temporaries", [each.temporaries for each in timelines], count),
            _row("their bytes", [each.temporary_bytes for each in timelines], size),
        ]
        calls = [Counter(moment.op for moment in each.moments) for each in timelines]
        every = sorted(calls[0] | calls[1], key=lambda op: (-calls[0][op] - calls[1][op], op))
        ops = [[op, *(count(each[op]) if each[op] else "\u2013" for each in calls)] for op in every]
    words = "A temporary is an array that a kernel of the step made and that was gone at its end."
    return {"words": words, "rows": rows, "ops": ops}


def breakeven(report: Report, drawn: bool) -> Context | None:
    """When the first form has cost less in all, with its error bar and what decides it; None where it was not worked out."""
    found = report.costs.break_even
    if found is None:
        return None
    first, second = report.modes
    rows = _deciding(report)
    behind, gain = seconds(abs(found.behind)), seconds(abs(found.gain))
    more, faster = ("more" if found.behind > 0 else "less"), ("faster" if found.gain > 0 else "slower")
    words = f"Before its second step the {first} form has spent {behind} {more} than the {second} one, "
    words += f"and each further step is {gain} {faster}. "
    words += f"In {found.never:.0%} of the bootstrap's samples it never gets there."
    plot = plots.breakeven(found, "Time in all after so many steps, both forms.") if drawn else None
    return {
        "answer": found.words(report.modes),
        "words": words,
        "key": lines(report),
        "plot": plot,
        "head": ["", first, second, f"{first} spends more by"],
        "rows": rows,
    }


def _deciding(report: Report) -> list[list[str]]:
    """What is paid once, and in each step; what makes most of either difference is marked."""
    costs = pair(report)
    found = report.costs.break_even
    assert found is not None
    values = [(f"once: {word}", [getattr(cost, name) for cost in costs], word) for name, word in TOLD.items()]
    values.append(("each step", [cost.steady for cost in costs], ""))
    if all(cost.parts is not None for cost in costs):
        values += [(f"each step: {WORDS[name]}", [_part(cost, name) for cost in costs], PARTS[name]) for name in PARTS]
    dearest = (found.owes, found.saves)
    return [
        [f"{word} (dominates)" if name and name in dearest else word, seconds(one), seconds(other), _signed(one - other)]
        for word, (one, other), name in values
    ]


def _signed(value: float) -> str:
    return f"\u2212{seconds(-value)}" if value < 0 else seconds(value)


def tiles(report: Report) -> list[Context]:
    """The figures that one asks for first."""
    first, second = report.modes
    costs = pair(report)
    ratio = report.costs.ratio
    faster = f"{first} takes {ratio:.2f} of the time" if ratio <= 1 else f"{second} takes {1 / ratio:.2f} of the time"
    after, bar = report.costs.pays_after, ""
    found = report.costs.break_even
    if found is not None:
        after = found.steps
        far = "never" if found.high is None else f"{found.high:,}"
        bar = "" if after is None or found.low == found.high else f", {found.low or 0:,} to {far} in 95% of samples"
    paid = "its steady step is not faster here" if after is None else f"from nothing, first steps included{bar}"
    return [
        {
            "what": "A steady step",
            "value": f"{seconds(costs[0].steady)} and {seconds(costs[1].steady)}",
            "note": f"{first} and {second}: {faster}",
        },
        {
            "what": "Kernels called in a step",
            "value": f"{count(costs[0].kernels)} and {count(costs[1].kernels)}",
            "note": f"{first} and {second}",
        },
        {
            "what": "Numbers compared",
            "value": count(report.agreement.elements),
            "note": f"{plural(report.agreement.compared, 'array')}, {plural(report.agreement.steps, 'step')}",
        },
        {
            "what": f"Building the {first} graph has paid",
            "value": "never" if after is None else f"after {plural(after, 'step')}",
            "note": paid,
        },
    ]
