"""Workers that die, stop or send something else: an error that names them, or training that goes on, and nothing wrong."""

import os
import signal

import numpy as np
import pytest

import static as tf
from tests.static.distributed import killing
from tests.static.distributed.killing import Net


pytest.importorskip("distributed")


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
    assert len(campaign(tmp_path, replicated, 3 if replicated else 1, kills)) == kills


@pytest.mark.long
def test_fifty_kills(tmp_path):
    """Prints what it took: shown with ``-s``."""
    figures = []
    for seed in range(17):
        folder = tmp_path / str(seed)
        folder.mkdir()
        figures += campaign(folder, seed % 2 == 0, 100 + seed, 3, workers=4)
        noticed, resumed = (np.array(column) for column in zip(*figures, strict=True))
        print(
            f"{len(figures)} deaths: seconds to the error {np.median(noticed):.3f} (median), {noticed.max():.3f} (worst); "
            f"to going on {np.median(resumed):.3f}, {resumed.max():.3f}; all results as undisturbed",
            flush=True,
        )
    assert len(figures) >= 50


@pytest.fixture(scope="module")
def sessions():
    """Two replicas, and two parts, that are to stay alive; with nets for each."""
    made = []
    try:
        for tasks, target in ((0, "dask://local?replicas=2"), (2, "dask://local?workers=2")):
            net = Net(tasks)
            with net.graph.as_default():
                made.append((net, tf.Session(f"{target}&timeout=3")))
                made[-1][1].run(net.init)
        yield made
    finally:
        for _, session in made:
            session.close()


@pytest.mark.parametrize("place", [0, 1], ids=["replicas", "parts"])
@pytest.mark.parametrize("how", ["shape", "dtype", "truncated", "bits"])
def test_a_garbled_tensor_is_an_error(sessions, place, how):
    net, session = sessions[place]
    before = net.values(session)
    honest = killing.spoil(session, 0, how)
    try:
        with pytest.raises(tf.errors.DataLossError, match=r"replica 0 has|replica 0 sent|is to receive"):
            session.run(net.train, net.batch(0))
    finally:
        honest()
    assert same(net.values(session), before), "nothing was changed by it"
    session.run(net.train, net.batch(0))
    assert not same(net.values(session), before)


@pytest.mark.parametrize("place", [0, 1], ids=["replicas", "parts"])
def test_a_worker_that_stands_still_is_an_error(sessions, place):
    """The last test of the module: the sessions are broken behind it."""
    net, session = sessions[place]
    task = session.tasks[1]
    os.kill(task.pid, signal.SIGSTOP)
    try:
        with pytest.raises(tf.errors.DeadlineExceededError, match=rf"pid {task.pid}\) is lost: it has not answered for"):
            session.run(net.train, net.batch(0))
        with pytest.raises(tf.errors.AbortedError, match="this session is broken"):
            session.run(net.train, net.batch(0))
    finally:
        os.kill(task.pid, signal.SIGCONT)


def test_replicas_keep_their_values_when_one_dies():
    net = Net()
    with net.graph.as_default(), tf.Session("dask://local", replicas=2) as session:
        session.run(net.init)
        session.run(net.train, net.batch(0))
        before = net.values(session)
        pids = [task.pid for task in session.tasks]
        os.kill(pids[0], signal.SIGKILL)
        with pytest.raises(tf.errors.UnavailableError, match=rf"replica 0 of 2 on .*pid {pids[0]}\) is lost.*copies of .*w"):
            session.run(net.train, net.batch(1))
        assert session.rebuild()
        assert session.replicas == 1
        assert same(net.values(session), before)
        session.run(net.train, net.batch(1))
    assert killing.gone(pids)
