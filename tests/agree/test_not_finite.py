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
WAYS = {"as built": ((), False), "optimised": (static.passes.PIPELINE, False), "compiled": (static.passes.PIPELINE, True)}


def operands(example: Any) -> list[numpy.ndarray]:
    return [numpy.array([x, x], "float32") for x in example]


def checked(name: str, example: Any, backward: bool, way: str) -> tuple[str, Any]:
    """What a run says in which every tensor is checked, and the node of the op."""
    passes, native = WAYS[way]
    with static.Graph().as_default():
        xs = [static.placeholder(static.float32, [2], name=f"x{i}") for i in range(len(example))]
        y = OPS[name](*[x + 0.0 for x in xs])  # the culprit
        fetches = [y * 2.0]
        if backward:
            fetches = [g for g in static.gradients(y, xs) if g is not None]
        check = static.add_check_numerics_ops()
        session = static.Session(passes=passes)
        feeds = dict(zip(xs, operands(example), strict=True))
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


@pytest.mark.parametrize("name", ["sqrt", "rsqrt", "reciprocal", "acos"])
def test_an_anomaly_names_the_function_its_output_and_its_line(name: str) -> None:
    leaves = [dynamic.from_numpy(x).requires_grad_() for x in operands(BACKWARD[name])]
    y = OPS[name](*leaves)  # the culprit
    with dynamic.autograd.set_detect_anomaly(True), pytest.raises(RuntimeError) as error:
        y.backward(dynamic.zeros(2))  # 0 times inf
    assert re.search(r"Function '\w+Backward0' returned nan values in its \dth output[\s\S]*# the culprit", str(error.value))
