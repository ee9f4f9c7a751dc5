"""Images in another size, as modules."""

from __future__ import annotations

from typing import Any

from dynamic.names import lacking
from dynamic.nn import resizing
from dynamic.nn.modules.module import Module


class Upsample(Module):
    """``functional.interpolate`` with settings that are kept; either ``size`` or ``scale_factor`` is given."""

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size, self.mode, self.align_corners = size, mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor
        several = isinstance(scale_factor, tuple)
        self.scale_factor = tuple(map(float, scale_factor)) if several else scale_factor and float(scale_factor)

    def forward(self, input: Any) -> Any:
        """``input`` in the other size."""
        how = (self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor)
        return resizing.interpolate(input, *how)

    def extra_repr(self) -> str:
        """The size or scale, and the mode."""
        size = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{size}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """The nearest pixels; ``Upsample`` does the same."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Between four pixels, the corners staying in place; ``Upsample`` with ``align_corners`` does the same."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


__getattr__ = lacking(__name__)
