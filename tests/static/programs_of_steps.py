"""Training steps to be interrupted: what is fetched, and what is fed."""

import numpy as np

import static as tf


X = np.random.default_rng(1).normal(size=(4, 6)).astype(np.float32)


def net():
    """Adam on two layers with dropout: a native plan draws between its parts, and changes all in place in the last."""
    x = tf.placeholder(tf.float32, [None, 6])
    hidden = tf.nn.dropout(tf.layers.dense(x, 5, tf.tanh), 0.5)
    loss = tf.reduce_mean(tf.square(tf.layers.dense(hidden, 6) - x))
    step = tf.train.AdamOptimizer(0.01).minimize(loss, global_step=tf.train.get_or_create_global_step())
    return [step, loss], {x: X}


def table():
    """Rows of two tables, one of them with slots, beside a dense variable and a draw."""
    rows = tf.constant([5, 1, 5, 2])
    w, v = tf.Variable(np.ones((8, 3))), tf.Variable(np.ones((8, 3)))
    u = tf.Variable(np.ones(3))
    at = tf.gather(w, rows) * u + tf.gather(v, rows) + tf.random_normal([3], dtype=tf.float64)
    loss = tf.reduce_sum(tf.square(at))
    return [tf.train.AdagradOptimizer(0.1).minimize(loss)], {}


def loop():
    """A loop that changes a variable and draws, and the gradient of another through its rounds; one branch writes."""
    v, w, turn = tf.Variable(1.0), tf.Variable(np.eye(3, dtype=np.float32)), tf.Variable(0)
    _, end = tf.while_loop(
        lambda i, h: i < 4, lambda i, h: (i + 1, tf.tanh(tf.matmul(h, w)) + tf.random_uniform([])), [0, tf.ones([2, 3])]
    )

    def body(i):
        with tf.control_dependencies([v.assign(v * 1.5 + 0.25)]):
            return i + 1

    rounds = tf.while_loop(lambda i: i < 3, body, [0])
    step = tf.train.MomentumOptimizer(0.1, 0.9).minimize(tf.reduce_sum(end))
    which = tf.cond(tf.equal(turn % 2, 0), lambda: turn.assign_add(1), lambda: tf.identity(turn.assign(turn + 3)))
    return [step, rounds, which], {}
