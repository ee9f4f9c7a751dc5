"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.exp_family import ExponentialFamily
from dynamic.distributions.utils import (
    broadcast_all,
    clamp_probs,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
    uniform_draws,
)
from dynamic.names import lacking
from dynamic.nn.losses import binary_cross_entropy_with_logits


class ContinuousBernoulli(ExponentialFamily):
    """Numbers between 0 and 1 of a density proportional to ``p ** x * (1 - p) ** (1 - x)`` (Loaiza-Ganem, Cunningham 2019).

    Takes ``probs`` or ``logits``. Between the ``lims`` around one half, where its formulas divide by about 0, their Taylor
    series are used.
    """

    arg_constraints: Any = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("ContinuousBernoulli takes one of probs and logits")
        if probs is not None:
            (given,) = broadcast_all(probs)
            if (validate_args or (validate_args is None and self._validate_args)) and not self.arg_constraints[
                "probs"
            ].check(given).all():
                raise ValueError("The parameter probs has invalid values")
            self.probs = clamp_probs(given)
        else:
            (self.logits,) = broadcast_all(logits)
        self._lims = lims
        super().__init__((self.probs if probs is not None else self.logits).shape, validate_args=validate_args)

    def _expand_more(self, new: Any, batch: tuple[int, ...]) -> None:
        new._lims = self._lims

    @lazy_property
    def logits(self) -> Any:
        """The logarithms of ``p / (1 - p)``."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Any:
        """``p``, which is not the mean."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    @property
    def param_shape(self) -> Any:
        """The parameter's shape."""
        return self.probs.shape

    def _outside(self) -> Any:
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _cut(self) -> Any:
        """``p`` where it is far enough from one half."""
        return dynamic.where(self._outside(), self.probs, dynamic.full_like(self.probs, self._lims[0]))

    def _log_norm(self) -> Any:
        """The logarithm of what makes the density integrate to 1."""
        cut = self._cut()
        low = dynamic.where(cut <= 0.5, cut, dynamic.zeros_like(cut))
        high = dynamic.where(cut >= 0.5, cut, dynamic.ones_like(cut))
        far = ((-cut).log1p() - cut.log()).abs().log() - dynamic.where(
            cut <= 0.5, (-2.0 * low).log1p(), (2.0 * high - 1.0).log()
        )
        x = (self.probs - 0.5).pow(2)
        return dynamic.where(self._outside(), far, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self) -> Any:
        """The mean."""
        cut, x = self._cut(), self.probs - 0.5
        far = cut / (2.0 * cut - 1.0) + 1.0 / ((-cut).log1p() - cut.log())
        return dynamic.where(self._outside(), far, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.pow(2)) * x)

    @property
    def variance(self) -> Any:
        """The variance."""
        cut, x = self._cut(), (self.probs - 0.5).pow(2)
        far = cut * (cut - 1.0) / (1.0 - 2.0 * cut).pow(2) + 1.0 / ((-cut).log1p() - cut.log()).pow(2)
        return dynamic.where(self._outside(), far, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the parameter."""
        return self.icdf(uniform_draws(self._extended_shape(sample_shape), self.probs))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none") + self._log_norm()

    def cdf(self, value: Any) -> Any:
        """The probability of at most ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        cut = self._cut()
        far = (cut.pow(value) * (1.0 - cut).pow(1.0 - value) + cut - 1.0) / (2.0 * cut - 1.0)
        inside = dynamic.where(self._outside(), far, value)
        inside = dynamic.where(value <= 0.0, dynamic.zeros_like(inside), inside)
        return dynamic.where(value >= 1.0, dynamic.ones_like(inside), inside)

    def icdf(self, value: Any) -> Any:
        """The value that ``cdf`` takes to ``value``."""
        cut = self._cut()
        rest = (-cut).log1p()
        far = ((-cut + value * (2.0 * cut - 1.0)).log1p() - rest) / (cut.log() - rest)
        return dynamic.where(self._outside(), far, value)

    def entropy(self) -> Any:
        """The entropy."""
        zero, one = (-self.probs).log1p(), self.probs.log()
        return self.mean * (zero - one) - self._log_norm() - zero


__getattr__ = lacking(__name__)
