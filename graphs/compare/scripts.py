"""Two scripts that somebody else wrote, run as ``diptych exec`` runs them: graphs, steps a second, losses; no certificate.

They need not be the same program, and draw other numbers even where they are. So nothing is compared bit by bit, and the
nodes of their graphs are matched by structure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from graphs import draw
from graphs.compare.matching import Matching, matched
from graphs.compare.observed import Curve, Observed
from graphs.compare.pictures import BUDGET, FOLDED_BUDGET, FORMATS, foldable
from graphs.compare.program import ProgramError, adapters
from graphs.compare.units import Side, side


class Script(NamedTuple):
    """What was seen of one script.

    Attributes:
        path: the file.
        mode: the front-end in which it trains.
        status: its exit status.
        what: what a step is: ``"optimizer.step()"``.
        steps: steps taken.
        seconds: from the first step's end to the last one's, without the time that looking took.
        rate: steps a second over the later half; None for fewer than two steps.
        losses: by name.
        roots: the ends of the graph of one round of its loop; empty where none was seen.
        nodes: how many nodes that graph has.
        kernels: how many kernels that round calls, of a graph without passes; 0 where they were not looked at, as running a
            step twice would have moved data on.
        seen: all that was seen, which keeps the graph alive.
    """

    path: Path
    mode: str
    status: int
    what: str
    steps: int
    seconds: float
    rate: float | None
    losses: Mapping[str, Curve]
    roots: Sequence[Any]
    nodes: int
    kernels: int
    seen: Observed

    def as_dict(self) -> dict[str, Any]:
        """The script as JSON takes it: infinities and NaN as text."""
        return {
            "script": str(self.path),
            "mode": self.mode,
            "status": self.status,
            "step": self.what,
            "steps": self.steps,
            "seconds": self.seconds,
            "steps_per_second": self.rate,
            "nodes": self.nodes,
            "kernels": self.kernels,
            "losses": {
                name: {"steps": curve.steps, "values": [x if math.isfinite(x) else str(x) for x in curve.values]}
                for name, curve in self.losses.items()
            },
        }


class Scripts(NamedTuple):
    """Two scripts side by side.

    Attributes:
        pair: the scripts, in the order in which they were given.
        words: what each is called: its mode, or mode and file where both are of one mode.
        matching: the counterparts of their graphs, by structure; None where one has shown no graph.
        pictures: files that were written.
    """

    pair: tuple[Script, Script]
    words: tuple[str, str]
    matching: Matching | None
    pictures: tuple[Path, ...] = ()

    @property
    def status(self) -> int:
        """0 where both scripts ended well, else the status of the first that did not."""
        return next((script.status for script in self.pair if script.status), 0)

    def as_dict(self) -> dict[str, Any]:
        """Both as JSON takes it."""
        return {
            "scripts": [script.as_dict() for script in self.pair],
            "names": list(self.words),
            "ratio": _ratio(self.pair),
            "matched": None if self.matching is None else len(self.matching.pairs),
            "matching": None if self.matching is None else self.matching.as_dict(),
            "pictures": [str(path) for path in self.pictures],
        }


def run(first: Path, second: Path, execute: Callable[[Path], int], most: int | None = None) -> Scripts:
    """Run two scripts one after the other, unchanged; they print as they do.

    Args:
        first, second: their files.
        execute: runs a script, front-ends standing in for what it imports, and returns its exit status.
        most: after how many steps each is ended, as if by ``sys.exit(0)``; None to let it run.

    Raises what ``execute`` raises for a file that cannot be run, ProgramError for one in which nothing is trained.
    """
    pair = _run(first, execute, most), _run(second, execute, most)
    alike = pair[0].mode == pair[1].mode
    words = [f"{script.mode}, {script.path.name}" if alike else script.mode for script in pair]
    if words[0] == words[1]:
        words = [f"{word} ({at})" for at, word in enumerate(words, 1)]
    return Scripts(pair, (words[0], words[1]), _matched(pair, words))


def _run(path: Path, execute: Callable[[Path], int], most: int | None) -> Script:
    modes = [Observed(mode, most) for mode in adapters()]
    with ExitStack() as around:
        for observed, adapter in zip(modes, adapters().values(), strict=True):
            around.enter_context(adapter.observing(observed))
        status = execute(path)
    seen = max(modes, key=lambda each: len(each.ends))
    if not seen.ends and not status:
        raise ProgramError(
            f"{path}: nothing is trained: no Session.run() changes variables that had values, no optimizer.step() and no "
            "backward() is called"
        )
    nodes = len(draw.collect(seen.roots)) if seen.roots else 0
    seconds = seen.ends[-1] - seen.ends[0] if seen.ends else 0.0
    facts = (seen.what, len(seen.ends), seconds, seen.rate, seen.losses, seen.roots, nodes, len(seen.log.calls))
    return Script(path, seen.mode, status, *facts, seen)


def _matched(pair: tuple[Script, Script], words: Sequence[str]) -> Matching | None:
    if not all(script.roots for script in pair):
        return None
    sides: list[Side] = [side(word, script.seen.roots, script.seen.log) for word, script in zip(words, pair, strict=True)]
    return matched(sides[0], sides[1], tuple(script.seen for script in pair), loosely=True)


def write(found: Scripts, out: Path) -> Iterable[Path]:
    """Write the graph of a round of each script, forward, backward and both, in every format; the paths, as they come."""
    out.mkdir(parents=True, exist_ok=True)
    stems = [script.path.stem for script in found.pair]
    for at, script in enumerate(found.pair):
        if not script.roots:
            continue
        stem = stems[at] if stems[0] != stems[1] else f"{stems[at]}-{at + 1}"
        budget = FOLDED_BUDGET if foldable(script.roots) else BUDGET
        for view in draw.VIEWS:
            title = f"{script.path.name}, {script.mode}, {view}"
            for form in FORMATS:
                path = out / f"{stem}-{script.mode}-{view}.{form}"
                try:
                    yield draw.save(path, script.roots, view=view, title=title, budget=budget)
                except ValueError:  # the view has nothing to show: a graph without gradients
                    break


def render(found: Scripts) -> RenderableType:
    """Both scripts as tables and lines for rich's console."""
    parts: list[RenderableType] = [_losses(found), _costs(found)]
    if found.matching is not None:
        parts.append(Text(_agreement(found.matching)))
    parts += [Text(f"{each.path} ended with status {each.status}.", style="red") for each in found.pair if each.status]
    if found.pictures:
        parts.append(Text(f"{len(found.pictures)} pictures of both graphs are in {found.pictures[0].parent}"))
    return Group(*parts)


def _agreement(matching: Matching) -> str:
    alone = [sum(each.mode == mode for each in matching.alone) for mode in matching.modes]
    pairs = f"{len(matching.pairs):,} pairs of nodes are alike in structure"
    return f"{pairs}; {alone[0]:,} of the first graph and {alone[1]:,} of the second have no counterpart."


def _losses(found: Scripts) -> Table:
    table = Table("loss", "script", title="losses", title_justify="left")
    for word in ("first", "middle", "last"):
        table.add_column(word, justify="right")
    for script, word in zip(found.pair, found.words, strict=True):
        for name, curve in script.losses.items():
            places = (0, (len(curve.steps) - 1) // 2, -1)
            table.add_row(Text(name), Text(word), *(f"{curve.values[at]:.6g} at {curve.steps[at]}" for at in places))
    return table


def _costs(found: Scripts) -> Table:
    table = Table("", title="scripts", title_justify="left")
    for word in found.words:
        table.add_column(Text(word), justify="right")
    first, second = found.pair
    table.add_row("file", *(Text(script.path.name) for script in found.pair))
    table.add_row("a step is a", Text(first.what), Text(second.what))
    table.add_row("steps", *(f"{script.steps:,}" for script in found.pair))
    table.add_row("steps a second", *("-" if each.rate is None else f"{each.rate:,.0f}" for each in found.pair))
    table.add_row("nodes of a round", *(f"{script.nodes:,}" for script in found.pair))
    table.add_row("kernels of a round", *(f"{script.kernels:,}" if script.kernels else "-" for script in found.pair))
    return table


def _ratio(pair: tuple[Script, Script]) -> float | None:
    """The steps a second of the second script over those of the first: the time of the first's step over the second's."""
    first, second = (script.rate for script in pair)
    return second / first if first and second else None
