"""Windows of images as columns, and back, as modules."""

from __future__ import annotations

from typing import Any

from dynamic.names import lacking
from dynamic.nn import folding
from dynamic.nn.modules.module import Module


class Fold(Module):
    """``functional.fold``: columns (N, C kH kW, L) added up as windows of images of ``output_size``."""

    def __init__(self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        super().__init__()
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, input: Any) -> Any:
        """The images."""
        how = (self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)
        return folding.fold(input, *how)

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, "
            f"dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
        )


class Unfold(Module):
    """``functional.unfold``: the windows of images as columns (N, C kH kW, L)."""

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        super().__init__()
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Any) -> Any:
        """The columns."""
        return folding.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """The settings."""
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


__getattr__ = lacking(__name__)
