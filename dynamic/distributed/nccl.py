"""The ways of arrays between GPUs by NCCL, through cupy: the same as ``moving`` has by MPI.

Ranks meet by MPI first, so that what does not fit is an error and no hang. What NCCL does runs on a stream of its own,
behind what the caller's stream has been asked for; the host waits for it by looking, which is how a time limit can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from dynamic.devices import available as gpu_available, cupy_for
from dynamic.distributed.errors import DistBackendError, DistError
from dynamic.distributed.work import Steps
from graphs.core.errors import at_line


_KINDS = {
    "b": "INT8",
    "B": "UINT8",
    "?": "UINT8",
    "i": "INT32",
    "I": "UINT32",
    "l": "INT64",
    "q": "INT64",
    "L": "UINT64",
    "Q": "UINT64",
    "e": "FLOAT16",
    "f": "FLOAT32",
    "d": "FLOAT64",
    "F": "FLOAT32",
    "D": "FLOAT64",
}
"""NCCL's name for each dtype's elements, or for their two halves."""

_WAYS = {"SUM": "SUM", "AVG": "SUM", "PRODUCT": "PROD", "MIN": "MIN", "MAX": "MAX"}


def available() -> bool:
    """Whether cupy finds a GPU and has NCCL."""
    return gpu_available() and bool(getattr(getattr(cupy_for("nccl").cuda, "nccl", None), "available", False))


class Marked:
    """A place in a stream that is waited for, where MPI's requests would stand."""

    def __init__(self, event: Any, comm: Any) -> None:
        self._event, self._comm = event, comm

    def done(self) -> bool:
        """Whether the work has come there. Raises DistBackendError where NCCL has failed."""
        if self._event.done:
            return True
        error = self._comm.check_async_error()
        if error:
            raise DistBackendError(f"NCCL has failed with its error {error}")
        return False


class Moves:
    """Ways between the GPUs of a group's ranks.

    Args:
        host: the ways by MPI, over which the ranks find each other.
        rank, size: the place in the group.
    """

    def __init__(self, host: Any, rank: int, size: int) -> None:
        self._host, self._rank, self._size = host, rank, size
        self._cupy = cupy_for("nccl")
        self._nccl = self._cupy.cuda.nccl
        self._comm: Any = None
        self._stream: Any = None
        self._device = -1

    def all_reduce(self, x: Any, name: str) -> Steps:
        """Combine ``x`` over the ranks, in place: in NCCL's order, which is the same each time."""
        way = self._way(name, x.dtype)

        def call(stream: int) -> None:
            self._comm.allReduce(x.data.ptr, x.data.ptr, *self._count(x), way, stream)
            self._averaged(x, name)

        return self._begun(x, call)

    def reduce(self, x: Any, name: str, root: int) -> Steps:
        """Combine ``x`` over the ranks, in place on ``root``."""
        way = self._way(name, x.dtype)

        def call(stream: int) -> None:
            self._comm.reduce(x.data.ptr, x.data.ptr, *self._count(x), way, root, stream)
            if self._rank == root:
                self._averaged(x, name)

        return self._begun(x, call)

    def broadcast(self, x: Any, root: int) -> Steps:
        """Put ``root``'s ``x`` in the place of everybody's."""
        return self._begun(x, lambda stream: self._comm.broadcast(x.data.ptr, x.data.ptr, *self._count(x), root, stream))

    def all_gather(self, rows: Any, x: Any) -> Steps:
        """Put everybody's ``x`` in a row each."""

        def call(stream: int) -> None:
            table = self._cupy.empty((self._size, x.size), x.dtype)
            self._comm.allGather(x.data.ptr, table.data.ptr, *self._count(x), stream)
            for row, found in zip(rows, table, strict=True):
                row[...] = found

        return self._begun(x, call)

    def reduce_scatter(self, out: Any, rows: Sequence[Any], name: str) -> Steps:
        """Combine row r of all ranks into rank r's ``out``."""
        way = self._way(name, out.dtype)
        table = self._cupy.concatenate([row.reshape(-1) for row in rows])

        def call(stream: int) -> None:
            self._comm.reduceScatter(table.data.ptr, out.data.ptr, *self._count(out), way, stream)
            self._averaged(out, name)

        return self._begun(out, call)

    def gather(self, rows: Any, x: Any, root: int) -> Steps:
        """Put everybody's ``x`` in a row each on ``root``."""
        sent = [x if i == root else None for i in range(self._size)]
        return self._exchanged(x, sent, rows if self._rank == root else [None] * self._size)

    def scatter(self, x: Any, rows: Any, root: int) -> Steps:
        """Put row r of ``root`` in the place of rank r's ``x``."""
        taken = [x if i == root else None for i in range(self._size)]
        return self._exchanged(x, rows if self._rank == root else [None] * self._size, taken)

    def all_to_all(self, into: Sequence[Any], out: Sequence[Any]) -> Steps:
        """Put rank i's ``out[r]`` in rank r's ``into[i]``. Raises MismatchError, on all ranks, where sizes do not fit."""
        yield from self._host.check_sizes(into, out)
        yield from self._exchanged(out[0], out, into)

    def _exchanged(self, like: Any, out: Sequence[Any], into: Sequence[Any]) -> Steps:
        """Send ``out[i]`` to rank i and receive ``into[i]`` from it, where there is something."""

        def call(stream: int) -> None:
            self._nccl.groupStart()
            for i, (sent, taken) in enumerate(zip(out, into, strict=True)):
                if i == self._rank:
                    continue
                if sent is not None and sent.size:
                    self._comm.send(sent.data.ptr, *self._count(sent), i, stream)
                if taken is not None and taken.size:
                    self._comm.recv(taken.data.ptr, *self._count(taken), i, stream)
            self._nccl.groupEnd()
            if into[self._rank] is not None and out[self._rank] is not None:
                into[self._rank][...] = out[self._rank]

        return self._begun(like, call)

    # How

    def _begun(self, x: Any, call: Callable[[int], None]) -> Steps:
        """An operation behind what the caller's stream has been asked for until now."""
        ready = self._cupy.cuda.get_current_stream().record()
        return self._steps(int(x.device.id), ready, call)

    def _steps(self, device: int, ready: Any, call: Callable[[int], None]) -> Steps:
        if self._comm is None:
            yield from self._connected(device)
        if device != self._device:
            before = f"cuda:{self._device} in its first operation"
            raise DistError(f"this rank's tensors were on {before}, and now on cuda:{device}{at_line()}")
        with self._cupy.cuda.Device(device), self._stream:
            self._stream.wait_event(ready)
            call(self._stream.ptr)
            event = self._stream.record()
        yield Marked(event, self._comm)

    def _connected(self, device: int) -> Steps:
        """Make the communicator: rank 0 says by which number the others find it."""
        number = numpy.zeros(1 << 10, numpy.int16)
        if self._rank == 0:
            own = self._nccl.get_unique_id()
            number[0], number[1 : len(own) + 1] = len(own), own
        yield from self._host.broadcast(number, 0)
        with self._cupy.cuda.Device(device):
            given = tuple(int(each) for each in number[1 : int(number[0]) + 1])
            self._comm = self._nccl.NcclCommunicator(self._size, given, self._rank)
            self._stream = self._cupy.cuda.Stream(non_blocking=True)
        self._device = device

    def _count(self, x: Any) -> tuple[int, int]:
        """The number of NCCL's elements in an array, and their type."""
        char = x.dtype.char
        if char not in _KINDS:
            raise DistError(f"NCCL carries no {x.dtype.name}{at_line()}")
        return x.size * (2 if char in "FD" else 1), getattr(self._nccl, f"NCCL_{_KINDS[char]}")

    def _way(self, name: str, dtype: Any) -> int:
        if name not in _WAYS:
            raise DistError(f"NCCL does not combine by {name}: move the tensor to the processor{at_line()}")
        way = "MAX" if name == "SUM" and dtype.kind == "b" else _WAYS[name]
        return int(getattr(self._nccl, f"NCCL_{way}"))

    def _averaged(self, x: Any, name: str) -> None:
        if name == "AVG":
            x /= x.dtype.type(self._size)
