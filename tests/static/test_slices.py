"""``IndexedSlices``, gradients that are such, and what optimizers make of them, against TensorFlow."""

import numpy as np
import pytest

import static
import static as tf
from tests.static.oracle import tensorflow


F = np.float64
RNG = np.random.default_rng(3)
TABLE = RNG.standard_normal((7, 3))
ROWS = np.array([4, 1, 4, 6])

USES = {
    "a gather": lambda tf, w: tf.gather(w, [4, 1, 4]),
    "a gather by a matrix": lambda tf, w: tf.gather(w, [[4, 1], [4, 0]]),
    "a gather of one row": lambda tf, w: tf.gather(w, 2),
    "two gathers": lambda tf, w: tf.concat([tf.square(tf.gather(w, [5, 1])), tf.gather(w, [1, 1])], 0),
    "a lookup": lambda tf, w: tf.tanh(tf.nn.embedding_lookup(w, [3, 3, 0])),
    "a gather of a product": lambda tf, w: tf.gather(w * 2.0, [4, 1, 4]),
    "a gather along another axis": lambda tf, w: tf.gather(w, [2, 0], axis=1),
    "a gather and all": lambda tf, w: tf.concat([tf.gather(w, [5, 1]), tf.square(w)], 0),
    "an index": lambda tf, w: w[tf.constant(3)],
    "a slice": lambda tf, w: w[2:4],
}


def gradient(tf, use):
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.Variable(TABLE)
        y = use(tf, w)
        weights = tf.cos(tf.cast(tf.reshape(tf.range(y.shape.num_elements()), y.shape), tf.float64))
        (g,) = tf.gradients(y, [w], [weights])
        session.run(tf.global_variables_initializer())
        sparse = isinstance(g, tf.IndexedSlices)
        return sparse, session.run(tf.convert_to_tensor(g)), session.run(g), (tf.gradients(tf.convert_to_tensor(g), [w]))


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices")
@pytest.mark.parametrize("name", USES)
def test_gradients_are_slices_where_they_are_in_tensorflow(name):
    sparse, whole, fetched, _ = gradient(static, USES[name])
    theirs, their_whole, their_fetched, _ = gradient(tensorflow(), USES[name])
    assert sparse == theirs
    np.testing.assert_allclose(whole, their_whole, rtol=1e-12)
    if sparse:
        assert type(fetched).__name__ == "IndexedSlicesValue"
        assert fetched.values.shape == their_fetched.values.shape
        np.testing.assert_array_equal(fetched.dense_shape, their_fetched.dense_shape)
        order, their_order = (np.argsort(x.indices, kind="stable") for x in (fetched, their_fetched))
        np.testing.assert_array_equal(fetched.indices[order], their_fetched.indices[their_order])


def test_a_gradient_of_a_gradient_that_is_slices():
    w = tf.Variable(TABLE)
    (g,) = tf.gradients(tf.reduce_sum(tf.gather(w, [4, 1, 4]) ** 3), [w])
    (second,) = tf.gradients(tf.square(g), [w])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        count = np.bincount([4, 1, 4], minlength=7)[:, None]
        np.testing.assert_allclose(
            session.run(tf.convert_to_tensor(second)), 2 * (3 * count * TABLE**2) * 6 * count * TABLE, rtol=1e-12
        )


def test_nothing_dense_runs_for_slices():
    w = tf.Variable(TABLE)
    (g,) = tf.gradients(tf.reduce_sum(tf.gather(w, tf.constant(ROWS)) ** 2), [w])
    step = tf.train.AdagradOptimizer(0.1).apply_gradients([(g, w)])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        ran = []
        session.interpret([g, step], observe=lambda node, _, outs: ran.append((node.op.name, [np.shape(x) for x in outs])))
    assert "take" in [name for name, _ in ran]
    assert "scatter_update" in [name for name, _ in ran]
    assert [name for name, shapes in ran if (7, 3) in shapes] == []


# Slices made by hand


def test_slices_as_a_tensor():
    slices = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), tf.constant([2, 0, 2]), tf.constant([4, 2]))
    whole = tf.convert_to_tensor(slices)
    assert (slices.shape.as_list(), slices.dtype, whole.shape.as_list()) == ([4, 2], tf.float32, [4, 2])
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(whole), [[3, 4], [0, 0], [6, 8], [0, 0]])
        np.testing.assert_array_equal(session.run(-slices).values, [[-1, -2], [-3, -4], [-5, -6]])
        np.testing.assert_array_equal(session.run(tf.add_n([slices, slices]))[2], [12, 16])
        values, indices, dense_shape = session.run(slices)
        assert (values.shape, indices.tolist(), dense_shape.tolist()) == ((3, 2), [2, 0, 2], [4, 2])
    with pytest.raises(ValueError, match="without dense_shape"):
        tf.convert_to_tensor(tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([0])))


def test_the_gradient_of_slices_as_a_tensor():
    values = tf.constant([[1.0], [3.0], [5.0]])
    whole = tf.convert_to_tensor(tf.IndexedSlices(values, tf.constant([2, 0, 2]), tf.constant([4, 1])))
    (g,) = tf.gradients(whole, [values], [tf.constant([[1.0], [2.0], [3.0], [4.0]])])
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(g), [[3.0], [1.0], [3.0]])


@pytest.mark.parametrize("index", [-1, 7])
def test_an_index_outside_is_an_error(index):
    w = tf.Variable(TABLE)
    g = tf.IndexedSlices(tf.constant(np.ones((1, 3))), tf.constant([index]), tf.constant([7, 3]))
    step = tf.train.GradientDescentOptimizer(1.0).apply_gradients([(g, w)])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{index}"):
            session.run(tf.convert_to_tensor(g))
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{index}"):
            session.run(step)
        np.testing.assert_array_equal(session.run(w), TABLE)


# Clipping

CLIPS = {
    "clip_by_value": lambda tf, g: tf.clip_by_value(g, F(-0.3), F(0.4)),
    "clip_by_norm": lambda tf, g: tf.clip_by_norm(g, F(0.7)),
    "clip_by_norm, each row": lambda tf, g: tf.clip_by_norm(g, F(0.7), axes=[1]),
    "clip_by_global_norm": lambda tf, g: tf.clip_by_global_norm([g, None, tf.constant(TABLE)], F(0.7))[0][0],
    "clip_by_global_norm with a norm": lambda tf, g: tf.clip_by_global_norm([g], F(0.7), use_norm=F(2.0))[0][0],
    "global_norm": lambda tf, g: tf.global_norm([g, None, tf.constant(TABLE)]),
    "add_n": lambda tf, g: tf.add_n([g, g]),
}


def clipped(tf, clip, make):
    with tf.Graph().as_default(), tf.Session() as session:
        found = clip(tf, make(tf))
        return isinstance(found, tf.IndexedSlices), session.run(tf.convert_to_tensor(found))


@pytest.mark.oracle
@pytest.mark.parametrize("scale", [1.0, 1e-3, 0.0])
def test_clipping_by_the_average_norm(scale):
    x = (TABLE * scale).astype("f4")  # TensorFlow takes nothing but float32 here
    found = []
    for each in (static, tensorflow()):
        with each.Graph().as_default(), each.Session() as session:
            found.append(session.run(each.clip_by_average_norm(each.constant(x), 0.02)))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


GIVEN = {
    "a tensor": lambda tf: tf.constant(TABLE),
    "a small tensor": lambda tf: tf.constant(TABLE * 1e-3),
    "zeros": lambda tf: tf.zeros([7, 3], tf.float64),
    "slices": lambda tf: tf.IndexedSlices(tf.constant(TABLE[:4]), tf.constant(ROWS), tf.constant([9, 3])),
}


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices")
@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("name", CLIPS)
def test_clipping(name, given):
    sparse, value = clipped(static, CLIPS[name], GIVEN[given])
    theirs, wanted = clipped(tensorflow(), CLIPS[name], GIVEN[given])
    assert sparse == theirs
    np.testing.assert_allclose(value, wanted, rtol=1e-12)


# Optimizers

SPARSE = {
    "GradientDescent": lambda tf: tf.train.GradientDescentOptimizer(F(0.1)),
    "Momentum": lambda tf: tf.train.MomentumOptimizer(F(0.05), F(0.9)),
    "Nesterov": lambda tf: tf.train.MomentumOptimizer(F(0.05), F(0.9), use_nesterov=True),
    "RMSProp": lambda tf: tf.train.RMSPropOptimizer(F(0.01), F(0.8), F(0.7), F(1e-4)),
    "RMSProp centered": lambda tf: tf.train.RMSPropOptimizer(F(0.01), F(0.9), F(0.5), F(1e-3), centered=True),
    "Adam": lambda tf: tf.train.AdamOptimizer(F(0.05), F(0.9), F(0.999), F(1e-8)),
    "Adagrad": lambda tf: tf.train.AdagradOptimizer(F(0.2)),
    "AdagradDA": lambda tf: tf.train.AdagradDAOptimizer(F(0.2), tf.train.get_or_create_global_step(), 0.1, F(0.02), F(0.1)),
    "Adadelta": lambda tf: tf.train.AdadeltaOptimizer(F(0.5), F(0.9), F(1e-3)),
    "Ftrl": lambda tf: tf.train.FtrlOptimizer(0.25, -0.5, 0.5, 0.125, 0.25),
    "Ftrl shrinkage": lambda tf: tf.train.FtrlOptimizer(0.25, l2_shrinkage_regularization_strength=0.125),
    "ProximalGradientDescent": lambda tf: tf.train.ProximalGradientDescentOptimizer(F(0.1), F(0.05), F(0.02)),
    "ProximalAdagrad": lambda tf: tf.train.ProximalAdagradOptimizer(F(0.2), 0.5, F(0.05), F(0.02)),
}


def lookups(tf, make, steps=6):
    """The table and its slots after some steps, each of which looks up other rows, one of them twice."""
    with tf.Graph().as_default():
        ids = tf.placeholder(tf.int32, [None])
        w = tf.Variable(TABLE, name="w")
        loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(w, ids) - 0.5))
        optimizer = make(tf)
        step = optimizer.minimize(loss, global_step=tf.train.get_or_create_global_step())
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for i in range(steps):
                session.run(step, {ids: np.array([i, 3, i, 2]) % 6})
            slots = [optimizer.get_slot(w, slot) for slot in optimizer.get_slot_names()]
            return session.run([w, *slots])


@pytest.mark.oracle
@pytest.mark.parametrize("name", SPARSE)
def test_only_the_rows_looked_up_change(name):
    ours, theirs = lookups(static, SPARSE[name]), lookups(tensorflow(), SPARSE[name])
    for value, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(ours[0][6], TABLE[6])


def test_gates_leave_slices_as_they_are():
    w, b = tf.Variable(TABLE, name="w"), tf.Variable(1.0)
    loss = tf.reduce_sum(tf.gather(w, [1, 1])) * tf.cast(b, tf.float64)
    optimizer = tf.train.GradientDescentOptimizer(F(0.5))
    pairs = optimizer.compute_gradients(loss, [w, b], gate_gradients=tf.train.Optimizer.GATE_GRAPH)
    assert [type(g).__name__ for g, _ in pairs] == ["IndexedSlices", "Tensor"]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(optimizer.apply_gradients(pairs[:1]))
        np.testing.assert_array_equal(session.run(w)[:3], TABLE[:3] - [[0.0], [1.0], [0.0]])
    with pytest.raises(ValueError, match="gate_gradients must be one of"):
        optimizer.compute_gradients(loss, gate_gradients=7)


def test_a_constraint_and_slices_do_not_go_together():
    w = tf.Variable(TABLE, name="w", constraint=lambda x: x)
    with pytest.raises(RuntimeError, match="constraint function on a sparse variable: w:0"):
        tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(tf.gather(w, [0])))
