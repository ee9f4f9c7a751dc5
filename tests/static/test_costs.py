"""What runs cost: kernels as the plan calls them, arrays on the way, arithmetic and bytes, with the shapes fed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy
import pytest

import static as tf
from graphs.core.spec import Spec
from graphs.rewrite import Choice, Cost, Shapes, cost
from static.passes import Outcome, cse, fold, optimise, simplify
from static.schedule import needed, schedule


@pytest.fixture(autouse=True)
def _fresh_graph() -> Iterable[None]:
    with tf.Graph().as_default():
        yield


def passed(fetches: Sequence[Any], fed: Sequence[Any] = (), passes: Any = (fold, cse, simplify, cse)) -> Outcome:
    graph = tf.get_default_graph()
    found = [graph.as_graph_element(x) for x in fetches]
    return optimise(needed(found, fed), found, fed, passes, Choice())


def as_fed(**shapes: Any) -> Shapes:
    graph = tf.get_default_graph()
    tensors = {name: graph.get_tensor_by_name(f"{name}:0") for name in shapes}
    return Shapes({(x.node, x.index): Spec(shapes[name], x.spec.dtype) for name, x in tensors.items()})


def training() -> tuple[list[Any], list[Any]]:
    x = tf.placeholder("float32", (None, 4), name="x")
    w = tf.Variable(numpy.full((4, 3), 0.1, "f4"), name="w")
    b = tf.Variable(numpy.zeros(3, "f4"), name="b")
    loss = tf.reduce_mean(tf.square(tf.nn.relu(tf.matmul(x, w) + b) * 1.0))
    return [tf.train.AdamOptimizer(0.1).minimize(loss), loss], [x]


def test_kernels_are_those_that_the_plan_calls() -> None:
    fetches, fed = training()
    outcome = passed(fetches, fed)
    for program in outcome.programs:
        steps = schedule(program.nodes, program.roots, fed).steps
        assert cost(program).kernels == sum(not step.node.op.view for step in steps) > 10
    assert cost(outcome.programs[0]).nodes == len(outcome.programs[0].nodes)


def test_temporaries_are_neither_fetched_nor_kept_by_variables() -> None:
    x = tf.placeholder("float32", (8,), name="x")
    v, u = tf.Variable(numpy.zeros(8, "f4")), tf.Variable(numpy.zeros(8, "f4"))
    y = tf.exp(x)
    change, more = v.assign(tf.tanh(y)), u.assign_add(tf.sin(y))
    (program,) = passed([change, more.op], [x], ()).programs
    assert cost(program).temporaries == 2, "exp and sin; tanh becomes the variable's, and so does the sum"
    (program,) = passed([change, more.op, y], [x], ()).programs
    assert cost(program).temporaries == 1
    assert cost(program).kernels == 4


def test_operations_and_bytes_follow_from_what_is_fed() -> None:
    fetches, fed = training()
    program = passed(fetches, fed).program
    assert cost(program).operations is None
    assert cost(program).bytes is None
    small, large = (cost(program, as_fed(x=(n, 4))) for n in (1, 101))
    assert None not in (small.operations, small.bytes, large.operations, large.bytes)
    assert large.operations > small.operations + 100 * 2 * 2 * 4 * 3, "two products with the batch"
    assert small.kernels == large.kernels
    y = tf.exp(tf.placeholder("float32", (10,)))
    assert Cost.of([y.op], {(y.op, 0)}) == Cost(1, 1, 100, 40, 0)


def test_loops_count_their_rounds_and_branches_the_dearest() -> None:
    x = tf.placeholder("float32", (None, 3), name="x")
    states = tf.scan(lambda s, row: tf.tanh(s * 2.0 + row), x, tf.zeros((3,)))
    program = passed([states], [x]).program
    few, many = (cost(program, as_fed(x=(n, 3))) for n in (2, 12))
    assert many.kernels - few.kernels == 10 * 3
    assert many.operations - few.operations >= 10 * 3 * (1 + 1 + 10)
    assert many.temporaries == few.temporaries, "each round uses the arrays of the round before again"
    p = tf.placeholder("bool", (), name="p")
    plain, dear = (passed([tf.cond(p, lambda k=k: chain(k), lambda: chain(1))], [p]).program for k in (1, 6))
    assert cost(dear).kernels - cost(plain).kernels == 5


def chain(length: int) -> Any:
    x = tf.ones((2,)) * tf.placeholder_with_default(2.0, ())
    for _ in range(length):
        x = tf.sin(x)
    return x


def test_a_fused_update_costs_what_its_body_does() -> None:
    fetches, fed = training()
    nodes = [node for node in passed(fetches, fed).program.nodes if node.op.name == "fused"]
    assert nodes
    for node in nodes:
        found = Cost.of([node])
        assert found.kernels == 1
        assert found.operations >= 5 * node.specs[0].size
        assert found.temporaries == node.width


def test_records_and_stages_have_costs_before_and_after() -> None:
    x = tf.placeholder("float32", (10,), name="x")
    outcome = passed([tf.exp(x * 1.0), tf.exp(x * 1.0) + 0.0 * tf.constant(1.0)], [x])
    merged = next(record for record in outcome.log if record.rule == "cse")
    assert [cost.kernels for cost in merged.costs] == [2, 1]
    assert [node.name for node in merged.origins] == ["mul", "mul_1"]
    dropped = next(record for record in outcome.log if record.rule == "times_one")
    assert [(cost.kernels, cost.bytes) for cost in dropped.costs] == [(1, 40), (0, 0)]
    stage = next(stage for stage in outcome.stages if stage.name == "simplify")
    was, now = stage.costs()
    assert was.kernels > now.kernels
    assert stage.as_dict()["before"] == was.as_dict()
    assert set(was.as_dict()) == {"nodes", "kernels", "operations", "bytes", "temporaries"}
    assert stage.as_dict()["rewrites"] == len(stage.records) > 0
