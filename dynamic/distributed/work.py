"""Operations under way: ``Work``, and the row that those of one group stand in.

An operation is a generator that yields the requests it waits for. Whoever waits steps through the row, and, where something
was left to run in the background, so does a thread of the row.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from dynamic.distributed import line
from dynamic.distributed.errors import DistBackendError, LateError, at
from graphs.core.errors import Where, at_line


Steps = Generator[Any, None, None]
"""An operation: it yields lists of MPI requests, or what has ``done()``, and goes on when all of it is done."""

_EAGER, _YIELDING = 50, 300
"""Looks at requests before the processor is given up between them, and before the thread sleeps between them."""

_NAP, _LONG_NAP = 5e-6, 500e-6
"""Seconds that a thread sleeps between looks, at first and at last."""


class Work:
    """An operation that was begun: PyTorch's handle of one with ``async_op=True``."""

    _error: BaseException | None = None
    _done = False
    since: float | None = None
    """When its turn came, as ``time.monotonic()`` tells."""

    def __init__(self, row: Row, told: Callable[[], str], where: Where | None, steps: Steps, timeout: float, result: Any):
        self.row, self._told, self.where, self._steps, self.timeout = row, told, where, steps, timeout
        self._result = result
        self.requests: Any = ()

    @property
    def name(self) -> str:
        """What it is, and on which rank."""
        return self._told()

    @property
    def line(self) -> str:
        """The user's line that began it, for the end of a message."""
        return at(self.where)

    def is_completed(self) -> bool:
        """Whether it is over; asking moves it on."""
        if not self._done:
            self.row.poke()
        return self._done

    def is_success(self) -> bool:
        """Whether it is over without an error."""
        return self.is_completed() and self._error is None

    def exception(self) -> BaseException | None:
        """Its error, if it had one."""
        return self._error

    def wait(self, timeout: Any = None) -> bool:
        """Wait until it is over: True. Raises its error; LateError naming the ranks that did not come, after the timeout."""
        seconds = None if timeout is None else in_seconds(timeout)
        end = None if not seconds else time.monotonic() + seconds
        looks = 0
        while not self._done:
            if self.row.poke():
                looks = 0
                continue
            if end is not None and time.monotonic() > end:
                raise LateError(f"{self.name} is not over after {seconds:g} s{at_line()}")
            looks = rest(looks)
        if self._error is not None:
            raise self._error
        return True

    synchronize = wait

    def result(self) -> Any:
        """The tensors that it was given to fill, once it is over."""
        self.wait()
        return self._result

    def source_rank(self) -> int:
        """The rank that a message came from. Raises DistError for other operations."""
        raise DistBackendError(f"{self.name} has no source{at_line()}")

    def _step(self) -> bool:
        """Go on if what is waited for is done; whether it went on."""
        if self.requests and not self.row.done(self.requests):
            return False
        try:
            self.requests = next(self._steps)
        except StopIteration:
            self._done = True
        except BaseException as error:
            self._fail(error)
        return True

    def _fail(self, error: BaseException) -> None:
        self._error, self._done = error, True
        self._steps.close()


class Row:
    """The operations of one group, one after the other in the order in which they were begun.

    Args:
        testall: MPI's, which tells whether requests are done.
        missing: tells, for an error, which ranks the first operation waits for.
        gone: raises where it waits for a rank that has left.
    """

    def __init__(self, testall: Any, missing: Callable[[], str], gone: Callable[[], None] | None = None) -> None:
        self._testall, self._missing, self._gone = testall, missing, gone
        self._works: deque[Work] = deque()
        self._lock = threading.Lock()
        self._begun = threading.Event()
        self._thread: threading.Thread | None = None
        self.broken: BaseException | None = None

    def done(self, awaited: Any) -> bool:
        """Whether all that an operation has yielded is done."""
        return bool(self._testall(awaited)) if isinstance(awaited, list) else awaited.done()

    def add(self, work: Work, background: bool = False) -> None:
        """Let an operation follow those before it; with ``background`` a thread goes on with it meanwhile."""
        if self.broken is not None:
            work._fail(_after(self.broken))
            return
        self._works.append(work)
        self.poke()
        if background and not work._done:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="process group", daemon=True)
                self._thread.start()
            self._begun.set()

    def poke(self) -> bool:
        """Go on as far as it goes without waiting; whether something went on. Another thread may be at it."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            moved = False
            while self._works:
                work = self._works[0]
                if work.since is None:
                    work.since = time.monotonic()
                if not work._step():
                    self._check(work)
                    if not work._done:
                        return moved
                moved = True
                if work._done:
                    self._works.popleft()
                    if isinstance(work._error, (LateError, ConnectionError)):
                        self._break(work._error)
            return moved
        finally:
            self._lock.release()

    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._works

    def _check(self, work: Work) -> None:
        try:
            line.check(work)
            if self._gone is not None:
                self._gone()
        except DistBackendError as error:
            work._fail(error)
            return
        assert work.since is not None
        if time.monotonic() - work.since > work.timeout:
            missing = self._missing()
            who = f"waits for {missing}" if missing else "has all ranks, but some of them do not go on"
            work._fail(LateError(f"{work.name}, after {work.timeout:g} s, {who}{work.line}"))

    def _break(self, error: BaseException) -> None:
        """The ranks no longer are at one: nothing that follows can be right."""
        self.broken = error
        while self._works:
            self._works.popleft()._fail(_after(error))

    def close(self, error: BaseException) -> bool:
        """Take no more operations; whether none was under way. Those that were are given up."""
        with self._lock:
            idle = not self._works
            self._break(error)
        return idle

    def _run(self) -> None:
        looks, process = 0, os.getpid()
        while os.getpid() == process:
            if not self._works:
                self._begun.clear()
                if not self._works:
                    self._begun.wait()
                looks = 0
            looks = 0 if self.poke() else rest(looks)


def rest(looks: int) -> int:
    """Wait a little between two looks, the longer the more there were; the number of looks now."""
    if looks < _EAGER:
        return looks + 1
    if looks < _YIELDING:
        time.sleep(0)
        return looks + 1
    time.sleep(min(_LONG_NAP, _NAP * 1.01 ** (looks - _YIELDING)))
    return looks + 1


def in_seconds(timeout: Any) -> float:
    """A timeout, a ``timedelta`` or seconds, in seconds."""
    return float(timeout.total_seconds() if hasattr(timeout, "total_seconds") else timeout)


def _after(error: BaseException) -> DistBackendError:
    return DistBackendError(f"the group is of no use since an operation failed: {str(error).splitlines()[0]}{at_line()}")
