"""What a comparison ran on, and with which versions."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy


DISTRIBUTIONS = ("diptych", "numpy", "llvmlite", "networkx", "cupy-cuda12x")
"""Whose versions are told, where they are installed."""

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Settings that change how long a matrix product takes."""


@cache
def machine() -> dict[str, Any]:
    """Python, numpy and its linear algebra, this project's and its helpers' versions, processor, cores, memory, system.

    ``cores`` are those that this process may use, ``memory`` is in bytes and None where the system does not tell.
    """
    blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "numpy": numpy.__version__,
        "linear algebra": f"{blas.get('name', '')} {blas.get('version', '')}".strip(),
        "versions": installed(DISTRIBUTIONS),
        "processor": _processor(),
        "cores": cores(),
        "threads": {name: os.environ[name] for name in THREADS if name in os.environ},
        "memory": memory(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def cores() -> int | None:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def memory() -> int | None:
    """Bytes of memory, None where the system does not tell."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else None


def installed(names: Iterable[str]) -> dict[str, str]:
    """The versions of those distributions that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """The model's name as Linux tells it, elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
