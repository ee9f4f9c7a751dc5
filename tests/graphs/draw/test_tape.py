"""Pictures of a tape: forwards, the way back, both side by side, and the same words as the tape's own names."""

from __future__ import annotations

import subprocess
import sys

import numpy
import pytest

import dynamic as torch
from graphs import draw


@pytest.fixture
def loss():
    """Two layers on a fixed batch; the leaves are named."""
    x, y = (torch.from_numpy(numpy.ones(shape, "float32")) for shape in ((4, 3), (4, 2)))
    w1, w2 = (torch.Tensor(numpy.ones(shape, "float32")) for shape in ((3, 5), (5, 2)))
    for tensor, name in ((w1, "w1"), (w2, "w2")):
        tensor.requires_grad = True
        tensor.name = name
    difference = x.mm(w1).clamp(min=0).mm(w2) - y
    loss = (difference * difference).sum()
    loss.leaves = (w1, w2)
    return loss


def names(shown, kind):
    return [item.title or item.node.op.name for item in shown.items if item.kind == kind]


def words(shown, link):
    by_key = {item.key: item.title or item.node.op.name for item in shown.items}
    return by_key[link.tail], by_key[link.head]


def test_forward_has_the_data_that_no_gradient_flows_into(loss):
    shown = draw.picture([loss], view="forward")
    assert names(shown, "operation") == ["matmul", "maximum", "matmul", "subtract", "multiply", "sum"]
    assert names(shown, "variable") == ["leaf", "leaf"]
    assert names(shown, "constant") == ["data", "data"]
    shapes = {words(shown, link): str(link.spec) for link in shown.links}
    assert shapes["data", "matmul"] == "float32(4, 3)"
    assert ("data", "subtract") in shapes
    assert "w1" in draw.svg([loss], view="forward")


def test_backward_is_the_tape_reversed_under_its_own_names(loss):
    shown = draw.picture([loss], view="backward")
    assert [item.title for item in shown.items][:2] == ["SumBackward0", "MulBackward0"]
    assert [(item.title, item.notes) for item in shown.items if item.kind == "variable"] == [
        ("AccumulateGrad", ("w2",)),
        ("AccumulateGrad", ("w1",)),
    ]
    flows = [words(shown, link) for link in shown.links]
    assert flows.count(("MulBackward0", "SubBackward0")) == 2
    assert ("MmBackward0", "AccumulateGrad") in flows
    assert {link.kind for link in shown.links} == {"gradient"}


def test_joined_sets_each_step_beside_its_way_back_with_what_is_kept(loss):
    shown = draw.picture([loss])
    assert len(shown.pairs) == 8
    kept = {words(shown, link) for link in shown.links if link.kind == "saved"}
    assert ("data", "MmBackward0") in kept
    assert ("subtract", "MulBackward0") in kept
    squashed = draw.picture([loss.exp()])
    assert ("exp", "ExpBackward0") in {words(squashed, link) for link in squashed.links if link.kind == "saved"}
    assert all(link.upwards for link in shown.links if link.kind == "gradient")
    loss.backward()
    assert not [link for link in draw.picture([loss]).links if link.kind == "saved"]


def test_listing_of_a_tape(loss):
    lines = draw.text([loss]).splitlines()
    assert lines[0].startswith("%1 = leaf()  float32(3, 5)  w1")
    assert lines[2].startswith("%3 = matmul(float32(4, 3), %1)  float32(4, 5)  test_tape.py:")


def test_a_long_tape_folds(many):
    x = torch.Tensor(numpy.ones(2, "float32"))
    x.requires_grad = True
    y = x
    count = many(100_000)
    for _ in range(count):
        y = y * 1.5
    shown = draw.picture([y])
    assert len(shown.items) <= 200
    assert sum(item.count for item in shown.items) == 2 * count + 2
    assert draw.svg([y]).count(f"{count:,}") >= 2


def test_modes_load_no_picture():
    script = "import sys, dynamic; print({'graphs.draw', 'networkx', 'graphviz', 'pygraphviz'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "set()"
