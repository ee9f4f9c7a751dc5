"""``why_none``: each way in which a gradient gets lost, in both modes, with op, line and remedy."""

from __future__ import annotations

import json
from typing import Any

import numpy
import pytest

import dynamic
import static


torch, tf = dynamic, static


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with static.Graph().as_default():
        yield


def session() -> Any:
    made = static.Session()
    made.run(static.global_variables_initializer())
    return made


def leaf(*values: float) -> Any:
    made = torch.tensor(list(values), requires_grad=True)
    made.name = "w"
    return made


# Static


def _stopped(w: Any) -> Any:
    return tf.reduce_sum(tf.stop_gradient(w * 2.0) * 3.0)


def _cast(w: Any) -> Any:
    return tf.reduce_sum(tf.cast(tf.cast(w, tf.int32) + 1, tf.float32))


def _positions(w: Any) -> Any:
    return tf.cast(tf.argmax(w * 2.0, 0), tf.float32) * 2.0


def _compared(w: Any) -> Any:
    return tf.reduce_sum(tf.cast(w > 0.5, tf.float32))


def _stepped(w: Any) -> Any:
    return tf.reduce_sum(tf.floor(w))


def _called_out(w: Any) -> Any:
    return tf.reduce_sum(tf.py_func(lambda x: x, [w], tf.float32))


def _inside(w: Any) -> Any:
    return tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a + tf.reduce_sum(tf.floor(w))), [0, 0.0])[1]


def _branched(w: Any) -> Any:
    return tf.cond(tf.constant(True), lambda: tf.reduce_sum(tf.stop_gradient(w)), lambda: tf.reduce_sum(tf.round(w)))


STATIC = [
    (_stopped, "stop_gradient", "stop_gradient", "tf.stop_gradient(w * 2.0)"),
    (_cast, "cast", "cast", "tf.cast(w, tf.int32)"),
    (_positions, "positions", "argmax", "tf.argmax(w * 2.0, 0)"),
    (_compared, "positions", "greater", "w > 0.5"),
    (_stepped, "steps", "floor", "tf.floor(w)"),
    (_called_out, "no rule", "py_func", "tf.py_func"),
    (_inside, "steps", "floor", "tf.floor(w)"),
]


@pytest.mark.parametrize(("build", "kind", "op", "line"), STATIC, ids=[row[0].__name__ for row in STATIC])
def test_static_names_op_and_line(build: Any, kind: str, op: str, line: str) -> None:
    w = tf.Variable([0.2, 1.7], name="w")
    loss = build(w)
    size = len(loss.graph._operations)
    found = tf.why_none(loss, w)
    assert len(loss.graph._operations) == size
    assert found
    assert found.status == "none"
    assert found.cuts[0].kind == kind
    assert found.cuts[0].op == op
    assert line in found.cuts[0].where
    assert found.cuts[0].remedy in str(found)
    if kind != "no rule":
        assert tf.gradients(loss, w) == [None] or op == "floor"


def test_static_both_branches_are_looked_into() -> None:
    w = tf.Variable([0.2, 1.7], name="w")
    found = tf.why_none(_branched(w), w)
    assert {cut.kind for cut in found.cuts} == {"stop_gradient", "steps"}
    open_ = tf.cond(tf.constant(True), lambda: tf.reduce_sum(tf.stop_gradient(w)), lambda: tf.reduce_sum(w))
    assert tf.why_none(open_, w).status == "flows"


def test_static_every_way_is_named() -> None:
    w = tf.Variable([0.2, 1.7], name="w")
    found = tf.why_none(tf.reduce_sum(tf.stop_gradient(w)) + tf.reduce_sum(tf.round(w)), w)
    assert [cut.kind for cut in found.cuts] == ["steps", "stop_gradient"]


def test_static_one_open_way_is_enough() -> None:
    w = tf.Variable([0.2, 1.7], name="w")
    found = tf.why_none(tf.reduce_sum(tf.stop_gradient(w) * w), w)
    assert not found
    assert found.status == "flows"


def test_static_an_assignment_in_between() -> None:
    w = tf.Variable([0.2, 1.7], name="w")
    v = tf.Variable([1.0, 1.0], name="v")
    v.assign(w * 2.0)
    found = tf.why_none(tf.reduce_sum(v * v), w)
    assert found.cuts[0].kind == "assignment"
    assert "v.assign(w * 2.0)" in found.cuts[0].where
    assert "the variable v, which" in found.cuts[0].reason


def test_static_not_connected_and_connected_otherwise() -> None:
    w = tf.Variable([0.2, 1.7], name="w")
    v = tf.Variable([1.0, 1.0], name="v")
    loss = tf.reduce_sum(v * v)
    assert tf.why_none(loss, w).cuts[0].kind == "unused"
    assert tf.why_none(loss, v * 3.0).cuts[0].kind == "other"
    assert "is computed from what the loss uses" in tf.why_none(loss, v * 3.0).cuts[0].reason


def test_static_integers_have_none() -> None:
    n = tf.constant([1, 2], name="n")
    assert tf.why_none(tf.reduce_sum(tf.cast(n, tf.float32)), n).cuts[0].kind == "dtype"


def test_static_a_constant_of_the_same_value_is_a_copy() -> None:
    w = tf.Variable([0.2, 1.7], name="w")
    made = session()
    loss = tf.reduce_sum(tf.constant(made.run(w)) * 2.0)
    assert tf.why_none(loss, w, made).cuts[0].kind == "read"


def test_static_zeros_are_explained_by_values() -> None:
    w = tf.Variable([-1.0, -2.0], name="w")
    made = session()
    found = tf.why_none(tf.reduce_sum(tf.nn.relu(w * 3.0)), w, made)
    assert (found.status, found.cuts[0].kind) == ("zero", "dead")
    assert "all 2 inputs are at most 0, from -6 to -3" in found.cuts[0].reason
    found = tf.why_none(tf.reduce_sum(tf.sigmoid(w * 1e3)), w, made)
    assert (found.status, found.cuts[0].kind) == ("zero", "saturated")
    found = tf.why_none(tf.reduce_sum(tf.clip_by_value(w, 0.0, 1.0)), w, made)
    assert (found.status, found.cuts[0].kind) == ("zero", "clipped")
    found = tf.why_none(tf.reduce_sum(w * 0.0), w, made)
    assert (found.status, found.cuts[0].kind) == ("zero", "zero")
    assert "norm is" in tf.why_none(tf.reduce_sum(w * w), w, made).note


# Dynamic, looking on


DYNAMIC = [
    (lambda w: (w.detach() * 2.0).sum(), "detach", "multiply", "w.detach() * 2.0"),
    (lambda w: (w * 3.0).detach().sum(), "detach", "sum", "(w * 3.0).detach()"),
    (lambda w: (w * 3.0).data.sum() + 1.0, "detach", "sum", ".data"),
    (lambda w: (w * 3.0).sum().detach(), "detach", "", ".detach()"),
    (lambda w: (w * 3.0).long().float().sum(), "cast", "cast", ".long()"),
    (lambda w: (w * 3.0).argmax().float() * 2.0, "positions", "argmax", ".argmax()"),
    (lambda w: (w > 0.5).float().sum(), "positions", "greater", "w > 0.5"),
    (lambda w: torch.tensor(w.tolist()).sum(), "read", "", "w.tolist()"),
    (lambda w: torch.tensor(w.detach().numpy()).sum(), "read", "", "numpy()"),
    (lambda w: torch.from_numpy((w * 1.0).detach().numpy()).sum(), "detach", "", ".detach()"),
    (lambda w: torch.tensor((w * 2.0).sum().item()) * 3.0, "read", "", ".item()"),
    (lambda w: torch.ones(2).sum(), "unused", "", ""),
]


@pytest.mark.parametrize(("build", "kind", "op", "line"), DYNAMIC, ids=[f"{row[1]}-{i}" for i, row in enumerate(DYNAMIC)])
def test_dynamic_names_op_and_line(build: Any, kind: str, op: str, line: str) -> None:
    w = leaf(0.2, 1.7)
    found = torch.why_none(lambda: build(w), w)
    assert found
    assert found.cuts[0].kind == kind
    if op:
        assert found.cuts[0].op == op
    assert line in found.cuts[0].where
    assert "remedy: " in str(found)


def test_dynamic_no_grad() -> None:
    w = leaf(0.2, 1.7)

    def loss() -> Any:
        with torch.no_grad():
            h = w * 2.0
        return (h + 1.0).sum()

    found = torch.why_none(loss, w)
    assert [cut.kind for cut in found.cuts] == ["no_grad"]
    assert found.cuts[0].op == "multiply"
    assert "h = w * 2.0" in found.cuts[0].where


def test_dynamic_beside_another_leaf() -> None:
    w, v = leaf(0.2, 1.7), leaf(1.0, 1.0)
    found = torch.why_none(lambda: (w.detach() * v).sum(), w)
    assert [cut.kind for cut in found.cuts] == ["detach"]
    assert torch.why_none(lambda: (w.detach() * v).sum(), v).status == "flows"


def test_dynamic_a_function_that_returns_w_itself_flows() -> None:
    w = torch.tensor(2.0, requires_grad=True)
    assert torch.why_none(lambda: w, w).status == "flows"


def test_dynamic_a_leaf_without_requires_grad() -> None:
    w = torch.tensor([1.0])
    v = leaf(2.0)
    found = torch.why_none((w * v).sum(), w)
    assert found.cuts[0].kind == "leaf"
    assert torch.why_none(lambda: (w * v).sum(), w).cuts[0].kind == "leaf"


def test_dynamic_integers_have_none() -> None:
    assert torch.why_none(lambda: torch.tensor([1, 2]).sum() * 1.0, torch.tensor([1, 2])).cuts[0].kind == "dtype"


# Dynamic, from the tape


def test_a_tape_tells_of_what_was_detached_into_it() -> None:
    w, v = leaf(0.2, 1.7), leaf(1.0, 1.0)
    loss = (w.detach() * v).sum()
    found = torch.why_none(loss, w)
    assert found.cuts[0].kind == "detach"
    assert "w.detach() * v" in found.cuts[0].where
    assert "why_none(lambda" in found.note


def test_a_tape_tells_that_a_loss_has_no_history() -> None:
    w = leaf(0.2)
    with torch.no_grad():
        loss = w.sum()
    assert torch.why_none(loss, w).cuts[0].kind == "no_grad"


def test_what_is_no_leaf_keeps_no_grad() -> None:
    w = leaf(0.2, 1.7)
    h = w * 2.0
    loss = h.sum()
    found = torch.why_none(loss, h)
    assert found.cuts[0].kind == "not kept"
    assert "w * 2.0" in found.cuts[0].where
    assert torch.why_none(loss, w).status == "flows"
    assert "No backward call" in torch.why_none(loss, w).note
    loss.backward()
    assert torch.why_none(loss, w).status == "flows"


def test_zeros_are_explained_by_the_tape() -> None:
    w = leaf(-1.0, -2.0)
    found = torch.why_none(torch.relu(w * 3.0).sum(), w)
    assert (found.status, found.cuts[0].kind) == ("zero", "dead")
    found = torch.why_none((torch.sigmoid(w * 1e3)).sum(), w)
    assert (found.status, found.cuts[0].kind) == ("zero", "saturated")
    found = torch.why_none(w.clamp(0.0, 1.0).sum(), w)
    assert (found.status, found.cuts[0].kind) == ("zero", "clipped")
    assert found.as_dict()["cuts"][0]["remedy"].startswith("widen")


def test_a_step_is_flat_in_pytorch() -> None:
    w = leaf(0.2, 1.7)
    found = torch.why_none(torch.floor(w).sum(), w)
    assert found.status in ("zero", "none")
    assert found.cuts[0].op == "floor"


def test_both_are_data_and_text() -> None:
    w = leaf(0.2)
    w.name = "</script><img src=x onerror=alert(1)>"
    found = torch.why_none(lambda: w.detach().sum(), w)
    assert w.name in str(found)
    assert json.loads(json.dumps(found.as_dict()))["cuts"][0]["kind"] == "detach"


def test_long_chains_are_gone_through() -> None:
    w = tf.Variable(1.0, name="w")
    x = tf.stop_gradient(w)
    for _ in range(3000):
        x = x + 1.0
    assert tf.why_none(x, w).cuts[0].kind == "stop_gradient"
    p = leaf(1.0)

    def loss() -> Any:
        y = p.detach()
        for _ in range(3000):
            y = y + 1.0
        return y.sum()

    assert torch.why_none(loss, p).cuts[0].kind == "detach"


def test_wrong_arguments_are_told_of() -> None:
    with pytest.raises(TypeError, match="asks of a tensor"):
        torch.why_none(torch.ones(1), numpy.ones(1))
    with pytest.raises(TypeError, match="a tensor, or a function"):
        torch.why_none(3.0, torch.ones(1))
    with pytest.raises(TypeError, match="not the loss as a tensor"):
        torch.why_none(lambda: 3.0, torch.ones(1))
