"""One op for all rounds at once: whatever can be had so is what the rounds would have given, one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy
import pytest

from graphs.core.node import Node, Value, infer, new_parameter
from graphs.core.op import OPS
from graphs.core.spec import Spec
from graphs.rewrite.rounds import FAILING, HEAVY, plan, reordered
from tests import helpers
from tests.samples.table import Case


TABLE = helpers.load_samples()
ROUNDS = 3


def is_array(x: Any) -> bool:
    return isinstance(x, numpy.ndarray)


def choices(case: Case) -> Iterator[tuple[bool, ...]]:
    """Which of the operands differ from round to round: any one, and all."""
    places = [i for i, x in enumerate(case.args) if is_array(x)]
    sets = [{i} for i in places] + ([set(places)] if len(places) > 1 else [])
    for each in sets:
        yield tuple(i in each for i in range(len(case.args)))


CALLS = [
    (name, case, sliced)
    for name, case in helpers.calls()
    if not {"random", "control", "fused"} & OPS[name].traits
    for sliced in choices(case)
]


def turned(x: Any, t: int) -> Any:
    """Other values in the same range for each round."""
    return numpy.roll(x.reshape(-1), t).reshape(x.shape)


def operation(name: str, case: Case, known: bool) -> Node:
    args = [new_parameter(Spec(x.shape if known else (None,) * x.ndim, x.dtype)) if is_array(x) else x for x in case.args]
    op = OPS[name]
    return Node(op, tuple(args), case.params, infer(op, args, case.params), "", value=Value)


def tried(name: str, case: Case, sliced: tuple[bool, ...], known: bool) -> bool:
    """Hold the plan, if there is one, to the op called round by round."""
    node = operation(name, case, known)
    how = plan(node, sliced)
    if how is None:
        return False
    rounds = [[turned(x, t) if each else x for x, each in zip(case.args, sliced, strict=True)] for t in range(ROUNDS)]
    given = [numpy.stack([args[i] for args in rounds]) if each else case.args[i] for i, each in enumerate(sliced)]
    with numpy.errstate(all="ignore"):
        single = [OPS[name](*args, **case.params) for args in rounds]
        found = how(lambda op, *inputs, **params: op(*inputs, **params), given)
    parts = [out if isinstance(out, tuple) else (out,) for out in single]
    assert len(found) == node.width
    for i, value in enumerate(found):
        wanted = numpy.stack([out[i] for out in parts])
        if reordered(node):
            numpy.testing.assert_allclose(value, wanted, rtol=1e-10, atol=1e-12)
        else:
            numpy.testing.assert_array_equal(value, wanted)
        assert value.dtype == wanted.dtype
        assert value.shape == wanted.shape
    return True


@helpers.case_by_case(CALLS)
def test_at_once_is_what_rounds_give(name: str, case: Case, sliced: tuple[bool, ...]) -> None:
    tried(name, case, sliced, True)
    tried(name, case, sliced, False)


ONE_SIDED = {"igamma", "igammac", "zeta"}
"""Ops whose gradient is known in their second argument only, so that their samples hold the first."""


@pytest.mark.parametrize("name", sorted(OPS))
def test_elementwise_ops_products_and_reductions_can_be_had_at_once(name: str) -> None:
    op = OPS[name]
    wanted = (
        (op.elementwise and name not in ONE_SIDED)
        or name in HEAVY - {"tensordot", "einsum"}
        or name in {"sum", "mean", "max", "softmax", "concat"}
    )
    cases = [(case, sliced) for other, case, sliced in CALLS if other == name and sliced[0]]
    if wanted:
        assert any(tried(name, case, sliced, True) for case, sliced in cases), name


def test_a_product_with_one_matrix_is_one_product() -> None:
    case = Case((numpy.ones((4, 3)), numpy.ones((3, 5))), {})
    node = operation("matmul", case, True)
    made: list[str] = []

    def make(op: Any, *inputs: Any, **params: Any) -> Any:
        made.append(op.name)
        return op(*inputs, **params)

    how = plan(node, (True, False))
    assert how is not None
    how(make, [numpy.ones((2, 4, 3)), numpy.ones((3, 5))])
    assert made == ["reshape", "matmul", "reshape"]


def test_no_round_s_axis_is_mistaken_for_the_rounds() -> None:
    for name, params in itertools.product(["sum", "max", "softmax", "cumsum"], [{"axis": 0}, {"axis": -1}]):
        assert tried(name, Case((numpy.arange(12.0).reshape(3, 4),), params), (True,), True)


def test_ops_that_fail_for_their_values_are_ops() -> None:
    assert set(OPS) >= FAILING
