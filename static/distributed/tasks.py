"""What a session on a cluster has there: its connection, a part on each task, and how it talks to them."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Mapping
from typing import Any

from graphs.core.errors import at_line
from graphs.core.parts import threads
from static import errors
from static.distributed.connection import Connection, Task
from static.distributed.home import Home
from static.distributed.placement import Placer
from static.distributed.rounds import Wire
from static.distributed.targets import OnCluster, Target
from static.distributed.worker import WorkerPart


class Tasks(OnCluster):
    """The part of ``ClusterSession`` that knows the cluster."""

    tasks: list[Task]
    broken: str
    _closed: bool
    _lock: threading.RLock
    _connection: Connection | None
    _target: Target
    _config: Any
    _name: str
    _runs: int
    _version: int
    _weight: float
    _inside: bool
    _homes: dict[Any, int]
    _pending: dict[int, list[int]]

    @property
    def _link(self) -> Connection:
        if self._connection is None or self._closed:
            raise errors.closed()
        return self._connection

    def _begin(self) -> None:
        """Make a part for each task, anew."""
        self._wire = Wire(self._link.client, self._name, self.tasks, self._target.timeout)
        self._home = Home(self._wire)
        self._pending: dict[int, list[int]] = {}
        self._parts = self._wire.begin(WorkerPart, threads())
        self._where = Placer(self.tasks, bool(self._config.allow_soft_placement), self._target.place)

    def rebuild(self) -> None:
        """Go on with the workers that are left: tasks of lost ones are taken over by the others, in turn.

        All variables lose their values, whatever worker they are on: restore a checkpoint. Raises UnavailableError where no
        worker is left.
        """
        with self._lock:
            alive = self._answering()
            free = 0
            for task in self.tasks:
                if task.worker in alive:
                    task.address = alive[task.worker]
                else:
                    task.worker, task.address = list(alive.items())[free % len(alive)]
                    free += 1
            self._name = uuid.uuid4().hex
            self._version += 1
            self._homes.clear()
            self._weight = 0.0
            self.broken = ""
            self._begin()

    def _answering(self) -> dict[str, str]:
        """The workers that answer, by name. Raises UnavailableError where none does."""
        link = self._link
        there = link.workers()

        async def ask(address: str) -> bool:
            try:
                await asyncio.wait_for(link.client.rpc(address).diptych_ping(session=self._name), self._target.timeout)
            except (OSError, TimeoutError):
                return False
            return True

        async def every() -> list[bool]:
            return await asyncio.gather(*map(ask, there.values()))

        found = self._wire.wait(every())
        alive = {name: address for (name, address), answers in zip(there.items(), found, strict=True) if answers}
        if not alive:
            raise errors.UnavailableError(None, f"no worker is left to go on with{at_line()}")
        return alive

    def _ask(self, method: str, calls: Mapping[int, Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
        if not calls:
            return {}
        answers: dict[int, dict[str, Any]] = self._wire.wait(self._wire.round(self._runs, method, calls))
        return answers

    def _usable(self) -> None:
        if self._closed:
            raise errors.closed()
        if self.broken:
            raise errors.AbortedError(
                None,
                f"this session is broken: {self.broken}. session.rebuild() goes on with who is left{at_line()}",
            )
        if self._inside:
            raise errors.FailedPreconditionError(None, f"a run of this session may not begin inside another{at_line()}")


__all__ = ["Tasks"]
