"""Depth and width: large graphs through everything, in both modes, within the usual limits; work grows as they do."""

from __future__ import annotations

import functools
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import calls_in
from tests.large import SHAPES, measured


ROOT = Path(__file__).parents[2]
WHOLE = {"chain": 200_000, "fan": 100_000, "comb": 100_000}
MODES = ("static", "dynamic")
each_shape = pytest.mark.parametrize("shape", SHAPES)
each_mode = pytest.mark.parametrize("mode", MODES)


@functools.cache
def apart(what: str, mode: str, *sizes: str, attempt: int = 0) -> list[dict[str, float]]:
    """The work of each stage of graphs of these sizes, within Python's usual limit of recursion and a stack of 8 MB."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_STACK, (8 << 20, resource.getrlimit(resource.RLIMIT_STACK)[1]))

    command = [sys.executable, "-W", "error", "-m", "tests.large", what, mode, *sizes]
    done = subprocess.run(command, cwd=ROOT, preexec_fn=limited, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-3000:]}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def whole(what: str, mode: str, shape: str, part: int = 1, attempt: int = 0) -> dict[str, float]:
    """The work of the whole graph, or of a part of one."""
    return apart(what, mode, f"{shape}:{WHOLE[shape] // part}", attempt=attempt)[0]


@each_mode
def test_a_graph_deeper_than_the_stack_goes_through_every_stage(mode: str) -> None:
    (found,) = apart("through", mode, "chain:1200")
    assert {"build", "gradients", "picture", "save", "load", "release"} <= found.keys()


@each_shape
@each_mode
def test_work_grows_with_the_size_and_no_faster(mode: str, shape: str) -> None:
    """Twice the growth takes twice the calls; what takes the square of the size would take four times as many.

    Pictures are another matter until there is more than they show: see ``tests/graphs/draw/test_steady.py``.
    """
    measured(mode, shape, 20, calls_in, False)  # what is imported and prepared at the first time
    few, more, most = (measured(mode, shape, count, calls_in, False) for count in (40, 80, 160))
    grown = {stage: (most[stage] - more[stage], more[stage] - few[stage]) for stage in few}
    assert {stage: pair for stage, pair in grown.items() if pair[0] > 2.5 * pair[1] + 200} == {}


@pytest.mark.long
@each_shape
@each_mode
def test_ten_times_the_size_takes_at_most_thirteen_times_the_calls(mode: str, shape: str) -> None:
    large, small = whole("calls", mode, shape), whole("calls", mode, shape, 10)
    assert {stage: large[stage] / small[stage] for stage in small if large[stage] > 13 * small[stage]} == {}


@pytest.mark.long
@each_shape
@each_mode
def test_ten_times_the_size_takes_at_most_thirteen_times_as_long(mode: str, shape: str) -> None:
    """The processor's time, the best of up to three: others who use the machine's caches and memory slow it down."""
    best = float("inf")
    for attempt in range(3):
        large, small = (whole("seconds", mode, shape, part, attempt) for part in (1, 10))
        best = min(best, sum(large.values()) / sum(small.values()))
        if best <= 13:
            break
    assert best <= 13
