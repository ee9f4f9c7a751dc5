"""The gamma distribution."""

from __future__ import annotations

from typing import Any

import numpy

import dynamic
from dynamic.apply import apply, wrap
from dynamic.distributions import constraints
from dynamic.distributions.exp_family import ExponentialFamily
from dynamic.distributions.utils import broadcast_all, limits
from dynamic.elsewhere import beside, to_numpy
from dynamic.names import lacking
from dynamic.random import next_key
from graphs.core.op import OPS
from graphs.ops.reparameterized import gamma_slope


def standard_gamma(concentration: Any) -> Any:
    """Draws from gamma distributions of rate 1, through which gradients flow into ``concentration``; none of them is 0."""
    shape = concentration.detach()
    draws = apply(OPS["random_gamma"], (shape,), {"key": next_key()}).clamp(min=float(limits(shape).tiny))
    if not concentration.requires_grad or not dynamic.is_grad_enabled():
        return draws
    with numpy.errstate(all="ignore"):
        slope = wrap(beside(gamma_slope(numpy, to_numpy(shape._array), to_numpy(draws._array)), shape._array))
    return draws + (concentration - shape) * slope


class Gamma(ExponentialFamily):
    """The gamma distribution of shape ``concentration`` and rate ``rate``."""

    arg_constraints: Any = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.concentration / self.rate

    @property
    def mode(self) -> Any:
        """The mode."""
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Any:
        """The variance."""
        return self.concentration / self.rate.pow(2)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the parameters (Figurnov, Mohamed and Mnih 2018)."""
        shape = tuple(self._extended_shape(sample_shape))
        return standard_gamma(self.concentration.expand(shape)) / self.rate

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        value = dynamic.as_tensor(value, dtype=self.rate.dtype)
        if self._validate_args:
            self._validate_sample(value)
        a, rate = self.concentration, self.rate
        return dynamic.xlogy(a, rate) + dynamic.xlogy(a - 1, value) - rate * value - a.lgamma()

    def cdf(self, value: Any) -> Any:
        """The probability of at most ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        return dynamic.igamma(self.concentration, self.rate * value)

    def entropy(self) -> Any:
        """The entropy."""
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1.0 - a) * a.digamma()


__getattr__ = lacking(__name__)
