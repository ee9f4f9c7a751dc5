"""Memory handed over to and taken from other libraries (PyTorch's ``torch.utils.dlpack``)."""

from __future__ import annotations

from dynamic.functions.given import from_dlpack as from_dlpack
from dynamic.names import lacking
from dynamic.settings import to_dlpack as to_dlpack


__getattr__ = lacking(__name__)
