"""Timelines of a run over several workers as pictures: a row a worker, what runs there, what travels between the rows.

    draw.save_timeline("run.svg", predicted, measured)      # both on one time axis, the one above the other
    draw.show_timeline(predicted, measured)                 # in the terminal

Pictures need matplotlib, the extra ``report``. The same data gives the same bytes.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from graphs.core.quoting import remark
from graphs.draw.labels import shorten
from graphs.draw.style import FAINT, INK, QUIET
from graphs.draw.words import quantity, share, size
from graphs.placing.timeline import Run, Timeline, Transfer, chrome_trace


CRITICAL = "#d55e00"
"""What the makespan consists of."""

ROWS = ("#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#b5a900")
"""Colours of workers, in turns; the critical path's is none of them."""

FORMATS = ("svg", "png", "pdf", "json")
"""Suffixes of the files that can be written; ``json`` is a trace for Chrome or Perfetto."""

FINEST = 1 / 700
"""Runs shorter than this share of the picture's width are drawn together with those that they touch."""

_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "diptych timeline",
    "font.size": 9,
    "font.family": ["DejaVu Sans"],
    "text.parse_math": False,
    "axes.edgecolor": "#d0d7de",
    "text.color": INK,
    "xtick.color": QUIET,
    "ytick.color": INK,
    "axes.labelcolor": QUIET,
    "hatch.linewidth": 0.6,
}


def timeline(
    predicted: Timeline,
    measured: Timeline | None = None,
    *,
    format: str = "svg",  # noqa: A002
    title: str = "",
    critical: bool = True,
) -> bytes:
    """A timeline, or two above each other on one time axis, as the bytes of a file.

    Args:
        predicted: what is drawn above, such as ``Placement.timeline`` or what ``simulate`` gives.
        measured: what is drawn below.
        format: one of ``FORMATS``.
        title: a heading.
        critical: whether what the makespan consists of is marked.

    Raises ValueError for another format, ModuleNotFoundError where matplotlib is missing.
    """
    shown = [predicted] if measured is None else [predicted, measured]
    if format not in FORMATS:
        raise ValueError(f"no format {format}; there are {', '.join(FORMATS)}")
    if format == "json":
        return chrome_trace(shown).encode()
    if importlib.util.find_spec("matplotlib") is None:
        raise ModuleNotFoundError("timelines are drawn by matplotlib: pip install 'diptych[report]'")
    return _drawn(shown, format, title, critical)


def save_timeline(path: str | PathLike[str], predicted: Timeline, measured: Timeline | None = None, **settings: Any) -> Path:
    """Write what ``timeline`` draws, in the format that the suffix names, and return the path."""
    target = Path(path)
    target.write_bytes(timeline(predicted, measured, format=target.suffix[1:].lower(), **settings))
    return target


def _drawn(shown: Sequence[Timeline], form: str, title: str, critical: bool) -> bytes:
    import matplotlib
    from matplotlib.figure import Figure

    busy = {run.worker for each in shown for run in each.runs if run.kind == "kernel"}
    workers = [name for name in dict.fromkeys(name for each in shown for name in each.workers) if name in busy]
    rows = [len(each.workers) for each in shown]
    height = 0.55 * sum(rows) + 0.62 * len(shown) + 0.75 + (0.3 if title else 0)
    end = max((each.makespan for each in shown), default=0.0) or 1.0
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(10.5, height), layout="constrained")
        figure.patch.set_facecolor("#ffffff")
        if title:
            figure.suptitle(remark(title), x=0.01, ha="left", fontweight="bold", fontsize=11)
        axes = figure.subplots(len(shown), 1, squeeze=False, sharex=True, height_ratios=[n + 0.4 for n in rows])[:, 0]
        for axis, each in zip(axes, shown, strict=True):
            _Panel(axis, each, end, workers, critical).draw()
        _scale(axes[-1], end)
        _legend(figure, shown, critical)
        out = io.BytesIO()
        metadata = {"Date": None, "Creator": None} if form == "svg" else {"CreationDate": None} if form == "pdf" else {}
        figure.savefig(out, format=form, dpi=160, metadata=metadata)
        return out.getvalue()


def _scale(axis: Any, end: float) -> None:
    factor, unit = next(((f, u) for f, u in ((1.0, "s"), (1e-3, "ms")) if end >= f), (1e-6, "µs"))
    axis.xaxis.set_major_formatter(lambda value, _: f"{value / factor:g}")
    axis.set_xlabel(f"time since the run began, {unit}")


def _legend(figure: Any, shown: Sequence[Timeline], critical: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[Any] = [Patch(facecolor="#ffffff", edgecolor=QUIET, label="kernel, in its worker's colour")]
    if any(run.kind != "kernel" for each in shown for run in each.runs):
        entries.append(Patch(facecolor="#eceef0", edgecolor=FAINT, hatch="////", label="the runtime's own work"))
    if any(each.transfers for each in shown):
        entries.append(Line2D([], [], color=QUIET, linewidth=1.1, marker=">", markersize=4, label="value on its way"))
    if critical:
        entries.append(Line2D([], [], color=CRITICAL, linewidth=2.4, label="critical path"))
    figure.legend(handles=entries, loc="outside lower left", ncols=len(entries), frameon=False, fontsize=8, labelcolor=QUIET)


class _Panel:
    """One timeline on its axes."""

    def __init__(self, axis: Any, shown: Timeline, end: float, workers: Sequence[str], critical: bool) -> None:
        self.axis, self.shown, self.end = axis, shown, end
        self.row = {name: len(shown.workers) - 1 - at for at, name in enumerate(shown.workers)}
        self.colour = {name: ROWS[at % len(ROWS)] for at, name in enumerate(workers)}
        self.critical = {id(each) for each in shown.critical} if critical else set()

    def draw(self) -> None:
        """All of it, what is behind first."""
        axis, shown = self.axis, self.shown
        for row in self.row.values():
            axis.axhspan(row - 0.36, row + 0.36, color="#f6f8fa", linewidth=0, zorder=0)
        for name in shown.workers:
            self._row(name)
        for each in shown.transfers:
            self._arrow(each)
        axis.axvline(shown.makespan, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=4)
        axis.set_yticks(list(self.row.values()), [shorten(name, 24) for name in self.row])
        axis.tick_params(axis="y", length=0)
        axis.set_ylim(-0.55, len(self.row) - 0.45)
        axis.set_xlim(-0.004 * self.end, self.end * 1.09)
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.grid(axis="x", color="#e6e9ec", linewidth=0.7, zorder=0)
        axis.set_axisbelow(True)
        words = [quantity(shown.makespan, "s")]
        if shown.transfers:
            count = len(shown.transfers)
            words.append(f"{size(shown.size)} in {count:,} transfer{'s' if count > 1 else ''}")
        head = f"{shown.title}: " if shown.title else ""
        axis.set_title(remark(head) + ", ".join(words), loc="left", fontsize=9, color=INK, pad=4)
        if self.shown.makespan:
            for name, row in self.row.items():
                busy = f"{share(shown.busy(name) / shown.makespan)} busy"
                axis.text(self.end * 1.085, row, busy, ha="right", va="center", fontsize=7.5, color=QUIET, zorder=6)

    def _row(self, name: str) -> None:
        """A worker's runs; short ones that touch are one block."""
        row, colour = self.row[name], self.colour.get(name, FAINT)
        runs = [run for run in self.shown.runs if run.worker == name and run.end > run.start]
        for block in _blocks(runs, FINEST * self.end, self.critical):
            first, start, end = block[0], block[0].start, max(run.end for run in block)
            kernel, marked = first.kind == "kernel", id(first) in self.critical
            self.axis.barh(
                row,
                end - start,
                0.62,
                left=start,
                color=_tint(colour) if kernel else "#eceef0",
                edgecolor=CRITICAL if marked else colour if kernel else FAINT,
                linewidth=1.7 if marked else 0.6,
                hatch=None if kernel else "////",
                zorder=3 if marked else 2,
            )
            words = first.name or str(first.node) if len(block) == 1 else f"{len(block)} kernels" if kernel else ""
            room = int((end - start) / self.end * 124)
            if len(words) > room:
                words = words.rsplit("/", 1)[-1]
            if kernel and room >= 3 and words:
                words = words if len(words) <= room else words[: room - 1] + "…"
                middle = (start + end) / 2
                self.axis.text(
                    middle, row, remark(words), ha="center", va="center", fontsize=7, color=INK, zorder=5, clip_on=True
                )

    def _arrow(self, each: Transfer) -> None:
        """A value on its way, from the edge of the row that it leaves to the edge of that which it reaches."""
        marked = id(each) in self.critical
        source, target = self.row[each.source], self.row[each.target]
        side = 0.33 if target > source else -0.33
        colour = CRITICAL if marked else QUIET
        self.axis.annotate(
            "",
            (each.end, target - side),
            (each.start, source + side),
            arrowprops={
                "arrowstyle": "-|>,head_width=0.16,head_length=0.3",
                "color": colour,
                "linewidth": 1.9 if marked else 0.9,
                "shrinkA": 0,
                "shrinkB": 0,
            },
            zorder=5 if marked else 4,
        )
        if len(self.shown.transfers) <= 12 and each.size:
            at = ((each.start + each.end) / 2, (source + target) / 2)
            box = {"boxstyle": "round,pad=0.15", "facecolor": "#ffffff", "edgecolor": "none", "alpha": 0.85}
            self.axis.text(*at, size(each.size), ha="center", va="center", fontsize=6.8, color=colour, bbox=box, zorder=6)


def _blocks(runs: Sequence[Run], finest: float, critical: set[int]) -> list[list[Run]]:
    """Runs in order, those together that are short, touch, and are of one kind."""
    blocks: list[list[Run]] = []
    for run in runs:
        last = blocks[-1][-1] if blocks else None
        short = run.end - run.start < finest
        alike = last is not None and last.kind == run.kind and (id(last) in critical) == (id(run) in critical)
        if last is not None and alike and short and last.end - last.start < finest and run.start - last.end < finest:
            blocks[-1].append(run)
        else:
            blocks.append([run])
    return blocks


def _tint(colour: str, much: float = 0.55) -> str:
    """A colour mixed with white, for dark text upon it."""
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part + (255 - part) * much):02x}" for part in parts)


__all__ = ["FORMATS", "save_timeline", "timeline"]
