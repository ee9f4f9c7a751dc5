"""Whoever is killed while saving leaves what was there or what was to be, whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(("how", "count", "few"), [("saver", 500, 8), ("rotating", 100, 6), ("save", 500, 8)])
def test_kills(tmp_path: Path, how: str, count: int, few: int, pytestconfig: pytest.Config) -> None:
    """``count`` of them with ``--long``. Every second child has saved before it is killed: as many states are reached."""
    rounds = count if pytestconfig.getoption("--long") else few
    command = [sys.executable, "-W", "ignore", "-m", "tests.files.killed", str(tmp_path), str(rounds), how]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= rounds // 2
