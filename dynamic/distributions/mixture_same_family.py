"""Mixtures of distributions of one family."""

from __future__ import annotations

from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.categorical import Categorical
from dynamic.distributions.distribution import Distribution
from dynamic.names import lacking


class MixtureSameFamily(Distribution):
    """A component, drawn by ``mixture_distribution``, of the last batch dimension of ``component_distribution``.

    Raises ValueError where the one is no Categorical, the other no distribution, or their shapes do not fit.
    """

    arg_constraints: Any = {}

    def __init__(
        self, mixture_distribution: Categorical, component_distribution: Distribution, validate_args: bool | None = None
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError("the mixture distribution is a Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("the component distribution is a Distribution")
        batch, parts = mixture_distribution.batch_shape, component_distribution.batch_shape
        for n, m in zip(reversed(batch), reversed(parts[:-1]), strict=False):
            if n not in (1, m) and m != 1:
                raise ValueError(f"a mixture of batch {tuple(batch)} for components of {tuple(parts)}")
        weights = mixture_distribution.param_shape[-1]
        if weights != parts[-1]:
            raise ValueError(f"{weights} weights for {parts[-1]} components")
        self.mixture_distribution, self.component_distribution = mixture_distribution, component_distribution
        self._event_ndims = len(component_distribution.event_shape)
        super().__init__(parts[:-1], component_distribution.event_shape, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> MixtureSameFamily:
        """The distribution with its batch expanded."""
        batch = tuple(batch_shape)
        parts = self.component_distribution.expand((*batch, self.component_distribution.batch_shape[-1]))
        return MixtureSameFamily(self.mixture_distribution.expand(batch), parts, self._validate_args)

    @constraints.dependent_property
    def support(self) -> Any:
        """Where the values lie."""
        return self.component_distribution.support

    def _weights(self) -> Any:
        probs = self.mixture_distribution.probs
        return probs.reshape(tuple(probs.shape) + (1,) * self._event_ndims)

    @property
    def mean(self) -> Any:
        """The mean."""
        return (self._weights() * self.component_distribution.mean).sum(-1 - self._event_ndims)

    @property
    def variance(self) -> Any:
        """The variance: that within the components, and that between them."""
        at, weights = -1 - self._event_ndims, self._weights()
        within = (weights * self.component_distribution.variance).sum(at)
        apart = self.component_distribution.mean - self.mean.unsqueeze(at)
        return within + (weights * apart.pow(2.0)).sum(at)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Values drawn."""
        with dynamic.no_grad():
            at = len(tuple(sample_shape)) + len(self._batch_shape)
            chosen = self.mixture_distribution.expand(tuple(self._batch_shape)).sample(sample_shape)
            drawn = self.component_distribution.sample(sample_shape)
            event = tuple(self._event_shape)
            index = chosen.reshape(tuple(chosen.shape) + (1,) * (self._event_ndims + 1))
            return drawn.gather(at, index.expand((*chosen.shape, 1, *event))).squeeze(at)

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        each = self.component_distribution.log_prob(value.unsqueeze(-1 - self._event_ndims))
        return (each + self.mixture_distribution.logits.log_softmax(-1)).logsumexp(-1)

    def cdf(self, value: Any) -> Any:
        """The probability of at most ``value``."""
        each = self.component_distribution.cdf(value.unsqueeze(-1 - self._event_ndims))
        return (each * self.mixture_distribution.probs).sum(-1)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"


__getattr__ = lacking(__name__)
