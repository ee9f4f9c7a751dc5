"""A run on a cluster as it was placed and as it went: the same nodes and the same bytes as predicted."""

from __future__ import annotations

import numpy
import pytest


pytest.importorskip("distributed")

import static as tf
from graphs import draw
from graphs.placing import Cluster, Link, Run, Runtime, simulate
from static import placing


def on(task: int):
    return tf.device(f"/job:worker/task:{task}")


@pytest.fixture
def traced(connect):
    """A training step of two layers on two workers: what is fetched and fed, the session, and its last run's trace."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 12], name="x")
        with on(0):
            w1 = tf.Variable(tf.random_normal([12, 6], seed=1), name="w1")
            hidden = tf.nn.relu(x @ w1, name="hidden")
        with on(1):
            w2 = tf.Variable(tf.random_normal([6, 2], seed=2), name="w2")
            loss = tf.reduce_mean(tf.square(hidden @ w2), name="loss")
        step = tf.train.AdamOptimizer(0.1).minimize(loss, name="step")
        begin = tf.global_variables_initializer()
        fetches, feeds = [loss, step], {x: numpy.ones((5, 12), "float32")}
        session = connect(graph=graph)
        session.run(begin)
        session.run(fetches, feeds)
        metadata = tf.RunMetadata()
        session.run(fetches, feeds, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), metadata)
        yield fetches, feeds, session, metadata


def test_what_is_predicted_to_cross_crosses(traced) -> None:
    fetches, feeds, session, metadata = traced
    graph = placing.task_graph(session, fetches, feeds, profile=metadata)
    homes = placing.assignment(session, fetches, feeds, graph)
    measured = placing.timeline(session, metadata, graph)
    runtime = Runtime(call=1e-3, answer=1e-3)
    predicted = simulate(graph, homes, Cluster.uniform(["worker:0", "worker:1"], Link(1e-3, 1e8)), runtime)

    def crossing(shown):
        return sorted((each.name, each.source, each.target, each.size) for each in shown.transfers if each.size)

    assert crossing(predicted) == crossing(measured)
    assert 5 * 6 * 4 in [each.size for each in measured.transfers if each.target == "worker:1"]
    ran = {run.node: run.worker for run in measured.runs if run.kind == "kernel"}
    assert ran
    assert ran.items() <= homes.items()
    assert {run.node for run in predicted.runs if isinstance(run.node, int)} == set(graph)


def test_a_traced_run_is_a_timeline(traced) -> None:
    fetches, feeds, session, metadata = traced
    shown = placing.timeline(session, metadata)
    assert shown.workers == ("worker:0", "worker:1")
    assert {run.kind for run in shown.runs} == {"kernel", "send"}
    assert min(run.start for run in shown.runs) >= 0
    assert isinstance(shown.critical[-1], Run)
    assert shown.critical[-1].end == shown.makespan
    assert {each.source for each in shown.transfers} | {each.target for each in shown.transfers} == set(shown.workers)
    assert "worker:1" in draw.timeline_text(shown)
    with pytest.raises(ValueError, match="this run was not traced"):
        placing.timeline(session, tf.RunMetadata())
    with pytest.raises(TypeError, match="is on no cluster"), tf.Session(graph=session.graph) as local:
        placing.assignment(local, fetches, feeds, None)


def test_the_graph_is_drawn_where_it_is(traced) -> None:
    fetches, _, session, _ = traced
    homes = {each.name: each.actual for each in session.placement}
    picture = draw.picture(fetches, devices=homes)
    words = {item.node.name: item.device for item in picture.items}
    assert words["w1"] == "on worker:0 CPU:0"
    assert words["w2"] == words["loss"] == "on worker:1 CPU:0"
    assert any(link.status == "crossing" for link in picture.links)


def test_a_run_is_placed_anew_by_what_was_measured(connect) -> None:
    """Two small branches stay on one worker, until they are said to take a tenth of a second a node."""
    with tf.Graph().as_default() as graph:
        ends, feeds = [], {}
        for branch in range(2):
            w = tf.Variable(numpy.full((4, 4), 0.5 + branch), name=f"w{branch}")
            value = x = tf.placeholder(tf.float64, [4, 4])
            for _ in range(3):
                value = value @ w
            ends.append(tf.reduce_sum(value))
            feeds[x] = numpy.eye(4)
        out = ends[0] + ends[1]
        session = connect("?workers=2", graph=graph)
        session.run(tf.global_variables_initializer())
        before = session.run(out, feeds)
        assert len({each.actual for each in session.placement}) == 1
        products = [node.name for node in session.plan(out, feeds).outcome.program.nodes if node.op.name == "matmul"]
        placing.place_by(session, dict.fromkeys(products, 0.1))
        assert session.run(out, feeds) == before
        homes = {each.name: each.actual for each in session.placement}
        assert len({homes[name] for name in products}) == 2
        assert homes["w0"] != homes["w1"]
        metadata = tf.RunMetadata()
        session.run(out, feeds, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), metadata)
        placing.place_by(session, metadata)
        assert session.run(out, feeds) == before
        assert len({each.actual for each in session.placement if each.name in products}) == 1
        with pytest.raises(TypeError, match="nothing to place"):
            placing.place_by(tf.Session(), metadata)
