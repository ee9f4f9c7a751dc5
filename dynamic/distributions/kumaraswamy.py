"""The distribution of Kumaraswamy."""

from __future__ import annotations

import math
from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.transformed_distribution import TransformedDistribution
from dynamic.distributions.transforms import AffineTransform, PowerTransform
from dynamic.distributions.uniform import Uniform
from dynamic.distributions.utils import broadcast_all, euler_constant
from dynamic.names import lacking


class Kumaraswamy(TransformedDistribution):
    """``(1 - u ** (1 / concentration0)) ** (1 / concentration1)`` of uniform numbers u: close to a beta distribution."""

    arg_constraints: Any = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        zeros = dynamic.zeros_like(self.concentration0.detach())
        steps = [
            PowerTransform(self.concentration0.reciprocal()),
            AffineTransform(1.0, -1.0),
            PowerTransform(self.concentration1.reciprocal()),
        ]
        super().__init__(Uniform(zeros, zeros + 1, validate_args), steps, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Kumaraswamy:
        """The distribution with its batch expanded."""
        batch = tuple(batch_shape)
        return Kumaraswamy(self.concentration1.expand(batch), self.concentration0.expand(batch), self._validate_args)

    def _moment(self, n: int) -> Any:
        """The mean of the n-th power."""
        a = 1 + n / self.concentration1
        b = self.concentration0
        return (b.log() + a.lgamma() + b.lgamma() - (a + b).lgamma()).exp()

    @property
    def mean(self) -> Any:
        """The mean."""
        return self._moment(1)

    @property
    def mode(self) -> Any:
        """The mode; NaN where a concentration is below 1."""
        a, b = self.concentration1, self.concentration0
        mode = ((a - 1) / (a * b - 1)) ** a.reciprocal()
        return dynamic.where((a < 1) | (b < 1), dynamic.full_like(mode, math.nan), mode)

    @property
    def variance(self) -> Any:
        """The variance."""
        return self._moment(2) - self._moment(1).pow(2)

    def entropy(self) -> Any:
        """The entropy."""
        a, b = self.concentration1, self.concentration0
        harmonic = (b + 1).digamma() + euler_constant
        return (1 - b.reciprocal()) + (1 - a.reciprocal()) * harmonic - a.log() - b.log()


__getattr__ = lacking(__name__)
