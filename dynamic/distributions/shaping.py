"""Transforms of several elements together: sticks broken, shapes, parts, triangles; and distribution functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import dynamic
from dynamic.distributions import constraints
from dynamic.distributions.independent import sum_rightmost
from dynamic.distributions.mapping import Transform
from dynamic.distributions.utils import limits
from dynamic.names import lacking
from dynamic.nn.activations import logsigmoid
from dynamic.nn.padding import pad
from graphs.core.errors import at_line


class StickBreakingTransform(Transform):
    """From n numbers to n + 1 that sum to 1: each breaks its share off what is left of a stick."""

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    def _call(self, x: Any) -> Any:
        edge = limits(x)
        share = (x - _left(x, x.shape[-1]).log()).sigmoid().clamp(min=float(edge.tiny), max=1.0 - float(edge.eps))
        return pad(share, (0, 1), value=1) * pad((1 - share).cumprod(-1), (1, 0), value=1)

    def _inverse(self, y: Any) -> Any:
        first = y[..., :-1]
        rest = (1 - first.cumsum(-1)).clamp(min=float(limits(y).tiny))
        return first.log() - rest.log() + _left(y, first.shape[-1]).log()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """The sum of the logarithms of what each share is of the stick, times its slope."""
        x = x - _left(x, x.shape[-1]).log()
        return (-x + logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        """One element more."""
        if len(shape) < 1:
            raise ValueError(f"Too few dimensions on input{at_line()}")
        return (*shape[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: Any) -> Any:
        """One element less."""
        if len(shape) < 1:
            raise ValueError(f"Too few dimensions on input{at_line()}")
        return (*shape[:-1], shape[-1] - 1)


def _left(like: Any, count: int) -> Any:
    """How many pieces there still are: count, ..., 1."""
    return dynamic.arange(count, 0, -1, dtype=like.dtype)


class ReshapeTransform(Transform):
    """Events of the shape ``in_shape`` in the shape ``out_shape``. Raises ValueError where these differ in size."""

    bijective = True

    def __init__(self, in_shape: Any, out_shape: Any, cache_size: int = 0) -> None:
        self.in_shape, self.out_shape = dynamic.Size(in_shape), dynamic.Size(out_shape)
        if math.prod(self.in_shape) != math.prod(self.out_shape):
            raise ValueError(f"in_shape {tuple(in_shape)} and out_shape {tuple(out_shape)} differ in size{at_line()}")
        super().__init__(cache_size)
        self.domain = constraints.independent(constraints.real, len(self.in_shape))
        self.codomain = constraints.independent(constraints.real, len(self.out_shape))

    def _call(self, x: Any) -> Any:
        return x.reshape(x.shape[: x.dim() - len(self.in_shape)] + self.out_shape)

    def _inverse(self, y: Any) -> Any:
        return y.reshape(y.shape[: y.dim() - len(self.out_shape)] + self.in_shape)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Zeros."""
        return x.new_zeros(x.shape[: x.dim() - len(self.in_shape)])

    def forward_shape(self, shape: Any) -> Any:
        """The shape with its end replaced."""
        return self._replaced(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Any) -> Any:
        """The shape with its end replaced."""
        return self._replaced(shape, self.out_shape, self.in_shape)

    def _replaced(self, shape: Any, old: Any, new: Any) -> Any:
        cut = len(shape) - len(old)
        if cut < 0 or tuple(shape[cut:]) != tuple(old):
            raise ValueError(f"a shape that ends with {tuple(old)} is needed, not {tuple(shape)}{at_line()}")
        return (*shape[:cut], *new)


class IndependentTransform(Transform):
    """``base_transform`` of events with more dimensions, over which the logarithms of slopes are summed."""

    def __init__(self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.base_transform, self.reinterpreted_batch_ndims = base_transform, reinterpreted_batch_ndims
        self.bijective, self.sign = base_transform.bijective, base_transform.sign
        self.domain = constraints.independent(base_transform.domain, reinterpreted_batch_ndims)
        self.codomain = constraints.independent(base_transform.codomain, reinterpreted_batch_ndims)

    def _call(self, x: Any) -> Any:
        if x.dim() < self.domain.event_dim:
            raise ValueError(f"Too few dimensions on input{at_line()}")
        return self.base_transform(x)

    def _inverse(self, y: Any) -> Any:
        if y.dim() < self.codomain.event_dim:
            raise ValueError(f"Too few dimensions on input{at_line()}")
        return self.base_transform.inv(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """The sum over an event's dimensions."""
        return sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: Any) -> Any:
        """As the base has it."""
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: Any) -> Any:
        """As the base has it."""
        return self.base_transform.inverse_shape(shape)

    def __repr__(self) -> str:
        return f"IndependentTransform({self.base_transform!r}, {self.reinterpreted_batch_ndims})"


class _Parts(Transform):
    """Transforms of the parts of a tensor along a dimension."""

    def __init__(self, tseq: Sequence[Transform], dim: int, cache_size: int) -> None:
        super().__init__(cache_size)
        self.transforms, self.dim = list(tseq), dim
        self.bijective = all(each.bijective for each in self.transforms)

    def _split(self, x: Any) -> list[Any]:
        raise NotImplementedError

    def _join(self, parts: list[Any]) -> Any:
        raise NotImplementedError

    def _call(self, x: Any) -> Any:
        return self._join([each(part) for each, part in zip(self.transforms, self._split(x), strict=True)])

    def _inverse(self, y: Any) -> Any:
        return self._join([each.inv(part) for each, part in zip(self.transforms, self._split(y), strict=True)])

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """That of each part."""
        parts = zip(self.transforms, self._split(x), self._split(y), strict=True)
        found = [(each.event_dim, each.log_abs_det_jacobian(a, b)) for each, a, b in parts]
        return self._joined([sum_rightmost(slope, self.event_dim - dims) for dims, slope in found])

    def _joined(self, slopes: list[Any]) -> Any:
        return self._join(slopes)


class StackTransform(_Parts):
    """A transform for each slice along ``dim``."""

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, cache_size)
        self.domain = constraints.stack([each.domain for each in self.transforms], dim)
        self.codomain = constraints.stack([each.codomain for each in self.transforms], dim)

    def _split(self, x: Any) -> list[Any]:
        return list(x.unbind(self.dim))

    def _join(self, parts: list[Any]) -> Any:
        return dynamic.stack(parts, self.dim)


class CatTransform(_Parts):
    """A transform for each stretch along ``dim``, of the given ``lengths``, by default 1."""

    def __init__(
        self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None, cache_size: int = 0
    ) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        self.domain = constraints.cat([each.domain for each in self.transforms], dim, self.lengths)
        self.codomain = constraints.cat([each.codomain for each in self.transforms], dim, self.lengths)

    @property
    def event_dim(self) -> int:
        """The most that a part has."""
        return max(each.event_dim for each in self.transforms)

    @property
    def length(self) -> int:
        """All stretches together."""
        return sum(self.lengths)

    def _split(self, x: Any) -> list[Any]:
        starts = accumulate(self.lengths, initial=0)
        return [x.narrow(self.dim, start, n) for start, n in zip(starts, self.lengths, strict=False)]

    def _join(self, parts: list[Any]) -> Any:
        return dynamic.cat(parts, self.dim)

    def _joined(self, slopes: list[Any]) -> Any:
        dim = self.dim if self.dim < 0 else self.dim - slopes[0].dim() - self.event_dim
        dim += self.event_dim
        return dynamic.cat(slopes, dim) if dim < 0 else sum(slopes[1:], slopes[0])


class LowerCholeskyTransform(Transform):
    """From square matrices to lower triangles with a positive diagonal: the exponential of theirs."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Any) -> Any:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Any) -> Any:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class CumulativeDistributionTransform(Transform):
    """The distribution function of ``distribution``, from its support to the numbers between 0 and 1."""

    bijective = True
    codomain = constraints.unit_interval

    def __init__(self, distribution: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.distribution = distribution
        self.domain = distribution.support

    def _call(self, x: Any) -> Any:
        return self.distribution.cdf(x)

    def _inverse(self, y: Any) -> Any:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """The logarithm of the density."""
        return self.distribution.log_prob(x)


__getattr__ = lacking(__name__)
