"""What computes: settings that programs make of PyTorch's backends, and honest answers about which there are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from dynamic.backends import cudnn as cudnn
from dynamic.devices import available
from dynamic.names import lacking


class Backend(SimpleNamespace):
    """A backend that is there or not; settings can be made, and have no effect."""

    def __init__(self, built: Any = False, **settings: Any) -> None:
        super().__init__(**settings)
        self._built = built

    def is_available(self) -> bool:
        """Whether it computes anything here."""
        return bool(self._built() if callable(self._built) else self._built)

    is_built = is_available


cuda = Backend(available, matmul=SimpleNamespace(allow_tf32=False), preferred_linalg_library="default")
mps, mkldnn, mkl, openmp, opt_einsum, nnpack = Backend(), Backend(enabled=False), Backend(), Backend(), Backend(), Backend()
cpu = SimpleNamespace(get_cpu_capability=lambda: "DEFAULT")
quantized = SimpleNamespace(engine="none", supported_engines=["none"])

__getattr__ = lacking(__name__)
