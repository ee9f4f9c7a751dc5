"""A session's connection to a Dask cluster: its client, the processes that it has started itself, and who is where."""

from __future__ import annotations

import atexit
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any
from weakref import finalize

from graphs.core.errors import at_line
from static.distributed.cluster import ClusterSpec
from static.distributed.exchange import plugin
from static.distributed.targets import Target
from static.errors import UnavailableError


_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_START = 180.0
"""Seconds in which a worker process has to be there."""


@dataclass(slots=True)
class Task:
    """A task of the cluster.

    Attributes:
        job, index: its name, as in ``/job:worker/task:1``.
        worker: the name of its Dask worker; ``address`` where that is, ``pid`` its process.
    """

    job: str
    index: int
    worker: str
    address: str
    pid: int = 0

    @property
    def name(self) -> str:
        """``/job:worker/task:1``."""
        return f"/job:{self.job}/task:{self.index}"

    @property
    def device(self) -> str:
        """The whole name of its processor, as placements have it."""
        return f"/job:{self.job}/replica:0/task:{self.index}/device:CPU:0"

    def __str__(self) -> str:
        return f"{self.name} (worker {self.worker!r} at {self.address}, pid {self.pid})"


class Connection:
    """A client, its workers, and the processes started for them.

    Args:
        target: what to connect to.
        spec: which worker is which task; without one the workers are the tasks of the job ``worker``, by their names.
    """

    def __init__(self, target: Target, spec: ClusterSpec | None) -> None:
        self.target = target
        self.spec = spec
        self._own = _Own()
        self._close = finalize(self, _Own.close, self._own)
        try:
            self.client = target.client or self._connected(target)
            atexit.register(self._close)  # registered after Dask's own, so called before: a client without a scheduler waits
            self.client.register_plugin(plugin())
            self.address = str(self.client.scheduler.address).removeprefix("tcp://")
            self.tasks = self._tasks()
        except BaseException:
            self.close()
            raise

    def _connected(self, target: Target) -> Any:
        from distributed import Client

        own = self._own
        address = target.address
        if not address:
            count = target.workers or _processors()
            own.start(count)
            address = own.cluster.scheduler_address
        try:
            client = own.client = Client(address, timeout=target.timeout, set_as_default=False, name="diptych")
        except OSError as error:
            raise UnavailableError(None, f"there is no Dask scheduler at {address}: {error}{at_line()}") from None
        waited = target.workers or 1
        deadline = time.monotonic() + _START
        while len(_workers(client)) < waited:
            own.check()
            if time.monotonic() > deadline:
                raise UnavailableError(
                    None, f"{len(_workers(client))} of {waited} workers are there after {_START:g} s at {address}{at_line()}"
                )
            time.sleep(0.02)
        return client

    def workers(self) -> dict[str, str]:
        """The addresses of the workers that are there, by name, in a stable order."""
        return _workers(self.client)

    def _tasks(self) -> list[Task]:
        found = self.workers()
        if self.spec is None:
            return [Task("worker", i, name, address) for i, (name, address) in enumerate(found.items())]
        tasks = []
        for job in self.spec.jobs:
            for index in self.spec.task_indices(job):
                wanted = self.spec.task_address(job, index)
                place = _look_up(found, wanted)
                if place is None:
                    there = ", ".join(f"{name} at {address}" for name, address in found.items()) or "none"
                    raise UnavailableError(
                        None,
                        f"/job:{job}/task:{index} is {wanted!r}, and no worker is called so. There are: {there}{at_line()}",
                    )
                tasks.append(Task(job, index, *place))
        return tasks

    def close(self) -> None:
        """End the processes that were started, and the connection where it is the session's own."""
        self._close()
        atexit.unregister(self._close)


class _Own:
    """What belongs to a connection and has to be ended with it."""

    def __init__(self) -> None:
        self.client: Any = None
        self.cluster: Any = None
        self.processes: list[subprocess.Popen[bytes]] = []
        self.folder: TemporaryDirectory[str] | None = None

    def start(self, count: int) -> None:
        """A scheduler in this process and ``count`` worker processes of one thread each, all on the loopback."""
        from distributed import LocalCluster

        self.cluster = LocalCluster(
            n_workers=0, host="127.0.0.1", scheduler_port=0, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL
        )
        self.folder = TemporaryDirectory(prefix="diptych-workers-")
        here = [path or os.getcwd() for path in sys.path]
        environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONPATH": os.pathsep.join(here)}
        for i in range(count):
            options = {
                "name": str(i),
                "nthreads": 1,
                "host": "127.0.0.1",
                "memory_limit": 0,
                "dashboard": False,
                "local_directory": self.folder.name,
                "silence_logs": logging.CRITICAL,
                "preload": ["static.distributed.tether"],
            }
            spec = json.dumps({"cls": "distributed.Worker", "opts": options})
            command = [sys.executable, "-m", "distributed.cli.dask_spec", self.cluster.scheduler_address, "--spec", spec]
            self.processes.append(subprocess.Popen(command, env=environment, stdin=subprocess.PIPE))

    def check(self) -> None:
        """Raise UnavailableError where a worker process has ended before it was there."""
        for i, process in enumerate(self.processes):
            if process.poll() is not None:
                raise UnavailableError(None, f"the process of worker {i} ended at once, with {process.returncode}")

    def close(self) -> None:
        """End everything, whatever state it is in."""
        for each in (self.client, self.cluster):
            if each is not None:
                each.close()
        for process in self.processes:
            process.kill()
        for process in self.processes:
            if process.stdin is not None:
                process.stdin.close()
            process.wait()
        if self.folder is not None:
            self.folder.cleanup()
        self.client = self.cluster = self.folder = None
        self.processes = []


def _workers(client: Any) -> dict[str, str]:
    """Names and addresses of a scheduler's workers: numbers by size, then other names."""
    info: Mapping[str, Any] = client.sync(client.scheduler.identity)["workers"]
    found = [(str(about.get("name", address)), address) for address, about in info.items()]

    def order(entry: tuple[str, str]) -> tuple[bool, int, str, str]:
        name, address = entry
        return (not name.isdecimal(), int(name) if name.isdecimal() else 0, name, address)

    return dict(sorted(found, key=order))


def _look_up(workers: Mapping[str, str], wanted: str) -> tuple[str, str] | None:
    if wanted in workers:
        return wanted, workers[wanted]
    for name, address in workers.items():
        if address == wanted or address.partition("://")[2] == wanted:
            return name, address
    return None


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


__all__ = ["Connection", "Task"]
