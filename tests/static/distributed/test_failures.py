"""Workers that die, stick or garble: an error that says who and what, no variable half changed, and no wait without end."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import numpy as np
import pytest

import static as tf


pytest.importorskip("distributed")


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def doomed() -> Any:
    """A session with workers of its own."""
    session = tf.Session("dask://local?workers=3&timeout=20")
    try:
        yield session
    finally:
        session.close()


def net() -> tuple[Any, Any, Any]:
    with tf.device("/job:worker/task:0"):
        a = tf.Variable(np.ones(3), name="a")
        y = tf.exp(a, name="y")
    with tf.device("/job:worker/task:1"):
        b = tf.Variable(np.zeros(3), name="b")
        steps = [b.assign_add(y), a.assign_add(y)]
    return a, b, steps


def test_workers_that_die_and_what_is_left(doomed: Any, tmp_path: Any) -> None:
    a, b, steps = net()
    doomed_now: list[int] = []

    def kill(x: Any) -> Any:
        for pid in doomed_now:
            os.kill(pid, signal.SIGKILL)
        return x

    with tf.device("/job:worker/task:1"):
        waits = b + tf.py_func(kill, [tf.ones([3], tf.float64)], tf.float64)
    saver = tf.train.Saver()
    doomed.run(tf.global_variables_initializer())
    doomed.run(steps)
    path = saver.save(doomed, str(tmp_path / "model"))
    kept = doomed.run([a, b])

    lost = doomed.tasks[1]
    doomed_now.append(lost.pid)
    with pytest.raises(tf.errors.UnavailableError) as caught:
        doomed.run([waits, steps])
    said = str(caught.value)
    assert f"/job:worker/task:1 (worker '1' at {lost.address}, pid {lost.pid}) is lost" in said
    assert "With it went 1 variables (b)" in said
    assert "steps (" in said
    with pytest.raises(tf.errors.AbortedError, match="this session is broken: /job:worker/task:1"):
        doomed.run(a)

    os.kill(doomed.tasks[2].pid, signal.SIGKILL)
    doomed.rebuild()
    assert [task.worker for task in doomed.tasks] == ["0", "0", "0"]
    with pytest.raises(tf.errors.FailedPreconditionError):
        doomed.run(a)
    saver.restore(doomed, path)
    assert [x.tolist() for x in doomed.run([a, b])] == [x.tolist() for x in kept]
    doomed.run(steps)
    assert doomed.run(b).tolist() == (kept[1] + np.exp(kept[0])).tolist()


@pytest.mark.long
def test_a_worker_that_sticks(doomed: Any) -> None:
    a, b, steps = net()
    doomed.run(tf.global_variables_initializer())
    stuck = doomed.tasks[0].pid
    os.kill(stuck, signal.SIGSTOP)
    try:
        with pytest.raises(tf.errors.DeadlineExceededError, match=r"/job:worker/task:0 .* is lost: it has not answered for"):
            doomed.run([b, steps])
        assert f"pid {stuck}" in doomed.broken
        with pytest.raises(tf.errors.AbortedError, match="broken"):
            doomed.run(b)
    finally:
        os.kill(stuck, signal.SIGCONT)
    doomed.rebuild()
    assert [task.worker for task in doomed.tasks] == ["0", "1", "2"]
    doomed.run(tf.global_variables_initializer())
    assert doomed.run(a).tolist() == [1, 1, 1]


def test_limits_of_a_run(connect: Any) -> None:
    session = connect()
    done = [True]

    def slowly(x: Any) -> Any:
        for _ in range(6000):  # until the others have been told, a minute at most
            if done[0] or session._home.others.done():
                return x
            time.sleep(0.01)
        return x

    with tf.device("/job:worker/task:1"):
        v = tf.Variable(0.0, name="v")
        step = v.assign_add(tf.py_func(slowly, [tf.constant(1.0)], tf.float32))
    session.run(v.initializer)
    session.run(step)
    done[0] = False
    with pytest.raises(tf.errors.DeadlineExceededError, match=r"longer than the 0.5 s"):
        session.run(step, options=tf.RunOptions(timeout_in_ms=500))
    done[0] = True
    assert not session.broken
    assert session.run(v) == 1
    assert session.run(step) == 2


def test_a_garbled_tensor_is_no_tensor(connect: Any, cluster: Any) -> None:
    a, b, steps = net()
    for message, what in (
        ({"plain": 3.5}, r"has shape \(\)|is float64|where"),
        ({"array": np.ones(4), "order": [], "sum": 0}, "not those that were sent"),
        ({"nonsense": 1}, "no tensor"),
        ("nonsense", "no tensor"),
        ({"strings": [b"x"], "shape": [1]}, "where float64"),
    ):
        session = connect()
        session.run(tf.global_variables_initializer())
        before = [x.tolist() for x in session.run([a, b])]
        wire, run = session._wire, session._runs + 1
        put = wire.rpc(1).diptych_put(session=session._name, run=run, edge=0, message=_wired(message))
        assert wire.wait(put) == "OK"
        with pytest.raises(tf.errors.DataLossError, match=what) as caught:
            session.run(steps, feed_dict=None)
        assert "is to receive of y" in str(caught.value)
        assert [x.tolist() for x in session.run([a, b])] == before


def _wired(message: Any) -> Any:
    from static.distributed.exchange import wired

    return wired(message)


def test_there_is_nobody() -> None:
    with pytest.raises(tf.errors.UnavailableError, match=r"there is no Dask scheduler at tcp://127.0.0.1:9"):
        tf.Session("dask://127.0.0.1:9?timeout=1")
    with pytest.raises(ValueError, match="there is no setting 'worker'; there are workers, timeout, place"):
        tf.Session("dask://local?worker=2")
    with pytest.raises(ValueError, match="'none' is no value of the setting 'workers'"):
        tf.Session("dask://local?workers=none")
    with pytest.raises(NotImplementedError, match="dask worker"):
        tf.train.Server({"worker": ["a:1", "b:2"]}, "worker", 1)
