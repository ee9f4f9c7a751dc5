"""The Cauchy distributions, whole and half."""

from __future__ import annotations

import math
from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.utils import broadcast_all, uniform_draws
from dynamic.names import lacking


class Cauchy(Distribution):
    """Ratios of two standard normal numbers, times ``scale``, plus ``loc``. There is no mean."""

    arg_constraints: Any = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """NaN."""
        return self._nan()

    @property
    def mode(self) -> Any:
        """The mode, ``loc``."""
        return self.loc

    @property
    def variance(self) -> Any:
        """Infinite."""
        return dynamic.full_like(self.loc.detach(), math.inf)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the parameters."""
        return self.icdf(uniform_draws(self._extended_shape(sample_shape), self.loc))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        return -math.log(math.pi) - self.scale.log() - ((value - self.loc) / self.scale).pow(2).log1p()

    def cdf(self, value: Any) -> Any:
        """The probability of at most ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        return ((value - self.loc) / self.scale).atan() / math.pi + 0.5

    def icdf(self, value: Any) -> Any:
        """The value below which a draw is with this probability."""
        return (math.pi * (value - 0.5)).tan() * self.scale + self.loc

    def entropy(self) -> Any:
        """The entropy."""
        return math.log(4 * math.pi) + self.scale.log()


class HalfCauchy(Distribution):
    """The sizes of Cauchy numbers around 0."""

    arg_constraints: Any = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = broadcast_all(scale)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """Infinite."""
        return dynamic.full_like(self.scale, math.inf)

    @property
    def mode(self) -> Any:
        """The mode, 0."""
        return dynamic.zeros_like(self.scale)

    @property
    def variance(self) -> Any:
        """Infinite."""
        return dynamic.full_like(self.scale, math.inf)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the scale."""
        return self.icdf(uniform_draws(self._extended_shape(sample_shape), self.scale))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        whole = math.log(2) - math.log(math.pi) - self.scale.log() - (value / self.scale).pow(2).log1p()
        return dynamic.where(value >= 0, whole, dynamic.full_like(whole, -math.inf))

    def cdf(self, value: Any) -> Any:
        """The probability of at most ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        return 2 * ((value / self.scale).atan() / math.pi + 0.5) - 1

    def icdf(self, value: Any) -> Any:
        """The value below which a draw is with this probability."""
        return (math.pi * ((value + 1) / 2 - 0.5)).tan() * self.scale

    def entropy(self) -> Any:
        """The entropy."""
        return math.log(4 * math.pi) + self.scale.log() - math.log(2)


__getattr__ = lacking(__name__)
