"""Ops where they have no finite result, forward and on the way back: who asks is told op, node, output and the user's line.

In ``dynamic``, and in ``static`` as built, optimised and compiled; the operands are those of the table of reasons.
"""

from __future__ import annotations

import re
from typing import Any

import numpy
import pytest

import dynamic
import static
from graphs.core.op import OPS
from graphs.inspection.causes import NotFiniteError
from graphs.inspection.numbers import LAWS


FORWARD = {
    name: law
    for law in reversed(LAWS)
    for name in law.ops
    if not law.lost and not law.params and len(law.example) == len(OPS[name].names) and set(OPS[name].attributes) <= {"max"}
}
"""For each op with a domain an entry of the table, whose example has no finite result."""
BACKWARD = {
    "sqrt": (0.0,),
    "log": (1e-39,),
    "log2": (1e-39,),
    "rsqrt": (1e-30,),
    "reciprocal": (1e-25,),
    "divide": (1.0, 1e-25),
    "power": (0.0, 0.5),
    "asin": (1.0,),
    "acos": (1.0,),
    "acosh": (1.0,),
    "xlogy": (1.0, 1e-39),
}
"""Operands at which the result is finite, and the derivative is not."""
_LARGE = ((3e38, 3e38), (3e38, -1.0))
_ROW = ((1e30, 2.0), (3.0, 4.0))
WHOLE: dict[str, tuple[Any, dict[str, Any]]] = {
    "sum": ((_LARGE,), {"axis": 1}),
    "mean": ((_LARGE,), {"axis": None}),
    "var": ((_ROW,), {"axis": 0}),
    "std": ((_ROW,), {"axis": -1}),
    "prod": ((_LARGE,), {"axis": 1}),
    "cumsum": ((_LARGE,), {"axis": 1}),
    "cumprod": ((_LARGE,), {"axis": 1}),
    "norm": ((_ROW,), {"axis": 0}),
    "matmul": ((_LARGE, _LARGE), {}),
    "dot": ((_LARGE[0], _LARGE[1]), {}),
    "tensordot": ((_LARGE, _LARGE), {"axes": ((0,), (1,))}),
    "batch_norm": ((((2.0, 3.0), (2.0, 3.0)), (1.0, 1.0), (0.0, 0.0)), {"epsilon": 0.0}),
    "softmax_cross_entropy_with_logits": ((_LARGE, _LARGE), {}),
}
"""Ops that make a number of many: operands, and attributes, whose result is not finite."""
WHOLE_BACKWARD: dict[str, tuple[Any, dict[str, Any]]] = {
    "std": ((((2.0, 2.0), (3.0, 3.0)),), {"axis": 1}),
    "prod": (((1e20, 1e-30, 1e20),), {"axis": 0}),
}
"""As ``WHOLE``, where it is the derivative."""
WAYS = {"as built": ((), False), "optimised": (static.passes.PIPELINE, False), "compiled": (static.passes.PIPELINE, True)}


def operands(example: Any) -> list[numpy.ndarray]:
    """Arrays of the operands: a number twice, rows as they are."""
    return [numpy.array(x if isinstance(x, tuple) else [x, x], "float32") for x in example]


def checked(name: str, example: Any, backward: bool, way: str, **params: Any) -> tuple[str, Any]:
    """What a run says in which every tensor is checked, and the node of the op."""
    passes, native = WAYS[way]
    with static.Graph().as_default():
        arrays = operands(example)
        xs = [static.placeholder(static.float32, x.shape, name=f"x{i}") for i, x in enumerate(arrays)]
        made = OPS[name](*[x + 0.0 for x in xs], **params)  # the culprit
        y = made[0] if isinstance(made, tuple) else made
        fetches = [y * 2.0]
        if backward:
            fetches = [g for g in static.gradients(y, xs) if g is not None]
        check = static.add_check_numerics_ops()
        session = static.Session(passes=passes)
        feeds = dict(zip(xs, arrays, strict=True))
        if native:
            session.plan([check, *fetches], feeds).compile()
        with pytest.raises(static.errors.InvalidArgumentError) as error:
            session.run([check, *fetches], feeds)
        assert "CheckNumerics" not in session.plan(fetches, feeds).source  # nothing is checked that nobody asked for
        return str(error.value), y.op


@pytest.mark.parametrize("name", FORWARD)
def test_what_is_not_finite_is_named_with_its_line(name: str) -> None:
    law = FORWARD[name]
    if law.dtype != "float32":
        pytest.skip("its example is in another dtype")
    tensors = [dynamic.from_numpy(x) for x in operands(law.example)]
    with dynamic.first_nan(infinities=True), pytest.raises(NotFiniteError) as error:
        OPS[name](*tensors)  # the culprit
    assert error.value.finding.link.op == name
    assert error.value.finding.link.output == 0
    assert "# the culprit" in error.value.finding.link.where
    if not all(map(numpy.isfinite, law.example)):
        return  # what is fed is found before
    for way in WAYS:
        text, node = checked(name, law.example, False, way)
        found = re.search(r"in output 0 of node '(.*)' \(op: (\w+)\), made at (.*)", text)
        assert found, text
        assert (found[1], found[2]) == (node.name, node.type)
        assert found[3].endswith("# the culprit")


@pytest.mark.parametrize("name", BACKWARD)
def test_a_gradient_that_is_not_finite_is_named_with_the_op_it_is_of(name: str) -> None:
    leaves = [dynamic.from_numpy(x).requires_grad_() for x in operands(BACKWARD[name])]
    with dynamic.first_nan(infinities=True).quietly() as watched:
        y = OPS[name](*leaves)  # the culprit
        y.sum().backward()
    assert watched.finding.link.phase == "backward"
    assert watched.finding.link.of == name
    for way in WAYS:
        text, node = checked(name, BACKWARD[name], True, way)
        about = [f"node '{node.name}' (op: {node.type}), made at", "# the culprit"]
        assert all(each in text for each in about), text


@pytest.mark.parametrize("name", WHOLE)
def test_one_number_of_many_that_is_not_finite_is_named(name: str) -> None:
    example, params = WHOLE[name]
    tensors = [dynamic.from_numpy(x) for x in operands(example)]
    with numpy.errstate(all="ignore"), dynamic.first_nan(infinities=True), pytest.raises(NotFiniteError) as error:
        OPS[name](*tensors, **params)  # the culprit
    assert error.value.finding.link.op == name
    assert "# the culprit" in error.value.finding.link.where
    for way in WAYS:
        text, node = checked(name, example, False, way, **params)
        assert f"in output 0 of node '{node.name}' (op: {node.type}), made at" in text
        assert "# the culprit" in text


@pytest.mark.parametrize("name", WHOLE_BACKWARD)
def test_a_gradient_of_many_that_is_not_finite_is_named(name: str) -> None:
    example, params = WHOLE_BACKWARD[name]
    leaves = [dynamic.from_numpy(x).requires_grad_() for x in operands(example)]
    with numpy.errstate(all="ignore"), dynamic.first_nan(infinities=True).quietly() as watched:
        y = OPS[name](*leaves, **params)  # the culprit
        y.sum().backward()
    assert (watched.finding.link.phase, watched.finding.link.of) == ("backward", name)
    for way in WAYS:
        text, node = checked(name, example, True, way, **params)
        assert f"node '{node.name}' (op: {node.type}), made at" in text
        assert "# the culprit" in text


@pytest.mark.parametrize("name", ["sqrt", "rsqrt", "reciprocal", "acos"])
def test_an_anomaly_names_the_function_its_output_and_its_line(name: str) -> None:
    leaves = [dynamic.from_numpy(x).requires_grad_() for x in operands(BACKWARD[name])]
    y = OPS[name](*leaves)  # the culprit
    with dynamic.autograd.set_detect_anomaly(True), pytest.raises(RuntimeError) as error:
        y.backward(dynamic.zeros(2))  # 0 times inf
    assert re.search(r"Function '\w+Backward0' returned nan values in its \dth output[\s\S]*# the culprit", str(error.value))
