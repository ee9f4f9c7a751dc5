"""The ways of arrays between ranks by MPI: each a generator that yields the requests it waits for.

Arrays are numpy's, of one dimension or with a row a rank, without gaps. Only bytes travel; numbers are combined here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from dynamic.distributed.errors import MismatchError
from dynamic.distributed.reducing import combine
from dynamic.distributed.work import Steps
from graphs.core.errors import at_line


SMALL = 1 << 14
"""Up to so many bytes a rank all ranks send everything to all others: one way in place of two."""

SEGMENT = 1 << 22
"""Bytes that go at once: while one segment is added up, the next is on its way."""


class Moves:
    """Ways between the ranks of a communicator."""

    def __init__(self, MPI: Any, comm: Any) -> None:  # noqa: N803 (mpi4py's name)
        self._byte, self._comm = MPI.BYTE, comm
        self._rank, self._size = comm.rank, comm.size

    def all_reduce(self, x: Any, name: str) -> Steps:
        """Combine ``x`` over the ranks, in place."""
        n = self._size
        if n == 1:
            return
        if x.nbytes <= SMALL:
            rows = numpy.empty((n, x.size), x.dtype)
            yield from self.all_gather(rows, x)
            combine(rows, name, x)
            return
        step = max(SEGMENT // x.itemsize, n)
        parts = [x[at : at + step] for at in range(0, x.size, step)]
        ahead = self._scattered(parts[0])
        for i, part in enumerate(parts):
            requests, mine, rows = ahead
            yield requests
            if i + 1 < len(parts):
                ahead = self._scattered(parts[i + 1])
            combine(rows, name, mine)
            yield self._gathered(part)

    def _scattered(self, part: Any) -> tuple[list[Any], Any, Any]:
        """Send each rank its share of ``part``: the requests, this rank's share, and everybody's numbers for it."""
        bounds = _bounds(part.size, self._size)
        mine = part[bounds[self._rank] : bounds[self._rank + 1]]
        rows = numpy.empty((self._size, mine.size), part.dtype)
        shares = [part[bounds[i] : bounds[i + 1]] for i in range(self._size)]
        return self._crossed(shares, list(rows)), mine, rows

    def _gathered(self, part: Any) -> list[Any]:
        bounds = _bounds(part.size, self._size)
        shares = [part[bounds[i] : bounds[i + 1]] for i in range(self._size)]
        mine = shares[self._rank]
        return self._crossed([mine] * self._size, shares, itself=False)

    def _crossed(self, out: Sequence[Any], into: Sequence[Any], itself: bool = True) -> list[Any]:
        """Requests that send ``out[i]`` to rank i and receive ``into[i]`` from it."""
        rank, size, comm, byte = self._rank, self._size, self._comm, self._byte
        others = [(rank + i) % size for i in range(1, size)]
        requests = [comm.Irecv([into[i], byte], i) for i in others if into[i].size]
        requests += [comm.Isend([out[i], byte], i) for i in others if out[i].size]
        if itself:
            into[rank][...] = out[rank]
        return requests

    def reduce(self, x: Any, name: str, root: int) -> Steps:
        """Combine ``x`` over the ranks, in place on ``root``."""
        rows = numpy.empty((self._size, x.size), x.dtype) if self._rank == root else None
        yield from self.gather(rows, x, root)
        if rows is not None:
            combine(rows, name, x)

    def reduce_scatter(self, out: Any, rows: Sequence[Any], name: str) -> Steps:
        """Combine row r of all ranks into rank r's ``out``."""
        found = numpy.empty((self._size, out.size), out.dtype)
        yield self._crossed(rows, list(found))
        combine(found, name, out)

    def broadcast(self, x: Any, root: int) -> Steps:
        """Put ``root``'s ``x`` in the place of everybody's."""
        yield [self._comm.Ibcast([x, self._byte], root)]

    def all_gather(self, rows: Any, x: Any) -> Steps:
        """Put everybody's ``x`` in a row each."""
        yield self._crossed([x] * self._size, list(rows))

    def gather(self, rows: Any, x: Any, root: int) -> Steps:
        """Put everybody's ``x`` in a row each on ``root``."""
        if self._rank != root:
            yield [self._comm.Isend([x, self._byte], root)]
            return
        rows[root][...] = x
        yield [self._comm.Irecv([rows[i], self._byte], i) for i in range(self._size) if i != root]

    def scatter(self, x: Any, rows: Any, root: int) -> Steps:
        """Put row r of ``root`` in the place of rank r's ``x``."""
        if self._rank != root:
            yield [self._comm.Irecv([x, self._byte], root)]
            return
        x[...] = rows[root]
        yield [self._comm.Isend([rows[i], self._byte], i) for i in range(self._size) if i != root]

    def all_to_all(self, into: Sequence[Any], out: Sequence[Any]) -> Steps:
        """Put rank i's ``out[r]`` in rank r's ``into[i]``. Raises MismatchError, on all ranks, where sizes do not fit."""
        yield from self.check_sizes(into, out)
        yield self._crossed(out, into)

    def check_sizes(self, into: Sequence[Any], out: Sequence[Any]) -> Steps:
        """Raise MismatchError, on all ranks, where a rank gives another more or fewer elements than that takes."""
        sizes = numpy.array([[each.size for each in out], [each.size for each in into]], numpy.int64)
        found = numpy.empty((self._size, 2, self._size), numpy.int64)
        yield from self.all_gather(found.reshape(self._size, -1), sizes.reshape(-1))
        given, wanted = found[:, 0], found[:, 1].T
        if (given != wanted).any():
            i, r = (int(each) for each in numpy.argwhere(given != wanted)[0])
            sizes_differ = f"rank {i} of the group gives rank {r} {given[i, r]} elements, which takes {wanted[i, r]}"
            raise MismatchError(f"all_to_all: {sizes_differ}{at_line()}")


def _bounds(size: int, parts: int) -> list[int]:
    return [size * i // parts for i in range(parts + 1)]
