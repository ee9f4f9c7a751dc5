"""The line between a rank and the launcher that started it: a socket pair over which each tells the other of an end.

Both sides write a JSON object a line. The launcher tells ``{"lost": rank, "why": text}``; a rank tells ``{"why": text}``
before it ends by an exception. A launcher that is gone ends the rank.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from functools import cache
from typing import Any

from dynamic.distributed.errors import LostError


LAUNCHED, NUMBER = "DIPTYCH_LAUNCHED", "DIPTYCH_LINE"
"""Variables of a rank that our launcher started: that it did, and the line's descriptor, which children do not inherit."""

_lost: dict[int, str] = {}


@cache
def begin() -> socket.socket | None:
    """Listen to the launcher from now on; None where no launcher of ours started this process."""
    number = os.environ.pop(NUMBER, None)
    if number is None:
        return None
    ours = socket.socket(fileno=int(number))
    threading.Thread(target=_listen, args=(ours,), name="line to the launcher", daemon=True).start()
    return ours


def _listen(ours: socket.socket) -> None:
    process = os.getpid()
    with ours.makefile("rb") as told:
        for text in told:
            about = json.loads(text)
            _lost[int(about["lost"])] = str(about["why"])
    if os.getpid() == process:
        os._exit(1)  # the launcher is gone, and nobody would end this rank


class Lines:
    """What comes over sockets, a line at a time."""

    def __init__(self) -> None:
        self._rest: dict[socket.socket, bytes] = {}

    def read(self, link: socket.socket) -> list[bytes] | None:
        """The lines that have become whole; None once the other side has hung up."""
        try:
            data = link.recv(65536)
        except OSError:
            return None
        if not data:
            return None
        *lines, self._rest[link] = (self._rest.get(link, b"") + data).split(b"\n")
        return lines


def told(why: str) -> bool:
    """Tell the launcher why this rank ends; whether there is one."""
    ours = begin()
    if ours is None:
        return False
    try:
        ours.sendall(json.dumps({"why": why}).encode() + b"\n")
    except OSError:
        return False
    return True


def check(waiting: Any) -> None:
    """Raise LostError if a rank has ended; ``waiting`` is the operation that waits for it."""
    if _lost:
        text = "; ".join(f"rank {rank} {why}" for rank, why in sorted(_lost.items()))
        raise LostError(f"{text}, and {waiting.name} waits for it{waiting.line}")
