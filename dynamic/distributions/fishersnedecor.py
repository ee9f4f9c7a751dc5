"""The F distribution."""

from __future__ import annotations

import math
from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.gamma import Gamma
from dynamic.distributions.utils import broadcast_all, limits
from dynamic.names import lacking


class FisherSnedecor(Distribution):
    """The ratio of two means of squares of ``df1`` and of ``df2`` standard normal numbers."""

    arg_constraints: Any = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        self._gamma1 = Gamma(self.df1 * 0.5, self.df1 * 0.5)
        self._gamma2 = Gamma(self.df2 * 0.5, self.df2 * 0.5)
        super().__init__(self.df1.shape, validate_args=validate_args)

    def _expand_more(self, new: Any, batch: tuple[int, ...]) -> None:
        new._gamma1, new._gamma2 = self._gamma1.expand(batch), self._gamma2.expand(batch)

    def _above(self, df: Any, least: float) -> Any:
        """``df``, NaN where it is not more than ``least``."""
        return dynamic.where(df > least, df, dynamic.full_like(df, math.nan))

    @property
    def mean(self) -> Any:
        """The mean; NaN for ``df2`` up to 2."""
        b = self._above(self.df2, 2)
        return b / (b - 2)

    @property
    def mode(self) -> Any:
        """The mode; NaN for ``df1`` up to 2."""
        mode = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return dynamic.where(self.df1 > 2, mode, dynamic.full_like(mode, math.nan))

    @property
    def variance(self) -> Any:
        """The variance; NaN for ``df2`` up to 4."""
        a, b = self.df1, self._above(self.df2, 4)
        return 2 * b.pow(2) * (a + b - 2) / (a * (b - 2).pow(2) * (b - 4))

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the parameters."""
        shape = tuple(self._extended_shape(sample_shape))
        above = self._gamma1.rsample(sample_shape).view(shape)
        below = self._gamma2.rsample(sample_shape).view(shape)
        tiny = float(limits(below).tiny)
        return (above / below.clamp(min=tiny)).clamp(min=tiny)

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        a, b, ratio = self.df1 * 0.5, self.df2 * 0.5, self.df1 / self.df2
        scale = (a + b).lgamma() - a.lgamma() - b.lgamma()
        return scale + a * ratio.log() + (a - 1) * value.log() - (a + b) * (ratio * value).log1p()


__getattr__ = lacking(__name__)
