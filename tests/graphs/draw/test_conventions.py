"""Ops as boxes, values as boxes, both; and what stands on the arrows."""

from __future__ import annotations

import numpy
import pytest

import dynamic as torch
import static as tf
from graphs import draw
from graphs.core.function import trace
from graphs.core.node import new_parameter
from graphs.core.op import OPS
from graphs.core.spec import Spec
from graphs.draw.words import number, quantity, share, size
from tests.graphs.draw import programs


HOSTILE = "</script><img src=x onerror=alert(1)>"


def titles(shown):
    return [
        item.title or (item.node.name if item.kind in ("placeholder", "variable") else item.node.op.name)
        for item in shown.items
    ]


def arrows(shown):
    names = dict(zip((item.key for item in shown.items), titles(shown), strict=True))
    return [(names[link.tail], link.label, names[link.head]) for link in shown.links]


@pytest.fixture
def product():
    x, w = (new_parameter(Spec(shape, "float32"), name) for shape, name in (((4, 3), "x"), ((3, 2), "w")))
    return [OPS["sum"](OPS["tanh"](x @ w))]


@pytest.fixture
def tape():
    """A loss over two leaves that still has what it keeps, and the leaves."""
    w = torch.tensor([[1.0, -2.0], [0.0, 4.0]], requires_grad=True)
    w.name = "w"
    x = torch.tensor([[1.0, 1.0]])
    return (x.mm(w).clamp(min=0) ** 2).sum(), w


def test_tensors_as_boxes_have_the_ops_on_their_arrows(product):
    shown = draw.picture(product, nodes="tensors")
    assert titles(shown)[2:] == ["(4, 2)", "(4, 2)", "()"]
    assert [label for _, label, _ in arrows(shown)] == ["matmul \u00b7 x", "matmul \u00b7 y", "tanh", "sum"]
    assert [item.root for item in shown.items] == [False, False, False, False, True]
    assert all(link.spec is None for link in shown.links)


def test_both_are_boxes_by_turns(product):
    shown = draw.picture(product, nodes="both")
    assert [item.kind for item in shown.items] == [
        "input",
        "input",
        "operation",
        "tensor",
        "operation",
        "tensor",
        "operation",
        "tensor",
    ]
    flows = {(tail, head) for tail, _, head in arrows(shown)}
    assert {("matmul", "(4, 2)"), ("(4, 2)", "tanh"), ("sum", "()")} <= flows
    assert sum(item.count for item in shown.items) == 5


def test_every_output_of_an_op_is_a_box_of_its_own():
    x = new_parameter(Spec((4,), "float32"), "x")
    first, second = OPS["split"](x, sections=2)
    shown = draw.picture([first + second], nodes="both")
    assert [title for title in titles(shown) if title.startswith("(2,)")] == ["(2,)", "(2,) [1]", "(2,)"]


def test_the_way_back_has_gradients_as_boxes(tape):
    loss, _ = tape
    back = draw.picture(loss, view="backward", nodes="tensors")
    assert "w.grad" in titles(back)
    assert ("gradient (1, 2)", "MmBackward0", "w.grad") in arrows(back)
    assert "gradient ()" in titles(back)
    both = draw.picture(loss, nodes="both")
    assert len({item.key for item in both.items}) == len(both.items)
    assert {link.tail for link in both.links} | {link.head for link in both.links} <= {item.key for item in both.items}


def test_a_changed_variable_is_where_its_new_value_points_to():
    shown = draw.picture(programs.training(), nodes="tensors")
    by_key = {item.key: item for item in shown.items}
    (change,) = [link for link in shown.links if link.kind == "changes"]
    assert (by_key[change.tail].node.name, by_key[change.head].kind, by_key[change.head].title) == ("w", "update", "(3, 2)")


@pytest.mark.parametrize("nodes", ["tensors", "both"])
def test_a_hostile_name_stays_a_name(nodes):
    x = new_parameter(Spec((2,), "float32"), f"{HOSTILE}/{HOSTILE}")
    svg = draw.svg([-x, x * 2.0], nodes=nodes, title=HOSTILE)
    assert "<script" not in svg
    assert "<img" not in svg


def test_unknown_settings_are_refused(product):
    with pytest.raises(ValueError, match="no nodes edges; there are ops, tensors, both"):
        draw.picture(product, nodes="edges")
    with pytest.raises(ValueError, match="no colours can be shown; there are shapes, dtypes"):
        draw.picture(product, show=("shapes", "colours"))
    with pytest.raises(ValueError, match="a graph has no values before it runs"):
        draw.picture(product, show="values")


def test_shapes_dtypes_and_bytes_are_chosen(product):
    def words(**settings):
        return draw.dot(product, legend=False, **settings)

    assert "(4, 3)" in words()
    assert "(4, 3)" not in words(show="dtypes")
    assert "float32" in words(show="dtypes")
    assert "48 B" in words(show=("shapes", "bytes"))
    assert "48 B" not in words()
    numbers = [link.numbers.get("bytes") for link in draw.picture(product, show="bytes").links]
    assert numbers == [48, 24, 32, 32]


def test_values_of_a_graph_are_those_that_a_user_gives():
    x = new_parameter(Spec((4,), "float32"), "x")
    y = x * 2.0
    array = numpy.array([0, numpy.nan, -1, 3], "float32")
    for key in (x, "x", x.node, x.node.serial, (x.node.serial, 0)):
        (link,) = draw.picture([y], show=("shapes", "values"), values={key: array}).links
        assert link.notes == ("-1 \u2026 3, mean 0.667", "25% zeros, 25% NaN")
        assert link.numbers == {"zeros": 0.25, "nan": 0.25, "min": -1.0, "mean": pytest.approx(2 / 3), "max": 3.0}
    with pytest.raises(ValueError, match="no node z in this picture"):
        draw.picture([y], show="values", values={"z": array})
    with pytest.raises(ValueError, match="a float names no node"):
        draw.picture([y], show="values", values={1.5: array})


def test_a_session_runs_a_graph_for_its_picture_and_changes_nothing():
    with tf.Graph().as_default():
        x = tf.placeholder("float32", [None], name="x")
        w = tf.Variable([2.0, -1.0], name="w")
        loss = tf.reduce_sum(tf.nn.relu(w * x))
        train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            dot = session.draw(
                [loss, train], {x: [1.0, 3.0]}, format="dot", show=("shapes", "values", "gradients"), view="forward"
            ).decode()
            assert session.run(w).tolist() == [2.0, -1.0]
            timed = session.draw([loss], {x: [1.0, 3.0]}, format="dot", overlay="time", log=True).decode()
    assert "-1 \u2026 2, mean 0.5" in dot  # w
    assert "1 \u2026 3, mean 2" in dot  # x
    assert "-3 \u2026 2, mean -0.5" in dot  # their product
    assert "50% zeros" in dot  # after relu
    assert "\u2016\u2207\u2016 1" in dot  # through the relu of one
    assert "time, logarithmic" in timed
    assert "\u00b5s" in timed


def test_a_tape_shows_what_it_keeps_and_the_norms_of_its_gradients(tape):
    loss, w = tape
    shown = draw.picture(loss, show=("shapes", "values", "gradients"))
    notes = {link.value: link for link in shown.links if link.kind == "data"}
    leaf = next(link for link in notes.values() if link.spec.dims == (2, 2))
    assert leaf.numbers["min"] == -2.0
    loss.backward()
    assert leaf.numbers["gradient"] == pytest.approx(float(w.grad.norm()))
    assert f"\u2016\u2207\u2016 {number(leaf.numbers['gradient'])}" in leaf.notes
    back = [link for link in shown.links if link.kind == "gradient"]
    assert all("gradient" in link.numbers for link in back)
    # What the way back has freed is not made up.
    assert not any(
        "gradient" in link.numbers for link in draw.picture(loss, show="gradients").links if link.spec.dims == (2, 2)
    )


def test_gradients_of_a_graph_may_be_given():
    x = new_parameter(Spec((2,), "float32"), "x")
    (link,) = draw.picture([-x], show="gradients", gradients={x: numpy.array([3.0, 4.0])}).links
    assert link.notes == ("\u2016\u2207\u2016 5",)


def test_gradients_flow_past_what_has_none():
    x = new_parameter(Spec((2,), "float32"), "x")
    out = OPS["sum"](x * OPS["floor"](x))
    arrays = {x: numpy.array([1.5, 2.5], "float32")}
    for node in (out.node, *(edge.node for edge in out.node.edges)):
        for edge in node.edges:
            if edge is not None and edge.node is not x.node:
                arrays.setdefault(edge, numpy.array([1.0, 2.0], "float32"))
    arrays[out] = numpy.float32(6.5)
    links = draw.picture([out], show="gradients", values=arrays).links
    assert any("gradient" in link.numbers for link in links)


def test_values_come_first_folded_links_keep_their_bytes():
    whole = draw.picture(programs.deep(50), show=("shapes", "bytes"), budget=1000)
    folded = draw.picture(programs.deep(50), show=("shapes", "bytes"), budget=3)
    assert all(link.numbers["bytes"] == 256 for link in whole.links)
    assert [link.numbers["bytes"] for link in folded.links] == [256]


def test_numbers_in_few_characters():
    assert [number(x) for x in (0.0, 1234.0, 0.03125, -4.2e-8, float("nan"), float("-inf"))] == [
        "0", "1,234", "0.0312", "-4.2e-08", "NaN", "-\u221e",
    ]  # fmt: skip
    assert [size(x) for x in (12, 25_600, 4e9)] == ["12 B", "25.6 kB", "4 GB"]
    assert [quantity(x, "s") for x in (2.0, 0.0123, 4.5e-6, 2e-8)] == ["2 s", "12.3 ms", "4.5 \u00b5s", "20 ns"]
    assert [share(x) for x in (0.5, 0.001, 0.9999, 1.0)] == ["50%", "<1%", ">99%", "100%"]


def test_functions_and_traces_are_drawn_for_inputs():
    def square(x):
        return OPS["sum"](x * x)

    assert [item.node.op.name for item in draw.picture(square, ((3,), "float32")).items] == ["parameter", "multiply", "sum"]
    assert draw.svg(square, Spec((3,), "float32")) == draw.svg(trace(square, Spec((3,), "float32"))[0])
    static = draw.picture(lambda x: tf.nn.relu(tf.square(x)), ((None, 3), "float32"))
    assert [item.kind for item in static.items] == ["placeholder", "operation", "operation"]
    traced = torch.trace(lambda x: (x * 2).sum(), torch.ones(3))
    assert draw.svg(traced) == draw.svg(traced.function)
    assert "multiply" in draw.text(traced)
    x = torch.ones(3, requires_grad=True)
    assert [item.title for item in draw.picture(lambda x: x.exp(), x, view="backward").items] == [
        "ExpBackward0",
        "AccumulateGrad",
    ]
    with pytest.raises(TypeError, match="inputs are for a function, not for a Node"):
        draw.picture(new_parameter(Spec((), "float32")).node, x)
