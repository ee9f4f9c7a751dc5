"""The half-normal distribution."""

from __future__ import annotations

import math
from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.utils import broadcast_all, normal_draws
from dynamic.names import lacking


class HalfNormal(Distribution):
    """The sizes of normal numbers of mean 0 and standard deviation ``scale``."""

    arg_constraints: Any = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = broadcast_all(scale)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def mode(self) -> Any:
        """The mode, 0."""
        return dynamic.zeros_like(self.scale)

    @property
    def variance(self) -> Any:
        """The variance."""
        return self.scale.pow(2) * (1 - 2 / math.pi)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the scale."""
        return (normal_draws(self._extended_shape(sample_shape), self.scale) * self.scale).abs()

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        whole = (
            -(value * value) / (2 * self.scale.pow(2)) - self.scale.log() - math.log(math.sqrt(2 * math.pi)) + math.log(2)
        )
        return dynamic.where(value >= 0, whole, dynamic.full_like(whole, -math.inf))

    def cdf(self, value: Any) -> Any:
        """The probability of at most ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        return (value * self.scale.reciprocal() / math.sqrt(2)).erf()

    def icdf(self, value: Any) -> Any:
        """The value below which a draw is with this probability."""
        return self.scale * value.erfinv() * math.sqrt(2)

    def entropy(self) -> Any:
        """The entropy."""
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log() - math.log(2)


__getattr__ = lacking(__name__)
