"""The multinomial distribution."""

from __future__ import annotations

from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.binomial import Binomial
from dynamic.distributions.categorical import Categorical
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.utils import broadcast_all
from dynamic.names import lacking


class Multinomial(Distribution):
    """How often each category comes in ``total_count`` draws, by ``probs`` or ``logits`` as in ``Categorical``."""

    arg_constraints: Any = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("the number of draws is one number for the whole batch")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits)
        shape = self._categorical.param_shape
        super().__init__(self._categorical.batch_shape, shape[-1:], validate_args)

    def _expand_more(self, new: Any, batch: tuple[int, ...]) -> None:
        new.total_count = self.total_count
        new._categorical = self._categorical.expand(batch)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        """Where the values lie."""
        return constraints.multinomial(self.total_count)

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return self._categorical.param_shape

    @property
    def probs(self) -> Any:
        """The probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Any:
        """The logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.probs * self.total_count

    @property
    def variance(self) -> Any:
        """The variance of each count."""
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Counts drawn, in the dtype of the probabilities."""
        drawn = self._categorical.sample((self.total_count, *sample_shape))
        return dynamic.eye(self.event_shape[0], dtype=self.probs.dtype)[drawn].sum(0)

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the probability of the counts ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        ways = (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1)
        impossible = (value == 0) & (logits == -float("inf"))
        return ways + (logits.masked_fill(impossible, 0) * value).sum(-1)

    def entropy(self) -> Any:
        """The entropy."""
        n = dynamic.as_tensor(float(self.total_count), dtype=self.probs.dtype)
        each = Binomial(self.total_count, probs=self.probs, validate_args=False)
        counts = each.enumerate_support(expand=False)[1:]
        expected = (each.log_prob(counts).exp() * (counts + 1).lgamma()).sum((0, -1))
        return n * self._categorical.entropy() - (n + 1).lgamma() + expected


__getattr__ = lacking(__name__)
