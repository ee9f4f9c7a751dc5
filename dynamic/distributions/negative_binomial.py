"""The negative binomial distribution."""

from __future__ import annotations

from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.gamma import Gamma
from dynamic.distributions.poisson import Poisson
from dynamic.distributions.utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits
from dynamic.names import lacking
from dynamic.nn.activations import logsigmoid


class NegativeBinomial(Distribution):
    """How often one succeeds, each time with probability ``probs``, before ``total_count`` failures.

    Raises ValueError unless ``probs`` or ``logits``, its log-odds, is given.
    """

    arg_constraints: Any = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("NegativeBinomial takes either probs or logits")
        count, param = broadcast_all(total_count, logits if probs is None else probs)
        self.total_count = count.type_as(param)
        if probs is not None:
            self.probs = param
        else:
            self.logits = param
        super().__init__(param.shape, validate_args=validate_args)

    @lazy_property
    def logits(self) -> Any:
        """The log-odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Any:
        """The probabilities."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Any:
        """The mode."""
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Any:
        """The variance."""
        return self.mean / (-self.logits).sigmoid()

    def sample(self, sample_shape: Any = ()) -> Any:
        """Counts drawn: Poisson numbers whose rates are gamma draws."""
        with dynamic.no_grad():
            rate = Gamma(self.total_count, (-self.logits).exp(), validate_args=False).sample(sample_shape)
            return Poisson(rate, validate_args=False).sample()

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the probability of ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        unnormalised = n * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        norm = -(n + value).lgamma() + (1.0 + value).lgamma() + n.lgamma()
        return unnormalised - norm.masked_fill(n + value == 0.0, 0.0)


__getattr__ = lacking(__name__)
