"""What the modes cost: time to build, first step, steady step, memory, nodes, kernels."""

from __future__ import annotations

import gc
import math
import statistics
import tracemalloc
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import NamedTuple

from graphs.compare.calls import Log
from graphs.compare.program import Batch, Program, Setup, Twins


class Cost(NamedTuple):
    """One mode's costs.

    Attributes:
        build: seconds to build the program.
        first: seconds of the first step; in static mode the session's plan is made in it.
        steady: seconds of a later step, the median over all rounds.
        spread: half of the steps lie within these two times.
        peak: bytes allocated at the highest point of building and three steps.
        nodes: of the graph that a step runs, or of the tape that it records.
        kernels: kernels called in a step.
    """

    build: float
    first: float
    steady: float
    spread: tuple[float, float]
    peak: int
    nodes: int
    kernels: int


class Costs(NamedTuple):
    """The costs by mode, and what follows from two of them.

    Attributes:
        modes: each mode's costs.
        ratio: the first mode's steady step over the second's, the median of the rounds' ratios.
        pays_after: the number of steps after which the first mode has cost less in all; None where it never will.
    """

    modes: dict[str, Cost]
    ratio: float
    pays_after: int | None


def measure(twins: Twins, modes: tuple[str, str], batches: Sequence[Batch], dtype: str, seconds: float = 2.0) -> Costs:
    """Measure both modes side by side, in turn on the same batches, for about ``seconds`` of steady steps each.

    Memory and kernels are counted on runs of their own, so that nothing disturbs the times.
    """
    setup = twins.begin(dtype)
    starts: dict[str, list[tuple[float, float]]] = {mode: [] for mode in modes}
    programs: dict[str, Program] = {}
    for _ in range(3):
        for mode in modes:
            programs[mode], build, first = _start(twins, mode, setup, batches[0])
            starts[mode].append((build, first))
    rounds = _steady(twins, programs, batches, seconds)
    costs = {}
    for mode in modes:
        times = sorted(time for each in rounds for time in each[mode])
        quarter = len(times) // 4
        costs[mode] = Cost(
            build=statistics.median(build for build, _ in starts[mode]),
            first=statistics.median(first for _, first in starts[mode]),
            steady=statistics.median(times),
            spread=(times[quarter], times[-1 - quarter]),
            peak=_peak(twins, mode, setup, batches),
            nodes=twins.run(programs[mode].nodes, batches[0]),
            kernels=_kernels(twins, programs[mode], batches[0]),
        )
    first_mode, second_mode = modes
    ratio = statistics.median(statistics.median(r[first_mode]) / statistics.median(r[second_mode]) for r in rounds)
    return Costs(costs, ratio, pays_after(costs[first_mode], costs[second_mode]))


def pays_after(first: Cost, second: Cost) -> int | None:
    """The number of steps after which ``first`` has taken less time in all than ``second``, None if it never will."""
    behind = first.build + first.first - second.build - second.first
    gain = second.steady - first.steady
    return max(1, math.floor(behind / gain) + 2) if gain > 0 else None


def _start(twins: Twins, mode: str, setup: Setup, batch: Batch) -> tuple[Program, float, float]:
    gc.collect()
    begin = perf_counter()
    program = twins.build(mode, setup)
    built = perf_counter()
    twins.run(program.step, batch)
    return program, built - begin, perf_counter() - built


def _steady(
    twins: Twins, programs: Mapping[str, Program], batches: Sequence[Batch], seconds: float
) -> list[dict[str, list[float]]]:
    """The times of single steps, in rounds: within a round the modes take turns, so that both meet the same disturbances."""
    rounds: list[dict[str, list[float]]] = []
    end = perf_counter() + seconds * len(programs)
    while len(rounds) < 5 or (perf_counter() < end and len(rounds) < 1000):
        order = list(programs)[:: 1 if len(rounds) % 2 else -1]
        each: dict[str, list[float]] = {}
        for mode in order:
            each[mode] = twins.run(_times, programs[mode], batches[:10])
        rounds.append(each)
    return rounds


def _times(program: Program, batches: Sequence[Batch]) -> list[float]:
    times = []
    for batch in batches:
        begin = perf_counter()
        program.step(batch)
        times.append(perf_counter() - begin)
    return times


def _peak(twins: Twins, mode: str, setup: Setup, batches: Sequence[Batch]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        program = twins.build(mode, setup)
        for batch in batches[:3]:
            twins.run(program.step, batch)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _kernels(twins: Twins, program: Program, batch: Batch) -> int:
    log = Log()
    twins.run(program.watch, batch, log)
    return len(log.calls)
