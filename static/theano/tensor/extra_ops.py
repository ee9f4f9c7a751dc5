"""``theano.tensor.extra_ops``: running sums, repetitions, classes as rows of ones and zeros."""

from __future__ import annotations

from typing import Any

from graphs import ops
from static.theano.settings import config
from static.theano.tensor.reductions import cumprod as cumprod, cumsum as cumsum
from static.theano.tensor.shaping import arange, repeat as repeat, squeeze as squeeze
from static.theano.variable import as_tensor_variable


def diff(x: Any, n: int = 1, axis: int = -1) -> Any:
    """The differences of neighbours along ``axis``, taken ``n`` times."""
    x = as_tensor_variable(x)
    lead = (slice(None),) * (axis % x.ndim)
    for _ in range(n):
        x = x[(*lead, slice(1, None))] - x[(*lead, slice(None, -1))]
    return x


def to_one_hot(y: Any, nb_class: Any, dtype: Any = None) -> Any:
    """For each element of the vector ``y`` a row with 1 at its class and 0 elsewhere."""
    y = as_tensor_variable(y)
    return ops.equal(y.dimshuffle(0, "x"), arange(nb_class)).astype(dtype or config.floatX)


def bincount(x: Any, weights: Any = None, minlength: Any = None) -> Any:
    """How often each number from 0 on occurs in the vector ``x``, or the sum of the weights that stand beside it."""
    x = as_tensor_variable(x)
    count = x.max() + 1 if minlength is None else ops.maximum(x.max() + 1, minlength)
    hits = ops.equal(x.dimshuffle(0, "x"), arange(count))
    return hits.sum(0).astype(x.dtype) if weights is None else (hits * as_tensor_variable(weights).dimshuffle(0, "x")).sum(0)
