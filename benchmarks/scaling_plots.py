"""The pictures of ``docs/scaling.md``: speed-ups, and what a step consists of. The same figures give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from graphs.draw.words import quantity


INK, QUIET, GRID = "#1f2328", "#59636e", "#e6e9ec"
KINDS = {"strong": ("#0072b2", "solid", "o"), "weak": ("#d55e00", (0, (5, 2)), "s")}
PARTS = {
    "compute": ("#56b4e9", "computation"),
    "exposed": ("#d55e00", "all-reduce that nothing hides"),
    "update": ("#009e73", "optimiser's update"),
    "dispatch": ("#cc79a7", "session's calls and answers"),
}
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "diptych scaling",
    "font.family": ["DejaVu Sans"],
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.edgecolor": "#8c959f",
    "text.color": INK,
    "axes.labelcolor": QUIET,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
}


def curves(cases: Sequence[Any], found: Mapping[str, Mapping[str, Sequence[Any]]], path: Path) -> None:
    """Speed-ups over the number of workers, a panel a case: strong and weak scaling, and perfect scaling behind."""

    def panel(axis: Any, case: Any) -> None:
        counts = list(case.counts)
        axis.plot(counts, counts, color="#b6bec8", linewidth=1.0, linestyle=(0, (1, 1.5)))
        for kind, (colour, dash, marker) in KINDS.items():
            steps = found[case.name][kind]
            axis.plot(counts, [s.speedup for s in steps], color=colour, linestyle=dash, marker=marker, markersize=3.2)
            last = steps[-1]
            axis.annotate(
                f"{last.speedup:,.0f}\u00d7",
                (counts[-1], last.speedup),
                (5, -3),
                textcoords="offset points",
                color=colour,
                fontsize=8,
            )
        axis.set_yscale("log", base=2)
        axis.set_ylim(0.8, 1.3 * counts[-1])
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axis.set_ylabel("speed-up")

    lines = [
        ("strong scaling: one batch, cut in parts", *KINDS["strong"]),
        ("weak scaling: a batch for each", *KINDS["weak"]),
    ]
    lines.append(("perfect", "#b6bec8", (0, (1, 1.5)), None))

    def legend(line: Any, _patch: Any) -> list[Any]:
        return [line([], [], color=c, linestyle=d, marker=m, markersize=3.5, label=word) for word, c, d, m in lines]

    _panels(cases, path, panel, legend)


def split(cases: Sequence[Any], parts: Mapping[str, Mapping[str, Sequence[float]]], folder: Path) -> None:
    """What the steps of strong scaling consist of, in percent, a panel a case."""

    def panel(axis: Any, case: Any) -> None:
        found = parts[case.name]
        whole = [sum(each) for each in zip(*found.values(), strict=True)]
        bottom = [0.0] * len(whole)
        for name, (colour, _) in PARTS.items():
            share = [100 * each / all_ for each, all_ in zip(found[name], whole, strict=True)]
            axis.bar(case.counts, share, [0.62 * n for n in case.counts], bottom=bottom, color=colour, edgecolor="white")
            bottom = [low + each for low, each in zip(bottom, share, strict=True)]
        for at in range(len(whole)):
            if at % 2 == 0 or at == len(whole) - 1:
                axis.text(case.counts[at], 102, quantity(whole[at], "s"), ha="center", fontsize=6.5, color=INK)
        axis.set_ylim(0, 112)
        axis.set_ylabel("of a step, %")

    def legend(_line: Any, patch: Any) -> list[Any]:
        return [patch(facecolor=colour, label=word) for colour, word in PARTS.values()]

    _panels(cases, folder / "scaling-step.svg", panel, legend)


def _panels(
    cases: Sequence[Any], path: Path, panel: Callable[[Any, Any], None], legend: Callable[[Any, Any], list[Any]]
) -> None:
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    columns = 3
    rows = -(-len(cases) // columns)
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(3.6 * columns, 2.75 * rows), layout="constrained")
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axis, case in zip(axes, cases, strict=False):
            panel(axis, case)
            axis.set_xscale("log", base=2)
            axis.set_xticks([n for n in case.counts if n.bit_length() % 2], minor=False)
            axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
            axis.minorticks_off()
            axis.set_xlabel("GPUs" if case.runtime is None else "workers")
            axis.set_title(case.title, loc="left")
            axis.spines[["top", "right"]].set_visible(False)
            axis.grid(axis="y", color=GRID)
            axis.set_axisbelow(True)
        for axis in axes[len(cases) :]:
            axis.axis("off")
        where: dict[str, Any] = {"handles": legend(Line2D, Patch), "frameon": False, "fontsize": 8.5}
        if axes[len(cases) :]:
            axes[len(cases)].legend(loc="upper left", **where)
        else:
            figure.legend(loc="outside lower left", **where)
        metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else {}
        figure.savefig(path, dpi=150, metadata=metadata)
