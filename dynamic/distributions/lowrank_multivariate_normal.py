"""The normal distribution over vectors whose covariance is a diagonal and a product of few columns."""

from __future__ import annotations

import math
from typing import Any

import numpy

import dynamic
from dynamic.apply import apply
from dynamic.distributions import constraints
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.multivariate_normal import cholesky, half_log_det, mahalanobis
from dynamic.distributions.utils import lazy_property, normal_draws
from dynamic.names import lacking
from graphs.core.op import OPS


class LowRankMultivariateNormal(Distribution):
    """Vectors around ``loc`` of the covariance ``cov_factor @ cov_factor.mT + diag(cov_diag)``.

    With W of n rows and r columns, densities cost about n * r², by Woodbury's identity.
    """

    arg_constraints: Any = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc has at least one dimension")
        size = loc.shape[-1]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor has at least two dimensions, the batch's before them")
        if cov_factor.shape[-2] != size:
            raise ValueError(f"cov_factor is a batch of matrices of {size} rows, not {cov_factor.shape[-2]}")
        if cov_diag.shape[-1:] != (size,):
            raise ValueError(f"cov_diag is a batch of vectors of {size}")
        try:
            batch = numpy.broadcast_shapes(*(tuple(s) for s in (loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])))
        except ValueError as error:
            raise ValueError(f"LowRankMultivariateNormal: {error}") from None
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        self.loc, self.cov_diag = loc.expand((*batch, size)), cov_diag.expand((*batch, size))
        self.cov_factor = cov_factor.expand((*batch, *cov_factor.shape[-2:]))
        super().__init__(batch, (size,), validate_args)
        weighed = (cov_factor / cov_diag.unsqueeze(-1)).mT
        eye = dynamic.eye(cov_factor.shape[-1], dtype=cov_factor.dtype)
        self._capacitance_tril = cholesky(weighed @ cov_factor + eye)

    def _expand_more(self, new: Any, batch: tuple[int, ...]) -> None:
        new._unbroadcasted_cov_factor = self._unbroadcasted_cov_factor
        new._unbroadcasted_cov_diag = self._unbroadcasted_cov_diag
        new._capacitance_tril = self._capacitance_tril
        new.cov_factor = self._unbroadcasted_cov_factor.expand((*batch, *self._unbroadcasted_cov_factor.shape[-2:]))
        for name in ("loc", "cov_diag"):
            setattr(new, name, getattr(self, name).expand((*batch, *self._event_shape)))

    @property
    def mean(self) -> Any:
        """The mean, ``loc``."""
        return self.loc

    @property
    def mode(self) -> Any:
        """The mode, ``loc``."""
        return self.loc

    @lazy_property
    def variance(self) -> Any:
        """The variance of each element."""
        variance = self._unbroadcasted_cov_factor.pow(2).sum(-1) + self._unbroadcasted_cov_diag
        return variance.expand((*self._batch_shape, *self._event_shape))

    def _whole(self, matrix: Any) -> Any:
        return matrix.expand((*self._batch_shape, *self._event_shape, *self._event_shape))

    @lazy_property
    def covariance_matrix(self) -> Any:
        """The covariance."""
        factor = self._unbroadcasted_cov_factor
        return self._whole(factor @ factor.mT + self._unbroadcasted_cov_diag.diag_embed())

    @lazy_property
    def scale_tril(self) -> Any:
        """The Cholesky factor of the covariance."""
        root = self._unbroadcasted_cov_diag.sqrt().unsqueeze(-1)
        factor = self._unbroadcasted_cov_factor / root
        inner = factor @ factor.mT + dynamic.eye(self._event_shape[0], dtype=factor.dtype)
        return self._whole(root * cholesky(inner))

    @lazy_property
    def precision_matrix(self) -> Any:
        """The inverse of the covariance."""
        weighed = (self._unbroadcasted_cov_factor / self._unbroadcasted_cov_diag.unsqueeze(-1)).mT
        inner = apply(OPS["inverse"], (self._capacitance_tril,)) @ weighed
        return self._whole(self._unbroadcasted_cov_diag.reciprocal().diag_embed() - inner.mT @ inner)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the parameters."""
        shape = tuple(self._extended_shape(sample_shape))
        few = normal_draws((*shape[:-1], self._unbroadcasted_cov_factor.shape[-1]), self.loc)
        along = (self._unbroadcasted_cov_factor @ few.unsqueeze(-1)).squeeze(-1)
        return self.loc + along + self._unbroadcasted_cov_diag.sqrt() * normal_draws(shape, self.loc)

    def _half_log_det(self) -> Any:
        return half_log_det(self._capacitance_tril) + 0.5 * self._unbroadcasted_cov_diag.log().sum(-1)

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        apart = value - self.loc
        weighed = apart / self._unbroadcasted_cov_diag
        along = (self._unbroadcasted_cov_factor.mT @ weighed.unsqueeze(-1)).squeeze(-1)
        distance = (apart * weighed).sum(-1) - mahalanobis(self._capacitance_tril, along)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + distance) - self._half_log_det()

    def entropy(self) -> Any:
        """The entropy."""
        entropy = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._half_log_det()
        return entropy.expand(tuple(self._batch_shape)) if self._batch_shape else entropy


__getattr__ = lacking(__name__)
