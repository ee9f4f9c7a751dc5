"""cupy and the GPUs that it finds. It is imported when somebody first asks for one."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any


MISSING = "there is no cupy: pip install diptych[cuda12] for CUDA 12, or diptych[cuda13] for CUDA 13"


def cupy() -> Any:
    """cupy's module. Raises ImportError where it is not installed, or cannot be loaded."""
    return sys.modules.get("cupy") or import_module("cupy")


def found() -> tuple[int, str]:
    """How many GPUs there are, and if none, why."""
    if not installed():
        return 0, MISSING
    try:
        count = int(cupy().cuda.runtime.getDeviceCount())
    except Exception as error:  # without a driver cupy raises errors of its own; without CUDA it cannot be imported
        why = str(error).strip().partition("\n")[0]
        return 0, f"cupy is installed, but finds no GPU and driver ({why})"
    return count, "" if count else "cupy is installed, but finds no GPU"


def installed() -> bool:
    """Whether there is cupy."""
    return "cupy" in sys.modules or _findable()


@cache
def _findable() -> bool:
    return find_spec("cupy") is not None
