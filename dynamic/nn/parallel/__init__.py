"""Models on several processes: ``DistributedDataParallel``, which is loaded when somebody asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic.names import lacking
from dynamic.nn.parallel.data_parallel import DataParallel as DataParallel, data_parallel as data_parallel


if TYPE_CHECKING:
    from dynamic.nn.parallel.distributed import DistributedDataParallel as DistributedDataParallel

__getattr__ = lacking(__name__, late=("distributed",), inside={"DistributedDataParallel": "distributed"})
