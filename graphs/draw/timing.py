"""How long the kernels of a dynamic program take, record by record.

with draw.timed() as times:
    loss = model(x).sum()
draw.save("times.svg", loss, overlay=("time", times))
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from graphs.core.node import next_serial
from graphs.core.op import OPS, Op


_local = threading.local()


class Times(dict[int, float]):
    """Seconds by the serial of a record."""

    name, unit = "time", "s"


@contextmanager
def timed() -> Iterator[Times]:
    """Measure every kernel that this thread calls inside; what kernels call in turn is theirs.

    The kernels in the registry are replaced meanwhile, so that at other times nothing asks whether it is being measured.
    """
    if getattr(_local, "times", None) is not None:
        raise RuntimeError("kernels are being measured already")
    kernels = {op: op.kernel for op in OPS.values()}
    times = _local.times = Times()
    _local.inside = False
    for op, kernel in kernels.items():
        op.kernel = _measured(op, kernel)
    try:
        yield times
    finally:
        for op, kernel in kernels.items():
            op.kernel = kernel
        _local.times = None


def _measured(_op: Op, kernel: Callable[..., Any]) -> Callable[..., Any]:
    def call(xp: Any, *args: Any, **params: Any) -> Any:
        times = getattr(_local, "times", None)
        if times is None or _local.inside:
            return kernel(xp, *args, **params)
        _local.inside = True
        start = perf_counter()
        try:
            return kernel(xp, *args, **params)
        finally:
            seconds = perf_counter() - start
            _local.inside = False
            times[next_serial() + 1] = seconds  # the record that the call leaves, if it leaves one, is the next to be made

    return call
