"""Ctrl-C at random moments of training, from another process: a step is done or not, and the next is as without it.

``tests/static/test_interrupts.py`` and ``tests/dynamic/test_interrupts.py`` go through the places of a step one by one.
"""

import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np


def test_interrupts_at_random_moments_tear_nothing_and_are_raised_at_once(pytestconfig):
    long = pytestconfig.getoption("--long")
    turns = 1000 if long else 48
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.interrupted", str(turns)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    random = np.random.default_rng()
    guard = threading.Timer(3600 if long else 300, child.kill)
    guard.start()
    try:
        with child:
            for _ in range(turns):
                if child.stdout.readline() != "ready\n":
                    break
                time.sleep(random.uniform(0, 0.006))
                sent = f"{time.monotonic()} {_worked(child.pid)}\n"
                child.send_signal(signal.SIGINT)
                with suppress(BrokenPipeError):  # it has ended, and says why
                    child.stdin.write(sent)
                    child.stdin.flush()
            said, errors = child.communicate()
    finally:
        guard.cancel()
        child.kill()
    assert said.startswith("done "), (said, errors)
    steps, *waited = map(float, said.split()[1:])
    assert steps > 0
    assert len(waited) == 2 * turns
    if long:
        for what, found in (("on the clock", waited[::2]), ("of work", waited[1::2])):
            print(f"ms {what}: median {np.median(found)}, 99 of 100 {np.percentile(found, 99)}, most {max(found)}")
        assert max(waited[1::2]) <= 100.0


def _worked(pid):
    """The seconds that a process has been at work: its clock by POSIX's clock_getcpuclockid as Linux has it."""
    return time.clock_gettime((~pid << 3) | 2) if sys.platform == "linux" else 0.0
