"""Starting the ranks of a program on this host, watching them, and ending all where one has ended badly."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from dynamic.distributed.errors import DistError
from dynamic.distributed.line import LAUNCHED, NUMBER, Lines
from dynamic.distributed.pmi import Server


_LOOK = 0.02
"""Seconds between looks at whether ranks are alive."""


class Failure(NamedTuple):
    """A rank that has ended badly, and how."""

    rank: int
    why: str
    code: int


class Ranks:
    """The processes of one attempt, as many as ``size``.

    Args:
        command: what each runs.
        extra: variables for all of them.
        grace: seconds that the others have, once one has ended badly, to end by an error of their own.
    """

    def __init__(self, command: Sequence[str], size: int, extra: dict[str, str], grace: float) -> None:
        if sys.platform == "win32":
            raise DistError("this launcher hands sockets down, which Windows does not: use mpiexec -n")
        self._size, self._grace = size, grace
        self._server = Server(size)
        self._selector = selectors.DefaultSelector()
        self._lines: list[socket.socket] = []
        self._told: dict[int, str] = {}
        self._heard = Lines()
        self.processes: list[subprocess.Popen[bytes]] = []
        try:
            for rank in range(size):
                self._start(command, rank, extra)
        except BaseException:
            self.end()
            raise

    def _start(self, command: Sequence[str], rank: int, extra: dict[str, str]) -> None:
        manager, asking = socket.socketpair()
        ours, theirs = socket.socketpair()
        with asking, theirs:
            variables = {
                "PMI_FD": str(asking.fileno()),
                "PMI_RANK": str(rank),
                "PMI_SIZE": str(self._size),
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": str(self._size),
                "LOCAL_WORLD_SIZE": str(self._size),
                LAUNCHED: "1",
                NUMBER: str(theirs.fileno()),
            }
            process = subprocess.Popen(
                command, env={**os.environ, **variables, **extra}, pass_fds=(asking.fileno(), theirs.fileno())
            )
        self.processes.append(process)
        self._lines.append(ours)
        for link, role in ((manager, "manager"), (ours, "line")):
            self._selector.register(link, selectors.EVENT_READ, (role, rank))

    def wait(self) -> list[Failure]:
        """Wait until all have ended: those that failed by themselves, first come first. None is left running."""
        failed: list[Failure] = []
        over: set[int] = set()
        end = None
        while len(over) < self._size:
            self._listen(_LOOK)
            for rank, process in enumerate(self.processes):
                code = process.poll()
                if rank in over or code is None:
                    continue
                self._listen(0)
                over.add(rank)
                if code != 0 and (end is None or rank in self._server.aborted):
                    failed.append(Failure(rank, self._how(rank, code), code))
                    self._tell(failed[-1])
                    end = end or time.monotonic() + self._grace
            if end is not None and time.monotonic() > end:
                self.end()
        return failed

    def _how(self, rank: int, code: int) -> str:
        told = self._told.get(rank)
        if code < 0:
            name = signal.Signals(-code).name if -code in {each.value for each in signal.Signals} else f"signal {-code}"
            return f"(process {self.processes[rank].pid}) was killed by {name}"
        return f"ended by {told}" if told else f"ended with exit code {code}"

    def _tell(self, failure: Failure) -> None:
        text = json.dumps({"lost": failure.rank, "why": failure.why}).encode() + b"\n"
        for rank, line in enumerate(self._lines):
            if rank != failure.rank and self.processes[rank].poll() is None:
                with contextlib.suppress(OSError):
                    line.sendall(text)

    def _listen(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            role, rank = key.data
            link: Any = key.fileobj
            alive = self._server.answer(rank, link) if role == "manager" else self._note(rank, link)
            if not alive:
                self._selector.unregister(link)
                if role == "manager":
                    link.close()

    def _note(self, rank: int, link: socket.socket) -> bool:
        lines = self._heard.read(link)
        for text in lines or ():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                self._told[rank] = str(json.loads(text)["why"])
        return lines is not None

    def send_signal(self, number: int) -> None:
        """Pass a signal on to those that run."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(number)

    def end(self) -> None:
        """End those that still run: they are asked to, and killed where they do not within a second."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.send_signal(number)
            end = time.monotonic() + 1.0
            for process in self.processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, end - time.monotonic()))

    def close(self) -> None:
        """End those that run, and hang up."""
        self.end()
        self._server.sweep()
        self._selector.close()
        for line in self._lines:
            line.close()
