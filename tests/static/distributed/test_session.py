"""A program runs on a cluster as it does in one process: state, feeds, files, effects, errors."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import static as tf
from static.python.client.timeline import Timeline


pytest.importorskip("distributed")

W = ["/job:worker/task:0", "/job:worker/task:1", "/job:worker/task:2"]
LOCAL = "/job:localhost/replica:0/task:0/device:CPU:0"


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def device(task: int) -> str:
    return f"/job:worker/replica:0/task:{task}/device:CPU:0"


def placed(session: Any) -> dict[str, Any]:
    return {note.name: note for note in session.placement}


def test_variables_of_two_parts_change_together_or_not_at_all(connect: Any) -> None:
    x = tf.placeholder(tf.float32, [2])
    with tf.device(W[0]):
        a = tf.Variable([1.0, 2.0], name="a")
        up = a.assign_add(x)
    with tf.device(W[1]):
        b = tf.Variable([0.0, 0.0], name="b")
        with tf.control_dependencies([tf.Assert(tf.reduce_all(x > 0), [x])]):
            down = b.assign_sub(a.read_value() * x)
    session = connect()
    session.run(tf.global_variables_initializer())
    session.run([up, down], {x: [1, 1]})
    assert session.run([a, b])[0].tolist() == [2, 3]
    assert session.run(b).tolist() == [-1, -2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="assertion failed"):
        session.run([up, down], {x: [1, -1]})
    assert [x.tolist() for x in session.run([a, b])] == [[2, 3], [-1, -2]]
    session.run(down, {x: [1, 2]})
    assert session.run(b).tolist() == [-3, -8]
    assert not session.broken


def test_errors_name_the_node_and_its_line(connect: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.device(W[2]):
        y = tf.placeholder(tf.float32, [None, 3], name="y")
        total = tf.add(x, y, name="total")
        empty = tf.Variable(1.0, name="empty")
    session = connect()
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(total, {x: np.ones((2, 3)), y: np.ones((4, 3))})
    assert caught.value.op is total.op
    assert "test_session.py" in str(caught.value)
    assert device(2) in str(caught.value)
    with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value empty") as unset:
        session.run(empty + 1)
    assert unset.value.op is empty.op
    with pytest.raises(ValueError, match="Cannot feed value of shape"):
        session.run(total, {x: np.ones((2, 4)), y: np.ones((2, 3))})


def test_only_what_crosses_is_moved_and_it_is_counted(connect: Any) -> None:
    with tf.device(W[0]):
        x = tf.Variable(np.arange(12.0).reshape(3, 4), name="x")
        wide = tf.matmul(x, tf.ones([4, 100], tf.float64), name="wide")
        narrow = tf.reduce_sum(wide, 1, name="narrow")
    with tf.device(W[1]):
        one, two = tf.exp(-narrow), narrow * 2
        joined = tf.concat([one, two], 0, name="joined")
    with tf.device(W[2]):
        last = joined[0] + tf.reduce_max(narrow)
    session = connect()
    session.run(x.initializer)
    found = session.run(last)
    with tf.Session() as alone:
        alone.run(x.initializer)
        assert found == alone.run(last)
    moved = [(each.source, each.target, each.bytes) for each in session.crossings]
    size = {(a, b): size for a, b, size in moved}
    assert size[device(0), device(1)] == size[device(0), device(2)] == 3 * 8
    assert len(moved) == 3
    assert size[device(1), device(2)] <= 6 * 8
    for each in session.crossings:
        assert each.wanted <= each.there


def test_control_dependencies_hold_between_parts(connect: Any) -> None:
    with tf.device(W[0]):
        a = tf.Variable(1.0, name="a")
        first = a.assign(a * 3)
    with tf.device(W[1]), tf.control_dependencies([first]):
        b = tf.Variable(0.0, name="b")
        second = b.assign(a.read_value() + 1)
    with tf.device(W[2]), tf.control_dependencies([second]):
        seen = tf.identity(b.read_value()) * 10
        nothing = tf.no_op()
    session = connect()
    session.run(tf.global_variables_initializer())
    assert session.run(seen) == 40
    assert session.run([nothing, seen]) == [None, 100]
    assert session.run([a, b]) == [9.0, 10.0]


def test_the_order_of_effects_in_different_parts(connect: Any) -> None:
    calls: list[str] = []

    def note(word: str) -> Any:
        return lambda x: calls.append(word) or x

    x = tf.constant(2.0)
    first = tf.py_func(note("first"), [x], tf.float32)
    with tf.device(W[1]), tf.control_dependencies([first]):
        checked = tf.Assert(tf.equal(first, 2.0), [first])
    with tf.control_dependencies([checked]):
        last = tf.py_func(note("last"), [x], tf.float32)
    session = connect()
    for _ in range(2):
        session.run(last)
    assert calls == ["first", "last"] * 2
    assert {each.name for each in session.crossings} >= {"Assert"} or len(session.crossings) >= 2
    assert placed(session)["PyFunc"].actual == LOCAL
    assert "process" in placed(session)["PyFunc"].why


def test_python_functions_and_datasets_stay_with_the_program(connect: Any) -> None:
    data = tf.data.Dataset.from_tensor_slices(np.arange(6.0).reshape(3, 2)).repeat()
    row = data.make_one_shot_iterator().get_next()
    with tf.device(W[1]):
        v = tf.Variable(np.zeros(2), name="v")
        doubled = tf.py_func(lambda x: x * 2, [row + v], tf.float64)
        step = v.assign_add(doubled)
    session, alone = connect(), tf.Session()
    for each in (session, alone):
        each.run(v.initializer)
    for _ in range(4):
        assert session.run(step).tolist() == alone.run(step).tolist()
    assert {each.source for each in session.crossings} == {LOCAL, device(1)}
    with pytest.raises(tf.errors.UnknownError, match="no luck"):
        session.run(tf.py_func(_fails, [v], tf.float64))
    assert session.run(v).tolist() == alone.run(v).tolist()


def _fails(x: Any) -> Any:
    raise OSError("no luck")


def test_strings_cross(connect: Any) -> None:
    with tf.device(W[0]):
        names = tf.string_join([tf.constant(["a", "bc"]), tf.constant("!")])
    with tf.device(W[1]):
        found = tf.equal(names, "bc!")
    session = connect()
    both = session.run([names, found])
    assert both[0].tolist() == [b"a!", b"bc!"]
    assert both[1].tolist() == [False, True]


def test_checkpoints_go_between_clusters_of_any_size(connect: Any, tmp_path: Any) -> None:
    with tf.device(W[0]):
        a = tf.Variable(np.arange(4.0), name="a")
    with tf.device(W[1]):
        b = tf.Variable([[1, 2]], name="b")
    c = tf.Variable(5.0, name="c")
    saver = tf.train.Saver()
    session = connect()
    session.run(tf.global_variables_initializer())
    session.run([a.assign_add(a), b.assign(b * 3)])
    path = saver.save(session, str(tmp_path / "model"))
    alone = tf.Session()
    saver.restore(alone, path)
    assert [x.tolist() for x in alone.run([a, b])] == [[0, 2, 4, 6], [[3, 6]]]
    alone.run(c.assign(7.0))
    path = saver.save(alone, str(tmp_path / "model"), global_step=2)
    other = connect()
    assert set(other.run(tf.report_uninitialized_variables()).tolist()) == {b"a", b"b", b"c"}
    saver.restore(other, path)
    assert other.run([a, b, c])[0].tolist() == [0, 2, 4, 6]
    assert other.run(c) == 7
    assert other.run(tf.report_uninitialized_variables()).tolist() == []
    other.load({a: np.zeros(4)})
    c.load(1.5, other)
    assert other.run(a).tolist() == [0, 0, 0, 0]
    assert c.eval(other) == 1.5


def test_feeds_structures_and_callables(connect: Any) -> None:
    with tf.device(W[0]):
        x = tf.placeholder(tf.float32, [None], name="x")
        y = x * 2
    with tf.device(W[1]):
        z = tf.identity(y, name="z") + 1
    session = connect()
    assert session.run({"z": z, "all": (x, [y])}, {x: [1]})["z"].tolist() == [3]
    assert session.run(z, {y: [5, 6]}).tolist() == [6, 7]
    assert session.run("z:0", {"x:0": [4]}).tolist() == [8]
    call = session.make_callable([z, y], [x])
    assert [each.tolist() for each in call([1, 2])] == [[3, 5], [2, 4]]
    fetched = session.run(z, {x: [1]})
    fetched += 1
    assert session.run(tf.constant([1, 2])).tolist() == [1, 2]
    with tf.device(W[2]):
        more = z - x
    assert session.run(more, {x: np.arange(3)}).tolist() == [1, 2, 3]
    with session.as_default():
        assert z.eval({x: [0]}).tolist() == [1]


def test_two_sessions_share_workers_and_nothing_else(connect: Any) -> None:
    with tf.device(W[1]):
        v = tf.Variable(1.0, name="v")
    one, other = connect(), connect()
    one.run(v.initializer)
    other.run(v.assign(5.0))
    assert (one.run(v), other.run(v)) == (1, 5)
    one.close()
    with pytest.raises(RuntimeError, match="closed Session"):
        one.run(v)
    assert other.run(v) == 5


def test_draws_are_those_of_one_process(connect: Any) -> None:
    tf.set_random_seed(3)
    with tf.device(W[0]):
        a = tf.random_normal([3])
    with tf.device(W[1]):
        b = tf.random_uniform([2])
        loop = tf.while_loop(lambda i, x: i < 2, lambda i, x: (i + 1, x + tf.random_normal([])), [tf.constant(0), 0.0])[1]
    with tf.device(W[2]):
        c, d = tf.random_normal([2]), tf.random_normal([2], seed=4)
    session, alone = connect(), tf.Session()
    for fetches in ([a, b, c, d], [b, c], [a, loop, c], [loop]):
        for x, y in zip(session.run(fetches), alone.run(fetches), strict=True):
            assert np.array_equal(x, y)
    with session.stream.at(7), alone.stream.at(7):
        for fetches in ([a, loop], [c, a]):
            for x, y in zip(session.run(fetches), alone.run(fetches), strict=True):
                assert np.array_equal(x, y)


def test_a_trace_has_a_row_a_task_on_one_clock(connect: Any) -> None:
    with tf.device(W[0]):
        x = tf.random_normal([60, 60], name="x")
    with tf.device(W[1]):
        y = tf.matmul(x, x, name="y")
    session, metadata = connect(), tf.RunMetadata()
    session.run(y, options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), run_metadata=metadata)
    rows = {row.device: row.node_stats for row in metadata.step_stats.dev_stats}
    assert list(rows) == [device(0), device(1)]
    assert [stats.node_name for stats in rows[device(0)]] == ["x", "x/send_to_1"]
    assert [stats.node_name for stats in rows[device(1)]] == ["x/receive_from_0", "y"]
    assert rows[device(1)][1].timeline_label == "y = MatMul(x/receive_from_0, x/receive_from_0)"
    events = json.loads(Timeline(metadata.step_stats).generate_chrome_trace_format())["traceEvents"]
    assert {event["args"]["name"] for event in events if event["name"] == "process_name"} == {
        f"{device(0)} Compute",
        f"{device(1)} Compute",
    }
    (crossing,) = session.crossings
    assert (crossing.name, crossing.reader, crossing.bytes) == ("x", "y", 60 * 60 * 4)
    session.run(y, run_metadata=metadata)
    assert metadata.step_stats.dev_stats == []


def test_looking_inside_leaves_the_cluster_as_it_was(connect: Any) -> None:
    with tf.device(W[1]):
        v = tf.Variable([1.0, 2.0], name="v")
        y = tf.log(v - 1, name="y")
    session = connect()
    session.run(v.initializer)
    assert session.interpret(v + 1).tolist() == [2, 3]
    assert session.interpret(v.assign_add([1.0, 1.0])).tolist() == [2, 3]
    assert session.run(v).tolist() == [2, 3]
    assert b"asked worker:1" in session.draw(y, format="dot")
    assert "fuse" in str(session.report(y))
    session.run(v.assign([1.0, 1.0]))
    found = tf.first_nan(session, y, infinities=True)
    assert found.chain[0].op == "log"
    assert session.run(v).tolist() == [1, 1]


def test_a_session_is_closed_with_its_block(connect: Any) -> None:
    with connect() as session:
        assert tf.get_default_session() is session
        assert (tf.constant(1) + 1).eval() == 2
    with pytest.raises(RuntimeError, match="closed Session"):
        session.run(tf.constant(1))
