"""The pieces without a cluster: specs, targets, tensors as messages, the mailbox, the cut."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import static as tf
from graphs.core.spec import Spec
from static.distributed.targets import Target, is_cluster, parsed
from static.distributed.tensors import GarbledError, packed, unpacked


A = np.random.default_rng(0).normal(size=(4, 5, 6))


def test_cluster_specs() -> None:
    spec = tf.train.ClusterSpec({"worker": ["w0:1", "w1:1"], "ps": {0: "p0:1", 2: "p2:1"}})
    assert spec.jobs == ["ps", "worker"]
    assert spec.as_dict() == {"ps": {0: "p0:1", 2: "p2:1"}, "worker": ["w0:1", "w1:1"]}
    assert (spec.num_tasks("worker"), spec.num_tasks("ps"), spec.task_indices("ps")) == (2, 2, [0, 2])
    assert spec.job_tasks("ps") == ["p0:1", None, "p2:1"]
    assert spec.task_address("worker", 1) == "w1:1"
    assert tf.train.ClusterSpec(spec.as_cluster_def()) == spec == tf.train.ClusterSpec(spec)
    assert spec != tf.train.ClusterSpec({})
    assert not tf.train.ClusterSpec({})
    with pytest.raises(ValueError, match="No such job in cluster: 'master'"):
        spec.job_tasks("master")
    with pytest.raises(ValueError, match="No task with index 1 in job 'ps'"):
        spec.task_address("ps", 1)
    with pytest.raises(TypeError, match="mapping one or more job names"):
        tf.train.ClusterSpec(["w0:1"])
    with pytest.raises(TypeError, match="Task address must be a string"):
        tf.train.ClusterSpec({"worker": [1]})


def test_servers_are_dasks() -> None:
    with pytest.raises(NotImplementedError, match="/job:worker/task:1 is no server of its own here"):
        tf.train.Server({"worker": ["a:1", "b:2"]}, "worker", 1)
    assert parsed(tf.train.Server.create_local_server().target) == Target(workers=1)


def test_targets() -> None:
    assert is_cluster("dask://")
    assert not is_cluster("grpc://host:1")
    assert not is_cluster("")
    assert parsed("dask://") == parsed("dask://local") == parsed("dask://local/") == Target()
    assert parsed("dask://h:1?workers=2&timeout=1.5&place=first") == Target("tcp://h:1", None, 2, 1.5, "first")
    assert parsed("dask://tls://h:1").address == "tls://h:1"
    with pytest.raises(ValueError, match="there is no setting 'worker'; there are workers, timeout, place"):
        parsed("dask://local?worker=2")
    for wrong in ("workers=none", "workers=0", "timeout=-1", "place=best"):
        with pytest.raises(ValueError, match="is no value of the setting"):
            parsed(f"dask://local?{wrong}")


@pytest.mark.parametrize(
    "x",
    [
        A,
        A.T,
        A.transpose(1, 0, 2),
        A[:, ::2],
        A[::-1],
        np.broadcast_to(A[:, :1], A.shape),
        A[:, ::-2, 1],
        np.zeros((0, 3), "int8"),
        np.array(2.5),
        np.float32(3),
        np.array([True, False, True]),
        np.arange(3) + 1j,
        None,
        3,
    ],
    ids=lambda x: f"{type(x).__name__}{getattr(x, 'strides', '')}",
)
def test_tensors_arrive_as_they_lay(x: object) -> None:
    message, size = packed(x)
    y = unpacked(message)
    assert type(y) is type(x)
    if not isinstance(x, np.ndarray):
        assert x == y
        return
    assert x.dtype == y.dtype
    assert np.array_equal(x, y)
    assert x.strides == y.strides or x.flags.c_contiguous
    assert size == x.nbytes or 0 in x.strides
    assert np.add.reduce(x, 0).tobytes() == np.add.reduce(y, 0).tobytes()


def test_strings_and_what_loops_keep() -> None:
    words = np.array([[b"a", b"bcd"]], object)
    message, size = packed(words)
    assert size == 4
    assert unpacked(message).tolist() == words.tolist()
    kept = np.empty(2, object)
    kept[0], kept[1] = A, None
    message, size = packed(kept)
    back = unpacked(message)
    assert size == A.nbytes + 8
    assert np.array_equal(back[0], A)
    assert back[1] is None
    with pytest.raises(TypeError, match="exists in one process only"):
        packed(np.array([lambda: 0], object))


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ("x", "no tensor"),
        ({}, "no tensor"),
        ({"array": A[0], "order": [], "sum": 0}, "not those that were sent"),
        ({"array": np.array([print], object), "order": [], "sum": 0}, "no array of numbers"),
        ({"strings": ["x"], "shape": [1]}, "no strings"),
        (packed(A[0].astype("float32"))[0], "it is float32"),
        (packed(A)[0], "where float64"),
    ],
)
def test_what_is_garbled_is_noticed(message: object, what: str) -> None:
    with pytest.raises(GarbledError, match=what):
        unpacked(message, Spec((5, 6), np.dtype("float64")))


def test_mailboxes() -> None:
    exchange = pytest.importorskip("static.distributed.exchange")
    box = exchange.Mailbox()
    box.begin(3)
    box.put(3, 0, "first")
    box.put(3, 0, "again")
    box.put(2, 0, "late")
    box.put(4, 1, "early")
    assert box.waiting == 2
    assert box.take(3, 0, 60) == "first"
    threading.Timer(0.05, box.put, (3, 7, "there")).start()
    assert box.take(3, 7, 60) == "there"
    threading.Timer(0.05, box.abort, (3, "no more")).start()
    with pytest.raises(exchange.AbortedWaitError, match="no more"):
        box.take(3, 8, 60)
    with pytest.raises(exchange.LateError, match="nothing has been heard"):
        box.take(4, 8, 0.01)
    box.begin(4)
    with pytest.raises(exchange.AbortedWaitError, match="the run is over"):
        box.take(3, 8, 60)
    assert box.take(4, 1, 60) == "early"
    assert box.waiting == 0


def test_without_dask_a_session_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['distributed'] = None\n"
        "import importlib.util as u; found = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'distributed' else found(name, *a)\n"
        "import static as tf\n"
        "tf.train.ClusterSpec({'worker': ['a:1']})\n"
        "try: tf.Session('dask://local')\n"
        "except ImportError as error: print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300).stdout
    assert "pip install 'diptych[distributed]'" in out


@pytest.mark.long
def test_workers_end_with_a_program_that_closes_nothing() -> None:
    pytest.importorskip("distributed")
    code = (
        "import static as tf\n"
        "session = tf.Session('dask://local?workers=1')\n"
        "print(session.run(tf.constant(2.0) * 3), session.tasks[0].pid)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    value, pid = done.stdout.split()
    assert value == "6.0"
    assert done.stderr == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
