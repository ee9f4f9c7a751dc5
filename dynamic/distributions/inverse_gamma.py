"""The inverse gamma distribution."""

from __future__ import annotations

import math
from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.gamma import Gamma
from dynamic.distributions.transformed_distribution import TransformedDistribution
from dynamic.distributions.transforms import PowerTransform
from dynamic.names import lacking


class InverseGamma(TransformedDistribution):
    """One over gamma draws of the shape ``concentration`` and the rate ``rate``."""

    arg_constraints: Any = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    base_dist: Gamma

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        base = Gamma(concentration, rate, validate_args)
        super().__init__(base, PowerTransform(-base.rate.new_ones(())), validate_args)

    @property
    def concentration(self) -> Any:
        """The shape."""
        return self.base_dist.concentration

    @property
    def rate(self) -> Any:
        """The rate."""
        return self.base_dist.rate

    @property
    def mean(self) -> Any:
        """The mean; infinite up to a concentration of 1."""
        mean = self.rate / (self.concentration - 1)
        return dynamic.where(self.concentration > 1, mean, dynamic.full_like(mean, math.inf))

    @property
    def mode(self) -> Any:
        """The mode."""
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Any:
        """The variance; infinite up to a concentration of 2."""
        variance = self.rate.square() / ((self.concentration - 1).square() * (self.concentration - 2))
        return dynamic.where(self.concentration > 2, variance, dynamic.full_like(variance, math.inf))

    def entropy(self) -> Any:
        """The entropy."""
        a = self.concentration
        return a + self.rate.log() + a.lgamma() - (1 + a) * a.digamma()


__getattr__ = lacking(__name__)
