"""The TensorFlow program of the fifth source document, as printed, with only its import line changed."""

import contextlib
import io

import numpy as np
import pytest

import static as tf


LISTING = """\
import static as tf
import numpy as np
N, D_in, H, D_out = 64, 1000, 100, 10
x = tf.placeholder(tf.float32, shape=(None, D_in))
y = tf.placeholder(tf.float32, shape=(None, D_out))
w1 = tf.Variable(tf.random_normal((D_in, H)))
w2 = tf.Variable(tf.random_normal((H, D_out)))
h = tf.matmul(x, w1)
h_relu = tf.maximum(h, tf.zeros(1))
y_pred = tf.matmul(h_relu, w2)
loss = tf.reduce_sum((y - y_pred) ** 2.0)
grad_w1, grad_w2 = tf.gradients(loss, [w1, w2])
learning_rate = 1e-6
new_w1 = w1.assign(w1 - learning_rate * grad_w1)
new_w2 = w2.assign(w2 - learning_rate * grad_w2)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    x_value = np.random.randn(N, D_in)
    y_value = np.random.randn(N, D_out)
    for _ in range(500):
		# Run the same graph with different batch of training data
        loss_value, _, _ = sess.run([loss, new_w1, new_w2],
                                    feed_dict={x: x_value, y: y_value})
        print(loss_value)
"""


def test_it_runs_as_printed_and_learns():
    np.random.seed(0)
    tf.set_random_seed(0)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(LISTING, "listing.py", "exec"), {})
    losses = [float(line) for line in printed.getvalue().split()]
    assert len(losses) == 500
    assert losses[0] > 1e7
    assert losses[-1] < 1e-2


@pytest.mark.parametrize("fetch_last_first", [False, True])
def test_its_unordered_assignment_and_read_give_the_ordered_numbers(fetch_last_first):
    """``new_w2`` is assigned while the gradient of ``w1`` reads ``w2``, in no order (TensorFlow 1.15 ends in NaN)."""
    names = {}
    head, _, _ = LISTING.partition("with tf.Session")
    exec(head, names)
    x, y, w1, w2 = (names[name] for name in ("x", "y", "w1", "w2"))
    rng = np.random.default_rng(3)
    x_value, y_value = rng.standard_normal((64, 1000)), rng.standard_normal((64, 10))
    a, b = rng.standard_normal((1000, 100)).astype(np.float32), rng.standard_normal((100, 10)).astype(np.float32)
    fetches = [names["loss"], names["new_w1"], names["new_w2"]]
    with tf.Session() as session:
        session.load({w1: a, w2: b})
        losses = [session.run(fetches[::-1] if fetch_last_first else fetches, {x: x_value, y: y_value}) for _ in range(10)]
        final = session.run([w1, w2])
    losses = [values[2 if fetch_last_first else 0] for values in losses]
    wanted = by_hand(x_value.astype(np.float32), y_value.astype(np.float32), a, b, 10)
    np.testing.assert_array_equal(losses, wanted[0])
    for ours, want in zip(final, wanted[1:], strict=True):
        np.testing.assert_array_equal(ours, want)


def by_hand(x, y, a, b, steps):
    losses = []
    for _ in range(steps):
        h = x @ a
        relu = np.maximum(h, np.zeros(1, np.float32))
        error = y - relu @ b
        losses.append(np.sum(error**2.0))
        slope = -(np.ones_like(error) * (error * np.float32(2.0)))
        to_b = relu.T @ slope
        to_a = x.T @ ((slope @ b.T) * (h >= 0))
        a, b = a - np.float32(1e-6) * to_a, b - np.float32(1e-6) * to_b
    return losses, a, b
