"""Mixed precision under its older name: PyTorch's ``torch.cuda.amp``."""

from __future__ import annotations

from typing import Any

from dynamic import amp
from dynamic.names import lacking


class autocast(amp.autocast):  # noqa: N801 (PyTorch's name)
    """``amp.autocast("cuda")``."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """``amp.GradScaler("cuda")``."""

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)


custom_fwd, custom_bwd = amp.custom_fwd, amp.custom_bwd

__getattr__ = lacking(__name__)
