"""Layers over volumes, (N, C, T, H, W): convolutions, pools, borders."""

from __future__ import annotations

from typing import Any

from dynamic.legacy.nn.module import Module
from dynamic.legacy.nn.spatial import Convolution, Pool
from dynamic.names import lacking
from dynamic.nn import functional


class VolumetricConvolution(Convolution):
    """The convolution of (N, nInputPlane, T, H, W); ``weight`` is (nOutputPlane, nInputPlane, kT, kH, kW)."""

    def __init__(
        self,
        nInputPlane: int,
        nOutputPlane: int,
        kT: int,
        kW: int,
        kH: int,
        dT: int = 1,
        dW: int = 1,
        dH: int = 1,
        padT: int = 0,
        padW: int | None = None,
        padH: int | None = None,
    ) -> None:
        super().__init__()
        self.nInputPlane, self.nOutputPlane = nInputPlane, nOutputPlane
        self._stride = dT, dH, dW
        self._padding = padT, padT if padH is None else padH, padT if padW is None else padW
        self._make((nOutputPlane, nInputPlane, kT, kH, kW), nOutputPlane)
        self.reset()

    def _compute(self, x: Any, weight: Any, bias: Any) -> Any:
        return functional.conv3d(x, weight, bias, self._stride, self._padding)


class VolumetricFullConvolution(Convolution):
    """The transposed convolution; ``weight`` is (nInputPlane, nOutputPlane, kT, kH, kW)."""

    def __init__(
        self,
        nInputPlane: int,
        nOutputPlane: int,
        kT: int,
        kW: int,
        kH: int,
        dT: int = 1,
        dW: int = 1,
        dH: int = 1,
        padT: int = 0,
        padW: int = 0,
        padH: int = 0,
        adjT: int = 0,
        adjW: int = 0,
        adjH: int = 0,
    ) -> None:
        super().__init__()
        self.nInputPlane, self.nOutputPlane = nInputPlane, nOutputPlane
        self._stride, self._padding, self._more = (dT, dH, dW), (padT, padH, padW), (adjT, adjH, adjW)
        self._make((nInputPlane, nOutputPlane, kT, kH, kW), nOutputPlane)
        self.reset()

    def _compute(self, x: Any, weight: Any, bias: Any) -> Any:
        return functional.conv_transpose3d(x, weight, bias, self._stride, self._padding, self._more)


class VolumetricMaxPooling(Pool):
    """The maximum of each window of (N, C, T, H, W); where they are stays in ``indices``."""

    def __init__(
        self,
        kT: int,
        kW: int,
        kH: int,
        dT: int | None = None,
        dW: int | None = None,
        dH: int | None = None,
        padT: int = 0,
        padW: int = 0,
        padH: int = 0,
    ) -> None:
        super().__init__()
        self._window, self._stride = (kT, kH, kW), (dT or kT, dH or kH, dW or kW)
        self._padding = padT, padH, padW
        self.indices: Any = None

    def _compute(self, x: Any) -> Any:
        how = (self._window, self._stride, self._padding, 1, self.ceil_mode)
        out, self.indices = functional.max_pool3d(x, *how, return_indices=True)
        return out


class VolumetricMaxUnpooling(Module):
    """Zeros with the input where a ``VolumetricMaxPooling`` layer had its maxima last."""

    _names = ()

    def __init__(self, poolingModule: Any) -> None:
        super().__init__()
        self.pooling = poolingModule

    def _compute(self, x: Any) -> Any:
        pool = self.pooling
        how = (pool._window, pool._stride, pool._padding)
        return functional.max_unpool3d(x, pool.indices, *how, output_size=pool._record.given.shape[-3:])


class VolumetricAveragePooling(Pool):
    """The mean of each window of (N, C, T, H, W)."""

    def __init__(
        self,
        kT: int,
        kW: int,
        kH: int,
        dT: int | None = None,
        dW: int | None = None,
        dH: int | None = None,
        padT: int = 0,
        padW: int = 0,
        padH: int = 0,
    ) -> None:
        super().__init__()
        self._window, self._stride = (kT, kH, kW), (dT or kT, dH or kH, dW or kW)
        self._padding = padT, padH, padW

    def _compute(self, x: Any) -> Any:
        return functional.avg_pool3d(x, self._window, self._stride, self._padding, self.ceil_mode)


class VolumetricReplicationPadding(Module):
    """The edge repeated around the last three dimensions."""

    _names = ()

    def __init__(self, pleft: int, pright: int, ptop: int, pbottom: int, pfront: int, pback: int) -> None:
        super().__init__()
        self._padding = pleft, pright, ptop, pbottom, pfront, pback

    def _compute(self, x: Any) -> Any:
        return functional.pad(x, self._padding, "replicate")


__getattr__ = lacking(__name__)
