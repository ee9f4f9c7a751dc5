"""Data parallelism: all-reduce by size, and a step with gradients averaged, here over MPI and in PyTorch over gloo.

    python -m benchmarks.parallel --ranks 2

Both take turns, each in ranks of one thread. A step is measured as DistributedDataParallel does it, with the gradients
reduced after the backward pass in place of during it, and with no reduction at all. World size 1 says what one rank takes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table


ROOT = Path(__file__).parent.parent
SYSTEMS = {"dynamic": "Diptych over MPI", "torch": "PyTorch over gloo"}
SIZES = (4, 1 << 12, 1 << 16, 1 << 20, 1 << 24, 1 << 26)
"""Bytes that are reduced."""

WIDTH, LAYERS, BATCH = 1024, 6, 64
"""The net: layers of as many units, and the examples of a rank."""

STEPS = {"overlapped": "DistributedDataParallel", "after": "reduced after the pass", "local": "not reduced"}


def measured(torch: Any, dist: Any, parallel: Any, quick: bool) -> dict[str, float]:
    """What one rank measures, by name, in seconds."""
    count = 3 if quick else 9  # calls of each: the same on all ranks, so no clock decides
    found: dict[str, float] = {}

    def timed(name: str, run: Callable[[], Any]) -> None:
        run()
        times = []
        for _ in range(count):
            dist.barrier()
            begin = time.perf_counter()
            run()
            times.append(time.perf_counter() - begin)
        found[name] = statistics.median(times)

    for size in SIZES[:4] if quick else SIZES:
        x = torch.ones(size // 4)
        timed(f"all_reduce {size}", lambda x=x: dist.all_reduce(x))
    width = 64 if quick else WIDTH
    layers = [each for _ in range(LAYERS) for each in (torch.nn.Linear(width, width), torch.nn.ReLU())]
    net = torch.nn.Sequential(*layers)
    model = parallel(net)
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3)
    x = torch.randn(BATCH, width)

    def passed() -> None:
        optimiser.zero_grad()
        (model(x) ** 2).mean().backward()

    def overlapped() -> None:
        passed()
        optimiser.step()

    def local() -> None:
        with model.no_sync():
            passed()
        optimiser.step()

    def after() -> None:
        with model.no_sync():
            passed()
        for each in net.parameters():
            dist.all_reduce(each.grad)
            each.grad /= dist.get_world_size()
        optimiser.step()

    for name, step in (("overlapped", overlapped), ("after", after), ("local", local)):
        timed(name, step)
    return found


def rank_of(system: str, folder: Path, quick: bool) -> None:
    """What a rank does: measure, and write down what rank 0 has found."""
    torch = import_module(system)
    dist = import_module(f"{system}.distributed")
    if system == "torch":
        torch.set_num_threads(1)
        meeting = f"file://{folder}/meeting"
        dist.init_process_group("gloo", meeting, rank=int(os.environ["RANK"]), world_size=int(os.environ["WORLD_SIZE"]))
    else:
        dist.init_process_group("mpi")
    parallel = import_module(f"{system}.nn.parallel").DistributedDataParallel
    found = measured(torch, dist, parallel, quick)
    if dist.get_rank() == 0:
        (folder / "found.json").write_text(json.dumps(found))
    dist.barrier()
    dist.destroy_process_group()


def launched(system: str, ranks: int, quick: bool) -> dict[str, float]:
    """What rank 0 of so many ranks has measured."""
    with tempfile.TemporaryDirectory() as folder:
        script = [sys.executable, "-m", "benchmarks.parallel", "--rank-of", system, "--folder", folder]
        script += ["--quick"] if quick else []
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
        if system == "dynamic":
            command = [sys.executable, "-m", "dynamic.distributed.run", "-n", str(ranks), "-m", *script[2:]]
            subprocess.run(command, check=True, cwd=ROOT, env=environment)
        else:
            places = [{"RANK": str(rank), "WORLD_SIZE": str(ranks)} for rank in range(ranks)]
            started = [subprocess.Popen(script, cwd=ROOT, env={**environment, **place}) for place in places]
            try:
                for each in started:
                    if each.wait():
                        raise RuntimeError(f"{system} has failed with exit code {each.returncode}")
            finally:
                for each in started:
                    each.kill()
                    each.wait()
        found: dict[str, float] = json.loads((Path(folder) / "found.json").read_text())
    return found


def main(
    ranks: Annotated[int, typer.Option(help="Ranks, beside one alone.")] = 2,
    rounds: Annotated[int, typer.Option(help="How often the systems take turns.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="Few and small sizes, to see that it runs.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="The systems: dynamic, torch.")] = None,
    save: Annotated[Path | None, typer.Option(help="A JSON file for the figures.")] = None,
    rank_of_: Annotated[str, typer.Option("--rank-of", hidden=True)] = "",
    folder: Annotated[Path, typer.Option(hidden=True)] = Path(),
) -> None:
    """Measure, and print a table: medians over the rounds."""
    if rank_of_:
        rank_of(rank_of_, folder, quick)
        return
    systems = only or list(SYSTEMS)
    found: dict[str, list[dict[str, float]]] = {f"{system} {size}": [] for system in systems for size in sorted({1, ranks})}
    for _ in range(rounds):
        for name in found:
            system, _, size = name.partition(" ")
            found[name].append(launched(system, int(size), quick))
    medians = {
        name: {what: statistics.median(each[what] for each in some) for what in some[0]} for name, some in found.items()
    }
    table = Table(title=f"Medians of {rounds} rounds, milliseconds")
    table.add_column("")
    for name in medians:
        system, _, size = name.partition(" ")
        table.add_column(f"{SYSTEMS[system]}, {size} rank{'s' * (size != '1')}", justify="right")
    for what in next(iter(medians.values())):
        kind, _, size = what.partition(" ")
        label = f"all_reduce of {int(size):,} bytes" if size else f"step, {STEPS[kind]}"
        table.add_row(label, *(f"{some[what] * 1e3:.3f}" for some in medians.values()))
    Console(width=140).print(table)
    if save is not None:
        save.write_text(json.dumps({"ranks": ranks, "rounds": rounds, "seconds": medians}, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
