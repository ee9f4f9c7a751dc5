"""The check itself: what it tries, what it passes over, what it remembers, and how it says what it has found."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from graphs import ops
from graphs.control import loop
from graphs.core.function import Function, trace
from graphs.core.node import Value
from graphs.core.spec import Spec
from graphs.rewrite import (
    Bound,
    Choice,
    Log,
    Program,
    Record,
    Rules,
    UncheckedError,
    WrongRewriteError,
    check,
    check_all,
    confirm,
    cse,
    fold,
    rewrite,
)
from graphs.rewrite.probes import EDGES, edges, probes


F = Spec((3,), numpy.float32)


def swept(rules: Rules, expression: Any, *specs: Spec, level: str = "exact") -> list[Record]:
    log = Log()
    rewrite(Program.of(trace(expression, *specs, name="sample")[0]), rules, log, Choice(level))
    return list(log)


def rewritten(expression: Any, instead: Any, spec: Spec = F, **settings: Any) -> Record:
    """A record of ``instead`` in the place of ``expression``, both of one value."""
    body = trace(lambda x: [expression(x), instead(x)], spec, name="sample")[0]
    old, new = (out for out in body.outputs if isinstance(out, Value))
    after = [node for node in body.nodes if node.serial > old.node.serial]
    before = [node for node in body.nodes if node not in after]
    return Record("test", "test", "a -> b", before, after, [old], [new], **settings)


# What is tried


@pytest.mark.parametrize("size", [1, 2, 5, 15])
@pytest.mark.parametrize("seed", range(3))
def test_each_edge_is_tried_at_each_element_of_small_inputs(size: int, seed: int) -> None:
    assert len(edges(numpy.float32)) == EDGES
    wanted = {numpy.float32(x).tobytes() for x in edges(numpy.float32)}
    inputs = [given for kind, given in probes([Spec((size,), "f4"), Spec((size,), "f4")], seed) if kind == "edges"]
    for at in range(2):
        for element in range(size):
            assert {given[at][element].tobytes() for given in inputs} == wanted


def test_unknown_dimensions_are_empty_and_one_too() -> None:
    shapes = {x.shape for _, (x,) in probes([Spec((None, 2), "f4")])}
    assert {(0, 2), (1, 2), (3, 2)} <= shapes
    assert {x.shape for _, (x,) in probes([Spec((4,), "f4")])} == {(4,)}


@pytest.mark.parametrize(
    ("expression", "instead"),
    [
        (lambda x: x - x, ops.zeros_like),  # NaN, infinities
        (lambda x: x + 0.0, lambda x: x * 1.0),  # -0.0
        (lambda x: x * 2.0, lambda x: ops.where(ops.equal(x, 0.5), x, x * 2.0)),  # one number
        (lambda x: ops.maximum(x, -x), lambda x: ops.where(ops.less(x, 0.0), -x, x)),  # a zero's sign, NaN
    ],
)
@pytest.mark.parametrize("shape", [(1,), (3,), (), (64, 3)])
def test_what_holds_almost_everywhere_is_found_out(expression: Any, instead: Any, shape: tuple[int, ...]) -> None:
    for seed in range(3):
        record = rewritten(expression, instead, Spec(shape, "f4"))
        assert check(record, seed) is not None
        assert record.counterexample is not None


# What it is held to


def test_bounds_of_passes_without_rules_are_kept_to() -> None:
    def off(x: Any) -> Any:
        return x * (1.0 - 3e-7)  # two to five units in the last place

    def same(x: Any) -> Any:
        return x * 1.0

    assert check(rewritten(same, off)) is not None
    assert check(rewritten(same, off, checked=Bound("close", 6))) is None
    found = check(rewritten(same, off, checked=Bound("close", 2)))
    assert found is not None
    assert "units in the last place" in found.why
    assert rewritten(same, off, checked=Bound("close", 4, "largest")).bound == (
        "close, 4 ulps of the largest number on the way"
    )
    assert Bound().bound == "exact"


def test_what_replaced_nodes_yield_may_be_said_otherwise() -> None:
    record = rewritten(lambda x: ops.exp(x), lambda x: ops.exp2(x) if hasattr(ops, "exp2") else ops.sinh(x))
    assert check(record) is not None
    after = record.after[-1].op
    record.apply = lambda node, args: after(*args)
    assert check(record) is None


# What is passed over


def test_a_rewrite_that_no_input_suits_is_not_said_to_hold() -> None:
    record = rewritten(lambda x: ops.reshape(x, shape=(7,)), lambda x: ops.reshape(x, shape=(7,)), Spec(None, "f4"))
    with pytest.raises(UncheckedError, match="no inputs were found"):
        check(record)
    confirm([record])


def test_a_loop_of_known_length_is_tried_on_sequences_of_that_length_only() -> None:
    def looped(x: Any) -> Any:
        body = trace(lambda item: [ops.exp(item)], Spec((2,), "f4"), name="body")[0]
        return loop(1, x, body=body, sequences=1)[1]

    assert check(rewritten(looped, ops.exp, Spec((None, 2), "f4"))) is None
    wrong = check(rewritten(looped, ops.sin, Spec((None, 2), "f4")))
    assert wrong is not None
    assert wrong.inputs[0].shape == (1, 2)


# What it remembers, and says


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often an expression was evaluated."""
    calls: list[int] = []
    call = Function.__call__
    monkeypatch.setattr(Function, "__call__", lambda self, *args: calls.append(1) or call(self, *args))
    return calls


def test_equal_rewrites_are_confirmed_once(counted: list[int]) -> None:
    rules = Rules("doubling")

    @rules.rule("x * 2")
    def doubled(x: Any) -> Any:
        """x * 2 -> x + x"""
        return x + x

    records = swept(rules, lambda x: (x * 2.0) * 2.0, F)
    assert len(records) == 2
    confirm(records[:1])
    before = len(counted)
    assert before > 10
    confirm(records[1:])
    confirm(swept(rules, lambda x: ops.exp(x) * 2.0, F))
    assert len(counted) == before
    confirm(swept(rules, lambda x: x * 2.0, Spec((4,), "f4")))
    assert len(counted) > before, "another shape is another rewrite"


def test_a_wrong_rewrite_is_raised_with_rule_law_inputs_and_line() -> None:
    rules = Rules("wrong")

    @rules.rule("x * 3")
    def tripled(x: Any) -> Any:
        """x * 3 -> x + x"""
        return x + x

    (record,) = swept(rules, lambda x: x * 3.0, Spec((40, 2), "f4"))
    with pytest.raises(WrongRewriteError) as raised:
        confirm([record])
    text = str(raised.value)
    assert "tripled (x * 3 -> x + x; exact) does not hold on ordinary inputs: the bits differ" in text
    assert "test_checks.py" in text
    assert "..." in text, "of large arrays few elements are listed"
    assert len(text) < 2000
    assert raised.value.counterexample.record is record
    assert str(raised.value.counterexample) in str(record)
    with pytest.raises(WrongRewriteError):
        confirm([record])
    assert [found.record for found in check_all([record])] == [record]


def test_passes_without_rules_state_a_law() -> None:
    body = trace(lambda x: [ops.exp(x) + ops.exp(x), ops.exp(numpy.ones(3, "f4")) + x], F, name="sample")[0]
    log = Log()
    cse(fold(Program.of(body), log, Choice()), log, Choice())
    assert all("->" in record.law for record in log)
    assert not check_all(log)
