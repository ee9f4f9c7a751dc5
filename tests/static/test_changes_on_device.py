"""Variables on a GPU are changed at positions as on the host; Python functions get arrays of the host."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import static as tf


SOFT = tf.ConfigProto(allow_soft_placement=True)
AT = [2, 0, 2]
DATA = {"float32": np.array([[8, -6], [4, 2], [-9, 5]], "float32"), "int32": np.array([[8, -6], [4, 2], [-9, 5]], "int32")}


def changed(device: str, dtype: str, how: str) -> Any:
    with tf.Graph().as_default(), tf.device(device):
        w = tf.Variable(DATA[dtype])
        step = getattr(tf, f"scatter_{how}")(w, AT, np.array([[2, 4], [-2, 2], [2, 2]], dtype))
        with tf.Session(config=SOFT) as session:
            session.run(w.initializer)
            for _ in range(3):
                session.run(step.op)
            return session.run(w)


@pytest.mark.parametrize("how", ["add", "sub", "mul", "div", "min", "max"])
@pytest.mark.parametrize("dtype", DATA)
def test_rows_are_changed_there_as_here(gpu: Any, dtype: str, how: str) -> None:
    found, wanted = (changed(device, dtype, how) for device in ("/gpu:0", "/cpu:0"))
    np.testing.assert_array_equal(found, wanted)


def test_rows_that_are_interpreted_change_a_table_there(gpu: Any) -> None:
    with tf.Graph().as_default(), tf.device("/gpu:0"):
        w = tf.Variable(DATA["float32"])
        step = tf.scatter_update(w, [1], [[7.0, 7.0]]).op
        with tf.Session(config=SOFT) as session:
            session.run(w.initializer)
            session.run(tf.scatter_add(w, [0], [[1.0, 1.0]]))
            session.interpret([step])
            np.testing.assert_array_equal(session.run(w), [[9, -5], [7, 7], [-9, 5]])


@pytest.mark.parametrize("stateful", [False, True])
def test_python_functions_get_arrays_of_the_host(gpu: Any, stateful: bool) -> None:
    seen = []

    def turned(array: Any) -> Any:
        seen.append(type(array))
        return array[::-1]

    with tf.Graph().as_default(), tf.device("/gpu:0"):
        x = tf.placeholder(tf.float32, [3])
        y = tf.py_func(turned, [x * 2.0], tf.float32, stateful=stateful) + 1.0
        with tf.Session(config=SOFT) as session:
            for _ in range(3):
                assert session.run(y, {x: [1.0, 2.0, 3.0]}).tolist() == [7.0, 5.0, 3.0]
    assert set(seen) == {np.ndarray}
