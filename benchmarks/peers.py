"""Training steps in this project and its peers, in one process, in turns.

Machines are noisy, so what counts is the ratios: each round times every contender once, and the table shows the medians over
the rounds. Before anything is timed, the contenders' first losses are compared, since all of them run the same program, and
everybody runs for a second, since several compile what has proved hot. Theano alone has a process of its own, which waits
for its turns like the others. Importing a front-end raises two thresholds of the C library's allocator, which the peers in
this process profit from, too.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.contenders import BOUND, CONTENDERS, PRODUCTS
from benchmarks.contenders.base import AbsentError, Contender, Step, timed
from benchmarks.machine import machine, versions
from benchmarks.plot import draw
from benchmarks.results import Results, Timing, markdown, write_json
from benchmarks.workloads import WORKLOADS


ROUND_SECONDS = 0.03
"""About how long a contender's turn in a round takes."""

SETTLE_SECONDS = 0.04
"""A pause before each turn: idle threads of OpenBLAS spin on for some 30 ms, and took half of PyTorch's speed."""

WARM_SECONDS = 1.0
"""How long everybody runs before being timed, at least."""

WARM_STEPS = 5
"""How many steps everybody runs before being timed, at least."""

BUSY = 0.5
"""Above how many waiting processes a warning is printed."""

TOLERANCE = 2e-3
"""How far first losses may lie apart, relatively: the sums of the wide net differ by some 1e-5 after five steps."""


def compare(name: str, losses: Mapping[str, list[float]]) -> None:
    """Raise RuntimeError if somebody's losses on the workload ``name`` are not the first's."""
    first = next(iter(losses))
    for who, found in losses.items():
        if not numpy.allclose(found, losses[first], rtol=TOLERANCE):
            raise RuntimeError(f"{who} computes something else on {name}: {found} where {first} has {losses[first]}")


def warmed(step: Step) -> float:
    """Seconds that a step takes once it has run for a while."""
    count, spent, last = WARM_STEPS, 0.0, 0.0
    while spent < WARM_SECONDS:
        last = timed(step, count)
        spent += last
        if spent < WARM_SECONDS:
            count *= 2
    return last / count


def set_up(name: str, modules: Mapping[str, Any], results: Results) -> dict[str, Step]:
    """Everybody's step on the workload ``name``, compared; those who cannot are noted in ``results.absent``."""
    steps, losses = {}, {}
    for who, module in modules.items():
        try:
            step = CONTENDERS[who].step(module, WORKLOADS[name])
            losses[who] = [step() for _ in range(WARM_STEPS)]
        except AbsentError as why:
            results.absent.setdefault(name, {})[who] = str(why)
            continue
        steps[who] = step
        version = getattr(step, "version", None)
        if version is not None:
            results.versions[who] = version
    compare(name, losses)
    if type(WORKLOADS[name]) in BOUND.programs:
        steps[PRODUCTS] = BOUND.step(numpy, WORKLOADS[name])
    return steps


def measure(name: str, steps: Mapping[str, Step], rounds: int, console: Console) -> dict[str, Timing]:
    """What a step takes each contender on the workload ``name``."""
    counts = {who: max(1, round(ROUND_SECONDS / warmed(step))) for who, step in steps.items()}
    # What has been made so far is not looked through again when somebody's step makes Python collect its garbage.
    gc.collect()
    gc.freeze()
    times: dict[str, list[float]] = {who: [] for who in steps}
    for _ in track(range(rounds), description=name, console=console, transient=True):
        for who, step in steps.items():
            time.sleep(SETTLE_SECONDS)
            timed(step, counts[who] // 3 + 1)
            times[who].append(timed(step, counts[who]) / counts[who] * 1e6)
    gc.unfreeze()
    return {who: Timing.of(each) for who, each in times.items()}


def available(contenders: Mapping[str, Contender], console: Console) -> dict[str, Any]:
    """The modules of those who are installed; the others are named."""
    modules = {}
    for who, contender in contenders.items():
        try:
            modules[who] = contender.load()
        except AbsentError as why:
            console.print(f"{who} is left out: {why}", style="dim")
    return modules


def main(
    rounds: Annotated[int, typer.Option(help="How often everybody has a turn.", min=1)] = 15,
    only: Annotated[list[str] | None, typer.Option(help="A contender to time; may be repeated.")] = None,
    work: Annotated[list[str] | None, typer.Option(help=f"A workload: {', '.join(WORKLOADS)}; may be repeated.")] = None,
    directory: Annotated[Path | None, typer.Option("--results", help="Write peers.json, .md and .svg there.")] = None,
) -> None:
    """Time the training steps, print microseconds a step, who is the fastest peer, and what ours are to it."""
    for kind, chosen, known in (("contender", only, CONTENDERS), ("workload", work, WORKLOADS)):
        for name in chosen or ():
            if name not in known:
                raise typer.BadParameter(f"{name} is no {kind}; there are {', '.join(known)}")
    console = Console()
    if directory is not None and find_spec("matplotlib") is None:
        raise typer.BadParameter("the plot needs matplotlib")
    modules = available({who: each for who, each in CONTENDERS.items() if not only or who in only}, console)
    today = datetime.now(UTC).date().isoformat()
    results = Results(machine(), versions(), today, rounds)
    if (results.machine["load before"] or 0) > BUSY:
        console.print(f"this machine is busy (load {results.machine['load before']}): ratios will be rough", style="yellow")
    with numpy.errstate(all="ignore"):
        for name in [name for name in WORKLOADS if not work or name in work]:
            results.times[name] = measure(name, set_up(name, modules, results), rounds, console)
            if directory is not None:  # after each, since a run takes minutes
                directory.mkdir(parents=True, exist_ok=True)
                write_json(results, directory / "peers.json")
    header, *rows = results.header(), *results.rows()
    table = Table(*header, caption=results.caption())
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for note in results.notes():
        console.print(note, style="dim")
    if directory is not None:
        (directory / "peers.md").write_text(markdown(results), encoding="utf-8")
        draw(results, directory / "peers.svg")


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
