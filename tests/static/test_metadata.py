import json
from types import SimpleNamespace

import numpy as np
import pytest

import static as tf
from static import metadata as module
from static.timeline import Timeline


@pytest.fixture
def net():
    tf.set_random_seed(1)
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    w = tf.Variable(np.arange(6.0, dtype="float32").reshape(3, 2), name="w")
    hidden = tf.nn.relu(tf.matmul(x, w), name="hidden")
    noisy = tf.add(hidden, tf.random_normal([2]), name="noisy")
    top = tf.nn.top_k(noisy, name="top")
    step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(hidden))
    return {"x": x, "w": w, "fetches": [noisy, top, step], "hidden": hidden}


FED = np.ones((4, 3), "float32")


def traced(session, net, **options):
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE, **options)
    return session.run(net["fetches"], {net["x"]: FED}, options=options, run_metadata=metadata), metadata


def test_a_traced_run_gives_what_a_plain_run_gives(net):
    with tf.Session() as plain, tf.Session() as watched:
        for session in (plain, watched):
            session.run(tf.global_variables_initializer())
        for _ in range(2):
            (noisy, top, _), metadata = traced(watched, net)
            wanted = plain.run(net["fetches"], {net["x"]: FED})
            np.testing.assert_array_equal(noisy, wanted[0])
            np.testing.assert_array_equal(top.values, wanted[1].values)
        np.testing.assert_array_equal(watched.run(net["w"]), plain.run(net["w"]))
        assert metadata.step_stats.dev_stats


@pytest.fixture
def clock(monkeypatch):
    """A clock of which a millisecond passes whenever it is read, since some day of 2017."""
    found = SimpleNamespace(now=1_500_000_000 * 10**9)

    def read():
        found.now += 10**6
        return found.now

    monkeypatch.setattr(module, "time", SimpleNamespace(time_ns=read, perf_counter_ns=lambda: read() % 10**14))
    return found


def test_every_node_is_there_with_its_time_and_memory(net, clock):
    with tf.Session(refuse="fuse") as session:
        session.run(tf.global_variables_initializer())
        before = clock.now // 1000
        _, metadata = traced(session, net)
        after = clock.now // 1000
    (device,) = metadata.step_stats.dev_stats
    stats = {each.node_name: each for each in device.node_stats}
    assert {"MatMul", "hidden", "noisy", "top"} <= set(stats)
    assert stats["hidden"].timeline_label == "hidden = Relu(MatMul)"
    starts = [each.all_start_nanos for each in device.node_stats]
    assert starts == sorted(starts)
    for each, following in zip(device.node_stats, device.node_stats[1:], strict=False):
        assert 0 <= each.op_start_rel_nanos <= each.op_end_rel_nanos <= each.all_end_rel_nanos
        assert each.all_start_nanos + each.all_end_rel_nanos <= following.all_start_nanos
        assert each.all_start_micros == each.all_start_nanos // 1000
        assert each.all_end_rel_micros >= each.op_end_rel_micros >= each.op_start_rel_micros
        assert each.scheduled_micros <= each.all_start_micros
    assert before < starts[0] // 1000 < starts[-1] // 1000 < after
    assert {each.all_end_rel_micros for each in stats.values()} == {1000}
    (output,) = stats["hidden"].output
    description = output.tensor_description
    assert [dim.size for dim in description.shape.dim] == [4, 2]
    assert description.dtype == tf.float32
    assert description.allocation_description.requested_bytes == 32
    assert stats["hidden"].memory[0].total_bytes == 32
    assert [output.slot for output in stats["top"].output] == [0, 1]


def test_a_node_that_takes_long_is_seen_to(net, clock):
    def work(x):
        clock.now += 20 * 10**6
        return x

    slow = tf.py_func(work, [net["x"]], tf.float32, name="slow")
    metadata = tf.RunMetadata()
    with tf.Session() as session:
        session.run(slow + 1.0, {net["x"]: FED}, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), metadata)
    stats = {each.node_name: each for each in metadata.step_stats.dev_stats[0].node_stats}
    assert {name: each.all_end_rel_micros for name, each in stats.items()} == {"slow": 21_000, "add": 1_000}


def test_without_a_trace_there_is_nothing(net):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        _, metadata = traced(session, net)
        session.run(net["hidden"], {net["x"]: FED}, run_metadata=metadata)
        assert metadata.step_stats.dev_stats == []
        session.run(net["hidden"], {net["x"]: FED}, tf.RunOptions(timeout_in_ms=5000), metadata)
        assert metadata == tf.RunMetadata()
        with pytest.raises(TypeError, match="has to be a RunMetadata"):
            session.run(net["hidden"], {net["x"]: FED}, run_metadata={})
    with pytest.raises(ValueError, match='RunOptions has no "trace" field'):
        tf.RunOptions(trace=1)


def test_a_run_that_fails_while_traced_changes_nothing(net):
    bad = tf.Assert(net["w"][0, 0] > 100.0, ["too small"])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        before = session.run(net["w"])
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        with pytest.raises(tf.errors.InvalidArgumentError, match="too small"):
            session.run([*net["fetches"], bad], {net["x"]: FED}, options, tf.RunMetadata())
        np.testing.assert_array_equal(session.run(net["w"]), before)


@pytest.mark.parametrize(("dataflow", "memory"), [(True, True), (False, False)])
def test_a_timeline_is_a_trace_for_chrome(net, dataflow, memory):
    with tf.Session(refuse="fuse") as session:
        session.run(tf.global_variables_initializer())
        _, metadata = traced(session, net)
    trace = json.loads(Timeline(metadata.step_stats).generate_chrome_trace_format(dataflow, memory))
    events = trace["traceEvents"]
    bars = {event["args"]["name"]: event for event in events if event["ph"] == "X"}
    assert bars["hidden"]["name"] == "Relu"
    assert bars["hidden"]["args"] == {"name": "hidden", "op": "Relu", "input0": "MatMul"}
    assert all(event["dur"] >= 1 and event["ts"] > 1e15 for event in bars.values())
    starts, ends = ({e["id"]: e for e in events if e["ph"] == phase} for phase in "st")
    assert bool(starts) == dataflow
    assert starts.keys() == ends.keys()
    assert all(starts[i]["ts"] <= ends[i]["ts"] for i in starts)
    if dataflow:
        assert any(e["name"] == "MatMul" and ends[i]["ts"] == bars["hidden"]["ts"] for i, e in starts.items())
    counters = [event["args"]["cpu"] for event in events if event["ph"] == "C"]
    assert bool(counters) == memory
    if memory:
        assert max(counters) >= 64
        assert min(counters) == counters[-1] == 0


def test_programs_find_it_where_tensorflow_has_it():
    from static.python.client import timeline
    from static.python.framework import ops

    assert timeline.Timeline is Timeline
    assert ops.RegisterGradient is tf.RegisterGradient
