"""What all distributions share, and divergences between two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static.array import concat, shape, sizes, vector
from static.shapes import TensorShape
from static.tensor import apply, convert_to_tensor


FULLY_REPARAMETERIZED = "FULLY_REPARAMETERIZED"
"""Gradients flow through samples into the parameters."""

NOT_REPARAMETERIZED = "NOT_REPARAMETERIZED"
"""No gradient flows through samples."""

_KL: list[tuple[type, type, Callable[[Any, Any], Any]]] = []


class Distribution:
    """A batch of independent distributions with the same parameters' shapes.

    Subclasses give ``_params`` (tensors by name) and the formulas ``_log_prob``, ``_mean`` and so on.
    """

    reparameterization_type = FULLY_REPARAMETERIZED
    _event = 0
    """How many of the parameters' last axes belong to one event."""

    def __init__(self, name: str, **params: Any) -> None:
        self.name = name
        self._params = params

    @property
    def parameters(self) -> dict[str, Any]:
        """The tensors that it was made with, by name."""
        return dict(self._params)

    @property
    def dtype(self) -> Any:
        """The dtype of samples."""
        return next(iter(self._params.values())).dtype

    def _whole(self) -> Any:
        """Zeros of the shape of the parameters broadcast together."""
        total: Any = None
        for value in self._params.values():
            zeros = ops.zeros_like(value)
            total = zeros if total is None else total + zeros
        return total

    @property
    def batch_shape(self) -> TensorShape:
        """The shape of the batch of distributions."""
        whole = self._whole().shape
        return whole if whole.ndims is None else whole[: whole.ndims - self._event]

    @property
    def event_shape(self) -> TensorShape:
        """The shape of one sample of one distribution."""
        whole = self._whole().shape
        return TensorShape([]) if not self._event else whole[whole.ndims - self._event :]

    def batch_shape_tensor(self, name: str = "batch_shape_tensor") -> Any:
        """The shape of the batch of distributions, as a vector."""
        dims = shape(self._whole())
        return dims[: len(self._whole().shape) - self._event] if self._event else dims

    def sample(self, sample_shape: Any = (), seed: int | None = None, name: str = "sample") -> Any:
        """Samples of shape ``sample_shape + batch_shape + event_shape``."""
        return apply(ops.identity, self._sample(sample_shape, seed), name=name)

    def _shape(self, sample_shape: Any) -> Any:
        """``sample_shape`` before the shape of the parameters: numbers where these are known."""
        known, whole = sizes(sample_shape), self._whole()
        if known is not None and whole.shape.is_fully_defined():
            return [*known, *whole.shape.as_list()]
        return concat([vector(sample_shape), shape(whole)], 0)

    def log_prob(self, value: Any, name: str = "log_prob") -> Any:
        """The logarithm of the density, or of the probability, of ``value``."""
        return apply(ops.identity, self._log_prob(convert_to_tensor(value, preferred_dtype=self.dtype)), name=name)

    def prob(self, value: Any, name: str = "prob") -> Any:
        """The density, or the probability, of ``value``."""
        return apply(ops.exp, self._log_prob(convert_to_tensor(value, preferred_dtype=self.dtype)), name=name)

    def mean(self, name: str = "mean") -> Any:
        """The mean."""
        return self._mean()

    def variance(self, name: str = "variance") -> Any:
        """The variance."""
        return self._variance()

    def stddev(self, name: str = "stddev") -> Any:
        """The standard deviation."""
        return ops.sqrt(self._variance())

    def mode(self, name: str = "mode") -> Any:
        """The most likely value."""
        return self._mode()

    def entropy(self, name: str = "entropy") -> Any:
        """The entropy, in nats."""
        return self._entropy()

    def cdf(self, value: Any, name: str = "cdf") -> Any:
        """The probability of a sample that is at most ``value``."""
        return self._cdf(convert_to_tensor(value, preferred_dtype=self.dtype))

    def kl_divergence(self, other: Distribution, name: str = "kl_divergence") -> Any:
        """The Kullback-Leibler divergence of this distribution from ``other``."""
        return kl_divergence(self, other)

    def cross_entropy(self, other: Distribution, name: str = "cross_entropy") -> Any:
        """The cross entropy of this distribution and ``other``."""
        return kl_divergence(self, other) + self.entropy()

    def _missing(self, what: str) -> Any:
        raise NotImplementedError(f"{what} is not implemented: {type(self).__name__}{at_line()}")

    def _sample(self, sample_shape: Any, seed: int | None) -> Any:
        return self._missing("sample")

    def _log_prob(self, value: Any) -> Any:
        return self._missing("log_prob")

    def _mean(self) -> Any:
        return self._missing("mean")

    def _variance(self) -> Any:
        return self._missing("variance")

    def _mode(self) -> Any:
        return self._missing("mode")

    def _entropy(self) -> Any:
        return self._missing("entropy")

    def _cdf(self, value: Any) -> Any:
        return self._missing("cdf")

    def __repr__(self) -> str:
        parts = f"batch_shape={self.batch_shape}, event_shape={self.event_shape}, dtype={self.dtype.name}"
        return f"<tf.distributions.{type(self).__name__} '{self.name}/' {parts}>"


def floats(*values: Any) -> tuple[Any, ...]:
    """Parameters as tensors of one floating dtype."""
    first = next((x for x in values if hasattr(x, "dtype")), None)
    return tuple(convert_to_tensor(x, preferred_dtype=None if first is None else first.dtype) for x in values)


# Divergences


class RegisterKL:
    """A decorator: the function ``(a, b, name)`` is the divergence between distributions of two classes."""

    def __init__(self, dist_cls_a: type, dist_cls_b: type) -> None:
        self._classes = (dist_cls_a, dist_cls_b)

    def __call__(self, kl_fn: Callable[..., Any]) -> Callable[..., Any]:
        """Register ``kl_fn``, and return it."""
        _KL.append((*self._classes, kl_fn))
        return kl_fn


def kl_divergence(
    distribution_a: Distribution, distribution_b: Distribution, allow_nan_stats: bool = True, name: str | None = None
) -> Any:
    """The Kullback-Leibler divergence of ``distribution_a`` from ``distribution_b``.

    Raises NotImplementedError for classes that no divergence is registered for.
    """
    for a, b, function in reversed(_KL):
        if isinstance(distribution_a, a) and isinstance(distribution_b, b):
            return function(distribution_a, distribution_b)
    raise NotImplementedError(
        f"No KL(distribution_a || distribution_b) registered for distribution_a type {type(distribution_a).__name__} and "
        f"distribution_b type {type(distribution_b).__name__}{at_line()}"
    )
