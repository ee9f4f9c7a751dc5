"""Memory that several processes see: descriptors without a name, freed by the system when the last user is gone.

A segment is a file that is in no directory, so nothing is left behind however a process ends, and no tracker has to watch.
"""

from __future__ import annotations

import math
import os
import weakref
from mmap import mmap
from typing import Any

import numpy
from numpy import ndarray


_ALIGN = 64
_SMALL = 1 << 18
"""Arrays up to so many bytes share a segment, since a process has only so many descriptors."""

_ARENA = 1 << 22


class Segment(mmap):
    """A piece of shared memory.

    Attributes:
        file: its descriptor, which can be handed to another process; None once it has been closed.
        start: the address at which this process sees it.
    """

    file: int | None
    start: int
    _closing: weakref.finalize[Any, Any]

    def close_file(self) -> None:
        """Close the descriptor; the memory stays."""
        if self.file is not None:
            self.file = None
            self._closing()


_attached: weakref.WeakValueDictionary[tuple[int, int], Segment] = weakref.WeakValueDictionary()
"""The segments that this process sees, by device and inode, so that it sees each once."""


class _Arena:
    """Where small arrays go: a segment that is filled from the front and freed when the last of its arrays is."""

    segment: Segment | None = None
    used = 0


def _forget_arena() -> None:
    """A forked process begins an arena of its own: its parent goes on filling the one that both see."""
    _Arena.segment = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_arena)


def new_segment(size: int) -> Segment:
    """A new segment of at least ``size`` bytes, all zero."""
    size = max(size, 1)
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("dynamic")
    else:
        import tempfile  # 30 ms, and not wanted on Linux

        with tempfile.TemporaryFile() as opened:
            file = os.dup(opened.fileno())
    os.ftruncate(file, size)
    return _entered(file, size)


def attach(file: int) -> Segment:
    """The segment behind a descriptor that came from another process; it is closed where the segment is known here."""
    status = os.fstat(file)
    known = _attached.get((status.st_dev, status.st_ino))
    if known is not None:
        if known.file != file:
            os.close(file)
        return known
    return _entered(file, status.st_size)


def _entered(file: int, size: int) -> Segment:
    segment = Segment(file, size)
    segment.file = file
    segment.start = numpy.frombuffer(segment, numpy.uint8).ctypes.data
    segment._closing = weakref.finalize(segment, os.close, file)
    status = os.fstat(file)
    _attached[status.st_dev, status.st_ino] = segment
    return segment


def segment_of(array: Any) -> Segment | None:
    """The segment that an array's memory lies in; None where it lies in none."""
    while array is not None and not isinstance(array, Segment):
        array = array.obj if isinstance(array, memoryview) else getattr(array, "base", None)
    return array


def shared_copy(array: ndarray) -> ndarray:
    """A copy of ``array`` in shared memory."""
    size = -(-array.nbytes // _ALIGN) * _ALIGN
    if size > _SMALL:
        segment, offset = new_segment(size), 0
    else:
        if _Arena.segment is None or _Arena.used + size > _ARENA:
            _Arena.segment, _Arena.used = new_segment(_ARENA), 0
        segment, offset = _Arena.segment, _Arena.used
        _Arena.used += size
    out: ndarray = ndarray(array.shape, array.dtype, segment, offset)
    out[...] = array
    return out


def joined(chunks: list[memoryview]) -> tuple[Segment, list[tuple[int, int]]]:
    """A segment with a copy of each chunk of bytes, and where each begins and ends."""
    spans = []
    end = 0
    for chunk in chunks:
        start = -(-end // _ALIGN) * _ALIGN
        end = start + chunk.nbytes
        spans.append((start, end))
    segment = new_segment(end)
    with memoryview(segment) as view:
        for (start, end), chunk in zip(spans, chunks, strict=True):
            view[start:end] = chunk
    return segment, spans


def view_of(segment: Segment, offset: int, shape: tuple[int, ...], dtype: Any, strides: tuple[int, ...]) -> ndarray:
    """The array of a segment that begins ``offset`` bytes after its start."""
    if not math.prod(shape):
        return ndarray(shape, dtype)
    return ndarray(shape, dtype, segment, offset, strides)


def share_memory_(self: Any) -> Any:
    """Move the tensor's elements to memory that processes share, and return the tensor.

    A process that is forked, or that the tensor is sent to, then sees changes in place, and this one sees its changes. Views
    and numpy arrays that were made of the tensor before stay where they are.
    """
    if segment_of(self._array) is None:
        self._array = shared_copy(self._array)
    return self


def is_shared(self: Any) -> bool:
    """Whether the tensor's elements are in memory that processes share."""
    return segment_of(self._array) is not None
