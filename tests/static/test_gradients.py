import numpy as np
import pytest

import static as tf
from graphs.core.errors import GradientError


@pytest.fixture
def session():
    with tf.Session() as session:
        yield session


def test_gradients_of_variables_count_every_reading(session):
    w = tf.Variable([1.0, 2.0])
    ordered = w * 3.0
    with tf.control_dependencies([tf.no_op()]):
        again = w * w
    loss = tf.reduce_sum(ordered + again)
    session.run(w.initializer)
    np.testing.assert_array_equal(session.run(tf.gradients(loss, w)[0]), [5, 7])
    np.testing.assert_array_equal(session.run(tf.gradients(loss, [w, again])[1]), [1, 1])


def test_what_does_not_depend_has_no_gradient():
    x, y = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32, [2])
    k = tf.placeholder(tf.int32, [2])
    loss = tf.reduce_sum(tf.cast(k, tf.float32) * x + tf.floor(y))
    assert [g is None for g in tf.gradients(loss, [x, y, k])] == [False, True, True]
    assert tf.gradients(loss, y, unconnected_gradients="zero")[0].shape == [2]


def test_nothing_flows_through_an_assignment(session):
    w = tf.Variable(2.0)
    new = w.assign(w * 3.0)
    assert tf.gradients(new, w) == [None]


def test_grad_ys_and_several_ys(session):
    x = tf.placeholder(tf.float32, [2])
    (g,) = tf.gradients([x * 2.0, x * x], [x], [[1.0, 10.0], None])
    np.testing.assert_array_equal(session.run(g, {x: [3.0, 4.0]}), [2 + 6, 20 + 8])
    with pytest.raises(ValueError, match="2 grad_ys for 1 ys"):
        tf.gradients(x, x, [None, None])
    with pytest.raises(ValueError, match=r"gradient of shape \(3,\) flows into Placeholder:0, which has shape \(2,\)"):
        tf.gradients(x, x, [tf.ones([3])])


def test_stop_gradients_makes_constants(session):
    x = tf.placeholder(tf.float32)
    y = x * x
    z = y * x
    total, part = tf.gradients(z, x)[0], tf.gradients(z, [x, y], stop_gradients=[y])
    assert session.run([total, *part], {x: 3.0}) == [27.0, 9.0, 3.0]
    assert session.run(tf.gradients(tf.stop_gradient(y) * x, x)[0], {x: 3.0}) == 9.0


def test_gradients_of_gradients(session):
    x = tf.placeholder(tf.float64)
    g = x**4
    values = []
    for _ in range(4):
        values.append(g)
        (g,) = tf.gradients(g, x)
    assert session.run([*values, g], {x: 2.0}) == [16.0, 32.0, 48.0, 48.0, 24.0]


def test_unknown_batch_sizes(session):
    x = tf.placeholder(tf.float32, [None, 3])
    b = tf.Variable(tf.zeros([3]))
    loss = tf.reduce_mean(tf.square(x + b))
    g, gx = tf.gradients(loss, [b, x])
    assert (g.shape.as_list(), gx.shape.as_list()) == ([3], [None, 3])
    session.run(b.initializer)
    for rows in (1, 4):
        np.testing.assert_allclose(session.run(g, {x: np.ones((rows, 3))}), np.full(3, 2 / 3), rtol=1e-6)
    unknown = tf.placeholder(tf.float32)
    (gu,) = tf.gradients(tf.reduce_sum(unknown * b), b)
    np.testing.assert_array_equal(session.run(gu, {unknown: np.ones((2, 5, 3))}), [10, 10, 10])


def test_gradients_are_of_floating_tensors_and_variables():
    k = tf.constant([1, 2])
    with pytest.raises(GradientError, match=r"Const:0 is int32.*test_gradients.py"):
        tf.gradients(k, k)
    with pytest.raises(TypeError, match="not a str"):
        tf.gradients(tf.constant(1.0), "x")


def test_nothing_flows_through_positions():
    x = tf.placeholder(tf.float32, [2, 3])
    assert tf.gradients(tf.cast(tf.argsort(x), tf.float32) + tf.cast(tf.argmax(x, 1), tf.float32)[0], x) == [None]


def test_names_stand_under_gradients():
    x = tf.placeholder(tf.float32, name="x")
    y = tf.exp(x, name="y")
    (g,) = tf.gradients(y, x)
    assert g.name.startswith("gradients/y_grad/")
    (again,) = tf.gradients(y, x)
    assert again.name.startswith("gradients_1/y_grad/")
    assert tf.constant(1.0).name == "Const:0"
