"""The pictures of a program in every mode, written to files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from graphs import draw
from graphs.compare.program import Batch, Twins


FORMATS = ("svg", "png", "dot")

BUDGET, FOLDED_BUDGET = 200, 28
"""Boxes in a picture, and in one of a graph of more than ``MANY`` nodes with name scopes: these fold well, into a box for a
variable with its slots, for a layer, for the gradients, and a whole training step can be read at one glance."""

MANY = 60


def write(twins: Twins, modes: Sequence[str], batch: Batch, dtype: str, out: Path) -> Iterable[Path]:
    """Write each mode's graph of one step, forward, backward and both, in every format; the paths, as they are written."""
    out.mkdir(parents=True, exist_ok=True)
    setup = twins.begin(dtype)
    for mode in modes:
        program = twins.build(mode, setup)  # it lives until all is drawn, as a tape knows its leaves weakly
        roots = twins.run(program.roots, batch)
        budget = FOLDED_BUDGET if _foldable(roots) else BUDGET
        for view in draw.VIEWS:
            title = f"{twins.path.stem}, {mode}, {view}"
            for form in FORMATS:
                yield draw.save(
                    out / f"{twins.path.stem}-{mode}-{view}.{form}", roots, view=view, title=title, budget=budget
                )


def write_passes(twins: Twins, modes: Sequence[str], batch: Batch, dtype: str, out: Path) -> Iterable[Path]:
    """Write what the passes of modes that have some did in a step: pictures pass by pass, the report as text and as JSON.

    The paths, as they are written.
    """
    setup = twins.begin(dtype)
    for mode in modes:
        program: Any = twins.build(mode, setup)
        if not hasattr(program, "report"):
            continue
        report = twins.run(program.report, batch)
        name = f"{twins.path.stem}-{mode}-passes"
        yield from report.draw(out / name, FORMATS, title=f"{twins.path.stem}, {mode}")
        text = out / f"{name}.txt"
        text.write_text(f"{report.text(rewrites=1000)}\n", encoding="utf-8")
        yield text
        report.to_json(out / f"{name}.json")
        yield out / f"{name}.json"


def _foldable(roots: Any) -> bool:
    nodes = draw.collect(roots).nodes(data="node")
    return len(nodes) > MANY and any("/" in node.name for _, node in nodes)
