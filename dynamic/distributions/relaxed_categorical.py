"""The categorical distribution over one-hot vectors, relaxed."""

from __future__ import annotations

import math
from typing import Any

from dynamic.distributions import constraints
from dynamic.distributions.categorical import Categorical
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.transformed_distribution import TransformedDistribution
from dynamic.distributions.transforms import ExpTransform
from dynamic.distributions.utils import broadcast_all, clamp_probs, uniform_draws
from dynamic.names import lacking


class ExpRelaxedCategorical(Distribution):
    """The logarithms of a ``RelaxedOneHotCategorical``."""

    arg_constraints: Any = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    def _expand_more(self, new: Any, batch: tuple[int, ...]) -> None:
        new.temperature, new._categorical = self.temperature, self._categorical.expand(batch)

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return self._categorical.param_shape

    @property
    def logits(self) -> Any:
        """The logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def probs(self) -> Any:
        """The probabilities."""
        return self._categorical.probs

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the parameters, by Gumbel noise."""
        u = clamp_probs(uniform_draws(self._extended_shape(sample_shape), self.logits))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        return scores - scores.logsumexp(-1, keepdim=True)

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        k = self._categorical._num_events
        logits, value = broadcast_all(self.logits, value)
        score = logits - value * self.temperature
        score = (score - score.logsumexp(-1, keepdim=True)).sum(-1)
        return score + math.lgamma(k) + (self.temperature * 1.0).log() * (k - 1)


class RelaxedOneHotCategorical(TransformedDistribution):
    """Vectors that sum to 1 and at a low ``temperature`` are almost one-hot (Maddison, Mnih and Teh 2016)."""

    arg_constraints: Any = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex
    base_dist: ExpRelaxedCategorical

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args)
        super().__init__(base, ExpTransform(), validate_args)

    @property
    def temperature(self) -> Any:
        """The temperature."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Any:
        """The logarithms of the probabilities."""
        return self.base_dist.logits

    @property
    def probs(self) -> Any:
        """The probabilities."""
        return self.base_dist.probs


__getattr__ = lacking(__name__)
