import numpy as np
import pytest

import static
import static as tf
from graphs import updates
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


@pytest.mark.parametrize("t", [1, 2, 1000, 54321, 2_000_000])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.0, 0.99), (0.5, 0.0), (0.0, 0.0)])
def test_the_number_of_a_step_is_read_off_the_powers_of_the_betas(betas, t):
    w = tf.Variable(W1)
    optimizer = tf.train.AdamOptimizer(0.1, *betas)
    step = optimizer.apply_gradients([(tf.constant(W1 * 0.5), w)])
    powers = {f"beta{i}_power": np.multiply.reduce(np.full(t, beta)) for i, beta in enumerate(betas, 1)}
    rule = updates.Adam()
    settings = {"learning_rate": 0.1, "beta1": betas[0], "beta2": betas[1], "epsilon": 1e-8, "epsilon_hat": True}
    arrays = (W1, W1 * 0.5, W1 * 0.3, W1**2, *rule.step("f8", t, **settings))
    with tf.Session() as session:
        slots = {optimizer.get_slot(w, "m"): W1 * 0.3, optimizer.get_slot(w, "v"): W1**2}
        session.load({w: W1, **slots, **{v: powers[v.op.name] for v in optimizer.variables() if v.op.name in powers}})
        session.run(step)
        for value, wanted in zip(session.run([w, *slots]), rule.function("f8")(*arrays), strict=True):
            np.testing.assert_array_equal(value, wanted)


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


# Learning rates that fall

SCHEDULES = {
    "exponential": lambda tf, n: tf.train.exponential_decay(F(0.1), n, 7, F(0.9)),
    "exponential staircase": lambda tf, n: tf.train.exponential_decay(F(0.1), n, 7, F(0.9), staircase=True),
    "exponential by tensors": lambda tf, n: tf.train.exponential_decay(
        tf.constant(F(0.1)), n, tf.constant(7), tf.constant(F(0.9))
    ),
    "natural": lambda tf, n: tf.train.natural_exp_decay(F(0.1), n, 7, F(0.5)),
    "natural staircase": lambda tf, n: tf.train.natural_exp_decay(F(0.1), n, 7, F(0.5), staircase=True),
    "inverse": lambda tf, n: tf.train.inverse_time_decay(F(0.1), n, 7, F(0.5)),
    "inverse staircase": lambda tf, n: tf.train.inverse_time_decay(F(0.1), n, 7, F(0.5), staircase=True),
    "piecewise": lambda tf, n: tf.train.piecewise_constant(n, [3, 10], [F(1.0), F(0.5), F(0.1)]),
    "piecewise decay": lambda tf, n: tf.train.piecewise_constant_decay(n, [10], [F(1.0), F(0.1)]),
    "polynomial": lambda tf, n: tf.train.polynomial_decay(F(0.1), n, 7, F(0.01)),
    "polynomial squared": lambda tf, n: tf.train.polynomial_decay(F(0.1), n, 7, F(0.01), power=F(2.0)),
    "polynomial in cycles": lambda tf, n: tf.train.polynomial_decay(0.1, n, 7, 0.01, power=0.5, cycle=True),
    "cosine": lambda tf, n: tf.train.cosine_decay(0.1, n, 13, alpha=0.2),
    "restarts": lambda tf, n: tf.train.cosine_decay_restarts(0.1, n, 4, m_mul=0.5, alpha=0.1),
    "even restarts": lambda tf, n: tf.train.cosine_decay_restarts(0.1, n, 4, t_mul=1.0),
    "restarts by tensors": lambda tf, n: tf.train.cosine_decay_restarts(0.1, n, 4, t_mul=tf.constant(1.5)),
    "linear cosine": lambda tf, n: tf.train.linear_cosine_decay(0.1, n, 13, num_periods=2.0, alpha=0.1),
    "noise of no variance": lambda tf, n: tf.train.noisy_linear_cosine_decay(0.1, n, 13, initial_variance=0.0),
}


def rates(tf, schedule):
    with tf.Graph().as_default(), tf.Session() as session:
        n = tf.placeholder(tf.int64, [])
        rate = schedule(tf, n)
        return rate.dtype.name, rate.name, [session.run(rate, {n: i}) for i in (0, 1, 3, 4, 7, 8, 10, 11, 14, 29)]


@pytest.mark.oracle
@pytest.mark.parametrize("name", SCHEDULES)
def test_learning_rates_are_those_of_tensorflow(name):
    dtype, label, values = rates(static, SCHEDULES[name])
    their_dtype, their_label, wanted = rates(tensorflow(), SCHEDULES[name])
    assert dtype == their_dtype
    if "/" not in their_label:
        assert label == their_label
    np.testing.assert_allclose(values, wanted, rtol=1e-12 if dtype == "float64" else 1e-5, atol=1e-8)


def test_noise_on_a_learning_rate_falls_with_the_step():
    n = tf.placeholder(tf.int32, [])
    rate = tf.train.noisy_linear_cosine_decay(1.0, n, 1000, initial_variance=4.0, variance_decay=2.0, alpha=0.0, beta=0.0)
    with tf.Session() as session:
        early = np.std([session.run(rate, {n: 0}) for _ in range(200)])
        late = np.std([session.run(rate, {n: 99}) for _ in range(200)])
    assert 1.6 < early < 2.4
    assert 0.015 < late < 0.025


def test_what_is_wrong_with_pieces_is_said():
    n = tf.placeholder(tf.int64, [])
    with pytest.raises(ValueError, match="1 boundaries for 1 values"):
        tf.train.piecewise_constant(n, [1], [1.0])
    with pytest.raises(ValueError, match="same dtype as x"):
        tf.train.piecewise_constant(n, [1.5], [1.0, 2.0])
    with pytest.raises(ValueError, match="all with the same dtype"):
        tf.train.piecewise_constant(n, [1], [1.0, 2])


# Averages

AVERAGES = {
    "plain": ({"decay": 0.9}, False),
    "begun faster": ({"decay": 0.9, "num_updates": True}, False),
    "of a tensor": ({"decay": 0.9}, True),
    "of a tensor, corrected": ({"decay": 0.9, "zero_debias": True}, True),
}


def averaged(tf, settings, of_tensor):
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.Variable(W1, name="w")
        b = tf.Variable(W2, name="b", trainable=False)
        count = tf.train.get_or_create_global_step()
        fed = tf.placeholder(tf.float64, [])
        followed = [w, tf.square(fed, name="squared")] if of_tensor else [w]
        step = tf.train.GradientDescentOptimizer(F(0.1)).minimize(tf.reduce_sum(tf.square(w)), count)
        settings = {**settings, "num_updates": count} if "num_updates" in settings else settings
        ema = tf.train.ExponentialMovingAverage(**settings)
        assert ema.average(w) is None
        names = [ema.average_name(w)]
        with tf.control_dependencies([step]):
            train = ema.apply(followed)
        averages = [ema.average(x) for x in followed]
        names += [ema.average_name(x) for x in (*followed, b)] + sorted(v.name for v in tf.global_variables())
        restored = {name: v.name for name, v in ema.variables_to_restore().items()}
        kept = [v.name for v in tf.moving_average_variables()]
        session.run(tf.global_variables_initializer())
        history = [session.run(averages)]
        for i in range(5):
            session.run(train, {fed: i + 1})
            history.append(session.run(averages))
        return (train.name, names, restored, kept), history


@pytest.mark.oracle
@pytest.mark.parametrize("name", AVERAGES)
def test_moving_averages_are_those_of_tensorflow(name):
    named, history = averaged(static, *AVERAGES[name])
    their_named, wanted = averaged(tensorflow(), *AVERAGES[name])
    assert named == their_named
    for values, theirs in zip(history, wanted, strict=True):
        for value, other in zip(values, theirs, strict=True):
            np.testing.assert_allclose(value, other, rtol=1e-9)


def test_integers_have_no_moving_average():
    with pytest.raises(TypeError, match="must be half, float, or double: n:0"):
        tf.train.ExponentialMovingAverage(0.9).apply([tf.Variable(1, name="n")])
