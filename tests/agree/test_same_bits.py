"""Same seed, same bits: each demo's losses, in other processes and on other numbers of threads.

On one number of threads a program gives the same bits in every process. Our own threads change none, but in convolutions and
pools, which add up a weight's gradient part by part, a part a thread (``graphs/core/parts.py``). OpenBLAS cuts a product in
as many pieces as it has threads, and adds up within these in another order: on two threads the bits are others than on one.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parents[2]

CONVOLVES = "convolutional.py"

QUICK = {
    "two_layer.py": "--iterations 2",
    CONVOLVES: "--iterations 1",
    "variational.py": "--iterations 1",
}
"""Demos and their arguments. All of these run in both modes."""

ALL = {
    "two_layer.py": "--iterations 20",
    "recurrent.py": "--iterations 20 --form all",
    CONVOLVES: "--iterations 20",
    "variational.py": "--iterations 20",
    "gan.py": "--iterations 20",
    "own_optimizer.py": "--iterations 20",
    "two_layer_nn.py": "--optimizer Adam --steps 20",
    "packed.py": "--iterations 20",
    "freezing.py": "--quick",
    "own_structure.py": "--steps 20",
}
"""All but ``many_workers.py``, whose processes are held to the bits of one by the tests of either front-end's workers."""


def traces(blas: int, crew: int, demos: dict[str, str]) -> dict[str, list[str]]:
    """The bits of each demo's losses, from a process of its own."""
    words = itertools.chain.from_iterable((",", name, *arguments.split()) for name, arguments in demos.items())
    command = [sys.executable, "-m", "tests.agree.traces", str(blas), str(crew), *words]
    made = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


@pytest.mark.parametrize("demos", [QUICK, pytest.param(ALL, marks=pytest.mark.long)], ids=["quick", "all"])
def test_our_own_threads_change_no_bit_but_where_a_batch_is_parted(demos):
    alone, crew = traces(1, 1, demos), traces(1, 8, demos)
    assert list(alone) == list(demos)
    assert all(len(set(trace)) > max(3, len(trace) // 4) for trace in alone.values())
    del alone[CONVOLVES], crew[CONVOLVES]
    assert crew == alone


@pytest.mark.parametrize(
    ("threads", "demos"),
    [(8, QUICK), *(pytest.param(n, ALL, marks=pytest.mark.long) for n in (1, 2, 8))],
    ids=["8-quick", "1-all", "2-all", "8-all"],
)
def test_two_processes_give_the_same_bits(threads, demos):
    assert traces(threads, threads, demos) == traces(threads, threads, demos)
