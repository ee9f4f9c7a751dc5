"""The categorical distribution over one-hot vectors."""

from __future__ import annotations

from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.categorical import Categorical
from dynamic.distributions.distribution import Distribution
from dynamic.names import lacking


class OneHotCategorical(Distribution):
    """A vector that is 1 in the place of a category, drawn by ``probs`` or ``logits`` as in ``Categorical``, else 0."""

    arg_constraints: Any = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        shape = self._categorical.param_shape
        super().__init__(self._categorical.batch_shape, shape[-1:], validate_args)

    def _expand_more(self, new: Any, batch: tuple[int, ...]) -> None:
        new._categorical = self._categorical.expand(batch)

    @property
    def _param(self) -> Any:
        return self._categorical._param

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
        """The mean: the probabilities."""
        return self.probs

    @property
    def mode(self) -> Any:
        """The most probable category, as a one-hot vector."""
        return self._one_hot(self.probs.argmax(-1)).to(self.probs.dtype)

    @property
    def variance(self) -> Any:
        """The variance of each element."""
        return self.probs * (1 - self.probs)

    def _one_hot(self, categories: Any) -> Any:
        return dynamic.eye(self.event_shape[0], dtype=self._param.dtype)[categories]

    def sample(self, sample_shape: Any = ()) -> Any:
        """One-hot vectors drawn."""
        return self._one_hot(self._categorical.sample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the probability of a one-hot vector."""
        if self._validate_args:
            self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self) -> Any:
        """The entropy."""
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Any:
        """All one-hot vectors."""
        n = self.event_shape[0]
        values = dynamic.eye(n, dtype=self._param.dtype).view((n,) + (1,) * len(self.batch_shape) + (n,))
        return values.expand((n, *self.batch_shape, n)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """One-hot vectors whose gradient is that of the probabilities (Bengio, Léonard and Courville 2013)."""

    has_rsample = True

    def rsample(self, sample_shape: Any = ()) -> Any:
        """One-hot vectors drawn, through which gradients flow as through the probabilities."""
        return self.sample(sample_shape) + (self.probs - self.probs.detach())


__getattr__ = lacking(__name__)
