"""Kullback-Leibler divergences, a function for each pair of distributions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import dynamic
from dynamic.distributions.bernoulli import Bernoulli
from dynamic.distributions.beta import Beta
from dynamic.distributions.binomial import Binomial
from dynamic.distributions.categorical import Categorical
from dynamic.distributions.cauchy import Cauchy
from dynamic.distributions.dirichlet import Dirichlet
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.exponential import Exponential
from dynamic.distributions.gamma import Gamma
from dynamic.distributions.geometric import Geometric
from dynamic.distributions.gumbel import Gumbel
from dynamic.distributions.half_normal import HalfNormal
from dynamic.distributions.independent import Independent, sum_rightmost
from dynamic.distributions.laplace import Laplace
from dynamic.distributions.multivariate_normal import MultivariateNormal, half_log_det, mahalanobis
from dynamic.distributions.normal import Normal
from dynamic.distributions.one_hot_categorical import OneHotCategorical
from dynamic.distributions.pareto import Pareto
from dynamic.distributions.poisson import Poisson
from dynamic.distributions.transformed_distribution import TransformedDistribution
from dynamic.distributions.uniform import Uniform
from dynamic.distributions.utils import euler_constant
from dynamic.names import lacking
from dynamic.nn.activations import softplus


_REGISTERED: dict[tuple[type[Any], type[Any]], Callable[[Any, Any], Any]] = {}


def register_kl(type_p: type[Any], type_q: type[Any]) -> Callable[[Callable[[Any, Any], Any]], Callable[[Any, Any], Any]]:
    """A decorator for a function ``(p, q)`` that gives the divergence for distributions of these classes.

    Raises TypeError for what is no class of distributions.
    """
    for kind in (type_p, type_q):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"{kind!r} is no class of distributions")

    def register(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        _REGISTERED[type_p, type_q] = function
        return function

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Any:
    """``Σ p log(p / q)``, in nats, of the batch's shape.

    The function registered for the nearest classes computes it. Raises NotImplementedError where there is none.
    """
    found = [
        (type(p).__mro__.index(a), type(q).__mro__.index(b), (a, b))
        for a, b in _REGISTERED
        if isinstance(p, a) and isinstance(q, b)
    ]
    if not found:
        raise NotImplementedError(f"no divergence is registered from {type(p).__name__} to {type(q).__name__}")
    return _REGISTERED[min(found, key=lambda each: each[:2])[2]](p, q)


def _infinite(like: Any) -> Any:
    return dynamic.full_like(like, math.inf)


def _where_inside(inside: Any, finite: Any) -> Any:
    return dynamic.where(inside, finite, _infinite(finite))


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Any:
    yes = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    yes = dynamic.where(q.probs == 0, _infinite(yes), yes)
    yes = dynamic.where(p.probs == 0, dynamic.zeros_like(yes), yes)
    no = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    no = dynamic.where(q.probs == 1, _infinite(no), no)
    no = dynamic.where(p.probs == 1, dynamic.zeros_like(no), no)
    return yes + no


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Any, q: Any) -> Any:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Any:
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Any:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("the divergence from fewer tries to more is not computed")
    finite = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    return dynamic.where(p.total_count > q.total_count, _infinite(finite), finite)


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Any:
    each = p.probs * (p.logits - q.logits)
    each = dynamic.where(q.probs == 0, _infinite(each), each)
    each = dynamic.where((p.probs == 0).expand_as(each), dynamic.zeros_like(each), each)
    return each.sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Any:
    return _categorical(p._categorical, q._categorical)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    whole = a.sum(-1)
    norm = whole.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return norm + ((a - b) * (a.digamma() - whole.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    shapes = b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma()
    return shapes + (a - b) * a.digamma() + (q.rate - p.rate) * (a / p.rate)


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Any:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Any, q: Any) -> Any:
    ratio = p.scale / q.scale
    start, mean = q.loc / q.scale, p.loc / q.scale
    return (
        -ratio.log()
        - start
        + mean
        + ratio * euler_constant
        + (start + (1 + ratio).lgamma() - mean).exp()
        - (1 + euler_constant)
    )


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio - 1 - ratio.log())


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Any:
    ratio, apart = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + apart / q.scale + ratio * (-apart / p.scale).exp() - 1


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale).pow(2)
    apart = ((p.loc - q.loc) / q.scale).pow(2)
    return 0.5 * (ratio + apart - 1 - ratio.log())


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: Any, q: Any) -> Any:
    if p.event_shape != q.event_shape:
        raise ValueError(f"distributions over vectors of {p.event_shape[0]} and of {q.event_shape[0]} elements")
    a, b = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    trace = mahalanobis(b.unsqueeze(-3), a.mT).sum(-1)
    apart = mahalanobis(b, q.loc - p.loc)
    return half_log_det(b) - half_log_det(a) + 0.5 * (trace + apart - p.event_shape[0])


@register_kl(Pareto, Pareto)
def _pareto(p: Any, q: Any) -> Any:
    ratio = q.alpha / p.alpha
    finite = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return _where_inside(p.support.lower_bound >= q.support.lower_bound, finite)


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Any:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Any:
    finite = ((q.high - q.low) / (p.high - p.low)).log()
    return _where_inside((q.low <= p.low) & (q.high >= p.high), finite)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Any:
    apart = (p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)
    return (apart / (4 * p.scale * q.scale)).log()


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("the divergence of events of different dimensions is not computed")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Any:
    if [type(each) for each in p.transforms] != [type(each) for each in q.transforms] or p.event_shape != q.event_shape:
        raise NotImplementedError("the divergence of what was transformed differently is not computed")
    for a, b in zip(p.transforms, q.transforms, strict=True):
        if a is not b and vars(a).keys() - {"_cache_size", "_cached"}:
            raise NotImplementedError("the divergence of what was transformed differently is not computed")
    return kl_divergence(p.base_dist, q.base_dist)


# Between families


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Any, q: Any) -> Any:
    ratio, b = q.rate / p.rate, q.concentration
    return -b * ratio.log() + ratio + b.lgamma() + b * euler_constant - (1 + euler_constant)


@register_kl(Gamma, Exponential)
def _gamma_exponential(p: Any, q: Any) -> Any:
    return -p.entropy() - q.rate.log() + q.rate * p.concentration / p.rate


@register_kl(Exponential, Normal)
def _exponential_normal(p: Any, q: Any) -> Any:
    return -p.entropy() + _normal_cross(p.mean, p.variance, q)


@register_kl(Gamma, Normal)
def _gamma_normal(p: Any, q: Any) -> Any:
    return -p.entropy() + _normal_cross(p.mean, p.variance, q)


@register_kl(Laplace, Normal)
def _laplace_normal(p: Any, q: Any) -> Any:
    return -p.entropy() + _normal_cross(p.mean, p.variance, q)


@register_kl(Gumbel, Normal)
def _gumbel_normal(p: Any, q: Any) -> Any:
    return -p.entropy() + _normal_cross(p.mean, p.variance, q)


@register_kl(Beta, Normal)
def _beta_normal(p: Any, q: Any) -> Any:
    return -p.entropy() + _normal_cross(p.mean, p.variance, q)


@register_kl(Uniform, Normal)
def _uniform_normal(p: Any, q: Any) -> Any:
    return -p.entropy() + _normal_cross(p.mean, p.variance, q)


def _normal_cross(mean: Any, variance: Any, q: Any) -> Any:
    """The cross-entropy of a distribution with these moments and a normal one."""
    return (q.scale * math.sqrt(2 * math.pi)).log() + (variance + (mean - q.loc).pow(2)) / (2 * q.scale.pow(2))


@register_kl(Normal, Gumbel)
def _normal_gumbel(p: Any, q: Any) -> Any:
    mean, spread = p.loc / q.scale, (p.scale / q.scale).pow(2)
    at = q.loc / q.scale
    cross = mean - at + (-mean + 0.5 * spread + at).exp() + q.scale.log()
    return cross - p.entropy()


@register_kl(Beta, Uniform)
def _beta_uniform(p: Any, q: Any) -> Any:
    finite = -p.entropy() + (q.high - q.low).log()
    return _where_inside((q.low <= 0) & (q.high >= 1), finite)


__getattr__ = lacking(__name__)
