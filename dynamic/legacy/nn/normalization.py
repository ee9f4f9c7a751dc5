"""Batch normalization, and across channels."""

from __future__ import annotations

from typing import Any, ClassVar

from dynamic.functions.creation import ones
from dynamic.legacy.nn.module import Module
from dynamic.legacy.nn.simple import Weighted
from dynamic.names import lacking
from dynamic.nn import functional, init
from graphs.core.errors import ShapeError, at_line


class BatchNormalization(Weighted):
    """Each of ``nOutput`` features brought to mean 0 and variance 1 over the batch (Ioffe and Szegedy 2015).

    In training by the batch's mean and variance, of which ``running_mean`` and ``running_var`` take ``momentum``; in use by
    these. With ``affine``, times ``weight``, plus ``bias``.
    """

    nDim: ClassVar[int] = 2

    def __init__(self, nOutput: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True) -> None:
        super().__init__()
        self.affine, self.eps, self.momentum = affine, eps, momentum
        self.running_mean = self._new(nOutput)
        self.running_var = ones(nOutput)
        if affine:
            self._make((nOutput,), nOutput)
            self.reset()
        else:
            self.weight = self.bias = self.gradWeight = self.gradBias = None

    def reset(self, stdv: float | None = None) -> Any:
        """Draw ``weight`` anew between 0 and 1; set ``bias`` to zero, and begin anew with means and variances."""
        if self.weight is not None:
            init.uniform_(self.weight)
        if self.bias is not None:
            self.bias.zero_()
        self.running_mean.zero_()
        self.running_var.fill_(1)
        return self

    def _compute(self, x: Any, weight: Any, bias: Any) -> Any:
        if x.dim() != self.nDim:
            raise ShapeError(f"{type(self).__name__} takes {self.nDim} dimensions, not {x.dim()}{at_line()}")
        running = (self.running_mean, self.running_var)
        return functional.batch_norm(x, *running, weight, bias, self.train, self.momentum, self.eps)

    def __repr__(self) -> str:
        return f"nn.{type(self).__name__}({self.running_mean.size(0)})"


class SpatialBatchNormalization(BatchNormalization):
    """``BatchNormalization`` of the channels of images, (N, C, H, W)."""

    nDim = 4


class VolumetricBatchNormalization(BatchNormalization):
    """``BatchNormalization`` of the channels of volumes, (N, C, T, H, W)."""

    nDim = 5


class SpatialCrossMapLRN(Module):
    """Each element divided by ``(k + alpha * mean of squares of size channels around) ** beta`` (Krizhevsky et al. 2012)."""

    _names = ()

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def _compute(self, x: Any) -> Any:
        return functional.local_response_norm(x, self.size, self.alpha, self.beta, self.k)


__getattr__ = lacking(__name__)
