"""Normalization over batches, across channels, and over places around."""

from __future__ import annotations

from typing import Any, ClassVar

from dynamic.functions.creation import ones, ones_like
from dynamic.legacy.nn.containers import Sequential
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


# Over places around


class SpatialSubtractiveNormalization(Module):
    """Each pixel less the weighted mean of the pixels around it, over all channels; ``kernel`` has the weights.

    The kernel, by default 9 by 9 ones, has odd sizes; one of one dimension stands for its product with itself. At the border
    the mean is of what lies inside.
    """

    _names = ()

    def __init__(self, nInputPlane: int = 1, kernel: Any = None) -> None:
        super().__init__()
        self.nInputPlane = nInputPlane
        given = ones(9, 9) if kernel is None else kernel
        square = given.unsqueeze(1) * given if given.dim() == 1 else given
        if square.dim() != 2 or any(n % 2 == 0 for n in square.shape):
            raise ShapeError(f"{type(self).__name__}: a kernel of odd sizes is wanted, not {tuple(given.shape)}{at_line()}")
        self.kernel = square

    def _mean(self, x: Any) -> tuple[Any, Any]:
        """The weighted sum around each pixel of the mean of all channels, and how much of the weights lies inside."""
        middle = tuple(n // 2 for n in self.kernel.shape)
        kernel = (self.kernel / self.kernel.sum()).reshape(1, 1, *self.kernel.shape)
        inside = functional.conv2d(ones_like(x.detach())[:, :1], kernel, padding=middle)
        return functional.conv2d(x.mean(1, True), kernel, padding=middle), inside

    def _normalized(self, x: Any) -> Any:
        mean, inside = self._mean(x)
        return x - mean / inside

    def _compute(self, x: Any) -> Any:
        return self._normalized(x) if x.dim() == 4 else self._normalized(x.unsqueeze(0)).squeeze(0)


class SpatialDivisiveNormalization(SpatialSubtractiveNormalization):
    """Each pixel over the root of the weighted mean square around; over ``thresval`` where that is up to ``threshold``."""

    def __init__(
        self, nInputPlane: int = 1, kernel: Any = None, threshold: float = 1e-4, thresval: float | None = None
    ) -> None:
        super().__init__(nInputPlane, kernel)
        self.threshold, self.thresval = threshold, thresval or threshold

    def _normalized(self, x: Any) -> Any:
        mean, inside = self._mean(x.pow(2))
        return x / functional.threshold(mean.sqrt() / inside, self.threshold, self.thresval)


class SpatialContrastiveNormalization(Sequential):
    """``SpatialSubtractiveNormalization``, then ``SpatialDivisiveNormalization`` (Jarrett et al. 2009)."""

    def __init__(
        self, nInputPlane: int = 1, kernel: Any = None, threshold: float = 1e-4, thresval: float | None = None
    ) -> None:
        super().__init__()
        self.add(SpatialSubtractiveNormalization(nInputPlane, kernel))
        self.add(SpatialDivisiveNormalization(nInputPlane, kernel, threshold, thresval))


__getattr__ = lacking(__name__)
