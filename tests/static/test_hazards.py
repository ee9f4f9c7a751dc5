"""What docs/hazards.md says."""

import threading
import warnings

import numpy as np
import pytest

import static as tf


@pytest.fixture
def session():
    with tf.Session() as session:
        yield session


def variable(session, value=1.0, **settings):
    v = tf.Variable(value, **settings)
    session.run(v.initializer)
    return v


# Reads and writes in one run


def old_values(v):
    change = v.assign_add(10.0)
    return [v, v * 2.0, change]


def old_values_whatever_the_order(v):
    change = v.assign_add(10.0)
    return [change, v, v * 2.0, tf.identity(v), v.read_value()]


def ordered_read(v):
    before = v * 1.0
    with tf.control_dependencies([v.assign_add(10.0)]):
        return [before, v * 1.0, tf.identity(before), v.read_value()]


def ordered_through_a_group(v):
    with tf.control_dependencies([tf.group(v.assign(5.0))]):
        middle = tf.no_op()
    with tf.control_dependencies([middle]):
        return [tf.identity(v)]


def ordered_writes(v):
    first = v.assign(2.0)
    with tf.control_dependencies([first]):
        second = v.assign(v * 3.0)
    with tf.control_dependencies([second]):
        third = v.assign_add(v)
    return [third, first, second]


def writes_in_order_of_making(v):
    double, add = v.assign(v * 2.0), v.assign_add(10.0)
    return [add, double]


def one_write_needed_in_many_places(v):
    change = v.assign_add(10.0)
    return [change, change, change + 1.0, tf.identity(change), change.op]


def write_nobody_needs(v):
    v.assign(7.0)
    return [v]


def write_behind_a_fetch(v):
    with tf.control_dependencies([v.assign(7.0)]):
        return [tf.no_op()]


def gradient_through_what_the_run_changes(v):
    loss = v * v * v
    return [tf.gradients(loss, v)[0], v.assign(100.0)]


@pytest.mark.parametrize(
    ("build", "fetched", "left"),
    [
        (old_values, [1, 2, 11], 11),
        (old_values_whatever_the_order, [11, 1, 2, 1, 1], 11),
        (ordered_read, [1, 11, 1, 11], 11),
        (ordered_through_a_group, [5], 5),
        (ordered_writes, [12, 2, 6], 12),
        (writes_in_order_of_making, [12, 2], 12),
        (one_write_needed_in_many_places, [11, 11, 12, 11, None], 11),
        (write_nobody_needs, [1], 1),
        (write_behind_a_fetch, [None], 7),
        (gradient_through_what_the_run_changes, [3, 100], 100),
    ],
)
def test_reads_and_writes_in_one_run(session, build, fetched, left):
    v = variable(session)
    fetches = build(v)
    assert session.run(fetches) == fetched
    assert session.run(v) == left
    session.run(v.initializer)
    assert session.run(fetches[::-1]) == fetched[::-1]
    assert session.run(v) == left


def test_an_assignment_runs_once_a_run_and_again_in_the_next(session):
    v = variable(session)
    change = v.assign_add(10.0)
    assert session.run([change, change]) == [11.0, 11.0]
    assert session.run([change, change]) == [21.0, 21.0]


def test_what_is_fetched_or_fed_is_the_callers_own(session):
    v = variable(session, np.ones(3))
    change, read = v.assign(v * 2.0), tf.identity(v)
    for fetch in (v, read, change):
        before = session.run(v).copy()
        session.run(fetch)[...] = -1.0
        assert (session.run(v) == (before * 2.0 if fetch is change else before)).all()
    x = tf.placeholder(tf.float64, [3])
    given = np.full(3, 5.0)
    session.run(v.assign(x), {x: given})
    given[...] = -1.0
    assert (session.run(v) == 5.0).all()


# Feeding


def test_anything_can_be_fed_and_what_only_it_needs_does_not_run(session):
    x = tf.placeholder(tf.float32)
    c = tf.constant(1.0)
    v = variable(session)
    change = v.assign_add(1.0)
    for fetch, feeds, wanted in (
        ([c, c * 2.0], {c: 4.0}, [4, 8]),
        ([(x + 1.0) * 2.0], {x: 1.0}, [4]),
        ([change * 2.0], {change: 7.0}, [14]),
        ([v * 2.0, v], {v: 5.0}, [10, 5]),
    ):
        assert session.run(fetch, feeds) == wanted
        assert session.run(v) == 1.0
    middle = x + 1.0
    assert session.run(middle * 2.0, {middle: 4.0}) == 8.0


def test_a_fed_variable_needs_no_value_and_cannot_be_assigned(session):
    v = tf.Variable(1.0, name="v")
    assert session.run(v * 2.0, {v: 5.0}) == 10.0
    for change in (v.assign(2.0), v.assign(v + 1.0), v.assign_add(1.0), v.initializer):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=r"Assign\S* cannot change variable 'v' in a run that feeds it"
        ):
            session.run(change, {v: 5.0})
    assert not session.run(tf.is_variable_initialized(v))


# Initialising


def test_a_variable_without_a_value_is_named_with_its_line(session):
    v = tf.Variable(1.0, name="late")
    for fetch in (v, v * 2.0, v.assign_add(1.0)):
        with pytest.raises(
            tf.errors.FailedPreconditionError, match=r"uninitialized value late[\s\S]*test_hazards.py:\d+  v = "
        ):
            session.run(fetch)


def test_initial_values_that_need_others(session):
    a = tf.Variable(tf.random_normal([3]), name="a")
    b = tf.Variable(a * 3.0, name="b")
    c = tf.Variable(b.initialized_value() + a.initialized_value(), name="c")
    session.run(tf.global_variables_initializer())
    x, y, z = session.run([a, b, c])
    assert (y == x * 3.0).all()
    assert (z == y + x).all()
    session.run(a.assign(tf.ones([3])))
    session.run(b.initializer)
    assert session.run(b).tolist() == [3.0, 3.0, 3.0]


def test_initializing_in_the_wrong_order(session):
    a = tf.Variable(2.0, name="a")
    b = tf.Variable(a * 3.0, name="b")
    change = b.assign(a * 4.0)
    session.run(b.initializer)
    assert session.run(b) == 6.0
    with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value a"):
        session.run(change)
    assert session.run(b) == 6.0
    session.run(a.initializer)
    session.run(change)
    assert session.run(b) == 8.0


def test_an_initializer_is_of_the_variables_made_before_it_and_starts_again(session):
    v = tf.Variable(1.0)
    start = tf.global_variables_initializer()
    late = tf.Variable(1.0)
    session.run(start)
    session.run(v.assign_add(5.0))
    with pytest.raises(tf.errors.FailedPreconditionError):
        session.run(late)
    session.run(start)
    assert session.run(v) == 1.0


# Runs that fail


def test_a_run_that_fails_leaves_everything_and_the_session_works_on(session):
    v, w = variable(session), variable(session, [1.0, 2.0])
    x = tf.placeholder(tf.float32)
    step = tf.group(v.assign_add(1.0), w.assign_add(x))
    for wrong in ([1.0, 2.0, 3.0], np.ones((2, 2))):
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(step, {x: wrong})
        assert session.run(v) == 1.0
        assert session.run(w).tolist() == [1.0, 2.0]
    session.run(step, {x: [10.0, 10.0]})
    assert session.run(v) == 2.0
    assert session.run(w).tolist() == [11.0, 12.0]


# Threads


def test_sixteen_threads_on_two_sessions_of_one_graph():
    x = tf.placeholder(tf.float64, [None, 4])
    a, b = tf.Variable(0), tf.Variable(np.zeros(50, np.int64))
    w = tf.Variable(np.eye(4))
    count = tf.group(a.assign_add(1), b.assign_add(np.ones(50, np.int64)))
    y = tf.reduce_sum(tf.square(tf.matmul(tf.nn.relu(x), w)) + tf.exp(x * 0.0), 1)
    slope = tf.gradients(y, x)[0]
    noise = tf.random_uniform([3])
    sessions = [tf.Session(), tf.Session()]
    for session in sessions:
        session.run(tf.global_variables_initializer())
    tf.get_default_graph().finalize()
    wrong = []
    draws = [set(), set()]

    def work(number):
        which = number % 2
        session, rows = sessions[which], number + 1
        for turn in range(250):
            given = np.full((rows, 4), 1.0 + number + turn / 1000)
            session.run(count)
            values, slopes = session.run([y, slope], {x: given})
            seen, many = session.run([a, b])
            draws[which].add(session.run(noise).tobytes())
            right = (values == 4.0 + np.square(given).sum(1)).all() and (slopes == 2.0 * given).all()
            if not right or (many != seen).any():
                wrong.append((number, turn, values, slopes, seen, many))

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert not wrong
    for session, drawn in zip(sessions, draws, strict=True):
        assert session.run(b).tolist() == [2000] * 50
        assert len(drawn) == 2000


# Growing graphs


def test_a_graph_that_grows_in_a_loop_is_noticed_once_at_its_line(session):
    v = variable(session)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(60):
            session.run(tf.assign(v, float(i)))
        line = test_a_graph_that_grows_in_a_loop_is_noticed_once_at_its_line.__code__.co_firstlineno + 5
    assert [(w.category, w.filename, w.lineno) for w in caught] == [(RuntimeWarning, __file__, line)]
    message = str(caught[0].message)
    assert "grows in a loop: from" in message
    assert f"test_hazards.py:{line}  session.run(tf.assign(v, float(i)))" in message


def test_a_graph_that_grows_on_many_lines_or_is_run_in_many_ways_is_not(session):
    v = variable(session)
    tensors = [v * float(i) for i in range(60)]
    for tensor in tensors:
        session.run(tensor)
    for i in range(15):
        session.run(v + float(i))
    for i in range(15):
        session.run(v - float(i))
    x = tf.placeholder(tf.float32)
    for i in range(60):
        session.run(x, {x: np.ones(i)})


def test_a_finalized_graph_makes_an_error_of_growing(session):
    v = variable(session)
    session.graph.finalize()
    with pytest.raises(RuntimeError, match=r"Graph is finalized[\s\S]*test_hazards.py:\d+  session.run\(v \+ 1.0\)"):
        session.run(v + 1.0)


# Loops and branches


def test_a_loop_that_changes_a_variable_reads_what_its_last_round_left(session):
    v = variable(session)

    def body(i):
        with tf.control_dependencies([v.assign(v * 2.0)]):
            return i + 1

    rounds = tf.while_loop(lambda i: v < 30.0, body, [0])
    assert session.run([rounds, v]) == [5, 1.0]
    assert session.run([rounds, v]) == [0, 32.0]


def test_a_branch_reads_the_old_value_and_writes_only_where_it_is_taken(session):
    v, w = variable(session), variable(session, 2.0)
    flag = tf.placeholder(tf.bool)
    y = tf.cond(flag, lambda: v.assign(v + 10.0), lambda: w.assign(w * 3.0) + v)
    assert session.run([y, v, w], {flag: True}) == [11.0, 1.0, 2.0]
    assert session.run([v, w]) == [11.0, 2.0]
    assert session.run([y, v, w], {flag: False}) == [17.0, 11.0, 2.0]
    assert session.run([v, w]) == [11.0, 6.0]
