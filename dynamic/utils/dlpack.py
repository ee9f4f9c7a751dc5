"""Memory handed over to and taken from other libraries (PyTorch's ``torch.utils.dlpack``)."""

from __future__ import annotations

from typing import Any

from dynamic.functions.given import from_dlpack as from_dlpack
from dynamic.names import lacking


def to_dlpack(tensor: Any) -> Any:
    """A capsule by which another library takes over the tensor's memory."""
    return tensor.__dlpack__()


__getattr__ = lacking(__name__)
