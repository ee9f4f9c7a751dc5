"""Models on several processes: ``DistributedDataParallel``, which is loaded when somebody asks for it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dynamic.names import lacking
from dynamic.nn.parallel.data_parallel import DataParallel as DataParallel, data_parallel as data_parallel


_missing = lacking(__name__, late=("distributed",))


def __getattr__(name: str) -> Any:
    if name == "DistributedDataParallel":
        return import_module("dynamic.nn.parallel.distributed").DistributedDataParallel
    return _missing(name)
