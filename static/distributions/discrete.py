"""Distributions of numbers of classes."""

from __future__ import annotations

import math
from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static.array import concat, expand_dims, shape, sizes, vector
from static.calls import cast
from static.distributions.base import NOT_REPARAMETERIZED, Distribution, RegisterKL, floats
from static.random import multinomial, random_uniform
from static.reductions import argmax, reduce_sum
from static.shapes import TensorShape
from static.tensor import convert_to_tensor


class _Discrete(Distribution):
    """One that is given by logits or by probabilities."""

    reparameterization_type = NOT_REPARAMETERIZED

    def __init__(self, name: str, logits: Any, probs: Any, dtype: Any) -> None:
        if (logits is None) == (probs is None):
            raise ValueError(f"Must pass probs or logits, but not both.{at_line()}")
        (given,) = floats(probs if logits is None else logits)
        self.logits = self._logits_of(given) if logits is None else given
        self.probs = given if logits is None else self._probs_of(given)
        self._dtype = convert_to_tensor(0, dtype).dtype
        super().__init__(name, **{"probs" if logits is None else "logits": given})

    @property
    def dtype(self) -> Any:
        """The dtype of samples."""
        return self._dtype

    def _logits_of(self, probs: Any) -> Any:
        raise NotImplementedError

    def _probs_of(self, logits: Any) -> Any:
        raise NotImplementedError


class Bernoulli(_Discrete):
    """1 with probability ``probs`` (the sigmoid of ``logits``), else 0."""

    def __init__(
        self,
        logits: Any = None,
        probs: Any = None,
        dtype: Any = "int32",
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Bernoulli",
    ) -> None:
        super().__init__(name, logits, probs, dtype)

    def _logits_of(self, probs: Any) -> Any:
        return ops.log(probs) - ops.log1p(-probs)

    def _probs_of(self, logits: Any) -> Any:
        return ops.sigmoid(logits)

    def _sample(self, sample_shape: Any, seed: int | None) -> Any:
        draws = random_uniform(self._shape(sample_shape), dtype=self.probs.dtype, seed=seed)
        return cast(ops.less(draws, self.probs), self.dtype)

    def _log_prob(self, value: Any) -> Any:
        labels = cast(value, self.logits.dtype)
        logits = self.logits + ops.zeros_like(labels)
        return -ops.sigmoid_cross_entropy_with_logits(logits, labels + ops.zeros_like(self.logits))

    def _mean(self) -> Any:
        return ops.identity(self.probs)

    def _variance(self) -> Any:
        return self.probs * (1.0 - self.probs)

    def _mode(self) -> Any:
        return cast(ops.greater(self.probs, 0.5), self.dtype)

    def _entropy(self) -> Any:
        return ops.softplus(-self.logits) + self.logits * (1.0 - self.probs)


class Categorical(_Discrete):
    """The number of a class, drawn with the probabilities along the last axis."""

    def __init__(
        self,
        logits: Any = None,
        probs: Any = None,
        dtype: Any = "int32",
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Categorical",
    ) -> None:
        super().__init__(name, logits, probs, dtype)

    def _logits_of(self, probs: Any) -> Any:
        return ops.log(probs)

    def _probs_of(self, logits: Any) -> Any:
        return ops.softmax(logits)

    @property
    def batch_shape(self) -> TensorShape:
        """The shape of the batch of distributions."""
        return self.logits.shape[:-1]

    @property
    def event_shape(self) -> TensorShape:
        """The shape of a sample: that of a scalar."""
        return TensorShape([])

    @property
    def event_size(self) -> Any:
        """The number of classes."""
        return shape(self.logits)[-1]

    def _sample(self, sample_shape: Any, seed: int | None) -> Any:
        from_rows = ops.reshape_to(self.logits, concat([[-1], shape(self.logits)[-1:]], 0))
        known = sizes(sample_shape)
        if known is None:
            raise ValueError(f"Categorical.sample: the sample_shape has to be known while building{at_line()}")
        drawn = multinomial(from_rows, math.prod(known), seed)
        turned = ops.transpose(drawn)
        scalar = not known and len(self.logits.shape) == 1
        dims = concat([vector([*known, 1]), shape(self.logits)[:-1]], 0)
        out = ops.reshape(turned, shape=()) if scalar else ops.squeeze(ops.reshape_to(turned, dims), axis=len(known))
        out.set_shape(TensorShape(list(known)).concatenate(self.batch_shape))
        return cast(out, self.dtype)

    def _log_prob(self, value: Any) -> Any:
        wide = self.logits + expand_dims(ops.zeros_like(cast(value, self.logits.dtype)), -1)
        labels = cast(value, "int32") + cast(ops.zeros_like(wide[..., 0]), "int32")
        return -ops.sparse_softmax_cross_entropy_with_logits(wide, labels, axis=-1)

    def _mode(self) -> Any:
        return cast(argmax(self.logits, axis=len(self.logits.shape) - 1), self.dtype)

    def _entropy(self) -> Any:
        return -reduce_sum(ops.log_softmax(self.logits) * self.probs, -1)


# Divergences


@RegisterKL(Bernoulli, Bernoulli)
def _bernoullis(a: Bernoulli, b: Bernoulli, name: Any = None) -> Any:
    one = ops.sigmoid(a.logits) * (ops.softplus(-b.logits) - ops.softplus(-a.logits))
    return one + ops.sigmoid(-a.logits) * (ops.softplus(b.logits) - ops.softplus(a.logits))


@RegisterKL(Categorical, Categorical)
def _categoricals(a: Categorical, b: Categorical, name: Any = None) -> Any:
    logs = ops.log_softmax(a.logits)
    return reduce_sum(ops.exp(logs) * (logs - ops.log_softmax(b.logits)), -1)
