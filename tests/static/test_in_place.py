"""Hot plans change variables in their own memory: what a run leaves there is what plans as written leave."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import static as tf
from tests.agree.test_native_programs import hot_at_once


ROW, TABLE = (4,), (3, 4)


def changed(session: tf.Session, updates: list[Any], feeds: list[dict[Any, Any]]) -> list[numpy.ndarray]:
    """What the variables hold after runs of ``updates``, the first from their first values."""
    session.run(tf.global_variables_initializer())
    for each in feeds:
        session.run(updates, each)
    return list(session.run(tf.global_variables()))


def agree(updates: list[Any], feeds: list[dict[Any, Any]], why: str = "") -> int:
    """Assert that a hot session leaves what one without passes does; how many variables it changed in place."""
    plain, hot = tf.Session(passes=()), tf.Session()
    with hot_at_once():
        found = changed(hot, updates, feeds)
        inplace = len(hot.plan(updates, feeds[0]).inplace)
    for each, wanted in zip(found, changed(plain, updates, feeds), strict=True):
        numpy.testing.assert_allclose(each, wanted, rtol=1e-9, atol=1e-12, err_msg=why)
    return inplace


@pytest.mark.parametrize("order", [1, -1])
def test_a_new_value_of_which_another_is_computed(order: int) -> None:
    with tf.Graph().as_default():
        x = tf.placeholder("float64", ROW)
        row, table = tf.Variable(numpy.ones(ROW)), tf.Variable(numpy.ones(TABLE))
        next_row = row * 0.5 + x
        new = {row: next_row, table: table * 0.9 + next_row}
        updates = [tf.assign(variable, new[variable]).op for variable in (row, table)[::order]]
        assert agree(updates, [{x: numpy.arange(4.0)}] * 4) == 2


def test_a_row_of_what_changes() -> None:
    """What Python's kernels hand on may be a view of a variable: nothing is changed in place that an update still reads."""
    with tf.Graph().as_default():
        x, i = tf.placeholder("float64", TABLE), tf.placeholder("int32", ())
        table, row = tf.Variable(numpy.arange(12.0).reshape(TABLE)), tf.Variable(numpy.ones(ROW))
        taken = table[i]
        updates = [tf.assign(table, table * 0.5 + x).op, tf.assign(row, row * 0.9 + taken).op]
        agree(updates, [{x: numpy.ones(TABLE), i: run % 3} for run in range(4)])


def made_of(chosen: random.Random, i: Any, a: Any, b: Any) -> Any:
    """Something in one of the shapes: a mean, a view that Python's kernels make, or a sum's function."""
    kind = chosen.random()
    if kind < 0.25:
        return tf.reduce_mean(a, 0 if a.shape.ndims == 2 else None)
    if kind < 0.35 and a.shape.ndims == 2:
        return a[i]
    if kind < 0.4:
        return tf.cond(i > 0, lambda: tf.identity(a), lambda: a * 2.0)
    return tf.tanh(a + b)


def test_steps_that_nobody_chose(many: Callable[[int], int]) -> None:
    """Variables of several shapes, each new value of the old ones and of other new ones, assigned in any order."""
    counts = []
    for number in range(many(500)):
        chosen = random.Random(number)
        with tf.Graph().as_default():
            x, i = tf.placeholder("float64", TABLE), tf.placeholder("int32", ())
            variables = [
                tf.Variable(numpy.full(chosen.choice([ROW, TABLE, TABLE]), 0.5)) for _ in range(chosen.randint(2, 4))
            ]
            pool, new = [x, *variables], {}
            for variable in chosen.sample(variables, len(variables)):
                for _ in range(chosen.randint(0, 2)):
                    pool.append(made_of(chosen, i, chosen.choice(pool), chosen.choice(pool)))
                fitting = [each for each in pool if each.shape.as_list() in ([], [4], variable.shape.as_list())]
                new[variable] = variable * 0.9 + chosen.choice(fitting[-3:]) * chosen.choice([1.0, 0.5])
                pool.append(new[variable])
            asked = chosen.sample(variables, len(variables))
            made = [tf.assign(variable, new[variable]) for variable in asked]
            fetches = [each if chosen.random() < 0.2 else each.op for each in made]
            feeds = [{x: numpy.linspace(-1.0, run, 12).reshape(TABLE), i: run % 3} for run in range(4)]
            counts.append(agree(fetches, feeds, f"graph {number}"))
    assert sum(count > 1 for count in counts) > len(counts) // 10
