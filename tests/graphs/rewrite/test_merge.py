"""Loops made one: which may be, which may not, and that each gives what it gave."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from graphs.control import loop
from graphs.core.function import Function, trace
from graphs.core.spec import Spec
from graphs.ops import add, exp, less, matmul, shape_of, sin, sum as total, tanh
from graphs.rewrite import Choice, Log, Program, check, check_all
from graphs.rewrite.counting import count
from graphs.rewrite.merge import merge
from graphs.rewrite.tidy import tidy


F = numpy.float64


def function(fn: Any, *shapes: Any) -> Function:
    return trace(fn, *(Spec(shape, F) for shape in shapes))[0]


def merged(whole: Function, passes: Any = (merge,), **choice: Any) -> tuple[Function, Log]:
    program, log, settings = Program.of(whole), Log(), Choice(**choice)
    for each in passes:
        program = each(program, log, settings)
    return Function(whole.inputs, program.roots, "merged"), log


def loops(whole: Function) -> list[Any]:
    return [node for node in whole.nodes if node.op is loop]


def same(whole: Function, after: Function, *shapes: Any) -> None:
    given = [numpy.random.default_rng([i, *shape]).standard_normal(shape) for i, shape in enumerate(shapes)]
    for x, y in zip(whole(*given), after(*given), strict=True):
        numpy.testing.assert_array_equal(x, y, strict=True)


def summing(x: Any, rounds: Any = 4, f: Any = tanh, **settings: Any) -> Any:
    """Last state and stacked states of ``s = f(s + x[t])``."""
    body = function(lambda s, e: [f(add(s, e))] * 2, (3,), (3,))
    return loop(rounds, numpy.zeros(3), x, body=body, states=1, sequences=1, **settings)[1:3]


def test_loops_over_one_sequence_read_it_once() -> None:
    whole = function(lambda x: [*summing(x), *summing(x, f=sin), *summing(x, f=exp)], (4, 3))
    after, log = merged(whole)
    (one,) = loops(after)
    assert one.params["sequences"] == 1
    assert one.params["states"] == 3
    assert log.counts == {"merge": 1}
    assert not check_all(log)
    same(whole, after, (4, 3))


@pytest.mark.parametrize("rounds", [0, 1, -2])
def test_few_rounds(rounds: int) -> None:
    whole = function(lambda x: [*summing(x, rounds), *summing(x, rounds, sin)], (4, 3))
    after, _ = merged(whole)
    assert len(loops(after)) == 1
    same(whole, after, (4, 3))


def test_a_path_through_other_nodes_keeps_loops_apart() -> None:
    def build(x: Any) -> Any:
        first = summing(x)
        return [*first, *summing(x * total(exp(first[0])), f=sin)]

    whole = function(build, (4, 3))
    after, log = merged(whole)
    assert len(loops(after)) == 2
    assert not log.records


def test_what_reads_the_first_loop_waits_for_both() -> None:
    def build(x: Any) -> Any:
        first = summing(x)
        between = exp(first[0]) * 2.0
        second = summing(x, f=sin)
        return [between, matmul(second[1], between)]

    whole = function(build, (4, 3))
    after, _ = merged(whole)
    assert len(loops(after)) == 1
    same(whole, after, (4, 3))


def test_other_numbers_of_rounds_and_other_directions_stay_apart() -> None:
    def build(x: Any) -> Any:
        return [*summing(x), *summing(x, 3), *summing(x, reverse=True), *summing(x, reverse=True, f=sin)]

    whole = function(build, (4, 3))
    after, log = merged(whole)
    assert len(loops(after)) == 3
    assert log.counts == {"merge": 1}
    same(whole, after, (4, 3))


def test_rounds_that_are_counted_by_one_value_are_as_many() -> None:
    def build(x: Any) -> Any:
        rounds = total(shape_of(x)) // 4
        return [*summing(x, rounds), *summing(x, rounds, sin)]

    whole = function(build, (5, 3))
    after, _ = merged(whole)
    assert len(loops(after)) == 1
    same(whole, after, (5, 3))


def test_results_that_stay_apart_and_sums_are_each_loop_s_own() -> None:
    def build(x: Any) -> Any:
        body = function(lambda s, e: [add(s, e), exp(e), sin(e), e * s], (3,), (3,))
        settings: dict[str, Any] = {"states": 1, "sums": 1, "sequences": 1, "boxed": (1,)}
        one = loop(4, numpy.zeros(3), numpy.zeros(3), x, body=body, **settings)
        two = loop(4, numpy.ones(3), numpy.zeros(3), x, body=body, **settings)
        stack = function(lambda e: [e], (3,))
        again = [loop(4, outs[3], body=stack, sequences=1, boxes=(0,))[1] for outs in (one, two)]
        return [one[1], one[2], one[4], two[1], two[2], two[4], *again]

    whole = function(build, (4, 3))
    after, log = merged(whole)
    assert [node.params["sums"] for node in loops(after)] == [2, 0]
    assert check(log.records[0]) is None
    same(whole, after, (4, 3))


def counting_to(n: Any, x: Any, f: Any) -> Any:
    body = function(lambda i, s, n: [add(i, 1.0), f(s)], (), (3,), ())
    cond = function(lambda i, s, n: less(i, n), (), (3,), ())
    return loop(-1, 0.0, x, n, body=body, cond=cond, states=2)[1:3]


def test_loops_with_one_condition_share_what_decides() -> None:
    whole = function(
        lambda x, n: [*counting_to(n, x, sin), *counting_to(n, x, tanh), *counting_to(n + 1.0, x, tanh)], (3,), ()
    )
    after, log = merged(whole)
    assert sorted(node.params["states"] for node in loops(after)) == [2, 3]
    assert log.counts == {"merge": 1}
    given = [numpy.array([0.1, 0.2, 0.3]), numpy.asarray(5.0)]
    for x, y in zip(whole(*given), after(*given), strict=True):
        numpy.testing.assert_array_equal(x, y)


def test_conditions_that_look_at_other_values_keep_loops_apart() -> None:
    def until(x: Any, f: Any) -> Any:
        body = function(lambda s: [f(s) * 1.5], (3,))
        cond = function(lambda s: less(total(s), 9.0), (3,))
        return loop(20, x, body=body, cond=cond, states=1)[1]

    whole = function(lambda x: [until(x, sin), until(x, tanh)], (3,))
    after, _ = merged(whole)
    assert len(loops(after)) == 2


def test_merging_can_be_refused_and_bounded() -> None:
    def build(x: Any, y: Any) -> Any:
        return [*summing(x), *summing(x, f=sin), *summing(y, 5), *summing(y, 5, sin)]

    whole = function(build, (4, 3), (5, 3))
    assert len(loops(merged(whole, limit=1)[0])) == 3
    assert len(loops(merged(whole, refuse=frozenset(["merge"]))[0])) == 4


def test_loops_in_bodies_are_merged() -> None:
    def step(s: Any, e: Any) -> Any:
        one = loop(2, s, body=function(lambda h: [sin(h)], (3,)), states=1)[1]
        two = loop(2, s, body=function(lambda h: [tanh(h)], (3,)), states=1)[1]
        return [one + two + e]

    whole = function(lambda x: loop(4, numpy.ones(3), x, body=function(step, (3,), (3,)), states=1, sequences=1)[1], (4, 3))
    after, log = merged(whole)
    assert log.counts == {"merge": 1}
    assert [node.op for node in loops(after)[0].params["body"].nodes].count(loop) == 1
    same(whole, after, (4, 3))


# What is not needed


def test_tidy_leaves_what_is_read() -> None:
    def build(x: Any) -> Any:
        body = function(lambda s, u, e, c: [add(s, e), u * 2.0, exp(e), sin(u), sin(u)], (3,), (3,), (3,), (3,))
        outs = loop(4, numpy.zeros(3), numpy.ones(3), x, numpy.ones(3), body=body, states=2, sequences=1)
        return [outs[1], outs[3]]

    whole = function(build, (4, 3))
    after, log = merged(whole, (lambda program, log, choice: tidy(program),))
    (one,) = loops(after)
    assert (one.params["states"], len(one.params["body"].outputs), len(one.params["body"].inputs)) == (1, 2, 2)
    assert not log.records
    same(whole, after, (4, 3))


def test_tidy_stacks_once_what_was_stacked_twice() -> None:
    body = function(lambda s, e: [tanh(add(s, e))] * 3, (3,), (3,))
    whole = function(lambda x: loop(4, numpy.zeros(3), x, body=body, states=1, sequences=1)[2:], (4, 3))
    after, _ = merged(whole, (lambda program, log, choice: tidy(program),))
    assert len(loops(after)[0].params["body"].outputs) == 2
    same(whole, after, (4, 3))


# Counting


def whole_numbers(fn: Any, *shapes: Any) -> Function:
    return trace(fn, *(Spec(shape, numpy.int64) for shape in shapes))[0]


@pytest.mark.parametrize(("start", "end", "by"), [(0, 5, 1), (2, 3, 1), (4, 4, 1), (7, 2, 1), (-3, 6, 4), (0, 9, 3)])
def test_a_loop_that_only_counts_has_a_number_of_rounds(start: int, end: int, by: int) -> None:
    def build(x: Any) -> Any:
        body = whole_numbers(lambda i, s: [add(i, by), s * 2 + i], (), (3,))
        cond = whole_numbers(lambda i, s: less(i, end), (), (3,))
        return loop(-1, numpy.asarray(start), x, body=body, cond=cond, states=2)

    whole = whole_numbers(build, (3,))
    after, log = merged(whole, (count,))
    assert all(node.params.get("cond") is None for node in loops(after))
    assert log.counts == {"counted": 1, "counter": 1}
    given = numpy.array([1, 2, 3])
    for x, y in zip(whole(given), after(given), strict=True):
        numpy.testing.assert_array_equal(x, y)
        assert x.dtype == y.dtype
    assert not check_all(log)


@pytest.mark.parametrize("n", [-4, 0, 1, 6])
def test_an_end_that_only_a_run_knows_is_asked_for_once(n: int) -> None:
    def build(x: Any, n: Any) -> Any:
        body = whole_numbers(lambda i, s, n: [add(i, 1), s + i], (), (3,), ())
        cond = whole_numbers(lambda i, s, n: less(i, n * 2 - 1), (), (3,), ())
        return loop(-1, numpy.asarray(0), x, n, body=body, cond=cond, states=2)

    whole = whole_numbers(build, (3,), ())
    after, _ = merged(whole, (count,))
    assert all(node.params.get("cond") is None for node in loops(after))
    given = [numpy.array([1, 2, 3]), numpy.asarray(n)]
    for x, y in zip(whole(*given), after(*given), strict=True):
        numpy.testing.assert_array_equal(x, y)


def test_a_counter_that_something_else_changes_is_none() -> None:
    body = whole_numbers(lambda i, s: [add(i, s), s], (), ())
    cond = whole_numbers(lambda i, s: less(i, 9), (), ())
    whole = whole_numbers(lambda s: loop(-1, numpy.asarray(0), s, body=body, cond=cond, states=2), ())
    after, log = merged(whole, (count,))
    assert loops(after)[0].params["cond"] is not None
    assert not log.records


def test_what_would_pass_the_greatest_number_on_its_way_is_left_alone() -> None:
    body = whole_numbers(lambda i, n: [add(i, 3)], (), ())
    cond = whole_numbers(lambda i, n: less(i, n), (), ())
    whole = whole_numbers(lambda n: loop(-1, numpy.asarray(0), n, body=body, cond=cond, states=1), ())
    after, _ = merged(whole, (count,))
    assert loops(after)[0].params["cond"] is not None
