"""What was measured on, and with which versions."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from benchmarks import THREADS
from graphs.compare.machine import cores, installed, memory


DISTRIBUTIONS = ("diptych", "numpy", "llvmlite", "torch", "jax", "jaxlib", "tensorflow-cpu", "tensorflow")


def _cpuinfo() -> dict[str, str]:
    """What Linux says of the first processor."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}


def machine() -> dict[str, Any]:
    """The processor's model and vector instructions, cores that this process may use, memory in GiB, the system.

    ``load before`` is how many processes wanted to run in the minute before: timings are of no use where it is not near 0.
    """
    info = _cpuinfo()
    model = info.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in info:  # virtual machines often hide the rest of the name
        model += f" (family {info['cpu family']}, model {info['model']})"
    flags = info.get("flags", "").split()
    vectors = [title for flag, title in (("avx2", "AVX2"), ("avx512f", "AVX-512")) if flag in flags]
    size = memory()
    return {
        "processor": model,
        "vector instructions": vectors,
        "cores": cores(),
        "threads": THREADS,
        "memory in GiB": None if size is None else round(size / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "load before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def versions() -> dict[str, str]:
    """The versions of Python and of what is installed of this project and its peers."""
    return {"Python": platform.python_version(), **installed(DISTRIBUTIONS)}
