"""Student's t-distribution."""

from __future__ import annotations

import math
from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.chi2 import Chi2
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.utils import broadcast_all, normal_draws
from dynamic.names import lacking


class StudentT(Distribution):
    """Standard normal numbers over the root of a mean of ``df`` squares of others, times ``scale``, plus ``loc``."""

    arg_constraints: Any = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """The mean; NaN for one degree of freedom or fewer."""
        return dynamic.where(self.df <= 1, dynamic.full_like(self.loc, math.nan), self.loc)

    @property
    def mode(self) -> Any:
        """The mode, ``loc``."""
        return self.loc

    @property
    def variance(self) -> Any:
        """The variance; infinite up to two degrees of freedom, NaN up to one."""
        beyond = self.scale.pow(2) * self.df / (self.df - 2)
        infinite = dynamic.full_like(beyond, math.inf)
        return dynamic.where(
            self.df <= 1, dynamic.full_like(beyond, math.nan), dynamic.where(self.df <= 2, infinite, beyond)
        )

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the parameters."""
        shape = self._extended_shape(sample_shape)
        squares = Chi2(self.df, validate_args=False).rsample(sample_shape)
        return self.loc + self.scale * (normal_draws(shape, self.df) * (squares / self.df).rsqrt())

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        y = (value - self.loc) / self.scale
        norm = self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi)
        norm = norm + (0.5 * self.df).lgamma() - (0.5 * (self.df + 1.0)).lgamma()
        return -0.5 * (self.df + 1.0) * (y.pow(2.0) / self.df).log1p() - norm

    def entropy(self) -> Any:
        """The entropy."""
        half, more = 0.5 * self.df, 0.5 * (self.df + 1)
        beta = half.lgamma() + math.lgamma(0.5) - more.lgamma()
        return self.scale.log() + more * (more.digamma() - half.digamma()) + 0.5 * self.df.log() + beta


__getattr__ = lacking(__name__)
