"""Layers over images: convolutions, pools, borders, other sizes.

Settings go by Lua Torch's names: widths before heights (``kW``, ``kH``), strides ``dW`` and ``dH``, zeros around ``padW``.
"""

from __future__ import annotations

import math
from typing import Any

from dynamic.legacy.nn.module import Module
from dynamic.legacy.nn.simple import Weighted
from dynamic.names import lacking
from dynamic.nn import functional


class Convolution(Weighted):
    """Parameters of a convolution, drawn up to ``1 / sqrt(kernel elements * input planes)`` either way."""

    nInputPlane: int
    nOutputPlane: int

    def _bound(self) -> float:
        return 1 / math.sqrt(self.nInputPlane * math.prod(self.weight.shape[2:]))

    def __repr__(self) -> str:
        kernel = "x".join(map(str, reversed(self.weight.shape[2:])))
        return f"nn.{type(self).__name__}({self.nInputPlane} -> {self.nOutputPlane}, {kernel})"


# Images


class SpatialConvolution(Convolution):
    """The convolution of (N, nInputPlane, H, W); ``weight`` is (nOutputPlane, nInputPlane, kH, kW)."""

    _dilation = 1, 1

    def __init__(
        self,
        nInputPlane: int,
        nOutputPlane: int,
        kW: int,
        kH: int,
        dW: int = 1,
        dH: int = 1,
        padW: int = 0,
        padH: int | None = None,
    ) -> None:
        super().__init__()
        self.nInputPlane, self.nOutputPlane = nInputPlane, nOutputPlane
        self.kW, self.kH, self.dW, self.dH = kW, kH, dW, dH
        self.padW, self.padH = padW, padW if padH is None else padH
        self._make((nOutputPlane, nInputPlane, kH, kW), nOutputPlane)
        self.reset()

    def _compute(self, x: Any, weight: Any, bias: Any) -> Any:
        return functional.conv2d(x, weight, bias, (self.dH, self.dW), (self.padH, self.padW), self._dilation)


class SpatialDilatedConvolution(SpatialConvolution):
    """``SpatialConvolution`` with the elements of a window ``dilationH`` and ``dilationW`` apart."""

    def __init__(
        self,
        nInputPlane: int,
        nOutputPlane: int,
        kW: int,
        kH: int,
        dW: int = 1,
        dH: int = 1,
        padW: int = 0,
        padH: int | None = None,
        dilationH: int = 1,
        dilationW: int | None = None,
    ) -> None:
        super().__init__(nInputPlane, nOutputPlane, kW, kH, dW, dH, padW, padH)
        self._dilation = dilationH, dilationH if dilationW is None else dilationW


class SpatialFullConvolution(Convolution):
    """The transposed convolution; ``weight`` is (nInputPlane, nOutputPlane, kH, kW), ``adj`` is added to the least size."""

    def __init__(
        self,
        nInputPlane: int,
        nOutputPlane: int,
        kW: int,
        kH: int,
        dW: int = 1,
        dH: int = 1,
        padW: int = 0,
        padH: int | None = None,
        adjW: int = 0,
        adjH: int = 0,
    ) -> None:
        super().__init__()
        self.nInputPlane, self.nOutputPlane = nInputPlane, nOutputPlane
        self.kW, self.kH, self.dW, self.dH = kW, kH, dW, dH
        self.padW, self.padH = padW, padW if padH is None else padH
        self.adjW, self.adjH = adjW, adjH
        self._make((nInputPlane, nOutputPlane, kH, kW), nOutputPlane)
        self.reset()

    def _compute(self, x: Any, weight: Any, bias: Any) -> Any:
        how = ((self.dH, self.dW), (self.padH, self.padW), (self.adjH, self.adjW))
        return functional.conv_transpose2d(x, weight, bias, *how)


class Pool(Module):
    """A pool whose last windows may reach beyond the input after ``ceil()``, and not after ``floor()``."""

    _names = ()
    ceil_mode = False

    def ceil(self) -> Any:
        """Round sizes up; returns the layer."""
        self.ceil_mode = True
        return self

    def floor(self) -> Any:
        """Round sizes down; returns the layer."""
        self.ceil_mode = False
        return self


class SpatialMaxPooling(Pool):
    """The maximum of each window of (N, C, H, W); where they are stays in ``indices``."""

    def __init__(self, kW: int, kH: int, dW: int | None = None, dH: int | None = None, padW: int = 0, padH: int = 0) -> None:
        super().__init__()
        self.kW, self.kH, self.dW, self.dH = kW, kH, dW or kW, dH or kH
        self.padW, self.padH = padW, padH
        self.indices: Any = None

    def _compute(self, x: Any) -> Any:
        how = ((self.kH, self.kW), (self.dH, self.dW), (self.padH, self.padW), 1, self.ceil_mode)
        out, self.indices = functional.max_pool2d(x, *how, return_indices=True)
        return out


class SpatialMaxUnpooling(Module):
    """Zeros with the input where a ``SpatialMaxPooling`` layer had its maxima last."""

    _names = ()

    def __init__(self, poolingModule: Any) -> None:
        super().__init__()
        self.pooling = poolingModule

    def _compute(self, x: Any) -> Any:
        pool = self.pooling
        how = ((pool.kH, pool.kW), (pool.dH, pool.dW), (pool.padH, pool.padW))
        return functional.max_unpool2d(x, pool.indices, *how, output_size=pool._record.given.shape[-2:])


class SpatialAveragePooling(Pool):
    """The mean of each window of (N, C, H, W), or its sum where ``divide`` is false."""

    def __init__(self, kW: int, kH: int, dW: int = 1, dH: int = 1, padW: int = 0, padH: int = 0) -> None:
        super().__init__()
        self.kW, self.kH, self.dW, self.dH, self.padW, self.padH = kW, kH, dW, dH, padW, padH
        self.count_include_pad, self.divide = True, True

    def setCountIncludePad(self) -> Any:
        """Count zeros around the input; returns the layer."""
        self.count_include_pad = True
        return self

    def setCountExcludePad(self) -> Any:
        """Do not count zeros around the input; returns the layer."""
        self.count_include_pad = False
        return self

    def _compute(self, x: Any) -> Any:
        how = ((self.kH, self.kW), (self.dH, self.dW), (self.padH, self.padW), self.ceil_mode, self.count_include_pad)
        return functional.avg_pool2d(x, *how) if self.divide else functional.avg_pool2d(x, *how, divisor_override=1)


class SpatialSubSampling(Weighted):
    """The sum of each window of (N, C, H, W), times a learned number for each channel, plus another."""

    def __init__(self, nInputPlane: int, kW: int, kH: int, dW: int = 1, dH: int = 1) -> None:
        super().__init__()
        self.nInputPlane, self.kW, self.kH, self.dW, self.dH = nInputPlane, kW, kH, dW, dH
        self._make((nInputPlane,), nInputPlane)
        self.reset()

    def _bound(self) -> float:
        return 1 / math.sqrt(self.kW * self.kH)

    def _compute(self, x: Any, weight: Any, bias: Any) -> Any:
        total = functional.avg_pool2d(x, (self.kH, self.kW), (self.dH, self.dW), divisor_override=1)
        return total * weight.reshape(-1, 1, 1) + bias.reshape(-1, 1, 1)


class SpatialLPPooling(Pool):
    """The ``pnorm``-norm of each window of (N, C, H, W)."""

    def __init__(
        self, nInputPlane: int, pnorm: float, kW: int, kH: int, dW: int | None = None, dH: int | None = None
    ) -> None:
        super().__init__()
        self.pnorm, self.kW, self.kH, self.dW, self.dH = pnorm, kW, kH, dW or kW, dH or kH

    def _compute(self, x: Any) -> Any:
        return functional.lp_pool2d(x, self.pnorm, (self.kH, self.kW), (self.dH, self.dW), self.ceil_mode)


class SpatialAdaptiveMaxPooling(Module):
    """The maxima of ``h`` by ``w`` regions of (N, C, H, W)."""

    _names = ()

    def __init__(self, w: int, h: int) -> None:
        super().__init__()
        self.w, self.h = w, h

    def _compute(self, x: Any) -> Any:
        return functional.adaptive_max_pool2d(x, (self.h, self.w))


class SpatialFractionalMaxPooling(Module):
    """The maxima of windows at random places (Graham 2014).

    The last two settings are the output's width and height, or which parts of the input's they are, between 0 and 1.
    """

    _names = ()

    def __init__(self, poolSizeW: int, poolSizeH: int, arg1: float, arg2: float) -> None:
        super().__init__()
        self.poolSizeW, self.poolSizeH = poolSizeW, poolSizeH
        self._size = (int(arg2), int(arg1)) if arg1 >= 1 else None
        self._ratio = None if arg1 >= 1 else (arg2, arg1)
        self.indices: Any = None

    def _compute(self, x: Any) -> Any:
        how = ((self.poolSizeH, self.poolSizeW), self._size, self._ratio)
        out, self.indices = functional.fractional_max_pool2d(x, *how, return_indices=True)
        return out


class SpatialZeroPadding(Module):
    """Zeros around the last two dimensions; negative numbers crop."""

    _names = ()
    _mode = "constant"

    def __init__(self, pad_l: int, pad_r: int | None = None, pad_t: int | None = None, pad_b: int | None = None) -> None:
        super().__init__()
        self.pad_l = pad_l
        self.pad_r, self.pad_t, self.pad_b = (pad_l if pad is None else pad for pad in (pad_r, pad_t, pad_b))

    def _compute(self, x: Any) -> Any:
        return functional.pad(x, (self.pad_l, self.pad_r, self.pad_t, self.pad_b), self._mode)


class SpatialReflectionPadding(SpatialZeroPadding):
    """The mirror image around the last two dimensions."""

    _mode = "reflect"


class SpatialReplicationPadding(SpatialZeroPadding):
    """The edge repeated around the last two dimensions."""

    _mode = "replicate"


class SpatialUpSamplingNearest(Module):
    """Images ``scale`` times as large, of the nearest pixels."""

    _names = ()

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale_factor = scale

    def _compute(self, x: Any) -> Any:
        return functional.interpolate(x, scale_factor=self.scale_factor)


class SpatialUpSamplingBilinear(SpatialUpSamplingNearest):
    """Images ``scale`` times as large, between four pixels each, the corners staying in place."""

    def _compute(self, x: Any) -> Any:
        return functional.interpolate(x, scale_factor=self.scale_factor, mode="bilinear", align_corners=True)


__getattr__ = lacking(__name__)
