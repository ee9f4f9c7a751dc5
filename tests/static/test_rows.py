"""Rows of variables that change in place: what runs see of it, and that nothing is ever half done."""

import threading

import numpy as np
import pytest

import static as tf
from static.rows import Commit, Rows


TABLE = np.arange(12.0).reshape(4, 3)


@pytest.fixture
def table():
    """A table, an operation that replaces two of its rows, and a session."""
    w = tf.Variable(TABLE, name="w")
    change = tf.scatter_update(w, [2, 0], np.full((2, 3), -1.0))
    with tf.Session() as session:
        session.run(w.initializer)
        yield w, change, session


def changed():
    out = TABLE.copy()
    out[[2, 0]] = -1
    return out


def test_only_a_change_that_nothing_reads_is_in_place(table):
    w, change, session = table
    assert session.plan(change.op).rows
    assert session.plan([w, change.op]).rows
    assert not session.plan(change).rows
    with tf.control_dependencies([change]):
        after = w.read_value()
    assert not session.plan([change.op, after]).rows
    again = tf.scatter_update(w, [1], [[0.0, 0.0, 0.0]])
    assert not session.plan([change.op, again.op]).rows


def test_a_run_reads_what_was_there_before_it(table):
    w, change, session = table
    twice = w * 2.0
    for run in (session.run, session.interpret):
        session.load({w: TABLE})
        before, doubled, _ = run([w, twice, change.op])
        np.testing.assert_array_equal(before, TABLE)
        np.testing.assert_array_equal(doubled, TABLE * 2)
        np.testing.assert_array_equal(session.run(w), changed())
        np.testing.assert_array_equal(before, TABLE)


def test_rows_of_one_table_that_go_into_another_are_those_before_the_run(table):
    w, change, session = table
    i = tf.placeholder("int32", [])
    other = tf.Variable(TABLE * 0)
    session.run(other.initializer)
    taken = tf.scatter_update(other, [1], w[i : i + 1])
    back = tf.scatter_update(w, [0], [[1.0, 2.0, 3.0]])
    for _ in range(3):
        before = session.run(w)
        session.run([change.op, taken.op], {i: 0})
        np.testing.assert_array_equal(session.run(other)[1], before[0])
        session.run(back.op)


def test_what_was_fetched_or_assigned_stays_as_it_was(table):
    w, change, session = table
    other = tf.Variable(TABLE * 0)
    copy = other.assign(w)
    session.run(other.initializer)
    fetched = session.run(copy)
    session.run(change.op)
    np.testing.assert_array_equal(fetched, TABLE)
    np.testing.assert_array_equal(session.run(other), TABLE)
    session.run(copy)
    session.run(tf.scatter_update(w, [1], [[5.0, 5.0, 5.0]]).op)
    np.testing.assert_array_equal(session.run(other), changed())


def test_the_same_memory_from_step_to_step(table):
    w, change, session = table
    session.run(change.op)
    held = session._state[w.op]
    session.run(change.op)
    assert session._state[w.op] is held
    session.run(w.assign(TABLE).op)
    session.run(change.op)
    np.testing.assert_array_equal(session.run(w), changed())


def test_a_run_that_fails_changes_no_row(table):
    w, change, session = table
    zero = tf.placeholder(tf.int32, [])
    with pytest.raises(tf.errors.InvalidArgumentError):
        session.run([change.op, tf.gather(TABLE, zero)], {zero: 9})
    with pytest.raises(tf.errors.InvalidArgumentError, match="row 4 is not one of the 4"):
        session.run(tf.scatter_update(w, [1, 4], np.ones((2, 3))).op)
    np.testing.assert_array_equal(session.run(w), TABLE)


def test_a_commit_that_is_interrupted_changes_nothing(table):
    w, _, session = table
    b = tf.Variable(TABLE + 1)
    session.run([b.initializer, tf.scatter_update(w, [3], TABLE[3:]).op])
    wrong = Rows(np.array([0]), np.ones((2, 3)))
    for written in ({w.op: Rows(np.array([1, 1]), np.ones((2, 3))), b.op: wrong}, {b.op: TABLE, w.op: wrong}):
        with pytest.raises(ValueError, match="shape mismatch"):
            session._commit(written)
        np.testing.assert_array_equal(session.run(w), TABLE)
        np.testing.assert_array_equal(session.run(b), TABLE + 1)


def test_undoing_goes_back_through_changes_of_one_array():
    array = TABLE.copy()
    commit = Commit({"w": array}, {"w": array})
    commit.put({"w": Rows(np.array([0]), np.ones((1, 3)))})
    commit.put({"w": Rows(np.array([0, 1]), np.zeros((2, 3)))})
    commit.undo()
    np.testing.assert_array_equal(array, TABLE)


def test_readers_in_other_threads_see_whole_changes():
    size = 2000
    w = tf.Variable(np.zeros((size, 4)))
    change = tf.scatter_update(w, tf.range(size), w + 1.0)
    ends = [tf.reduce_min(w), tf.reduce_max(w)]
    with tf.Session() as session:
        session.run(w.initializer)
        torn = []

        def read():
            for _ in range(200):
                low, high = session.run(ends)
                if low != high:
                    torn.append((low, high))

        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        for _ in range(200):
            session.run(change.op)
        for reader in readers:
            reader.join()
        assert torn == []
        assert session.run(ends) == [200.0, 200.0]
