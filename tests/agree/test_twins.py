"""The twin programs, in lock-step: with no pass running both modes give the same bits, for 200 steps."""

from pathlib import Path

import pytest

from graphs.compare import load, lockstep


DEMOS = Path(__file__).parents[2] / "demos"

COMPARED = {"two_layer.py": 200 * 5, "gan.py": 200 * 2 * (1 + 4 + 16 + 8)}
"""Arrays compared in 200 steps: losses, gradients, Adam's slots and parameters after each update."""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", COMPARED)
def test_twins_are_equal_to_the_last_bit(name, dtype):
    twins = load(DEMOS / name)
    found = lockstep(twins, ("static", "dynamic"), twins.batches(dtype, 200), dtype)
    assert found.difference is None
    assert found.steps == 200
    assert found.compared == COMPARED[name]
    for curves in found.losses.values():
        assert curves["static"] == curves["dynamic"]
        assert len(set(curves["static"])) > 100
