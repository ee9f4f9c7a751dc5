"""Borders as modules."""

from __future__ import annotations

from typing import Any, ClassVar

from dynamic.names import lacking
from dynamic.nn.modules.conv import each
from dynamic.nn.modules.module import Module
from dynamic.nn.padding import pad


class _PadNd(Module):
    """A border around the last dimensions: one integer for all sides, or (before, after) from the last dimension on."""

    _count: ClassVar[int]
    _mode: ClassVar[str]
    value: float | None = None

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = each(padding, 2 * self._count)

    def forward(self, input: Any) -> Any:
        """``input`` with its border."""
        return pad(input, self.padding, self._mode, self.value)

    def extra_repr(self) -> str:
        """The border."""
        return f"{self.padding}"


class _ConstantPadNd(_PadNd):
    _mode = "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        """The border and its value."""
        return f"padding={self.padding}, value={self.value}"


class _ZeroPadNd(_PadNd):
    _mode, value = "constant", 0.0


class _ReflectionPadNd(_PadNd):
    _mode = "reflect"


class _ReplicationPadNd(_PadNd):
    _mode = "replicate"


class _CircularPadNd(_PadNd):
    _mode = "circular"


class ConstantPad1d(_ConstantPadNd):
    """A border of one value, around the last dimension of (N, C, L) or (C, L)."""

    _count = 1


class ConstantPad2d(_ConstantPadNd):
    """A border of one value, around the last two dimensions of (N, C, H, W) or (C, H, W)."""

    _count = 2


class ConstantPad3d(_ConstantPadNd):
    """A border of one value, around the last three dimensions of (N, C, D, H, W) or (C, D, H, W)."""

    _count = 3


class ZeroPad1d(_ZeroPadNd):
    """A border of zeros, around the last dimension of (N, C, L) or (C, L)."""

    _count = 1


class ZeroPad2d(_ZeroPadNd):
    """A border of zeros, around the last two dimensions of (N, C, H, W) or (C, H, W)."""

    _count = 2


class ZeroPad3d(_ZeroPadNd):
    """A border of zeros, around the last three dimensions of (N, C, D, H, W) or (C, D, H, W)."""

    _count = 3


class ReflectionPad1d(_ReflectionPadNd):
    """A border that mirrors the inside, around the last dimension of (N, C, L) or (C, L)."""

    _count = 1


class ReflectionPad2d(_ReflectionPadNd):
    """A border that mirrors the inside, around the last two dimensions of (N, C, H, W) or (C, H, W)."""

    _count = 2


class ReflectionPad3d(_ReflectionPadNd):
    """A border that mirrors the inside, around the last three dimensions of (N, C, D, H, W) or (C, D, H, W)."""

    _count = 3


class ReplicationPad1d(_ReplicationPadNd):
    """A border that repeats the edge, around the last dimension of (N, C, L) or (C, L)."""

    _count = 1


class ReplicationPad2d(_ReplicationPadNd):
    """A border that repeats the edge, around the last two dimensions of (N, C, H, W) or (C, H, W)."""

    _count = 2


class ReplicationPad3d(_ReplicationPadNd):
    """A border that repeats the edge, around the last three dimensions of (N, C, D, H, W) or (C, D, H, W)."""

    _count = 3


class CircularPad1d(_CircularPadNd):
    """A border that wraps around, around the last dimension of (N, C, L) or (C, L)."""

    _count = 1


class CircularPad2d(_CircularPadNd):
    """A border that wraps around, around the last two dimensions of (N, C, H, W) or (C, H, W)."""

    _count = 2


class CircularPad3d(_CircularPadNd):
    """A border that wraps around, around the last three dimensions of (N, C, D, H, W) or (C, D, H, W)."""

    _count = 3


__getattr__ = lacking(__name__)
