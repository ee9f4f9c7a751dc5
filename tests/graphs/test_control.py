"""Loops and branches beyond the laws: no round at all, what is kept, depth, errors, order of summation."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from graphs.autodiff import symbolic
from graphs.control import branch, failing, loop
from graphs.core.errors import DtypeError
from graphs.core.function import Function, trace
from graphs.core.spec import Spec
from graphs.ops import add, cast, divide, matmul, multiply, reshape, sin, tanh
from graphs.rewrite import Choice, Log, Program
from graphs.rewrite.settle import settle


F = numpy.float64


def function(fn: Any, *shapes: tuple[int | None, ...]) -> Function:
    return trace(fn, *(Spec(shape, F) for shape in shapes))[0]


def step(h: Any, x: Any, w: Any) -> Any:
    new = tanh(matmul(h, w) + x)
    return new, new * 2.0


STEP = function(step, (2, 3), (2, 3), (3, 3))


def test_no_round_yields_the_initial_state_and_empty_stacks() -> None:
    h, xs, w = numpy.ones((2, 3)), numpy.zeros((0, 2, 3)), numpy.eye(3)
    rounds, last, ys = loop(0, h, xs, w, body=STEP, states=1, sequences=1)
    assert rounds == 0
    assert numpy.array_equal(last, h)
    assert last is not h
    assert ys.shape == (0, 2, 3)


def test_the_gradient_of_no_round_is_that_of_the_state() -> None:
    def gradient(h: Any, xs: Any, w: Any, g: Any) -> Any:
        out = loop(0, h, xs, w, body=STEP, states=1, sequences=1, record=True)
        return symbolic([out[1]], [g], [h, xs, w])

    g = numpy.full((2, 3), 3.0)
    found = function(gradient, (2, 3), (0, 2, 3), (3, 3), (2, 3))(
        numpy.ones((2, 3)), numpy.zeros((0, 2, 3)), numpy.eye(3), g
    )
    assert numpy.array_equal(found[0], g)
    assert found[1].shape == (0, 2, 3)
    assert numpy.array_equal(found[2], numpy.zeros((3, 3)))


def test_no_gradient_flows_through_integers_inside_a_body() -> None:
    body = function(lambda h, x: (h * x + cast(cast(x, dtype="int64"), dtype="float64"),), (2,), (2,))

    def gradient(h: Any, xs: Any, g: Any) -> Any:
        return symbolic([loop(3, h, xs, body=body, states=1, sequences=1, record=True)[1]], [g], [h, xs])

    found = function(gradient, (2,), (3, 2), (2,))(numpy.zeros(2), numpy.ones((3, 2)), numpy.ones(2))
    assert numpy.array_equal(found[0], numpy.ones(2))
    assert numpy.array_equal(found[1], [[0, 0], [1, 1], [2, 2]])  # the states alone, not the steps of the casts


def test_a_run_records_only_what_is_read() -> None:
    def gradient(h: Any, xs: Any, w: Any, g: Any) -> Any:
        out = loop(4, h, xs, w, body=STEP, states=1, sequences=1, record=True)
        return symbolic([out[1]], [g], [h, w])

    whole = function(gradient, (2, 3), (4, 2, 3), (3, 3), (2, 3))
    before = Program.of(whole)
    after = settle(before, Log(), Choice())
    first, second = (node for node in after.nodes if node.op is loop)
    assert len(first.specs) == 1 + 2 + 2  # rounds, state, stack, and of five values the two that the gradient reads
    assert not any(node.params.get("record") for node in after.nodes)
    assert len(second.specs) == 1 + 1 + 1
    args = [numpy.full(x.spec.shape, 0.1) for x in whole.inputs]
    settled = Function(whole.inputs, after.roots, "settled")
    for one, other in zip(whole(*args), settled(*args), strict=True):
        assert numpy.array_equal(one, other)


def test_a_gradient_sums_from_the_last_round_on_as_a_tape_does() -> None:
    """Sums are not reassociated, so that a loop's gradients can have the bits of an unrolled program's."""

    def gradient(x: Any, w: Any, g: Any) -> Any:
        out = loop(50, x, w, body=function(lambda x, w: sin(x * w), (), ()), states=1, record=True)
        return symbolic([out[1]], [g], [x, w])

    def unrolled(x: Any, w: Any, g: Any) -> Any:
        y = x
        for _ in range(50):
            y = sin(y * w)
        return symbolic([y], [g], [x, w])

    args = [numpy.asarray(value) for value in (0.7, 1.9, 1.3)]
    for one, other in zip(function(gradient, (), (), ())(*args), function(unrolled, (), (), ())(*args), strict=True):
        assert one == other


def test_a_hundred_thousand_rounds_and_their_gradient() -> None:
    body = function(lambda x, w: x * w, (), ())

    def gradient(x: Any, w: Any) -> Any:
        out = loop(100_000, x, w, body=body, states=1, record=True)
        return symbolic([out[1]], [None], [x, w])

    gx, gw = function(gradient, (), ())(numpy.asarray(1.0), numpy.asarray(1.0))
    assert (gx, gw) == (1.0, 100_000.0)


def test_a_state_that_changes_its_dtype_is_refused() -> None:
    body = trace(lambda x: (divide(x, 2),), Spec((), numpy.int64))[0]
    with pytest.raises(DtypeError, match=r"loop: a state of int64\(\) is float64\(\)"):
        loop.infer(Spec((), numpy.int64), Spec((), numpy.int64), **{**loop.attributes, "body": body, "states": 1})


def test_a_state_whose_shape_changes_is_of_unknown_size() -> None:
    body = function(lambda x: (reshape(add(x, 0.0), shape=(-1, 1)),), (None, 1))
    count, out = loop.infer(Spec((), numpy.int64), Spec((3, 1), F), **{**loop.attributes, "body": body, "states": 1})
    assert out.dims == (None, 1)
    assert count.dims == ()


def test_the_failing_node_of_a_body_is_found() -> None:
    body = function(lambda x, y: (add(multiply(x, 1.0), y),), (None,), (None,))
    with pytest.raises(ValueError, match="broadcast") as caught:
        loop(2, numpy.ones(3), numpy.ones(4), body=body, states=1)
    node = failing(caught.value.__traceback__)
    assert node is not None
    assert node.op is add


def test_the_branch_that_is_not_taken_does_not_run() -> None:
    def explode(x: Any) -> Any:
        return matmul(x, x), x

    bodies = (function(explode, (None,)), function(lambda x: (sin(x), x), (None,)))
    x = numpy.ones((3, 2))
    assert numpy.array_equal(branch(True, x, branches=bodies)[0], numpy.sin(x))
    with pytest.raises(ValueError, match="matmul"):
        branch(False, x, branches=bodies)
    with pytest.raises(IndexError, match="branch 2 of 2"):
        branch(2, x, branches=bodies)
