import numpy as np
import pytest

import static
import static as tf
from tests.static.oracle import tensorflow


F = np.float64  # TensorFlow makes float32 of Python's numbers
OPTIMIZERS = {
    "GradientDescent": lambda tf: tf.train.GradientDescentOptimizer(F(0.1)),
    "Momentum": lambda tf: tf.train.MomentumOptimizer(F(0.05), F(0.9)),
    "Nesterov": lambda tf: tf.train.MomentumOptimizer(F(0.05), F(0.9), use_nesterov=True),
    "RMSProp": lambda tf: tf.train.RMSPropOptimizer(F(0.01), F(0.9), F(0.0), F(1e-10)),
    "RMSProp momentum": lambda tf: tf.train.RMSPropOptimizer(F(0.01), F(0.8), F(0.7), F(1e-4)),
    "RMSProp centered": lambda tf: tf.train.RMSPropOptimizer(F(0.01), F(0.9), F(0.5), F(1e-3), centered=True),
    "Adam": lambda tf: tf.train.AdamOptimizer(F(0.05), F(0.9), F(0.999), F(1e-8)),
    "Adam settings": lambda tf: tf.train.AdamOptimizer(F(0.05), F(0.5), F(0.9), F(1e-2)),
    "Adagrad": lambda tf: tf.train.AdagradOptimizer(F(0.2)),
    "Adagrad settings": lambda tf: tf.train.AdagradOptimizer(F(0.2), initial_accumulator_value=0.5),
    "AdagradDA": lambda tf: tf.train.AdagradDAOptimizer(F(0.2), tf.train.get_or_create_global_step(), 0.1, F(0.02), F(0.1)),
    "Adadelta": lambda tf: tf.train.AdadeltaOptimizer(F(0.5), F(0.9), F(1e-3)),
    "Ftrl": lambda tf: tf.train.FtrlOptimizer(0.25),
    "Ftrl penalties": lambda tf: tf.train.FtrlOptimizer(0.25, -0.5, 0.5, 0.125, 0.25, accum_name="a", linear_name="b"),
    "Ftrl shrinkage": lambda tf: tf.train.FtrlOptimizer(0.25, l2_shrinkage_regularization_strength=0.125),
    "Ftrl power": lambda tf: tf.train.FtrlOptimizer(0.25, -0.75, l1_regularization_strength=0.0625),
    "ProximalGradientDescent": lambda tf: tf.train.ProximalGradientDescentOptimizer(F(0.1), F(0.05), F(0.02)),
    "ProximalAdagrad": lambda tf: tf.train.ProximalAdagradOptimizer(F(0.2), 0.5, F(0.05), F(0.02)),
    "decayed": lambda tf: tf.train.GradientDescentOptimizer(
        tf.train.exponential_decay(F(0.1), tf.train.get_or_create_global_step(), 3, F(0.5), staircase=True)
    ),
}
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((20, 5)), RNG.standard_normal((20, 3))
W1, W2 = RNG.standard_normal((5, 4)), RNG.standard_normal((4, 3))


def trajectory(tf, make, steps=10):
    with tf.Graph().as_default():
        x, y = tf.placeholder(tf.float64, [None, 5]), tf.placeholder(tf.float64, [None, 3])
        w1, w2 = tf.Variable(W1, name="w1"), tf.Variable(W2, name="w2")
        b = tf.Variable(np.zeros(3), name="b")
        loss = tf.reduce_mean(tf.square(tf.matmul(tf.tanh(tf.matmul(x, w1)), w2) + b - y))
        optimizer = make(tf)
        step = optimizer.minimize(loss, global_step=tf.train.get_or_create_global_step())
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            losses = [session.run([loss, step], {x: X, y: Y})[0] for _ in range(steps)]
            slots = {
                (v.op.name, slot): session.run(optimizer.get_slot(v, slot))
                for v in (w1, w2, b)
                for slot in optimizer.get_slot_names()
            }
            count = session.run(tf.train.get_global_step())
            return np.array(losses), session.run([w1, w2, b]), slots, count


@pytest.mark.oracle
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_ten_steps_are_those_of_tensorflow(name):
    losses, parameters, slots, count = trajectory(static, OPTIMIZERS[name])
    wanted, theirs, their_slots, their_count = trajectory(tensorflow(), OPTIMIZERS[name])
    assert losses[-1] < losses[0]
    assert count == their_count == 10
    tolerance = {"rtol": 1e-9, "atol": 1e-10}
    np.testing.assert_allclose(losses, wanted, **tolerance)
    for ours, want in zip(parameters, theirs, strict=True):
        np.testing.assert_allclose(ours, want, **tolerance)
    assert slots.keys() == their_slots.keys()
    for key, value in slots.items():
        np.testing.assert_allclose(value, their_slots[key], **tolerance)


def quadratic():
    w = tf.Variable([1.0, -2.0], name="w")
    return w, tf.reduce_sum(tf.square(w))


def test_slots_are_variables_named_after_the_parameter():
    w, loss = quadratic()
    frozen = tf.Variable(1.0, name="frozen", trainable=False)
    optimizer = tf.train.AdamOptimizer(0.1)
    optimizer.minimize(loss + frozen)
    assert optimizer.get_slot_names() == ["m", "v"]
    assert optimizer.get_slot(w, "m").name == "w/Adam:0"
    assert optimizer.get_slot(w, "v").name == "w/Adam_1:0"
    assert optimizer.get_slot(frozen, "m") is None
    assert optimizer.get_slot(w, "nothing") is None
    assert [v.name for v in optimizer.variables()] == ["beta1_power:0", "beta2_power:0", "w/Adam:0", "w/Adam_1:0"]
    assert tf.trainable_variables() == [w]


def test_only_the_listed_variables_change():
    v, w = tf.Variable(1.0), tf.Variable(1.0)
    step = tf.train.GradientDescentOptimizer(0.25).minimize(v * v + w * w, var_list=[w])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(step) is None
        assert session.run([v, w]) == [1.0, 0.5]


def test_gradients_can_be_changed_on_the_way():
    w, loss = quadratic()
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    pairs = optimizer.compute_gradients(loss)
    assert [v for _, v in pairs] == [w]
    step = optimizer.apply_gradients([(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in pairs], name="step")
    assert step.name == "step"
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        np.testing.assert_array_equal(session.run(w), [0.0, -1.0])


def test_the_two_places_of_adams_epsilon():
    values = []
    for epsilon_hat in (True, False):
        tf.reset_default_graph()
        w, loss = quadratic()
        step = tf.train.AdamOptimizer(0.1, epsilon=0.5, epsilon_hat=epsilon_hat).minimize(loss)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(step)
            values.append(session.run(w)[0])
    g, root = 2.0, np.sqrt(1 - 0.999)
    rate = 0.1 * root / (1 - 0.9)
    np.testing.assert_allclose(values[0], 1 - rate * 0.1 * g / (np.sqrt(0.001) * g + 0.5), rtol=1e-6)
    np.testing.assert_allclose(values[1], 1 - 0.1 * g / (g + 0.5), rtol=1e-6)


def test_the_learning_rate_may_be_fed():
    w, loss = quadratic()
    rate = tf.placeholder(tf.float32, [])
    step = tf.train.GradientDescentOptimizer(rate).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step, {rate: 0.25})
        np.testing.assert_array_equal(session.run(w), [0.5, -1.0])
        session.run(step, {rate: 0.0})
        np.testing.assert_array_equal(session.run(w), [0.5, -1.0])


def test_of_two_optimizers_in_one_run_both_count():
    w = tf.Variable(1.0)
    plain, adam = tf.train.GradientDescentOptimizer(0.25), tf.train.AdamOptimizer(0.1)
    steps = [plain.minimize(w * w), plain.minimize(2.0 * w), adam.minimize(w), adam.minimize(w)]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(steps[:2])
        assert session.run(w) == 1.0 - 0.5 - 0.5
        session.run(steps[2:])
        powers = [v for v in adam.variables() if "power" in v.name]
        np.testing.assert_allclose(session.run([w, *powers]), [-0.2, 0.9**3, 0.999**3], rtol=1e-5)


def test_a_constraint_is_kept():
    w = tf.Variable([1.0, -2.0], constraint=lambda x: tf.maximum(x, 0.0))
    step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(w))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        np.testing.assert_allclose(session.run(w), [0.9, 0.0])


def test_what_cannot_be_trained_is_explained():
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    x = tf.constant(1.0)
    with pytest.raises(ValueError, match="No variables to optimize"):
        optimizer.minimize(x)
    w = tf.Variable(1.0, name="w")
    with pytest.raises(ValueError, match=r"No gradients provided for any variable.*\[w:0\]"):
        optimizer.minimize(x)
    with pytest.raises(TypeError, match="an optimizer changes variables"):
        optimizer.minimize(w * w, var_list=[x])
    with pytest.raises(ValueError, match="must be positive"):
        tf.train.AdagradOptimizer(0.1, initial_accumulator_value=0.0)


def test_one_global_step():
    step = tf.train.get_or_create_global_step()
    assert tf.train.get_or_create_global_step() is step
    assert (step.name, step.dtype, step.trainable) == ("global_step:0", tf.int64, False)
    with pytest.raises(ValueError, match="already exists"):
        tf.train.create_global_step()
    with tf.Session() as session:
        session.run(step.initializer)
        assert tf.train.global_step(session, step) == 0
