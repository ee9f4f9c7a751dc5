"""A training step on many workers: formulas against the simulation, known limits, and steps counted off graphs."""

from __future__ import annotations

import math

import networkx
import pytest

import static as tf
from graphs.placing import (
    Cluster,
    Device,
    Fabric,
    Gradient,
    Link,
    PlacementError,
    Rates,
    Runtime,
    Scaled,
    Training,
    Work,
    pipeline,
    replicas,
    simulate,
    training,
)
from graphs.placing.parallel import best, nested, ring, tree
from graphs.placing.training import buckets
from static.passes import EXACT, PIPELINE


LINK = Link(1e-3, 1e6)


def ring_graph(count: int, size: float) -> tuple[networkx.DiGraph, dict]:
    """Reduce-scatter and all-gather: in each round each worker hands on a part to its neighbour."""
    graph, homes = networkx.DiGraph(), {}
    for step in range(2 * (count - 1) + 1):
        for worker in range(count):
            graph.add_node((step, worker), seconds=0.0)
            homes[step, worker] = f"worker:{worker}"
            if step:
                graph.add_edge((step - 1, (worker - 1) % count), (step, worker), values={0: size / count})
                graph.add_edge((step - 1, worker), (step, worker), bytes=0)
    return graph, homes


@pytest.mark.parametrize("count", [2, 3, 8])
def test_the_ring_is_what_the_simulation_of_its_messages_gives(count: int) -> None:
    graph, homes = ring_graph(count, 1e6)
    shown = simulate(graph, homes, Cluster.uniform(count, LINK))
    assert shown.makespan == pytest.approx(ring(count, 1e6, LINK))
    assert shown.size == pytest.approx(2 * (count - 1) * 1e6, rel=1e-5)


def test_all_reduce() -> None:
    assert ring(1, 1e6, LINK) == tree(1, 1e6, LINK) == 0
    assert ring(4, 1e6, LINK) == pytest.approx(6 * (1e-3 + 0.25))
    assert tree(8, 1e6, LINK) == pytest.approx(6e-3 + 2)
    assert best(1024, 8, LINK)[1] == "tree"
    assert best(4, 1e9, LINK)[1] == "ring"
    inner = Link(1e-6, 1e9)
    fabric = Fabric(LINK, inner, 8)
    assert fabric.all_reduce(8, 1e6) == best(8, 1e6, inner)
    assert fabric.all_reduce(64, 1e6) == (nested(8, 8, 1e6, inner, LINK), "two levels")
    assert nested(8, 8, 1e6, inner, LINK) < best(64, 1e6, LINK)[0] / 4


def test_buckets() -> None:
    gradients = [Gradient(1, 10), Gradient(2, 15), Gradient(5, 40), Gradient(6, 1), Gradient(9, 1)]
    assert buckets(gradients, 20) == [Gradient(2, 25), Gradient(5, 40), Gradient(9, 2)]
    assert buckets(gradients, math.inf) == [Gradient(9, 67)]
    assert buckets([], 20) == []


def step(batch: int) -> Training:
    works = (Work(1, batch * 1000, 0, 0), Work(1, batch * 1000, 0, 0))
    return Training(works, (Gradient(1, 1000), Gradient(2, 1000)), (Work(1, 0, 100, 0),))


NET = Scaled.of((10, step(10)), (20, step(20)))
SPEED = Rates(kernel=1e-6, dense=1e-9, other=1e-9, byte=0.0)


def test_a_step_grows_with_its_batch() -> None:
    assert NET.at(40) == step(40)
    assert NET.at(0.5).works[0].dense == 500
    with pytest.raises(PlacementError, match="different programs"):
        Scaled.of((10, step(10)), (20, step(20)._replace(gradients=())))


def test_one_replica_is_the_plain_step() -> None:
    alone = replicas(NET, 1, SPEED, Fabric(LINK), batch=1000)
    assert alone.exposed == 0
    assert alone.seconds == alone.alone == pytest.approx(2e-3 + 2e-6 + 1e-6 + 1e-7)
    assert (alone.speedup, alone.efficiency, alone.limit) == (1, 1, "nothing")


def test_what_limits_a_step() -> None:
    free = Fabric(Link())
    assert replicas(NET, 1000, SPEED, free, batch=1000).limit == "kernels"
    assert replicas(NET, 4, SPEED, Fabric(LINK), batch=1000).limit == "all-reduce"
    assert replicas(NET, 4, SPEED, Fabric(LINK), batch=1000, runtime=Runtime(call=1.0)).limit == "dispatch"
    slow = Scaled.of((10, step(10)._replace(updates=(Work(1, 0, 10**9, 0),))), (20, step(20)))
    assert replicas(slow, 4, SPEED, free, batch=1000).limit == "update"
    assert replicas(NET, 4, SPEED, free, batch=10**6).limit == "nothing"
    assert replicas(NET, 4, SPEED, free, each=100).efficiency == pytest.approx(1)
    with pytest.raises(PlacementError, match="in all or a batch for each"):
        replicas(NET, 4, SPEED, free)


def test_the_all_reduce_hides_behind_what_is_left_of_the_way_back() -> None:
    link = Link(0.0, 1e6)  # 2 kB over two: 1 ms for each gradient, and 1 ms for each half of the computation
    apart = replicas(NET, 2, SPEED, Fabric(link), each=1000, bucket=1000, overlap=True)
    assert apart.exposed == pytest.approx(1e-3, rel=0.01)
    assert replicas(NET, 2, SPEED, Fabric(link), each=1000, overlap=False).exposed == pytest.approx(2e-3, rel=0.01)


def test_a_device_is_bound_by_what_it_is_short_of() -> None:
    device = Device("some", dense=1e12, other=1e11, bandwidth=1e10, launch=1e-6, reach=(0.5, 0.5, 0.5))
    assert device.seconds(Work(1, 0, 0, 0)) == 1e-6
    assert device.seconds(Work(1, 10**12, 0, 0)) == pytest.approx(2, rel=1e-5)
    assert device.seconds(Work(1, 10**12, 10**12, 0)) == pytest.approx(20, rel=1e-5)
    assert device.seconds(Work(2, 0, 0, 10**10)) == pytest.approx(2, rel=1e-5)


def test_a_pipeline_fills_and_empties() -> None:
    free = Link()
    alone = pipeline([1.0], 8, [], free)
    assert (alone.seconds, alone.bubble) == (1.0, 0.0)
    made = pipeline([1.0] * 4, 8, [0.0] * 3, free)
    assert made.seconds == pytest.approx((8 + 3) / 8)
    assert made.bubble == pytest.approx(3 / 11)
    slow = pipeline([1.0, 1.0], 4, [4e6], LINK)
    assert slow.seconds == pytest.approx(2 * 0.25 + 4 * (2 * (1e-3 + 1.0)))
    with pytest.raises(PlacementError, match="2 stages have 1 borders"):
        pipeline([1.0, 1.0], 4, [], free)


def test_a_pipeline_is_what_the_simulation_gives() -> None:
    graph, homes = networkx.DiGraph(), {}
    parts, stages = 6, 3
    for part in range(parts):
        for stage in range(stages):
            graph.add_node((part, stage), seconds=0.1)
            homes[part, stage] = f"worker:{stage}"
            if stage:
                graph.add_edge((part, stage - 1), (part, stage), values={0: 0.0})
    shown = simulate(graph, homes, Cluster.uniform(stages, Link()))
    assert shown.makespan == pytest.approx(pipeline([0.1 * parts] * stages, parts, [0.0] * 2, Link()).seconds)


def net(optimizer, passes):
    tf.reset_default_graph()
    x = tf.placeholder(tf.float32, [None, 30])
    hidden = tf.nn.relu(tf.layers.dense(x, 20))
    loss = tf.reduce_mean(tf.square(tf.layers.dense(hidden, 1)))
    fetches = optimizer.minimize(loss)
    plan = tf.Session(passes=passes).plan(fetches, [x])
    return plan.outcome.program


@pytest.mark.parametrize(
    "optimizer", [tf.train.GradientDescentOptimizer(0.1), tf.train.AdamOptimizer(), tf.train.MomentumOptimizer(0.1, 0.9)]
)
def test_a_step_is_counted_off_its_graph(optimizer) -> None:
    made = training(net(optimizer, EXACT))
    assert sorted(each.size for each in made.gradients) == [4, 4 * 20, 4 * 20, 4 * 20 * 30]
    assert [each.after for each in made.gradients] == sorted(each.after for each in made.gradients)
    assert made.gradients[0].after > len(made.works) / 3
    assert made.gradients[-1].after == max(at for at, work in enumerate(made.works, 1) if work.kernels)
    assert sum(work.dense for work in made.updates) == 0
    assert sum(work.kernels for work in made.updates) >= 4


def test_a_program_without_gradients() -> None:
    tf.reset_default_graph()
    x = tf.placeholder(tf.float32, [None])
    with pytest.raises(PlacementError, match="no variable of this program is changed by a gradient"):
        training(tf.Session(passes=PIPELINE).plan(x + 1.0, [x]).outcome.program)
