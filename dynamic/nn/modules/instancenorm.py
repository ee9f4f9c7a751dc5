"""Instance normalisation as modules."""

from __future__ import annotations

import warnings
from typing import Any

from dynamic.names import lacking
from dynamic.nn.modules.batchnorm import Normed
from dynamic.nn.normalizing import instance_norm


class _InstanceNorm(Normed):
    """Instance normalisation; ``InstanceNorm1d`` says what its arguments are."""

    _spatial: int
    """The number of dimensions after the channels'."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def _check_input_dim(self, input: Any) -> None:
        dims = input._array.ndim
        if dims not in (self._spatial + 1, self._spatial + 2):
            raise ValueError(f"expected {self._spatial + 1}D or {self._spatial + 2}D input (got {dims}D input)")

    def forward(self, input: Any) -> Any:
        """``input`` normalised: by its own means and variances, or by running ones, if kept, out of training."""
        self._check_input_dim(input)
        dims = input._array.ndim
        channels = input._array.shape[dims - self._spatial - 1]
        if channels != self.num_features:
            message = f"an input of {channels} channels, where num_features is {self.num_features}"
            if self.affine:
                raise ValueError(message)
            warnings.warn(f"{message}: that is not used, since affine=False", stacklevel=3)
        own = self.training or not self.track_running_stats
        if dims == self._spatial + 1:
            return self._normalized(input.unsqueeze(0), own).squeeze(0)
        return self._normalized(input, own)

    def _normalized(self, input: Any, own: bool) -> Any:
        momentum = 0.0 if self.momentum is None else self.momentum
        return instance_norm(input, self.running_mean, self.running_var, self.weight, self.bias, own, momentum, self.eps)


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (N, C, L) or (C, L) (Ulyanov, Vedaldi and Lempitsky 2016).

    Args:
        num_features: the number of channels.
        eps: what is added to the variance.
        momentum: how far running statistics move towards a batch's.
        affine: whether there is a weight and a bias for each channel.
        track_running_stats: keep running statistics, for use out of training.
        device, dtype: of parameters and buffers.
        bias: whether there is a bias, where ``affine``.
    """

    _spatial = 1


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of (N, C, H, W) or (C, H, W), with the arguments of ``InstanceNorm1d``."""

    _spatial = 2


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of (N, C, D, H, W) or (C, D, H, W), with the arguments of ``InstanceNorm1d``."""

    _spatial = 3


__getattr__ = lacking(__name__)
