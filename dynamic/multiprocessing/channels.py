"""Connections and queues whose messages carry shared memory with them, so that a sender may be gone before they are read."""

from __future__ import annotations

import array
import io
import multiprocessing.connection
import os
import socket
import struct
from multiprocessing import queues
from multiprocessing.connection import Connection
from multiprocessing.reduction import DupFd, ForkingPickler
from typing import Any

from dynamic.multiprocessing.parcels import PASSES_DESCRIPTORS, local, pack
from dynamic.shared_memory import Segment, attach


_HEADER = struct.Struct("!QI")
"""Before each message: its length, and how many descriptors belong to it."""

_AT_ONCE = 250
"""How many descriptors one call may send: Linux allows 253."""

_ROOM = 1 << 18


class Channel(Connection):
    """One end of a socket; as ``multiprocessing.connection.Connection``, but with descriptors beside the bytes."""

    def send(self, obj: Any) -> None:
        """Send an object, in shared memory what is tensors of it."""
        self.send_parcel(pack(obj))

    def send_parcel(self, parcel: Any) -> None:
        """Send what has been pickled already."""
        super().send(parcel)

    def _send_bytes(self, buf: Any) -> None:
        segments, local.leaving = local.leaving, []
        header = _HEADER.pack(len(buf), len(segments))
        if not segments:
            self._send(header + bytes(buf))  # type: ignore[attr-defined]
            return
        files = [_file(segment) for segment in segments]
        sock = self._socket()
        try:
            for at in range(0, len(files), _AT_ONCE):
                rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files[at : at + _AT_ONCE]))
                sock.sendmsg([b"+" if at else header], [rights])
        finally:
            sock.detach()
        self._send(buf)  # type: ignore[attr-defined]

    def _recv_bytes(self, maxsize: int | None = None) -> io.BytesIO:
        files = array.array("i")
        sock = self._socket()
        try:
            header = b""
            while len(header) < _HEADER.size:
                header += _receive(sock, _HEADER.size - len(header), files)
            size, count = _HEADER.unpack(header)
            while len(files) < count:
                _receive(sock, 1, files)
        finally:
            sock.detach()
            local.arrived = [attach(file) for file in files]
        return self._recv(size)  # type: ignore[attr-defined]

    def _socket(self) -> socket.socket:
        """A socket object over the same descriptor, to be detached after use."""
        return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, self.fileno())


def _file(segment: Segment) -> int:
    assert segment.file is not None
    return segment.file


def _receive(sock: socket.socket, size: int, files: array.array[int]) -> bytes:
    """Up to ``size`` bytes, the descriptors that came with them being added to ``files``. Raises EOFError at the end."""
    flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
    data, rights, *_ = sock.recvmsg(size, socket.CMSG_SPACE(_AT_ONCE * files.itemsize), flags)
    for level, kind, content in rights:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            files.frombytes(content[: len(content) - len(content) % files.itemsize])
    if not data:
        raise EOFError
    return data


def _reduce_channel(channel: Channel) -> tuple[Any, ...]:
    return _rebuilt_channel, (DupFd(channel.fileno()), channel.readable, channel.writable)


def _rebuilt_channel(file: Any, readable: bool, writable: bool) -> Channel:
    return Channel(file.detach(), readable, writable)


ForkingPickler.register(Channel, _reduce_channel)


def Pipe(duplex: bool = True) -> tuple[Any, Any]:  # noqa: N802 (the standard library's name)
    """Two connections, what is sent into one coming out of the other; without ``duplex`` the first only receives."""
    if not PASSES_DESCRIPTORS:
        return multiprocessing.connection.Pipe(duplex)
    ends = socket.socketpair()
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ROOM)
    first, second = (end.detach() for end in ends)
    os.set_blocking(first, True)  # whatever socket.setdefaulttimeout says
    os.set_blocking(second, True)
    return Channel(first, True, duplex), Channel(second, duplex, True)


def _replace_pipe(queue: Any) -> None:
    if PASSES_DESCRIPTORS:
        queue._reader.close()
        queue._writer.close()
        queue._reader, queue._writer = Pipe(duplex=False)


class SimpleQueue(queues.SimpleQueue):
    """A queue between processes that is a locked pipe; tensors go through shared memory."""

    def __init__(self, *, ctx: Any) -> None:
        super().__init__(ctx=ctx)
        _replace_pipe(self)
        self._poll = self._reader.poll  # type: ignore[attr-defined]

    def put(self, obj: Any) -> None:
        """Put an object in."""
        super().put(pack(obj) if PASSES_DESCRIPTORS else obj)


class Queue(queues.Queue):
    """A queue between processes, of at most ``maxsize`` objects; tensors go through shared memory.

    An object is pickled as it is put in, so that one that cannot be raises at once.
    """

    def __init__(self, maxsize: int = 0, *, ctx: Any) -> None:
        super().__init__(maxsize, ctx=ctx)
        _replace_pipe(self)
        self._reset()  # type: ignore[attr-defined]

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put an object in. Raises ``queue.Full`` where there is no room, within ``timeout`` seconds."""
        super().put(pack(obj) if PASSES_DESCRIPTORS else obj, block, timeout)


class JoinableQueue(queues.JoinableQueue):
    """A ``Queue`` that knows, through ``task_done``, when all has been dealt with."""

    def __init__(self, maxsize: int = 0, *, ctx: Any) -> None:
        super().__init__(maxsize, ctx=ctx)
        _replace_pipe(self)
        self._reset()  # type: ignore[attr-defined]

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put an object in. Raises ``queue.Full`` where there is no room, within ``timeout`` seconds."""
        super().put(pack(obj) if PASSES_DESCRIPTORS else obj, block, timeout)
