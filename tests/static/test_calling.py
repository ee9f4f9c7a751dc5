"""Ways of calling a session: callables, many shapes, values given to variables, refusals, contexts within contexts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy
import pytest

import static as tf
from static import calling, growth


@pytest.fixture(autouse=True)
def _fresh_graph() -> Iterable[None]:
    with tf.Graph().as_default():
        yield


def test_an_empty_graph_is_not_run() -> None:
    with tf.Session() as session, pytest.raises(RuntimeError, match="The Session graph is empty"):
        session.run([])


def test_a_callable_takes_as_many_values_as_were_named() -> None:
    x, y = (tf.placeholder("float32", ()) for _ in range(2))
    with tf.Session() as session:
        function = session.make_callable([x + y, x * y], [x, y])
        assert function(2.0, 3.0) == [5, 6]
        with pytest.raises(TypeError, match="1 values are given for the 2 tensors of the feed list"):
            function(2.0)
        assert session.make_callable(tf.constant(4.0))() == 4
        metadata = tf.RunMetadata()
        traced = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        assert session.make_callable(x + y, [x, y], accept_options=True)(1, 2, options=traced, run_metadata=metadata) == 3
        assert metadata.step_stats.dev_stats


def test_nothing_may_be_of_any_dtype() -> None:
    """An empty list is an array of floats, and TensorFlow takes it for whole numbers too."""
    x = tf.placeholder("int32", [None])
    with tf.Session() as session:
        assert session.run(tf.reduce_sum(x), {x: []}) == 0
        assert session.run(x, {x: []}).dtype == numpy.int32
        with pytest.raises(TypeError, match="Cannot feed values of dtype float64"):
            session.run(x, {x: [1.5]})


def test_shapes_beyond_the_eighth_share_a_plan() -> None:
    x = tf.placeholder("float32", (None,))
    total = tf.reduce_sum(x * x)
    with tf.Session() as session:
        plans = []
        for n in range(1, calling.MOST_PLANS + 4):
            array = numpy.arange(n, dtype="f4")
            assert session.run(total, {x: array}) == (array * array).sum()
            plans.append(session.plan(total, {x: array}))
        assert len({id(plan) for plan in plans}) == calling.MOST_PLANS + 1
        assert len({id(plan) for plan in plans[calling.MOST_PLANS :]}) == 1
        assert "beyond" in plans[-1].reason
        assert "first" in plans[0].reason
        assert plans[1].reason not in (plans[0].reason, plans[-1].reason)
        assert session.plan(total, [x]).reason == "asked for"


def test_a_graph_that_grows_with_each_run_is_told_once() -> None:
    x = tf.constant(1.0)

    def grow(session: tf.Session) -> None:
        for n in range(3 * growth._OFTEN):
            assert session.run(x + n) == 1 + n

    with tf.Session() as session, pytest.warns(RuntimeWarning, match="grows in a loop: from 2 to") as told:
        grow(session)
    assert len(told) == 1
    assert "session.run(x + n)" in str(told[0].message)
    assert told[0].filename == __file__


def test_structures_that_have_no_hash_are_fetched_again_and_again() -> None:
    x = tf.placeholder("float32", ())
    fetches = {"twice": x * 2, "more": [x + 1, {"less": x - 1}]}
    with tf.Session() as session:
        for value in (1.0, 5.0):
            found = session.run(fetches, {x: value})
            assert found == {"twice": value * 2, "more": [value + 1, {"less": value - 1}]}
            assert session.interpret(fetches, {x: value}) == found
        assert len(session._calls) == 1


def test_what_is_inside_a_loop_is_not_fed() -> None:
    inside = []

    def body(i):
        inside.append(i + 1)
        return inside[0]

    end = tf.while_loop(lambda i: i < 3, body, [tf.constant(0)])
    with tf.Session() as session:
        assert session.run(end) == 3
        with pytest.raises(ValueError, match=r"may not be fed: it is in a"):
            session.run(end, {inside[0]: 7})


def test_variables_are_given_values_all_at_once_or_not_at_all() -> None:
    a, b = tf.Variable([1.0, 2.0], name="a"), tf.Variable(3, name="b")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        given = numpy.array([5.0, 6.0], "f4")
        session.load({a: given, b: 7})
        given[:] = 0
        assert session.run(a).tolist() == [5, 6]
        with pytest.raises((ValueError, TypeError)):
            session.load({a: [8.0, 9.0], b: "words"})
        assert session.run(a).tolist() == [5, 6]
        assert session.run(b) == 7


@pytest.mark.parametrize(
    ("refuse", "message"),
    [
        (["fold", "simplyfy"], "no rule and no pass of this session is called 'simplyfy'; did you mean 'simplify'"),
        ("qqqqqqqq", "'qqqqqqqq'; the passes are .*simplify"),
    ],
)
def test_a_pass_that_there_is_not_is_not_refused(refuse, message) -> None:
    with pytest.raises(ValueError, match=message):
        tf.Session(refuse=refuse)


def test_a_session_without_passes_says_so() -> None:
    with pytest.raises(ValueError, match=r"'fold'; (the passes are none|did you mean)"):
        tf.Session(passes=(), refuse=["fold"])
    assert tf.Session(refuse="simplify").refuse == {"simplify"}


@pytest.mark.parametrize(("said", "expected"), [("1", True), ("0", False), ("", False), ("yes", True)])
def test_the_environment_asks_for_checks(said: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIPTYCH_CHECK", said)
    assert tf.Session().check is expected
    assert tf.Session(check=False).check is False


def test_a_context_within_its_own_closes_when_the_outer_ends() -> None:
    x = tf.constant(2.0)
    session = tf.Session()
    with session:
        with session:
            assert x.eval() == 2
        assert x.eval() == 2
    with pytest.raises(RuntimeError, match="closed Session"):
        session.run(x)


def test_a_session_tells_of_its_graph_and_devices() -> None:
    tf.constant(2.0, name="two")
    with tf.Session() as session:
        assert [node.name for node in session.graph_def.node] == ["two"]
        assert any("CPU" in device.name for device in session.list_devices())


def test_a_variable_that_has_no_value_is_named_however_the_run_goes() -> None:
    w = tf.Variable([1.0], name="weights")
    with tf.Session() as session:
        for run in (session.run, session.interpret):
            with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value weights"):
                run(w * 2)


def test_a_target_that_is_no_cluster_is_this_process() -> None:
    with tf.Session("local") as session:
        assert type(session) is tf.Session
        assert session.run(tf.constant(2.0) * 3) == 6
    assert type(tf.Session("")) is tf.Session
