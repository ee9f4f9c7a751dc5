"""The classes of results with names (PyTorch's ``torch.return_types``): ``max(x, 0)`` has ``values`` and ``indices``."""

from __future__ import annotations

from dynamic.functions import factors, ordering, reductions
from dynamic.names import lacking


for _module in (factors, ordering, reductions):
    globals().update(getattr(_module, "RESULTS", {}))
del _module

__getattr__ = lacking(__name__)
