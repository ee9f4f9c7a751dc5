"""The Bernoulli distribution."""

from __future__ import annotations

from typing import Any

import numpy

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.exp_family import ExponentialFamily
from dynamic.distributions.utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits
from dynamic.names import lacking
from dynamic.nn.losses import binary_cross_entropy_with_logits


class Bernoulli(ExponentialFamily):
    """1 with probability ``probs``, whose log-odds are ``logits``, else 0. Raises ValueError unless one of them is given."""

    arg_constraints: Any = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Bernoulli takes either probs or logits")
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def _param(self) -> Any:
        return self.__dict__.get("probs", self.__dict__.get("logits"))

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return self._param.size()

    @lazy_property
    def logits(self) -> Any:
        """The log-odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Any:
        """The probabilities of 1."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def mean(self) -> Any:
        """The mean, ``probs``."""
        return self.probs

    @property
    def mode(self) -> Any:
        """What is more probable; NaN where both are as probable."""
        mode = (self.probs >= 0.5).to(self.probs.dtype)
        return dynamic.where(self.probs == 0.5, dynamic.full_like(mode, numpy.nan), mode)

    @property
    def variance(self) -> Any:
        """The variance."""
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Values drawn."""
        with dynamic.no_grad():
            return dynamic.bernoulli(self.probs.expand(tuple(self._extended_shape(sample_shape))))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the probability of ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Any:
        """The entropy."""
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Any:
        """0 and 1."""
        return self._enumerated(dynamic.arange(2, dtype=self._param.dtype), expand)


__getattr__ = lacking(__name__)
