"""What training would take on up to 256 workers and 1,024 GPUs, predicted: ``python -m benchmarks.scaling``.

Writes a table for each net and machine, and the pictures of ``docs/scaling.md``. Nothing is measured but how fast a core of
this processor is, and that once: ``results/processor.json`` keeps it. The rates of GPUs and networks are published figures,
which stand below with their sources.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.scaling_nets import Net, counted, gan, transformer, wide
from benchmarks.scaling_plots import curves, split
from graphs.draw.words import quantity
from graphs.placing import Device, Fabric, Link, Rates, Runtime, Step, calibrated
from graphs.placing.devices import Speed
from graphs.placing.parallel import parts_of, pipeline, replicas


RESULTS = Path(__file__).resolve().parent / "results"
PICTURES = RESULTS.parent.parent / "docs" / "pictures"

H100 = Device("H100 SXM, float32", dense=67e12, other=67e12, bandwidth=3.35e12, launch=2e-6)
"""NVIDIA H100 data sheet, 2024: 67 TFLOP/s in float32 outside of tensor cores, 3.35 TB/s. Launch: see ``ASSUMED``."""

H100_TF32 = Device("H100 SXM, TF32", dense=494.7e12, other=67e12, bandwidth=3.35e12, launch=2e-6)
"""The same sheet: 989.4 TFLOP/s in TF32 with sparsity, half of it without."""

NVLINK = Link(2.5e-6, 450e9 * 0.8)
"""The H100's sheet: NVLink 4, 900 GB/s both ways together. Four fifths of it are assumed to be reached."""

INFINIBAND = Link(5e-6, 50e9 * 0.8)
"""NVIDIA DGX H100 data sheet, 2023: eight ports of 400 Gb/s (NDR) in a node of eight GPUs, one for each."""

ETHERNET = Link(1e-3, 3.125e9 * 0.8)
"""25 Gb/s (IEEE 802.3by). Latency is that of a message between Dask workers, assumed to be a millisecond, not the wire's."""

GPUS = Fabric(INFINIBAND, NVLINK, 8)
WORKERS = Fabric(ETHERNET)
DASK = Runtime(call=3e-4, answer=2e-4, wire=Link(1e-3, 2.5e9), part=1e-4)
"""What a session on Dask costs for each worker: assumed, of a quiet machine; ``python -m benchmarks.placing`` measures."""

ASSUMED = """\
a kernel in a captured CUDA graph takes 2 µs at least; kernels reach 60 % of the peak of arithmetic and 85 % of that of
memory; networks reach 80 % of theirs, a message of NCCL takes 2.5 µs within a node and 5 µs between nodes"""


class Case(NamedTuple):
    """A net on a kind of machine. ``batch`` is that of strong scaling, ``each`` a worker's in weak scaling."""

    name: str
    title: str
    net: str
    speed: Speed
    fabric: Fabric
    counts: Sequence[int]
    batch: int
    each: int
    runtime: Runtime | None = None
    overlap: bool = True


def _powers(most: int) -> list[int]:
    return [1 << k for k in range(most.bit_length())]


def cases(processor: Rates) -> list[Case]:
    """What is predicted, in order."""
    workers, gpus = _powers(256), _powers(1024)
    return [
        Case("gan-workers", "GAN on Dask workers, a core each", "gan", processor, WORKERS, workers, 4096, 64, DASK, False),
        Case("wide-workers", "4096-unit net on Dask workers", "wide", processor, WORKERS, workers, 4096, 64, DASK, False),
        Case("gan-gpus", "GAN on H100s", "gan", H100, GPUS, gpus, 65_536, 64),
        Case("wide-gpus", "4096-unit net on H100s", "wide", H100, GPUS, gpus, 65_536, 1024),
        Case("transformer-gpus", "12-block transformer on H100s, TF32", "transformer", H100_TF32, GPUS, gpus, 1024, 16),
    ]


NETS = {
    "gan": ("GAN", gan),
    "wide": ("4096-unit net of two layers", wide),
    "transformer": ("transformer of 12 blocks", transformer),
}


def predicted(case: Case, net: Net, weak: bool) -> list[Step]:
    """The steps over each number of workers: a net's turns are taken one after another."""
    made = []
    for count in case.counts:
        size: dict[str, float] = {"each": case.each} if weak else {"batch": case.batch}
        turns = [
            replicas(turn, count, case.speed, case.fabric, runtime=case.runtime, overlap=case.overlap, **size)
            for turn in net.turns
        ]
        made.append(turns[0] if len(turns) == 1 else _joined(turns))
    return made


def _joined(turns: Sequence[Step]) -> Step:
    first = turns[0]
    sums = {name: sum(getattr(t, name) for t in turns) for name in ("compute", "exposed", "update", "dispatch", "alone")}
    return first._replace(**sums)


def table(steps: Sequence[Step]) -> str:
    """Markdown."""
    lines = ["| workers | batch each | step | compute | all-reduce | update | dispatch | speed-up | efficiency | limit |"]
    lines.append("|" + "---:|" * 9 + "---|")
    for step in steps:
        parts = [step.compute, step.exposed, step.update, step.dispatch]
        words = [quantity(step.seconds, "s"), *[quantity(each, "s") if each else "-" for each in parts]]
        batch = f"{step.batch:,.0f}" if step.batch >= 1 else f"{step.batch:.2g}"
        tail = [f"{step.speedup:,.1f}", f"{100 * step.efficiency:.0f} %", f"{step.limit} ({step.way})"]
        lines.append(f"| {step.workers:,} | {batch} | " + " | ".join([*words, *tail]) + " |")
    return "\n".join(lines)


def stages(net: Net, speed: Speed, counts: Sequence[int], batch: int, parts: int, border: float, link: Link) -> list[Any]:
    """The net cut in equal stages on as many GPUs, ``border`` bytes crossing between two."""
    step = net.turns[0].at(batch)
    whole = sum(speed.seconds(work) for work in step.works)
    update = sum(speed.seconds(work) for work in step.updates)
    return [pipeline([whole / n] * n, parts, [border] * (n - 1), link, update / n) for n in counts]


def summary(every: Sequence[Case], nets: Mapping[str, Net]) -> str:
    """A line a case and kind of scaling: speed-ups, and what limits the last of them."""
    lines = [
        "| net and machine | scaling | 8 | 64 | 256 | 1,024 | the last is limited by |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for case in every:
        for kind in ("strong", "weak"):
            steps = {step.workers: step for step in predicted(case, nets[case.net], kind == "weak")}
            shown = [f"{steps[n].speedup:,.1f}" if n in steps else "" for n in (8, 64, 256, 1024)]
            batch = f"{kind}, {case.batch if kind == 'strong' else case.each:,}" + (" each" if kind == "weak" else "")
            lines.append(f"| {case.title} | {batch} | {' | '.join(shown)} | {steps[max(steps)].limit} |")
    return "\n".join(lines)


def report(every: Sequence[Case], nets: Mapping[str, Net], processor: Rates) -> str:
    """All tables, as Markdown."""
    core = ", ".join(f"{name} {getattr(processor, name):.3g}" for name in processor.__slots__)
    made = ["# Predicted scaling", f"Of one core here, seconds: {core}. Assumed: {' '.join(ASSUMED.split())}."]
    for net in nets.values():
        size = sum(turn.of_small.size for turn in net.turns)
        made.append(f"- {net.title}: {net.parameters:,} parameters, {size / 1e6:.3g} MB of gradients a step")
    made += ["## In short: how many times as fast as one, and what it is limited by", summary(every, nets)]
    for case in every:
        for kind in ("strong", "weak"):
            batch = f"a batch of {case.batch:,}" if kind == "strong" else f"{case.each:,} examples each"
            made.append(f"## {case.title}: {kind} scaling, {batch}")
            made.append(table(predicted(case, nets[case.net], kind == "weak")))
    if "transformer" in nets:
        border = 1024 * 512 * 768 * 4
        line = stages(nets["transformer"], H100_TF32, _powers(8), 1024, 32, border, NVLINK)
        made.append("## Transformer in stages, a GPU each: a batch of 1,024 in 32 parts")
        made.append("| stages | step | waiting |\n|---:|---:|---:|")
        made[-1] += "".join(f"\n| {x.stages} | {quantity(x.seconds, 's')} | {100 * x.bubble:.0f} % |" for x in line)
    return "\n\n".join(made) + "\n"


def main(argv: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=PICTURES, help="where the pictures go")
    parser.add_argument("--tables", type=Path, default=RESULTS / "scaling.md", help="where the tables go")
    parser.add_argument("--net", action="append", choices=NETS, help="only this net")
    parser.add_argument("--rates", type=Path, default=RESULTS / "processor.json", help="a core's rates, measured if missing")
    chosen = parser.parse_args(argv)
    processor = _rates(chosen.rates)
    nets = {name: counted(*NETS[name]) for name in chosen.net or NETS}
    every = [case for case in cases(processor) if case.net in nets]
    text = report(every, nets, processor)
    print(text)
    chosen.tables.write_text(text, encoding="utf-8")
    found = {
        case.name: {kind: predicted(case, nets[case.net], kind == "weak") for kind in ("strong", "weak")} for case in every
    }
    chosen.out.mkdir(parents=True, exist_ok=True)
    curves(every, found, chosen.out / "scaling.svg")
    split(every, {name: parts_of(steps["strong"]) for name, steps in found.items()}, chosen.out)


def _rates(path: Path) -> Rates:
    """A core's rates; a file keeps them, so that the same tables and pictures can be made again."""
    if not path.exists():
        rates = calibrated()
        path.write_text(json.dumps({name: getattr(rates, name) for name in rates.__slots__}) + "\n", encoding="utf-8")
    return Rates(**json.loads(path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
