"""Where nodes go: as asked, near what they read, or by list scheduling; and what the user is told of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import static as tf


pytest.importorskip("distributed")


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def tasks(session: Any) -> dict[str, Any]:
    return {note.name: note.actual.split("/")[3] if "worker" in note.actual else "local" for note in session.placement}


def test_what_nobody_names_stands_with_what_it_reads(connect: Any) -> None:
    with tf.device("/job:worker/task:2"):
        v = tf.Variable(np.ones(5), name="v")
    w = tf.Variable(np.ones(50), name="w")
    near = tf.reduce_sum(v, name="near")
    both = tf.tile(v, [10], name="tiled") + w
    step = tf.train.AdamOptimizer(0.1).minimize(near, name="step")
    session = connect()
    session.run(tf.global_variables_initializer())
    session.run([near, both, step])
    found = tasks(session)
    assert (found["v"], found["w"], found["near"]) == ("task:2", "task:0", "task:2")
    notes = {note.name: note for note in session.placement}
    assert notes["v"].asked == "/job:worker/task:2"
    assert notes["v"].why == "asked for"
    assert notes["near"].why == "with what it reads"
    assert found["v/Adam"] == found["v/Adam_1"] == found["step/update_v/ApplyAdam"] == "task:2"
    assert "first task" in notes["w"].why


def test_a_task_that_there_is_not(connect: Any) -> None:
    with tf.device("/job:worker/task:9"):
        x = tf.Variable(1.0, name="x")
    with tf.device("/job:ps/task:0"):
        y = tf.constant([1.0, 2.0]) * 3
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"x: it asks for /job:worker/task:9.*/job:worker/task:2"
    ) as error:
        connect().run(x.initializer)
    assert error.value.op is x.op
    soft = connect(config=tf.ConfigProto(allow_soft_placement=True))
    soft.run(x.initializer)
    assert soft.run(x) == 1
    assert soft.run(y).tolist() == [3, 6]


def test_the_process_of_the_session_and_the_log(connect: Any, capsys: Any) -> None:
    with tf.device("/job:localhost"):
        here = tf.reduce_sum(tf.random_normal([3], seed=1), name="here")
    with tf.device("/task:1"):
        there = tf.exp(here, name="there")
    shown = tf.Print(there, [there], "seen: ", name="shown")
    session = connect(config=tf.ConfigProto(log_device_placement=True))
    session.run(shown)
    found = tasks(session)
    assert (found["here"], found["there"], found["shown"]) == ("local", "task:1", "local")
    err = capsys.readouterr().err
    assert "seen: " in err
    assert "there: /job:worker/replica:0/task:1/device:CPU:0 (asked for)" in err
    names = [device.name for device in session.list_devices()]
    assert len(names) == 4
    assert names[1] == "/job:worker/replica:0/task:1/device:CPU:0"


def test_independent_branches_are_spread_and_small_graphs_are_not(connect: Any) -> None:
    def chain(x: Any) -> Any:
        for _ in range(6):
            x = tf.tanh(tf.matmul(x, x)) * 0.1
        return x

    left, right = (tf.Variable(np.eye(700) + i, name=f"v{i}") for i in range(2))
    top = tf.reduce_sum(chain(left)) + tf.reduce_sum(chain(right))
    session = connect()
    session.run(tf.global_variables_initializer())
    before = session.run(left)
    assert set(tasks(session).values()) == {"task:0"}
    plan = session.plan(top)
    session._cut(plan)
    found = tasks(session)
    assert {found["v0"], found["v1"]} == {"task:0", "task:1"}
    assert any(note.why.startswith("HEFT") for note in session.placement)
    assert np.array_equal(session.run(left), before)
    session.run(left.assign(left + 1))
    assert np.array_equal(session.run(left), before + 1)


def test_no_pass_merges_nodes_of_different_tasks() -> None:
    x = tf.placeholder(tf.float32, [4])
    y = x
    for task in (0, 0, 1, 1, 0):
        with tf.device(f"/job:worker/task:{task}"):
            y = tf.exp(y) * 0.5
    with tf.device("/job:worker/task:1"):
        twin = tf.exp(x) * 0.5
    session = tf.Session()
    nodes = [step.node for step in session.plan([y, twin], {x: np.ones(4, "float32")}).schedule.steps]
    assert len(nodes) == 4
    assert all(len({origin.device for origin in node.origins}) == 1 for node in nodes)


def test_cluster_specs_say_which_worker_is_which_task(cluster: Any, connect: Any) -> None:
    addresses = [task.address for task in cluster.tasks]
    spec = tf.train.ClusterSpec({"ps": ["2"], "worker": [addresses[1].removeprefix("tcp://"), addresses[0]]})
    with tf.device("/job:ps"):
        v = tf.Variable(2.0, name="v")
    with tf.device("/job:worker/task:1"):
        y = v * 3
    session = connect(config=tf.ConfigProto(cluster_def=spec.as_cluster_def()))
    assert [(task.name, task.worker) for task in session.tasks] == [
        ("/job:ps/task:0", "2"),
        ("/job:worker/task:0", "1"),
        ("/job:worker/task:1", "0"),
    ]
    assert [task.pid for task in session.tasks] == [cluster.tasks[i].pid for i in (2, 1, 0)]
    session.run(v.initializer)
    assert session.run(y) == 6
    notes = {note.name: note.actual for note in session.placement}
    assert notes["v"] == "/job:ps/replica:0/task:0/device:CPU:0"
    wrong = tf.train.ClusterSpec({"worker": ["nobody"]})
    with pytest.raises(tf.errors.UnavailableError, match=r"task:0 is 'nobody', and no worker is called so. There are: 0 at"):
        connect(config=tf.ConfigProto(cluster_def=wrong.as_cluster_def()))
