"""Messages between two ranks: what ``send`` and ``recv`` put in the post, with a label that says what is inside."""

from __future__ import annotations

import struct
import threading
from typing import Any

import numpy

from dynamic.distributed.errors import MismatchError, at
from dynamic.distributed.work import Row, Work
from graphs.core.errors import user_line


_LABEL = struct.Struct("<8sqq")
"""The dtype, the number of elements, and the number of bytes of text that follow."""


class Mail:
    """The messages of one group.

    A message is one MPI message: the label, then the elements. It is looked for without being taken (``Improbe``), so that
    one of any length, or from any rank, finds its place; receivers of one sender and tag are served in their order.
    """

    def __init__(self, MPI: Any, comm: Any, group: Any) -> None:  # noqa: N803 (mpi4py's name)
        self._mpi, self._comm, self._group = MPI, comm, group
        self._waiting: list[_Letter] = []
        self._lock = threading.Lock()

    def send(self, x: Any, to: int, tag: int) -> Work:
        """Send a flat array to a rank of the group."""
        label = _LABEL.pack(x.dtype.str.encode(), x.size, 0)
        message = numpy.empty(_LABEL.size + x.nbytes, numpy.uint8)
        message[: _LABEL.size] = numpy.frombuffer(label, numpy.uint8)
        message[_LABEL.size :] = x.view(numpy.uint8) if x.size else ()
        request = self._comm.Isend([message, self._mpi.BYTE], to, tag)
        return self._begun("send to", _kept(request, message), to, user_line(3))

    def recv(self, into: Any, source: int | None, tag: int, finish: Any) -> Letter:
        """Receive what fits a flat array, from a rank of the group or, for None, from any; then call ``finish()``."""
        letter = _Letter(self._mpi.ANY_SOURCE if source is None else source, tag)
        with self._lock:
            self._waiting.append(letter)
        where = user_line(3)
        work = self._begun("recv from", self._received(letter, into, finish, where), source, where)
        work.letter = letter
        return work

    def _begun(self, name: str, steps: Any, peer: int | None, where: Any) -> Letter:
        row = Row(self._done, lambda: self._missing(peer), lambda: self._group.gone(peer))
        ranks = self._group.ranks
        rank = ranks[self._group.rank()]
        who = "any rank" if peer is None else f"rank {ranks[peer]}"
        work = Letter(row, lambda: f"{name} {who} on rank {rank}", where, steps, self._group.timeout, None)
        work.ranks = ranks
        row.add(work)
        return work

    def _missing(self, peer: int | None) -> str:
        return "a message" if peer is None else f"rank {self._group.ranks[peer]}"

    def _done(self, requests: Any) -> bool:
        if isinstance(requests, _Letter):
            self._look()
            return requests.found is not None
        return bool(self._mpi.Request.Testall(requests))

    def _look(self) -> None:
        """Match waiting receivers with what has come, first come, first served."""
        with self._lock:
            tried: set[tuple[int, int]] = set()
            for letter in tuple(self._waiting):
                key = (letter.source, letter.tag)
                if key in tried or any(
                    tag == letter.tag and self._mpi.ANY_SOURCE in (source, letter.source) for source, tag in tried
                ):
                    continue
                status = self._mpi.Status()
                message = self._comm.Improbe(letter.source, letter.tag, status)
                if message is None:
                    tried.add(key)
                    continue
                letter.found, letter.sender = message, status.Get_source()
                letter.size = status.Get_count(self._mpi.BYTE)
                self._waiting.remove(letter)

    def _received(self, letter: _Letter, into: Any, finish: Any, where: Any) -> Any:
        try:
            yield letter
        finally:
            with self._lock:
                if letter in self._waiting:
                    self._waiting.remove(letter)
        message = numpy.empty(letter.size, numpy.uint8)
        yield [letter.found.Irecv([message, self._mpi.BYTE])]
        kind, size, _ = _LABEL.unpack(message[: _LABEL.size].tobytes())
        dtype = kind.rstrip(b"\0").decode()
        if (dtype, size) != (into.dtype.str, into.size):
            theirs = f"{size} elements of {numpy.dtype(dtype).name}"
            ours = f"{into.size} of {into.dtype.name}"
            sender = self._group.ranks[letter.sender]
            raise MismatchError(f"rank {sender} has sent {theirs}, and this recv takes {ours}{at(where)}")
        if size:
            into.view(numpy.uint8)[...] = message[_LABEL.size :]
        finish()


class _Letter:
    """A message that is waited for."""

    def __init__(self, source: int, tag: int) -> None:
        self.source, self.tag = source, tag
        self.found: Any = None
        self.sender, self.size = -1, 0

    def __bool__(self) -> bool:
        return True


class Letter(Work):
    """A message under way."""

    letter: _Letter | None = None
    ranks: list[int]

    def source_rank(self) -> int:
        """The rank that it came from. Raises DistError for what was sent, and before it has come."""
        if self.letter is None or self.letter.sender < 0:
            return super().source_rank()
        return self.ranks[self.letter.sender]


def _kept(request: Any, message: Any) -> Any:
    """Wait for what was sent, and keep its memory until then."""
    yield [request]
    del message
