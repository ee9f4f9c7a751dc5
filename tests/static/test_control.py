"""Loops and branches against TensorFlow: values, gradients, names, refusals."""

import numpy
import pytest

import static
from tests.static.oracle import tensorflow


def normal(*shape, seed=0):
    return numpy.random.default_rng([seed, *shape]).standard_normal(shape)


def halving(tf, x):
    """A trip count that depends on the data."""
    return tf.while_loop(
        lambda i, h: tf.reduce_sum(tf.square(h)) > 0.1,
        lambda i, h: (i + 1, tf.tanh(h) * 0.7),
        [tf.constant(0), x],
    )[1]


def counted(tf, x):
    return tf.while_loop(lambda i, a, b: i < 5, lambda i, a, b: (i + 1, b, a * b + x), [tf.constant(0), x, x * 0.5])[1:]


def nested_structure(tf, x):
    def body(i, state):
        (a, b), c = state["pair"], state["single"]
        return i + 1, {"pair": (b, a * 0.5), "single": c + a * b}

    return tf.while_loop(lambda i, state: i < 4, body, [tf.constant(0), {"pair": (x, x + 1.0), "single": x * 0.0}])[1][
        "single"
    ]


def growing(tf, x):
    out = tf.while_loop(
        lambda i, a: i < 3,
        lambda i, a: (i + 1, tf.concat([a, a[:1] * 2.0], 0)),
        [tf.constant(0), x],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])],
    )
    return out[1]


def bounded(tf, x):
    return tf.while_loop(lambda a: tf.constant(True), lambda a: a * x, [x], maximum_iterations=3)


def over_rows(tf, x):
    """As many rounds as there are rows, each of which reads one: of no rows, none."""
    state = [tf.constant(0), tf.constant([0.5, -1.0, 2.0], tf.float64)]
    return tf.while_loop(lambda i, h: i < tf.shape(x)[0], lambda i, h: (i + 1, tf.sin(h) + x[i] * h), state)[1]


def inner_loop(tf, x):
    def body(i, a):
        j = tf.while_loop(lambda j, b: j < i + 1, lambda j, b: (j + 1, tf.sin(b) + x), [tf.constant(0), a])
        return i + 1, j[1] * 0.5

    return tf.while_loop(lambda i, a: i < 4, body, [tf.constant(0), x])[1]


def branch_in_loop(tf, x):
    def body(i, a):
        return i + 1, tf.cond(
            tf.equal(i % 2, 0),
            lambda: a * x,
            lambda: tf.while_loop(lambda j, b: j < i, lambda j, b: (j + 1, b + tf.sin(x)), [tf.constant(0), a])[1],
        )

    return tf.while_loop(lambda i, a: i < 5, body, [tf.constant(0), x])[1]


def loop_in_branch(tf, x):
    def powers():
        return tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * x), [tf.constant(0), x])[1]

    return tf.cond(tf.reduce_sum(x) > 0.0, powers, lambda: tf.exp(x)), tf.cond(
        tf.reduce_sum(x) < 0.0, powers, lambda: tf.exp(x)
    )


def branches(tf, x):
    positive = tf.reduce_sum(x) > 0.0
    pair = tf.cond(positive, lambda: (x * 2.0, tf.sin(x)), lambda: (x * x, x))
    named = tf.cond(positive, lambda: {"a": x, "b": [x * x]}, lambda: {"a": -x, "b": [x]})
    return pair[0], pair[1], named["a"], named["b"][0]


def nested_branches(tf, x):
    s = tf.reduce_sum(x)
    return tf.cond(
        s > 0.0, lambda: tf.cond(s > 100.0, lambda: x, lambda: x * s), lambda: tf.cond(s < -1.0, lambda: -x, lambda: x * x)
    )


def cases(tf, x):
    s = tf.reduce_sum(x)
    return tf.case([(s < -10.0, lambda: x), (s < 10.0, lambda: x * x)], default=lambda: tf.exp(x)), tf.case(
        {s > 50.0: lambda: x}, default=lambda: tf.sin(x)
    )


def switched(tf, x):
    return tf.switch_case(tf.constant(1), [lambda: x, lambda: x * x, lambda: tf.exp(x)]), tf.switch_case(
        tf.constant(7), {0: lambda: x, 1: lambda: x * 3.0}
    )


def scanned(tf, x):
    return tf.scan(lambda a, e: tf.tanh(a * 0.5 + e), x)


def scanned_from(tf, x):
    w = tf.constant(normal(3, 3, seed=9))
    return tf.scan(lambda a, e: tf.tanh(tf.matmul(a[None], w)[0] + e), x, initializer=x[0] * 0.1)


def scanned_backwards(tf, x):
    return tf.scan(lambda a, e: a * 0.5 + tf.sin(e), x, reverse=True), tf.scan(
        lambda a, e: a * 0.5 + e, x, initializer=x[1], reverse=True
    )


def scanned_structures(tf, x):
    out = tf.scan(
        lambda a, e: (a[0] + e[0], a[1] * e[1]["k"]), (x, {"k": tf.cos(x)}), initializer=(x[0], tf.ones_like(x[0]))
    )
    return out[0], out[1]


def mapped(tf, x):
    pair = tf.map_fn(lambda e: (e * e, tf.reduce_sum(e)), x, dtype=(tf.float64, tf.float64))
    return (
        tf.map_fn(lambda e: tf.sin(e) * e, x),
        pair[0],
        pair[1],
        tf.map_fn(lambda e: e[0] * e[1], (x, tf.exp(x)), dtype=tf.float64),
    )


def folded(tf, x):
    return (
        tf.foldl(lambda a, e: a * 0.5 + e, x),
        tf.foldr(lambda a, e: a * 0.5 + e, x),
        tf.foldl(lambda a, e: a + tf.reduce_sum(e), x, initializer=tf.constant(1.0, tf.float64)),
        tf.foldr(lambda a, e: a * e, x, initializer=tf.ones_like(x[0])),
    )


VECTOR, MATRIX = normal(3), normal(4, 3)
CASES = [
    (halving, VECTOR),
    (counted, VECTOR),
    (nested_structure, VECTOR),
    (growing, VECTOR),
    (bounded, VECTOR),
    (over_rows, MATRIX),
    (over_rows, MATRIX[:0]),
    (inner_loop, VECTOR),
    (branch_in_loop, VECTOR),
    (loop_in_branch, VECTOR),
    (branches, VECTOR),
    (nested_branches, VECTOR),
    (cases, VECTOR),
    (switched, VECTOR),
    (scanned, MATRIX),
    (scanned_from, MATRIX),
    (scanned_backwards, MATRIX),
    (scanned_structures, MATRIX),
    (mapped, MATRIX),
    (folded, MATRIX),
]


def derivatives(tf, build, array, dims):
    """What ``build`` gives, and the gradient of a weighted sum of it (TensorFlow has no second one for loops)."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float64, dims)
        made = build(tf, x)
        outs = list(made) if isinstance(made, (list, tuple)) else [made]
        total = tf.add_n([tf.reduce_sum(tf.sin(y) * (i + 1.0)) for i, y in enumerate(outs)])
        (first,) = tf.gradients(total, [x])
        with tf.Session() as session:
            return session.run([*outs, first], {x: array})


def ids(cases):
    return [f"{case[0].__name__}{'' if case[1].size else ' of nothing'}" for case in cases]


@pytest.mark.oracle
@pytest.mark.parametrize("known", [True, False], ids=["known sizes", "unknown sizes"])
@pytest.mark.parametrize(("build", "array"), CASES, ids=ids(CASES))
def test_values_and_gradients_are_tensorflow_s(build, array, known):
    if build is growing and known:
        known = False  # TensorFlow's stacks want the invariant of the loop to hold from the start
    dims = array.shape if known else (None,) * array.ndim
    ours = derivatives(static, build, array, dims)
    theirs = derivatives(tensorflow(), build, array, dims)
    for y, wanted in zip(ours, theirs, strict=True):
        numpy.testing.assert_allclose(y, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("build", "array"), CASES, ids=ids(CASES))
def test_gradients_are_finite_differences(build, array):
    tf = static
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float64, array.shape)
        made = build(tf, x)
        outs = list(made) if isinstance(made, (list, tuple)) else [made]
        total = tf.add_n([tf.reduce_sum(tf.sin(y) * (i + 1.0)) for i, y in enumerate(outs)])
        (first,) = tf.gradients(total, [x])
        slope = tf.reduce_sum(tf.cos(first))
        (second,) = tf.gradients(slope, [x])
        with tf.Session() as session:
            for value, gradient in ((total, first), (slope, second)):
                d = normal(*array.shape, seed=5)
                up, down = (session.run(value, {x: array + s * 1e-6 * d}) for s in (1, -1))
                wanted = numpy.sum(session.run(gradient, {x: array}) * d)
                numpy.testing.assert_allclose((up - down) / 2e-6, wanted, rtol=1e-5, atol=1e-7)
