"""Layers that drop elements, or whole channels, in training."""

from __future__ import annotations

from typing import Any

from dynamic.functions.creation import empty, rand
from dynamic.legacy.nn.transfer import Transfer
from dynamic.names import lacking


class Dropout(Transfer):
    """In training each element is zero with probability ``p``, the others scaled by ``1 / (1 - p)``."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.p, self.inplace = p, inplace
        self.noise: Any = self._new()

    def _mask(self, x: Any, keep: float) -> Any:
        return (rand(*x.shape, dtype=x.dtype) < keep).to(x.dtype)

    def _compute(self, x: Any) -> Any:
        if not self.train or self.p == 0:
            return x.clone()
        self.noise = self._mask(x, 1 - self.p) / (1 - self.p)
        return x * self.noise

    def setp(self, p: float) -> None:
        """Drop with another probability."""
        self.p = p

    def __repr__(self) -> str:
        return f"nn.{type(self).__name__}({self.p:.4f})"


class SpatialDropout(Dropout):
    """In training whole channels are zero with probability ``p``; in use all are times ``1 - p`` (Tompson et al. 2015)."""

    def _compute(self, x: Any) -> Any:
        if not self.train:
            return x * (1 - self.p)
        self.noise = self._mask(empty(*x.shape[:2], *(1,) * (x.dim() - 2), dtype=x.dtype), 1 - self.p)
        return x * self.noise


class VolumetricDropout(SpatialDropout):
    """``SpatialDropout`` of volumes."""


__getattr__ = lacking(__name__)
