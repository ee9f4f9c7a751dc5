"""Sessions whose variables live on a GPU: the demos' programs, what crosses, what is replayed, and what else sessions do."""

from __future__ import annotations

import importlib
import itertools
import sys
import threading
from pathlib import Path
from typing import Any

import numpy
import pytest

import static as tf
from static.placement import HOST
from tests.graphs import fake_driver
from tests.static.test_on_device import draw, network


@pytest.fixture(autouse=True)
def gpu(cp: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """cupy's module, which sessions find."""
    monkeypatch.setitem(sys.modules, "cupy", cp)
    return cp


def built(demo: Any, given: Any, device: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A demo's program whose graph is all on ``device``."""

    class Placed(tf.Graph):
        def __init__(self) -> None:
            super().__init__()
            self._here.devices = (tf.DeviceSpec.from_string(device),)

    with monkeypatch.context() as context:
        context.setattr(tf, "Graph", Placed)
        return demo.static_program(given)


def trained(program: Any, given: Any, steps: int) -> list[Any]:
    """The losses of some steps; what they send to the GPU and back is what is fed and fetched, and nothing else."""
    found = []
    for batch in itertools.islice(given.batches, steps):
        for run in program._runs:
            feeds = {tensor: batch[name] for name, tensor in run.feeds.items() if name in batch}
            losses = program.session.run([run.updates, run.losses], feeds)[1]
            found.append(losses)
            traffic = program.session.traffic
            if program.session.plan([run.updates, run.losses], feeds).placed:
                given_bytes = sum(
                    numpy.asarray(value, tensor.dtype.as_numpy_dtype).nbytes for tensor, value in feeds.items()
                )
                taken = sum(value.nbytes for value in losses.values())
                assert (traffic.to_device, traffic.to_device_bytes) == (len(feeds), given_bytes)
                assert (traffic.to_host, traffic.to_host_bytes) == (len(losses), taken)
                assert traffic.moved == 0
    return found


DEMOS = [
    "two_layer",
    "gan",
    "convolutional",
    *(pytest.param(each, marks=pytest.mark.long) for each in ("recurrent", "variational")),
]
BOUND = 5e-5
"""Relative to the largest: products are added up in another order, and functions have last bits of their own."""


@pytest.mark.parametrize("name", DEMOS)
def test_demos(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "demos"))
    demo = importlib.import_module(name)
    here, there = (built(demo, demo.setup(), device, monkeypatch) for device in ("/cpu:0", "/gpu:0"))
    steps = 3 if name != "recurrent" else 4
    expected, found = trained(here, demo.setup(), steps), trained(there, demo.setup(), steps)
    for one, other in zip(expected, found, strict=True):
        for key, value in one.items():
            numpy.testing.assert_allclose(other[key], value, rtol=BOUND)
    for key, value in here.session.run(here._parameters).items():
        error = abs(there.session.run(there._parameters[key]) - value).max()
        assert error <= BOUND * abs(value).max()
    plans = [plan for call in there.session._calls.values() for plan in call.plans.values() if plan.writes]
    training = [plan for plan in plans if plan.specs]
    assert len(training) >= len(there._runs)
    for plan in training:
        assert len(plan.device.parts) == 1  # the whole step is one graph, launched once a run
        assert plan.device.reason == ""
        assert plan.device.launches >= 1


def test_the_same_bits_where_kernels_are_exact(gpu: Any) -> None:
    """Momentum over exact arithmetic: every bit of every variable, and of the loss."""
    found = {}
    for device in ("/cpu:0", "/gpu:0"):
        with tf.Graph().as_default(), tf.device(device), tf.Session() as session:
            x = tf.placeholder(tf.float32, (4, 3))
            v = tf.Variable(draw(4, 3))
            loss = tf.reduce_max(tf.maximum(x * v - 0.5, tf.abs(v)))
            step = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
            session.run(tf.global_variables_initializer())
            losses = [session.run([loss, step], {x: draw(4, 3, seed=seed)})[0] for seed in range(5)]
            found[device] = [*losses, *session.run(tf.global_variables())]
    for one, other in zip(found["/cpu:0"], found["/gpu:0"], strict=True):
        numpy.testing.assert_array_equal(one, other)


def test_threads_take_turns(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake)
    with tf.device("/gpu:0"):
        v = tf.Variable([0.0, 1.0])
        grow, seen = v.assign_add([1.0, 1.0]).op, tf.reduce_sum(v)
    with tf.Session() as session:
        session.run(v.initializer)
        failed = []

        def work() -> None:
            try:
                for _ in range(20):
                    session.run(grow)
                    assert session.run(seen) % 2 == 1
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(60)
        assert not failed
        numpy.testing.assert_array_equal(session.run(v), [60.0, 61.0])


def test_one_graph_and_one_wait_a_run(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake)
    with tf.device("/gpu:0"):
        x, y, loss, step = network(tf.train.AdamOptimizer(0.01))
    state = fake_driver.state()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        feeds = {x: draw(8, 4), y: draw(8, 2)}
        for _ in range(2):
            session.run([loss, step], feeds)
        addresses = {op.name: value.data.ptr for op, value in session._state.items()}
        state.log.clear()
        waits, syncs, launches = state.waits, state.syncs, state.launches
        for _ in range(3):
            session.run([loss, step], feeds)
        assert sum("launch" in each for each in state.log) == 3  # which copies what is fed and fetched, too
        assert (state.waits - waits, state.syncs - syncs, state.launches - launches) == (3, 0, 0)
        assert {op.name: value.data.ptr for op, value in session._state.items()} == addresses
        source = session.plan([loss, step], feeds).source
        assert "cpu_to_gpu0(" in source
        assert "gpu0_to_cpu(" in source
        assert source.count("finish()") == 1
        assert source.count("fused_into(") == 3  # Adam's kernel writes into parameter and moments
        device = session.plan([loss, step], feeds).device
        assert device.graphs == 1
    assert device.graphs == 0  # a session that is closed lets go of them


def test_random_numbers_are_the_same(gpu: Any) -> None:
    found = {}
    for device in ("/cpu:0", "/gpu:0"):
        with tf.Graph().as_default(), tf.device(device), tf.Session(config=soft()) as session:
            tf.set_random_seed(7)
            v = tf.Variable(tf.random_normal((3, 2)))
            drawn = [
                tf.random_normal((5,), stddev=2.0), tf.random_uniform((2, 3)), tf.nn.dropout(tf.ones((20,)), 0.5),
                tf.truncated_normal((4,)), v + tf.random_normal((3, 2), dtype=tf.float32), tf.random_shuffle(tf.range(9)),
                tf.random_uniform((7,), maxval=100, dtype=tf.int32),
            ]  # fmt: skip
            session.run(tf.global_variables_initializer())
            found[device] = [session.run(drawn) for _ in range(4)]
            if device == "/gpu:0":
                assert session.traffic.keys_bytes == 4 * 24
                assert session.plan(drawn).device.reason == ""
    for one, other in zip(found["/cpu:0"], found["/gpu:0"], strict=True):
        for x, y in zip(one, other, strict=True):
            numpy.testing.assert_array_equal(x, y)
    assert not numpy.array_equal(found["/gpu:0"][2][0], found["/gpu:0"][3][0])


def soft() -> tf.ConfigProto:
    return tf.ConfigProto(allow_soft_placement=True)


def test_random_numbers_in_loops(gpu: Any) -> None:
    found = {}
    for device in ("/cpu:0", "/gpu:0"):
        with tf.Graph().as_default(), tf.device(device), tf.Session() as session:
            tf.set_random_seed(7)
            total = tf.scan(lambda x, y: x + y * tf.random_uniform((2,)), tf.constant(draw(4, 2)), tf.zeros((2,)))
            found[device] = [session.run(total) for _ in range(4)]
            if device == "/gpu:0":
                assert session.plan(total).device.reason == ""
                assert session.traffic.keys_bytes == 4 * 24
    numpy.testing.assert_array_equal(found["/cpu:0"], found["/gpu:0"])


def test_rows_of_tables_change_in_place(gpu: Any) -> None:
    found = {}
    for device in ("/cpu:0", "/gpu:0"):
        with tf.Graph().as_default(), tf.device(device), tf.Session() as session:
            table = tf.Variable(draw(50, 4))
            where, what = tf.placeholder(tf.int32, (3,)), tf.placeholder(tf.float32, (3, 4))
            change = tf.scatter_update(table, where, what).op
            rest = tf.reduce_sum(table)
            session.run(table.initializer)
            sums = []
            for seed in range(4):
                rows = numpy.array([seed, seed + 10, seed + 20])
                sums.append(session.run([rest, change], {where: rows, what: draw(3, 4, seed=seed)})[0])
            found[device] = [*sums, session.run(table)]
            plan = session.plan([rest, change], {where: rows, what: draw(3, 4)})
            assert plan.rows
            if device == "/gpu:0":
                assert plan.device.reason == ""
                assert plan.device.launches == 3
    for one, other in zip(found["/cpu:0"], found["/gpu:0"], strict=True):
        numpy.testing.assert_allclose(one, other, rtol=1e-5)


def test_embeddings_train(gpu: Any) -> None:
    found = {}
    for device in ("/cpu:0", "/gpu:0"):
        with tf.Graph().as_default(), tf.device(device), tf.Session(config=soft()) as session:
            table = tf.Variable(draw(30, 4))
            ids = tf.placeholder(tf.int32, (5,))
            loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(table, ids)))
            step = tf.train.AdagradOptimizer(0.1).minimize(loss)
            session.run(tf.global_variables_initializer())
            places = [numpy.array(each) for each in ([1, 2, 3, 2, 9], [0, 0, 0, 5, 5], [4, 5, 6, 7, 8])]
            losses = [session.run([loss, step], {ids: places[i % 3]})[0] for i in range(5)]
            found[device] = [*losses, session.run(table)]
    for one, other in zip(found["/cpu:0"], found["/gpu:0"], strict=True):
        numpy.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_host_and_device_mix(gpu: Any) -> None:
    """What Python computes in the middle, and a count on the host; pieces before and after are captured."""
    seen = []

    def halved(x: numpy.ndarray) -> numpy.ndarray:
        seen.append(x.copy())
        return x / 2

    x = tf.placeholder(tf.float32, (3, 2))
    with tf.device("/cpu:0"):
        count = tf.Variable(0, name="count")
        counted = count.assign_add(1)
    with tf.device("/gpu:0"):
        weight = tf.Variable(draw(2, 4), name="weight")
        hidden = tf.matmul(x, weight)
    with tf.device("/cpu:0"):
        middle = tf.py_func(halved, [hidden], tf.float32)
        middle.set_shape((3, 4))
    with tf.device("/gpu:0"):
        total = tf.reduce_sum(tf.square(middle))
        change = weight.assign(weight * 0.5)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        value, data = draw(2, 4), draw(3, 2)
        for i in range(4):
            found, before, _, _ = session.run([total, weight, change.op, counted.op], {x: data})
            numpy.testing.assert_allclose(found, numpy.square(data @ value / 2).sum(), rtol=1e-5)
            numpy.testing.assert_allclose(before, value, rtol=1e-6)  # as the run found it
            value = value * 0.5
            assert session.run(count) == i + 1
        assert len(seen) == 4
        plan = session.plan([total, weight, change.op, counted.op], {x: data})
        assert plan.device.reason == ""
        assert [piece.place for piece in plan.device.division.pieces].count(0) == 2
        assert isinstance(session._state[count.op], (numpy.ndarray, numpy.generic))


def test_a_run_that_fails_changes_nothing(gpu: Any) -> None:
    good = True

    def python(x: numpy.ndarray) -> numpy.ndarray:
        if not good:
            raise KeyError("no")
        return x

    with tf.device("/gpu:0"):
        v = tf.Variable(draw(4))
        change = v.assign_add(tf.ones((4,)))
    with tf.device("/cpu:0"):
        checked = tf.py_func(python, [v * 2.0], tf.float32)
    with tf.Session() as session:
        session.run(v.initializer)
        for _ in range(3):
            session.run([checked, change.op])
        before = session.run(v)
        good = False
        with pytest.raises(tf.errors.OpError):
            session.run([checked, change.op])
        numpy.testing.assert_array_equal(session.run(v), before)
        good = True
        session.run([checked, change.op])
        numpy.testing.assert_array_equal(session.run(v), before + 1.0)


def test_errors_name_the_node(gpu: Any) -> None:
    with tf.device("/gpu:0"):
        x = tf.placeholder(tf.float32, (None,))
        y = tf.add(x, tf.Variable(draw(3), name="v"), name="total")
    with tf.Session() as session:
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value v"):
            session.run(y, {x: draw(3)})
        session.run(tf.global_variables_initializer())
        session.run(y, {x: draw(3)})
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)total.*test_on_device_sessions.py"):
            session.run(y, {x: draw(4)})


def test_swapped_variables(gpu: Any) -> None:
    """Each gets what the other had when the run began, though both are changed in place."""
    with tf.device("/gpu:0"):
        a, b = tf.Variable(draw(3), name="a"), tf.Variable(draw(3, seed=1), name="b")
        one, other = a.read_value(), b.read_value()
        swap = tf.group(a.assign(other), b.assign(one))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for i in range(5):
            session.run(swap)
            found = session.run([a, b])
            expected = [draw(3, seed=1), draw(3)][:: 1 if i % 2 == 0 else -1]
            numpy.testing.assert_array_equal(found, expected)


def test_old_values_are_read_before_they_go(gpu: Any) -> None:
    """An update is written straight into its variable only where nothing reads the old value afterwards."""
    found = {}
    for device in ("/cpu:0", "/gpu:0"):
        with tf.Graph().as_default(), tf.device(device), tf.Session() as session:
            v, x = tf.Variable(draw(4, 3)), tf.placeholder(tf.float32, (4, 3))
            kept = tf.transpose(v)
            update = v.assign(v * 0.5 + x * x)
            with tf.control_dependencies([update]):
                after = tf.matmul(kept, x) + 1.0
            step = tf.group(update)
            session.run(v.initializer)
            fetches = [after, kept, step, v]
            found[device] = [
                y for seed in range(4) for y in session.run(fetches, {x: draw(4, 3, seed=seed)}) if y is not None
            ]
    for one, other in zip(found["/cpu:0"], found["/gpu:0"], strict=True):
        numpy.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("view", [lambda v: v[::-1], lambda v: v[1], lambda v: v[:, ::-1]], ids=["rows", "a row", "columns"])
def test_an_update_reads_a_view_of_the_old_value(gpu: Any, view: Any) -> None:
    """Threads write one element each: none may write where another still has to read."""
    with tf.device("/gpu:0"):
        v = tf.Variable(draw(4, 4))
        update = v.assign(v * 0.5 + view(v)).op
    with tf.Session() as session:
        session.run(v.initializer)
        for _ in range(4):
            before = session.run(v)
            session.run(update)
            numpy.testing.assert_allclose(session.run(v), before * 0.5 + view(before), rtol=1e-6)
        assert "fused_into" not in session.plan(update).source


def test_variables_that_share_an_initial_value(gpu: Any) -> None:
    with tf.device("/gpu:0"):
        zeros = tf.zeros((3,))
        a, b = tf.Variable(zeros), tf.Variable(zeros)
        grow = a.assign_add([1.0, 2.0, 3.0])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(grow)
        numpy.testing.assert_array_equal(session.run([a, b]), [[3.0, 6.0, 9.0], [0.0, 0.0, 0.0]])


def test_saved_restored_loaded_and_read(gpu: Any, tmp_path: Any) -> None:
    with tf.device("/gpu:0"):
        x, y, loss, step = network(tf.train.AdamOptimizer(0.01))
    feeds = {x: draw(8, 4), y: draw(8, 2)}
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run([loss, step], feeds)
        path = saver.save(session, str(tmp_path / "model"))
        kept = session.run(tf.global_variables())
        expected = [session.run([loss, step], feeds)[0] for _ in range(3)]
        saver.restore(session, path)
        for one, other in zip(session.run(tf.global_variables()), kept, strict=True):
            numpy.testing.assert_array_equal(one, other)
        assert [session.run([loss, step], feeds)[0] for _ in range(3)] == expected
        first = tf.trainable_variables()[0]
        first.load(numpy.zeros((4, 16), "f4"), session)
        session.run([loss, step], feeds)
        assert session.traffic.moved == 1
        assert first.eval(session).any()
        assert isinstance(session._state[first.op], gpu.ndarray)
    with tf.Session() as fresh:
        saver.restore(fresh, path)
        assert fresh.run([loss, step], feeds)[0] == expected[0]


def test_looking_inside(gpu: Any) -> None:
    """Summaries, interpretation, pictures and copies of a session read what is on the device."""
    with tf.device("/gpu:0"):
        x, y, loss, step = network(tf.train.GradientDescentOptimizer(0.01))
    with tf.device("/cpu:0"):
        summary = tf.summary.scalar("loss", loss)
    feeds = {x: draw(8, 4), y: draw(8, 2)}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(2):
            text, _, _ = session.run([summary, loss, step], feeds)
        assert b"loss" in text
        now = session.run(loss, feeds)
        numpy.testing.assert_allclose(session.interpret(loss, feeds), now, rtol=1e-5)
        session.interpret([loss, step], feeds)
        session.run([loss, step], feeds)
        picture = session.draw(summary, feeds, format="dot", devices=True).decode()
        assert "on GPU:0" in picture
        assert "on CPU:0" in picture
        assert "128 B" in picture  # what is fed crosses
        assert session.report([loss, step], feeds) is not None
        metadata = tf.RunMetadata()
        session.run([loss, step], feeds, run_metadata=metadata)
        assert (metadata.traffic.to_device, metadata.traffic.to_host) == (2, 1)


def test_arrays_of_the_device_are_fed_where_they_are(gpu: Any) -> None:
    with tf.device("/gpu:0"):
        x, z = tf.placeholder(tf.float32, (3,)), tf.placeholder(tf.float32, (3,))
        y = x * tf.Variable(draw(3)) + z
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for seed in range(8):
            one, other = draw(3, seed=seed), draw(3, seed=seed + 1)
            there = seed % 3 != 2  # each way again and again: what is copied by the graph is not always the same
            found = session.run(y, {x: gpu.asarray(one) if there else one, z: other})
            numpy.testing.assert_array_equal(found, one * draw(3) + other)
            assert session.traffic.to_device == (1 if there else 2)
        assert session.plan(y, {x: one, z: other}).device.reason == ""


def test_conditions_are_asked_between_graphs(gpu: Any) -> None:
    with tf.device("/gpu:0"):
        x = tf.placeholder(tf.float32, (3,))
        v = tf.Variable(draw(3))
        y = tf.cond(tf.reduce_sum(x) > 0.0, lambda: x * v, lambda: x - v)
        z = tf.reduce_sum(tf.exp(y))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for sign in (1.0, -1.0, 1.0, -1.0):
            data = numpy.full(3, sign, "f4")
            expected = numpy.exp(data * draw(3) if sign > 0 else data - draw(3)).sum()
            numpy.testing.assert_allclose(session.run(z, {x: data}), expected, rtol=1e-5)
        plan = session.plan(z, {x: data})
        assert "only the device knows" in plan.device.reason
        assert plan.device.launches > 0
        assert HOST not in {piece.place for piece in plan.device.division.pieces}
