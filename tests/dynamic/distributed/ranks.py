"""Programs under ``dynamic.distributed.run`` and ``mpiexec``: started once, what each rank found read from files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


pytest.importorskip("mpi4py")

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = Path(__file__).with_name("programs")
WAIT = 300
"""Seconds after which a program that hangs is ended; nothing takes as long."""

OURS = [sys.executable, "-m", "dynamic.distributed.run"]
MPIEXEC = [shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}") or "mpiexec"]


def run(program: str, ranks: int | str, *arguments: Any, launcher: list[str] = OURS, options: Any = ()) -> Any:
    """Run a program to its end: exit code, output and errors."""
    command = [*launcher, "-n", str(ranks), *options]
    command += [] if launcher is OURS else [sys.executable]
    return subprocess.run(
        [*command, str(PROGRAMS / program), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=WAIT,
        cwd=ROOT,
        env=environment(),
        check=False,
    )


def environment() -> dict[str, str]:
    """Variables for a rank: the tree is importable from wherever the program lies, and each has one thread."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}


def found(folder: Path, program: str, ranks: int, *arguments: Any, launcher: list[str] = OURS) -> list[Any]:
    """What each rank wrote down; a program that fails fails the test, with what it said."""
    done = run(program, ranks, folder, *arguments, launcher=launcher)
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(ranks)]
