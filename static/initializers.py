"""Initialisers under TensorFlow's names (``tf.initializers``): called with a shape, each gives what a variable begins with.

One that is made without a dtype takes that of the variable. The formulas for weights are those of ``graphs.initial``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from graphs import initial, ops
from static import random as draws
from static.array import eye, ones as ones_tensor, sizes, zeros as zeros_tensor
from static.calls import cast
from static.dtypes import as_dtype
from static.tensor import constant as constant_tensor
from static.variables import (
    global_variables_initializer,
    local_variables_initializer,
    tables_initializer as tables_initializer,
    variables_initializer,
)


_TRUNCATED = 0.87962566103423978
"""The standard deviation of normal numbers that are drawn again beyond two."""


class Initializer:
    """Gives a tensor of a shape and dtype."""

    dtype: Any = None

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        """The tensor, in ``dtype``, by default the initialiser's own. Raises ValueError for a shape or dtype it cannot have.

        ``partition_info.full_shape``, where it is given, is the shape of the whole of which ``shape`` is a part.
        """
        return self._values(shape, dtype or self.dtype, shape if partition_info is None else partition_info.full_shape)

    def _values(self, shape: Any, dtype: Any, whole: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not say what it gives")

    def get_config(self) -> dict[str, Any]:
        """What it was made with, by name."""
        return {
            name.lstrip("_"): as_dtype(value).name if name == "dtype" and value is not None else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """One made with ``config`` (see ``get_config``)."""
        return cls(**config)


class Zeros(Initializer):
    """Zeros."""

    def __init__(self, dtype: Any = "float32") -> None:
        self.dtype = as_dtype(dtype)

    def _values(self, shape: Any, dtype: Any, whole: Any) -> Any:
        return zeros_tensor(shape, dtype)


class Ones(Initializer):
    """Ones."""

    def __init__(self, dtype: Any = "float32") -> None:
        self.dtype = as_dtype(dtype)

    def _values(self, shape: Any, dtype: Any, whole: Any) -> Any:
        return ones_tensor(shape, dtype)


class Constant(Initializer):
    """A value: one number, or as many as the shape holds, else its last is repeated.

    Args:
        value: a number, or a list or array of them.
        verify_shape: whether ``value`` must have the shape that is asked for.
    """

    def __init__(self, value: Any = 0, dtype: Any = "float32", verify_shape: bool = False) -> None:
        if not (numpy.isscalar(value) or isinstance(value, (list, tuple, numpy.ndarray))):
            raise TypeError(
                f"Invalid type for initial value: {type(value)} (expected Python scalar, list, or numpy.ndarray)."
            )
        self.value = value
        self.dtype = as_dtype(dtype)
        self._verify_shape = verify_shape

    def _values(self, shape: Any, dtype: Any, whole: Any) -> Any:
        return constant_tensor(self.value, dtype, shape, verify_shape=self._verify_shape)


class RandomUniform(Initializer):
    """Uniform numbers from ``minval`` up to but without ``maxval``."""

    def __init__(self, minval: Any = 0, maxval: Any = None, seed: int | None = None, dtype: Any = "float32") -> None:
        self.minval = minval
        self.maxval = maxval
        self.seed = seed
        self.dtype = as_dtype(dtype)

    def _values(self, shape: Any, dtype: Any, whole: Any) -> Any:
        return draws.random_uniform(shape, self.minval, self.maxval, dtype, self.seed)


class _Normal(Initializer):
    def __init__(self, mean: Any = 0.0, stddev: Any = 1.0, seed: int | None = None, dtype: Any = "float32") -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed
        self.dtype = floating(dtype)


class RandomNormal(_Normal):
    """Normal numbers."""

    def _values(self, shape: Any, dtype: Any, whole: Any) -> Any:
        return draws.random_normal(shape, self.mean, self.stddev, dtype, self.seed)


class TruncatedNormal(_Normal):
    """Normal numbers, those beyond two standard deviations drawn again."""

    def _values(self, shape: Any, dtype: Any, whole: Any) -> Any:
        return draws.truncated_normal(shape, self.mean, self.stddev, dtype, self.seed)


class UniformUnitScaling(Initializer):
    """Uniform numbers of variance ``factor² / inputs``: all axes but the last are inputs (Sussillo and Abbott 2014)."""

    def __init__(self, factor: float = 1.0, seed: int | None = None, dtype: Any = "float32") -> None:
        self.factor = factor
        self.seed = seed
        self.dtype = floating(dtype)

    def _values(self, shape: Any, dtype: Any, whole: Any) -> Any:
        inputs = max(1, math.prod(full_shape(whole)[:-1]))
        bound = math.sqrt(3 / inputs) * self.factor
        return draws.random_uniform(shape, -bound, bound, dtype, self.seed)


class VarianceScaling(Initializer):
    """Numbers of variance ``scale / n``, where ``n`` counts a weight's inputs, outputs, or is their mean.

    Args:
        scale: see above.
        mode: ``fan_in``, ``fan_out`` or ``fan_avg``.
        distribution: ``truncated_normal`` (or ``normal``), ``untruncated_normal`` or ``uniform``.

    Raises ValueError for other settings.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        if scale <= 0.0:
            raise ValueError(f"`scale` must be positive float, not {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Invalid `mode` argument: {mode}")
        distribution = distribution.lower()
        if distribution not in ("normal", "uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(f"Invalid `distribution` argument: {distribution}")
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.seed = seed
        self.dtype = floating(dtype)

    def _values(self, shape: Any, dtype: Any, whole: Any) -> Any:
        inputs, outputs = initial.fans(full_shape(whole))
        count = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2.0}[self.mode]
        variance = self.scale / max(1.0, count)
        if self.distribution == "uniform":
            bound = math.sqrt(3.0 * variance)
            return draws.random_uniform(shape, -bound, bound, dtype, self.seed)
        if self.distribution == "untruncated_normal":
            return draws.random_normal(shape, 0.0, math.sqrt(variance), dtype, self.seed)
        return draws.truncated_normal(shape, 0.0, math.sqrt(variance) / _TRUNCATED, dtype, self.seed)


class Orthogonal(Initializer):
    """A random matrix with orthonormal rows or columns, whichever are fewer, times ``gain``; axes before the last as one."""

    def __init__(self, gain: float = 1.0, seed: int | None = None, dtype: Any = "float32") -> None:
        self.gain = gain
        self.seed = seed
        self.dtype = floating(dtype)

    def _values(self, shape: Any, dtype: Any, whole: Any) -> Any:
        if len(full_shape(shape)) < 2:
            raise ValueError("The tensor to initialize must be at least two-dimensional")
        return draws.drawn(ops.random_orthogonal, None, shape, dtype, self.seed, "orthogonal", gain=self.gain)


class Identity(Initializer):
    """The identity matrix times ``gain``; ones on the diagonal of one that is not square."""

    def __init__(self, gain: float = 1.0, dtype: Any = "float32") -> None:
        self.gain = gain
        self.dtype = floating(dtype)

    def _values(self, shape: Any, dtype: Any, whole: Any) -> Any:
        wanted = full_shape(whole)
        if len(wanted) != 2:
            raise ValueError("Identity matrix initializer can only be used for 2D matrices.")
        matrix = eye(*wanted, dtype=dtype)
        return matrix if self.gain == 1.0 else matrix * cast(self.gain, matrix.dtype)


class _Glorot(VarianceScaling):
    def __init__(self, seed: int | None = None, dtype: Any = "float32") -> None:
        super().__init__(1.0, "fan_avg", self.of, seed, dtype)

    of = ""

    def get_config(self) -> dict[str, Any]:
        """What it was made with, by name."""
        return {"seed": self.seed, "dtype": self.dtype.name}


class GlorotUniform(_Glorot):
    """Uniform numbers of variance ``2 / (inputs + outputs)`` (Glorot and Bengio 2010; also called Xavier)."""

    of = "uniform"


class GlorotNormal(_Glorot):
    """Truncated normal numbers of variance ``2 / (inputs + outputs)`` (Glorot and Bengio 2010; also called Xavier)."""

    of = "truncated_normal"


def lecun_normal(seed: int | None = None) -> Initializer:
    """Truncated normal numbers of variance ``1 / inputs`` (LeCun et al. 1998)."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> Initializer:
    """Uniform numbers of variance ``1 / inputs`` (LeCun et al. 1998)."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


def he_normal(seed: int | None = None) -> Initializer:
    """Truncated normal numbers of variance ``2 / inputs`` (He et al. 2015)."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> Initializer:
    """Uniform numbers of variance ``2 / inputs`` (He et al. 2015)."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


def full_shape(shape: Any) -> tuple[int, ...]:
    """``shape`` as numbers. Raises ValueError where only a run knows it."""
    known = sizes(shape)
    if known is None:
        raise ValueError(f"an initializer has to know the shape while the graph is being built, which is {shape}")
    return known


def floating(dtype: Any) -> Any:
    """``dtype``. Raises ValueError where it is not a floating one."""
    dtype = as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"Expected floating point type, got {dtype!r}.")
    return dtype


# TensorFlow's names

zeros = zeros_initializer = Zeros
ones = ones_initializer = Ones
constant = constant_initializer = Constant
random_uniform = random_uniform_initializer = RandomUniform
random_normal = random_normal_initializer = RandomNormal
truncated_normal = truncated_normal_initializer = TruncatedNormal
uniform_unit_scaling = uniform_unit_scaling_initializer = UniformUnitScaling
variance_scaling = variance_scaling_initializer = VarianceScaling
orthogonal = orthogonal_initializer = Orthogonal
identity = identity_initializer = Identity
glorot_uniform = glorot_uniform_initializer = GlorotUniform
glorot_normal = glorot_normal_initializer = GlorotNormal
global_variables = global_variables_initializer
local_variables = local_variables_initializer
variables = variables_initializer
