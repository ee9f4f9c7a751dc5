"""Work taken out of loops: what moves, what stays, and that the numbers are the same."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from graphs.autodiff import symbolic
from graphs.control import loop
from graphs.core.function import Function, trace
from graphs.core.spec import Spec
from graphs.ops import add, exp, less, matmul, sin, sum as total, tanh
from graphs.rewrite import Choice, Log, Program
from graphs.rewrite.hoist import hoist
from graphs.rewrite.settle import settle


F = numpy.float64


def function(fn: Any, *shapes: Any) -> Function:
    return trace(fn, *(Spec(shape, F) for shape in shapes))[0]


def hoisted(whole: Function, passes: Any = (settle, hoist)) -> tuple[Function, Log]:
    program, log = Program.of(whole), Log()
    for each in passes:
        program = each(program, log, Choice())
    return Function(whole.inputs, program.roots, "hoisted"), log


def loops(whole: Function) -> list[Any]:
    return [node for node in whole.nodes if node.op is loop]


def inside(node: Any) -> list[str]:
    return sorted(each.op.name for each in node.params["body"].nodes)


def recurrent(x: Any, h: Any, wx: Any, wh: Any, b: Any) -> Any:
    body = function(
        lambda h, x, wx, wh, b: [tanh(matmul(x, wx) + matmul(h, wh) + b)] * 2, (4, 3), (4, 5), (5, 3), (3, 3), (3,)
    )
    return loop(6, h, x, wx, wh, b, body=body, states=1, sequences=1, record=True)


SHAPES = ((6, 4, 5), (4, 3), (5, 3), (3, 3), (3,))


def values(shapes: Any) -> list[numpy.ndarray]:
    return [numpy.random.default_rng([i, *shape]).standard_normal(shape) for i, shape in enumerate(shapes)]


def test_products_with_a_sequence_become_one() -> None:
    whole = function(lambda *args: recurrent(*args)[1:3], *SHAPES)
    after, log = hoisted(whole)
    assert inside(loops(after)[0]) == ["add", "matmul", "tanh"]
    assert log.counts == {"all_rounds_reordered": 1, "sum_of_fixed": 1, "all_rounds": 1}
    for y, wanted in zip(after(*values(SHAPES)), whole(*values(SHAPES)), strict=True):
        numpy.testing.assert_allclose(y, wanted, rtol=1e-13)


def test_python_numbers_of_a_sum_are_not_added_up_alone() -> None:
    """They have no dtype: their sum would be a float64, and so would all that is added to it."""
    body = trace(lambda h: [tanh(h) + 3.0 + 0.7], Spec((3,), "f"))[0]
    whole = trace(lambda h: loop(6, h, body=body, states=1)[1], Spec((3,), "f"))[0]
    after, log = hoisted(whole)
    (y,) = after(numpy.ones(3, "f"))
    assert "sum_of_fixed" not in log.counts
    assert y.dtype == numpy.float32


def test_a_weight_s_gradient_is_one_product_after_the_loop() -> None:
    def gradients(*args: Any) -> Any:
        outs = recurrent(*args)
        return symbolic([outs[2]], [None], list(args))

    whole = function(gradients, *SHAPES)
    after, log = hoisted(whole)
    back = loops(after)[1]
    assert inside(back).count("matmul") == 1
    assert "unbroadcast" not in inside(back)
    assert back.params["sums"] == 0
    assert any(record.bound != "exact" for record in log.records)
    for y, wanted in zip(after(*values(SHAPES)), whole(*values(SHAPES)), strict=True):
        numpy.testing.assert_allclose(y, wanted, rtol=1e-12)


def test_what_every_round_repeats_is_done_once_and_to_the_bit() -> None:
    def build(x: Any, w: Any) -> Any:
        body = function(lambda h, w: [h * exp(sin(w)) - 0.5 * w], (3,), (3,))
        cond = function(lambda h, w: less(total(h * h), 50.0), (3,), (3,))
        return loop(-1, x, w, body=body, cond=cond, states=1)[:2]

    whole = function(build, (3,), (3,))
    after, _ = hoisted(whole)
    assert inside(loops(after)[0]) == ["multiply", "subtract"]
    args = [numpy.array([0.1, 0.2, 0.3]), numpy.array([0.5, 0.6, 0.7])]
    for y, wanted in zip(after(*args), whole(*args), strict=True):
        numpy.testing.assert_array_equal(y, wanted)


def test_what_depends_on_a_state_stays() -> None:
    whole = function(lambda x: loop(3, x, body=function(lambda h: [sin(h) * 2.0], (2,)), states=1)[1:], (2,))
    after, log = hoisted(whole)
    assert inside(loops(after)[0]) == ["multiply", "sin"]
    assert not log.records


def test_nothing_is_computed_for_all_rounds_of_a_loop_that_may_stop() -> None:
    def build(x: Any, xs: Any) -> Any:
        body = function(lambda h, x: [h + exp(x)], (), ())
        cond = function(lambda h: less(h, 3.0), ())
        return loop(4, x, xs, body=body, cond=cond, states=1, sequences=1)[:2]

    whole = function(build, (), (4,))
    after, _ = hoisted(whole)
    assert inside(loops(after)[0]) == ["add", "exp"]
    args = [numpy.asarray(0.5), numpy.array([0.1, 0.2, 0.3, 0.4])]
    assert [float(y) for y in after(*args)] == [float(y) for y in whole(*args)]


@pytest.mark.parametrize("rounds", [0, 1, 6])
def test_any_number_of_rounds(rounds: int) -> None:
    def build(xs: Any, w: Any) -> Any:
        body = function(lambda s, x, w: [add(s, matmul(x, w)), matmul(tanh(s), w)], (2, 3), (2, 3), (3, 3))
        start = numpy.ones((2, 3))
        outs = loop(rounds, start, xs, w, body=body, states=1, sequences=1, record=True)
        return [*outs[1:3], *symbolic([outs[1], outs[2]], [None, None], [xs, w])]

    shapes = ((rounds, 2, 3), (3, 3))
    whole = function(build, *shapes)
    after, _ = hoisted(whole)
    for y, wanted in zip(after(*values(shapes)), whole(*values(shapes)), strict=True):
        numpy.testing.assert_allclose(y, wanted, rtol=1e-12, atol=1e-14)
