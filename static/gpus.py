"""Which GPUs there are, for a session and its configuration."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from graphs.core.arrays import is_array, to_numpy
from graphs.core.errors import at_line
from graphs.core.gpus import cupy, found
from static.devices import DeviceAttributes


LOCAL = "/job:localhost/replica:0/task:0/device:"


class Gpus:
    """The GPUs that a session may use: ``/gpu:0`` is the first that its configuration shows.

    Attributes:
        numbers: CUDA's number of each.
        reason: why there is none.

    Raises ValueError for a ``visible_device_list`` that names what there is not.
    """

    def __init__(self, config: Any = None) -> None:
        count, self.reason = found()
        options = None if config is None else config.gpu_options
        self.numbers = list(range(count))
        if options is not None and options.visible_device_list and count:
            self.numbers = _visible(options.visible_device_list, count)
        most = None if config is None else config.device_count.get("GPU")
        if most is not None and most < len(self.numbers):
            self.numbers = self.numbers[:most]
            self.reason = "" if self.numbers else f"the session's configuration has device_count={{'GPU': {most}}}"
        if options is not None and self.numbers:
            self._limit(options.per_process_gpu_memory_fraction)

    def _limit(self, fraction: float) -> None:
        """Let cupy's pool take so much of each GPU's memory; it grows as needed, whatever ``allow_growth`` says."""
        if fraction:
            for number in self.numbers:
                with cupy().cuda.Device(number):
                    cupy().get_default_memory_pool().set_limit(fraction=min(1.0, fraction))

    def names(self) -> list[str]:
        """TensorFlow's names of all devices."""
        return [f"{LOCAL}CPU:0", *(f"{LOCAL}GPU:{i}" for i in range(len(self.numbers)))]


def _visible(text: str, count: int) -> list[int]:
    try:
        numbers = [int(each) for each in text.split(",")]
    except ValueError:
        raise ValueError(f"visible_device_list is a list of numbers, such as '0,1', not {text!r}{at_line()}") from None
    wrong = [number for number in numbers if not 0 <= number < count]
    if wrong or len(set(numbers)) != len(numbers):
        raise ValueError(f"visible_device_list is {text!r}, but there are {count} GPUs{at_line()}")
    return numbers


def attributes(gpus: Gpus | None = None) -> list[DeviceAttributes]:
    """What there is to run on: the processor, and each GPU with its memory in bytes."""
    listed = [DeviceAttributes()]
    gpus = gpus or Gpus()
    for i, number in enumerate(gpus.numbers):
        with cupy().cuda.Device(number):
            limit = int(cupy().get_default_memory_pool().get_limit()) or int(cupy().cuda.runtime.memGetInfo()[1])
        listed.append(DeviceAttributes(f"{LOCAL}GPU:{i}", "GPU", limit, 0, described(i, number)))
    return listed


def on_host(state: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """What a session holds for its variables, all of it as arrays of the host."""
    if "cupy" not in sys.modules:
        return state
    return {variable: to_numpy(x) if is_array(x) else x for variable, x in state.items()}


def described(i: int, number: int) -> str:
    """What TensorFlow says of a GPU: its name, where it is, what it can compute."""
    properties = cupy().cuda.runtime.getDeviceProperties(number)
    name = properties["name"]
    name = name.decode() if isinstance(name, bytes) else str(name)
    bus = f"{properties['pciDomainID']:04x}:{properties['pciBusID']:02x}:{properties['pciDeviceID']:02x}.0"
    capability = f"{properties['major']}.{properties['minor']}"
    return f"device: {number}, name: {name}, pci bus id: {bus}, compute capability: {capability}"


def mapping(gpus: Gpus) -> str:
    """What TensorFlow logs of a session's devices."""
    lines = [f"{LOCAL}GPU:{i} -> {described(i, number)}" for i, number in enumerate(gpus.numbers)]
    return "Device mapping:" + ("".join(f"\n{line}" for line in lines) if lines else f" no known devices ({gpus.reason}).")


__all__ = ["LOCAL", "Gpus", "attributes", "mapping", "on_host"]
