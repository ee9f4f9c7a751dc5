"""The Pareto distribution."""

from __future__ import annotations

from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.exponential import Exponential
from dynamic.distributions.transformed_distribution import TransformedDistribution
from dynamic.distributions.transforms import AffineTransform, ExpTransform
from dynamic.distributions.utils import broadcast_all
from dynamic.names import lacking


class Pareto(TransformedDistribution):
    """Numbers from ``scale`` on whose density falls with the power ``alpha + 1``."""

    arg_constraints: Any = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        base = Exponential(self.alpha, validate_args)
        super().__init__(base, [ExpTransform(), AffineTransform(0, self.scale)], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Pareto:
        """The distribution with its batch expanded."""
        batch = tuple(batch_shape)
        return Pareto(self.scale.expand(batch), self.alpha.expand(batch), self._validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        """Where the values lie."""
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Any:
        """The mean; infinite for ``alpha`` up to 1."""
        a = dynamic.where(self.alpha > 1, self.alpha, dynamic.ones_like(self.alpha))
        return a * self.scale / (a - 1)

    @property
    def mode(self) -> Any:
        """The mode, ``scale``."""
        return self.scale

    @property
    def variance(self) -> Any:
        """The variance; infinite for ``alpha`` up to 2."""
        a = dynamic.where(self.alpha > 2, self.alpha, dynamic.full_like(self.alpha, 2))
        return self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2))

    def entropy(self) -> Any:
        """The entropy."""
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())


__getattr__ = lacking(__name__)
