"""A session's run as a task graph: its nodes after the passes, what was measured, what was asked."""

from __future__ import annotations

from itertools import pairwise

import numpy
import pytest

import static as tf
from graphs.placing import Cluster, Link, Rates, by_device, heft, measured_share, simulate
from static.placing import measured, profiled, task_graph


@pytest.fixture
def net():
    tf.set_random_seed(3)
    x = tf.placeholder(tf.float32, [None, 6], name="x")
    with tf.device("/job:worker/task:1"):
        w = tf.Variable(tf.random_normal([6, 5]), name="w")
        hidden = tf.tanh(x @ w, name="hidden")
    noise = tf.random_normal(tf.shape(hidden))
    loss = tf.reduce_mean(tf.square(hidden + noise), name="loss")
    step = tf.train.GradientDescentOptimizer(0.1).minimize(loss, name="step")
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session, x, w, loss, step


def test_measuring_changes_nothing(net) -> None:
    session, x, w, loss, step = net
    batch = {x: numpy.ones((4, 6), "float32")}
    before, at = session.run(w), session.stream.step
    graph = task_graph(session, [step, loss], batch)
    assert session.stream.step == at
    numpy.testing.assert_array_equal(session.run(w), before)
    plan = session.plan([step, loss], batch)
    *nodes, group = plan.outcome.program.nodes
    assert list(graph) == [node.serial for node in nodes]
    assert group.op.name == "no_op"
    assert measured_share(graph) == 1.0
    assert all(data["seconds"] > 0 for _, data in graph.nodes(data=True) if data["work"].kernels)


def test_edges_have_the_bytes_of_this_run(net) -> None:
    session, x, _, loss, step = net
    for batch in (3, 7):
        graph = task_graph(session, [step, loss], {x: numpy.ones((batch, 6), "float32")}, runs=0, rates=Rates())
        product = next(key for key, op in graph.nodes(data="op") if op == "matmul")
        assert graph.nodes[product]["feeds"] == {"x:0": batch * 6 * 4}
        assert {size for *_, data in graph.out_edges(product, data=True) for size in data["values"].values()} == {batch * 20}
        (read,) = (tail for tail, _, data in graph.in_edges(product, data=True))
        assert graph.edges[read, product]["values"] == {0: 120}
        assert measured_share(graph) == 0.0


def test_a_variable_and_what_changes_it_stand_together_where_they_were_asked_to(net) -> None:
    session, x, w, loss, step = net
    graph = task_graph(session, [step, loss], {x: numpy.ones((3, 6), "float32")}, runs=0, rates=Rates())
    groups = [[graph.nodes[key]["op"] for key in group] for group in graph.graph["together"]]
    assert groups
    assert groups[0][0] == "variable"
    assert len(groups[0]) > 2
    fixed = by_device(graph, lambda device: "worker:1" if "task:1" in device else None)
    assert w.op.serial in fixed
    found = heft(graph, Cluster.uniform(2, Link(1e-3, 1e9)), fixed, graph.graph["together"])
    for group in graph.graph["together"]:
        assert len({found.assignment[key] for key in group}) == 1
    assert found.assignment[w.op.serial] == "worker:1"
    shown = simulate(graph, found.assignment, Cluster.uniform(2, Link(1e-3, 1e9)))
    assert shown.makespan >= sum(seconds for _, seconds in graph.nodes(data="seconds")) / 2


def test_times_of_a_traced_run(net) -> None:
    session, x, _, loss, _ = net
    feeds = {x: numpy.ones((3, 6), "float32")}
    metadata = tf.RunMetadata()
    session.run(loss, feeds, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), metadata)
    seconds = profiled(metadata)
    graph = task_graph(session, loss, feeds, profile=metadata)
    kernels = [data for _, data in graph.nodes(data=True) if data["work"].kernels]
    assert [data["seconds"] for data in kernels] == [seconds[data["name"]] for data in kernels]
    assert measured(session, loss, feeds, runs=1).keys() <= set(graph)


def test_a_chain_of_products_is_a_chain() -> None:
    a = made = tf.placeholder(tf.float64, [4, 4])
    for _ in range(5):
        made = made @ made
    graph = task_graph(tf.Session(), made, {a: numpy.eye(4)}, runs=1)
    assert [(tail, head) for tail, head in graph.edges] == list(pairwise(graph))
    assert [data["fetched"] for _, data in graph.nodes(data=True)] == [0, 0, 0, 0, 128]
