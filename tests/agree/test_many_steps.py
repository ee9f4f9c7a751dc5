"""Many steps of training leave nothing behind, in either mode."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_steps_leave_nothing_behind_though_no_cycles_are_collected(mode: str, pytestconfig: pytest.Config) -> None:
    steps = 10_000 if pytestconfig.getoption("--long") else 200
    command = [sys.executable, "-W", "error", "-m", "tests.steps", mode, str(steps)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    grown = json.loads(done.stdout)
    assert grown["objects"] <= 0
    assert grown["nodes"] == 0
    assert grown["resident"] <= 1 << 20
    assert grown["traced"] <= 64 << 10
