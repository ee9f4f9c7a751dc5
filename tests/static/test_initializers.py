"""Initialisers: TensorFlow's values where nothing is drawn, its distributions where something is."""

import math

import numpy as np
import pytest

import static as ours
from static import regularizers
from tests.static.oracle import tensorflow


def value(tensor, tf=ours):
    with tf.Session() as session:
        return session.run(tensor)


FIXED = {
    "zeros": lambda tf: tf.zeros_initializer()([2, 3]),
    "zeros, int": lambda tf: tf.initializers.zeros(tf.int32)([2]),
    "zeros, other dtype": lambda tf: tf.zeros_initializer(tf.float64)([2], dtype=tf.float32),
    "ones": lambda tf: tf.ones_initializer(dtype=tf.float64)([]),
    "constant": lambda tf: tf.constant_initializer(2.5)([2, 2]),
    "constant, int": lambda tf: tf.initializers.constant(7, dtype=tf.int64)([3]),
    "constant, list": lambda tf: tf.constant_initializer([1, 2, 3, 4])([2, 2]),
    "constant, filled up": lambda tf: tf.constant_initializer([1.0, 2.0])([5]),
    "constant, array": lambda tf: tf.constant_initializer(np.eye(2))([2, 2]),
    "identity": lambda tf: tf.initializers.identity()([3, 3]),
    "identity, not square": lambda tf: tf.initializers.identity(2.0, dtype=tf.float64)([2, 4]),
    "orthogonal, one by one": lambda tf: abs(tf.orthogonal_initializer(gain=3.0)([1, 1])),
    "shape object": lambda tf: tf.ones_initializer()(tf.TensorShape([2, 1])),
    "shape tensor": lambda tf: tf.zeros_initializer()(tf.constant([2, 1])),
}


@pytest.mark.oracle
@pytest.mark.parametrize("case", FIXED)
def test_values_agree(case):
    theirs = tensorflow()
    with theirs.Graph().as_default():
        wanted = value(FIXED[case](theirs), theirs)
    np.testing.assert_allclose(value(FIXED[case](ours)), wanted, rtol=1e-6, strict=True)


SHAPES = [(60, 40), (3, 3, 20, 30), (2500,)]
DRAWN = {
    "uniform": lambda tf: tf.random_uniform_initializer(-2.0, 3.0, seed=1),
    "uniform by default": lambda tf: tf.initializers.random_uniform(maxval=1.0, seed=1),
    "normal": lambda tf: tf.random_normal_initializer(1.0, 0.5, seed=1),
    "truncated": lambda tf: tf.truncated_normal_initializer(stddev=0.1, seed=1),
    "unit scaling": lambda tf: tf.uniform_unit_scaling_initializer(1.43, seed=1),
    "glorot uniform": lambda tf: tf.glorot_uniform_initializer(seed=1),
    "glorot normal": lambda tf: tf.glorot_normal_initializer(seed=1),
    "he uniform": lambda tf: tf.initializers.he_uniform(seed=1),
    "he normal": lambda tf: tf.initializers.he_normal(seed=1),
    "lecun uniform": lambda tf: tf.initializers.lecun_uniform(seed=1),
    "lecun normal": lambda tf: tf.initializers.lecun_normal(seed=1),
    **{
        f"scaling, {mode}, {how}": lambda tf, mode=mode, how=how: tf.variance_scaling_initializer(2.0, mode, how, seed=1)
        for mode in ("fan_in", "fan_out", "fan_avg")
        for how in ("uniform", "truncated_normal", "untruncated_normal", "normal")
    },
}


@pytest.mark.oracle
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("case", DRAWN)
def test_distributions_agree(case, shape):
    theirs = tensorflow()
    with theirs.Graph().as_default():
        wanted = value(DRAWN[case](theirs)(shape), theirs)
    drawn = value(DRAWN[case](ours)(shape))
    assert drawn.dtype == wanted.dtype
    spread = float(wanted.std())
    assert float(drawn.mean()) == pytest.approx(float(wanted.mean()), abs=7 * spread / math.sqrt(drawn.size))
    assert drawn.std() == pytest.approx(spread, rel=0.08)
    if "normal" not in case.replace("untruncated_normal", "normal") or "truncated" in case:
        assert abs(drawn - drawn.mean()).max() == pytest.approx(float(abs(wanted - wanted.mean()).max()), rel=0.25)


@pytest.mark.parametrize(("uniform", "count"), [(True, "FAN_AVG"), (False, "FAN_AVG"), (True, "FAN_IN"), (False, "FAN_OUT")])
def test_contrib_scaling(uniform, count):
    """Variance ``factor / n``, with the factor of 1.3 that TensorFlow puts before that of truncated numbers."""
    n = {"FAN_AVG": (9 * 20 + 9 * 30) / 2, "FAN_IN": 9 * 20, "FAN_OUT": 9 * 30}[count]
    drawn = value(regularizers.variance_scaling_initializer(2.0, count, uniform, seed=1)([3, 3, 20, 30]))
    variance = 2.0 / n if uniform else 1.3 * 0.87962566**2 * 2.0 / n
    assert drawn.var() == pytest.approx(variance, rel=0.06)
    assert abs(drawn).max() <= (math.sqrt(3 * 2.0 / n) if uniform else 2 * math.sqrt(1.3 * 2.0 / n))


def test_xavier():
    drawn = value(regularizers.xavier_initializer(seed=1)([60, 40]))
    assert drawn.var() == pytest.approx(2.0 / 100, rel=0.1)
    assert value(regularizers.xavier_initializer(uniform=False, seed=1)([7])).shape == (7,)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (2, 3, 5)])
def test_orthogonal(shape):
    matrix = value(ours.orthogonal_initializer(gain=2.0, seed=3, dtype=ours.float64)(shape)).reshape(-1, shape[-1])
    product = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(product, 4.0 * np.eye(len(product)), atol=1e-12)


def test_the_same_seed_draws_the_same_weights():
    def weights(seed):
        with ours.Graph().as_default():
            ours.set_random_seed(seed)
            w = [ours.get_variable(name, [3, 2]) for name in "ab"]
            with ours.Session() as session:
                session.run(ours.global_variables_initializer())
                return session.run(w)

    first, again, other = weights(1), weights(1), weights(2)
    np.testing.assert_array_equal(first, again)
    assert not np.isin(first, other).any()
    assert not np.isin(first[0], first[1]).any()


ERRORS = {
    r"`scale` must be (a )?positive": lambda tf: tf.variance_scaling_initializer(0.0),
    "`mode`": lambda tf: tf.variance_scaling_initializer(mode="fan"),
    "`distribution`": lambda tf: tf.variance_scaling_initializer(distribution="even"),
    "floating point": lambda tf: tf.truncated_normal_initializer(dtype=tf.int32),
    "at least two-dimensional": lambda tf: tf.orthogonal_initializer()([3]),
    "2D matrices|two-dimensional": lambda tf: tf.initializers.identity()([3]),
    "Invalid type for initial value": lambda tf: tf.constant_initializer(object()),
    "maxval": lambda tf: tf.random_uniform_initializer(dtype=tf.int32)([2]),
}


@pytest.mark.oracle
@pytest.mark.parametrize("message", ERRORS)
def test_errors_agree(message):
    theirs = tensorflow()
    with theirs.Graph().as_default(), pytest.raises((ValueError, TypeError), match=message) as wanted:
        ERRORS[message](theirs)
    with pytest.raises(wanted.type, match=message):
        ERRORS[message](ours)


def test_contrib_scaling_refuses():
    with pytest.raises(TypeError, match="Unknown mode fan_in"):
        regularizers.variance_scaling_initializer(mode="fan_in")
    with pytest.raises(TypeError, match="non-floating"):
        regularizers.xavier_initializer(dtype=ours.int32)


@pytest.mark.oracle
@pytest.mark.parametrize("case", [*DRAWN, "constant"])
def test_configurations_agree(case):
    def config(tf):
        return (tf.constant_initializer(3.0) if case == "constant" else DRAWN[case](tf)).get_config()

    mine = config(ours)
    wanted = config(tensorflow())
    assert {name: mine[name] for name in wanted} == wanted
    kind = type(ours.constant_initializer(3.0) if case == "constant" else DRAWN[case](ours))
    assert kind.from_config(mine).get_config() == mine
