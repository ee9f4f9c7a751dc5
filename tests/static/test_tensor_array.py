"""``TensorArray`` against TensorFlow: values and gradients of each way in and out, in loops and outside."""

import numpy
import pytest

import static
from tests.static.oracle import run_in, tensorflow


X = numpy.random.default_rng(0).standard_normal((5, 3))


def grown_in_a_loop(tf, x):
    given = tf.TensorArray(tf.float64, 5, clear_after_read=False).unstack(x)

    def body(i, total, out):
        total = tf.tanh(total * 0.5 + given.read(i))
        return i + 1, total, out.write(i, total * 2.0)

    start = [tf.constant(0), x[0], tf.TensorArray(tf.float64, size=0, dynamic_size=True)]
    _, total, out = tf.while_loop(lambda i, *_: i < 5, body, start)
    stacked = out.stack()
    stacked.set_shape([5, 3])
    return stacked, total


def filled_in_a_loop(tf, x):
    def body(i, out):
        return i + 1, out.write(4 - i, x[i] * x[i])

    out = tf.while_loop(lambda i, _: i < 5, body, [tf.constant(0), tf.TensorArray(tf.float64, 5)])[1]
    return tf.reshape(out.concat(), [15])


def gathered(tf, x):
    array = tf.TensorArray(tf.float64, 5).unstack(x)
    chosen = array.gather([3, 1, 4])
    chosen.set_shape([3, 3])
    return tf.sin(chosen)


def scattered(tf, x):
    out = tf.TensorArray(tf.float64, 5).scatter([4, 0, 1, 2, 3], x).stack()
    out.set_shape([5, 3])
    return out * x


def split(tf, x):
    pieces = tf.TensorArray(tf.float64, 2, clear_after_read=False, infer_shape=False).split(x, [2, 3])
    first, second = pieces.read(0), pieces.read(1)
    first.set_shape([2, 3])
    second.set_shape([3, 3])
    return tf.sin(second), first, tf.TensorArray(tf.float32, 7).size()


@pytest.mark.oracle
@pytest.mark.parametrize("build", [grown_in_a_loop, filled_in_a_loop, gathered, scattered, split])
def test_values_and_gradients_are_tensorflow_s(build):
    ours, theirs = run_in(static, build, [X]), run_in(tensorflow(), build, [X])
    for y, wanted in zip(ours[0] + ours[1], theirs[0] + theirs[1], strict=True):
        numpy.testing.assert_allclose(y, wanted, rtol=1e-12)


@pytest.mark.parametrize("build", [grown_in_a_loop, gathered, scattered, split])
def test_second_gradients_are_finite_differences(build):
    tf = static
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float64, X.shape)
        made = build(tf, x)
        first = tf.gradients(tf.reduce_sum(tf.sin(made[0] if isinstance(made, tuple) else made)), [x])[0]
        slope = tf.reduce_sum(tf.cos(first))
        (second,) = tf.gradients(slope, [x])
        d = numpy.random.default_rng(1).standard_normal(X.shape)
        up, down = (session.run(slope, {x: X + s * 1e-6 * d}) for s in (1, -1))
        numpy.testing.assert_allclose((up - down) / 2e-6, numpy.sum(session.run(second, {x: X}) * d), rtol=1e-5, atol=1e-8)


def test_misuse_is_refused():
    tf = static
    with tf.Graph().as_default(), tf.Session() as session:
        array = tf.TensorArray(tf.float32, 2)
        with pytest.raises(TypeError, match="TensorArray dtype is float32"):
            array.write(0, tf.constant(1))
        with pytest.raises(ValueError, match="Inconsistent shapes"):
            array.write(0, [1.0]).write(1, [1.0, 2.0])
        with pytest.raises(tf.errors.OpError, match="index 5 but array is not resizeable"):
            session.run(array.write(5, 1.0).flow)
        with pytest.raises(tf.errors.OpError, match="has not been written"):
            session.run(array.read(0))
