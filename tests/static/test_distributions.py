"""``tf.distributions``: densities, moments and divergences are TensorFlow's; samples have those moments."""

import numpy as np
import pytest

import static
from tests.static.oracle import run_in, tensorflow


A, B = np.array([0.5, -1.0, 2.0], "float32"), np.array([0.8, 1.5, 0.3], "float32")
X = np.array([[0.2, 0.9, 0.6], [0.1, 0.5, 0.7]], "float32")
LOGITS = np.array([[0.5, -1.0, 2.0], [0.1, 0.2, 0.3]], "float32")

MADE = {
    "Normal": lambda d, a, b: d.Normal(a, b),
    "Laplace": lambda d, a, b: d.Laplace(a, b),
    "Uniform": lambda d, a, b: d.Uniform(a - 2.0, a + b),
    "Gamma": lambda d, a, b: d.Gamma(a * a + 1.1, b),
    "Exponential": lambda d, a, b: d.Exponential(b),
    "Beta": lambda d, a, b: d.Beta(a * a + 0.5, b),
    "Bernoulli": lambda d, a, b: d.Bernoulli(logits=a),
    "Bernoulli of probs": lambda d, a, b: d.Bernoulli(probs=b / (1.0 + b)),
    "Categorical": lambda d, a, b: d.Categorical(logits=a),
    "Categorical of probs": lambda d, a, b: d.Categorical(probs=b / 2.6),
}
COUNTS = ("Bernoulli", "Categorical")
ASKED = {
    "log_prob": lambda d, x: d.log_prob(x),
    "prob": lambda d, x: d.prob(x),
    "mean": lambda d, x: d.mean(),
    "variance": lambda d, x: [d.variance(), d.stddev()],
    "entropy": lambda d, x: d.entropy(),
    "mode": lambda d, x: d.mode(),
    "cdf": lambda d, x: d.cdf(x),
}
LACKING = {
    ("Uniform", "mode"), ("Beta", "mode"), ("Categorical", "mean"), ("Categorical", "variance"), ("Categorical", "cdf"),
    ("Gamma", "cdf"), ("Beta", "cdf"), ("Bernoulli", "cdf"), ("Exponential", "mode"),
}  # fmt: skip
CASES = [(kind, what) for kind in MADE for what in ASKED if (kind.split()[0], what) not in LACKING]


def compare(build, arrays, gradients=True):
    found, slopes = run_in(static, build, arrays, gradients=gradients)
    wanted, wanted_slopes = run_in(tensorflow(), build, arrays, gradients=gradients)
    for value, want in zip(found, wanted, strict=True):
        assert np.shape(value) == np.shape(want)
        assert np.asarray(value).dtype == np.asarray(want).dtype
        np.testing.assert_allclose(value, want, rtol=2e-4, atol=1e-5)
    for slope, want in zip(slopes, wanted_slopes, strict=True):
        if want is not None:
            np.testing.assert_allclose(slope, want, rtol=2e-3, atol=1e-4)


@pytest.mark.oracle
@pytest.mark.parametrize(("kind", "what"), CASES)
def test_numbers_and_gradients_are_those_of_tensorflow(kind, what):
    def build(tf, a, b):
        values = np.array([[0, 1, 1], [1, 0, 1]], "int32") if kind.startswith("Bernoulli") else X
        values = np.array([2, 0, 1, 1], "int32") if kind.startswith("Categorical") else values
        return ASKED[what](MADE[kind](tf.distributions, a, b), values)

    compare(build, [A, B], gradients=what != "mode")


PAIRS = {
    "Normal": (lambda d, a, b: d.Normal(a, b), lambda d, a, b: d.Normal(0.0, 1.0)),
    "Bernoulli": (lambda d, a, b: d.Bernoulli(logits=a), lambda d, a, b: d.Bernoulli(probs=b / 2.0)),
    "Categorical": (lambda d, a, b: d.Categorical(logits=a), lambda d, a, b: d.Categorical(logits=b)),
    "Gamma": (lambda d, a, b: d.Gamma(a * a + 0.5, b), lambda d, a, b: d.Gamma(b, a * a + 0.5)),
    "Beta": (lambda d, a, b: d.Beta(a * a + 0.5, b), lambda d, a, b: d.Beta(b, 1.0 + b)),
}


@pytest.mark.oracle
@pytest.mark.parametrize("kind", PAIRS)
def test_divergences_are_those_of_tensorflow(kind):
    def build(tf, a, b):
        one, other = (made(tf.distributions, a, b) for made in PAIRS[kind])
        return [tf.distributions.kl_divergence(one, other), one.kl_divergence(other), one.cross_entropy(other)]

    compare(build, [A, B])


@pytest.mark.parametrize("kind", [kind for kind in MADE if not kind.startswith("Categorical")])
def test_samples_have_the_mean_and_the_variance(kind):
    made = MADE[kind](static.distributions, static.constant(A), static.constant(B))
    drawn = made.sample([20000], seed=3)
    assert drawn.shape.as_list() == [20000, 3]
    assert drawn.dtype == made.dtype
    with static.Session() as session:
        values, mean, variance = session.run([drawn, made.mean(), made.variance()])
    np.testing.assert_allclose(values.mean(0), mean, atol=5 * np.sqrt(variance.max() / 20000))
    np.testing.assert_allclose(values.var(0), variance, rtol=0.15)


def test_categories_are_drawn_by_their_probabilities():
    made = static.distributions.Categorical(logits=LOGITS)
    assert (made.batch_shape.as_list(), made.event_shape.as_list()) == ([2], [])
    drawn, one = made.sample([5000, 2], seed=1), static.distributions.Categorical(probs=[0.5, 0.5]).sample()
    assert (drawn.shape.as_list(), one.shape.as_list()) == ([5000, 2, 2], [])
    with static.Session() as session:
        values, probs = session.run([drawn, made.probs])
    for row in range(2):
        np.testing.assert_allclose(np.bincount(values[..., row].ravel(), minlength=3) / 10000, probs[row], atol=0.025)


def test_the_gradient_flows_through_samples_into_location_and_scale():
    loc, scale = static.constant(1.0), static.constant(2.0)
    drawn = static.distributions.Normal(loc, scale).sample([50], seed=2)
    with static.Session() as session:
        values, by_loc, by_scale = session.run([drawn, *static.gradients(drawn, [loc, scale])])
    np.testing.assert_allclose([by_loc, by_scale], [50.0, ((values - 1.0) / 2.0).sum()], rtol=1e-4)


def test_policies_of_unknown_batch_size():
    logits = static.placeholder("float32", [None, 3])
    made = static.distributions.Categorical(logits=logits)
    action = made.sample()
    with static.Session() as session:
        actions, logs = session.run([action, made.log_prob(action)], {logits: LOGITS})
    wanted = LOGITS - np.log(np.exp(LOGITS).sum(1, keepdims=True))
    np.testing.assert_allclose(logs, wanted[[0, 1], actions], rtol=1e-5)


def test_new_divergences_can_be_registered():
    @static.distributions.RegisterKL(static.distributions.Uniform, static.distributions.Normal)
    def known(a, b, name=None):
        return a.low * 0.0 + 7.0

    found = static.distributions.kl_divergence(static.distributions.Uniform(), static.distributions.Normal(0.0, 1.0))
    with static.Session() as session:
        assert session.run(found) == 7.0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda d: d.Bernoulli(), ValueError, "Must pass probs or logits"),
        (lambda d: d.Categorical(logits=A, probs=B), ValueError, "but not both"),
        (lambda d: d.Categorical(logits=A).cdf(1), NotImplementedError, "cdf is not implemented: Categorical"),
        (lambda d: d.kl_divergence(d.Normal(0.0, 1.0), d.Uniform()), NotImplementedError, "No KL"),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(static.distributions)
