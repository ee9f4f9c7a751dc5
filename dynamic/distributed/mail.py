"""Messages between two ranks: what ``send`` and ``recv`` put in the post, with a label that says what is inside."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from typing import Any

import numpy

from dynamic.distributed.errors import MismatchError, at
from dynamic.distributed.work import Row, Work
from graphs.core.errors import user_line


_LABEL = struct.Struct("<8sq")
"""The dtype and the number of elements."""


class Mail:
    """The messages of one group.

    A message is one MPI message: the label, then the elements. It is looked for without being taken (``Improbe``), so that
    one of any length, or from any rank, finds its place; receivers of one sender and tag are served in their order.
    """

    def __init__(self, MPI: Any, comm: Any, group: Any) -> None:  # noqa: N803 (mpi4py's name)
        self._mpi, self._comm, self._group = MPI, comm, group
        self._waiting: list[_Receiver] = []
        self._lock = threading.Lock()

    def send(self, x: Any, to: int, tag: int) -> Work:
        """Send a flat array to a rank of the group."""
        label = _LABEL.pack(x.dtype.str.encode(), x.size)
        message = numpy.empty(_LABEL.size + x.nbytes, numpy.uint8)
        message[: _LABEL.size] = numpy.frombuffer(label, numpy.uint8)
        message[_LABEL.size :] = x.view(numpy.uint8) if x.size else ()
        request = self._comm.Isend([message, self._mpi.BYTE], to, tag)
        return self._begun("send to", _kept(request, message), to, user_line(3))

    def recv(self, into: Any, source: int | None, tag: int, finish: Any) -> Letter:
        """Receive what fits a flat array, from a rank of the group or, for None, from any; then call ``finish()``."""
        receiver = _Receiver(self._look, self._mpi.ANY_SOURCE if source is None else source, tag)
        with self._lock:
            self._waiting.append(receiver)
        where = user_line(3)
        return self._begun("recv from", self._received(receiver, into, finish, where), source, where, receiver)

    def _begun(self, name: str, steps: Any, peer: int | None, where: Any, receiver: _Receiver | None = None) -> Letter:
        row = Row(self._mpi.Request.Testall, lambda: self._missing(peer), lambda: self._group.gone(peer))
        ranks = self._group.ranks
        rank = ranks[self._group.rank()]
        who = "any rank" if peer is None else f"rank {ranks[peer]}"
        work = Letter(row, lambda: f"{name} {who} on rank {rank}", where, steps, self._group.timeout, None)
        work.receiver, work.ranks = receiver, ranks
        row.add(work)
        return work

    def _missing(self, peer: int | None) -> str:
        return "a message" if peer is None else f"rank {self._group.ranks[peer]}"

    def _look(self) -> None:
        """Match waiting receivers with what has come, first come, first served."""
        with self._lock:
            tried: set[tuple[int, int]] = set()
            for each in tuple(self._waiting):
                key = (each.source, each.tag)
                if key in tried or any(
                    tag == each.tag and self._mpi.ANY_SOURCE in (source, each.source) for source, tag in tried
                ):
                    continue
                status = self._mpi.Status()
                message = self._comm.Improbe(each.source, each.tag, status)
                if message is None:
                    tried.add(key)
                    continue
                each.found, each.sender = message, status.Get_source()
                each.size = status.Get_count(self._mpi.BYTE)
                self._waiting.remove(each)

    def _received(self, receiver: _Receiver, into: Any, finish: Any, where: Any) -> Any:
        try:
            yield receiver
        finally:
            with self._lock:
                if receiver in self._waiting:
                    self._waiting.remove(receiver)
        message = numpy.empty(receiver.size, numpy.uint8)
        yield [receiver.found.Irecv([message, self._mpi.BYTE])]
        kind, size = _LABEL.unpack(message[: _LABEL.size].tobytes())
        dtype = kind.rstrip(b"\0").decode()
        if (dtype, size) != (into.dtype.str, into.size):
            theirs = f"{size} elements of {numpy.dtype(dtype).name}"
            ours = f"{into.size} of {into.dtype.name}"
            sender = self._group.ranks[receiver.sender]
            raise MismatchError(f"rank {sender} has sent {theirs}, and this recv takes {ours}{at(where)}")
        if size:
            into.view(numpy.uint8)[...] = message[_LABEL.size :]
        finish()


class _Receiver:
    """A place for a message that is waited for; ``look`` sees what has come, for all of them."""

    def __init__(self, look: Callable[[], None], source: int, tag: int) -> None:
        self._look, self.source, self.tag = look, source, tag
        self.found: Any = None
        self.sender, self.size = -1, 0

    def done(self) -> bool:
        """Whether the message is here."""
        self._look()
        return self.found is not None


class Letter(Work):
    """A message under way."""

    receiver: _Receiver | None = None
    ranks: list[int]

    def source_rank(self) -> int:
        """The rank that it came from. Raises DistError for what was sent, and before it has come."""
        if self.receiver is None or self.receiver.sender < 0:
            return super().source_rank()
        return self.ranks[self.receiver.sender]


def _kept(request: Any, message: Any) -> Any:
    """Wait for what was sent, and keep its memory until then."""
    yield [request]
    del message
