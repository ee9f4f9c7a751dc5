"""What travels between processes: pickled bytes, and beside them the descriptors of the shared memory that they speak of.

Tensors are moved to shared memory as they are sent, so that both processes see the same elements. Where an object travels in
a way that this package does not know (the arguments of a process that is spawned, the standard library's pipes) its
descriptors go the way that ``multiprocessing.reduction.DupFd`` knows.
"""

from __future__ import annotations

import pickle
import socket
import threading
from multiprocessing.reduction import DupFd, ForkingPickler
from typing import Any

from numpy import ndarray

from dynamic.nn.parameter import Buffer, Parameter
from dynamic.shared_memory import Segment, attach, joined, segment_of, share_memory_, shared_copy, view_of
from dynamic.tensor import Tensor
from graphs.core.errors import GradientError


PASSES_DESCRIPTORS = hasattr(socket, "SCM_RIGHTS") and hasattr(socket.socket, "sendmsg")
"""Whether the system hands open files to another process; elsewhere tensors travel as bytes."""

_INLINE = 1 << 12
"""Batches of more bytes than this go through shared memory. Messages stay so small that a socket holds some dozens."""

_MANY = 512
"""Where descriptors have come to this number, batches are copied, since a process has 1,024 of them, or 256, by default."""


class _Local(threading.local):
    """What pickling and sending, receiving and unpickling tell each other within a thread."""

    packed: list[Segment] | None = None
    leaving: list[Segment]
    arrived: list[Segment]

    def __init__(self) -> None:
        self.leaving, self.arrived = [], []


local = _Local()


class Parcel:
    """An object that has been pickled, with the shared memory that it speaks of. Unpickled, it is the object again."""

    def __init__(self, data: bytes, segments: list[Segment], opened: Any) -> None:
        self.data, self.segments, self.opened = data, segments, opened

    def __reduce__(self) -> tuple[Any, ...]:
        local.leaving = self.segments
        return self.opened, (self.data,)


def pack(obj: Any) -> Parcel:
    """``obj`` pickled; the memory of its tensors is shared from now on."""
    before, local.packed = local.packed, []
    try:
        return Parcel(bytes(ForkingPickler.dumps(obj)), local.packed, _opened)
    finally:
        local.packed = before


def _opened(data: bytes) -> Any:
    try:
        return ForkingPickler.loads(data)
    finally:
        local.arrived = []


def pack_batch(obj: Any) -> Parcel:
    """``obj`` pickled, with a copy of its arrays: all of them in one piece of shared memory where they are large."""
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(obj, 5, buffer_callback=buffers.append)
    chunks = [memoryview(data), *(buffer.raw() for buffer in buffers)]
    if sum(chunk.nbytes for chunk in chunks) <= _INLINE or not PASSES_DESCRIPTORS:
        return Parcel(pickle.dumps([bytearray(chunk) for chunk in chunks]), [], _opened_batch)
    segment, spans = joined(chunks)
    return Parcel(pickle.dumps(spans), [segment], _opened_batch)


def _opened_batch(data: bytes) -> Any:
    first, *others = pickle.loads(data)
    if local.arrived:
        (segment,), local.arrived = local.arrived, []
        file = segment.file or 0
        segment.close_file()
        view = memoryview(segment)
        chunks = [view[start:end] for start, end in (first, *others)]
        if file > _MANY:
            chunks = [memoryview(bytearray(chunk)) for chunk in chunks]
        first, *others = chunks
    return pickle.loads(first, buffers=others)


def _reduce_tensor(tensor: Any) -> tuple[Any, ...]:
    if not tensor.is_leaf:
        raise GradientError(f"only leaves are sent to another process, not what {tensor.grad_fn} made: detach() it")
    reduced: tuple[Any, ...] = tensor.__reduce__()
    if segment_of(tensor._array) is not None:
        return reduced
    if tensor._array.flags.owndata and not tensor._views:
        share_memory_(tensor)
        return tensor.__reduce__()
    # Views cannot be moved apart from what they show: the other process gets a copy.
    function, args = reduced
    return function, tuple(shared_copy(arg) if arg is tensor._array else arg for arg in args)


def _reduce_array(array: ndarray) -> Any:
    segment = segment_of(array)
    if segment is None or segment.file is None:
        return array.__reduce__()
    return view_of, (segment, array.ctypes.data - segment.start, array.shape, array.dtype, array.strides)


def _reduce_segment(segment: Segment) -> tuple[Any, ...]:
    assert segment.file is not None
    if local.packed is None:
        return _attached, (DupFd(segment.file),)
    local.packed.append(segment)
    return _arrived, (len(local.packed) - 1,)


def _attached(handle: Any) -> Segment:
    return attach(handle.detach())


def _arrived(index: int) -> Segment:
    return local.arrived[index]


if PASSES_DESCRIPTORS:
    ForkingPickler.register(Segment, _reduce_segment)
    ForkingPickler.register(ndarray, _reduce_array)
    for _kind in (Tensor, Parameter, Buffer):
        ForkingPickler.register(_kind, _reduce_tensor)
