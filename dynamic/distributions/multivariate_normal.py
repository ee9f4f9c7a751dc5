"""The normal distribution over vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy

import dynamic
from dynamic.apply import apply
from dynamic.distributions import constraints
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.utils import lazy_property, normal_draws
from dynamic.names import lacking
from dynamic.tensor import Size
from graphs.core.errors import ShapeError
from graphs.core.op import OPS


class MultivariateNormal(Distribution):
    """Vectors around ``loc``, of which one is given: the covariance, its inverse (the precision), or its Cholesky factor.

    Raises ValueError unless one of them is given, with two dimensions at least.
    """

    arg_constraints: Any = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc has at least one dimension")
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        given = {name: matrix for name, matrix in given.items() if matrix is not None}
        if len(given) != 1:
            raise ValueError("MultivariateNormal takes one of covariance_matrix, precision_matrix and scale_tril")
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ValueError(f"{name} has at least two dimensions")
        try:
            batch = numpy.broadcast_shapes(tuple(matrix.shape[:-2]), tuple(loc.shape[:-1]))
        except ValueError as error:
            raise ShapeError(f"MultivariateNormal: {error}") from None
        setattr(self, name, matrix.expand((*batch, *matrix.shape[-2:])))
        self.loc = loc.expand((*batch, *loc.shape[-1:]))
        super().__init__(batch, self.loc.shape[-1:], validate_args)
        self._unbroadcasted_scale_tril = {"covariance_matrix": cholesky, "precision_matrix": factor_of_inverse}.get(
            name, lambda triangle: triangle
        )(matrix)

    def _expand_more(self, new: Any, batch: tuple[int, ...]) -> None:
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril

    def _whole(self, matrix: Any) -> Any:
        return matrix.expand((*self._batch_shape, *self._event_shape, *self._event_shape))

    @lazy_property
    def scale_tril(self) -> Any:
        """The Cholesky factor of the covariance."""
        return self._whole(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Any:
        """The covariance."""
        factor = self._unbroadcasted_scale_tril
        return self._whole(factor @ factor.mT)

    @lazy_property
    def precision_matrix(self) -> Any:
        """The inverse of the covariance."""
        factor = self._unbroadcasted_scale_tril
        inverse = apply(OPS["inverse"], (factor,))
        return self._whole(inverse.mT @ inverse)

    @property
    def mean(self) -> Any:
        """The mean, ``loc``."""
        return self.loc

    @property
    def mode(self) -> Any:
        """The mode, ``loc``."""
        return self.loc

    @property
    def variance(self) -> Any:
        """The variance of each element."""
        return self._unbroadcasted_scale_tril.pow(2).sum(-1).expand((*self._batch_shape, *self._event_shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the parameters."""
        draws = normal_draws(self._extended_shape(sample_shape), self.loc)
        return self.loc + (self._unbroadcasted_scale_tril @ draws.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        apart = value - self.loc
        factor = self._unbroadcasted_scale_tril
        distance = mahalanobis(factor, apart)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + distance) - half_log_det(factor)

    def entropy(self) -> Any:
        """The entropy."""
        entropy = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + half_log_det(self._unbroadcasted_scale_tril)
        return entropy.expand(Size(self._batch_shape)) if self._batch_shape else entropy


def cholesky(matrix: Any) -> Any:
    """The lower triangle whose product with its transpose is ``matrix``."""
    return apply(OPS["cholesky"], (matrix,))


def factor_of_inverse(precision: Any) -> Any:
    """The Cholesky factor of the inverse of a matrix, found from that of the matrix turned by half."""
    turned = cholesky(precision.flip((-2, -1))).flip((-2, -1)).mT
    return apply(OPS["inverse"], (turned,))


def half_log_det(factor: Any) -> Any:
    """Half of the logarithm of the determinant of ``factor @ factor.mT``."""
    n = dynamic.arange(factor.shape[-1])
    return factor[..., n, n].log().sum(-1)


def mahalanobis(factor: Any, apart: Any) -> Any:
    """The squared length of ``factor`` inverted times the vectors ``apart``."""
    inverse = apply(OPS["inverse"], (factor,))
    return (inverse @ apart.unsqueeze(-1)).squeeze(-1).pow(2).sum(-1)


__getattr__ = lacking(__name__)
