"""Distributions: densities, moments, entropies, divergences and gradients are PyTorch's; draws follow the densities."""

import importlib

import numpy as np
import pytest

import dynamic
from dynamic import distributions as ours
from tests.dynamic.oracle import agree, normal, pytorch


def library(torch):
    """The distributions of either library."""
    return ours if torch is dynamic else importlib.import_module("torch.distributions")


A, B = normal(3), normal(3, seed=1)
P, Q, R = np.abs(A) + 0.3, np.abs(B) + 0.4, np.abs(normal(3, seed=2)) + 1.2
U, V = 1 / (1 + np.exp(-A)), 1 / (1 + np.exp(-B))
ROWS = normal(2, 4)
SHARES = np.exp(ROWS) / np.exp(ROWS).sum(-1, keepdims=True)
SPREAD = normal(3, 3, seed=4)
COVARIANCE = SPREAD @ SPREAD.T + 2 * np.eye(3)
FACTOR = np.linalg.cholesky(COVARIANCE)
COUNTS, COUNTS2 = np.array([0.0, 2.0, 5.0]), np.array([3.0, 0.0, 1.0])
ROOMY = COUNTS + 2

MADE = {
    "Normal": (lambda d, a, b: d.Normal(a, b), (A, P), B),
    "Normal number": (lambda d, a: d.Normal(a, 2.0), (A,), B),
    "Normal broadcast": (lambda d, a, b: d.Normal(a, b), (normal(2, 1), P), B),
    "Uniform": (lambda d, a, b: d.Uniform(a, a + b), (A, P), A + P * 0.5),
    "Uniform edge": (lambda d, a, b: d.Uniform(a, a + b), (A, P), A),
    "Exponential": (lambda d, a: d.Exponential(a), (P,), Q),
    "Laplace": (lambda d, a, b: d.Laplace(a, b), (A, P), B),
    "Cauchy": (lambda d, a, b: d.Cauchy(a, b), (A, P), B),
    "HalfCauchy": (lambda d, a: d.HalfCauchy(a), (P,), Q),
    "HalfNormal": (lambda d, a: d.HalfNormal(a), (P,), Q),
    "Gumbel": (lambda d, a, b: d.Gumbel(a, b), (A, P), B),
    "Gamma": (lambda d, a, b: d.Gamma(a, b), (R, P), Q),
    "Gamma small": (lambda d, a, b: d.Gamma(a, b), (P * 0.3, P), Q),
    "Chi2": (lambda d, a: d.Chi2(a), (R,), Q),
    "Beta": (lambda d, a, b: d.Beta(a, b), (R, R + P), U),
    "Beta small": (lambda d, a, b: d.Beta(a, b), (P * 0.2, Q * 0.2), U),
    "Dirichlet": (lambda d, a: d.Dirichlet(a), (np.exp(ROWS) + 0.2,), SHARES),
    "Dirichlet small": (lambda d, a: d.Dirichlet(a), (SHARES * 0.9,), SHARES),
    "StudentT": (lambda d, a, b, c: d.StudentT(c, a, b), (A, P, np.array([0.7, 1.5, 4.0])), B),
    "StudentT numbers": (lambda d, a: d.StudentT(a), (R,), B),
    "LogNormal": (lambda d, a, b: d.LogNormal(a, b), (A, P), Q),
    "Pareto": (lambda d, a, b: d.Pareto(a, b), (P, np.array([0.5, 1.5, 3.0])), P + Q),
    "Weibull": (lambda d, a, b: d.Weibull(a, b), (P, R), Q),
    "Bernoulli": (lambda d, a: d.Bernoulli(a), (U,), np.array([0.0, 1.0, 1.0])),
    "Bernoulli logits": (lambda d, a: d.Bernoulli(logits=a), (A,), np.array([0.0, 1.0, 1.0])),
    "Geometric": (lambda d, a: d.Geometric(a), (U,), COUNTS),
    "Geometric logits": (lambda d, a: d.Geometric(logits=a), (A,), COUNTS),
    "Binomial": (lambda d, a: d.Binomial(5, a), (U,), COUNTS),
    "Binomial logits": (lambda d, a: d.Binomial(6, logits=a), (A,), COUNTS),
    "NegativeBinomial": (lambda d, a, b: d.NegativeBinomial(b, a), (U, ROOMY), COUNTS),
    "NegativeBinomial logits": (lambda d, a, b: d.NegativeBinomial(b, logits=a), (A, ROOMY), COUNTS),
    "Poisson": (lambda d, a: d.Poisson(a), (P,), COUNTS),
    "Categorical": (lambda d, a: d.Categorical(a), (SHARES,), np.array([3, 1])),
    "Categorical weights": (lambda d, a: d.Categorical(a), (np.exp(ROWS),), np.array([[3, 1], [0, 0], [2, 2]])),
    "Categorical logits": (lambda d, a: d.Categorical(logits=a), (ROWS,), np.array([0, 2])),
    "Categorical one": (lambda d, a: d.Categorical(logits=a), (ROWS[0],), np.array(2)),
    "OneHotCategorical": (lambda d, a: d.OneHotCategorical(a), (SHARES,), np.eye(4)[[3, 1]]),
    "OneHotCategorical logits": (lambda d, a: d.OneHotCategorical(logits=a), (ROWS,), np.eye(4)[[3, 1]]),
    "Multinomial": (lambda d, a: d.Multinomial(6, a), (SHARES,), np.array([[1.0, 2, 0, 3], [6, 0, 0, 0]])),
    "Multinomial logits": (lambda d, a: d.Multinomial(3, logits=a), (ROWS,), np.array([[1.0, 2, 0, 0], [3, 0, 0, 0]])),
    "MultivariateNormal": (lambda d, a, b: d.MultivariateNormal(a, b), (A, COVARIANCE), normal(2, 3)),
    "MultivariateNormal precision": (lambda d, a, b: d.MultivariateNormal(a, precision_matrix=b), (A, COVARIANCE), B),
    "MultivariateNormal factor": (lambda d, a, b: d.MultivariateNormal(a, scale_tril=b.tril()), (A, FACTOR), B),
    "MultivariateNormal batch": (lambda d, a, b: d.MultivariateNormal(a, b), (normal(2, 3), COVARIANCE), normal(4, 2, 3)),
    "Independent": (lambda d, a, b: d.Independent(d.Normal(a, b), 1), (normal(2, 3), P), normal(2, 3, seed=3)),
    "Independent none": (lambda d, a, b: d.Independent(d.Normal(a, b), 0), (A, P), B),
    "Independent discrete": (lambda d, a: d.Independent(d.Bernoulli(a), 1), (U,), np.array([0.0, 1.0, 1.0])),
    "MixtureSameFamily": (
        lambda d, w, a, b: d.MixtureSameFamily(d.Categorical(logits=w), d.Normal(a, b.exp())),
        (ROWS, normal(2, 4, seed=5), normal(2, 4, seed=6)),
        normal(2, seed=7),
    ),
    "MixtureSameFamily vectors": (
        lambda d, w, a, b: d.MixtureSameFamily(d.Categorical(logits=w), d.Independent(d.Normal(a, b.exp()), 1)),
        (ROWS[0], normal(4, 2, seed=5), normal(4, 2, seed=6)),
        normal(3, 2, seed=7),
    ),
    "RelaxedBernoulli": (lambda d, t, a: d.RelaxedBernoulli(t, a), (np.array(0.7), U), V),
    "RelaxedBernoulli logits": (lambda d, t, a: d.RelaxedBernoulli(t, logits=a), (np.array(0.7), A), V),
    "RelaxedOneHotCategorical": (
        lambda d, t, a: d.RelaxedOneHotCategorical(t, a),
        (np.array(0.7), SHARES),
        SHARES[::-1].copy(),
    ),
    "RelaxedOneHotCategorical logits": (
        lambda d, t, a: d.RelaxedOneHotCategorical(t, logits=a),
        (np.array(0.7), ROWS),
        SHARES[::-1].copy(),
    ),
    "tanh of Normal": (lambda d, a, b: d.TransformedDistribution(d.Normal(a, b), d.TanhTransform()), (A, P), np.tanh(B)),
    "sigmoid of Normal": (lambda d, a, b: d.TransformedDistribution(d.Normal(a, b), [d.SigmoidTransform()]), (A, P), U),
    "softplus of Normal": (lambda d, a, b: d.TransformedDistribution(d.Normal(a, b), [d.SoftplusTransform()]), (A, P), P),
    "affine of Normal": (
        lambda d, a, b: d.TransformedDistribution(d.Normal(a, b), [d.AffineTransform(2.0, -3.0)]),
        (A, P),
        B,
    ),
    "affine by tensors": (
        lambda d, a, b: d.TransformedDistribution(d.Normal(a, 1.0), [d.AffineTransform(a, b), d.ExpTransform()]),
        (A, P),
        Q,
    ),
    "logistic": (
        lambda d, a, b: d.TransformedDistribution(
            d.Uniform(a * 0, a * 0 + 1), [d.SigmoidTransform().inv, d.AffineTransform(a, b)]
        ),
        (A, P),
        B,
    ),
    "affine of vectors": (
        lambda d, a, b: d.TransformedDistribution(d.Normal(a, 1.0), [d.AffineTransform(1.0, b, event_dim=1)]),
        (normal(2, 3), P),
        normal(2, 3, seed=1),
    ),
    "InverseGamma": (lambda d, a, b: d.InverseGamma(a, b), (R, P), Q),
    "InverseGamma steep": (lambda d, a, b: d.InverseGamma(a + 8, b), (P, Q), Q),
    "Kumaraswamy": (lambda d, a, b: d.Kumaraswamy(a, b), (R, P), U),
    "FisherSnedecor": (lambda d, a, b: d.FisherSnedecor(a, b), (R, P), Q),
    "FisherSnedecor more": (lambda d, a, b: d.FisherSnedecor(a + 2, b + 4), (R, P), Q),
    "ContinuousBernoulli": (lambda d, a: d.ContinuousBernoulli(a), (U,), V),
    "ContinuousBernoulli near one half": (lambda d, a: d.ContinuousBernoulli(a), (np.array([0.4995, 0.5, 0.5009]),), V),
    "ContinuousBernoulli logits": (lambda d, a: d.ContinuousBernoulli(logits=a), (A,), V),
    "LogisticNormal": (lambda d, a, b: d.LogisticNormal(a, b), (A, P), SHARES),
    "LogisticNormal batch": (lambda d, a, b: d.LogisticNormal(a, b), (normal(2, 3), P), SHARES),
    "LowRankMultivariateNormal": (
        lambda d, a, b, c: d.LowRankMultivariateNormal(a, b, c),
        (A, normal(3, 2, seed=8), P),
        normal(2, 3, seed=3),
    ),
    "LowRankMultivariateNormal batch": (
        lambda d, a, b, c: d.LowRankMultivariateNormal(a, b, c),
        (normal(2, 3), normal(3, 1, seed=8), P),
        normal(4, 2, 3, seed=3),
    ),
    "stick of Normal": (
        lambda d, a, b: d.TransformedDistribution(d.Normal(a, b), [d.StickBreakingTransform()]),
        (normal(2, 3), P),
        SHARES,
    ),
    "reshaped Normal": (
        lambda d, a: d.TransformedDistribution(d.Normal(a, 1.0), [d.ReshapeTransform((2, 3), (6,))]),
        (normal(2, 3),),
        normal(6),
    ),
    "power of Exponential": (
        lambda d, a: d.TransformedDistribution(d.Exponential(a), [d.PowerTransform(0.5)]),
        (P,),
        Q,
    ),
}
"""How to make each distribution, of which parameters, and values to try."""

RAISING = ("MixtureSameFamily",)

pytestmark = pytest.mark.oracle


def values_of(arrays, kind):
    return [a if a.dtype.kind != "f" else a.astype(kind) for a in arrays]


@pytest.mark.parametrize("kind", ["float64", "float32"])
@pytest.mark.parametrize("name", MADE)
def test_densities(name, kind):
    make, params, value = MADE[name]

    def build(torch, *arrays):
        *given, at = arrays
        return make(library(torch), *given).log_prob(at)

    if kind == "float32":
        with np.errstate(all="ignore"):
            agree(build, *values_of((*params, value), kind), orders=1, rtol=1e-4)
    else:
        agree(build, *params, value, rtol=1e-9)


@pytest.mark.parametrize("what", ["mean", "variance", "stddev", "mode"])
@pytest.mark.parametrize("name", MADE)
def test_moments(name, what):
    make, params, _ = MADE[name]
    agree(lambda torch, *given: getattr(make(library(torch), *given), what), *params, rtol=1e-9, orders=1)


@pytest.mark.parametrize("what", ["entropy", "perplexity"])
@pytest.mark.parametrize("name", MADE)
def test_entropies(name, what):
    make, params, _ = MADE[name]

    def build(torch, *given):
        try:
            return getattr(make(library(torch), *given), what)()
        except NotImplementedError:
            return "none"

    if not name.startswith("Poisson"):  # PyTorch misses a constant
        rtol = 1e-5 if name.startswith("Multinomial") else 1e-9  # where PyTorch computes in float32 on the way
        agree(build, *params, rtol=rtol, orders=1)


@pytest.mark.parametrize("what", ["cdf", "icdf"])
@pytest.mark.parametrize("name", MADE)
def test_distribution_functions(name, what):
    make, params, value = MADE[name]
    if what == "icdf":
        value = np.array([0.2, 0.5, 0.9]) if value.shape[-1:] == (3,) else np.full(value.shape, 0.3)

    def build(torch, *arrays):
        *given, at = arrays
        try:
            return getattr(make(library(torch), *given), what)(at)
        except NotImplementedError:
            return "none"

    agree(build, *params, value, rtol=1e-9, orders=0 if name.startswith("Gamma") or name == "Chi2" else 1)


@pytest.mark.parametrize("name", MADE)
def test_shapes_and_words(name):
    make, params, value = MADE[name]
    drawable = not name.startswith(("Categorical", "OneHot", "Multinomial", "Mixture"))  # PyTorch refuses to draw nothing

    def build(torch, *arrays):
        *given, at = [x.detach() for x in arrays]
        made = make(library(torch), *given)
        larger = made.expand((5, *made.batch_shape))
        drawn = made.sample((2, 3))
        return [
            tuple(made.batch_shape),
            tuple(made.event_shape),
            made.has_rsample,
            made.has_enumerate_support,
            tuple(larger.batch_shape),
            tuple(larger.sample((2,)).shape),
            tuple(drawn.shape),
            str(drawn.dtype),
            drawn.requires_grad,
            tuple(made.sample().shape),
            tuple(made.sample((0,)).shape) if drawable else 0,
            larger.log_prob(at) if at.dim() <= len(made.batch_shape + made.event_shape) else 0,
            bool(made.support.check(drawn).all()),
            made.support.event_dim,
            made.support.is_discrete,
        ]

    agree(build, *params, value, rtol=1e-9, orders=0)


@pytest.mark.parametrize("name", ["Normal", "Bernoulli", "Categorical", "Independent", "Gamma", "Dirichlet", "LogNormal"])
def test_how_they_are_shown(name):
    make, params, _ = MADE[name]
    agree(lambda torch, *given: repr(make(library(torch), *given)), *params, orders=0)


@pytest.mark.parametrize("expand", [True, False])
@pytest.mark.parametrize(
    "name",
    ["Bernoulli", "Binomial", "Categorical", "Categorical one", "OneHotCategorical", "Independent", "Independent discrete"],
)
def test_all_values(name, expand):
    make, params, _ = MADE[name]
    agree(lambda torch, *given: make(library(torch), *given).enumerate_support(expand), *params, orders=0)


PAIRS = {
    "Bernoulli": (lambda d, a, b: (d.Bernoulli(a), d.Bernoulli(b)), (U, V)),
    "Bernoulli edges": (
        lambda d, a, b: (d.Bernoulli(a), d.Bernoulli(b)),
        (np.array([0.0, 1.0, 0.3, 0.3]), np.array([0.4, 0.4, 0.0, 1.0])),
    ),
    "Beta": (lambda d, a, b: (d.Beta(a, b), d.Beta(b, a)), (P, Q)),
    "Binomial": (lambda d, a, b: (d.Binomial(4, a), d.Binomial(4, b)), (U, V)),
    "Binomial more": (lambda d, a, b: (d.Binomial(5, a), d.Binomial(4, b)), (U, V)),
    "Binomial fewer": (lambda d, a, b: (d.Binomial(3, a), d.Binomial(4, b)), (U, V)),
    "Categorical": (lambda d, a, b: (d.Categorical(logits=a), d.Categorical(logits=b)), (ROWS, ROWS[::-1].copy())),
    "Categorical probs": (lambda d, a, b: (d.Categorical(a), d.Categorical(b)), (SHARES, SHARES[::-1].copy())),
    "OneHotCategorical": (lambda d, a, b: (d.OneHotCategorical(a), d.OneHotCategorical(b)), (SHARES, SHARES[::-1].copy())),
    "Dirichlet": (lambda d, a, b: (d.Dirichlet(a), d.Dirichlet(b)), (np.exp(ROWS), SHARES)),
    "Exponential": (lambda d, a, b: (d.Exponential(a), d.Exponential(b)), (P, Q)),
    "Gamma": (lambda d, a, b: (d.Gamma(a, b), d.Gamma(b, a)), (P, Q)),
    "Geometric": (lambda d, a, b: (d.Geometric(a), d.Geometric(b)), (U, V)),
    "Gumbel": (lambda d, a, b: (d.Gumbel(a, b.exp()), d.Gumbel(b, a.exp())), (A, B)),
    "HalfNormal": (lambda d, a, b: (d.HalfNormal(a), d.HalfNormal(b)), (P, Q)),
    "Laplace": (lambda d, a, b: (d.Laplace(a, b.exp()), d.Laplace(b, a.exp())), (A, B)),
    "Normal": (lambda d, a, b: (d.Normal(a, b.exp()), d.Normal(b, a.exp())), (A, B)),
    "Normal broadcast": (lambda d, a, b: (d.Normal(a, 1.0), d.Normal(b, 2.0)), (normal(2, 1), B)),
    "LogNormal": (lambda d, a, b: (d.LogNormal(a, b.exp()), d.LogNormal(b, a.exp())), (A, B)),
    "MultivariateNormal": (
        lambda d, a, b, c: (d.MultivariateNormal(a, c), d.MultivariateNormal(b, c + c.diag().diag())),
        (A, B, COVARIANCE),
    ),
    "MultivariateNormal batch": (
        lambda d, a, b, c: (d.MultivariateNormal(a, c), d.MultivariateNormal(b, scale_tril=c.tril())),
        (normal(2, 3), B, COVARIANCE),
    ),
    "Pareto": (lambda d, a, b: (d.Pareto(a + b, a), d.Pareto(a, b)), (P, Q)),
    "Pareto outside": (lambda d, a, b: (d.Pareto(a, a), d.Pareto(a + b, b)), (P, Q)),
    "Poisson": (lambda d, a, b: (d.Poisson(a), d.Poisson(b)), (P, Q)),
    "Uniform": (lambda d, a, b: (d.Uniform(a, a + b), d.Uniform(a - 1, a + b + 2)), (A, P)),
    "Uniform outside": (lambda d, a, b: (d.Uniform(a, a + b), d.Uniform(a + 1, a + b + 2)), (A, P)),
    "Cauchy": (lambda d, a, b: (d.Cauchy(a, b.exp()), d.Cauchy(b, a.exp())), (A, B)),
    "Independent": (
        lambda d, a, b: (d.Independent(d.Normal(a, 1.0), 1), d.Independent(d.Normal(b, 2.0), 1)),
        (normal(2, 3), normal(2, 3, seed=1)),
    ),
    "Independent differ": (
        lambda d, a, b: (d.Independent(d.Normal(a, 1.0), 1), d.Independent(d.Normal(b, 2.0), 2)),
        (normal(2, 3), normal(2, 3, seed=1)),
    ),
    "Bernoulli Poisson": (lambda d, a, b: (d.Bernoulli(a), d.Poisson(b)), (U, P)),
    "Exponential Gamma": (lambda d, a, b: (d.Exponential(a), d.Gamma(b, a)), (P, Q)),
    "Gamma Exponential": (lambda d, a, b: (d.Gamma(a, b), d.Exponential(b)), (P, Q)),
    "Exponential Normal": (lambda d, a, b: (d.Exponential(b), d.Normal(a, b)), (A, P)),
    "Gamma Normal": (lambda d, a, b: (d.Gamma(b, b), d.Normal(a, b)), (A, P)),
    "Laplace Normal": (lambda d, a, b: (d.Laplace(a + 1, b), d.Normal(a, b)), (A, P)),
    "Gumbel Normal": (lambda d, a, b: (d.Gumbel(a + 1, b), d.Normal(a, b)), (A, P)),
    "Beta Normal": (lambda d, a, b: (d.Beta(b, b), d.Normal(a, b)), (A, P)),
    "Uniform Normal": (lambda d, a, b: (d.Uniform(a, a + b), d.Normal(a, b)), (A, P)),
    "Normal Gumbel": (lambda d, a, b: (d.Normal(a + 1, b), d.Gumbel(a, b)), (A, P)),
    "Beta Uniform": (lambda d, a, b: (d.Beta(a, b), d.Uniform(-a, a + 1)), (P, Q)),
    "Normal Categorical": (lambda d, a, b: (d.Normal(a, 1.0), d.Categorical(logits=b)), (A, B)),
    "Multinomial": (lambda d, a, b: (d.Multinomial(2, a), d.Multinomial(2, b)), (SHARES, SHARES)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_divergences(name):
    make, params = PAIRS[name]

    def build(torch, *given):
        d = library(torch)
        return d.kl_divergence(*make(d, *given))

    agree_or_refuse(build, *params)


def agree_or_refuse(build, *arrays):
    """As ``agree``, where ``NotImplementedError`` is an answer."""

    def answered(torch, *given):
        try:
            return build(torch, *given)
        except NotImplementedError:
            return "none"

    agree(answered, *arrays, rtol=1e-9, orders=1)


WRONG = {
    "negative scale": lambda d, t: d.Normal(0.0, -1.0),
    "zero scale": lambda d, t: d.Normal(t.zeros(2), t.zeros(2)),
    "NaN": lambda d, t: d.Normal(t.tensor(float("nan")), 1.0),
    "a string": lambda d, t: d.Normal("a", 1.0),
    "shapes": lambda d, t: d.Normal(t.zeros(2), t.ones(3)),
    "bounds": lambda d, t: d.Uniform(1.0, 0.0),
    "probability": lambda d, t: d.Bernoulli(1.5),
    "neither": lambda d, t: d.Bernoulli(),
    "both": lambda d, t: d.Categorical(t.ones(2), t.ones(2)),
    "no dimension": lambda d, t: d.Categorical(t.tensor(0.5)),
    "negative weight": lambda d, t: d.Categorical(t.tensor([-1.0, 3.0])),
    "rate": lambda d, t: d.Exponential(0.0),
    "no covariance": lambda d, t: d.MultivariateNormal(t.zeros(2)),
    "covariance": lambda d, t: d.MultivariateNormal(t.zeros(2), -t.eye(2)),
    "lopsided covariance": lambda d, t: d.MultivariateNormal(t.zeros(2), t.tensor([[1.0, 0.5], [0.0, 1.0]])),
    "factor": lambda d, t: d.MultivariateNormal(t.zeros(2), scale_tril=t.ones(2, 2)),
    "vector of a number": lambda d, t: d.MultivariateNormal(t.tensor(0.0), t.eye(1)),
    "too many dimensions": lambda d, t: d.Independent(d.Normal(0.0, 1.0), 1),
    "value of no tensor": lambda d, t: d.Normal(0.0, 1.0).log_prob(1.0),
    "value outside": lambda d, t: d.Exponential(1.0).log_prob(t.tensor(-1.0)),
    "value between": lambda d, t: d.Bernoulli(0.5).log_prob(t.tensor(0.5)),
    "value beyond": lambda d, t: d.Categorical(t.ones(3)).log_prob(t.tensor(3)),
    "value NaN": lambda d, t: d.Normal(0.0, 1.0).log_prob(t.tensor(float("nan"))),
    "value of another shape": lambda d, t: d.Normal(t.zeros(2), 1.0).log_prob(t.zeros(3)),
    "event of another shape": lambda d, t: d.Dirichlet(t.ones(3)).log_prob(t.tensor([0.5, 0.5])),
    "simplex": lambda d, t: d.Dirichlet(t.ones(2)).log_prob(t.tensor([0.5, 0.6])),
    "unchecked": lambda d, t: d.Normal(0.0, -1.0, validate_args=False).mean,
    "unchecked value": lambda d, t: d.Exponential(1.0, validate_args=False).log_prob(t.tensor(-1.0)),
    "several counts": lambda d, t: d.Multinomial(t.tensor([1, 2]), t.ones(2)),
    "mixture of no Categorical": lambda d, t: d.MixtureSameFamily(d.Normal(0.0, 1.0), d.Normal(t.zeros(2), 1.0)),
    "mixture of others": lambda d, t: d.MixtureSameFamily(d.Categorical(t.ones(3)), d.Normal(t.zeros(2), 1.0)),
    "no transform": lambda d, t: d.TransformedDistribution(d.Normal(0.0, 1.0), [1]),
    "no sample": lambda d, t: d.Bernoulli(0.5).rsample(),
    "no mean": lambda d, t: d.Distribution().mean,
    "default words": lambda d, t: d.Distribution.set_default_validate_args(3),
    "binomial counts": lambda d, t: d.Binomial(t.tensor([2.0, 3.0]), t.ones(2) * 0.5).enumerate_support(),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit(name):
    def build(torch):
        try:
            return WRONG[name](library(torch), torch)
        except NotImplementedError:
            return "none"

    agree(build)


CONSTRAINTS = {
    "boolean": ("boolean", np.array([0.0, 1.0, 0.5])),
    "one_hot": ("one_hot", np.array([[0.0, 1.0], [1.0, 1.0], [0.5, 0.5]])),
    "nonnegative_integer": ("nonnegative_integer", np.array([0.0, 2.0, -1.0, 0.5])),
    "positive_integer": ("positive_integer", np.array([0.0, 2.0, -1.0, 0.5])),
    "real": ("real", np.array([0.0, np.inf, np.nan])),
    "real_vector": ("real_vector", np.array([[0.0, np.inf], [np.nan, 1.0]])),
    "positive": ("positive", np.array([0.0, 1.0, -1.0])),
    "nonnegative": ("nonnegative", np.array([0.0, 1.0, -1.0])),
    "unit_interval": ("unit_interval", np.array([0.0, 1.0, 1.1])),
    "simplex": ("simplex", np.array([[0.5, 0.5], [0.5, 0.6], [-0.5, 1.5]])),
    "lower_triangular": ("lower_triangular", np.array([np.eye(2), np.ones((2, 2))])),
    "lower_cholesky": ("lower_cholesky", np.array([np.eye(2), -np.eye(2)])),
    "square": ("square", np.ones((3, 2, 2))),
    "not square": ("square", np.ones((3, 2, 1))),
    "symmetric": ("symmetric", np.array([np.eye(2), np.tril(np.ones((2, 2)))])),
    "positive_definite": ("positive_definite", np.array([np.eye(2), np.ones((2, 2)) + np.eye(2)])),
    "not positive_definite": ("positive_definite", np.array([np.eye(2), -np.eye(2)])),
    "positive_semidefinite": ("positive_semidefinite", np.array([np.eye(2), np.zeros((2, 2))])),
    "interval": (lambda c: c.interval(-1, 2), np.array([-1.0, 2.0, 2.1])),
    "half_open_interval": (lambda c: c.half_open_interval(-1, 2), np.array([-1.0, 2.0, 2.1])),
    "integer_interval": (lambda c: c.integer_interval(-1, 2), np.array([-1.0, 2.0, 1.5, 3.0])),
    "greater_than": (lambda c: c.greater_than(1), np.array([1.0, 2.0])),
    "greater_than_eq": (lambda c: c.greater_than_eq(1), np.array([1.0, 0.0])),
    "less_than": (lambda c: c.less_than(1), np.array([1.0, 0.0])),
    "multinomial": (lambda c: c.multinomial(3), np.array([[1.0, 2.0], [2.0, 2.0], [-1.0, 1.0]])),
    "independent": (lambda c: c.independent(c.positive, 1), np.array([[1.0, 2.0], [0.0, 2.0]])),
}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints(name):
    which, value = CONSTRAINTS[name]

    def build(torch, x):
        c = library(torch).constraints
        constraint = which(c) if callable(which) else getattr(c, which)
        return [constraint.check(x.detach()), constraint.event_dim, constraint.is_discrete, repr(constraint)]

    agree(build, value, orders=0)


TRANSFORMS = {
    "exp": (lambda d: d.ExpTransform(), A),
    "sticks": (lambda d: d.StickBreakingTransform(), normal(2, 3)),
    "inverse sticks": (lambda d: d.StickBreakingTransform().inv, SHARES),
    "reshape": (lambda d: d.ReshapeTransform((2, 3), (3, 2)), normal(4, 2, 3)),
    "inverse reshape": (lambda d: d.ReshapeTransform((2, 3), (6,)).inv, normal(4, 6)),
    "independent exp": (lambda d: d.IndependentTransform(d.ExpTransform(), 1), normal(2, 3)),
    "independent of a vector": (lambda d: d.IndependentTransform(d.ExpTransform(), 2), normal(3)),
    "stacked": (lambda d: d.StackTransform([d.ExpTransform(), d.AffineTransform(0.0, 2.0)], 1), normal(3, 2)),
    "joined": (lambda d: d.CatTransform([d.ExpTransform(), d.AffineTransform(0.0, 2.0)], 1, [2, 1]), normal(2, 3)),
    "joined from the end": (lambda d: d.CatTransform([d.ExpTransform(), d.TanhTransform()], -1, [2, 1]), normal(2, 3)),
    "distribution function": (lambda d: d.CumulativeDistributionTransform(d.Normal(0.5, 2.0)), A),
    "sticks after affine": (lambda d: d.ComposeTransform([d.AffineTransform(1.0, 2.0), d.StickBreakingTransform()]), ROWS),
    "inverse exp": (lambda d: d.ExpTransform().inv, P),
    "sigmoid": (lambda d: d.SigmoidTransform(), A),
    "tanh": (lambda d: d.TanhTransform(), A),
    "inverse tanh": (lambda d: d.TanhTransform().inv, np.tanh(A)),
    "softplus": (lambda d: d.SoftplusTransform(), A),
    "power": (lambda d: d.PowerTransform(2.0), P),
    "affine": (lambda d: d.AffineTransform(1.0, -2.0), A),
    "inverse affine": (lambda d: d.AffineTransform(1.0, -2.0).inv, A),
    "affine vectors": (lambda d: d.AffineTransform(1.0, -2.0, event_dim=1), normal(2, 3)),
    "composed": (lambda d: d.ComposeTransform([d.AffineTransform(1.0, 2.0), d.ExpTransform(), d.TanhTransform()]), A),
    "inverse composed": (lambda d: d.ComposeTransform([d.AffineTransform(1.0, 2.0), d.ExpTransform()]).inv, P),
    "identity": (lambda d: d.identity_transform, A),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(name):
    make, value = TRANSFORMS[name]

    def build(torch, x):
        transform = make(library(torch))
        y = transform(x)
        return [y, transform.inv(y), transform.log_abs_det_jacobian(x, y), transform.bijective, transform.domain.event_dim]

    agree(build, value, rtol=1e-9, orders=1)


@pytest.mark.parametrize("way", ["forward_shape", "inverse_shape"])
@pytest.mark.parametrize("shape", [(), (3,), (4, 2, 3), (5, 6)], ids=str)
@pytest.mark.parametrize("name", ["exp", "sticks", "reshape", "inverse reshape", "independent exp", "sticks after affine"])
def test_shapes_of_transforms(name, shape, way):
    agree(lambda torch: tuple(getattr(TRANSFORMS[name][0](library(torch)), way)(torch.Size(shape))), orders=0)


def test_a_lower_triangle_with_a_positive_diagonal():
    def build(torch, x):
        transform = library(torch).LowerCholeskyTransform()
        y = transform(x)
        return y, transform.inv(y)

    agree(build, normal(2, 3, 3), rtol=1e-9, orders=1)


REGISTERED = {
    "real": lambda c: c.real,
    "positive": lambda c: c.positive,
    "greater_than": lambda c: c.greater_than(2.0),
    "greater_than_eq": lambda c: c.greater_than_eq(-1.0),
    "nonnegative": lambda c: c.nonnegative,
    "less_than": lambda c: c.less_than(3.0),
    "unit_interval": lambda c: c.unit_interval,
    "interval": lambda c: c.interval(-1.0, 2.0),
    "half_open_interval": lambda c: c.half_open_interval(0.0, 3.0),
    "simplex": lambda c: c.simplex,
    "lower_cholesky": lambda c: c.lower_cholesky,
    "independent": lambda c: c.independent(c.positive, 1),
    "real_vector": lambda c: c.real_vector,
    "stack": lambda c: c.stack([c.real, c.positive, c.unit_interval], 1),
    "cat": lambda c: c.cat([c.real, c.positive], 1, [1, 2]),
    "boolean": lambda c: c.boolean,
}


@pytest.mark.parametrize("registry", ["transform_to", "biject_to"])
@pytest.mark.parametrize("name", REGISTERED)
def test_transforms_of_constraints(name, registry):
    def build(torch, x):
        d = library(torch)
        constraint = REGISTERED[name](d.constraints)
        try:
            transform = getattr(d, registry)(constraint)
        except NotImplementedError:
            return "none"
        y = transform(x)
        return [y, transform.inv(y), repr(transform), bool(constraint.check(y).all())]

    agree(build, normal(3, 3), rtol=1e-9, orders=1)


def test_registering_what_is_no_constraint():
    for torch in (dynamic, pytorch()):
        with pytest.raises(TypeError):
            library(torch).transform_to.register(3, lambda constraint: None)


@pytest.mark.parametrize("what", ["log_prob", "mean", "mode", "variance", "stddev"])
def test_angles(what):
    """PyTorch's Bessel functions are polynomials good to about seven digits."""

    def build(torch, loc, k, value):
        made = library(torch).VonMises(loc, k)
        return made.log_prob(value) if what == "log_prob" else getattr(made, what)

    agree(build, A, np.array([0.3, 2.0, 7.0]), B, rtol=1e-6, orders=0)


@pytest.mark.parametrize("concentration", [1e-3, 0.5, 3.0, 200.0])
def test_angles_drawn(concentration):
    dynamic.manual_seed(5)
    made = ours.VonMises(dynamic.full((3,), 1.0), dynamic.full((3,), concentration))
    drawn = made.sample((4000,))
    assert (drawn.shape, drawn.dtype) == ((4000, 3), dynamic.float32)
    assert float(drawn.abs().max()) <= np.pi + 1e-6
    mean = float((drawn - 1.0).cos().double().mean())
    assert abs(mean - (1 - float(made.variance[0]))) < 0.03
    assert abs(float((drawn - 1.0).sin().double().mean())) < 0.03
    assert made.expand((2, 3)).sample().shape == (2, 3)


# Draws

HEAVY = ("Uniform edge", "StudentT", "StudentT numbers", "Pareto", "InverseGamma", "FisherSnedecor")
DRAWN = [name for name in MADE if "Cauchy" not in name and name not in HEAVY]


@pytest.mark.parametrize("name", DRAWN)
def test_draws_have_the_mean_and_spread(name):
    make, params, _ = MADE[name]
    dynamic.manual_seed(3)
    made = make(ours, *map(dynamic.from_numpy, params))
    drawn = made.sample((20_000,)).numpy().astype(float)
    try:
        mean, spread = made.mean.numpy(), made.stddev.numpy()
    except NotImplementedError:
        mean = spread = np.array(np.nan)
    if np.isnan(mean).any() or not np.isfinite(spread).all():
        reference = pytorch()
        mean = reference_draws = (
            make(library(reference), *map(reference.from_numpy, params)).sample((20_000,)).double().numpy()
        )
        mean, spread = reference_draws.mean(0), reference_draws.std(0)
    error = spread / np.sqrt(20_000)
    assert (np.abs(drawn.mean(0) - mean) < 7 * error).all()
    np.testing.assert_allclose(drawn.std(0), spread, rtol=0.15)


SMOOTH = [
    *("Normal", "Normal broadcast", "Uniform", "Exponential", "Laplace", "HalfNormal", "Gumbel", "Gamma", "Gamma small"),
    *(
        "Beta",
        "Dirichlet",
        "LogNormal",
        "Weibull",
        "MultivariateNormal",
        "MultivariateNormal precision",
        "Independent",
        "Chi2",
    ),
]


@pytest.mark.parametrize("name", SMOOTH)
def test_slopes_of_draws_give_those_of_moments(name):
    """The mean of the draws' gradients is the gradient of the mean."""
    make, params, _ = MADE[name]
    dynamic.manual_seed(5)
    given = [dynamic.from_numpy(x.copy()).requires_grad_() for x in params]
    made = make(ours, *given)
    weights = dynamic.from_numpy(np.cos(np.arange(made.mean.numel())).reshape(made.mean.shape))
    wanted = dynamic.autograd.grad((made.mean * weights).sum(), given, retain_graph=True, allow_unused=True)
    found = dynamic.autograd.grad((made.rsample((5_000,)).mean(0) * weights).sum(), given, allow_unused=True)
    for x, g, w in zip(params, found, wanted, strict=True):
        w = np.zeros_like(x) if w is None else w.numpy()
        g = np.zeros_like(x) if g is None else g.numpy()
        np.testing.assert_allclose(g, w, atol=0.2 * max(1, np.abs(w).max()))


@pytest.mark.parametrize("shape", [0.05, 0.4, 1.0, 3.0, 20.0, 500.0])
def test_slopes_of_gamma_draws(shape):
    torch = pytorch()
    dynamic.manual_seed(1)
    a = dynamic.full((200,), shape, dtype=dynamic.float64).requires_grad_()
    draws = ours.Gamma(a, 1.0).rsample()
    draws.sum().backward()
    wanted = torch._standard_gamma_grad(
        torch.full((200,), shape, dtype=torch.float64), torch.from_numpy(draws.detach().numpy())
    )
    np.testing.assert_allclose(a.grad.numpy(), wanted.numpy(), rtol=2e-3)


def test_straight_through():
    logits = dynamic.from_numpy(ROWS.copy()).requires_grad_()
    drawn = ours.OneHotCategoricalStraightThrough(logits=logits).rsample()
    assert ((drawn == 0) | (drawn == 1)).all() or np.allclose(drawn.detach().sum(-1).numpy(), 1)
    weights = dynamic.arange(4, dtype=dynamic.float64)
    (found,) = dynamic.autograd.grad((drawn * weights).sum(), logits)
    (wanted,) = dynamic.autograd.grad((logits.softmax(-1) * weights).sum(), logits)
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-12)


def test_the_same_seed_draws_the_same():
    def draw():
        dynamic.manual_seed(11)
        return [ours.Normal(0.0, 1.0).sample((3,)).tolist(), ours.Binomial(9, dynamic.full((3,), 0.3)).sample().tolist()]

    assert draw() == draw()


def test_policy_gradient():
    """The program that most people want a Categorical for."""
    logits = dynamic.zeros(2, requires_grad=True)
    optimizer = dynamic.optim.SGD([logits], lr=0.1)
    dynamic.manual_seed(0)
    for _ in range(200):
        policy = ours.Categorical(logits=logits)
        action = policy.sample()
        loss = -policy.log_prob(action) * float(action.item() == 1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert ours.Categorical(logits=logits).probs[1].item() > 0.9


def test_a_divergence_of_ones_own():
    class Mine(ours.Normal):
        pass

    @ours.register_kl(Mine, ours.Normal)
    def mine(p, q):
        return "mine"

    with pytest.raises(TypeError, match="no class of distributions"):
        ours.register_kl(int, ours.Normal)
    p, q = Mine(0.0, 1.0), ours.Normal(0.0, 1.0)
    assert ours.kl_divergence(p, q) == "mine"
    assert ours.kl_divergence(q, p).item() == 0
