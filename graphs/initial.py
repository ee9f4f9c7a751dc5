"""Initial values, drawn from counter-based streams: the same key gives both modes the same weights.

A weight's shape is read as a matrix product's: the axis before the last counts inputs, the last counts outputs, and what
stands before them (a convolution's window) multiplies both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from graphs.core.random import Key, generator
from graphs.ops.random import random_normal, random_orthogonal, random_uniform, truncated_normal


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """How many inputs reach one output of a weight of ``shape``, and how many outputs one input; a vector counts as both."""
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def zeros(shape: Sequence[int], dtype: Any = "float32") -> numpy.ndarray:
    """Zeros."""
    return numpy.zeros(shape, dtype)


def ones(shape: Sequence[int], dtype: Any = "float32") -> numpy.ndarray:
    """Ones."""
    return numpy.ones(shape, dtype)


def constant(value: Any, shape: Sequence[int], dtype: Any = "float32") -> numpy.ndarray:
    """``value``, broadcast to ``shape``."""
    return numpy.full(shape, value, dtype)


def normal(
    shape: Sequence[int], dtype: Any = "float32", *, key: Key, mean: float = 0.0, stddev: float = 1.0
) -> numpy.ndarray:
    """Normal numbers."""
    return numpy.asarray(random_normal(shape=tuple(shape), dtype=dtype, mean=mean, stddev=stddev, key=key))


def uniform(
    shape: Sequence[int], dtype: Any = "float32", *, key: Key, low: float = -1.0, high: float = 1.0
) -> numpy.ndarray:
    """Uniform numbers in ``[low, high)``."""
    return numpy.asarray(random_uniform(shape=tuple(shape), dtype=dtype, low=low, high=high, key=key))


def truncated(
    shape: Sequence[int], dtype: Any = "float32", *, key: Key, mean: float = 0.0, stddev: float = 1.0
) -> numpy.ndarray:
    """Normal numbers within two standard deviations of ``mean``."""
    return numpy.asarray(truncated_normal(shape=tuple(shape), dtype=dtype, mean=mean, stddev=stddev, key=key))


def normal_between(shape: Sequence[int], dtype: Any = "float32", *, key: Key, low: float, high: float) -> numpy.ndarray:
    """Standard normal numbers, of those between ``low`` and ``high``.

    Uniform proposals are taken as often as their density says, relative to the greatest in the interval, so that intervals
    far out take no longer. Beyond where the density has fallen by 1e-16 nothing is proposed.
    """
    peak = min(max(0.0, low), high)
    reach = math.sqrt(peak * peak + 74.0)
    low, high = max(low, -reach), min(high, reach)
    draws = generator(key)
    values = numpy.empty(math.prod(shape))
    missing = numpy.arange(values.size)
    while missing.size:
        values[missing] = proposed = draws.uniform(low, high, missing.size)
        missing = missing[draws.random(missing.size) >= numpy.exp((peak * peak - proposed * proposed) / 2)]
    return values.reshape(tuple(shape)).astype(dtype)


def glorot_uniform(shape: Sequence[int], dtype: Any = "float32", *, key: Key, gain: float = 1.0) -> numpy.ndarray:
    """Uniform numbers of variance ``gain² · 2 / (inputs + outputs)`` (Glorot and Bengio 2010; also called Xavier)."""
    bound = gain * math.sqrt(6.0 / sum(fans(shape)))
    return uniform(shape, dtype, key=key, low=-bound, high=bound)


def glorot_normal(shape: Sequence[int], dtype: Any = "float32", *, key: Key, gain: float = 1.0) -> numpy.ndarray:
    """Normal numbers of variance ``gain² · 2 / (inputs + outputs)`` (Glorot and Bengio 2010; also called Xavier)."""
    return normal(shape, dtype, key=key, stddev=gain * math.sqrt(2.0 / sum(fans(shape))))


def he_uniform(shape: Sequence[int], dtype: Any = "float32", *, key: Key) -> numpy.ndarray:
    """Uniform numbers of variance ``2 / inputs``, for layers before a ReLU (He et al. 2015; also called Kaiming)."""
    bound = math.sqrt(6.0 / fans(shape)[0])
    return uniform(shape, dtype, key=key, low=-bound, high=bound)


def he_normal(shape: Sequence[int], dtype: Any = "float32", *, key: Key) -> numpy.ndarray:
    """Normal numbers of variance ``2 / inputs``, for layers before a ReLU (He et al. 2015; also called Kaiming)."""
    return normal(shape, dtype, key=key, stddev=math.sqrt(2.0 / fans(shape)[0]))


def orthogonal(shape: Sequence[int], dtype: Any = "float32", *, key: Key, gain: float = 1.0) -> numpy.ndarray:
    """A random matrix with orthonormal rows or columns, whichever are fewer, times ``gain`` (Saxe et al. 2014).

    Axes before the last are taken as one. Raises ValueError where there are fewer than two axes.
    """
    if len(shape) < 2:
        raise ValueError(f"a weight of shape {tuple(shape)} has no rows and columns")
    return numpy.asarray(random_orthogonal(shape=tuple(shape), dtype=dtype, gain=gain, key=key))
