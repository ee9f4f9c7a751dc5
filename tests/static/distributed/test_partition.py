"""A run in parts has the bits of the same run in one process, wherever its nodes are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import static as tf
from graphs.compare import load
from static.passes import EXACT, PIPELINE


pytest.importorskip("distributed")

DEMOS = Path(__file__).parents[3] / "demos"


def scatter(graph: Any, seed: int, tasks: int = 3, named: float = 1.0) -> None:
    """Ask for a random task for each operation, or for some."""
    random = np.random.default_rng(seed)
    for op in graph.get_operations():
        place = random.integers(tasks)
        if random.random() < named:
            object.__setattr__(op, "device", f"/job:worker/task:{place}")


def same(one: Any, other: Any) -> bool:
    """Whether two fetched structures are equal to the last bit, NaNs included."""
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if one is None:
        return other is None
    a, b = np.asarray(one), np.asarray(other)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("name", ["two_layer", "gan", "recurrent", "convolutional", "recurrent_while", "variational"])
def test_nets_of_the_sources(connect: Any, name: str) -> None:
    twins = load(DEMOS / f"{name}.py")
    given = twins.setup("float32")
    program = twins.builders["static"](given)
    graph = program.session.graph
    scatter(graph, 3)
    batches = [next(iter(given.batches)) for _ in range(2)]
    with graph.as_default():
        ready = tf.global_variables_initializer()
    variables = graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
    alone, spread = tf.Session(graph=graph), connect(graph=graph)
    for session in (alone, spread):
        graph.seed = 4
        session.run(ready)
    crossed = 0
    for batch in batches:
        for run in program._runs:
            fetches = [run.updates, dict(run.losses), dict(run.gradients)]
            feeds = {tensor: batch[key] for key, tensor in run.feeds.items()}
            assert same(alone.run(fetches, feeds), spread.run(fetches, feeds))
            crossed += len(spread.crossings)
    assert same(alone.run(variables), spread.run(variables))
    assert crossed
    assert len({note.actual for note in spread.placement}) == 3


def random_graph(seed: int) -> tuple[Any, list[Any], dict[Any, Any]]:
    """A graph of some 30 operations of many kinds, with variables that are updated, draws, loops and orders between them."""
    random = np.random.default_rng(seed)
    graph = tf.Graph()
    graph.seed = seed
    with graph.as_default():
        x = tf.placeholder(tf.float64, [None, 6], name="x")
        variables = [tf.Variable(random.standard_normal((6, 6)), name=f"v{i}", dtype=tf.float64) for i in range(3)]
        pool = [x, tf.matmul(x, variables[0]), tf.random_normal([5, 6], dtype=tf.float64), *map(tf.identity, variables)]
        for _ in range(24):
            kind, one, other = random.integers(11), *random.integers(len(pool), size=2)
            a, b = pool[one], pool[other]
            if kind == 0:
                made = tf.tanh(a) * 0.5
            elif kind == 1:
                made = tf.matmul(a, tf.transpose(b))[:, :6] if a.shape[0].value != 6 else tf.matmul(b, a)
            elif kind == 2:
                made = a + tf.reduce_sum(b)
            elif kind == 3:
                made = tf.transpose(tf.transpose(a) - tf.reduce_mean(b))
            elif kind == 4:
                made = a * tf.random_uniform([6], seed=int(random.integers(9)), dtype=tf.float64)
            elif kind == 5:
                made = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.sin(y) + y), [tf.constant(0), a])[1]
            elif kind == 6:
                made = tf.cond(tf.reduce_sum(a) > 0, lambda a=a: a * 2, lambda a=a: tf.exp(-a * a))
            elif kind == 7:
                made = tf.concat([a, b], 0)[::2]
            elif kind == 8:
                with tf.control_dependencies([b]):
                    made = tf.identity(a) + 1
            elif kind == 9:
                made = tf.nn.softmax(a) + tf.random_normal([6], dtype=tf.float64)
            else:
                made = tf.sqrt(a * a + 1) / 3
            pool.append(made)
        loss = tf.add_n([tf.reduce_mean(each) for each in pool[-4:]])
        steps = []
        for variable, gradient in zip(variables, tf.gradients(loss, variables), strict=True):
            value = gradient if gradient is not None else tf.zeros_like(variable)
            steps.append(variable.assign_sub(0.1 * value))
        with tf.control_dependencies([steps[0]]):
            after = variables[0].read_value() * 2
        return graph, [loss, pool[-1], pool[-5], after, tf.group(*steps), *variables], {x: random.standard_normal((5, 6))}


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(6, 60))])
def test_random_graphs(connect: Any, seed: int) -> None:
    graph, fetches, feeds = random_graph(seed)
    scatter(graph, seed, named=1.0 if seed % 2 else 0.4)
    passes = PIPELINE if seed % 3 else EXACT
    with graph.as_default():
        ready = tf.global_variables_initializer()
    alone, spread = tf.Session(graph=graph, passes=passes), connect(graph=graph, passes=passes)
    for session in (alone, spread):
        session.run(ready)
    for _ in range(3):
        assert same(alone.run(fetches, feeds), spread.run(fetches, feeds))
    other = {x: value[:3] for x, value in feeds.items()}
    assert same(alone.run(fetches[:2], other), spread.run(fetches[:2], other))
