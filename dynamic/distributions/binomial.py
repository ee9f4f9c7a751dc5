"""The binomial distribution."""

from __future__ import annotations

from typing import Any

import numpy

import dynamic
from dynamic.apply import wrap
from dynamic.distributions import constraints
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits
from dynamic.elsewhere import beside, to_numpy
from dynamic.names import lacking
from dynamic.random import next_key
from graphs.core.random import generator


class Binomial(Distribution):
    """How many of ``total_count`` tries succeed, each with probability ``probs``, of log-odds ``logits``.

    Raises ValueError unless one of them is given.
    """

    arg_constraints: Any = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Binomial takes either probs or logits")
        given = logits if probs is None else probs
        count, param = broadcast_all(total_count, given)
        self.total_count = count.type_as(param)
        if probs is not None:
            self.probs = param
        else:
            self.logits = param
        super().__init__(param.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """Where the values lie."""
        return constraints.integer_interval(0, self.total_count)

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
        """The probabilities."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.total_count * self.probs

    @property
    def mode(self) -> Any:
        """The mode."""
        return dynamic.minimum(((self.total_count + 1) * self.probs).floor(), self.total_count)

    @property
    def variance(self) -> Any:
        """The variance."""
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Counts drawn, in the dtype of the parameter."""
        shape = tuple(self._extended_shape(sample_shape))
        there = self.probs.detach()._array
        probs = to_numpy(there)
        counts = numpy.broadcast_to(to_numpy(self.total_count.detach()._array), shape).astype(numpy.int64)
        drawn = generator(next_key()).binomial(counts, numpy.broadcast_to(probs, shape))
        return wrap(beside(numpy.asarray(drawn, probs.dtype), there))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the probability of ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        n, logits = self.total_count, self.logits
        ways = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        above = (logits.clamp(min=0) + logits - logits.clamp(max=0)) / 2  # of slope one half at 0
        return value * logits + ways - n * (above + (-logits.abs()).exp().log1p())

    def entropy(self) -> Any:
        """The entropy. Raises NotImplementedError where the batch has several numbers of tries."""
        n = self.total_count.max().item()
        if not self.total_count.min().item() == n:
            raise NotImplementedError("the entropy of several numbers of tries together is not computed")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Any:
        """The numbers up to that of tries. Raises NotImplementedError where the batch has several of these."""
        n = int(self.total_count.max().item())
        if not self.total_count.min().item() == n:
            raise NotImplementedError("the values of several numbers of tries together are not enumerated")
        return self._enumerated(dynamic.arange(1 + n, dtype=self._param.dtype), expand)


__getattr__ = lacking(__name__)
