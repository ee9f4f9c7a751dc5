"""What a rank says before each collective operation, so that those of another operation or shape are told from a hang.

An announcement is 128 bytes that every rank sends to every other: which operation it is at, and on what. Where all are
equal the operation goes on.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy

from dynamic.distributed.reducing import REDUCTIONS
from graphs.core.errors import user_line


WORDS = 16
"""64-bit words of an announcement."""

_DIMS = WORDS - 7
_FORM = struct.Struct(f"<{WORDS}q")

KINDS = (
    *("leave", "all_reduce", "reduce", "broadcast", "all_gather", "gather", "scatter", "reduce_scatter", "all_to_all"),
    *("all_to_all_single", "barrier", "monitored_barrier", "new_group", "all_gather_object", "gather_object"),
    *("broadcast_object_list", "scatter_object_list", "DistributedDataParallel"),
)
"""The operations, by number."""


class Announcement(NamedTuple):
    """An operation and what has to be equal on all ranks.

    Attributes:
        kind: its name.
        dtype, shape: those of what each rank gives; None where they may differ.
        root: the rank in the group that gives or gets, -1 for none.
        reduction: how numbers are combined; empty for not at all.
        extra: any other number that has to be equal.
    """

    kind: str
    dtype: Any = None
    shape: tuple[int, ...] | None = None
    root: int = -1
    reduction: str = ""
    extra: int = 0

    def packed(self, number: int) -> bytes:
        """The announcement of the group's operation ``number``."""
        dims: list[int] = [] if self.shape is None else list(self.shape)
        if len(dims) > _DIMS:
            dims[_DIMS - 1 :] = [int(numpy.prod(dims[_DIMS - 1 :]))]
        code = 0 if self.dtype is None else ord(self.dtype.char) << 8 | self.dtype.itemsize
        how = REDUCTIONS.index(self.reduction) if self.reduction else -1
        rank = -1 if self.shape is None else len(dims)
        rest = [0] * (_DIMS - len(dims))
        return _FORM.pack(number, KINDS.index(self.kind), code, self.root, how, self.extra, rank, *dims, *rest)

    def __str__(self) -> str:
        root = "" if self.root < 0 else f", root {self.root}"
        extra = f", {self.extra:#x}" if self.extra else ""
        what = "" if self.dtype is None else f" of {self.dtype.name}{'' if self.shape is None else f' {self.shape}'}"
        return f"{self.kind}({self.reduction}{root}{extra})".replace("(, ", "(") + what


def unpacked(words: bytes) -> tuple[int, Announcement]:
    """The number of an operation and its announcement."""
    number, kind, code, root, how, extra, rank, *dims = _FORM.unpack(words)
    dtype = None if not code else _dtype(chr(code >> 8), code & 0xFF)
    shape = None if rank < 0 else tuple(dims[:rank])
    return number, Announcement(KINDS[kind], dtype, shape, root, "" if how < 0 else REDUCTIONS[how], extra)


def _dtype(char: str, size: int) -> numpy.dtype[Any]:
    return numpy.dtype(f"{char}{size // 4}" if char == "U" else char)


def place() -> str:
    """The user's line, for the other ranks to read."""
    where = user_line(2)
    return str(where) if where else "a place of no file"


def differing(said: list[Announcement], places: list[str], ranks: list[int]) -> str:
    """The message for announcements that are not all equal: who says what, and where in the program."""
    groups: dict[Announcement, list[int]] = {}
    for i, each in enumerate(said):
        groups.setdefault(each, []).append(i)
    parts = []
    for each, members in groups.items():
        who = ", ".join(str(ranks[i]) for i in members)
        parts.append(f"\n  {'ranks' if len(members) > 1 else 'rank'} {who}: {each}, at {places[members[0]]}")
    return "ranks of a group call operations that do not fit each other:" + "".join(parts)
