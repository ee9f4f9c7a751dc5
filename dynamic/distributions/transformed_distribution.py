"""What becomes of a distribution when its values are transformed."""

from __future__ import annotations

from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.independent import Independent, sum_rightmost
from dynamic.distributions.mapping import ComposeTransform, Transform
from dynamic.names import lacking
from dynamic.tensor import Size


class TransformedDistribution(Distribution):
    """The values of ``base_distribution`` after one transform, or several in order.

    Raises ValueError where a transform takes more dimensions than there are, or is no transform.
    """

    arg_constraints: Any = {}

    def __init__(self, base_distribution: Any, transforms: Any, validate_args: bool | None = None) -> None:
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if not all(isinstance(each, Transform) for each in self.transforms):
            raise ValueError("transforms are a Transform or a list of them")
        together = ComposeTransform(self.transforms)
        before = tuple(base_distribution.batch_shape) + tuple(base_distribution.event_shape)
        base_event, taken = len(base_distribution.event_shape), together.domain.event_dim
        if len(before) < taken:
            raise ValueError(f"a transform of {taken} dimensions for values of shape {before}")
        whole = tuple(together.forward_shape(before))
        if (spread := tuple(together.inverse_shape(whole))) != before:
            base_distribution = base_distribution.expand(spread[: len(spread) - base_event])
        if taken > base_event:
            base_distribution = Independent(base_distribution, taken - base_event)
        self.base_dist = base_distribution
        cut = len(whole) - together.codomain.event_dim - max(base_event - taken, 0)
        super().__init__(whole[:cut], whole[cut:], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The distribution with its batch expanded."""
        new = self._get_checked_instance(type(self), _instance)
        before = tuple(ComposeTransform(self.transforms).inverse_shape((*batch_shape, *self._event_shape)))
        new.base_dist = self.base_dist.expand(before[: len(before) - len(self.base_dist.event_shape)])
        new.transforms = self.transforms
        new._batch_shape, new._event_shape = Size(batch_shape), self._event_shape
        new._validate_args = self._validate_args
        return new

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether the base can."""
        return self.base_dist.has_rsample

    @constraints.dependent_property
    def support(self) -> Any:
        """Where the values lie."""
        if not self.transforms:
            return self.base_dist.support
        last = self.transforms[-1].codomain
        more = len(self.event_shape) - last.event_dim
        return constraints.independent(last, more) if more else last

    def sample(self, sample_shape: Any = ()) -> Any:
        """Values drawn."""
        with dynamic.no_grad():
            return self._transformed(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the parameters."""
        return self._transformed(self.base_dist.rsample(sample_shape))

    def _transformed(self, x: Any) -> Any:
        for each in self.transforms:
            x = each(x)
        return x

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        event = len(self.event_shape)
        total: Any = 0.0
        y = value
        for each in reversed(self.transforms):
            x = each._inv_call(y)
            event += each.domain.event_dim - each.codomain.event_dim
            total = total - sum_rightmost(each.log_abs_det_jacobian(x, y), event - each.domain.event_dim)
            y = x
        return total + sum_rightmost(self.base_dist.log_prob(y), event - len(self.base_dist.event_shape))

    def _sign(self) -> Any:
        sign: Any = 1
        for each in self.transforms:
            sign = sign * each.sign
        return sign

    def cdf(self, value: Any) -> Any:
        """The probability of at most ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        for each in reversed(self.transforms):
            value = each._inv_call(value)
        return _turned(self.base_dist.cdf(value), self._sign())

    def icdf(self, value: Any) -> Any:
        """The value that ``cdf`` takes to ``value``."""
        return self._transformed(self.base_dist.icdf(_turned(value, self._sign())))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()" if not self.arg_constraints else super().__repr__()


def _turned(value: Any, sign: Any) -> Any:
    """A probability, or where the transforms fall, what is left of it."""
    if isinstance(sign, int):
        return value if sign == 1 else sign * (value - 0.5) + 0.5
    return sign * (value - 0.5) + 0.5


__getattr__ = lacking(__name__)
