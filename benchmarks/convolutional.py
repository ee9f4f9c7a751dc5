"""A convolutional net of five layers on 28 by 28 images, 100 at a time: ``dynamic`` against PyTorch, by one text.

A step is the forward pass, the loss, the backward pass and the update. Both libraries take turns in one process; peak memory
is that of a process each. Where ``dynamic`` spends its time is printed by op.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.contenders import CONTENDERS
from graphs.core.op import OPS


BATCH, SIDE, CLASSES = 100, 28, 10
WHO = ("dynamic", "PyTorch eager")

Step = Callable[[], float]


def net(torch: Any, channels: int = 16) -> Any:
    """Three convolutions, two pools, two linear layers."""
    nn = torch.nn
    return nn.Sequential(
        *(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(2 * channels * (SIDE // 4) ** 2, 8 * channels), nn.ReLU()),
        nn.Linear(8 * channels, CLASSES),
    )


def training(torch: Any, batch: int = BATCH, channels: int = 16) -> Step:
    """A step of training, which returns the loss; data and parameters are the same in every library."""
    random = numpy.random.default_rng(0)
    model = net(torch, channels)
    for p in model.parameters():
        fan_in = int(numpy.prod(p.shape[1:])) if p.dim() > 1 else 100
        values = random.standard_normal(tuple(p.shape)) / fan_in**0.5
        p.data.copy_(torch.from_numpy(values.astype("f")))
    x = torch.from_numpy(random.standard_normal((batch, 1, SIDE, SIDE)).astype("f"))
    y = torch.from_numpy(random.integers(0, CLASSES, batch))
    solver = torch.optim.SGD(model.parameters(), lr=0.05)
    loss_of = torch.nn.CrossEntropyLoss()

    def step() -> float:
        solver.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        solver.step()
        return float(loss.item())

    return step


def resident(what: str) -> int:
    """Bytes of this process in memory: now (``VmRSS``), or at most so far (``VmHWM``), as Linux tells."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def peak(who: str) -> int:
    """Bytes that steps add to a process at most."""
    step = training(CONTENDERS[who].load(), batch=2)
    step()  # whatever is loaded late is there now
    step = training(CONTENDERS[who].load())
    before = resident("VmRSS")
    for _ in range(3):
        step()
    return resident("VmHWM") - before


@contextmanager
def timed_kernels(seconds: Counter[str]) -> Iterator[None]:
    """Add up in ``seconds`` what each op's kernel takes, kernels that it calls included."""
    before = {op: op.kernel for op in OPS.values()}
    inside = False

    def timed(op: Any, kernel: Any) -> Any:
        def call(*args: Any, **params: Any) -> Any:
            nonlocal inside
            if inside:
                return kernel(*args, **params)
            inside = True
            start = time.perf_counter()
            try:
                return kernel(*args, **params)
            finally:
                seconds[op.name] += time.perf_counter() - start
                inside = False

        return call

    for op, kernel in before.items():
        op.kernel = timed(op, kernel)
    try:
        yield
    finally:
        for op, kernel in before.items():
            op.kernel = kernel


def where(step: Step, rounds: int) -> dict[str, float]:
    """Milliseconds of a step by op, and what is left for the tape and for what calls no op."""
    seconds: Counter[str] = Counter()
    with timed_kernels(seconds):
        start = time.perf_counter()
        for _ in range(rounds):
            step()
        whole = time.perf_counter() - start
    found = {name: each / rounds * 1e3 for name, each in seconds.most_common(12)}
    return {**found, "the rest": (whole / rounds * 1e3) - sum(found.values())}


def main(
    rounds: Annotated[int, typer.Option(help="How often everybody takes a step.")] = 60,
    to_json: Annotated[Path | None, typer.Option("--json", help="Write the figures there too.")] = None,
    peak_of: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Print milliseconds a step, where they go, and peak memory."""
    if peak_of is not None:
        print(peak(peak_of))
        return
    steps = {name: training(CONTENDERS[name].load()) for name in WHO}
    times: dict[str, list[float]] = {name: [] for name in WHO}
    for turn in range(rounds + 3):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if turn >= 3:  # the first ones warm up
                times[name].append((time.perf_counter() - start) * 1e3)
    medians = {name: statistics.median(each) for name, each in times.items()}
    command = [sys.executable, "-m", "benchmarks.convolutional", "--peak-of"]
    peaks = {name: int(subprocess.run([*command, name], capture_output=True, text=True, check=True).stdout) for name in WHO}
    table = Table("", *WHO, "ratio", title=f"five layers, batch {BATCH}, {rounds} rounds")
    for title, row, unit in (("ms a step", medians, 1.0), ("peak MiB", peaks, 2.0**20)):
        ours, theirs = (row[name] / unit for name in WHO)
        table.add_row(title, f"{ours:.1f}", f"{theirs:.1f}", f"{ours / theirs:.2f}")
    Console().print(table)
    parts = where(steps["dynamic"], rounds)
    shares = Table("dynamic, by op", "ms")
    for name, each in parts.items():
        shares.add_row(name, f"{each:.2f}")
    Console().print(shares)
    if to_json is not None:
        figures = {"rounds": rounds, "milliseconds": medians, "peak bytes": peaks, "by op": parts}
        to_json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
