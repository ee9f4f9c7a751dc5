"""Changes of variables at positions."""

import numpy as np
import pytest

import static
from tests.static.oracle import tensorflow


START = np.arange(1.0, 13.0, dtype="float32").reshape(4, 3)
ROWS, UPDATES = [2, 0, 2], np.array([[1, 2, 4], [3, 3, 3], [2, 2, 2]], "float32")
PLACES, VALUES = [[0, 1], [3, 2], [0, 1]], np.array([5.0, 0.5, 2.0], "float32")


def rows(name):
    return lambda tf, v: getattr(tf, name)(v, ROWS, UPDATES)


def elements(name):
    return lambda tf, v: getattr(tf, name)(v, PLACES, VALUES)


CASES = {f"scatter_{how}": rows(f"scatter_{how}") for how in ("add", "sub", "mul", "div", "min", "max", "update")}
CASES |= {f"scatter_nd_{how}": elements(f"scatter_nd_{how}") for how in ("add", "sub", "update")}
CASES["rows by position"] = lambda tf, v: tf.scatter_nd_add(v, [[1], [1]], UPDATES[:2])
CASES["a scalar for rows"] = lambda tf, v: tf.scatter_sub(v, [1, 3], 2.0)
CASES["a cube of rows"] = lambda tf, v: tf.scatter_add(v, [[0, 1], [1, 3]], np.stack([UPDATES[:2]] * 2))


def changed(tf, build):
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable(START, use_resource=False) if tf is not static else tf.Variable(START)
        change = build(tf, v)
        session.run(tf.global_variables_initializer())
        return session.run(change), session.run(v)


@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
def test_changes_are_those_of_tensorflow(name):
    for value, want in zip(changed(static, CASES[name]), changed(tensorflow(), CASES[name]), strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-6)


def test_integers_are_divided_towards_minus_infinity():
    with static.Session() as session:
        v = static.Variable([7, -7, 9])
        change = static.scatter_div(v, [0, 1], [2, 2])
        session.run(static.global_variables_initializer())
        assert session.run(change).tolist() == [3, -4, 9]


@pytest.mark.parametrize(
    "build",
    [
        lambda v: static.scatter_mul(v, [4], UPDATES[:1]),
        lambda v: static.scatter_nd_add(v, [[0, 3]], [1.0]),
        lambda v: static.scatter_nd_update(v, [[-1, 0]], [1.0]),
    ],
)
def test_positions_outside_are_refused_and_change_nothing(build):
    with static.Session() as session:
        v = static.Variable(START)
        change = build(v)
        session.run(static.global_variables_initializer())
        with pytest.raises(static.errors.InvalidArgumentError):
            session.run(change)
        np.testing.assert_array_equal(session.run(v), START)
