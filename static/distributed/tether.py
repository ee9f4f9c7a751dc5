"""Preloaded by the workers that a session has started: they end when the session's process does, however that ends."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import static.distributed.worker  # noqa: F401 (what a part needs is there before the first session asks)


def dask_setup(worker: Any) -> None:
    """Called by Dask as the worker starts: from now on it watches the pipe whose other end the session's process holds."""
    threading.Thread(target=_watch, name="diptych-tether", daemon=True).start()


def _watch() -> None:
    sys.stdin.buffer.read()
    os._exit(0)
