"""Timelines in the terminal: a line a worker, a character a moment; then what each has done, and what crossed."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence, Set
from typing import Any

from rich.console import Console, Group
from rich.table import Column, Table
from rich.text import Text

from graphs.core.quoting import remark
from graphs.draw.labels import shorten
from graphs.draw.words import quantity, share, size
from graphs.placing.timeline import Run, Timeline, Transfer


STYLES = ("blue", "green", "magenta", "yellow", "cyan", "bright_black")
"""Colours of workers, in turns."""

KERNEL, CRITICAL, OWN, IDLE = "▒", "█", "▪", "·"
WIDTH = 64
"""Characters for the longer of two timelines."""


def show_timeline(predicted: Timeline, measured: Timeline | None = None, *, console: Any = None, width: int = WIDTH) -> None:
    """Print timelines above each other, on one scale; ``console`` is rich's, by default one for standard output."""
    (console or Console()).print(_group(predicted, measured, width))


def timeline_text(predicted: Timeline, measured: Timeline | None = None, *, width: int = WIDTH) -> str:
    """What ``show_timeline`` prints, as plain text."""
    console = Console(file=io.StringIO(), width=width + 60, color_system=None, legacy_windows=False)
    console.print(_group(predicted, measured, width))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _group(predicted: Timeline, measured: Timeline | None, width: int) -> Group:
    shown = [predicted] if measured is None else [predicted, measured]
    end = max(each.makespan for each in shown) or 1.0
    parts: list[Any] = []
    for each in shown:
        parts += [*_rows(each, end, width), Text()]
    legend = f"{KERNEL} kernel  {CRITICAL} on the critical path  {OWN} the runtime's own work  {IDLE} idle"
    parts.append(Text(f"{legend}; a character is {quantity(end / width, 's')}", style="dim"))
    return Group(*parts, *_totals(shown))


def _rows(shown: Timeline, end: float, width: int) -> Iterator[Text]:
    count = len(shown.transfers)
    crossed = f", {size(shown.size)} in {count:,} transfer{'s' if count != 1 else ''}" if count else ""
    yield Text(f"{_title(shown)}: {quantity(shown.makespan, 's')}{crossed}", style="bold")
    room = max((len(shorten(name, 24)) for name in shown.workers), default=0)
    cells = max(1, round(width * shown.makespan / end))
    critical = {id(each) for each in shown.critical}
    for at, name in enumerate(shown.workers):
        line = Text(f"  {shorten(name, 24):<{room}}  ")
        for letter in _line([run for run in shown.runs if run.worker == name], critical, end / width, cells):
            line.append(letter, style="red" if letter == CRITICAL else STYLES[at % len(STYLES)])
        yield line
    yield Text(f"  {'':<{room}}  {_path(shown.critical)}", style="red", no_wrap=True, overflow="ellipsis")


def _title(shown: Timeline) -> str:
    return shorten(shown.title, 60) or "run"


def _line(runs: Sequence[Run], critical: Set[int], step: float, cells: int) -> str:
    """A character a moment: what most of it was spent on."""
    spent = {letter: [0.0] * cells for letter in (CRITICAL, KERNEL, OWN)}
    for run in runs:
        into = spent[OWN if run.kind != "kernel" else CRITICAL if id(run) in critical else KERNEL]
        for at in range(int(run.start / step), min(cells, int(run.end / step) + 1)):
            into[at] += max(0.0, min(run.end, (at + 1) * step) - max(run.start, at * step))
    shares = [{letter: found[at] for letter, found in spent.items()} for at in range(cells)]
    return "".join(IDLE if sum(each.values()) < step / 2 else max(each, key=each.__getitem__) for each in shares)


def _path(critical: Sequence[Run | Transfer], most: int = 6) -> str:
    names = [
        remark(f"→ {each.target}" if isinstance(each, Transfer) else (each.name or str(each.node)).rsplit("/", 1)[-1])
        for each in critical
        if isinstance(each, Transfer) or each.kind == "kernel"
    ]
    return "  ".join(names if len(names) <= most else [*names[: most - 1], f"… {len(names) - most} more …", names[-1]])


def _totals(shown: Sequence[Timeline]) -> list[Table]:
    """Busy time by worker and bytes by pair of workers; of two timelines side by side, with their difference."""
    workers = Table(
        "worker", *[Column(Text(f"busy, {_title(each)}")) for each in shown], *["off by"] * (len(shown) - 1), box=None
    )
    for name in dict.fromkeys(name for each in shown for name in each.workers):
        busy = [each.busy(name) for each in shown]
        parts = [share(found / each.makespan) if each.makespan else "-" for found, each in zip(busy, shown, strict=True)]
        words = [f"{quantity(found, 's')} ({part})" for found, part in zip(busy, parts, strict=True)]
        workers.add_row(Text(shorten(name, 30)), *words, *_off(busy))
    spans = [each.makespan for each in shown]
    workers.add_row("whole run", *[quantity(span, "s") for span in spans], *_off(spans), style="bold")
    pairs: dict[tuple[str, str], list[int]] = {}
    for at, each in enumerate(shown):
        for moved in each.transfers:
            pairs.setdefault((moved.source, moved.target), [0] * len(shown))[at] += moved.size
    if not pairs:
        return [workers]
    crossed = Table("from", "to", *[Column(Text(f"bytes, {_title(each)}")) for each in shown], box=None)
    for (source, target), sizes in sorted(pairs.items()):
        crossed.add_row(Text(shorten(source, 30)), Text(shorten(target, 30)), *map(size, sizes))
    return [workers, crossed]


def _off(values: Sequence[float]) -> list[str]:
    """How far the first is from the second, in percent of the second."""
    if len(values) < 2:
        return []
    return [f"{100 * (values[0] / values[1] - 1):+.0f} %" if values[1] else "-"]


__all__ = ["show_timeline", "timeline_text"]
