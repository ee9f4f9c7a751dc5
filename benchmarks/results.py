"""A run's figures: kept, compared, and written as JSON and as a table in Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.contenders import CONTENDERS, OURS, PRODUCTS
from benchmarks.workloads import TITLES


NONE = "\u2013"


@dataclass(frozen=True)
class Timing:
    """Microseconds a step: the median over the rounds, and the quartiles."""

    median: float
    lower: float
    upper: float

    @classmethod
    def of(cls, times: Sequence[float]) -> Timing:
        """Of one figure a round."""
        if len(times) == 1:
            return cls(times[0], times[0], times[0])
        lower, _, upper = quantiles(times, n=4, method="inclusive")
        return cls(median(times), lower, upper)


@dataclass
class Results:
    """A run: where, when and how; for each workload what each system took, and why others are not there."""

    machine: dict[str, Any]
    versions: dict[str, str]
    date: str
    rounds: int
    times: dict[str, dict[str, Timing]] = field(default_factory=dict)
    absent: dict[str, dict[str, str]] = field(default_factory=dict)

    def systems(self) -> list[str]:
        """Who was timed on any workload, in the order of the tables; the bare products come last."""
        return [who for who in (*CONTENDERS, PRODUCTS) if any(who in times for times in self.times.values())]

    def fastest_peer(self, work: str) -> str | None:
        """The name of the fastest system on ``work`` that is not ours; None where there was none."""
        peers = {who: t.median for who, t in self.times[work].items() if who not in (*OURS, PRODUCTS)}
        return min(peers, key=peers.__getitem__, default=None)

    def ratio(self, work: str, who: str, to: str | None) -> float | None:
        """By how much ``who`` takes longer on ``work`` than ``to``; None where either is missing."""
        times = self.times[work]
        return times[who].median / times[to].median if to is not None and {who, to} <= set(times) else None

    def rows(self) -> list[list[str]]:
        """The table's rows: systems with their medians, then who is the fastest peer and what ours are to it."""
        works = list(self.times)
        table = []
        for who in self.systems():
            medians = (self.times[work].get(who) for work in works)
            table.append([who, *(NONE if t is None else _microseconds(t.median) for t in medians)])
        table.append(["fastest peer", *(self.fastest_peer(work) or NONE for work in works)])
        for who, to in (("static", None), ("dynamic", None), ("static", PRODUCTS)):
            ratios = [self.ratio(work, who, to or self.fastest_peer(work)) for work in works]
            if any(ratio is not None for ratio in ratios):
                named = to or "fastest peer"
                table.append([f"{who} / {named}", *(NONE if ratio is None else f"{ratio:.2f}" for ratio in ratios)])
        return table

    def header(self) -> list[str]:
        """The table's header: what is timed, with an empty first cell."""
        return ["", *(TITLES.get(work, work) for work in self.times)]

    def caption(self) -> str:
        """One sentence on what the figures are, and one on the machine and the versions."""
        machine = self.machine
        vectors = "".join(f", {name}" for name in machine["vector instructions"])
        threads = f"{machine['threads']} thread{'' if machine['threads'] == 1 else 's'}"
        named = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (
            f"Microseconds a step, medians of {self.rounds} interleaved rounds, {threads}, {self.date}. "
            f"{machine['processor']}{vectors}, {machine['cores']} cores, {machine['memory in GiB']} GiB, "
            f"{machine['system']}; {named}."
        )

    def notes(self) -> list[str]:
        """A sentence for each reason why somebody has no figure."""
        reasons: dict[tuple[str, str], list[str]] = {}
        for work, absent in self.absent.items():
            for who, why in absent.items():
                reasons.setdefault((who, why), []).append(TITLES.get(work, work))
        everything = len(self.times)
        return [
            f"{who} is missing{'' if len(works) == everything else ' from ' + '; '.join(works)}: {why}."
            for (who, why), works in reasons.items()
        ]


def _microseconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def markdown(results: Results) -> str:
    """The table, with the fastest of each workload in bold, below it where it was measured and who is missing."""
    best = {}
    for column, times in enumerate(results.times.values(), 1):
        figures = {who: t.median for who, t in times.items() if who != PRODUCTS}
        best[column] = min(figures, key=figures.__getitem__)
    lines = [_line(results.header()), "|---" + "|---:" * len(results.times) + "|"]
    for first, *cells in results.rows():
        shown = [f"**{cell}**" if best[column] == first else cell for column, cell in enumerate(cells, 1)]
        lines.append(_line([f"**{first}**" if first in OURS else first, *shown]))
    notes = [results.caption(), *results.notes()]
    return "\n".join([*lines, "", "\n\n".join(notes)]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def write_json(results: Results, path: Path) -> None:
    """Write everything, readable by ``read_json``."""
    path.write_text(json.dumps(asdict(results), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Results:
    """What ``write_json`` has written."""
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    times: Mapping[str, Any] = values.pop("times")
    return Results(**values, times={work: {who: Timing(**t) for who, t in each.items()} for work, each in times.items()})
