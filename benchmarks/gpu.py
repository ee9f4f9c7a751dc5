"""``static`` and ``dynamic`` on a GPU against PyTorch there, in one process, in turns: ``python -m benchmarks.gpu``.

Each round gives every contender a turn; a turn is timed by CUDA events around steps that nobody waits for, and ends when all
work is done. The table has medians over the rounds, and the ratios that are asked for. Before anything is timed everybody
runs for a while, and first losses are compared. Reduced precision is switched off in all.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy
import typer
from rich.console import Console
from rich.table import Table

import dynamic
import static
from benchmarks.contenders.base import AbsentError
from benchmarks.gpu_programs import STATIC, TAPED, Images, Large, Program, on_processor
from benchmarks.machine import machine, versions
from benchmarks.results import NONE, Timing
from benchmarks.workloads import Adam, Chain, Gan, Net


SIZES: dict[str, Any] = {
    "net": Net(64, 1000, 100, 10),
    "gan": Gan(),
    "images": Images(),
    "chain": Chain(2**28),
    "adam": Adam(10**8, learning_rate=1e-3),
    "large": Large(1024, 4096, 4096, 1024, learning_rate=1e-9),
}
"""What is timed."""

DRY: dict[str, Any] = {
    "net": Net(4, 6, 5, 3, learning_rate=1e-3),
    "gan": Gan(batch=4, pixels=9, hidden=5, noise=3),
    "images": Images(batch=2, channels=2),
    "chain": Chain(1000),
    "adam": Adam(1000, learning_rate=1e-3),
    "large": Large(4, 6, 5, 3, learning_rate=1e-3),
}
"""The same at sizes for finding out whether the script works; their figures mean nothing."""

STATIC_, DYNAMIC, EAGER, COMPILED, NUMPY = "static", "dynamic", "PyTorch eager", "PyTorch compiled", "numpy on the processor"
CONTENDERS = (STATIC_, DYNAMIC, EAGER, COMPILED, NUMPY)

TOUCHED = {"chain": (2, "a read and a write"), "adam": (7, "four reads and three writes")}
"""How many times the vector of a workload has to cross to or from memory."""

BOUNDS = (
    ("net", STATIC_, EAGER, "at most", 0.25),
    ("gan", STATIC_, EAGER, "at most", 0.25),
    *((work, STATIC_, COMPILED, "at most", 1.0) for work in ("net", "gan", "images", "large")),
    *((work, DYNAMIC, EAGER, "at most", 1.0) for work in SIZES),
    ("large", NUMPY, STATIC_, "at least", 50.0),
    ("large", NUMPY, DYNAMIC, "at least", 50.0),
)
"""Ratios of times that are asked for: of the first to the second."""

BANDWIDTH = 0.85
"""What part of the bandwidth of a copy element-wise work is to reach."""

TOLERANCE = 5e-3
TURN_SECONDS = 0.05
WARM_SECONDS = 0.5
WARM_STEPS = 5


@dataclass
class Measured:
    """A run: where and when, microseconds a step of each workload and contender, and what was asked.

    Attributes:
        copy: bytes a second of a copy on the GPU, read and written together.
        absent: why a contender has no figure.
        asked: ratios and parts of the bandwidth, each with its bound, and whether it was met.
    """

    machine: dict[str, Any]
    gpu: dict[str, Any]
    versions: dict[str, str]
    date: str
    rounds: int
    dry: bool
    copy: float = 0.0
    times: dict[str, dict[str, Timing]] = field(default_factory=dict)
    absent: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)


class Clock:
    """Microseconds on the GPU, by CUDA events of cupy's module ``xp``."""

    def __init__(self, xp: Any) -> None:
        self._xp = xp

    def __call__(self, step: Callable[[], None], count: int) -> float:
        """What a step takes, of ``count``."""
        device, event = self._xp.cuda.Device(), self._xp.cuda.Event
        begin, end = event(), event()
        device.synchronize()
        begin.record(self._xp.cuda.Stream.null)
        for _ in range(count):
            step()
        device.synchronize()  # streams of their own too
        end.record(self._xp.cuda.Stream.null)
        end.synchronize()
        return float(self._xp.cuda.get_elapsed_time(begin, end)) * 1e3 / count


def wall(step: Callable[[], None], count: int) -> float:
    """Microseconds of a step on the processor."""
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) * 1e6 / count


def torch_on_gpu() -> Any:
    """PyTorch, where it finds a GPU, without reduced precision. Raises AbsentError saying why not."""
    try:
        torch = import_module("torch")
    except ModuleNotFoundError:
        raise AbsentError("torch is not installed") from None
    if not torch.cuda.is_available():
        raise AbsentError(f"torch {torch.__version__} finds no GPU, or was built without CUDA")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    return torch


def program(who: str, work: Any) -> Program:
    """A contender's program, set up. Raises AbsentError where there is none."""
    if who == STATIC_:
        return STATIC[type(work)](static, work)
    if who == NUMPY:
        if type(work) is not Large:
            raise AbsentError("only the large net is compared with the processor")
        return on_processor(work)
    torch = dynamic if who == DYNAMIC else torch_on_gpu()
    return TAPED[type(work)](torch, work, who == COMPILED)


def set_up(name: str, work: Any, found: Measured, only: tuple[str, ...]) -> dict[str, Program]:
    """Everybody's program, compared by their first losses; those who have none are noted."""
    programs, losses = {}, {}
    for who in only:
        try:
            made = program(who, work)
            for _ in range(WARM_STEPS):
                made.step()
            losses[who] = made.loss()
            programs[who] = made
        except AbsentError as why:
            found.absent.setdefault(name, {})[who] = str(why)
    own = {STATIC_} if name == "images" else set()  # its layers draw their own weights
    compared = {who: loss for who, loss in losses.items() if who not in own}
    first = next(iter(compared.values()), 0.0)
    for who, loss in compared.items():
        if not numpy.isclose(loss, first, rtol=TOLERANCE):
            raise RuntimeError(f"{who} computes something else on {name}: {loss} where {next(iter(compared))} has {first}")
    return programs


def measure(clocks: Mapping[str, Any], programs: Mapping[str, Program], rounds: int, dry: bool) -> dict[str, Timing]:
    """Microseconds a step, in interleaved rounds."""
    counts = {}
    for who, each in programs.items():
        clock, count, spent = clocks[who], 1, 0.0
        while not dry and spent < WARM_SECONDS * 1e6:
            spent += clock(each.step, count) * count
            count *= 2
        last = clock(each.step, 1)
        counts[who] = 1 if dry else max(1, round(TURN_SECONDS * 1e6 / max(last, 1.0)))
    times: dict[str, list[float]] = {who: [] for who in programs}
    for _ in range(rounds):
        for who, each in programs.items():
            times[who].append(clocks[who](each.step, counts[who]))
    return {who: Timing.of(each) for who, each in times.items()}


def copy_bandwidth(xp: Any, clock: Clock, size: int, rounds: int) -> float:
    """Bytes a second that a copy of ``size`` float32 on the GPU reads and writes."""
    source, target = xp.zeros(size, numpy.float32), xp.zeros(size, numpy.float32)

    def step() -> None:
        xp.copyto(target, source)

    clock(step, 3)
    return 2 * source.nbytes / (median(clock(step, 5) for _ in range(rounds)) * 1e-6 or 1e-9)


def judge(found: Measured, sizes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was asked, and what was found; without figures what is missing is said."""
    asked: list[dict[str, Any]] = []
    for work, one, other, kind, bound in BOUNDS:
        times = found.times.get(work, {})
        ratio = times[one].median / times[other].median if {one, other} <= set(times) and times[other].median else None
        met = None if ratio is None or found.dry else (ratio <= bound if kind == "at most" else ratio >= bound)
        asked.append({"workload": work, "of": one, "to": other, "asked": f"{kind} {bound:g}", "found": ratio, "met": met})
    for work, (crossings, _) in TOUCHED.items():
        for who in (STATIC_, DYNAMIC) if work == "adam" else (STATIC_,):
            timing = found.times.get(work, {}).get(who)
            part = None
            if timing is not None and timing.median and found.copy:
                part = crossings * 4 * sizes[work].size / (timing.median * 1e-6) / found.copy
            met = None if part is None or found.dry else part >= BANDWIDTH
            text = f"at least {BANDWIDTH:g}"
            asked.append({"workload": work, "of": who, "to": "copy bandwidth", "asked": text, "found": part, "met": met})
    return asked


def run(
    sizes: Mapping[str, Any], rounds: int, dry: bool = False, only: tuple[str, ...] = CONTENDERS, say: Any = None
) -> Measured:
    """Everything measured on the GPU that cupy finds. Raises DeviceError where there is none."""
    dynamic.cuda.init()
    xp: Any = import_module("cupy")
    about = dynamic.cuda.get_device_properties(0)
    gpu = {"name": about.name, "capability": [about.major, about.minor], "memory": about.total_memory}
    gpu["driver"], gpu["runtime"] = xp.cuda.runtime.driverGetVersion(), xp.cuda.runtime.runtimeGetVersion()
    found = Measured(
        machine(), gpu, {**versions(), "cupy": xp.__version__}, datetime.now(UTC).date().isoformat(), rounds, dry
    )
    clock = Clock(xp)
    clocks = {who: wall if who == NUMPY else clock for who in CONTENDERS}
    found.copy = copy_bandwidth(xp, clock, 1000 if dry else 2**28, rounds)
    with numpy.errstate(all="ignore"):
        for name, work in sizes.items():
            if say is not None:
                say(name)
            found.times[name] = measure(clocks, set_up(name, work, found, only), rounds, dry)
            dynamic.cuda.empty_cache()
    found.asked = judge(found, sizes)
    return found


def tables(found: Measured) -> list[Table]:
    """The times, and what was asked, for people."""
    times = Table("microseconds a step", *found.times, title=f"{found.gpu['name']}, medians of {found.rounds} rounds")
    for who in CONTENDERS:
        cells = [each.get(who) for each in found.times.values()]
        if any(cells):
            times.add_row(who, *(NONE if cell is None else f"{cell.median:,.1f}" for cell in cells))
    asked = Table("workload", "of", "to", "asked", "found", "met")
    for row in found.asked:
        said = NONE if row["met"] is None else "yes" if row["met"] else "NO"
        asked.add_row(row["workload"], row["of"], row["to"], row["asked"], _figure(row["found"]), said)
    return [times, asked]


def _figure(value: float | None) -> str:
    return NONE if value is None else f"{value:.3g}"


def write(found: Measured, path: Path) -> None:
    """Everything as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(found), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main(
    rounds: Annotated[int, typer.Option(help="How often everybody has a turn.", min=1)] = 9,
    work: Annotated[list[str] | None, typer.Option(help=f"A workload: {', '.join(SIZES)}; may be repeated.")] = None,
    dry: Annotated[bool, typer.Option("--dry", help="Tiny sizes, to see that it runs: the figures mean nothing.")] = False,
    results: Annotated[Path | None, typer.Option(help="Write everything to this file, as JSON.")] = None,
) -> None:
    """Time training steps on the GPU, print the ratios that are asked for and whether they were reached."""
    for name in work or ():
        if name not in SIZES:
            raise typer.BadParameter(f"{name} is no workload; there are {', '.join(SIZES)}")
    console = Console()
    chosen = {name: each for name, each in (DRY if dry else SIZES).items() if not work or name in work}
    try:
        found = run(chosen, 1 if dry else rounds, dry, say=lambda name: console.print(name, style="dim"))
    except dynamic.cuda.DeviceError as error:
        console.print(str(error).partition("\n")[0], markup=False)
        raise typer.Exit(2) from None
    for table in tables(found):
        console.print(table)
    console.print(f"copy bandwidth {found.copy / 1e9:,.0f} GB/s")
    for name, absent in found.absent.items():
        for who, why in absent.items():
            if who != NUMPY:
                console.print(f"{who} is missing from {name}: {why}", style="dim")
    if results is not None:
        write(found, results)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
