"""An iterator over batches that worker processes make, in order, or as they come."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import time
import weakref
from collections import deque
from multiprocessing.connection import wait
from typing import Any

from dynamic.multiprocessing.channels import Pipe
from dynamic.multiprocessing.parcels import pack_batch
from dynamic.utils.data.fetching import Plan
from dynamic.utils.data.worker import WorkerInfo, work


_PATIENCE = 5.0
"""Seconds that workers have to finish a batch that nobody wants any more."""

_MOST = 32
"""Batches that wait for one worker at most: as many messages a socket holds, so that neither side waits to send."""


class Crew:
    """Worker processes and the connections to them. It knows nothing of the iterator, whose end is its end."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.processes: list[Any] = []
        self.channels: list[Any] = []

    def start(self, context: Any, plan: Plan, count: int, seed: int, init: Any) -> None:
        """Start ``count`` workers, worker ``i`` with the seed ``seed + i``."""
        method = context.get_start_method()
        for i in range(count):
            ours, theirs = Pipe()
            self.channels.append(ours)
            inherited = tuple(self.channels) if method == "fork" else ()
            parent = None if method == "forkserver" else os.getpid()
            info = WorkerInfo(i, count, seed + i, plan.dataset)
            process = context.Process(target=work, args=(theirs, plan, info, init, parent, inherited), daemon=True)
            try:
                process.start()
            finally:
                theirs.close()
            self.processes.append(process)

    def stop(self) -> None:
        """End the workers; those that are busy have some seconds before they are terminated."""
        if os.getpid() != self.pid:
            return  # a fork's copy: the processes are not its children
        for channel in self.channels:
            # Closing would do, but for processes that were forked meanwhile and have the connection open too.
            with contextlib.suppress(OSError):
                channel.send_parcel(pack_batch(None))
            channel.close()
        end = time.monotonic() + _PATIENCE
        for process in self.processes:
            process.join(max(0.0, end - time.monotonic()))
            if process.is_alive():
                process.terminate()
                process.join(_PATIENCE)
            if process.is_alive():
                process.kill()
                process.join()

    def why(self, worker: int) -> str:
        """How a worker that no longer answers has ended."""
        process = self.processes[worker]
        process.join(_PATIENCE)
        code = process.exitcode
        if code is not None and code < 0:
            how = f"is killed by signal: {signal.strsignal(-code) or -code}"
            hint = " (out of memory?)" if code == -signal.SIGKILL else ""
            return f"DataLoader worker (pid {process.pid}) {how}{hint}"
        return f"DataLoader worker (pid(s) {process.pid}) exited unexpectedly with exit code {code}"


class WorkersIterator:
    """Batches from worker processes, each taking the sampler's next numbers in turn."""

    def __init__(self, loader: Any, seed: int) -> None:
        self._sampler = loader._index_sampler  # not the loader, which may have this iterator
        self._persistent = loader.persistent_workers
        self._timeout = loader.timeout
        self._ordered = loader.in_order
        self._ahead = min(loader.prefetch_factor, _MOST)
        self._crew = Crew()
        self._close = weakref.finalize(self, self._crew.stop)
        self._crew.start(loader._context(), loader._plan(), loader.num_workers, seed, loader.worker_init_fn)
        self._begin()

    def _begin(self) -> None:
        self._numbers = iter(self._sampler)
        self._active = [True] * len(self._crew.processes)
        self._waiting = [0] * len(self._crew.processes)
        self._turns = itertools.cycle(range(len(self._crew.processes)))
        self._asked: deque[int] = deque()
        for _ in range(self._ahead * len(self._crew.processes)):
            self._ask()

    def again(self) -> None:
        """Begin anew with the same workers; batches that nobody has taken are dropped."""
        for worker in range(len(self._crew.processes)):
            self._send(worker, ("again", None))
            while self._receive(worker)[0] != "again":
                pass
        self._begin()

    def __iter__(self) -> WorkersIterator:
        return self

    def __len__(self) -> int:
        return len(self._sampler)

    def __next__(self) -> Any:
        while self._asked:
            worker = self._asked.popleft() if self._ordered else self._ready()
            self._waiting[worker] -= 1
            kind, answer = self._receive(worker)
            if kind == "end":
                self._active[worker] = False
                self._asked = deque(other for other in self._asked if other != worker)
                self._ask()
                continue
            self._ask()
            if kind == "error":
                raise answer.again()
            return answer
        if not self._persistent:
            self._close()
        raise StopIteration

    def _ask(self) -> None:
        """Have the next worker make the next batch."""
        workers = (worker for worker in itertools.islice(self._turns, len(self._active)) if self._active[worker])
        worker = next(workers, None)
        if worker is None:
            return
        if not self._ordered:
            worker = min((w for w, active in enumerate(self._active) if active), key=self._waiting.__getitem__)
        try:
            numbers = next(self._numbers)
        except StopIteration:
            return
        self._waiting[worker] += 1
        self._asked.append(worker)
        self._send(worker, ("batch", numbers))

    def _ready(self) -> int:
        channels = {self._crew.channels[worker]: worker for worker in self._asked}
        found = wait(list(channels), self._timeout or None)
        if not found:
            raise self._late()
        worker = channels[found[0]]
        self._asked.remove(worker)
        return worker

    def _late(self) -> RuntimeError:
        self._close()
        return RuntimeError(f"DataLoader timed out after {self._timeout} seconds")

    def _send(self, worker: int, message: tuple[str, Any]) -> None:
        try:
            self._crew.channels[worker].send_parcel(pack_batch(message))
        except ConnectionError:
            raise self._lost(worker) from None

    def _receive(self, worker: int) -> tuple[str, Any]:
        channel = self._crew.channels[worker]
        try:
            if self._timeout:
                if not channel.poll(self._timeout):
                    raise self._late()
            else:
                while not channel.poll(5.0):  # whoever the worker has started may keep the connection open
                    if not self._crew.processes[worker].is_alive() and not channel.poll(0):
                        raise EOFError
            return channel.recv()
        except (EOFError, ConnectionError):
            raise self._lost(worker) from None
        except BaseException as interrupted:
            if not isinstance(interrupted, Exception):
                self._close()  # half a message may have been read
            raise

    def _lost(self, worker: int) -> RuntimeError:
        message = self._crew.why(worker)
        self._close()
        return RuntimeError(message)
