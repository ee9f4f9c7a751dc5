"""Apple's GPUs, which tensors cannot live on here (PyTorch's ``torch.mps``)."""

from __future__ import annotations

from dynamic.names import lacking


def is_available() -> bool:
    """False: there is no such backend."""
    return False


def device_count() -> int:
    """0: there is no such backend."""
    return 0


__getattr__ = lacking(__name__)
