"""Normalisation of layers and groups, by root mean squares and by neighbouring channels, as modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from dynamic.apply import wrap
from dynamic.elsewhere import beside
from dynamic.functions.creation import empty
from dynamic.names import lacking
from dynamic.nn import init
from dynamic.nn.modules.module import Module
from dynamic.nn.normalizing import group_norm, layer_norm, local_response_norm, rms_norm
from dynamic.nn.parameter import Parameter


class _Affine(Module):
    """What may have a weight, that begins with ones, and a bias, that begins with zeros."""

    def _register(self, shape: Sequence[int], weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        for name, wanted in (("weight", weight), ("bias", bias)):
            parameter = Parameter(empty(*shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, parameter)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weights to 1 and biases to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


def _shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


class LayerNorm(_Affine):
    """The last dimensions with mean 0 and variance 1, times weight plus bias (Ba, Kiros and Hinton 2016).

    Args:
        normalized_shape: the sizes of these dimensions, or the last one's.
        eps: what is added to the variance.
        elementwise_affine: whether there is a weight for each element of them.
        bias: whether there is a bias too.
        device, dtype: of the parameters.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape, self.eps, self.elementwise_affine = _shape(normalized_shape), eps, elementwise_affine
        self._register(self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype)

    def forward(self, input: Any) -> Any:
        """``layer_norm(input, normalized_shape)``."""
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Shape and settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """The input over the root of the mean square of its last dimensions, times a weight (Zhang and Sennrich 2019).

    Args:
        normalized_shape: the sizes of these dimensions, or the last one's.
        eps: what is added to the mean square; the dtype's precision where it is not given.
        elementwise_affine: whether there is a weight.
        device, dtype: of the weight.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape, self.eps, self.elementwise_affine = _shape(normalized_shape), eps, elementwise_affine
        weight = Parameter(empty(*self.normalized_shape, device=device, dtype=dtype)) if elementwise_affine else None
        self.register_parameter("weight", weight)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weights to 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Any) -> Any:
        """``rms_norm(input, normalized_shape)``."""
        return rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Shape and settings."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Affine):
    """Each group of channels of each example with mean 0 and variance 1, times weight plus bias (Wu and He 2018).

    Args:
        num_groups: how many groups the channels make.
        num_channels: the number of channels.
        eps: what is added to the variance.
        affine: whether there is a weight for each channel.
        device, dtype: of the parameters.
        bias: whether there is a bias too.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._register((num_channels,), affine, affine and bias, device, dtype)

    def forward(self, input: Any) -> Any:
        """``group_norm(input, num_groups)``."""
        return group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Numbers and settings."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={self.bias is not None}"


class LocalResponseNorm(Module):
    """Each element over a power of the mean square of ``size`` channels around it (Krizhevsky et al. 2012)."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Any) -> Any:
        """``local_response_norm(input, size, alpha, beta, k)``."""
        return local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """All settings."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(Module):
    """Normalisation across channels of (N, C, H, W), with the sums of Torch 7, which PyTorch has kept.

    They are taken along the channels by adding one square and taking away another, and the first channel's is never taken
    away: from channel ``size // 2 + 1`` on it still counts. ``LocalResponseNorm`` is the one of the paper (Krizhevsky et al.
    2012). PyTorch's gradients are not those of its values; here they are.

    Args:
        size: over how many channels a sum runs.
        alpha, beta, k: each element is divided by ``(k + alpha / size * sum of squares) ** beta``.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Any) -> Any:
        """``input`` normalised. Raises ValueError where it has no four dimensions."""
        if input.dim() != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead.")
        channels, half = input.shape[1], int((self.size - 1) / 2 + 1)
        row, column = numpy.indices((channels, channels))
        counted = (abs(row - column) < half) | ((column == 0) & (row >= half))
        weights = wrap(beside(counted.astype(input._array.dtype), input._array))
        sums = (weights @ (input**2).flatten(2)).reshape(input.shape)
        return input / (self.k + self.alpha / self.size * sums) ** self.beta

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


__getattr__ = lacking(__name__)
