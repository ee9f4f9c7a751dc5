"""The Bernoulli distribution, relaxed."""

from __future__ import annotations

from typing import Any

from dynamic.distributions import constraints
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.transformed_distribution import TransformedDistribution
from dynamic.distributions.transforms import SigmoidTransform
from dynamic.distributions.utils import (
    broadcast_all,
    clamp_probs,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
    uniform_draws,
)
from dynamic.names import lacking
from dynamic.tensor import Size


class LogitRelaxedBernoulli(Distribution):
    """The log-odds of a ``RelaxedBernoulli``. Raises ValueError unless ``probs`` or ``logits`` is given."""

    arg_constraints: Any = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    has_rsample = True

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self.temperature = temperature
        if (probs is None) == (logits is None):
            raise ValueError("a relaxed Bernoulli takes either probs or logits")
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
            shape = self.probs.shape
        else:
            (self.logits,) = broadcast_all(logits)
            shape = self.logits.shape
        super().__init__(shape, validate_args=validate_args)

    def _expand_more(self, new: Any, batch: tuple[int, ...]) -> None:
        new.temperature = self.temperature

    @lazy_property
    def logits(self) -> Any:
        """The log-odds of 1."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Any:
        """The probabilities of 1."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return Size(self._batch_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the parameters."""
        probs = clamp_probs(self.probs)
        u = clamp_probs(uniform_draws(self._extended_shape(sample_shape), probs))
        return (u.log() - (-u).log1p() + probs.log() - (-probs).log1p()) / self.temperature

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        apart = logits - value * self.temperature
        return (self.temperature * 1.0).log() + apart - 2 * apart.exp().log1p()


class RelaxedBernoulli(TransformedDistribution):
    """Numbers between 0 and 1 that at a low ``temperature`` are almost a Bernoulli's (Maddison, Mnih and Teh 2016)."""

    arg_constraints: Any = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    base_dist: LogitRelaxedBernoulli

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(LogitRelaxedBernoulli(temperature, probs, logits), SigmoidTransform(), validate_args)

    @property
    def temperature(self) -> Any:
        """The temperature."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Any:
        """The log-odds of 1."""
        return self.base_dist.logits

    @property
    def probs(self) -> Any:
        """The probabilities of 1."""
        return self.base_dist.probs


__getattr__ = lacking(__name__)
