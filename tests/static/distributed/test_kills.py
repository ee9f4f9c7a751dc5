"""Workers that die, stop or send something else: an error that names them, or training that goes on, and nothing wrong."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import static as tf
from tests.static.distributed import killing
from tests.static.distributed.killing import Net


pytest.importorskip("distributed")

ROOT = Path(__file__).parents[3]


def same(values, wanted):
    return values.keys() == wanted.keys() and all(values[name].tobytes() == wanted[name].tobytes() for name in wanted)


def campaign(folder, replicated, seed, kills, steps=12, workers=3):
    """One training whose workers are killed at ``kills`` random moments: seconds from each death to the error, and on."""
    random = np.random.default_rng(seed)
    net = Net(0 if replicated else workers)
    moments = ["before", "while", "after", "timer"]
    deaths, checkpoints = folder / "deaths", folder / "checkpoints"
    deaths.mkdir()
    plan = {}
    for step in sorted(random.choice(np.arange(1, steps - 1), kills, replace=False)):
        moment, place = moments[random.integers(4)], int(random.integers(workers))
        if moment == "timer":
            plan[int(step)] = killing.kill_after(random.random() * 0.02, place, str(deaths))
        else:
            plan[int(step)] = killing.kill_when(moment, place, str(deaths))
    target = f"dask://local?workers={workers}" + (f"&replicas={workers}" if replicated else "")
    values, recoveries, killer, pids = killing.trained(net, target, checkpoints, steps, plan)
    assert same(values, killing.expected(net, steps, workers if replicated else None, recoveries)), (seed, killer.done)
    assert killing.whole(checkpoints)
    assert killing.gone(pids)
    times = {path.name: float(path.read_text()) for path in deaths.iterdir()}
    figures = []
    for each in recoveries:
        (pid,) = [pid for pid in times if f"pid {pid})" in str(each.error)]  # the error names the worker that died
        figures.append((each.noticed - times[pid], each.resumed - each.noticed))
    return figures


@pytest.mark.parametrize(("replicated", "kills"), [(True, 2), (False, 1)], ids=["replicas", "parts"])
def test_training_survives_the_death_of_workers(tmp_path, replicated, kills):
    assert 1 <= len(campaign(tmp_path, replicated, 3 if replicated else 1, kills, workers=kills + 1)) <= kills


@pytest.mark.long
def test_fifty_kills(tmp_path):
    """Prints what it took: shown with ``-s``."""
    figures = []
    for seed in itertools.count():
        if len(figures) >= 50:
            return
        folder = tmp_path / str(seed)
        folder.mkdir()
        figures += campaign(folder, seed % 2 == 0, 100 + seed, 3, workers=4)
        noticed, resumed = (np.array(column) for column in zip(*figures, strict=True))
        print(
            f"{len(figures)} deaths: seconds to the error {np.median(noticed):.3f} (median), {noticed.max():.3f} (worst); "
            f"to going on {np.median(resumed):.3f}, {resumed.max():.3f}; all results as undisturbed",
            flush=True,
        )


@pytest.fixture(params=[0, 2], ids=["replicas", "parts"])
def session(request, connect):
    """A net, and a session that runs it on two workers, after a step."""
    net = Net(request.param)
    with net.graph.as_default():
        made = connect(f"?timeout=3{'' if request.param else '&replicas=2'}")
        made.run(net.init)
        made.run(net.train, net.batch(0))
    return net, made


def test_a_garbled_tensor_is_an_error(session):
    net, session = session
    before = net.values(session)
    for how in ("shape", "dtype", "truncated", "bits"):
        honest = killing.spoil(session, 0, how)
        try:
            with pytest.raises(tf.errors.DataLossError, match=r"replica 0 has|replica 0 sent|is to receive"):
                session.run(net.train, net.batch(1))
        finally:
            honest()
        assert same(net.values(session), before), "nothing was changed by it"
    session.run(net.train, net.batch(1))
    assert not same(net.values(session), before)


def test_a_worker_that_stands_still_is_an_error(session):
    net, session = session
    before = net.values(session)
    task = session.tasks[1]
    os.kill(task.pid, signal.SIGSTOP)
    try:
        with pytest.raises(tf.errors.DeadlineExceededError, match=rf"pid {task.pid}\) is lost: it has not answered for"):
            session.run(net.train, net.batch(1))
        with pytest.raises(tf.errors.AbortedError, match="this session is broken"):
            session.run(net.train, net.batch(1))
        if not hasattr(session, "replicas"):
            return
        assert session.rebuild(), "another has the values"
        assert (session.replicas, task.pid in [each.pid for each in session.tasks]) == (2, False)
        assert same(net.values(session), before)
        session.run(net.train, net.batch(1))
        session.check_replicas()
    finally:
        os.kill(task.pid, signal.SIGCONT)


def test_workers_end_with_the_process_that_started_them(tmp_path):
    program = tmp_path / "killed.py"
    program.write_text(
        "import os, signal\nimport static as tf\n\nif __name__ == '__main__':\n    tf.Variable(1.0)\n"
        "    print(tf.Session('dask://local?workers=1').tasks[0].pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    made = subprocess.run(
        [sys.executable, str(program)], env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, check=False
    )
    assert made.returncode == -signal.SIGKILL
    pid = int(made.stdout)
    end = time.monotonic() + 60
    while not killing.gone([pid]) and time.monotonic() < end:
        time.sleep(0.1)
    assert killing.gone([pid])


def test_replicas_that_cannot_be(connect):
    tf.Variable(1.0)
    with pytest.raises(ValueError, match="9 replicas take as many workers, and there are 3"):
        connect("?replicas=9")
    with pytest.raises(ValueError, match="the number of replicas is a whole number from 1, not 0"):
        connect(replicas=0)
