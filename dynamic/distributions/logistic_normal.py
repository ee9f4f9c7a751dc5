"""The logistic-normal distribution."""

from __future__ import annotations

from typing import Any

from dynamic.distributions import constraints
from dynamic.distributions.normal import Normal
from dynamic.distributions.transformed_distribution import TransformedDistribution
from dynamic.distributions.transforms import StickBreakingTransform
from dynamic.names import lacking


class LogisticNormal(TransformedDistribution):
    """Vectors that sum to 1: normal vectors, of mean ``loc`` and standard deviation ``scale``, through ``StickBreaking``."""

    arg_constraints: Any = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args)
        if not base.batch_shape:
            base = base.expand((1,))
        super().__init__(base, StickBreakingTransform(), validate_args)

    @property
    def loc(self) -> Any:
        """The mean before the transform."""
        return self.base_dist.base_dist.loc

    @property
    def scale(self) -> Any:
        """The standard deviation before the transform."""
        return self.base_dist.base_dist.scale


__getattr__ = lacking(__name__)
