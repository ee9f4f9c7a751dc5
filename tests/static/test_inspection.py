"""Rewrites refused, checked, found and timed from a session, which stands afterwards where it stood before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
import pytest

import static as tf
from graphs import ops
from graphs.rewrite import Choice, Log, Program, RewriteError, Rules, WrongRewriteError, check, rewrite
from static.passes import EXACT, cse, fold, simplify, stabilise
from static.trials import same


FILE = Path(__file__).name


@pytest.fixture(autouse=True)
def _fresh_graph() -> Iterable[None]:
    with tf.Graph().as_default():
        yield


planted = Rules("planted")


@planted.rule("x - x")
def nothing_left(x: Any) -> Any:
    """x - x -> 0"""
    return ops.zeros_like(x)


@planted.rule("x * 4")
def quadrupled(x: Any) -> Any:
    """x * 4 -> (x + x) + (x + x)"""
    return (x + x) + (x + x)


def plant(program: Program, log: Log, choice: Choice) -> Program:
    return rewrite(program, planted, log, choice)


@contextmanager
def unchanged(session: tf.Session) -> Iterator[None]:
    """Fail where what is inside changes the session's variables or its random stream."""
    state = {variable: numpy.array(value) for variable, value in session._state.items()}
    stream = (session.stream.seed, session.stream.step, session.stream.ordinal)
    yield
    assert session._state.keys() == state.keys()
    assert all(same(value, state[variable]) for variable, value in session._state.items())
    assert (session.stream.seed, session.stream.step, session.stream.ordinal) == stream


def ready(**settings: Any) -> tf.Session:
    session = tf.Session(**settings)
    session.run(tf.global_variables_initializer())
    return session


# Refusing


def test_refused_names_do_not_fire_in_any_plan() -> None:
    x = tf.placeholder("float32", (2,))
    y = x * 1.0 + tf.constant(3.0) * tf.constant(2.0)
    session = tf.Session(refuse=("times_one", "cse", "fuse"))
    for fetch in (y, [y, x * 1.0]):
        outcome = session.plan(fetch, [x]).outcome
        assert outcome.log.counts == {"fold": 1}
        assert {stage.name for stage in outcome.stages if stage.refused} == {"cse", "fuse"}
    assert session.run(y, {x: [1.0, 2.0]}).tolist() == [7.0, 8.0]
    assert tf.Session(refuse="fold", passes=(fold, simplify)).plan(y, [x]).outcome.log.counts == {"times_one": 1}


@pytest.mark.parametrize(("name", "nearest"), [("times_on", "times_one"), ("simplfy", "simplify"), ("Fold", "fold")])
def test_names_that_nothing_has_are_an_error_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=f"{name}'; did you mean '{nearest}'") as raised:
        tf.Session(refuse=(name,))
    assert FILE in str(raised.value)
    with pytest.raises(ValueError, match="the passes are cse, fold, simplify"):
        tf.Session(passes=(fold, cse, simplify), refuse=("qqqqqqqq",))


def test_a_pass_of_ones_own_and_its_rules_are_refused_by_name() -> None:
    x = tf.placeholder("float32", (2,))
    counts = [
        tf.Session(passes=(plant,), refuse=refuse).plan(x * 4.0 - (x - x), [x]).outcome.log.counts
        for refuse in ((), ("plant",), ("nothing_left",))
    ]
    assert counts == [{"nothing_left": 1, "quadrupled": 1}, {}, {"quadrupled": 1}]


# Checking


def test_a_session_that_checks_refuses_a_wrong_rewrite_with_a_counterexample() -> None:
    x = tf.placeholder("float32", (None,))
    wrong = tf.subtract(x, x, name="gone")
    session = tf.Session(passes=(fold, plant), check=True)
    with pytest.raises(WrongRewriteError, match="nothing_left") as raised:
        session.run(wrong, {x: [1.0]})
    message = str(raised.value)
    assert "x - x -> 0" in message
    assert FILE in message
    assert 'name="gone"' in message, "the user's line"
    found = raised.value.counterexample
    (given,) = found.inputs
    assert not numpy.isfinite(given).all()
    assert not same(found.before, found.after)
    assert session.run(x * 4.0, {x: [1.5]}).tolist() == [6.0], "a right rewrite passes the check"
    assert tf.Session(passes=(plant,)).run(wrong, {x: [numpy.nan]}).tolist() == [0.0], "nothing is checked unasked"


def test_a_fused_region_is_held_to_its_own_functions_bit_for_bit() -> None:
    x = tf.placeholder("float32", (None,))
    y = tf.tanh(tf.exp(x * 0.5) + 1.0) - tf.log(tf.abs(x) + 2.0)
    session = tf.Session(check=True)
    given = numpy.linspace(-3, 3, 7, dtype="f4")
    session.run(y, {x: given})
    (record,) = [record for record in session.plan(y, {x: given}).outcome.log if record.rule == "fuse"]
    assert check(record) is None
    record.apply = None
    assert check(record) is not None, "numpy's own functions round otherwise"


def test_the_environment_asks_for_checks() -> None:
    code = "import static as tf; print(tf.Session().check, tf.Session(check=False).check)"
    for value, wanted in (("1", "True False"), ("0", "False False"), ("", "False False")):
        environment = {**os.environ, "DIPTYCH_CHECK": value}
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        assert out.stdout.strip() == wanted


# Finding the one behind a difference


def net() -> tuple[Any, Any, Any]:
    x = tf.placeholder("float32", (None, 3), name="x")
    w = tf.Variable(numpy.full((3, 2), 0.3, "f4"), name="w")
    hidden = tf.tanh(tf.matmul(x * 1.0, w) * 4.0)
    mask = tf.random_uniform((2,)) * 1.0
    loss = tf.reduce_sum(tf.identity(hidden) * mask / 1.0)
    step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    return x, [loss, tf.subtract(hidden, hidden, name="shifted")], step


def test_bisect_finds_the_rewrite_behind_a_difference() -> None:
    x, loss, step = net()
    session = ready(passes=(fold, plant, *EXACT))
    fed, fed_well = ({x: numpy.full((1, 3), value, "f4")} for value in (numpy.nan, 1.0))
    assert len(session.plan([loss, step], fed).outcome.log) > 3
    with unchanged(session):
        assert session.bisect([loss, step], fed_well) is None
        record = session.bisect({"loss": loss, "step": step}, fed)
    assert record is not None
    assert (record.rule, record.law, record.stage) == ("nothing_left", "x - x -> 0", "planted")
    assert [node.name for node in record.origins] == ["shifted"]
    assert any(FILE in line and 'name="shifted"' in line for line in record.lines)
    assert record.counterexample is not None
    assert "NaNs are not where they were" in str(record)


def test_bisect_sees_what_a_run_leaves_in_variables() -> None:
    v = tf.Variable(numpy.array([1.0, numpy.nan], "f4"))
    change = v.assign(v.read_value() - v.read_value())
    session = ready(passes=(cse, plant))
    with unchanged(session):
        record = session.bisect(change.op)
    assert record is not None
    assert record.rule == "nothing_left"


def test_bisect_takes_a_predicate() -> None:
    x = tf.placeholder("float32", (2,))
    y = [x * 4.0, x * 1.0, tf.log(tf.nn.softmax(x))]
    session = tf.Session(passes=(fold, stabilise, plant))
    far = {x: [0.0, 200.0]}
    record = session.bisect(y, far, good=lambda values: numpy.isinf(values[2]).any())
    assert record is not None
    assert record.rule == "logarithm_of_softmax"
    assert record.bound.startswith("stable, 8 ulps")
    assert record.counterexample is None, "it keeps within its bound, and differs"
    assert session.bisect(y, far, good=lambda values: len(values) == 3) is None
    with pytest.raises(RewriteError, match="without passes"):
        session.bisect(y, far, good=lambda values: False)


def test_bisect_finds_a_rewrite_that_makes_a_run_fail() -> None:
    rules = Rules("failing")

    @rules.rule("sin(x)")
    def wrong_rows(x: Any) -> Any:
        """sin(x) -> the same, of as many elements as it says"""
        return ops.reshape(ops.sin(x), shape=(2, 3))

    def failing(program: Program, log: Log, choice: Choice) -> Program:
        return rewrite(program, rules, log, choice)

    x, keep = tf.placeholder("float32", (4, 3)), tf.placeholder("bool", (4,))
    kept = tf.boolean_mask(x, keep)
    fed = {x: numpy.ones((4, 3)), keep: [True, True, True, False]}
    session = tf.Session(passes=(fold, failing))
    record = session.bisect(tf.sin(kept * 1.0), fed)
    assert record is not None
    assert record.rule == "wrong_rows"
    with pytest.raises(tf.errors.OpError):
        session.run(tf.sin(kept * 1.0), fed)


# What a rewrite is worth


def test_a_run_is_timed_with_and_without() -> None:
    x, loss, step = net()
    session = ready()
    fed = {x: numpy.ones((50, 3), "f4")}
    with unchanged(session):
        found = session.timed_without(("simplify", "cse"), [loss, step], fed, seconds=0.05)
    assert found.names == ("cse", "simplify")
    assert min(found.seconds) > 0
    assert found.ratio == found.seconds[0] / found.seconds[1]
    assert found.rounds >= 5
    assert found.equal
    assert found.costs[0].kernels < found.costs[1].kernels
    assert found.rewrites[0] > found.rewrites[1]
    text = str(found)
    assert "without cse, simplify" in text
    assert "equal to the last bit" in text
    assert json.loads(json.dumps(found.as_dict()))["runs"][1]["kernels"] == found.costs[1].kernels


def test_a_timing_says_where_results_differ() -> None:
    x = tf.placeholder("float32", (2,))
    session = tf.Session(passes=(plant,))
    found = session.timed_without("nothing_left", x - x, {x: [numpy.nan, 1.0]}, seconds=0.0)
    assert not found.equal
    assert "not equal" in str(found)
    with pytest.raises(ValueError, match="did you mean 'nothing_left'"):
        session.timed_without("nothing_lef", x - x, {x: [1.0, 1.0]})


@pytest.mark.parametrize(
    ("x", "y", "equal"),
    [
        ([0.0], [-0.0], False),
        ([numpy.nan, 1.0], [-numpy.nan, 1.0], True),
        ([1.0], [1.0, 1.0], False),
        (numpy.float32(1), numpy.float64(1), False),
        (numpy.complex64(1 + 0j), numpy.complex64(complex(1, -0.0)), False),
        (numpy.complex64(1 + 2j), numpy.complex64(1 + 2j), True),
        (numpy.array([b"a", 1], object), numpy.array([b"a", 1], object), True),
        (numpy.array([b"a"], object), numpy.array([b"b"], object), False),
        (numpy.array([True, False]), numpy.array([True, True]), False),
    ],
)
def test_values_are_the_same_to_the_last_bit(x: Any, y: Any, equal: bool) -> None:
    assert same(x, y) is equal
