"""Process groups: which ranks are in them, how they meet before an operation, and the default group of a program."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import numpy

from dynamic.distributed import announcing, transport
from dynamic.distributed.announcing import WORDS, Announcement
from dynamic.distributed.errors import DistError, LostError, MismatchError, at
from dynamic.distributed.mail import Mail
from dynamic.distributed.moving import Moves
from dynamic.distributed.work import Row, Steps, Work
from graphs.core.errors import at_line, user_line


_TEXT = 512
"""Bytes of a place in the program that ranks tell each other when they do not agree."""


class ProcessGroup:
    """Ranks that do operations together. It is made by ``init_process_group`` and ``new_group``.

    Attributes:
        ranks: the members' ranks in the whole program; their place here is their rank in the group.
        timeout: seconds that an operation may take.
    """

    def __init__(self, MPI: Any, comm: Any, ranks: list[int], backend: str, timeout: float, name: str) -> None:  # noqa: N803
        self.ranks, self.backend, self.timeout, self.group_name = ranks, backend, timeout, name
        self.group_desc = name
        self._mpi, self._comm = MPI, comm.Dup()
        self._rank, self._size = comm.rank, comm.size
        self.moves = Moves(MPI, comm.Dup())
        self.mail = Mail(MPI, comm.Dup(), self)
        self._splitting = comm
        self.nccl: Any = None
        self.row = Row(MPI.Request.Testall, self._missing)
        self._count = 0
        self._left: dict[int, int] = {}
        self._others = [i for i in range(self._size) if i != self._rank]
        self._said = numpy.zeros(WORDS, numpy.int64)
        self._heard = numpy.zeros((self._size, WORDS), numpy.int64)
        self._out = [self._comm.Send_init([self._said, MPI.INT64_T], i) for i in self._others]
        self._in = [self._comm.Recv_init([self._heard[i], MPI.INT64_T], i) for i in self._others]
        self._came: list[int] = []
        if self._in:
            MPI.Prequest.Startall(self._in)
        self.lock = threading.Lock()

    def rank(self) -> int:
        """This process's rank in the group."""
        return self._rank

    def size(self) -> int:
        """The number of ranks."""
        return self._size

    def name(self) -> str:
        """The backend's name."""
        return self.backend

    def begin(
        self, about: Announcement, steps: Steps, result: Any, background: bool, timeout: float | None = None
    ) -> Work | None:
        """Do an operation after those before it: None once it is done, or, in the background, its Work at once."""
        with self.lock:
            self._count += 1
            number = self._count
        where = user_line(3)
        seconds = self.timeout if timeout is None else timeout

        def told() -> str:
            return f"{about.kind} (operation {number} of group {self.group_name}) on rank {self.ranks[self._rank]}"

        work = Work(self.row, told, where, self._met(about, number, steps, where), seconds, result)
        self.row.add(work, background)
        if background:
            return work
        work.wait()
        return None

    def _met(self, about: Announcement, number: int, steps: Steps, where: Any) -> Steps:
        """The operation, once all ranks have announced the same one."""
        if self._others:
            if self._left:
                raise self._deserted(about, number, where)
            said = about.packed(number)
            self._said[:] = numpy.frombuffer(said, numpy.int64)
            self._heard[self._rank] = self._said
            self._mpi.Prequest.Startall(self._out)
            yield self._in
            yield self._out
            heard = self._heard.tobytes()
            self._mpi.Prequest.Startall(self._in)
            if heard != said * self._size:
                yield from self._disagreed(heard, about, number, where)
        yield from steps

    def _disagreed(self, heard: bytes, about: Announcement, number: int, where: Any) -> Steps:
        rows = [announcing.unpacked(heard[i : i + 8 * WORDS]) for i in range(0, len(heard), 8 * WORDS)]
        self._left = {self.ranks[i]: count for i, (count, each) in enumerate(rows) if each.kind == "leave"}
        if self._left:
            raise self._deserted(about, number, where)
        place = numpy.zeros(_TEXT, numpy.uint8)
        text = str(where or "a place of no file").encode()[:_TEXT]
        place[: len(text)] = numpy.frombuffer(text, numpy.uint8)
        places = numpy.zeros((self._size, _TEXT), numpy.uint8)
        yield from self.moves.all_gather(places, place)
        texts = [row.tobytes().rstrip(b"\0").decode(errors="replace") for row in places]
        raise MismatchError(announcing.differing([each for _, each in rows], texts, self.ranks))

    def _deserted(self, about: Announcement, number: int, where: Any) -> LostError:
        who = ", ".join(f"rank {rank} has left after {count - 1}" for rank, count in sorted(self._left.items()))
        return LostError(f"{about}: operation {number} of group {self.group_name}, which {who}{at(where)}")

    def _missing(self) -> str:
        """The ranks whose announcement of the first operation in the row has not come."""
        late = [i for i, request in zip(self._others, self._in, strict=True) if not request.Test()]
        return ", ".join(f"rank {self.ranks[i]}" for i in late)

    def gone(self, peer: int | None) -> None:
        """Raise LostError where a rank of the group (for None, all others) has left."""
        peers = self._others if peer is None else [peer]
        if self.row.idle() and all(self._has_left(each) for each in peers):
            who = ", ".join(f"rank {self.ranks[each]}" for each in peers)
            raise LostError(f"{who} has left group {self.group_name}{at_line()}")

    def _has_left(self, peer: int) -> bool:
        if self.ranks[peer] in self._left:
            return True
        at = self._others.index(peer)
        if not self._in[at].Test():
            return False
        return announcing.unpacked(self._heard[peer].tobytes())[1].kind == "leave"

    def leave(self) -> None:
        """Tell the others that this rank comes to no further operation."""
        whole = self.row.broken is None
        if self.row.close(self.row.broken or DistError("the process group has been destroyed")) and whole and self._others:
            about = Announcement("leave").packed(self._count + 1)
            self._said[:] = numpy.frombuffer(about, numpy.int64)
            self._mpi.Prequest.Startall(self._out)
        for request in self._in:
            request.Cancel()
        for request in (*self._in, *self._out):
            request.Free()
        self._in = self._out = []

    def split(self, members: list[int], number: int) -> Any:
        """The communicator of some of the members (ranks in this group); None on those that are not among them."""
        colour = number if self._rank in members else self._mpi.UNDEFINED
        comm = self._splitting.Split(colour, members.index(self._rank) if self._rank in members else 0)
        return None if comm == self._mpi.COMM_NULL else comm

    def __repr__(self) -> str:
        return f"<ProcessGroup {self.group_name}: rank {self._rank} of {self._size}, {self.backend}>"


class GroupMember:
    """What a group is for ranks that are not in it: ``NON_GROUP_MEMBER``."""

    NON_GROUP_MEMBER = -100


class _Known:
    """The groups of this process; ``group.WORLD`` is the default one."""

    def __init__(self) -> None:
        self.world: ProcessGroup | None = None
        self.groups: list[ProcessGroup] = []
        self.numbers: Iterator[int] = itertools.count(1)

    @property
    def WORLD(self) -> ProcessGroup | None:  # noqa: N802 (PyTorch's name)
        """The group of all ranks; None before ``init_process_group``."""
        return self.world


group = _Known()


def of(given: Any) -> ProcessGroup:
    """A group, the default one for None. Raises ValueError where there is none yet, or this rank is not in it."""
    if given is None:
        if group.world is None:
            raise ValueError(f"Default process group has not been initialized: call init_process_group first{at_line()}")
        return group.world
    if isinstance(given, ProcessGroup):
        if given not in group.groups:
            raise ValueError(f"the process group has been destroyed{at_line()}")
        return given
    raise TypeError(f"a process group is wanted, not a {type(given).__name__}{at_line()}")


def _leave_all() -> None:
    for each in group.groups:
        each.leave()


transport.leaving.append(_leave_all)
