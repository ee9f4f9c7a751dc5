"""What a node does, how long that takes at fitted rates, and a program as a task graph."""

from __future__ import annotations

import random

import networkx
import numpy
import pytest

from graphs import ops
from graphs.core.function import trace
from graphs.core.spec import Spec
from graphs.placing import PlacementError, Rates, Work, calibrated, measured_share, task_graph, work_of
from graphs.rewrite import Program, Shapes


F = numpy.dtype("float32")


def last(fn, *shapes: tuple[int, ...]):
    return trace(fn, *(Spec(dims, F) for dims in shapes))[0].outputs[0].node


@pytest.mark.parametrize(
    ("fn", "shapes", "expected"),
    [
        (ops.matmul, [(3, 5), (5, 7)], Work(1, 2 * 3 * 5 * 7, 0, 4 * (15 + 35 + 21))),
        (ops.add, [(4, 5), (5,)], Work(1, 0, 20, 4 * (20 + 5 + 20))),
        (ops.tanh, [(6,)], Work(1, 0, 60, 48)),
        (lambda x: ops.transpose(x), [(2, 3)], Work()),
        (ops.unbroadcast, [(5, 4), (4,)], Work(1, 0, 20, 4 * (20 + 4))),
        (ops.unbroadcast, [(4,), (4,)], Work()),
        (lambda x: ops.sum(x), [(10,)], Work(1, 0, 10, 44)),
        (lambda x, w, b: ops.linear(x, w, b), [(3, 5), (7, 5), (7,)], Work(1, 2 * 3 * 5 * 7, 0, 4 * (15 + 35 + 7 + 21))),
        (ops.convolution, [(2, 6, 6, 3), (3, 3, 3, 4)], Work(1, 2 * (2 * 4 * 4 * 4) * 27, 0, 4 * (216 + 108 + 128))),
        (
            ops.convolution_weight,
            [(2, 6, 6, 3), (2, 4, 4, 4), (3, 3, 3, 4)],
            Work(1, 2 * (2 * 4 * 4 * 4) * 27, 0, 4 * (216 + 128 + 108)),
        ),
    ],
    ids=["matmul", "add", "tanh", "view", "sums", "sums nothing", "sum", "linear", "convolution", "convolution_weight"],
)
def test_what_a_node_does(fn, shapes, expected: Work) -> None:
    assert work_of(last(fn, *shapes), Shapes()) == expected


def test_rates_are_found_again() -> None:
    made = random.Random(1)
    true = Rates(3e-6, 2e-11, 5e-10, 1e-10)
    works = [Work(made.randint(1, 9), 10 ** made.randint(0, 9), 10 ** made.randint(0, 7), 10 ** made.randint(0, 8))]
    works += [Work(1, 10**n, 0, 10 ** (n // 2)) for n in range(3, 10)] + [Work(1, 0, 10**n, 10**n) for n in range(8)]
    works += [Work(1, 0, 10**n, 10 ** (n + 1)) for n in range(8)]
    found = Rates.fitted((work, true.seconds(work)) for work in works)
    assert [found.kernel, found.dense, found.other, found.byte] == pytest.approx([3e-6, 2e-11, 5e-10, 1e-10], rel=1e-3)


def test_rates_are_never_negative_and_what_is_not_seen_stays() -> None:
    found = Rates.fitted([(Work(1, 0, 0, 100), 1.0), (Work(1, 0, 0, 10_000), 0.5)])
    assert min(found.kernel, found.byte) >= 0
    assert (found.dense, found.other) == (Rates().dense, Rates().other)
    with pytest.raises(PlacementError, match="there is none"):
        Rates.fitted([(Work(), 1.0), (Work(1), 0.0)])


def test_this_machine_is_calibrated_once() -> None:
    rates = calibrated()
    assert calibrated() is rates
    small, large = Work(1, 2 * 10**3, 0, 1200), Work(1, 2 * 1000**3, 0, 12_000_000)
    assert 0 < rates.seconds(small) < rates.seconds(large)


def test_a_program_as_a_task_graph() -> None:
    def two(x, w):
        left = ops.tanh(ops.matmul(x, w))
        return ops.add(ops.sum(left), ops.sum(ops.exp(left)))

    body, _ = trace(two, Spec((8, 16), F), Spec((16, 4), F))
    nodes = [node for node in body.nodes if node.op.name != "parameter"]
    program = Program(tuple(nodes), body.outputs, frozenset((x.node, x.index) for x in body.inputs))
    rates = Rates(1.0, 0.0, 0.0, 0.0)
    graph = task_graph(program, seconds={nodes[0]: 5.0, nodes[1].serial: 7.0}, rates=rates)
    assert [(data["op"], data["seconds"]) for _, data in graph.nodes(data=True)] == [
        ("matmul", 5.0), ("tanh", 7.0), ("sum", 1.0), ("exp", 1.0), ("sum", 1.0), ("add", 1.0),
    ]  # fmt: skip
    assert list(graph) == [node.serial for node in nodes]
    assert networkx.is_directed_acyclic_graph(graph)
    tanh = nodes[1].serial
    assert [data["values"] for *_, data in graph.out_edges(tanh, data=True)] == [{0: 8 * 4 * 4}] * 2
    assert sum(graph.nodes[nodes[0].serial]["feeds"].values()) == 4 * (8 * 16 + 16 * 4)
    assert graph.nodes[nodes[-1].serial]["fetched"] == 4
    assert measured_share(graph) == 12 / 16
