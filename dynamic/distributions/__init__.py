"""Probability distributions: draws through which gradients flow, densities, entropies, divergences."""

from __future__ import annotations

from dynamic.distributions import constraints as constraints, transforms as transforms
from dynamic.distributions.bernoulli import Bernoulli as Bernoulli
from dynamic.distributions.beta import Beta as Beta
from dynamic.distributions.binomial import Binomial as Binomial
from dynamic.distributions.categorical import Categorical as Categorical
from dynamic.distributions.cauchy import Cauchy as Cauchy, HalfCauchy as HalfCauchy
from dynamic.distributions.chi2 import Chi2 as Chi2
from dynamic.distributions.constraint_registry import biject_to as biject_to, transform_to as transform_to
from dynamic.distributions.continuous_bernoulli import ContinuousBernoulli as ContinuousBernoulli
from dynamic.distributions.dirichlet import Dirichlet as Dirichlet
from dynamic.distributions.distribution import Distribution as Distribution
from dynamic.distributions.exp_family import ExponentialFamily as ExponentialFamily
from dynamic.distributions.exponential import Exponential as Exponential
from dynamic.distributions.fishersnedecor import FisherSnedecor as FisherSnedecor
from dynamic.distributions.gamma import Gamma as Gamma
from dynamic.distributions.geometric import Geometric as Geometric
from dynamic.distributions.gumbel import Gumbel as Gumbel
from dynamic.distributions.half_normal import HalfNormal as HalfNormal
from dynamic.distributions.independent import Independent as Independent
from dynamic.distributions.inverse_gamma import InverseGamma as InverseGamma
from dynamic.distributions.kl import kl_divergence as kl_divergence, register_kl as register_kl
from dynamic.distributions.kumaraswamy import Kumaraswamy as Kumaraswamy
from dynamic.distributions.laplace import Laplace as Laplace
from dynamic.distributions.log_normal import LogNormal as LogNormal
from dynamic.distributions.logistic_normal import LogisticNormal as LogisticNormal
from dynamic.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal as LowRankMultivariateNormal
from dynamic.distributions.mixture_same_family import MixtureSameFamily as MixtureSameFamily
from dynamic.distributions.multinomial import Multinomial as Multinomial
from dynamic.distributions.multivariate_normal import MultivariateNormal as MultivariateNormal
from dynamic.distributions.negative_binomial import NegativeBinomial as NegativeBinomial
from dynamic.distributions.normal import Normal as Normal
from dynamic.distributions.one_hot_categorical import (
    OneHotCategorical as OneHotCategorical,
    OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough,
)
from dynamic.distributions.pareto import Pareto as Pareto
from dynamic.distributions.poisson import Poisson as Poisson
from dynamic.distributions.relaxed_bernoulli import RelaxedBernoulli as RelaxedBernoulli
from dynamic.distributions.relaxed_categorical import RelaxedOneHotCategorical as RelaxedOneHotCategorical
from dynamic.distributions.studentT import StudentT as StudentT
from dynamic.distributions.transformed_distribution import TransformedDistribution as TransformedDistribution
from dynamic.distributions.transforms import (
    AbsTransform as AbsTransform,
    AffineTransform as AffineTransform,
    CatTransform as CatTransform,
    ComposeTransform as ComposeTransform,
    CumulativeDistributionTransform as CumulativeDistributionTransform,
    ExpTransform as ExpTransform,
    IndependentTransform as IndependentTransform,
    LowerCholeskyTransform as LowerCholeskyTransform,
    PowerTransform as PowerTransform,
    ReshapeTransform as ReshapeTransform,
    SigmoidTransform as SigmoidTransform,
    SoftmaxTransform as SoftmaxTransform,
    SoftplusTransform as SoftplusTransform,
    StackTransform as StackTransform,
    StickBreakingTransform as StickBreakingTransform,
    TanhTransform as TanhTransform,
    Transform as Transform,
    identity_transform as identity_transform,
)
from dynamic.distributions.uniform import Uniform as Uniform
from dynamic.distributions.von_mises import VonMises as VonMises
from dynamic.distributions.weibull import Weibull as Weibull
from dynamic.names import lacking


__getattr__ = lacking(__name__)
