"""Training steps in this project and its peers, in one process, in turns.

Machines are noisy, so what counts is the ratios: each round times every contender once, and the table shows the medians over
the rounds. Before anything is timed, the contenders' first losses are compared: all of them run the same program.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import THREADS
from benchmarks.contenders import CONTENDERS
from benchmarks.workloads import WORKLOADS


ROUND_SECONDS = 0.03
"""About how long a contender's turn in a round takes."""

SETTLE_SECONDS = 0.04
"""A pause before each turn: idle threads of OpenBLAS spin on for some 30 ms, and took half of PyTorch's speed."""


def timed(step: Callable[[], Any], count: int) -> float:
    """Microseconds a step."""
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / count * 1e6


def measure(name: str, modules: dict[str, Any], rounds: int, console: Console) -> dict[str, float]:
    """The median microseconds a step of each contender on the workload ``name``."""
    steps = {who: CONTENDERS[who].step(module, WORKLOADS[name]) for who, module in modules.items()}
    losses = {who: [step() for _ in range(5)] for who, step in steps.items()}
    first = next(iter(losses))
    for who, found in losses.items():
        if not numpy.allclose(found, losses[first], rtol=2e-3):
            raise RuntimeError(f"{who} computes something else on {name}: {found} where {first} has {losses[first]}")
    counts = {who: max(1, round(ROUND_SECONDS * 1e6 / timed(step, 5))) for who, step in steps.items()}
    times: dict[str, list[float]] = {who: [] for who in steps}
    for _ in track(range(rounds), description=name, console=console, transient=True):
        for who, step in steps.items():
            time.sleep(SETTLE_SECONDS)
            timed(step, counts[who] // 3 + 1)
            times[who].append(timed(step, counts[who]))
    return {who: statistics.median(each) for who, each in times.items()}


def main(
    rounds: Annotated[int, typer.Option(help="How often everybody has a turn.")] = 15,
    only: Annotated[list[str] | None, typer.Option(help="A contender to time; may be repeated.")] = None,
    work: Annotated[list[str] | None, typer.Option(help=f"A workload: {', '.join(WORKLOADS)}; may be repeated.")] = None,
    to_json: Annotated[Path | None, typer.Option("--json", help="Write the medians there too.")] = None,
) -> None:
    """Time the training steps and print microseconds a step, and in brackets the ratio to numpy by hand."""
    console = Console()
    modules = {who: CONTENDERS[who].load() for who in CONTENDERS if not only or who in only}
    for who in [who for who, module in modules.items() if module is None]:
        console.print(f"{who} is not installed", style="dim")
        del modules[who]
    with numpy.errstate(all="ignore"):
        medians = {name: measure(name, modules, rounds, console) for name in WORKLOADS if not work or name in work}
    table = Table("", *medians, title=f"µs a step ({THREADS} threads, medians of {rounds} rounds)")
    for who in modules:
        cells = []
        for times in medians.values():
            base = next(iter(times.values()))
            cells.append(f"{times[who]:,.0f} ({times[who] / base:.2f})")
        table.add_row(who, *cells)
    console.print(table)
    if to_json is not None:
        to_json.write_text(json.dumps({"threads": THREADS, "rounds": rounds, "microseconds": medians}, indent=2) + "\n")


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
