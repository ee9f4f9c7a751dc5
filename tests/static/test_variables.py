import numpy as np
import pytest

import static as tf


@pytest.fixture
def session():
    with tf.Session() as session:
        yield session


def start(session):
    session.run(tf.global_variables_initializer())


@pytest.mark.parametrize(
    ("initial", "value"),
    [
        (3.0, np.float32(3)),
        ([1, 2], np.array([1, 2], np.int32)),
        (np.ones((2, 2)), np.ones((2, 2))),
        (lambda: tf.zeros([3]), np.zeros(3, np.float32)),
        (lambda: 2.0, np.float32(2)),
    ],
)
def test_initial_values(session, initial, value):
    v = tf.Variable(initial)
    start(session)
    assert v.dtype == np.asarray(value).dtype
    np.testing.assert_array_equal(session.run(v), value)


def test_a_variable_needs_an_initial_value():
    with pytest.raises(ValueError, match=r"(?s)initial_value must be specified.*test_variables.py"):
        tf.Variable()


def test_reads_see_what_the_run_found(session):
    w = tf.Variable(1.0)
    before = w * 10.0
    new = w.assign(w + 1.0)
    after = w * 100.0
    start(session)
    for step in range(1, 4):
        assert session.run([before, new, after, w]) == [10.0 * step, step + 1.0, 100.0 * step, step]
    assert session.run(w) == 4.0


def test_control_dependencies_order_reads_after_assignments(session):
    w = tf.Variable(1.0)
    new = w.assign(5.0)
    with tf.control_dependencies([new]):
        seen = w + 0.0
        nothing = tf.no_op()
    with tf.control_dependencies([nothing]):
        through = tf.identity(w)
    with tf.control_dependencies([tf.constant(0.0)]):
        unordered = w + 0.0
    start(session)
    assert session.run([seen, through, unordered, w]) == [5.0, 5.0, 1.0, 1.0]


def test_both_of_two_additions_count(session):
    w = tf.Variable(1.0)
    first, second, less = w.assign_add(2.0), w.assign_add(3.0), w.assign_sub(0.5)
    start(session)
    assert session.run([first, second, less, w]) == [3.0, 6.0, 5.5, 1.0]
    assert session.run(w) == 5.5


def test_additions_follow_assignments_that_stand_before_them(session):
    w = tf.Variable(1.0)
    change = [w.assign(10.0), w.assign_add(1.0)]
    assert session.run(change) == [10.0, 11.0]  # w had no value before
    assert session.run(w) == 11.0


def test_the_functions_are_the_methods(session):
    w = tf.Variable([1.0, 2.0])
    ops = [tf.assign_add(w, [1.0, 1.0]), tf.assign_sub(w, [0.5, 0.5]), tf.assign(w, [7.0, 8.0])]
    start(session)
    np.testing.assert_array_equal(session.run(ops), [[2, 3], [1.5, 2.5], [7, 8]])


def test_rows_are_replaced_and_added_to(session):
    w = tf.Variable(np.zeros((3, 2), np.float32))
    start(session)
    np.testing.assert_array_equal(session.run(w.scatter_update([2], [[1.0, 2.0]])), [[0, 0], [0, 0], [1, 2]])
    added = tf.scatter_add(w, [0, 0], [[1.0, 1.0], [1.0, 1.0]])
    np.testing.assert_array_equal(session.run(added), [[2, 2], [0, 0], [1, 2]])


def test_one_run_initialises_variables_that_depend_on_others(session):
    a = tf.Variable(tf.random_normal([3]))
    b = tf.Variable(a.initialized_value() * 2.0)
    c = tf.Variable(b + 1.0)  # no initialized_value: it is put in
    start(session)
    x, y, z = session.run([a, b, c])
    np.testing.assert_array_equal(y, x * 2)
    np.testing.assert_array_equal(z, y + 1)


def test_variables_without_a_value_are_named(session):
    v = tf.Variable(1.0, name="v")
    w = tf.Variable(1.0, name="w")
    assert session.run(tf.is_variable_initialized(v)) == np.False_
    session.run(w.initializer)
    np.testing.assert_array_equal(session.run(tf.report_uninitialized_variables()), [b"v"])
    for fetch in (v, v + w, v.assign_add(1.0), w + v.initialized_value() * v):
        with pytest.raises(
            tf.errors.FailedPreconditionError, match=r"(?s)uninitialized value v .*node 'v' .*test_variables.py"
        ) as e:
            session.run(fetch)
        assert e.value.op is v.op
    session.run(v.initializer)
    assert session.run(tf.report_uninitialized_variables()).shape == (0,)


def test_each_session_has_its_own_values():
    w = tf.Variable(1.0)
    with tf.Session() as one, tf.Session() as two:
        one.run(w.initializer)
        two.run(w.initializer)
        one.run(w.assign(5.0))
        assert (one.run(w), two.run(w)) == (5.0, 1.0)


@pytest.mark.parametrize(
    ("change", "value", "message"),
    [
        (lambda w, x: w.assign(x), [1, 2, 3], r"a value of shape \(3,\) is assigned to a variable of shape \(2,\)"),
        (lambda w, x: w.assign_add(x), 1.0, r"variable of shape \(2,\) is changed by a value of shape \(\)"),
        (lambda w, x: w.assign_sub(x), [[1, 2]], r"variable of shape \(2,\) is changed by a value of shape \(1, 2\)"),
        (lambda w, x: w.scatter_add([1], x), [1, 2], r"updates of shape \(2,\) are given for rows of shape \(1,\)"),
        (lambda w, x: w.scatter_update([0, 2], x), [1, 2], "row 2 is not one of the 2 of the variable"),
        (lambda w, x: w.scatter_add([-1, 0], x), [1, 2], "row -1 is not one of the 2 of the variable"),
    ],
)
def test_values_that_do_not_fit_are_refused_in_the_run(session, change, value, message):
    w = tf.Variable([1.0, 2.0])
    x = tf.placeholder(tf.float32)
    new = change(w, x)
    start(session)
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"{message}[\s\S]*test_variables.py"):
        session.run(new, {x: value})
    np.testing.assert_array_equal(session.run(w), [1, 2])


def test_load_and_eval(session):
    w = tf.Variable([1.0, 2.0], name="w")
    w.load([3, 4])
    np.testing.assert_array_equal(w.eval(), [3, 4])
    with pytest.raises(ValueError, match=r"shape \(3,\) for Tensor 'w:0'"):
        w.load([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("assign", "message"),
    [
        (lambda w: w.assign(tf.zeros([3])), r"Assign: assign: a value of shape \(3,\) .* variable of shape \(2,\)"),
        (lambda w: w.assign_add(1.0), r"AssignAdd: .* variable of shape \(2,\) is changed by a value of shape \(\)"),
        (lambda w: w.assign_sub([[1.0, 2.0]]), r"AssignSub: .* variable of shape \(2,\) .* of shape \(1, 2\)"),
        (lambda w: w.assign(tf.zeros([2], tf.float64)), "requested dtype float32"),
        (lambda w: w.assign("text"), "'text'"),
    ],
)
def test_values_that_do_not_fit_are_refused_while_building(assign, message):
    with pytest.raises((ValueError, TypeError), match=message):
        assign(tf.Variable([1.0, 2.0]))


def test_a_shape_known_to_the_run_only_is_checked_there(session):
    w = tf.Variable([1.0, 2.0])
    x = tf.placeholder(tf.float32, [None])
    new = w.assign(x)
    start(session)
    session.run(new, {x: [5, 6]})
    np.testing.assert_array_equal(session.run(w), [5, 6])
    np.testing.assert_array_equal(session.run(new * 2.0, {x: [3, 4]}), [6, 8])
    session.run(new, {x: [5, 6]})
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)shape \(3,\) is assigned.*'Assign'.*test_variables.py"):
        session.run(new, {x: [1, 2, 3]})
    np.testing.assert_array_equal(session.run(w), [5, 6])


def test_validate_shape_false_lets_the_shape_change(session):
    w = tf.Variable([1.0], validate_shape=False)
    start(session)
    session.run(w.assign(tf.zeros([2, 2])))
    assert session.run(w).shape == (2, 2)


def test_operators_read_the_variable(session):
    w = tf.Variable([1.0, 2.0])
    start(session)
    value = session.run([w + 1.0, 1.0 - w, w * w, w[1], -w, np.array([1.0, 1.0]) + w, w > 1.5])
    np.testing.assert_array_equal(value[:4][0], [2, 3])
    np.testing.assert_array_equal(value[5], [2, 3])
    np.testing.assert_array_equal(value[6], [False, True])
    for use in (bool, list):
        with pytest.raises(TypeError, match="Variable"):
            use(w)
