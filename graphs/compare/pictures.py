"""The pictures of a program in every mode, written to files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from graphs import draw
from graphs.compare.program import Batch, Twins


FORMATS = ("svg", "png", "dot")

BUDGET, SCOPED_BUDGET = 200, 40
"""Boxes in a picture. Where there are name scopes they fold well, and a whole training step can be read at one glance."""


def write(twins: Twins, modes: Sequence[str], batch: Batch, dtype: str, out: Path) -> Iterable[Path]:
    """Write each mode's graph of one step, forward, backward and both, in every format; the paths, as they are written."""
    out.mkdir(parents=True, exist_ok=True)
    setup = twins.begin(dtype)
    for mode in modes:
        program = twins.build(mode, setup)  # it lives until all is drawn, as a tape knows its leaves weakly
        roots = twins.run(program.roots, batch)
        budget = SCOPED_BUDGET if _scoped(roots) else BUDGET
        for view in draw.VIEWS:
            title = f"{twins.path.stem}, {mode}, {view}"
            for form in FORMATS:
                yield draw.save(
                    out / f"{twins.path.stem}-{mode}-{view}.{form}", roots, view=view, title=title, budget=budget
                )


def _scoped(roots: Any) -> bool:
    return any("/" in node.name for _, node in draw.collect(roots).nodes(data="node"))
