"""Cards: what there is to say of a node, in plain values, in both modes."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import pytest

import dynamic as torch
import static as tf
from graphs import draw
from graphs.core.op import OPS
from graphs.draw.card import LABELS, card, rows
from graphs.draw.frameworks import BOTH, NAMES, TORCH, frameworks
from graphs.draw.rules import gradient
from tests.graphs.draw import programs


ROOT = Path(__file__).resolve().parents[3]

KEYS = {
    "title", "op", "kind", "phase", "name", "about", "mathematics", "inputs", "outputs", "attributes", "cost", "line",
    "frameworks", "gradient", "notes", "count",
}  # fmt: skip

NO_TENSORFLOW = {
    "broadcast_like", "diagonal_adjoint", "exp2", "expand_like", "fold", "from_front", "fused", "index_adjoint", "outer",
    "parameter", "put_at_like", "shift", "split_like", "spread_like", "sum_pool", "take_adjoint", "unbroadcast",
}  # fmt: skip
"""What ``static`` calls although TensorFlow 1 has no function for it: gradients of others, and parts of larger functions."""

NO_PYTORCH = {"fused", "segment_take"}
"""The same of ``dynamic`` and PyTorch."""


def loss() -> Any:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        w = tf.Variable(tf.ones([3, 2]), name="w")
        with tf.name_scope("net"):
            return tf.reduce_sum(tf.nn.leaky_relu(tf.matmul(x, w), 0.1), axis=1, name="total")


def by_op(root: Any, **settings: Any) -> dict[str, dict[str, Any]]:
    return {made["op"]: made for item in draw.picture(root, **settings).items for made in [card(item)]}


def test_a_card_is_plain_values_with_the_same_keys_for_every_box():
    for roots in (programs.net(), programs.training(), programs.deep(300), [loss()]):
        for item in draw.picture(roots, budget=12).items:
            made = card(item)
            assert set(made) == KEYS
            assert json.loads(json.dumps(made)) == made


def test_mathematics_has_the_nodes_own_numbers_put_in():
    made = by_op(loss())
    assert made["leaky_relu"]["mathematics"] == "where(x > 0, x, 0.1 * x)"
    assert made["matmul"]["mathematics"] == "Σₖ x[…, i, k] · y[…, k, j]"
    assert by_op(programs.net())["maximum"]["mathematics"] == "maximum(x, 0.0)"


def test_a_region_is_a_line_for_each_node_in_it():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [4], name="x")
        y = tf.exp(x * 2.0) + 1.0
        program = tf.Session().plan(y, [x]).outcome.program
    (fused,) = [node for node in program.nodes if node.op.name == "fused"]
    assert card(fused)["mathematics"].split("\n") == ["t1 = x1 * 2.0", "t2 = exp(t1)", "t3 = t2 + 1.0", "gives t3"]


def test_what_goes_in_and_comes_out():
    made = by_op(loss())["matmul"]
    assert made["inputs"] == [
        {"name": "x", "spec": "float32(?, 3)", "value": "", "from": "x"},
        {"name": "y", "spec": "float32(3, 2)", "value": "", "from": "w/read"},
    ]
    assert made["outputs"] == [{"spec": "float32(?, 2)", "bytes": None}]
    assert made["name"] == "net/MatMul"
    assert by_op(loss())["sum"]["attributes"] == ["axis=1"]
    assert {"name": "y", "spec": "", "value": "0.0", "from": ""} in by_op(programs.net())["maximum"]["inputs"]


def test_costs_of_known_shapes_and_of_a_batch_that_only_a_run_knows():
    x, w = torch.ones(4, 3, requires_grad=True), torch.ones(3, 2, requires_grad=True)
    assert by_op(torch.matmul(x, w))["matmul"]["cost"] == {
        "operations": 2 * 4 * 3 * 2,
        "read": (12 + 6) * 4,
        "written": 8 * 4,
        "kernels": 1,
        "assumed": False,
    }
    static = by_op(loss())["matmul"]["cost"]
    assert (static["operations"], static["read"], static["written"], static["assumed"]) == (2 * 3 * 2, 9 * 4, 2 * 4, True)
    assert by_op(loss())["variable"]["cost"]["kernels"] == 0


def test_the_users_line_without_folders():
    line = by_op(loss())["leaky_relu"]["line"]
    assert line["place"].startswith("test_card.py:")
    assert line["text"].startswith("return tf.reduce_sum(")


def test_gradient_rules_are_told_in_the_names_of_the_arguments():
    def rules(name: str) -> dict[str, str]:
        return {each["of"]: each["rule"] for each in gradient(OPS[name])}

    assert rules("multiply") == {"x": "g * y", "y": "g * x"}
    assert rules("exp") == {"x": "g * out"}
    assert rules("sum") == {"x": "expand_like(g, x, axis=axis, keepdims=keepdims)"}
    assert rules("where")["condition"] == "0: it is flat in this argument"
    assert rules("floor_divide") == rules("argmax") == {"": "no gradient"}
    assert "return" in rules("matmul")["x"]
    for name, op in OPS.items():
        told = gradient(op)
        assert told, name
        assert all(each["rule"].strip() for each in told), name
        assert (told == [{"of": "", "rule": "no gradient"}]) == (op.joint is None and not any(op.rules or ())), name


def test_rules_that_tell_cases_apart_are_told_for_the_case_at_hand():
    def rules(tensor: Any) -> dict[str, str]:
        return {each["of"]: each["rule"] for each in card(tensor.grad_fn)["gradient"]}

    x, w, v = (torch.ones(shape, requires_grad=True) for shape in ((4, 3), (3, 2), (3,)))
    assert rules(x @ w) == {"x": "matmul(g, matrix_transpose(y))", "y": "matmul(matrix_transpose(x), g)"}
    assert rules(x @ v)["x"] == "expand_dims(g, axis=-1) * y"
    assert rules(torch.cat([x, x])) == {"x0": "split_like(g, x0, x1)[0]", "x1": "split_like(g, x0, x1)[1]"}
    assert rules(x * 2) == {"x": "g * y"}
    assert by_op(loss())["matmul"]["gradient"][1] == {"of": "y", "rule": "matmul(matrix_transpose(x), g)"}
    norm = rules(torch.nn.functional.layer_norm(x, (3,)))
    assert list(norm) == [""]
    assert "rsqrt(" in norm[""]  # the source, as nothing short comes of it


def test_tapes_have_cards_before_and_after_they_are_freed():
    x = torch.ones(3, requires_grad=True)
    y = (x * 2).sum()
    before = by_op(y)
    y.backward()
    after = by_op(y)
    assert before["multiply"]["mathematics"] == "x * 2"
    assert after["multiply"]["outputs"] == before["multiply"]["outputs"]
    assert after["multiply"]["frameworks"] == {"TensorFlow": "tf.multiply", "PyTorch": "torch.mul"}


def test_rows_say_it_for_people():
    said = dict(rows(by_op(loss())["leaky_relu"]))
    assert list(said) == [label for label in LABELS if label in said]
    assert said["TensorFlow"] == "tf.nn.leaky_relu"
    assert said["PyTorch"] == "torch.nn.functional.leaky_relu"
    assert said["cost"].endswith("(with 1 for each size that only a run knows)")
    assert dict(rows(by_op(torch.ones(2, requires_grad=True) * 3)["multiply"]))["outputs"] == "float32(2,), 8 B"
    folded = next(item for item in draw.picture(programs.deep(300), budget=40).items if item.kind == "fold")
    assert "nodes" in dict(rows(card(folded)))["notes"]


def test_users_functions_have_a_card():
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    made = card(Twice.apply(torch.ones(2, requires_grad=True)).grad_fn)
    assert made["op"] == "Twice"
    assert made["cost"]["written"] in (8, None)


@pytest.mark.parametrize("name", ["</script><img src=x onerror=alert(1)>", "a\x00b\n", "é" * 1000])
def test_hostile_names_stay_as_they_are_but_printable_and_short(name: str):
    x = torch.ones(2, requires_grad=True)
    x.name = name
    made = card(draw.picture([x * 2]).items[0])
    assert len(made["name"]) <= 400
    assert made["name"].isprintable()
    assert "alert" not in name or made["title"].endswith("onerror=alert(1)>")


# Names in the frameworks


def _called(package: str) -> set[str]:
    """The ops that a front-end's source names: ``OPS["add"]``, or imported from ``graphs``."""
    found = set()
    for node in (node for path in (ROOT / package).rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and ast.unparse(node.value) == "OPS":
            found.add(str(node.slice.value))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("graphs."):
            found |= {alias.name.rstrip("_") for alias in node.names}
    return found & OPS.keys()


def test_every_op_that_a_front_end_calls_has_its_frameworks_name():
    assert {op for op in _called("static") if "TensorFlow" not in frameworks(op)} <= NO_TENSORFLOW
    assert {op for op in _called("dynamic") if "PyTorch" not in frameworks(op)} <= NO_PYTORCH


@cache
def _listed(package: str, root: str) -> set[str]:
    lines = (ROOT / package / "names.txt").read_text(encoding="ascii").splitlines()
    found = set()
    for module, names in (line.split(": ") for line in lines):
        path = root if module in ("tf", root) else f"{root}.{module.removeprefix(f'{root}.')}"
        found |= {f"{path}.{name}" for name in names.split()}
    return found


def _names(framework: str) -> Iterator[str]:
    for op in sorted({*NAMES, *BOTH, *TORCH}):
        name = frameworks(op).get(framework, "")
        if "." in name:
            yield name


def _reached(name: str, root: Any) -> bool:
    for part in name.split(".")[1:]:
        root = getattr(root, part, None)
    return root is not None


def test_every_name_is_one_that_the_framework_has():
    for name in _names("TensorFlow"):
        assert name in _listed("static", "tf") or _reached(name, tf), name
    oracle: Any = None
    for name in _names("PyTorch"):
        if name in _listed("dynamic", "torch") or _reached(name, torch):
            continue
        oracle = oracle or pytest.importorskip("torch")
        assert _reached(name, oracle), name


def test_every_op_in_the_table_is_one():
    own = {"assign", "assign_add", "assign_sub", "constant", "leaf", "placeholder", "placeholder_with_default", "variable"}
    assert {*NAMES, *BOTH, *TORCH} - own <= OPS.keys()
    assert not BOTH & NAMES.keys()


@pytest.mark.parametrize(
    "name", ["exp", "multiply", "subtract", "matmul", "maximum", "negative", "absolute", "greater", "sigmoid", "power"]
)
def test_the_named_functions_make_that_op(name: str):
    numbers = numpy.full((2, 2), 0.5, "float32")
    arity = len(OPS[name].names)
    said = frameworks(name)

    def reach(root: Any, path: str) -> Any:
        for part in path.split(".")[1:]:
            root = getattr(root, part)
        return root

    with tf.Graph().as_default():
        made = reach(tf, said["TensorFlow"])(*[tf.constant(numbers)] * arity)
        assert made.op.op.name == name
    taped = reach(torch, said["PyTorch"])(*[torch.tensor(numbers, requires_grad=True)] * arity)
    assert name == "greater" or taped.grad_fn.op.name == name
