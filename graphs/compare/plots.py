"""The plots of the report, as SVG for a page. They need matplotlib, the extra ``report``.

No word of a user's program is in a plot: legends are the page's. The same figures give the same bytes.
"""

from __future__ import annotations

import importlib.util
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy
from markupsafe import Markup
from numpy import ndarray

from graphs.compare.breakeven import BreakEven
from graphs.compare.inline import inline


INSTALL = "pip install 'diptych[report]'"
"""What to do where matplotlib is missing."""

INK, GRID, PAPER = "#1f2328", "#d0d7de", "#fefefe"
FIRST, SECOND = "#0072b2", "#d55e00"
"""Okabe and Ito's blue and vermilion: the two modes."""

PARTS = ("#56b4e9", "#009e73", "#e69f00", "#cc79a7", "#999999")
"""Theirs for the parts of a step, in order, the last for what is left."""

COLOURS = {INK: "ink", GRID: "grid", PAPER: "paper", **{colour: f"part{at}" for at, colour in enumerate(PARTS)}}
COLOURS |= {FIRST: "first", SECOND: "second"}
"""The page's names for these colours, which it may shade for a dark screen."""

DASHES = ((0, ()), (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
"""How the curves of one mode are told apart."""

_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "text.parse_math": False,
    "axes.linewidth": 0.8,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "path.simplify_threshold": 0.2,
}


Line = tuple[Sequence[int], Sequence[float]]
"""Steps, counted from 1, and the values there."""

Curves = Mapping[str, Mapping[str, Line]]
"""By loss and mode its curve."""


def available() -> bool:
    """Whether plots can be drawn here."""
    return importlib.util.find_spec("matplotlib") is not None


@contextmanager
def _figure(name: str, label: str, height: float = 3.0, rows: int = 1) -> Iterator[tuple[Any, Callable[[], Markup]]]:
    """Axes, and what makes the drawing of them when all is on them."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**_SETTINGS, "svg.hashsalt": f"diptych {name}"}):
        figure = Figure(figsize=(5.6, height), layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.subplots(rows, 1, squeeze=False)[:, 0]
        for axis in axes:
            axis.patch.set_alpha(0)
            axis.spines[["top", "right"]].set_visible(False)

        def finish() -> Markup:
            out = io.StringIO()
            figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
            return inline(out.getvalue(), name, label, COLOURS)

        yield (axes if rows > 1 else axes[0]), finish


def losses(curves: Curves, modes: Sequence[str], label: str) -> Markup:
    """Loss curves on one axis: the first mode's broad and pale, the second's narrow upon it, each loss with its dashes.

    Gaps are where it is not finite. The axis is logarithmic where all is above zero and the largest is 100 times the least.
    """
    every = numpy.array([loss for each in curves.values() for line in each.values() for loss in line[1]], float)
    finite = every[numpy.isfinite(every)]
    with _figure("losses", label) as (axis, finish):
        for at, each in enumerate(curves.values()):
            for mode, colour, width, alpha in zip(modes, (FIRST, SECOND), (4.5, 1.4), (0.45, 1.0), strict=True):
                where, found = each.get(mode, ((), ()))
                values = numpy.array(found, float)
                values[~numpy.isfinite(values)] = math.nan
                steps, kept = _thinned(numpy.array(where, int), values)
                dash: Any = DASHES[at % len(DASHES)]
                marker = "o" if len(values) == 1 else None
                axis.plot(steps, kept, color=colour, linewidth=width, alpha=alpha, linestyle=dash, marker=marker)
        if finite.size and finite.min() > 0 and finite.max() > 100 * finite.min():
            axis.set_yscale("log")
            axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")  # its own is mathematics for TeX
            axis.yaxis.set_minor_formatter(lambda value, _: "")
        axis.set_xlabel("step")
        axis.set_ylabel("loss")
        axis.grid(axis="y")
        axis.xaxis.get_major_locator().set_params(integer=True)
        return finish()


def _thinned(steps: ndarray, values: ndarray, most: int = 600) -> tuple[ndarray, ndarray]:
    """Steps and the values there; of a long run the least and the largest of each stretch, so that no spike is lost."""
    if len(values) <= most:
        return steps, values
    kept: set[int] = {0, len(values) - 1}
    for part in numpy.array_split(numpy.arange(len(values)), most // 2):
        inside = values[part]
        if not numpy.isnan(inside).all():
            kept |= {int(part[numpy.nanargmin(inside)]), int(part[numpy.nanargmax(inside)])}
    places = numpy.array(sorted(kept))
    return steps[places], values[places]


def bars(name: str, rows: Mapping[str, Sequence[float]], label: str, unit: str = "µs", scale: float = 1e6) -> Markup:
    """A bar a row, from top to bottom, made of parts that add up; of the figures ``scale`` is one ``unit``."""
    upwards = list(reversed(list(rows.items())))
    with _figure(name, label, 0.75 + 0.5 * len(rows)) as (axis, finish):
        for place, (_, parts) in enumerate(upwards):
            left = 0.0
            for colour, part in zip(PARTS, parts, strict=False):
                width = max(part, 0.0) * scale
                axis.barh(place, width, 0.62, left=left, color=colour, edgecolor=PAPER, linewidth=0.8)
                left += width
        axis.set_yticks(range(len(rows)), [word for word, _ in upwards])
        axis.tick_params(axis="y", length=0)
        axis.set_xlabel(unit)
        axis.grid(axis="x")
        axis.set_axisbelow(True)
        return finish()


def memory(lines: Mapping[str, Sequence[int]], label: str) -> Markup:
    """Live bytes after each kernel of a step, a line a mode; the axis below is the share of the step's kernels."""
    largest = max((max(line) for line in lines.values() if len(line)), default=1)
    unit, scale = ("MiB", 2**20) if largest >= 2**20 else ("KiB", 2**10)
    with _figure("memory", label) as (axis, finish):
        for colour, dash, line in zip((FIRST, SECOND), DASHES, lines.values(), strict=False):
            share = numpy.linspace(0, 100, len(line)) if len(line) > 1 else numpy.zeros(len(line))
            axis.step(share, numpy.array(line) / scale, where="post", color=colour, linewidth=1.8, linestyle=dash)
        axis.set_xlabel("kernels of the step that have run, %")
        axis.set_ylabel(f"live, {unit}")
        axis.set_ylim(bottom=0)
        axis.set_xlim(0, 100)
        axis.grid(axis="y")
        return finish()


def breakeven(found: BreakEven, label: str) -> Markup:
    """The time in all after so many steps, each mode's with its error band; where they meet, with its error bar."""
    longest = max(max(curve.high) for curve in found.curves.values())
    unit, scale = ("s", 1.0) if longest >= 2 else ("ms", 1e3)
    with _figure("breakeven", label) as (axis, finish):
        for colour, dash, curve in zip((FIRST, SECOND), DASHES, found.curves.values(), strict=False):
            low, middle, high = (numpy.array(part) * scale for part in (curve.low, curve.middle, curve.high))
            axis.fill_between(curve.steps, low, high, color=colour, alpha=0.2, linewidth=0)
            axis.plot(curve.steps, middle, color=colour, linewidth=1.8, linestyle=dash)
        if found.steps is not None:
            curve = next(iter(found.curves.values()))
            end = curve.steps[-1]
            at, least = found.steps, found.low or 1
            most = end if found.high is None else min(found.high, end)
            height = float(numpy.interp(at, curve.steps, curve.middle)) * scale
            reach = [[max(at - least, 0)], [max(most - at, 0)]]
            axis.errorbar([at], [height], xerr=reach, color=INK, marker="o", capsize=4, linewidth=1.4, zorder=3)
        axis.set_xlabel("steps")
        axis.set_ylabel(f"time in all, {unit}")
        axis.set_ylim(bottom=0)
        axis.set_xlim(left=0)
        axis.grid(axis="y")
        return finish()
