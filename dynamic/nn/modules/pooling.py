"""Pools as modules: maxima, means, norms, of given sizes, at random places, and back from maxima."""

from __future__ import annotations

from typing import Any, ClassVar

from dynamic.names import lacking
from dynamic.nn import adaptive, pooling
from dynamic.nn.modules.conv import each
from dynamic.nn.modules.module import Module
from graphs.core.errors import at_line


class _Pool(Module):
    """A module of settings whose ``forward`` calls the function of ``nn.functional`` of the same name with them."""

    _count: ClassVar[int]
    _shown: ClassVar[tuple[str, ...]]

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{name}={getattr(self, name)}" for name in self._shown)


# Maxima


class _MaxPoolNd(_Pool):
    _shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Any) -> Any:
        """The maxima, and where they are with ``return_indices``."""
        pool = getattr(pooling, f"max_pool{self._count}d")
        how = (self.kernel_size, self.stride, self.padding, self.dilation)
        return pool(input, *how, ceil_mode=self.ceil_mode, return_indices=self.return_indices)


class MaxPool1d(_MaxPoolNd):
    """``max_pool1d`` of (N, C, L) or (C, L); arguments as for ``functional.max_pool2d``."""

    _count = 1


class MaxPool2d(_MaxPoolNd):
    """``max_pool2d`` of (N, C, H, W) or (C, H, W); arguments as for ``functional.max_pool2d``."""

    _count = 2


class MaxPool3d(_MaxPoolNd):
    """``max_pool3d`` of (N, C, D, H, W) or (C, D, H, W); arguments as for ``functional.max_pool2d``."""

    _count = 3


class _MaxUnpoolNd(_Pool):
    _shown = ("kernel_size", "stride", "padding")

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        self.kernel_size = each(kernel_size, self._count)
        self.stride = self.kernel_size if stride is None else each(stride, self._count)
        self.padding = each(padding, self._count)

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """Zeros with ``input`` at ``indices``."""
        unpool = getattr(adaptive, f"max_unpool{self._count}d")
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(_MaxUnpoolNd):
    """``max_unpool1d``: the way back from ``MaxPool1d`` with ``return_indices``."""

    _count = 1


class MaxUnpool2d(_MaxUnpoolNd):
    """``max_unpool2d``: the way back from ``MaxPool2d`` with ``return_indices``."""

    _count = 2


class MaxUnpool3d(_MaxUnpoolNd):
    """``max_unpool3d``: the way back from ``MaxPool3d`` with ``return_indices``."""

    _count = 3


class _AdaptiveNd(_Pool):
    _shown = ("output_size",)
    _kind: ClassVar[str]

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Any) -> Any:
        """What each region comes to, and where that is with ``return_indices``."""
        pool = getattr(adaptive, f"adaptive_{self._kind}_pool{self._count}d")
        return pool(input, self.output_size, True) if self.return_indices else pool(input, self.output_size)


class AdaptiveMaxPool1d(_AdaptiveNd):
    """``adaptive_max_pool1d``: maxima of ``output_size`` regions of (N, C, L) or (C, L)."""

    _count, _kind = 1, "max"


class AdaptiveMaxPool2d(_AdaptiveNd):
    """``adaptive_max_pool2d``: maxima of regions of (N, C, H, W) or (C, H, W); in ``output_size`` None keeps a size."""

    _count, _kind = 2, "max"


class AdaptiveMaxPool3d(_AdaptiveNd):
    """``adaptive_max_pool3d``: maxima of regions of (N, C, D, H, W) or (C, D, H, W)."""

    _count, _kind = 3, "max"


class _FractionalNd(_Pool):
    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> None:
        super().__init__()
        if (output_size is None) == (output_ratio is None):
            raise ValueError(f"{type(self).__name__}: either output_size or output_ratio is to be given{at_line()}")
        self.kernel_size, self.return_indices = each(kernel_size, self._count), return_indices
        self.output_size = None if output_size is None else each(output_size, self._count)
        self.output_ratio = None if output_ratio is None else each(output_ratio, self._count)
        self.register_buffer("_random_samples", _random_samples)
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ValueError(f"{type(self).__name__}: output_ratio is between 0 and 1, not {output_ratio}{at_line()}")

    def forward(self, input: Any) -> Any:
        """The maxima, and where they are with ``return_indices``."""
        pool = getattr(adaptive, f"fractional_max_pool{self._count}d")
        how = (self.kernel_size, self.output_size, self.output_ratio)
        return pool(input, *how, self.return_indices, self._random_samples)

    def extra_repr(self) -> str:
        """Nothing, as in PyTorch."""
        return ""


class FractionalMaxPool2d(_FractionalNd):
    """``fractional_max_pool2d`` of (N, C, H, W) or (C, H, W). Raises ValueError unless one of size and ratio is given."""

    _count = 2


class FractionalMaxPool3d(_FractionalNd):
    """``fractional_max_pool3d`` of (N, C, D, H, W) or (C, D, H, W). Raises ValueError unless size or ratio is given."""

    _count = 3


# Means and norms


class AvgPool1d(_Pool):
    """``avg_pool1d`` of (N, C, L) or (C, L); arguments as for ``functional.avg_pool2d``."""

    _count, _shown = 1, ("kernel_size", "stride", "padding")

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size, self.padding = each(kernel_size, 1), each(padding, 1)
        self.stride = self.kernel_size if stride is None else each(stride, 1)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Any) -> Any:
        """The means."""
        how = (self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
        return pooling.avg_pool1d(input, *how)


class _AvgPoolNd(_Pool):
    _shown = ("kernel_size", "stride", "padding")

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Any) -> Any:
        """The means."""
        pool = getattr(pooling, f"avg_pool{self._count}d")
        how = (self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
        return pool(input, *how, self.divisor_override)


class AvgPool2d(_AvgPoolNd):
    """``avg_pool2d`` of (N, C, H, W) or (C, H, W); arguments as for ``functional.avg_pool2d``."""

    _count = 2


class AvgPool3d(_AvgPoolNd):
    """``avg_pool3d`` of (N, C, D, H, W) or (C, D, H, W); arguments as for ``functional.avg_pool2d``."""

    _count = 3


class _LPPoolNd(_Pool):
    _shown = ("norm_type", "kernel_size", "stride", "ceil_mode")

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: Any) -> Any:
        """The norms."""
        pool = getattr(pooling, f"lp_pool{self._count}d")
        return pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool1d(_LPPoolNd):
    """``lp_pool1d`` of (N, C, L) or (C, L)."""

    _count = 1


class LPPool2d(_LPPoolNd):
    """``lp_pool2d`` of (N, C, H, W) or (C, H, W)."""

    _count = 2


class LPPool3d(_LPPoolNd):
    """``lp_pool3d`` of (N, C, D, H, W) or (C, D, H, W)."""

    _count = 3


class _AdaptiveAvgNd(_AdaptiveNd):
    _kind = "avg"

    def __init__(self, output_size: Any) -> None:
        super().__init__(output_size)


class AdaptiveAvgPool1d(_AdaptiveAvgNd):
    """``adaptive_avg_pool1d``: means of ``output_size`` regions of (N, C, L) or (C, L)."""

    _count = 1


class AdaptiveAvgPool2d(_AdaptiveAvgNd):
    """``adaptive_avg_pool2d``: means of regions of (N, C, H, W) or (C, H, W); in ``output_size`` None keeps a size."""

    _count = 2


class AdaptiveAvgPool3d(_AdaptiveAvgNd):
    """``adaptive_avg_pool3d``: means of regions of (N, C, D, H, W) or (C, D, H, W)."""

    _count = 3


__getattr__ = lacking(__name__)
