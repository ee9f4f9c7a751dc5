"""The twin programs, in lock-step: both modes give the same bits, step after step, without passes and with them."""

from functools import partial
from pathlib import Path

import pytest

import static.adapter
from graphs.compare import load, lockstep
from static.passes import PIPELINE


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


@pytest.mark.parametrize("passes", [(), PIPELINE], ids=["no passes", "passes"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", STEPS_AND_ARRAYS)
def test_twins_are_equal_to_the_last_bit(name, dtype, passes, monkeypatch):
    monkeypatch.setattr(static.adapter, "Session", partial(static.adapter.Session, passes=passes))
    steps, arrays = STEPS_AND_ARRAYS[name]
    twins = load(DEMOS / name)
    found = lockstep(twins, ("static", "dynamic"), twins.batches(dtype, steps), dtype)
    assert found.difference is None
    assert found.steps == steps
    assert found.compared == steps * arrays
    for curves in found.losses.values():
        assert curves["static"] == curves["dynamic"]
        assert len(set(curves["static"])) > steps // 2
