"""The pictures of a program in every mode, written to files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from graphs import draw
from graphs.compare.program import Batch, Twins


FORMATS = ("svg", "png", "dot")


def write(twins: Twins, modes: Sequence[str], batch: Batch, dtype: str, out: Path) -> Iterable[Path]:
    """Write each mode's graph of one step, forward, backward and both, in every format; the paths, as they are written."""
    out.mkdir(parents=True, exist_ok=True)
    setup = twins.begin(dtype)
    for mode in modes:
        roots = twins.run(twins.build(mode, setup).roots, batch)
        for view in draw.VIEWS:
            title = f"{twins.path.stem}, {mode}, {view}"
            for form in FORMATS:
                yield draw.save(out / f"{twins.path.stem}-{mode}-{view}.{form}", roots, view=view, title=title)
