"""The pictures of a program in every mode, written to files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphs import draw
from graphs.compare.program import Batch, ProgramError, Twins


FORMATS = ("svg", "png", "dot")

BUDGET, FOLDED_BUDGET = 200, 28
"""Boxes in a picture, and in one of a graph of more than ``MANY`` nodes with name scopes: these fold well, into a box for a
variable with its slots, for a layer, for the gradients, and a whole training step can be read at one glance."""

MANY = 60


@dataclass(frozen=True)
class Look:
    """How pictures are to be.

    Attributes:
        formats: suffixes of files.
        views: of ``draw.VIEWS``.
        budget: the boxes at most; None for what suits the graph.
        wanted: what takes a run or is a mode's own: ``"values"``, ``"time"``, ``"regions"``, ``"update"``.
        settings: others, as for ``draw.draw``.
    """

    formats: Sequence[str] = FORMATS
    views: Sequence[str] = draw.VIEWS
    budget: int | None = None
    wanted: Set[str] = frozenset()
    settings: Mapping[str, Any] = field(default_factory=dict)


def write(twins: Twins, modes: Sequence[str], batch: Batch, dtype: str, out: Path, look: Look = Look()) -> Iterable[Path]:
    """Write each mode's graph of one step, by default forward, backward and both; the paths, as they are written.

    Raises ProgramError for settings that fit no picture.
    """
    out.mkdir(parents=True, exist_ok=True)
    setup = twins.begin(dtype)
    for mode in modes:
        program: Any = twins.build(mode, setup)  # it lives until all is drawn, as a tape knows its leaves weakly
        own: dict[str, Any] = {}
        if look.wanted and hasattr(program, "picturing"):
            own = program.picturing(batch, look.wanted)
        if "time" in look.wanted and "overlay" not in own:
            with draw.timed() as times:
                roots = twins.run(program.roots, batch)
            own["overlay"] = ("time", times)
        else:
            roots = twins.run(program.roots, batch)
        folded = foldable(roots) and look.settings.get("unroll") is None
        budget = look.budget or (FOLDED_BUDGET if folded else BUDGET)
        for view in look.views:
            title = f"{twins.path.stem}, {mode}, {view}"
            for form in look.formats:
                path = out / f"{twins.path.stem}-{mode}-{view}.{form}"
                settings = {**look.settings, **own, "view": view, "title": title, "budget": budget}
                try:
                    yield draw.save(path, roots, **settings)
                except ValueError as error:
                    raise ProgramError(f"{twins.path}, {mode}, {view}: {error}") from error


def write_passes(
    twins: Twins, modes: Sequence[str], batch: Batch, dtype: str, out: Path, formats: Sequence[str] = FORMATS
) -> Iterable[Path]:
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
        try:
            yield from report.draw(out / name, formats, title=f"{twins.path.stem}, {mode}")
        except ValueError as error:
            raise ProgramError(f"{twins.path}, {mode}: {error}") from error
        text = out / f"{name}.txt"
        text.write_text(f"{report.text(rewrites=1000)}\n", encoding="utf-8")
        yield text
        report.to_json(out / f"{name}.json")
        yield out / f"{name}.json"


def foldable(roots: Any) -> bool:
    """Whether a graph is large and has name scopes to fold by."""
    nodes = draw.collect(roots).nodes(data="node")
    return len(nodes) > MANY and any("/" in node.name for _, node in nodes)
