"""Layers over sequences, (N, T, C): steps come before channels."""

from __future__ import annotations

import math
from typing import Any

from dynamic.legacy.nn.module import Module
from dynamic.legacy.nn.simple import Weighted
from dynamic.legacy.nn.spatial import Convolution
from dynamic.names import lacking
from dynamic.nn import functional


class TemporalConvolution(Convolution):
    """The convolution of (N, T, inputFrameSize); ``weight`` is (outputFrameSize, kW * inputFrameSize), step after step."""

    def __init__(self, inputFrameSize: int, outputFrameSize: int, kW: int, dW: int = 1) -> None:
        super().__init__()
        self.inputFrameSize, self.outputFrameSize, self.kW, self.dW = inputFrameSize, outputFrameSize, kW, dW
        self._make((outputFrameSize, inputFrameSize * kW), outputFrameSize)
        self.reset()

    def _bound(self) -> float:
        return 1 / math.sqrt(self.kW * self.inputFrameSize)

    def _compute(self, x: Any, weight: Any, bias: Any) -> Any:
        taps = weight.reshape(self.outputFrameSize, self.kW, self.inputFrameSize).transpose(1, 2)
        return functional.conv1d(x.transpose(-1, -2), taps, bias, self.dW).transpose(-1, -2)

    def __repr__(self) -> str:
        return f"nn.TemporalConvolution({self.inputFrameSize} -> {self.outputFrameSize}, {self.kW})"


class TemporalMaxPooling(Module):
    """The maxima of windows of steps of (N, T, C)."""

    _names = ()

    def __init__(self, kW: int, dW: int | None = None) -> None:
        super().__init__()
        self.kW, self.dW = kW, dW or kW

    def _compute(self, x: Any) -> Any:
        return functional.max_pool1d(x.transpose(-1, -2), self.kW, self.dW).transpose(-1, -2)


class TemporalSubSampling(Weighted):
    """The sums of windows of steps of (N, T, C), times a learned number for each channel, plus another."""

    def __init__(self, inputFrameSize: int, kW: int, dW: int = 1) -> None:
        super().__init__()
        self.inputFrameSize, self.kW, self.dW = inputFrameSize, kW, dW
        self._make((inputFrameSize,), inputFrameSize)
        self.reset()

    def _bound(self) -> float:
        return 1 / math.sqrt(self.kW)

    def _compute(self, x: Any, weight: Any, bias: Any) -> Any:
        total = functional.avg_pool1d(x.transpose(-1, -2), self.kW, self.dW) * self.kW
        return total.transpose(-1, -2) * weight + bias


__getattr__ = lacking(__name__)
