"""The Weibull distribution."""

from __future__ import annotations

from typing import Any

from dynamic.distributions import constraints
from dynamic.distributions.exponential import Exponential
from dynamic.distributions.transformed_distribution import TransformedDistribution
from dynamic.distributions.transforms import AffineTransform, PowerTransform
from dynamic.distributions.utils import broadcast_all, euler_constant
from dynamic.names import lacking


class Weibull(TransformedDistribution):
    """Exponential numbers to the power ``1 / concentration``, times ``scale``."""

    arg_constraints: Any = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        self.concentration_reciprocal = self.concentration.reciprocal()
        base = Exponential(self.scale * 0 + 1, validate_args)
        steps = [PowerTransform(self.concentration_reciprocal), AffineTransform(0, self.scale)]
        super().__init__(base, steps, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Weibull:
        """The distribution with its batch expanded."""
        batch = tuple(batch_shape)
        return Weibull(self.scale.expand(batch), self.concentration.expand(batch), self._validate_args)

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.scale * (1 + self.concentration_reciprocal).lgamma().exp()

    @property
    def mode(self) -> Any:
        """The mode."""
        k = self.concentration
        return self.scale * ((k - 1) / k) ** k.reciprocal()

    @property
    def variance(self) -> Any:
        """The variance."""
        second = (1 + 2 * self.concentration_reciprocal).lgamma().exp()
        return self.scale.pow(2) * (second - (2 * (1 + self.concentration_reciprocal).lgamma()).exp())

    def entropy(self) -> Any:
        """The entropy."""
        inverse = self.concentration_reciprocal
        return euler_constant * (1 - inverse) + (self.scale * inverse).log() + 1


__getattr__ = lacking(__name__)
