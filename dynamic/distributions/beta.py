"""The beta distribution."""

from __future__ import annotations

from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.dirichlet import Dirichlet
from dynamic.distributions.exp_family import ExponentialFamily
from dynamic.distributions.utils import broadcast_all
from dynamic.names import lacking


class Beta(ExponentialFamily):
    """The share of the first of two gamma draws, of the shapes ``concentration1`` and ``concentration0``."""

    arg_constraints: Any = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        both = dynamic.stack(list(broadcast_all(concentration1, concentration0)), -1)
        self._dirichlet = Dirichlet(both, validate_args)
        super().__init__(self._dirichlet.batch_shape, validate_args=validate_args)

    def _expand_more(self, new: Any, batch: tuple[int, ...]) -> None:
        new._dirichlet = self._dirichlet.expand(batch)

    @property
    def concentration1(self) -> Any:
        """The shape of what is counted."""
        return self._dirichlet.concentration[..., 0]

    @property
    def concentration0(self) -> Any:
        """The shape of what is not."""
        return self._dirichlet.concentration[..., 1]

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Any:
        """The mode."""
        return self._dirichlet.mode[..., 0]

    @property
    def variance(self) -> Any:
        """The variance."""
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the concentrations."""
        return self._dirichlet.rsample(sample_shape).select(-1, 0)

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        return self._dirichlet.log_prob(dynamic.stack([value, 1.0 - value], -1))

    def entropy(self) -> Any:
        """The entropy."""
        return self._dirichlet.entropy()


__getattr__ = lacking(__name__)
