"""The Poisson distribution."""

from __future__ import annotations

from typing import Any

import dynamic
from dynamic.apply import apply
from dynamic.distributions import constraints
from dynamic.distributions.exp_family import ExponentialFamily
from dynamic.distributions.utils import broadcast_all
from dynamic.names import lacking
from dynamic.random import next_key
from graphs.core.op import OPS


class Poisson(ExponentialFamily):
    """Counts of events that come at ``rate``."""

    arg_constraints: Any = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """The mean, ``rate``."""
        return self.rate

    @property
    def mode(self) -> Any:
        """The mode."""
        return self.rate.floor()

    @property
    def variance(self) -> Any:
        """The variance, ``rate``."""
        return self.rate

    def sample(self, sample_shape: Any = ()) -> Any:
        """Counts drawn, in the dtype of the rate."""
        rate = self.rate.detach().expand(tuple(self._extended_shape(sample_shape)))
        return apply(OPS["random_poisson"], (rate,), {"key": next_key()})

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the probability of ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return dynamic.xlogy(value, rate) - rate - (value + 1).lgamma()


__getattr__ = lacking(__name__)
