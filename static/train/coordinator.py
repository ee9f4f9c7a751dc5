"""``tf.train.Coordinator``: threads that stop together, and what of queues' runners programs still call."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from static import logging
from static.errors import OutOfRangeError


class Coordinator:
    """Lets threads ask each other to stop, and hands the first one's error to whoever waits for them.

    ``clean_stop_exception_types`` are exceptions that mean no more than that there is nothing left to do.
    """

    def __init__(self, clean_stop_exception_types: Sequence[type[BaseException]] | None = None) -> None:
        self._clean = (OutOfRangeError,) if clean_stop_exception_types is None else tuple(clean_stop_exception_types)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._joined = False
        self._threads: set[threading.Thread] = set()

    def request_stop(self, ex: Any = None) -> None:
        """Ask all to stop. ``ex`` is an exception that is the reason, or ``sys.exc_info()``'s result; ``join`` raises it."""
        error = ex[1] if isinstance(ex, tuple) else ex
        if isinstance(error, self._clean):
            error = None
        with self._lock:
            if self._joined and error is not None:
                raise error
            if not self._stop.is_set():
                if error is not None:
                    logging.info("Error reported to Coordinator: %s, %s", type(error), error)
                    self._error = error
                self._stop.set()

    def clear_stop(self) -> None:
        """Forget that anybody asked."""
        with self._lock:
            self._joined = False
            self._error = None
            self._stop.clear()

    def should_stop(self) -> bool:
        """Whether somebody has asked."""
        return self._stop.is_set()

    @contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """A context that makes an exception a request to stop."""
        try:
            yield
        except BaseException:  # whatever ends this thread is to end the others
            self.request_stop(sys.exc_info())

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Wait until somebody asks, or ``timeout`` seconds; whether somebody has."""
        return self._stop.wait(timeout)

    def register_thread(self, thread: threading.Thread) -> None:
        """Have ``join`` wait for ``thread``."""
        with self._lock:
            self._threads.add(thread)

    def join(
        self,
        threads: Iterable[threading.Thread] | None = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Wait until ``threads`` and the registered ones have ended, then raise the error that was reported, if any.

        Once a stop has been asked for they have ``stop_grace_period_secs`` left. Raises RuntimeError, naming those that go
        on, unless ``ignore_live_threads``.
        """
        with self._lock:
            waited = [*self._threads.union(threads or ())]
        while any(thread.is_alive() for thread in waited) and not self._stop.wait(0.05):
            pass
        end = time.monotonic() + stop_grace_period_secs
        for thread in waited:
            thread.join(max(end - time.monotonic(), 0.0))
        alive = " ".join(thread.name for thread in waited if thread.is_alive())
        with self._lock:
            self._joined = True
            self._threads = set()
            if self._error is not None:
                raise self._error
            if alive and not ignore_live_threads:
                raise RuntimeError(f"Coordinator stopped with threads still running: {alive}")
        if alive:
            logging.info("Coordinator stopped with threads still running: %s", alive)

    @property
    def joined(self) -> bool:
        """Whether ``join`` has been called since the last ``clear_stop``."""
        return self._joined

    def raise_requested_exception(self) -> None:
        """Raise the error that was reported, if any."""
        with self._lock:
            if self._error is not None:
                raise self._error


class LooperThread(threading.Thread):
    """A thread that calls ``target`` every ``timer_interval_secs`` seconds (None: without a pause) until it is to stop.

    A subclass may have ``run_loop``, ``start_loop`` and ``stop_loop`` in place of ``target``. An exception asks ``coord`` to
    stop.
    """

    def __init__(
        self,
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any] | None = None,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(daemon=True)
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord!r}")
        self._coord = coord
        self._interval = timer_interval_secs
        self._call: tuple[Any, ...] = (target, tuple(args or ()), dict(kwargs or {}))
        coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> LooperThread:
        """A thread that has been started."""
        looper = LooperThread(coord, timer_interval_secs, target, args, kwargs)
        looper.start()
        return looper

    def run(self) -> None:
        """Call and wait, in turn."""
        with self._coord.stop_on_exception():
            self.start_loop()
            pause = self._interval or 0.0
            due = time.monotonic()
            while not self._coord.wait_for_stop(max(due - time.monotonic(), 0.0)):
                due += pause
                self.run_loop()
            self.stop_loop()

    def start_loop(self) -> None:
        """Called once, before all else."""

    def stop_loop(self) -> None:
        """Called once, when it is to stop."""

    def run_loop(self) -> None:
        """Called again and again."""
        target, args, kwargs = self._call
        if target is not None:
            target(*args, **kwargs)


def start_queue_runners(
    sess: Any = None,
    coord: Coordinator | None = None,
    daemon: bool = True,
    start: bool = True,
    collection: str = "queue_runners",
) -> list[threading.Thread]:
    """The threads that fill queues: none, as there are no queues here. Programs that call it by habit run."""
    return []
