"""``tensorflow.python.client.device_lib``: what there is to run on."""

from __future__ import annotations

from typing import Any

from static.devices import DeviceAttributes
from static.gpus import Gpus, attributes


def list_local_devices(session_config: Any = None) -> list[DeviceAttributes]:
    """The processor, and each GPU that cupy finds."""
    return attributes(None if session_config is None else Gpus(session_config))
