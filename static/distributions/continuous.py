"""Distributions of real numbers."""

from __future__ import annotations

import math
from typing import Any

from graphs import ops
from static.distributions.base import NOT_REPARAMETERIZED, Distribution, RegisterKL, floats
from static.extras import digamma, lgamma
from static.random import random_gamma, random_normal, random_uniform


_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


class Normal(Distribution):
    """The normal distribution of mean ``loc`` and standard deviation ``scale``."""

    def __init__(
        self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Normal"
    ) -> None:
        self.loc, self.scale = floats(loc, scale)
        super().__init__(name, loc=self.loc, scale=self.scale)

    def _sample(self, sample_shape: Any, seed: int | None) -> Any:
        return random_normal(self._shape(sample_shape), dtype=self.dtype, seed=seed) * self.scale + self.loc

    def _log_prob(self, value: Any) -> Any:
        return -0.5 * ops.square((value - self.loc) / self.scale) - _HALF_LOG_TWO_PI - ops.log(self.scale)

    def _mean(self) -> Any:
        return self.loc + self._whole()

    def _variance(self) -> Any:
        return ops.square(self.scale) + self._whole()

    def _entropy(self) -> Any:
        return ops.log(self.scale) + (0.5 + _HALF_LOG_TWO_PI) + self._whole()

    def _cdf(self, value: Any) -> Any:
        return 0.5 * (1.0 + ops.erf((value - self.loc) / self.scale * math.sqrt(0.5)))

    _mode = _mean


class Laplace(Distribution):
    """The Laplace distribution of mean ``loc``, its density falling as ``exp(-|x - loc| / scale)``."""

    def __init__(
        self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Laplace"
    ) -> None:
        self.loc, self.scale = floats(loc, scale)
        super().__init__(name, loc=self.loc, scale=self.scale)

    def _sample(self, sample_shape: Any, seed: int | None) -> Any:
        draws = random_uniform(self._shape(sample_shape), -1.0, 1.0, self.dtype, seed)
        return self.loc - self.scale * ops.sign(draws) * ops.log1p(-ops.minimum(ops.absolute(draws), 0.9999999))

    def _log_prob(self, value: Any) -> Any:
        return -ops.absolute((value - self.loc) / self.scale) - math.log(2.0) - ops.log(self.scale)

    def _mean(self) -> Any:
        return self.loc + self._whole()

    def _variance(self) -> Any:
        return 2.0 * ops.square(self.scale) + self._whole()

    def _entropy(self) -> Any:
        return ops.log(self.scale) + (math.log(2.0) + 1.0) + self._whole()

    def _cdf(self, value: Any) -> Any:
        away = (value - self.loc) / self.scale
        return 0.5 + 0.5 * ops.sign(away) * (1.0 - ops.exp(-ops.absolute(away)))

    _mode = _mean


class Uniform(Distribution):
    """The uniform distribution from ``low`` up to but without ``high``."""

    def __init__(
        self,
        low: Any = 0.0,
        high: Any = 1.0,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Uniform",
    ) -> None:
        self.low, self.high = floats(low, high)
        super().__init__(name, low=self.low, high=self.high)

    def range(self, name: str = "range") -> Any:
        """``high - low``."""
        return self.high - self.low

    def _sample(self, sample_shape: Any, seed: int | None) -> Any:
        return random_uniform(self._shape(sample_shape), dtype=self.dtype, seed=seed) * self.range() + self.low

    def _log_prob(self, value: Any) -> Any:
        inside = ops.logical_and(ops.greater_equal(value, self.low), ops.less(value, self.high))
        return ops.where(inside, -ops.log(self.range()) + ops.zeros_like(value), ops.zeros_like(value) - math.inf)

    def _mean(self) -> Any:
        return (self.low + self.high) / 2.0

    def _variance(self) -> Any:
        return ops.square(self.range()) / 12.0

    def _entropy(self) -> Any:
        return ops.log(self.range())

    def _cdf(self, value: Any) -> Any:
        share = (value - self.low) / self.range()
        above = ops.where(ops.greater_equal(value, self.high), ops.ones_like(share), share)
        return ops.where(ops.less(value, self.low), ops.zeros_like(share), above)


class Gamma(Distribution):
    """The gamma distribution of shape ``concentration`` and ``rate``; through samples gradients flow into ``rate`` only."""

    def __init__(
        self, concentration: Any, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Gamma"
    ) -> None:
        self.concentration, self.rate = floats(concentration, rate)
        super().__init__(name, concentration=self.concentration, rate=self.rate)

    def _sample(self, sample_shape: Any, seed: int | None) -> Any:
        return random_gamma(sample_shape, self.concentration, self.rate, self.dtype, seed)

    def _log_prob(self, value: Any) -> Any:
        a, b = self.concentration, self.rate
        return (a - 1.0) * ops.log(value) - b * value + a * ops.log(b) - lgamma(a)

    def _mean(self) -> Any:
        return self.concentration / self.rate

    def _variance(self) -> Any:
        return self.concentration / ops.square(self.rate)

    def _mode(self) -> Any:
        found = (self.concentration - 1.0) / self.rate
        return ops.where(ops.greater(self.concentration + self._whole(), 1.0), found, ops.zeros_like(found) + math.nan)

    def _entropy(self) -> Any:
        a = self.concentration
        return a - ops.log(self.rate) + lgamma(a) + (1.0 - a) * digamma(a)


class Exponential(Gamma):
    """The exponential distribution of ``rate``."""

    def __init__(
        self, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Exponential"
    ) -> None:
        (given,) = floats(rate)
        super().__init__(ops.ones_like(given), given, name=name)
        self._params = {"rate": given}

    def _sample(self, sample_shape: Any, seed: int | None) -> Any:
        draws = random_uniform(self._shape(sample_shape), dtype=self.dtype, seed=seed)
        return -ops.log1p(-draws) / self.rate

    def _log_prob(self, value: Any) -> Any:
        return ops.log(self.rate) - self.rate * value

    def _cdf(self, value: Any) -> Any:
        return -ops.expm1(-self.rate * value)


class Beta(Distribution):
    """The beta distribution on (0, 1): ``x^(concentration1 - 1) (1 - x)^(concentration0 - 1)`` over its integral."""

    reparameterization_type = NOT_REPARAMETERIZED

    def __init__(
        self,
        concentration1: Any = None,
        concentration0: Any = None,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Beta",
    ) -> None:
        self.concentration1, self.concentration0 = floats(concentration1, concentration0)
        super().__init__(name, concentration1=self.concentration1, concentration0=self.concentration0)

    @property
    def total_concentration(self) -> Any:
        """The sum of the two."""
        return self.concentration1 + self.concentration0

    def _sample(self, sample_shape: Any, seed: int | None) -> Any:
        seeds = (seed, None if seed is None else seed + 1)
        draws = [
            random_gamma(sample_shape, a + self._whole(), dtype=self.dtype, seed=s)
            for a, s in zip((self.concentration1, self.concentration0), seeds, strict=True)
        ]
        return ops.stop_gradient(draws[0] / (draws[0] + draws[1]))

    def _log_prob(self, value: Any) -> Any:
        a, b = self.concentration1, self.concentration0
        return (a - 1.0) * ops.log(value) + (b - 1.0) * ops.log1p(-value) - (lgamma(a) + lgamma(b) - lgamma(a + b))

    def _mean(self) -> Any:
        return self.concentration1 / self.total_concentration

    def _variance(self) -> Any:
        mean = self._mean()
        return mean * (1.0 - mean) / (1.0 + self.total_concentration)

    def _entropy(self) -> Any:
        a, b, total = self.concentration1, self.concentration0, self.total_concentration
        size = lgamma(a) + lgamma(b) - lgamma(total)
        return size - (a - 1.0) * digamma(a) - (b - 1.0) * digamma(b) + (total - 2.0) * digamma(total)


# Divergences


@RegisterKL(Normal, Normal)
def _normals(a: Normal, b: Normal, name: Any = None) -> Any:
    ratio = ops.square(a.scale / b.scale)
    return ops.square(a.loc - b.loc) / (2.0 * ops.square(b.scale)) + 0.5 * (ratio - 1.0 - ops.log(ratio))


@RegisterKL(Gamma, Gamma)
def _gammas(a: Gamma, b: Gamma, name: Any = None) -> Any:
    shapes = lgamma(b.concentration) - lgamma(a.concentration)
    slopes = (a.concentration - b.concentration) * digamma(a.concentration)
    rates = b.concentration * (ops.log(a.rate) - ops.log(b.rate)) + a.concentration * (b.rate / a.rate - 1.0)
    return slopes + shapes + rates


@RegisterKL(Beta, Beta)
def _betas(a: Beta, b: Beta, name: Any = None) -> Any:
    def size(d: Beta) -> Any:
        return lgamma(d.concentration1) + lgamma(d.concentration0) - lgamma(d.total_concentration)

    first = (a.concentration1 - b.concentration1) * digamma(a.concentration1)
    second = (a.concentration0 - b.concentration0) * digamma(a.concentration0)
    rest = (b.total_concentration - a.total_concentration) * digamma(a.total_concentration)
    return size(b) - size(a) + first + second + rest
