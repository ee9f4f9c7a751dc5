import numpy as np
import pytest

import static as tf


def draws(seed, build, runs=2):
    with tf.Graph().as_default():
        tf.set_random_seed(seed)
        fetch = build()
        with tf.Session() as session:
            return [session.run(fetch) for _ in range(runs)]


KINDS = {
    "normal": lambda seed=None: tf.random_normal([5, 3], 1.0, 2.0, seed=seed),
    "uniform": lambda seed=None: tf.random_uniform([5, 3], -1.0, 1.0, seed=seed),
    "integers": lambda seed=None: tf.random_uniform([40], 0, 1000, tf.int32, seed=seed),
    "truncated": lambda seed=None: tf.truncated_normal([5, 3], seed=seed),
    "shuffle": lambda seed=None: tf.random_shuffle(tf.range(50), seed=seed),
    "multinomial": lambda seed=None: tf.multinomial([[0.0, 1.0, 2.0]], 30, seed=seed),
    "dropout": lambda seed=None: tf.nn.dropout(tf.ones([50]), rate=0.5, seed=seed),
    "gamma": lambda seed=None: tf.random_gamma([5], [0.5, 2.0], [1.0, 4.0], seed=seed),
    "poisson": lambda seed=None: tf.random_poisson([30.0, 2000.0], [4], seed=seed),
    "crop": lambda seed=None: tf.random_crop(tf.reshape(tf.range(900), [30, 30]), [3, 2], seed=seed),
    "dynamic shape": lambda seed=None: tf.random_normal(tf.shape(tf.zeros([tf.size(tf.ones([2])), 3])), seed=seed),
    "tensor parameters": lambda seed=None: tf.random_normal([4], tf.constant(1.0) * 2.0, tf.exp(0.0), seed=seed),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_repeats_the_draws_session_by_session_and_each_run_draws_anew(kind):
    first, second = draws(1, KINDS[kind]), draws(1, KINDS[kind])
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], draws(2, KINDS[kind])[0])
    assert not np.array_equal(draws(None, KINDS[kind])[0], draws(None, KINDS[kind])[0])


@pytest.mark.parametrize("kind", KINDS)
def test_an_operations_own_seed_does_not_depend_on_the_others(kind):
    def alone():
        return KINDS[kind](seed=7)

    def beside():
        others = [tf.random_normal([3]) for _ in range(3)]
        fetch = KINDS[kind](seed=7)
        return [fetch, others]

    wanted = draws(None, alone)
    for a, (b, _) in zip(wanted, draws(None, beside), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(wanted[0], draws(None, lambda: KINDS[kind](seed=8))[0])
    assert not np.array_equal(wanted[0], draws(3, alone)[0])


def test_operations_of_one_run_draw_differently():
    a, b = draws(1, lambda: [tf.random_normal([4]), tf.random_normal([4])], 1)[0]
    assert not np.array_equal(a, b)


def test_one_operation_gives_one_value_a_run():
    with tf.Session() as session:
        x = tf.random_normal([4])
        a, b = session.run([x, x * 1.0])
        np.testing.assert_array_equal(a, b)


def test_runs_without_draws_do_not_count():
    def interleaved():
        tf.set_random_seed(1)
        x, y = tf.random_normal([4]), tf.constant(1.0)
        with tf.Session() as session:
            first = session.run(x)
            session.run(y)
            return first, session.run(x)

    for a, b in zip(interleaved(), draws(1, lambda: tf.random_normal([4])), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_pinned_step_draws_the_same_again_and_counts_across_runs():
    tf.set_random_seed(1)
    x, y = tf.random_normal([4]), tf.random_normal([4])
    with tf.Session() as session:
        with session.stream.at(3):
            together = session.run([x, y])
        with session.stream.at(3):
            apart = [session.run(x), session.run(y)]
    np.testing.assert_array_equal(together, apart)


def test_distributions():
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(5)
        normal, uniform, truncated, dropped = session.run(
            [
                tf.random_normal([20_000], 1.0, 2.0),
                tf.random_uniform([20_000], -1.0, 3.0),
                tf.truncated_normal([20_000]),
                tf.nn.dropout(tf.ones([20_000]), keep_prob=0.75),
            ]
        )
    assert abs(normal.mean() - 1) < 0.06
    assert abs(normal.std() - 2) < 0.05
    assert (uniform.min() >= -1, uniform.max() < 3) == (True, True)
    assert abs(uniform.mean() - 1) < 0.05
    assert np.abs(truncated).max() <= 2
    assert set(np.unique(dropped)) == {0.0, np.float32(1 / 0.75)}
    assert abs(dropped.mean() - 1) < 0.02
    assert normal.dtype == uniform.dtype == np.float32


def test_dropout_at_a_rate_that_only_the_run_knows():
    rate = tf.placeholder(tf.float32, [])
    y = tf.nn.dropout(tf.ones([1000]), rate=rate)
    with tf.Session() as session:
        assert session.run(y, {rate: 0.0}).min() == 1
        assert set(np.unique(session.run(y, {rate: 0.5}))) == {0.0, 2.0}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: tf.nn.dropout(tf.ones([2])), "either keep_prob or rate"),
        (lambda: tf.nn.dropout(tf.ones([2]), rate=1.5), "rate in"),
        (lambda: tf.random_uniform([2], dtype=tf.int32), "Must specify maxval"),
        (lambda: tf.truncated_normal(tf.shape(tf.placeholder(tf.float32))), "known while the graph"),
    ],
)
def test_wrong_settings_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_gamma_and_poisson_numbers_have_the_shape_and_mean_of_their_parameters():
    gamma = tf.random_gamma([4000], [1.0, 3.0], [[2.0], [0.5]])
    poisson = tf.random.poisson([2.0, 30.0], [4000], dtype=tf.int32)
    with tf.Session() as session:
        numbers, counts = session.run([gamma, poisson])
    assert gamma.shape.as_list() == [4000, 2, 2]
    np.testing.assert_allclose(numbers.mean(axis=0), [[0.5, 1.5], [2.0, 6.0]], rtol=0.1)
    assert (counts.shape, counts.dtype) == ((4000, 2), np.int32)
    np.testing.assert_allclose(counts.mean(axis=0), [2.0, 30.0], rtol=0.1)


def test_the_gradient_of_gamma_numbers_flows_into_their_rate():
    rate = tf.constant(2.0)
    drawn = tf.random_gamma([3], 5.0, rate, seed=1)
    with tf.Session() as session:
        numbers, slope = session.run([drawn, tf.gradients(drawn, rate)[0]])
    np.testing.assert_allclose(slope, -numbers.sum() / 2.0, rtol=1e-5)


@pytest.mark.parametrize("size", [[2, 3], [4, 3], [1, 1]])
def test_a_crop_is_a_part(size):
    whole = np.arange(12).reshape(4, 3)
    crop = tf.random_crop(whole, size, seed=1)
    assert crop.shape.as_list() == size
    with tf.Session() as session:
        corners = set()
        for _ in range(60):
            part = session.run(crop)
            row, column = divmod(int(part[0, 0]), 3)
            np.testing.assert_array_equal(part, whole[row : row + size[0], column : column + size[1]])
            corners.add((row, column))
    assert len(corners) == (5 - size[0]) * (4 - size[1])


@pytest.mark.parametrize("noise", [[4, 1], [1, 50], (None, 1)])
def test_dropout_drops_whole_slices_where_the_noise_has_size_1(noise):
    x = tf.placeholder(tf.float32, [None, 50])
    kept = tf.nn.dropout(x, 0.5, noise_shape=noise, seed=3)
    with tf.Session() as session:
        value = session.run(kept, {x: np.ones((4, 50))})
    assert set(np.unique(value)) <= {0.0, 2.0}
    axis = 1 if noise[1] == 1 else 0
    assert (np.ptp(value, axis=axis) == 0).all()
