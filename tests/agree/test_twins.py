"""The twin programs, in lock-step: both modes give the same bits, step after step, without passes and with exact ones."""

from functools import partial
from pathlib import Path

import pytest

import static.adapter
import static.plan
from graphs.compare import load, lockstep
from static.passes import EXACT


DEMOS = Path(__file__).parents[2] / "demos"

RECURRENT = 1 + 4 + 8 + 4
STEPS_AND_ARRAYS = {
    "two_layer.py": (200, 5),
    "gan.py": (200, 2 * (1 + 4 + 16 + 8)),
    "recurrent.py": (50, RECURRENT),
    "recurrent_scan.py": (50, RECURRENT),
    "recurrent_while.py": (50, RECURRENT),
    "convolutional.py": (50, 1 + 8 + 16 + 8),
    "variational.py": (200, 2 + 10 + 20 + 10),
}
"""How many steps, and arrays compared in each: losses, gradients, Adam's slots and parameters after each update."""


def hot(monkeypatch):
    """Let every plan be compiled when it has run once."""
    monkeypatch.setattr(static.plan, "HOT_SECONDS", -1.0)
    monkeypatch.setattr(static.plan, "SECONDS_A_CALL", 0.0)


@pytest.mark.parametrize("way", ["no passes", "exact passes", "compiled"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", STEPS_AND_ARRAYS)
def test_twins_are_equal_to_the_last_bit(name, dtype, way, monkeypatch, pytestconfig):
    passes = () if way == "no passes" else EXACT
    monkeypatch.setattr(static.adapter, "Session", partial(static.adapter.Session, passes=passes))
    if way == "compiled":
        hot(monkeypatch)
    steps, arrays = STEPS_AND_ARRAYS[name]
    if way != "compiled" and not pytestconfig.getoption("--long"):
        steps //= 5
    twins = load(DEMOS / name)
    found = lockstep(twins, ("static", "dynamic"), twins.batches(dtype, steps), dtype)
    assert found.difference is None
    assert found.steps == steps
    assert found.compared == steps * arrays
    for curves in found.losses.values():
        assert curves["static"] == curves["dynamic"]
        assert len(set(curves["static"])) > steps // 2
