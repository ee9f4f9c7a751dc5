"""Loops and branches with variables, random numbers and control dependencies inside; and what is refused."""

import numpy
import pytest

import static as tf


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def ready(session, *variables):
    session.run([variable.initializer for variable in variables])


# Variables


def test_a_branch_assigns_only_where_it_is_taken(session):
    v = tf.Variable(1.0)
    p = tf.placeholder(tf.bool, [])
    out = tf.cond(p, lambda: v.assign_add(2.0), lambda: v * 3.0)
    ready(session, v)
    assert session.run(out, {p: False}) == 3.0
    assert session.run(v) == 1.0
    assert session.run(out, {p: True}) == 3.0
    assert session.run(v) == 3.0


def test_a_branch_that_returns_an_operation_runs_it(session):
    v = tf.Variable(1.0)
    p = tf.placeholder(tf.bool, [])
    out = tf.cond(p, lambda: tf.group(v.assign(7.0)), tf.no_op)
    ready(session, v)
    assert not session.run(out, {p: False})
    assert session.run(v) == 1.0
    assert session.run(out, {p: True})
    assert session.run(v) == 7.0


def test_an_update_behind_a_control_dependency_in_a_branch_runs(session):
    """As batch normalisation was written by hand: averages are updated in training only."""
    average = tf.Variable(0.0, trainable=False)
    x, training = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.bool, [])
    mean = tf.reduce_mean(x)

    def update():
        with tf.control_dependencies([average.assign(average * 0.5 + mean * 0.5)]):
            return tf.identity(mean)

    used = tf.cond(training, update, lambda: average.value())
    ready(session, average)
    assert session.run(used, {x: [2.0, 4.0], training: True}) == 3.0
    assert session.run(used, {x: [9.0], training: False}) == 1.5
    assert session.run(average) == 1.5


def test_a_loop_counts_in_a_variable(session):
    v = tf.Variable(0.0)

    def body(i, seen):
        with tf.control_dependencies([v.assign_add(1.0)]):
            return i + 1, seen + v.read_value()

    out = tf.while_loop(lambda i, _: i < 4, body, [0, 0.0])
    ready(session, v)
    assert session.run(out) == [4, 10.0]
    assert session.run(v) == 4.0
    assert session.run([out[1], v]) == [26.0, 4.0]
    assert session.run(v) == 8.0


def test_what_runs_after_a_loop_sees_what_it_wrote(session):
    v = tf.Variable(1.0)
    out = tf.while_loop(lambda i: i < 3, lambda i: v.assign(v.read_value() * 2.0) * 0.0 + i + 1.0, [0.0])
    with tf.control_dependencies([out]):
        after = v.read_value()
    ready(session, v)
    assert session.run([after, v]) == [8.0, 1.0]


def test_a_nested_loop_in_a_branch_writes_through_both(session):
    v = tf.Variable(0)
    p = tf.placeholder(tf.bool, [])

    def inner(j):
        with tf.control_dependencies([v.assign_add(1)]):
            return j + 1

    def outer(i):
        return tf.cond(p, lambda: i + 1 + 0 * tf.while_loop(lambda j: j < 3, inner, [0]), lambda: i + 1)

    out = tf.while_loop(lambda i: i < 2, outer, [0])
    ready(session, v)
    assert session.run(out, {p: True}) == 2
    assert session.run(v) == 6
    assert session.run(out, {p: False}) == 2
    assert session.run(v) == 6


def test_a_failing_loop_changes_no_variable(session):
    v = tf.Variable([1.0, 1.0])
    x = tf.placeholder(tf.float32, [None])

    def body(i):
        with tf.control_dependencies([v.assign_add([1.0, 1.0])]):
            return i + tf.cast(tf.reduce_sum(tf.ones([2]) * x), tf.int32)

    out = tf.while_loop(lambda i: i < 9, body, [0])
    ready(session, v)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"while/mul.*in the body of while") as caught:
        session.run(out, {x: [1.0, 2.0, 3.0]})
    assert "tf.ones([2]) * x" in str(caught.value)
    numpy.testing.assert_array_equal(session.run(v), [1.0, 1.0])


def test_variables_made_inside_a_body_belong_to_the_graph(session):
    def body(i, h):
        w = tf.get_variable("w", [3, 3], initializer=tf.ones_initializer())
        return i + 1, tf.matmul(h, w) * 0.1

    _, h = tf.while_loop(lambda i, _: i < 2, body, [0, tf.ones([1, 3])])
    (w,) = tf.trainable_variables()
    (g,) = tf.gradients(h, [w])
    session.run(tf.global_variables_initializer())
    numpy.testing.assert_allclose(session.run(h), numpy.full((1, 3), 0.09), rtol=1e-6)
    numpy.testing.assert_allclose(session.run(g), numpy.full((3, 3), 0.06), rtol=1e-6)


def test_variables_are_captured_at_any_depth(session):
    v = tf.Variable(0.5, dtype=tf.float64)

    def level(depth, x):
        if depth == 0:
            return x * v
        return tf.while_loop(lambda i, _: i < 2, lambda i, a: (i + 1, level(depth - 1, a)), [0, x])[1]

    y = level(4, tf.constant(1.0, tf.float64))
    (g,) = tf.gradients(y, [v])
    (second,) = tf.gradients(g, [v])
    ready(session, v)
    assert session.run([y, g, second]) == [0.5**16, 16 * 0.5**15, 16 * 15 * 0.5**14]


# Random numbers


def test_each_round_draws_anew_and_runs_repeat_by_seed():
    def draws(seed):
        with tf.Graph().as_default(), tf.Session() as session:
            tf.set_random_seed(3)
            x = tf.map_fn(lambda e: e + tf.random_normal([2], seed=seed), tf.zeros([5, 2]))
            return session.run(x), session.run(x)

    for seed in (None, 7):
        first, second = draws(seed)
        assert len(numpy.unique(first)) == 10
        assert not numpy.array_equal(first, second)
        numpy.testing.assert_array_equal(draws(seed)[0], first)
        numpy.testing.assert_array_equal(draws(seed)[1], second)


def test_the_gradient_sees_the_numbers_that_were_drawn(session):
    x = tf.constant(1.0, tf.float64)
    y = tf.while_loop(lambda i, _: i < 3, lambda i, a: (i + 1, a * tf.random_uniform([], 1, 2, tf.float64)), [0, x])[1]
    (g,) = tf.gradients(y, [x])
    value, slope = session.run([y, g])
    assert value == pytest.approx(slope)


# What is refused


def test_values_of_a_body_stay_inside(session):
    kept = []

    def body(i):
        kept.append(i * 2)
        return i + 1

    tf.while_loop(lambda i: i < 3, body, [tf.constant(0)])
    with pytest.raises(ValueError, match=r"Cannot use 'while/mul' as input to 'add' because 'while/mul' is in a while loop"):
        kept[0] + 1
    with pytest.raises(ValueError, match="marked as not fetchable"):
        session.run(kept[0])
    with pytest.raises(ValueError, match="marked as not fetchable"):
        session.run(kept[0].op)


def identity_of(*_):
    return True


REFUSALS = {
    "shape": (ValueError, "is not an invariant for the loop", lambda: loop(lambda x: tf.concat([x, x], 0), [1.0])),
    "dtype": (TypeError, "is float32 when it enters the loop and int32", lambda: loop(lambda x: tf.constant([1]), [1.0])),
    "structure": (ValueError, "same number of elements", lambda: loop(lambda x: (x, x), [1.0])),
    "no variables": (ValueError, "No loop variables", lambda: tf.while_loop(identity_of, identity_of, [])),
    "cond": (TypeError, "cond must be callable", lambda: tf.while_loop(True, identity_of, [1])),
    "condition": (
        ValueError,
        "condition of a loop is a scalar",
        lambda: tf.while_loop(lambda x: x > 0, lambda x: x, [tf.ones([2])]),
    ),
    "invariant": (
        ValueError,
        "shape invariant specified for",
        lambda: tf.while_loop(identity_of, lambda x: x, [tf.ones([2])], shape_invariants=[tf.TensorShape([3])]),
    ),
    "python bool": (TypeError, "pred must not be a Python bool", lambda: tf.cond(True, lambda: 1, lambda: 2)),
    "pred": (TypeError, "pred is a bool", lambda: tf.cond(tf.constant(1), lambda: 1, lambda: 2)),
    "branches' dtypes": (TypeError, "must have the same type", lambda: branch(lambda: 1, lambda: 2.0)),
    "branches' counts": (ValueError, "must return the same", lambda: branch(lambda: [1, 2], lambda: [1])),
    "nothing": (ValueError, "true_fn must have a return value", lambda: branch(lambda: None, lambda: 1)),
    "case": (TypeError, "a pair of a bool tensor and a function", lambda: tf.case([(tf.constant(True), 1)])),
    "scan of a scalar": (ValueError, "goes over the first axis", lambda: tf.scan(lambda a, x: a, tf.constant(1.0))),
    "lengths": (
        ValueError,
        "tensors of one length",
        lambda: tf.map_fn(lambda pair: pair[0], (tf.ones([2]), tf.ones([3])), dtype=tf.float32),
    ),
    "map_fn's dtype": (TypeError, "fn returns int32", lambda: tf.map_fn(lambda x: tf.cast(x, tf.int32), tf.ones([2]))),
    "scan's shape": (ValueError, "for an accumulator of", lambda: tf.scan(lambda a, x: tf.stack([a, x]), tf.ones([2]))),
}


def loop(body, start):
    return tf.while_loop(lambda x: tf.constant(True), body, [tf.constant(start)])


def branch(one, other):
    return tf.cond(tf.constant(True), one, other)


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_say_why_and_where(name):
    kind, message, build = REFUSALS[name]
    with tf.Graph().as_default(), pytest.raises(kind, match=message):
        build()


def test_no_case_without_a_default_is_an_error_of_the_run(session):
    x = tf.placeholder(tf.float32, [])
    none = tf.case([(x > 1.0, lambda: x), (x < -1.0, lambda: -x)])
    both = tf.case([(x > 1.0, lambda: x), (x > 2.0, lambda: -x)], default=lambda: x, exclusive=True)
    assert session.run(none, {x: 5.0}) == 5.0
    assert session.run(none, {x: -5.0}) == 5.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="None of conditions"):
        session.run(none, {x: 0.0})
    assert session.run(both, {x: 1.5}) == 1.5
    with pytest.raises(tf.errors.InvalidArgumentError, match="More than 1 condition"):
        session.run(both, {x: 3.0})


def test_back_prop_off_lets_no_gradient_through(session):
    x = tf.constant([1.0, 2.0])
    assert tf.gradients(tf.scan(lambda a, e: a * e, x, back_prop=False), [x]) == [None]
    out = tf.while_loop(lambda a: tf.reduce_sum(a) < 9.0, lambda a: a * 2.0, [x], back_prop=False)
    assert tf.gradients(out, [x]) == [None]


def test_a_hundred_thousand_rounds_and_their_gradient(session):
    x = tf.constant(1.0, tf.float64)
    y = tf.while_loop(lambda i, _: i < 100_000, lambda i, a: (i + 1, a * x), [0, x])[1]
    assert session.run(tf.gradients(y, [x])) == [100_001.0]
