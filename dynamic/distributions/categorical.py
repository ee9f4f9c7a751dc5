"""The categorical distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.utils import lazy_property, limits, logits_to_probs, probs_to_logits
from dynamic.names import lacking
from graphs.core.errors import ShapeError


class Categorical(Distribution):
    """The number of a category, by ``probs`` along the last dimension, which are normalised, or by ``logits``, logarithms.

    Raises ValueError unless one of them is given, with a dimension.
    """

    arg_constraints: Any = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Categorical takes either probs or logits")
        given = logits if probs is None else probs
        if given.dim() < 1:
            raise ValueError("the parameter of Categorical has at least one dimension")
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = logits - logits.logsumexp(-1, keepdim=True)
        self._num_events = given.size(-1)
        super().__init__(given.shape[:-1], validate_args=validate_args)

    def _expand_more(self, new: Any, batch: tuple[int, ...]) -> None:
        new._num_events = self._num_events

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """Where the values lie."""
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def _param(self) -> Any:
        return self.__dict__.get("probs", self.__dict__.get("logits"))

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return self._param.size()

    @lazy_property
    def logits(self) -> Any:
        """The logarithms of the probabilities."""
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self) -> Any:
        """The probabilities."""
        return logits_to_probs(self.logits)

    @property
    def mean(self) -> Any:
        """NaN: categories are no numbers."""
        return dynamic.full(tuple(self._extended_shape()), numpy.nan, dtype=self.probs.dtype)

    @property
    def mode(self) -> Any:
        """The most probable category."""
        return self.probs.argmax(-1)

    @property
    def variance(self) -> Any:
        """NaN."""
        return self.mean

    def sample(self, sample_shape: Any = ()) -> Any:
        """Categories drawn, int64."""
        shape = tuple(sample_shape)
        with dynamic.no_grad():
            rows = self.probs.detach().reshape(-1, self._num_events)
            drawn = (
                dynamic.multinomial(rows, math.prod(shape), True) if math.prod(shape) else dynamic.zeros(len(rows), 0).long()
            )
            return drawn.t().reshape(tuple(self._extended_shape(shape)))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the probability of category ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        value = value.long().unsqueeze(-1)
        try:
            shape = numpy.broadcast_shapes(tuple(value.shape[:-1]), tuple(self.logits.shape[:-1]))
        except ValueError as error:
            raise ShapeError(f"Categorical: {error}") from None
        return self.logits.expand((*shape, self._num_events)).gather(-1, value.expand((*shape, 1))).squeeze(-1)

    def entropy(self) -> Any:
        """The entropy."""
        logits = self.logits.clamp(min=float(limits(self.logits).min))
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Any:
        """The numbers of all categories."""
        return self._enumerated(dynamic.arange(self._num_events), expand)


__getattr__ = lacking(__name__)
