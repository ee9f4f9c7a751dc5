"""The GPU, if there is one, whatever it is called (PyTorch's ``torch.accelerator``)."""

from __future__ import annotations

from typing import Any

from dynamic import cuda
from dynamic.devices import DeviceError, available, device
from dynamic.names import lacking
from graphs.core.errors import at_line


def is_available() -> bool:
    """Whether tensors can live on a GPU: cupy is installed and finds one."""
    return available()


def device_count() -> int:
    """How many GPUs there are."""
    return cuda.device_count()


def current_accelerator(check_available: bool = False) -> device | None:
    """The kind of the GPU, None where there is none."""
    return device("cuda") if available() else None


def _need() -> None:
    if not available():
        raise DeviceError(f"cannot access accelerator device when none is available{at_line()}")


def current_device_index() -> int:
    """The number of the GPU that is used now. Raises RuntimeError where there is none."""
    _need()
    return cuda.current_device()


current_device_idx = current_device_index


def set_device_index(device: Any) -> None:
    """Use another GPU from now on. Raises RuntimeError where there is none."""
    _need()
    cuda.set_device(device)


def synchronize(device: Any = None) -> None:
    """Wait until the GPU has done its work. Raises RuntimeError where there is none."""
    _need()
    cuda.synchronize(device)


__getattr__ = lacking(__name__)
