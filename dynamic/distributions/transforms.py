"""Maps with an inverse and the logarithm of their slope: what a ``TransformedDistribution`` is made of."""

from __future__ import annotations

import math
from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.independent import sum_rightmost
from dynamic.distributions.mapping import ComposeTransform as ComposeTransform, Transform as Transform
from dynamic.distributions.shaping import (
    CatTransform as CatTransform,
    CumulativeDistributionTransform as CumulativeDistributionTransform,
    IndependentTransform as IndependentTransform,
    LowerCholeskyTransform as LowerCholeskyTransform,
    ReshapeTransform as ReshapeTransform,
    StackTransform as StackTransform,
    StickBreakingTransform as StickBreakingTransform,
)
from dynamic.distributions.utils import limits
from dynamic.names import lacking
from dynamic.nn.activations import softplus


class ExpTransform(Transform):
    """``exp(x)``."""

    codomain = constraints.positive
    bijective = True

    def _call(self, x: Any) -> Any:
        return x.exp()

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """``x``."""
        return x


class PowerTransform(Transform):
    """``x ** exponent`` of positive numbers."""

    domain = constraints.positive
    codomain = constraints.positive
    bijective = True

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.exponent = dynamic.as_tensor(exponent)

    @property
    def sign(self) -> Any:
        """The exponent's."""
        return self.exponent.sign()

    def _call(self, x: Any) -> Any:
        return x.pow(self.exponent)

    def _inverse(self, y: Any) -> Any:
        return y.pow(1 / self.exponent)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """``log |exponent * y / x|``."""
        return (self.exponent * y / x).abs().log()


class SigmoidTransform(Transform):
    """``1 / (1 + exp(-x))``."""

    codomain = constraints.unit_interval
    bijective = True

    def _call(self, x: Any) -> Any:
        edge = limits(x)
        return x.sigmoid().clamp(min=float(edge.tiny), max=1.0 - float(edge.eps))

    def _inverse(self, y: Any) -> Any:
        edge = limits(y)
        inside = y.clamp(min=float(edge.tiny), max=1.0 - float(edge.eps))
        return inside.log() - (-inside).log1p()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """``log sigmoid(x) + log sigmoid(-x)``."""
        return -softplus(-x) - softplus(x)


class SoftplusTransform(Transform):
    """``log(1 + exp(x))``."""

    codomain = constraints.positive
    bijective = True

    def _call(self, x: Any) -> Any:
        return softplus(x)

    def _inverse(self, y: Any) -> Any:
        return (-y).expm1().neg().log() + y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """``log sigmoid(x)``."""
        return -softplus(-x)


class TanhTransform(Transform):
    """``tanh(x)``, with the logarithm of its slope computed without cancellation."""

    codomain = constraints.interval(-1.0, 1.0)
    bijective = True

    def _call(self, x: Any) -> Any:
        return x.tanh()

    def _inverse(self, y: Any) -> Any:
        return y.atanh()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """``log(1 - tanh(x)²)``."""
        return 2.0 * (math.log(2.0) - x - softplus(-2.0 * x))


class AbsTransform(Transform):
    """``|x|``; of the two inverses the positive one is taken."""

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return x.abs()

    def _inverse(self, y: Any) -> Any:
        return y


class AffineTransform(Transform):
    """``loc + scale * x``; ``event_dim`` says how many dimensions belong to one value."""

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale = loc, scale
        self.domain = constraints.independent(constraints.real, event_dim) if event_dim else constraints.real
        self.codomain = self.domain

    @property
    def sign(self) -> Any:
        """The scale's."""
        return self.scale.sign() if hasattr(self.scale, "sign") else (self.scale > 0) - (self.scale < 0)

    def _call(self, x: Any) -> Any:
        return self.loc + self.scale * x

    def _inverse(self, y: Any) -> Any:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """``log |scale|``, summed over a value's dimensions."""
        if isinstance(self.scale, (int, float)):
            result = dynamic.full_like(x, math.log(abs(self.scale)))
        else:
            result = self.scale.abs().log()
            result = result if result.shape == x.shape else result.expand(x.shape)
        return sum_rightmost(result, self.event_dim)


class SoftmaxTransform(Transform):
    """``softmax(x)``; adding a number to ``x`` does not change it, so that it has no one inverse."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Any) -> Any:
        return x.softmax(-1)

    def _inverse(self, y: Any) -> Any:
        return y.log()


identity_transform = ComposeTransform([])
__getattr__ = lacking(__name__)
