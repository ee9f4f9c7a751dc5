"""The names of devices, as ``tf.device`` takes them and operations record them (``static.placement`` says what they do)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from graphs.core.errors import at_line


_TYPES = ("CPU", "GPU", "TPU")


class DeviceSpec:
    """The parts of a device's name; those that are None are left to what stands around.

    Raises ValueError (``from_string``) for a text that is no such name.
    """

    def __init__(
        self,
        job: str | None = None,
        replica: int | None = None,
        task: int | None = None,
        device_type: str | None = None,
        device_index: int | None = None,
    ) -> None:
        self.job = job
        self.replica = replica
        self.task = task
        self.device_type = None if device_type is None else device_type.upper()
        self.device_index = device_index

    @classmethod
    def from_string(cls, spec: str) -> DeviceSpec:
        """The name that ``spec`` spells: ``/job:worker/task:1/device:GPU:0``, ``/gpu:0``, ``cpu:0``."""
        out = cls()
        for part in filter(None, spec.split("/")):
            kind, *rest = part.split(":")
            if len(rest) == 1 and kind == "job":
                out.job = rest[0]
            elif len(rest) == 1 and kind == "replica":
                out.replica = int(rest[0])
            elif len(rest) == 1 and kind == "task":
                out.task = int(rest[0])
            elif len(rest) < 2 and kind.upper() in _TYPES:
                out.device_type = kind.upper()
                out.device_index = _index(rest[0]) if rest else None
            elif len(rest) == 2 and kind == "device":
                out.device_type, out.device_index = rest[0].upper(), _index(rest[1])
            else:
                raise ValueError(
                    f"Unknown attribute {kind!r} is encountered while parsing the device spec: {spec!r}.{at_line()}"
                )
        return out

    def merge_from(self, other: DeviceSpec) -> None:
        """Take the parts that ``other`` has."""
        for name in ("job", "replica", "task"):
            if getattr(other, name) is not None:
                setattr(self, name, getattr(other, name))
        if other.device_type is not None:
            self.device_type, self.device_index = other.device_type, other.device_index

    def to_string(self) -> str:
        """The name as one text."""
        parts = [(name, getattr(self, name)) for name in ("job", "replica", "task")]
        text = "".join(f"/{name}:{value}" for name, value in parts if value is not None)
        if self.device_type is None:
            return text
        return f"{text}/device:{self.device_type}:{'*' if self.device_index is None else self.device_index}"

    def __repr__(self) -> str:
        return f"<tf.DeviceSpec {self.to_string()!r}>"


def _index(text: str) -> int | None:
    return None if text == "*" else int(text)


class DeviceAttributes(NamedTuple):
    """What ``Session.list_devices`` says of a device."""

    name: str = "/job:localhost/replica:0/task:0/device:CPU:0"
    device_type: str = "CPU"
    memory_limit_bytes: int = 0
    incarnation: int = 0
    physical_device_desc: str = ""

    @property
    def memory_limit(self) -> int:
        """The bytes, by ``device_lib``'s name of it."""
        return self.memory_limit_bytes


class Beside:
    """In place of a device: that of an operation, whatever stands around."""

    __slots__ = ("operation",)

    def __init__(self, operation: Any) -> None:
        self.operation = operation


def checked(device: Any) -> Any:
    """``device`` as ``placed`` takes it. Raises TypeError where it can be none, ValueError for a text that names none."""
    if device is None or isinstance(device, (DeviceSpec, Beside)) or callable(device):
        return device
    if not isinstance(device, str):
        raise TypeError(f"a device is a text, a function of an operation or a DeviceSpec, not {device!r}{at_line()}")
    return DeviceSpec.from_string(device)


def placed(operation: Any, devices: Iterable[Any]) -> str:
    """The name of the device of ``operation``, which was made inside ``devices`` (the innermost last).

    Inner names stand over outer ones, part by part; None ends the search; a function is called with the operation.
    """
    name = ""
    for device in reversed(tuple(devices)):
        if device is None:
            break
        if isinstance(device, Beside):
            return device.operation.device
        if isinstance(device, DeviceSpec):
            merged = DeviceSpec()
            merged.merge_from(device)
            merged.merge_from(DeviceSpec.from_string(name))
        else:
            object.__setattr__(operation, "device", name)
            given = device(operation)
            merged = given if isinstance(given, DeviceSpec) else DeviceSpec.from_string(given or "")
        name = merged.to_string()
    return name


def accelerated(device: str) -> bool:
    """Whether the name ``device`` asks for something else than a processor."""
    upper = device.upper()
    return "GPU" in upper or "TPU" in upper
