"""What the modes cost: time to build, to optimise, first step, steady step and its parts, memory, nodes, kernels."""

from __future__ import annotations

import gc
import statistics
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, NamedTuple

from graphs.compare.breakeven import BreakEven, Starts, break_even, pays_after as _pays_after
from graphs.compare.clock import Clock
from graphs.compare.program import Batch, Program, Setup, Twins, adapters
from graphs.compare.timeline import Timeline, timeline


STARTS = 5
"""How often each mode is built anew."""

TOLERANCE = 0.25
"""The share of a step by which its parts, each measured apart, may miss it on a machine that does nothing else."""


class Parts(NamedTuple):
    """A steady step split into parts, in seconds. Each is measured apart, by clocks or by doing that part alone.

    On a quiet machine they add up to the step within ``TOLERANCE`` of it; ``rest`` says what is missing or too much: the
    program's own lines, and noise. ``static.splitting`` and ``dynamic.splitting`` say how each mode is measured.

    Attributes:
        feed: feed and fetch: arrays handed in, results handed out.
        kernels: the kernels alone.
        dispatch: the way from kernel to kernel: a plan's lines of Python; a tensor's operations, unrecorded.
        tape: recording, and backward passes beside their kernels; 0 for a graph.
        step: the step that was split, on one batch.
    """

    feed: float
    kernels: float
    dispatch: float
    tape: float
    step: float

    @property
    def rest(self) -> float:
        """The step less its parts."""
        return self.step - (self.feed + self.kernels + self.dispatch + self.tape)

    def as_dict(self) -> dict[str, float]:
        """The parts as JSON takes them."""
        return {**self._asdict(), "rest": self.rest}


class Cost(NamedTuple):
    """One mode's costs.

    Attributes:
        build: seconds to build the program.
        first: seconds of the first step, without plans that are made in it.
        steady: seconds of a later step, the median over all rounds.
        spread: half of the steps lie within these two times.
        peak: bytes allocated at the highest point of building and three steps.
        nodes: of the graph that a step runs, or of the tape that it records.
        kernels: kernels called in a step.
        optimise: seconds that plans take to be made: passes, Python text, and machine code for hot ones; 0 without plans.
        parts: the steady step split; None where the program cannot be.
        memory: memory over a step; None where it was not looked at.
    """

    build: float
    first: float
    steady: float
    spread: tuple[float, float]
    peak: int
    nodes: int
    kernels: int
    optimise: float = 0.0
    parts: Parts | None = None
    memory: Timeline | None = None

    def as_dict(self) -> dict[str, Any]:
        """The costs as JSON takes them."""
        parts = None if self.parts is None else self.parts.as_dict()
        memory = None if self.memory is None else self.memory.as_dict()
        return {**self._asdict(), "parts": parts, "memory": memory}


class Costs(NamedTuple):
    """The costs by mode, and what follows from two of them.

    Attributes:
        modes: each mode's costs.
        ratio: the first mode's steady step over the second's, the median of the rounds' ratios.
        pays_after: the number of steps after which the first mode has cost less in all; None where it never will.
        break_even: the same with error bars, curves and reasons; None where it was not worked out.
    """

    modes: dict[str, Cost]
    ratio: float
    pays_after: int | None
    break_even: BreakEven | None = None


def measure(twins: Twins, modes: tuple[str, str], batches: Sequence[Batch], dtype: str, seconds: float = 2.0) -> Costs:
    """Measure both modes side by side, in turn on the same batches, for about ``seconds`` of steady steps each.

    Memory and kernels are counted on runs of their own, so that nothing disturbs the times.
    """
    setup = twins.begin(dtype)
    starts: dict[str, list[tuple[float, float, float]]] = {mode: [] for mode in modes}
    programs: dict[str, Program] = {}
    for _ in range(STARTS):
        for mode in modes:
            programs[mode], *once = _start(twins, mode, setup, batches[0])
            starts[mode].append((once[0], once[1], once[2]))
    with _planning(modes[0]) as first_hot, _planning(modes[1]) as second_hot:
        rounds = _steady(twins, programs, batches, seconds)
    hot = dict(zip(modes, (first_hot.seconds, second_hot.seconds), strict=True))
    costs = {}
    paid = {}
    for mode in modes:
        times = sorted(time for each in rounds for time in each[mode])
        quarter = len(times) // 4
        program = programs[mode]
        build, plans, first = zip(*starts[mode], strict=True)
        steady = [statistics.median(each[mode]) for each in rounds]
        paid[mode] = Starts(build, [plan + hot[mode] for plan in plans], first, steady)
        memory = timeline(twins, program, batches[0])
        costs[mode] = Cost(
            build=statistics.median(build),
            first=statistics.median(first),
            steady=statistics.median(times),
            spread=(times[quarter], times[-1 - quarter]),
            peak=_peak(twins, mode, setup, batches),
            nodes=twins.run(program.nodes, batches[0]),
            kernels=len(memory.moments),
            optimise=statistics.median(paid[mode].optimise),
            parts=_parts(twins, program, batches[0], seconds / 2),
            memory=memory,
        )
    first_mode, second_mode = modes
    ratio = statistics.median(statistics.median(r[first_mode]) / statistics.median(r[second_mode]) for r in rounds)
    split = {mode: cost.parts.as_dict() for mode, cost in costs.items() if cost.parts is not None}
    found = break_even(modes, paid, split)
    return Costs(costs, ratio, found.steps, found)


def pays_after(first: Cost, second: Cost) -> int | None:
    """The number of steps after which ``first`` has taken less time in all than ``second``, None if it never will."""
    behind = first.build + first.optimise + first.first - second.build - second.optimise - second.first
    return _pays_after(behind, second.steady - first.steady)


def _start(twins: Twins, mode: str, setup: Setup, batch: Batch) -> tuple[Program, float, float, float]:
    """A program built and run for a step; the seconds of building, of making plans, and of the step without that."""
    gc.collect()
    with _planning(mode) as clock:
        begin = perf_counter()
        program = twins.build(mode, setup)
        built = perf_counter()
        early = clock.seconds
        twins.run(program.step, batch)
        end = perf_counter()
    return program, built - begin - early, clock.seconds, end - built - (clock.seconds - early)


@contextmanager
def _planning(mode: str) -> Iterator[Clock]:
    """A clock on which are the plans that a mode makes, if it makes any."""
    planning = getattr(adapters().get(mode), "planning", None)
    if planning is None:
        yield Clock()
    else:
        with planning() as clock:
            yield clock


def _parts(twins: Twins, program: Any, batch: Batch, seconds: float) -> Parts | None:
    split = getattr(program, "split", None)
    return None if split is None else Parts(**twins.run(split, batch, seconds))


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
