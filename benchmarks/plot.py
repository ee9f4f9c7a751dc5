"""A run's figures as a picture: for each workload a panel, for each system a bar."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import Any

from benchmarks.contenders import PRODUCTS
from benchmarks.results import NONE, Results, Timing
from benchmarks.workloads import TITLES


COLOURS = {"static": "#0072B2", "dynamic": "#E69F00"}
"""Okabe and Ito's blue and orange, which colour-blind readers and grey prints tell apart."""

OTHERS = "#BDBDBD"
LONGEST = 5.0
"""Where bars are cut, in steps of ``static`` (or of the fastest): linear bars stay comparable, and figures stand at each."""


def draw(results: Results, path: Path) -> None:
    """Write an SVG. Raises ImportError where matplotlib is not installed."""
    import matplotlib
    from matplotlib.figure import Figure

    systems = [who for who in results.systems() if who != PRODUCTS]
    works = list(results.times)
    columns = 2 if len(works) > 1 else 1
    rows = (len(works) + columns) // columns  # at least one place is left for the notes
    with matplotlib.rc_context({"svg.hashsalt": "diptych", "svg.fonttype": "none", "font.size": 8, "axes.titlesize": 9}):
        figure = Figure(figsize=(4.6 * columns, (0.19 * len(systems) + 0.62) * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).flat
        for axis, work in zip(axes, works, strict=False):
            _panel(axis, work, results.times[work], systems)
        for axis in axes[len(works) :]:
            axis.axis("off")
        bars = f"Bars: the time of a step, shorter is better, and its ratio to static's. Beyond {LONGEST:g} they are broken."
        line = "Dashed line: the step's matrix products alone." if PRODUCTS in results.systems() else ""
        notes = [bars, line, results.caption(), *results.notes()]
        text = "\n".join(fill(note, 74) for note in notes if note)
        axes[len(works)].text(0, 1, text, va="top", fontsize=6.5, transform=axes[len(works)].transAxes)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _panel(axis: Any, work: str, times: dict[str, Timing], systems: list[str]) -> None:
    unit = times["static"].median if "static" in times else min(t.median for t in times.values())
    end = min(LONGEST, max(t.median / unit for who, t in times.items() if who != PRODUCTS))
    fastest = min((who for who in times if who != PRODUCTS), key=lambda who: times[who].median)
    for place, who in enumerate(reversed(systems)):
        if who not in times:
            axis.text(end * 0.01, place, NONE, va="center", color="#555555")
            continue
        ratio = times[who].median / unit
        shown = min(ratio, LONGEST)
        axis.barh(place, shown, 0.74, color=COLOURS.get(who, OTHERS))
        if ratio > LONGEST:
            axis.plot([shown * 0.965, shown * 0.985], [place - 0.5, place + 0.5], color="white", linewidth=2)
        label = f" {_time(times[who].median)}"
        if who != "static" and "static" in times:
            label += f"  {ratio:.{2 if ratio < 10 else 0}f}\u00d7"
        axis.text(shown, place, label, va="center", fontweight="bold" if who == fastest else "normal", fontsize=7)
    if PRODUCTS in times:
        axis.axvline(times[PRODUCTS].median / unit, color="black", linewidth=0.8, linestyle=(0, (4, 2)))
    axis.set_xlim(0, end * 1.34)
    axis.set_yticks(range(len(systems)), reversed(systems))
    for label in axis.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() in COLOURS else "normal")
    axis.set_xticks([])
    axis.tick_params(length=0)
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.set_title(TITLES.get(work, work), loc="left")


def _time(microseconds: float) -> str:
    if microseconds < 1000:
        return f"{microseconds:.3g} µs"
    return f"{microseconds / 1000:.3g} ms"
