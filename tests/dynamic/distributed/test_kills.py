"""Ranks that are killed while a program trains: it goes on from its last checkpoint, to the result of no kills."""

import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.dynamic.distributed.ranks import OURS, PROGRAMS, ROOT, WAIT, environment, run


STEPS, MANY = 12, 600


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return result_of(tmp_path_factory.mktemp("undisturbed"), STEPS)


@pytest.fixture(scope="module")
def long_undisturbed(tmp_path_factory):
    return result_of(tmp_path_factory.mktemp("undisturbed"), MANY)


def result_of(folder, steps):
    done = run("training.py", 2, folder, steps)
    assert done.returncode == 0, done.stderr
    return (folder / "result").read_text()


def test_the_result_is_that_of_a_run_that_nobody_killed(undisturbed, tmp_path):
    plans = ["0:1:4:travel", "1:0:5:save", "2:0:7:before"]
    done = run("training.py", 2, tmp_path, STEPS, *plans, options=("--max-restarts", "3"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("was killed by SIGKILL") >= 3
    assert [line for line in done.stderr.splitlines() if "beginning again" in line] == [
        f"dynamic.distributed.run: beginning again with 2 ranks ({i} of 3 restarts)" for i in (1, 2, 3)
    ]
    assert (tmp_path / "result").read_text() == undisturbed


def test_those_that_are_left_go_on_and_restarts_have_an_end(tmp_path):
    done = run("training.py", "1:2", tmp_path, STEPS, "0:1:4:before", "1:0:9:before", options=("--max-restarts", "1"))
    assert done.returncode == 128 + signal.SIGKILL
    assert "beginning again with 1 rank (1 of 1 restarts)" in done.stderr
    assert not (tmp_path / "result").exists()
    done = run("training.py", 1, tmp_path, STEPS)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "result").read_text().startswith("1 ")


def killed(pid, mark):
    """Kill a process, if it is still the one whose command has this mark."""
    try:
        if mark not in Path("/proc", pid, "cmdline").read_text():
            return False
        os.kill(int(pid), signal.SIGKILL)
    except (ProcessLookupError, FileNotFoundError):
        return False
    return True


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
def test_ten_kills_at_any_moment_change_nothing(long_undisturbed, tmp_path, seed):
    rng = random.Random(seed)
    command = [*OURS, "-n", "2", "--max-restarts", "40", str(PROGRAMS / "training.py"), str(tmp_path), str(MANY)]
    kills = 0
    with open(tmp_path / "errors", "w") as errors:
        started = subprocess.Popen(command, stderr=errors, cwd=ROOT, env=environment())
        guard = threading.Timer(10 * WAIT, started.kill)
        guard.start()
        try:
            known = set()
            while started.poll() is None:
                victim = tmp_path / f"pid{rng.randrange(2)}"
                pid = victim.read_text() if kills < 10 and victim.exists() else ""
                if pid and pid not in known:
                    known.add(pid)
                    time.sleep(rng.random() * 0.1)
                    if killed(pid, str(tmp_path)):
                        kills += 1
                time.sleep(0.01)
        finally:
            guard.cancel()
            started.kill()
            started.wait()
    said = (tmp_path / "errors").read_text()
    assert started.returncode == 0, said
    assert (tmp_path / "result").read_text() == long_undisturbed
    assert kills == 10
    assert 1 <= said.count("beginning again") <= kills
