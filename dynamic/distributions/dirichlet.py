"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.exp_family import ExponentialFamily
from dynamic.distributions.gamma import standard_gamma
from dynamic.names import lacking


class Dirichlet(ExponentialFamily):
    """Vectors that sum to 1: gamma draws of the shapes ``concentration``, along the last dimension, over their sum."""

    arg_constraints: Any = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("the parameter of Dirichlet has at least one dimension")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args)

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Any:
        """The mode; where all concentrations are below 1, so that every corner is one, the first."""
        above = (self.concentration - 1).clamp(min=0.0)
        corners = (self.concentration < 1).all(-1, keepdim=True)
        inside = dynamic.where(corners, dynamic.ones_like(above), above)
        corner = dynamic.zeros_like(above.detach())
        corner[..., 0] = 1
        return dynamic.where(corners, corner, inside / inside.sum(-1, True))

    @property
    def variance(self) -> Any:
        """The variance of each element."""
        a = self.concentration
        total = a.sum(-1, True)
        return a * (total - a) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the concentrations."""
        draws = standard_gamma(self.concentration.expand(tuple(self._extended_shape(sample_shape))))
        return draws / draws.sum(-1, True)

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return dynamic.xlogy(a - 1.0, value).sum(-1) + a.sum(-1).lgamma() - a.lgamma().sum(-1)

    def entropy(self) -> Any:
        """The entropy."""
        a = self.concentration
        k, total = a.shape[-1], a.sum(-1)
        return a.lgamma().sum(-1) - total.lgamma() - (k - total) * total.digamma() - ((a - 1.0) * a.digamma()).sum(-1)


__getattr__ = lacking(__name__)
