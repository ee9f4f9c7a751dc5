"""The engine: what it keeps, what it refuses, what it writes down, and that wrong rules are found out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

from graphs import ops
from graphs.control import loop
from graphs.core.function import Function, trace
from graphs.core.node import Node, Value
from graphs.core.op import Op, like_first
from graphs.core.spec import Spec
from graphs.ops.slicing import Slice
from graphs.rewrite import (
    SIMPLIFY,
    Choice,
    Log,
    Program,
    RewriteError,
    Rewritten,
    Rules,
    bisect,
    check,
    check_all,
    cse,
    engine,
    fold,
    rewrite,
)


F = Spec((3, 4), numpy.float32)
U = Spec((None, 4), numpy.float32)
I = Spec((3,), numpy.int64)  # noqa: E741 (integers)


def function(expression: Callable[..., Any], *specs: Spec) -> Function:
    return trace(expression, *specs, name="sample")[0]


def swept(body: Function, rules: Rules = SIMPLIFY, level: str = "exact", **choice: Any) -> tuple[list[str], Log]:
    """The ops that are left, in order, and the log."""
    log = Log()
    program = rewrite(Program.of(body), rules, log, Choice(level, **choice))
    return [node.op.name for node in program.nodes], log


def values(program: Program, body: Function, *arrays: Any) -> tuple[Any, ...]:
    return Function(body.inputs, program.roots[: len(body.outputs)])(*arrays)


# What is left of expressions

BINARY = "sigmoid_cross_entropy_with_logits"
LEFT = [
    (lambda x: ((x * 1) / 1 - 0) * ops.sigmoid(x), ["silu"]),
    (lambda x: ops.log(1.0 - ops.sigmoid(x)), ["negative", "log_sigmoid"]),
    (lambda x: ops.log(1.0 + ops.exp(x)), ["softplus"]),
    (lambda x: -ops.log(ops.sigmoid(-x)), ["softplus"]),
    (lambda x, y: -(y * ops.log(ops.sigmoid(x)) + (1 - y) * ops.log(1 - ops.sigmoid(x))), [BINARY]),
    (lambda x, y: -y * ops.log(ops.sigmoid(x)) - (1 - y) * ops.log(1 - ops.sigmoid(x)), [BINARY]),
    (lambda x, y: -ops.sum(y * ops.log(ops.softmax(x)), axis=1), ["softmax_cross_entropy_with_logits"]),
    (lambda x, y: ops.sum(-y * ops.log(ops.softmax(x)), axis=1), ["softmax_cross_entropy_with_logits"]),
    (lambda x: ops.sqrt(ops.sum(x * x, axis=1)), ["norm"]),
    (lambda x: ops.transpose(ops.transpose(ops.transpose(x))), ["matrix_transpose"]),
    (lambda x: ops.identity(ops.stop_gradient(ops.cast(x, dtype="float32"))), []),
    (lambda x: ops.where(~~(x > 0), x, x), []),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "left"), LEFT)
def test_rules_work_together(expression: Any, left: list[str]) -> None:
    ops_left, log = swept(function(expression, *[F] * expression.__code__.co_argcount), level="stable")
    assert ops_left == left
    assert check_all(log) == []


def test_the_exact_level_keeps_special_values() -> None:
    for expression in (lambda x: x + 0.0, lambda x: x - x, lambda x: x * 0.0, lambda x: ops.exp(ops.log(x))):
        assert swept(function(expression, F))[0] == [node.op.name for node in function(expression, F).nodes]


def test_what_may_be_larger_is_not_dropped() -> None:
    assert (
        swept(function(lambda c, x, y: ops.where(c, ops.where(c, x, y), x), Spec((None,), bool), U, U))[0] == ["where"] * 2
    )
    assert swept(function(lambda x, y: ops.unbroadcast(x * y, x), U, U))[0] == ["multiply", "unbroadcast"]
    assert swept(function(lambda x: ops.unbroadcast(x * 2.0, x), U))[0] == ["multiply"]


def test_an_interior_value_that_is_wanted_too_is_kept() -> None:
    body = function(lambda x: [p := ops.softmax(x), ops.log(p)], F)
    assert sorted(swept(body, level="stable")[0]) == ["log_softmax", "softmax"]


def test_nothing_is_looked_at_behind_what_is_fed() -> None:
    body = function(lambda x: ops.negative(ops.negative(x)), F)
    inner = body.nodes[0]
    program = Program(body.nodes, body.outputs, frozenset([(inner, 0)]))
    assert rewrite(program, SIMPLIFY, Log(), Choice()).roots == body.outputs
    assert rewrite(program, SIMPLIFY, log := Log(), Choice("fast")).roots == body.outputs
    assert not log.records


# Effects and order

TICK = Op(lambda xp, x: x, name="tick", shape=like_first, dtype=lambda x: x, traits={"stateful"})


def made(op: Op, *inputs: Any, after: tuple[Node, ...] = (), **params: Any) -> Any:
    spec = inputs[0].spec
    return Node(op, inputs, params, (spec,), "", value=Value, after=after).outputs[0]


def ordered() -> tuple[Any, Program]:
    """A value that is read after a stateful node, through an identity, in a program with another that nothing reads."""
    x = made(ops.negative, function(lambda x: x, F).inputs[0])
    tick = made(TICK, x)
    gate = made(ops.identity, x, after=(tick.node,))
    last = made(ops.exp, x, after=(gate.node,))
    return tick, Program((x.node, tick.node, gate.node, last.node), (last,), frozenset([(x.node, 0)]))


def test_control_dependencies_go_to_what_stands_for_a_node() -> None:
    x = made(ops.negative, function(lambda x: x, F).inputs[0])
    gone = made(ops.multiply, made(ops.exp, x), 1.0)
    last = made(ops.tanh, x, after=(gone.node,))
    program = Program((gone.node.inputs[0].node, gone.node, last.node), (last,), frozenset([(x.node, 0)]))
    out = rewrite(program, SIMPLIFY, Log(), Choice())
    assert [node.op.name for node in out.nodes] == ["exp", "tanh"]
    assert out.nodes[1].after == (out.nodes[0],)


def test_a_node_that_waits_is_not_dropped() -> None:
    tick, program = ordered()
    out = rewrite(program, SIMPLIFY, Log(), Choice())
    assert [node.op.name for node in out.nodes] == ["tick", "identity", "exp"]
    gate, last = out.nodes[1:]
    assert (gate.after, last.after) == ((tick.node,), (gate,))


def test_a_node_made_in_place_of_one_that_waits_waits_too() -> None:
    x = made(ops.negative, function(lambda x: x, F).inputs[0])
    tick = made(TICK, x)
    inner = made(ops.softmax, x, after=(tick.node,), axis=-1)
    outer = made(ops.log, inner)
    out = rewrite(
        Program((tick.node, inner.node, outer.node), (outer,), frozenset([(x.node, 0)])), SIMPLIFY, Log(), Choice("stable")
    )
    assert [node.op.name for node in out.nodes] == ["tick", "log_softmax"]
    assert out.nodes[1].after == (tick.node,)


@pytest.mark.parametrize("work", [fold, cse, lambda p, log, choice: rewrite(p, SIMPLIFY, log, choice)])
def test_effects_are_neither_merged_nor_dropped(work: Any) -> None:
    x = made(ops.negative, function(lambda x: x, F).inputs[0])
    first, second = made(TICK, x), made(TICK, x)
    draws = [made(ops.random_normal_like, x) for _ in range(2)]
    total = made(ops.multiply, made(ops.add, *draws), 1.0)
    nodes = (first.node, second.node, *(d.node for d in draws), total.node.inputs[0].node, total.node)
    out = work(Program(nodes, (total,), frozenset([(x.node, 0)])), Log(), Choice())
    assert [node for node in out.nodes if node.op is TICK] == [first.node, second.node]
    assert [node for node in out.nodes if node.op is ops.random_normal_like] == [d.node for d in draws]


def test_the_order_of_draws_in_a_body_stays() -> None:
    def draws(x: Any) -> list[Any]:
        first = ops.random_normal_like(ops.identity(x))
        second = ops.random_uniform_like(x)
        return [first, second, ops.bernoulli(x * 1.0)]

    body = function(draws, F)
    program = rewrite(Program.of(body), SIMPLIFY, Log(), Choice())
    again = Function(body.inputs, program.roots)
    assert [node.op for node in again.nodes] == [ops.random_normal_like, ops.random_uniform_like, ops.bernoulli]


# Passes without rules


def test_fold_computes_what_is_known() -> None:
    body = function(lambda x: x + ops.exp(ops.ones_like(x)) * 2.0, F)
    log = Log()
    out = fold(Program.of(body), log, Choice())
    assert [node.op.name for node in out.nodes] == ["add"]
    x = numpy.ones((3, 4), numpy.float32)
    numpy.testing.assert_array_equal(values(out, body, x)[0], body(x)[0], strict=True)
    assert log.counts == {"fold": 3}


def test_fold_leaves_what_is_large_or_fails() -> None:
    large = function(lambda x: ops.sum(ops.ones_like(x)), Spec((1000, 1000), "f4"))
    outside = numpy.array([7])
    wrong = function(lambda x: ops.take(ops.shape_of(x), outside), F)
    assert len(fold(Program.of(large), Log(), Choice()).nodes) == 2
    assert [node.op.name for node in fold(Program.of(wrong), Log(), Choice()).nodes] == ["take"]


def test_cse_merges_equal_nodes_only() -> None:
    def expression(x: Any, y: Any) -> list[Any]:
        twice = [ops.sum(x * y, axis=0), ops.sum(y * x, axis=0)]
        apart = [x * 0.0, x * -0.0, x * numpy.array(0.0, "f4"), ops.sum(x, axis=0), ops.sum(x, axis=1), x - y, y - x]
        return [*twice, *apart]

    log = Log()
    out = cse(Program.of(function(expression, F, F)), log, Choice())
    assert log.counts == {"cse": 2}
    assert out.roots[0] is out.roots[1]
    assert len({root.node for root in out.roots}) == 8
    assert check_all(log) == []


def doubling(x: Any, factor: float) -> Any:
    """A loop of three rounds whose body has something to simplify."""
    body = function(lambda s, item: [(s * factor - 0.0) * 1.0 + item], Spec((4,), "f4"), Spec((4,), "f4"))
    return loop(3, numpy.zeros(4, "f4"), x, body=body, states=1, sequences=1)[1]


def test_equal_bodies_count_as_equal_attributes() -> None:
    log = Log()
    body = function(lambda x: [doubling(x, 2.0), doubling(x, 2.0), doubling(x, 3.0)], F)
    out = cse(Program.of(body), log, Choice())
    assert len(out.nodes) == 2
    x = numpy.arange(12, dtype="f4").reshape(3, 4)
    for found, wanted in zip(values(out, body, x), body(x), strict=True):
        numpy.testing.assert_array_equal(found, wanted, strict=True)


def test_bodies_of_loops_are_swept() -> None:
    body = function(lambda x: doubling(x, 2.0), F)
    log = Log()
    out = rewrite(Program.of(body), SIMPLIFY, log, Choice())
    assert log.counts == {"minus_zero": 1, "times_one": 1}
    assert [node.op.name for node in out.nodes[0].params["body"].nodes] == ["multiply", "add"]
    x = numpy.arange(12, dtype="f4").reshape(3, 4)
    numpy.testing.assert_array_equal(values(out, body, x)[0], body(x)[0], strict=True)


# What is written down


def test_a_record_says_what_was_done_and_where() -> None:
    body = function(lambda x: ops.log(ops.softmax(x)), F)
    _, log = swept(body, level="stable")
    (record,) = log
    assert (record.number, record.stage, record.rule) == (1, "simplify", "logarithm_of_softmax")
    assert record.law == "log(softmax(x)) -> log_softmax(x)"
    assert set(record.origins) == set(body.nodes)
    assert all("test_engine.py" in line for line in record.lines)
    assert record.as_dict()["before"]["nodes"] == 2
    assert record.as_dict()["after"]["nodes"] == 1
    assert "log_softmax" in str(log)


def test_new_nodes_name_what_they_stand_for() -> None:
    body = function(lambda x: ops.log(1.0 - ops.sigmoid(x)) * 3.0, F)
    log = Log()
    program = rewrite(Program.of(body), SIMPLIFY, log, Choice("stable"))
    nodes = {node.op.name: node for node in program.nodes}
    assert all(isinstance(node, Rewritten) for node in program.nodes)
    assert set(nodes["log_sigmoid"].origins) == set(body.nodes[:3])
    assert nodes["log_sigmoid"].name == body.nodes[2].name
    assert nodes["multiply"].origins == (body.nodes[3],)
    assert nodes["multiply"].where is body.nodes[3].where


def test_origins_are_bounded_and_chains_are_not_recursed_over() -> None:
    def chain(x: Any) -> Any:
        for _ in range(5000):
            x = ops.maximum(ops.relu(x), -1.0) + 0.0
        return x

    program = rewrite(Program.of(function(chain, F)), SIMPLIFY, Log(), Choice("fast"))
    assert max(len(node.origins) for node in program.nodes if isinstance(node, Rewritten)) <= 64


def test_the_work_grows_with_the_program_and_no_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = [0]
    inner = engine._Sweep._try

    def counted(*args: Any) -> Any:
        tried[0] += 1
        return inner(*args)

    monkeypatch.setattr(engine._Sweep, "_try", counted)

    def steps(length: int) -> int:
        def net(x: Any) -> Any:
            for _ in range(length):
                x = ops.sigmoid(ops.tanh(x) * 2.0 + 1.0) * x * 1.0 - 0.0
            return x

        tried[0] = 0
        rewrite(Program.of(function(net, F)), SIMPLIFY, Log(), Choice())
        return tried[0]

    assert steps(400) <= 2 * steps(200) + 10


# Rules of one's own

MINE = Rules("mine")


@MINE.rule("sin(x) ** 2 + cos(x) ** 2", level="fast", ulps=4)
def pythagoras(x: Any) -> Any:
    """sin(x)² + cos(x)² -> 1"""
    return ops.ones_like(x)


def test_a_rule_of_five_lines() -> None:
    left, log = swept(function(lambda x: ops.cos(x) ** 2 + ops.sin(x) ** 2, F), MINE, "fast")
    assert left == ["ones_like"]
    assert check(log.records[0]) is None
    assert swept(function(lambda x: ops.cos(x) ** 2 + ops.sin(x) ** 2, F), MINE)[1].records == []


WRONG = Rules("wrong")


@WRONG.rule("x - x")
def nothing_left(x: Any) -> Any:
    """x - x -> 0"""
    return ops.zeros_like(x)


@WRONG.rule("x + 0")
def zero_added(x: Any) -> Any:
    """x + 0 -> x"""
    return x


@WRONG.rule("sum(x, axis=1)", level="close", ulps=2)
def summed_elsewhere(x: Any) -> Any:
    """sum(x, 1) -> sum(x, 0)"""
    return ops.sum(x, axis=0)


@WRONG.rule("log1p(x)", level="stable", ulps=8)
def log_of_more(x: Any) -> Any:
    """log1p(x) -> log(x + 1.001)"""
    return ops.log(x + 1.001)


PLANTED = [
    (lambda x: x - x, "nothing_left", "NaN"),
    (lambda x: x + 0.0, "zero_added", "zero"),
    (lambda x: ops.sum(ops.getitem(x, index=(Slice(), Slice(0, 3))), axis=1), "summed_elsewhere", "units"),
    (lambda x: ops.log1p(x), "log_of_more", "units"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "name", "why"), PLANTED, ids=[name for _, name, _ in PLANTED])
def test_a_wrong_rule_is_caught_with_its_counterexample(expression: Any, name: str, why: str) -> None:
    _, log = swept(function(expression, F), WRONG, "fast")
    assert name in log.counts
    (found,) = check_all(log)
    assert found.record.rule == name
    assert why in found.why
    assert found.before is not None
    assert found.after is not None
    assert name in str(found)
    with numpy.errstate(all="ignore"):
        before, after = found.record.functions()
        assert numpy.asarray(before(*found.inputs)[0]).tobytes() != numpy.asarray(after(*found.inputs)[0]).tobytes()


def test_bisect_finds_the_rewrite_behind_a_difference() -> None:
    body = function(lambda x: ops.exp((x * 1.0) / 1.0) + ((x * 2.0) - (x * 2.0)) * 1.0, F)
    x = numpy.full((3, 4), numpy.inf, numpy.float32)

    def optimise(choice: Choice) -> tuple[Program, Log]:
        log = Log()
        program = cse(Program.of(body), log, choice)
        return rewrite(program, SIMPLIFY + Rules("planted", list(WRONG)[:1]), log, choice), log

    def good(program: Program) -> bool:
        with numpy.errstate(all="ignore"):
            return bool(numpy.array_equal(values(program, body, x)[0], body(x)[0], equal_nan=True))

    found = bisect(optimise, good)
    assert found is not None
    assert found.rule == "nothing_left"
    assert bisect(optimise, good, refuse=frozenset(["nothing_left"])) is None
    with pytest.raises(RewriteError, match="without any rewrite"):
        bisect(optimise, lambda program: False)


def test_rules_that_undo_each_other_end() -> None:
    rules = Rules("there and back")

    @rules.rule("x + y")
    def there(x: Any, y: Any) -> Any:
        """x + y -> x - (-y)"""
        return x - -y

    @rules.rule("x - -y")
    def back(x: Any, y: Any) -> Any:
        """x - (-y) -> x + y"""
        return x + y

    _, log = swept(function(lambda x, y: x + y, F, F), rules)
    assert len(log) <= engine.MOST_FIRINGS


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("nosuchop(x)", {}, "no op nosuchop"),
    ("x", {}, "no op at its root"),
    ("log(x, y)", {}, "takes"),
    ("sum(x, axes=1)", {}, "no attribute axes"),
    ("log(x) if x else x", {}, "nothing that a pattern can hold"),
    ("log(", {}, "is no pattern"),
    ("log(y)", {}, "asks for x"),
    ("log(x)", {"level": "close"}, "exact rules have none"),
    ("log(x)", {"level": "wild", "ulps": 1}, "exact rules have none"),
]


@pytest.mark.parametrize(("text", "settings", "message"), REFUSED)
def test_a_rule_that_cannot_be_read_is_refused(text: str, settings: dict[str, Any], message: str) -> None:
    def action(x: Any) -> Any:
        """x -> x"""
        return x

    with pytest.raises(RewriteError, match=message):
        Rules("refused").rule(text, **settings)(action)


def test_a_rule_states_its_law_and_has_a_name_of_its_own() -> None:
    rules = Rules("twice")

    def action(x: Any) -> Any:
        """x -> x"""
        return x

    rules.rule("exp(x)")(action)
    with pytest.raises(RewriteError, match="already"):
        rules.rule("log(x)")(action)
    with pytest.raises(RewriteError, match="states its law"):
        rules.rule("log(x)")(lambda x: x)
    with pytest.raises(RewriteError, match="both have action"):
        _ = rules + rules


def test_a_rule_whose_result_has_another_shape_does_not_fire() -> None:
    rules = Rules("shapes")

    @rules.rule("exp(x)")
    def flattened(x: Any) -> Any:
        """exp(x) -> exp(x) as a vector"""
        return ops.reshape(ops.exp(x), shape=(-1,))

    @rules.rule("log(x)")
    def widened(x: Any) -> Any:
        """log(x) -> log(x) in float64"""
        return ops.log(ops.cast(x, dtype="float64"))

    left, log = swept(function(lambda x: ops.log(ops.exp(x)), F), rules)
    assert left == ["exp", "log"]
    assert not log.records


def test_a_rule_that_fails_is_named() -> None:
    rules = Rules("failing")

    @rules.rule("exp(x)")
    def broken(x: Any) -> Any:
        """exp(x) -> nothing"""
        return x.nosuchthing

    with pytest.raises(RewriteError, match="broken"):
        swept(function(lambda x: ops.exp(x), F), rules)
