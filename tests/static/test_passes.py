"""The passes on whole programs: the same numbers with and without, effects and order kept, fetches and feeds anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy
import pytest
from hypothesis import given, settings, strategies as st

import static as tf
from graphs.core.random import Draws, Stream
from graphs.rewrite import Choice, Log, Program, Rules, check_all, rewrite
from static.passes import EXACT, PIPELINE, Outcome, Pass, cse, fast_math, fold, fuse_exactly, optimise, simplify, stabilise
from static.plan import Plan
from static.schedule import needed
from tests.agree.test_random_programs import LEAVES, Step, follow, steps


STABLE = (fold, cse, stabilise, cse)
SIMPLE = (fold, cse, simplify, cse)


@pytest.fixture(autouse=True)
def _fresh_graph() -> Iterable[None]:
    with tf.Graph().as_default(), numpy.errstate(all="ignore"):
        yield


def passed(fetches: Sequence[Any], fed: Sequence[Any] = (), level: str = "exact", **settings: Any) -> Outcome:
    """What the passes make of a run."""
    graph = tf.get_default_graph()
    found = [graph.as_graph_element(x) for x in fetches]
    choice = Choice(level, settings.pop("refuse", frozenset()))
    return optimise(needed(found, fed), found, fed, **{"passes": SIMPLE, **settings}, choice=choice)


def both_ways(fetches: Sequence[Any], fed: Any, passes: Sequence[Pass] = EXACT) -> Any:
    """What the passes did, then values and changed variables by name, without them and with them.

    Both runs find the same variables and the same random stream.
    """
    graph = tf.get_default_graph()
    found = [graph.as_graph_element(x) for x in fetches]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        state = dict(session._state)
    out = []
    for each in ((), passes):
        plan = Plan(found, list(fed), each)
        values, written = plan(state, [numpy.asarray(x) for x in fed.values()], Draws(Stream(7)))
        out.append((list(values), {variable.name: numpy.asarray(value) for variable, value in written.items()}))
    return plan.outcome, *out


def same(x: Any, y: Any) -> None:
    """The same dtype, shape and bits, signs of zeros too; any NaN is as good as another."""
    x, y = numpy.asarray(x), numpy.asarray(y)
    numpy.testing.assert_array_equal(x, y, strict=True)
    if x.dtype.kind == "f":
        there = ~numpy.isnan(x)
        numpy.testing.assert_array_equal(numpy.signbit(x[there]), numpy.signbit(y[there]))


# Programs that nobody wrote


def gradients(value: Any, symbols: Sequence[Any]) -> list[Any]:
    found = [g for g in tf.gradients(tf.reduce_sum(value), list(symbols)) if g is not None]
    squares = [tf.reduce_sum(g * g) for g in found]
    second = tf.gradients(sum(squares), list(symbols)) if squares else []
    return [value, *found, *(g for g in second if g is not None)]


SPECIAL = numpy.array([0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan, 1.0, 1e-40, 3e38])


@settings(max_examples=60, deadline=None)
@given(steps, st.sampled_from(["float32", "float64"]), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
def test_any_program_gives_the_same_bits_with_passes(
    program: list[Step], dtype: str, known: bool, special: bool, seed: int
) -> None:
    random = numpy.random.default_rng(seed)
    draw = (lambda shape: random.choice(SPECIAL, shape)) if special else random.standard_normal
    arrays = [draw(shape).astype(dtype) for shape in LEAVES.values()]
    with tf.Graph().as_default(), numpy.errstate(all="ignore"):
        symbols = [tf.placeholder(dtype, shape if known else (None, shape[1])) for shape in LEAVES.values()]
        fetches = gradients(follow(program, symbols, 0), symbols)
        outcome, plain, optimised = both_ways(fetches, dict(zip(symbols, arrays, strict=True)))
    for x, y in zip(plain[0], optimised[0], strict=True):
        same(x, y)
    assert len(outcome.program.nodes) <= len(outcome.programs[0].nodes)


@settings(max_examples=25, deadline=None)
@given(steps, st.integers(0, 2**32 - 1))
def test_every_rewrite_of_any_program_holds(program: list[Step], seed: int) -> None:
    with tf.Graph().as_default(), numpy.errstate(all="ignore"):
        symbols = [tf.placeholder("float32", shape) for shape in LEAVES.values()]
        outcome = passed(gradients(follow(program, symbols, 0), symbols), symbols, "stable")
        found = check_all(outcome.log.records[::5], seed)
    assert not found, str(found[0])


# Programs that people write


def test_a_net_by_hand_becomes_its_stable_form() -> None:
    x, y = tf.placeholder("float32", (None, 5)), tf.placeholder("float32", (None, 3))
    w = tf.Variable(tf.random_normal((5, 3), seed=1), name="w")
    p = tf.nn.softmax(tf.matmul(x, w))
    loss = tf.reduce_mean(-tf.reduce_sum(y * tf.log(p), axis=1))
    random = numpy.random.default_rng(0)
    fed = {x: random.standard_normal((4, 5)).astype("f4"), y: numpy.eye(3, dtype="f4")[[0, 2, 1, 1]]}
    outcome, plain, optimised = both_ways([loss], fed, STABLE)
    assert outcome.log.counts["logarithm_of_softmax"] == 1
    numpy.testing.assert_allclose(plain[0], optimised[0], rtol=1e-5)
    far = {**fed, x: fed[x] * 1e3}
    _, plain, optimised = both_ways([loss], far, STABLE)
    assert not numpy.isfinite(plain[0][0])
    assert numpy.isfinite(optimised[0][0])


def test_fast_mathematics_is_asked_for() -> None:
    x = tf.placeholder("float32", (3,))
    given = numpy.array([1.0, numpy.inf, numpy.nan], "f4")
    for passes, wanted in ((EXACT, [0, numpy.nan, numpy.nan]), ((fast_math,), [0, 0, 0])):
        _, plain, optimised = both_ways([x - x], {x: given}, passes)
        same(plain[0][0], numpy.array([0, numpy.nan, numpy.nan], "f4"))
        same(optimised[0][0], numpy.array(wanted, "f4"))


def test_a_session_takes_passes() -> None:
    x = tf.placeholder("float32", (2, 3))
    loss = -tf.reduce_sum(tf.log(tf.nn.softmax(x)))
    far = numpy.array([[1e3, 0.0, 1.0]] * 2, "f4")
    with tf.Session() as plain, tf.Session(passes=STABLE) as session:
        assert plain.run(loss, {x: far}) == numpy.inf
        assert session.run(loss, {x: far}) == 2 * (1e3 + 999.0)


def test_training_changes_the_variables_in_the_same_way() -> None:
    x = tf.placeholder("float32", (None, 4))
    w = tf.Variable(numpy.full((4, 4), 0.1, "f4"), name="w")
    b = tf.Variable(numpy.zeros(4, "f4"), name="b")
    hidden = tf.nn.relu(tf.matmul(x, w) + b) * 1.0
    loss = tf.reduce_mean(tf.square(tf.identity(hidden) - x / 1.0))
    step = tf.train.AdamOptimizer(0.1).minimize(loss)
    outcome, plain, optimised = both_ways([step, loss], {x: numpy.eye(4, dtype="f4")})
    assert outcome.log.counts["broadcast_to_own"] >= 1
    assert set(plain[1]) == set(optimised[1]) >= {"w", "b"}
    for name, value in plain[1].items():
        same(value, optimised[1][name])
    same(plain[0][0], optimised[0][0])


def test_control_dependencies_order_what_they_did() -> None:
    v = tf.Variable(3.0, name="v")
    before = v.read_value() * 1.0
    with tf.control_dependencies([before]):
        assigned = tf.assign(v, tf.identity(v * 2.0))
    with tf.control_dependencies([assigned]):
        after = tf.identity(v.read_value() + -0.0)
        again = (after + tf.zeros(())) * 1.0
    with tf.control_dependencies([again * 1.0]):
        last = tf.assign_add(v, 1.0)
    outcome, plain, optimised = both_ways([before, after, again, last], {})
    assert plain[0] == [3.0, 6.0, 6.0, 7.0]
    assert optimised[0] == plain[0]
    assert optimised[1] == plain[1] == {"v": 7.0}
    assert outcome.log.records


def test_random_draws_stay_what_they_were() -> None:
    x = tf.placeholder("float32", (2, 2))
    drawn = [tf.random_normal((2, 2)), tf.nn.dropout(x * 1.0, 0.5), tf.random_normal((2, 2))]
    twice = drawn[0] - drawn[2]
    with tf.name_scope("fixed"):
        own = [tf.random_uniform((3,), seed=1) + tf.random_uniform((3,), seed=1)]
    _, plain, optimised = both_ways([*drawn, twice, *own], {x: numpy.ones((2, 2), "f4")})
    for found, wanted in zip(optimised[0], plain[0], strict=True):
        same(found, wanted)
    assert numpy.any(plain[0][3])


def test_functions_in_python_are_called_as_often() -> None:
    calls: list[float] = []

    def seen(x: Any) -> Any:
        calls.append(float(x))
        return x

    x = tf.placeholder("float32", ())
    one = tf.py_func(seen, [x * 1.0], tf.float32)
    two = tf.py_func(seen, [x * 1.0], tf.float32)
    _, plain, optimised = both_ways([one + two, tf.where(tf.constant(True), x, one)], {x: numpy.float32(2)})
    assert plain[0] == optimised[0] == [4.0, 2.0]
    assert calls == [2.0] * 4


def test_loops_and_branches_are_worked_over_inside() -> None:
    x = tf.placeholder("float32", (6, 3))
    w = tf.Variable(numpy.full((3, 3), 0.3, "f4"), name="w")
    states = tf.scan(lambda s, item: tf.tanh(tf.matmul(s, w) * 1.0 + item - 0.0), x[:, None, :] * 1.0, tf.zeros((1, 3)))
    total = tf.reduce_sum(tf.cond(tf.reduce_sum(x) > 0.0, lambda: states / 1.0, lambda: tf.negative(-states)))
    fetches = [total, *tf.gradients(total, [w])]
    random = numpy.random.default_rng(3)
    for sign in (1, -1):
        fed = {x: (sign * abs(random.standard_normal((6, 3)))).astype("f4")}
        outcome, plain, optimised = both_ways(fetches, fed)
        for found, wanted in zip(optimised[0], plain[0], strict=True):
            same(found, wanted)
    assert outcome.log.records


def test_branches_before_and_after_an_assignment_are_two() -> None:
    v = tf.Variable(3.0, name="v")
    x = tf.placeholder("float32", ())
    before = tf.cond(x > 0.0, lambda: v.read_value() * 2.0, lambda: v.read_value() * 3.0)
    with tf.control_dependencies([before]):
        changed = tf.assign_add(v, 1.0)
    with tf.control_dependencies([changed]):
        after = tf.cond(x > 0.0, lambda: v.read_value() * 2.0, lambda: v.read_value() * 3.0)
    _, plain, optimised = both_ways([before, after], {x: numpy.float32(1)})
    assert plain[0] == optimised[0] == [6.0, 8.0]


# Fetches and feeds


def test_any_tensor_can_be_fetched_and_fed() -> None:
    x = tf.placeholder("float32", (3,), name="x")
    inner = tf.identity(x * 2.0, name="inner")
    outer = tf.log(tf.exp(inner) * 1.0, name="outer")
    same_again = tf.log(tf.exp(inner) * 1.0)
    constant = tf.add(tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0]))
    group = tf.group(outer, constant)
    given = numpy.array([0.5, -1.0, 2.0], "f4")
    outcome, plain, optimised = both_ways([inner, outer, same_again, constant, group], {x: given})
    for found, wanted in zip(optimised[0], plain[0], strict=True):
        same(found, wanted)
    assert outcome.program.roots[1] is outcome.program.roots[2]
    assert outcome.program.roots[3].node.op.name == "constant"
    _, plain, optimised = both_ways([outer], {inner: given * 3})
    same(plain[0][0], optimised[0][0])


def test_nothing_is_known_of_a_constant_that_is_fed() -> None:
    c = tf.constant([1.0, 1.0])
    outcome, _, optimised = both_ways([c * c * 2.0], {c: numpy.array([2.0, 3.0], "f4")})
    same(optimised[0][0], numpy.array([8.0, 18.0], "f4"))
    assert "fold" not in outcome.log.counts


# What is said of it


def test_the_outcome_names_passes_rules_and_lines() -> None:
    x = tf.placeholder("float32", (None, 2), name="x")
    y = tf.multiply(x, 1.0, name="nothing")
    outcome = passed([tf.exp(y, name="out")], [x])
    assert [stage.name for stage in outcome.stages] == [each.__name__ for each in SIMPLE]
    assert [len(program.nodes) for program in outcome.programs] == [2 + 0, 2, 2, 1, 1]
    (record,) = outcome.log
    assert record.rule == "times_one"
    assert [node.name for node in record.origins] == ["nothing"]
    assert "test_passes.py" in record.lines[0]
    text = str(outcome)
    assert "simplify" in text
    assert "times_one x1" in text
    assert json.loads(json.dumps(outcome.as_dict()))["rewrites"][0]["nodes"] == ["nothing"]
    (out,) = outcome.program.nodes
    assert (out.name, out.type, out.graph, out.body, out.writes) == ("out", "Exp", tf.get_default_graph(), None, ())


def test_the_graph_itself_does_not_change() -> None:
    x = tf.placeholder("float32", (None, 2))
    fetch = tf.log(tf.nn.softmax(x * 1.0)) + tf.constant(1.0) * tf.constant(2.0)
    graph = tf.get_default_graph()
    before = graph.get_operations()
    graph.finalize()
    passed([fetch], [x], "stable")
    assert graph.get_operations() == before


def test_passes_and_rules_can_be_refused() -> None:
    x = tf.placeholder("float32", (2,))
    fetch = x * 1.0 + tf.constant(3.0) * tf.constant(2.0)
    assert passed([fetch], [x]).log.counts == {"fold": 1, "times_one": 1}
    assert passed([fetch], [x], refuse=frozenset(["times_one"])).log.counts == {"fold": 1}
    assert passed([fetch], [x], refuse=frozenset(["fold"])).log.counts == {"times_one": 1}
    assert passed([fetch], [x], passes=()).program.nodes == passed([fetch], [x], passes=(cse,)).program.nodes
    assert not passed([fetch], [x], refuse=frozenset(["fold", "simplify", "cse"])).log.records


def test_a_pass_of_ones_own() -> None:
    rules = Rules("halving")

    @rules.rule("x * 0.5")
    def halved(x: Any) -> Any:
        """x * 0.5 -> x / 2"""
        return x / 2.0

    def halving(program: Program, log: Log, choice: Choice) -> Program:
        return rewrite(program, rules, log, choice)

    x = tf.placeholder("float32", (None,))
    outcome = passed([x * 0.5], [x], passes=(fold, halving))
    assert [node.op.name for node in outcome.program.nodes][-1] == "divide"
    assert [stage.name for stage in outcome.stages] == ["fold", "halving"]
    assert not check_all(outcome.log)
    assert simplify in PIPELINE


@pytest.mark.parametrize("passes", [(), (fuse_exactly,), EXACT, PIPELINE], ids=["none", "fuse_exactly", "EXACT", "PIPELINE"])
@pytest.mark.parametrize("between", [lambda a: tf.square(tf.square(a) * 2.0), lambda a: tf.square(a) * 0.0, tf.shape])
def test_what_waits_for_something_computed_of_an_assignment_waits_for_the_assignment(passes, between):
    with tf.Graph().as_default(), tf.Session(passes=passes) as session:
        w, x = tf.Variable([1.0, 2.0]), tf.placeholder(tf.float32, [None])
        with tf.control_dependencies([between(tf.assign_add(w, x))]):
            seen = w.read_value()
        session.run(w.initializer)
        assert session.run(seen, {x: [1.0, 2.0]}).tolist() == [2.0, 4.0]
        assert session.run(w).tolist() == [2.0, 4.0]


@pytest.mark.parametrize("passes", [(), EXACT, PIPELINE], ids=["none", "EXACT", "PIPELINE"])
def test_what_waits_in_a_loop_for_what_leaves_the_loop_is_computed_all_the_same(passes):
    """Of three things waited for one is the same in each round, one needs no round, and one is told in each."""
    told = []
    with tf.Graph().as_default(), tf.Session(passes=passes) as session:
        x = tf.placeholder(tf.float32, [None])

        def tell(value):
            told.append(float(value))
            return value

        def inner(state, row):
            with tf.control_dependencies([tf.identity(x), tf.square(row), tf.py_func(tell, [row], tf.float32)]):
                return tf.tanh(tf.identity(row))

        def outer(row):
            last = tf.foldl(inner, x * row, row)
            with tf.control_dependencies([tf.scan(inner, x, row)]):
                return tf.identity(last)

        out = session.run(tf.map_fn(outer, x), {x: [1.0, 2.0]})
    numpy.testing.assert_array_equal(out, numpy.tanh(numpy.array([2.0, 4.0], "float32")))
    assert told == [1.0, 2.0, 1.0, 2.0, 2.0, 4.0, 1.0, 2.0]
