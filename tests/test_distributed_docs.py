"""What docs/distributed.md shows works as shown: programs, the commands that start a cluster, and those that start ranks."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "distributed.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
ADDRESS = "127.0.0.1:8786"
WAIT = 120.0

KINDS = {"alone": [], "recovery": [], "meets": [], "ranks": []}
for _text in PROGRAMS:
    _kind = "ranks" if "init_process_group" in _text else "meets" if ADDRESS in _text else "alone"
    KINDS["recovery" if "SIGKILL" in _text else _kind].append(_text)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}


def run(command: list[str], folder: Path) -> str:
    how = {"cwd": folder, "env": environment(), "stdin": subprocess.DEVNULL, "timeout": WAIT}
    out = subprocess.run(command, capture_output=True, text=True, check=False, **how)
    assert out.returncode == 0, out.stderr
    assert out.stdout
    return out.stdout


def program(text: str, folder: Path) -> list[str]:
    (folder / "out").mkdir(exist_ok=True)
    (folder / "program.py").write_text(text, encoding="utf-8")
    return [sys.executable, "-W", "error", "program.py"]


@pytest.mark.parametrize("text", KINDS["alone"], ids=["partition", "timeline", "replicas"])
def test_a_program_runs(text: str, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    run(program(text, tmp_path), tmp_path)
    assert [*(tmp_path / "out").iterdir()] or '"out/' not in text


@pytest.mark.long
def test_training_survives_the_death_of_a_worker(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    (text,) = KINDS["recovery"]
    assert re.match(
        r"UnavailableError: went on from step 4\nloss [\d.]+ after 12 steps\n", run(program(text, tmp_path), tmp_path)
    )


def test_a_session_meets_a_cluster_that_runs_already(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    first, *others = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert "--port 8786" in first
    where = tmp_path / "scheduler.json"
    running = []
    try:
        running.append(started(f"{first.replace('--port 8786', '--port 0')} --scheduler-file {where}", tmp_path))
        address = address_in(where, running[0])
        running += [started(line.replace(ADDRESS, address), tmp_path) for line in others]
        (text,) = KINDS["meets"]
        out = run(program(text.replace(ADDRESS, address), tmp_path), tmp_path)
        assert float(out) == 6.0
    finally:
        for process in running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def started(line: str, folder: Path) -> subprocess.Popen:
    dask, *arguments = shlex.split(line)
    assert dask == "dask"
    command = [sys.executable, "-m", "dask", *arguments]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=folder, env=environment(), start_new_session=True, **quiet)


def address_in(where: Path, process: subprocess.Popen) -> str:
    """The scheduler's address, once it has written it."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        assert process.poll() is None, "the scheduler has ended"
        try:
            return json.loads(where.read_text())["address"].removeprefix("tcp://")
        except (FileNotFoundError, ValueError):
            time.sleep(0.05)
    raise AssertionError("the scheduler has not begun")


@pytest.mark.parametrize("line", re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)[0].splitlines())
def test_ranks_run(line: str, tmp_path: Path) -> None:
    pytest.importorskip("mpi4py")
    (text,) = KINDS["ranks"]
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    command = [sys.executable if each == "python" else each for each in shlex.split(line)]
    mpiexec = Path(sys.executable).with_name("mpiexec")
    if command[0] == "mpiexec" and mpiexec.exists():
        command[0] = str(mpiexec)
    assert "of 3 ranks" in run(command, tmp_path)


def test_what_the_page_points_to_exists() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", PAGE) if "://" not in link]
    assert links
    assert not [link for link in links if not (ROOT / "docs" / link).exists()]
