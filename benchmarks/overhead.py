"""What recording an op costs over its numpy kernel: ``add`` on 8x8 float32, in chains of a thousand."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.contenders import CONTENDERS
from benchmarks.contenders.base import AbsentError


LENGTH = 1000


def by_hand(_: Any) -> Callable[[], Any]:
    """A chain of numpy's ``add``."""
    x = y = numpy.ones((8, 8), numpy.float32)

    def chain() -> Any:
        z = x
        for _ in range(LENGTH):
            z = numpy.add(z, y)
        return z

    return chain


def recorded(torch: Any) -> Callable[[], Any]:
    """The chain on tensors that require a gradient."""
    return _eager(torch, requires_grad=True)


def unrecorded(torch: Any) -> Callable[[], Any]:
    """The chain on tensors that do not."""
    return _eager(torch, requires_grad=False)


def _eager(torch: Any, requires_grad: bool) -> Callable[[], Any]:
    x = torch.ones(8, 8, requires_grad=requires_grad)
    y = torch.ones(8, 8)

    def chain() -> Any:
        z = x
        for _ in range(LENGTH):
            z = z + y
        return z

    return chain


def with_backward(torch: Any) -> Callable[[], Any]:
    """The recorded chain and its backward pass."""
    forward = _eager(torch, requires_grad=True)
    return lambda: forward().sum().backward()


def graph(tf: Any) -> Callable[[], Any]:
    """The chain as a graph, run in a session."""
    built = tf.Graph()
    with built.as_default():
        x = tf.placeholder(tf.float32, (8, 8))
        y = tf.placeholder(tf.float32, (8, 8))
        z = x
        for _ in range(LENGTH):
            z = z + y
    session = tf.Session(graph=built)
    ones = numpy.ones((8, 8), numpy.float32)
    return lambda: session.run(z, feed_dict={x: ones, y: ones})


ROWS = [
    ("numpy", "numpy by hand", by_hand),
    ("PyTorch, recorded", "PyTorch eager", recorded),
    ("PyTorch, recorded and backward", "PyTorch eager", with_backward),
    ("dynamic, not recorded", "dynamic", unrecorded),
    ("dynamic, recorded", "dynamic", recorded),
    ("dynamic, recorded and backward", "dynamic", with_backward),
    ("static, in a session", "static", graph),
]
"""What is timed: a title, whose module it takes, and what it does with it."""


IMPORT = """
import time, numpy
start = time.perf_counter()
import {package}
print(time.perf_counter() - start)
"""


def import_seconds(package: str, times: int = 5) -> float:
    """The median of how long ``package`` takes to import beyond numpy, each time in a fresh interpreter."""
    code = [sys.executable, "-c", IMPORT.format(package=package)]
    runs = [subprocess.run(code, capture_output=True, text=True, check=True) for _ in range(times)]
    return statistics.median(float(run.stdout) for run in runs)


def main(
    rounds: Annotated[int, typer.Option(help="How often everybody has a turn.")] = 30,
    to_json: Annotated[Path | None, typer.Option("--json", help="Write the medians there too.")] = None,
) -> None:
    """Print microseconds an op, and how much that is above numpy's."""
    chains = []
    for title, who, make in ROWS:
        with suppress(AbsentError):
            chains.append((title, make(CONTENDERS[who].load())))
    times: dict[str, list[float]] = {title: [] for title, _ in chains}
    for turn in range(rounds + 1):
        for title, chain in chains:
            start = time.perf_counter()
            chain()
            if turn:  # the first warms up
                times[title].append((time.perf_counter() - start) / LENGTH * 1e6)
    medians = {title: statistics.median(each) for title, each in times.items()}
    table = Table("", "µs an op", "above numpy", title=f"add on 8x8, medians of {rounds} rounds")
    for title, median in medians.items():
        table.add_row(title, f"{median:.2f}", f"{median - medians['numpy']:+.2f}")
    Console().print(table)
    imports = {package: import_seconds(package) for package in ("dynamic", "static")}
    for package, seconds in imports.items():
        Console().print(f"import {package}: {seconds * 1e3:.0f} ms beyond numpy")
    if to_json is not None:
        to_json.write_text(
            json.dumps({"rounds": rounds, "microseconds": medians, "import seconds": imports}, indent=2) + "\n"
        )


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
