"""The sections of the report as plain values for its templates, which escape the strings: words, tables, plots."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from graphs.compare import plots
from graphs.compare.certificate import Station
from graphs.compare.exhibits import Plan
from graphs.compare.machine import machine
from graphs.compare.report import Report
from graphs.compare.sources import Sources
from graphs.compare.words import apart, count, plural, seconds, shape, size


Context = dict[str, Any]

SHOWN = 400
"""Stations of the certificate that a page lists."""

ENDS = 4
"""Rows at either end of a long list that are printed on paper."""

DIGITS, FEWER = 16, 12
"""Digits that are shown of a seal, and of the digest of one array."""

FIGURES = ("nodes", "kernels", "operations", "bytes", "temporaries")
"""The costs of a plan, in order."""

_FOLDERS = re.compile(r"[^\s(]*[/\\](?=[^\s/\\]+:\d+)")


def without_folders(text: str, programs: Iterable[Path]) -> str:
    """``text`` with files named by their own names alone, those beside ``programs`` and all whose folders have no spaces."""
    for folder in (folder for each in programs for folder in (each.resolve().parent, each.parent)):
        text = text.replace(f"{folder}{os.sep}", "")
    return _FOLDERS.sub("", text)


def programs(sources: Sources, modes: Sequence[str], words: str) -> Context:
    """Both sources, side by side."""
    forms = [
        {"mode": mode, "word": mode, "colour": colour, "chunks": sources.forms[mode]}
        for mode, colour in zip(modes, ("first", "second"), strict=True)
    ]
    return {"words": words, "forms": forms, "shared": sources.shared}


def certificate(report: Report) -> Context:
    """What was compared, update by update, with digests; a page without script shows the arrays of the last one."""
    agreement = report.agreement
    stations = agreement.certificate
    cut = len(stations) - SHOWN
    kept = stations if cut <= 0 else (*stations[: SHOWN // 2], *stations[-SHOWN // 2 :])
    rows = [
        {
            "at": at,
            "step": each.step,
            "station": each.station,
            "arrays": len(each.arrays),
            "equal": each.equal,
            "apart": len(each.apart),
            "seal": each.seals[0][:DIGITS],
            "middle": ENDS <= at < len(kept) - ENDS,
        }
        for at, each in enumerate(kept)
    ]
    first, second = report.modes
    last = kept[-1]
    good = "After every update both forms showed the same losses, gradients, optimiser slots and parameters, bit for bit: "
    good += f"{count(agreement.compared)} arrays, {count(agreement.elements)} numbers, {plural(agreement.steps, 'step')}."
    bad = f"The {first} and the {second} form agree to the last bit until step {last.step}, update {last.station}."
    return {
        "words": f"{good if agreement.difference is None else bad} The static form ran without the passes that rewrite it.",
        "difference": None if agreement.difference is None else difference(report),
        "seal": last.seals[0],
        "how": (
            "A digest is BLAKE2b of an array's dtype, shape and bytes. Each seal is a digest of the seal before it and of "
            "the digests after the update, so the last one stands for the whole run: find it again elsewhere, and every bit "
            "was the same there."
        ),
        "updates": max(each.station for each in stations),
        "rows": rows,
        "left_out": f"{plural(cut, 'update')} in the middle of the run left out, all of them equal." if cut > 0 else "",
        "shown": {"at": len(kept) - 1, "title": title(last), "arrays": _arrays(last)},
        "data": _digests(kept),
    }


def title(station: Station) -> str:
    """What an update's list of arrays is called."""
    return f"Step {station.step}, update {station.station}: {plural(len(station.arrays), 'array')}"


def _arrays(station: Station) -> list[Context]:
    return [
        {
            "what": each.what,
            "dtype": each.dtype,
            "shape": shape(each.shape),
            "digests": [digest[:FEWER] for digest in digests],
            "equal": each.what not in station.apart,
            "apart": apart(station.apart.get(each.what, 0)),
        }
        for each, digests in zip(station.arrays, station.digests, strict=True)
    ]


def _digests(stations: Sequence[Station]) -> Context:
    """What the script lists for any update: the layouts once, then digests."""
    layouts: dict[Any, int] = {}
    told = []
    for each in stations:
        layout = layouts.setdefault(each.arrays, len(layouts))
        digests = [pair[0][:FEWER] if pair[0] == pair[1] else [x[:FEWER] for x in pair] for pair in each.digests]
        words = {what: apart(distance) for what, distance in each.apart.items()}
        told.append({"title": title(each), "layout": layout, "digests": digests, "apart": words})
    return {
        "layouts": [[[each.what, each.dtype, shape(each.shape)] for each in layout] for layout in layouts],
        "stations": told,
    }


def difference(report: Report) -> Context:
    """The first difference in words, and the first node that differs."""
    found = report.agreement.difference
    assert found is not None
    words = f"At step {found.step}, update {found.station}, the {found.what} is {apart(found.ulps)}"
    if found.others:
        words += f"; so {'are' if len(found.others) > 1 else 'is'} the {', the '.join(found.others)}"
    node, rows = found.node, []
    if node is not None:
        rows = [["op", *node.ops, "none" if node.ulps is None else count(node.ulps)]]
        rows += [["node", *node.names, ""]] if any(node.names) else []
        rows.append(["line", *(without_folders(where, [report.path]) for where in node.where), ""])
        for at, operand in enumerate(node.operands):
            cells = (f"{spec}: {values}" for spec, values in zip(operand.specs, operand.values, strict=True))
            rows.append([f"operand {at}", *cells, "none" if operand.ulps is None else count(operand.ulps)])
    return {"words": f"{words}. {found.note}", "rows": rows}


def losses(curves: plots.Curves, modes: Sequence[str], words: str, drawn: bool) -> Context:
    """The curves, and the first, middle and last values with every digit."""
    steps = max((line[0][-1] for each in curves.values() for line in each.values() if len(line[0])), default=0)
    rows, key = [], []
    for at, (name, each) in enumerate(curves.items()):
        for mode, colour, width in zip(modes, ("first", "second"), (4.5, 1.6), strict=True):
            places, values = each.get(mode, ((), ()))
            if not len(values):
                continue
            shown = sorted({0, (len(values) - 1) // 2, len(values) - 1})
            rows.append([f"{name}, {mode}", *(f"{values[x]!r} at {places[x]:,}" for x in shown), *[""] * (3 - len(shown))])
            dash = " ".join(f"{x * width:g}" for x in plots.DASHES[at % len(plots.DASHES)][1])
            entry = {"word": f"{name}, {mode}", "colour": colour, "width": width, "dash": dash}
            key.append({**entry, "pale": colour == "first"})
    label = f"Losses over {plural(steps, 'step')}, both sides on one axis."
    return {
        "words": words,
        "key": key,
        "plot": plots.losses(curves, modes, label) if drawn and steps else None,
        "head": ["loss", "first", "middle", "last"],
        "rows": rows,
    }


def passes(plans: Sequence[Plan], pictures: Mapping[tuple[int, int], Markup], words: Sequence[str]) -> Context:
    """The slider of each plan, costs before and after, and all its passes in a table."""
    shown = []
    for number, plan in enumerate(plans):
        told = plan.told
        fed = ", ".join(f"{name} {spec}" for name, spec in told["fed"].items())
        rows = [["as written", *(count(told["before"][name]) for name in FIGURES), "", ""]]
        for stage in told["stages"]:
            figures = [count(stage["after"][name]) for name in FIGURES]
            took = "refused" if stage["refused"] else seconds(stage["seconds"])
            rows.append([stage["name"], *figures, count(stage["rewrites"]), took])
        stages = [
            {
                "word": frame.word,
                "words": frame.words,
                "costs": _costs(frame.before, frame.after),
                "rules": frame.rules,
                "picture": pictures[number, at],
            }
            for at, frame in enumerate(plan.frames)
        ]
        shown.append(
            {
                "title": f"{'Run' if len(plans) == 1 else f'Run {number + 1}'}: {_listed(told['fetches'])}",
                "about": f"Fed {fed}. {_native(told)}" if fed else _native(told),
                "stages": stages,
                "rows": rows,
            }
        )
    return {"words": words, "plans": shown, "head": ["pass", *FIGURES, "rewrites", "took"]}


def _native(told: Mapping[str, Any]) -> str:
    memory = told["memory"]
    if memory is None or not memory["results"]:
        return ""
    return f"Results on the way share {size(memory['bytes'])}; one by one they would take {size(memory['unshared'])}."


def _listed(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most} more"


def _costs(before: Mapping[str, int | None], after: Mapping[str, int | None]) -> list[Context]:
    rows = []
    for name in FIGURES:
        was, now = before[name], after[name]
        show = size if name == "bytes" else count
        saved = "" if not was or now is None or was == now else _share((was - now) / was)
        words = [("?" if value is None else show(value)) for value in (was, now)]
        rows.append({"word": name, "before": words[0], "after": words[1], "saved": saved, "same": was == now})
    return rows


def _share(part: float) -> str:
    return f"{part:.0%}".replace("-", "\u2212") if abs(part) >= 0.005 else "under 1%"


def machines() -> Context:
    """Machine and versions."""
    found = machine()
    rows = [
        ["processor", found["processor"]],
        ["cores", f"{found['cores']}"],
        ["memory", size(found["memory"]) if found["memory"] else "?"],
        ["system", found["system"]],
        ["Python", found["python"]],
        ["linear algebra", found["linear algebra"]],
        *([name, version] for name, version in found["versions"].items()),
        *([name, value] for name, value in found["threads"].items()),
    ]
    return {
        "rows": rows,
        "words": "Times differ from machine to machine and from run to run; bits and counts do not.",
    }
