"""The normal distribution."""

from __future__ import annotations

import math
from typing import Any

from dynamic.distributions import constraints
from dynamic.distributions.exp_family import ExponentialFamily
from dynamic.distributions.utils import broadcast_all, normal_draws
from dynamic.names import lacking


class Normal(ExponentialFamily):
    """Normal numbers of mean ``loc`` and standard deviation ``scale``."""

    arg_constraints: Any = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """The mean, ``loc``."""
        return self.loc

    @property
    def mode(self) -> Any:
        """The mode, ``loc``."""
        return self.loc

    @property
    def stddev(self) -> Any:
        """The standard deviation, ``scale``."""
        return self.scale

    @property
    def variance(self) -> Any:
        """The variance."""
        return self.scale.pow(2)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the parameters."""
        return self.loc + normal_draws(self._extended_shape(sample_shape), self.loc) * self.scale

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        apart = value - self.loc
        return -(apart * apart) / (2 * self.scale.pow(2)) - self.scale.log() - math.log(math.sqrt(2 * math.pi))

    def cdf(self, value: Any) -> Any:
        """The probability of at most ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        return 0.5 * (1 + ((value - self.loc) * self.scale.reciprocal() / math.sqrt(2)).erf())

    def icdf(self, value: Any) -> Any:
        """The value below which a draw is with this probability."""
        return self.loc + self.scale * (2 * value - 1).erfinv() * math.sqrt(2)

    def entropy(self) -> Any:
        """The entropy."""
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()


__getattr__ = lacking(__name__)
