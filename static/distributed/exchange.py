"""Tensors from part to part: a mailbox on each worker, and the calls by which others put into it and take from it.

Values go straight from worker to worker over Dask's own connections; the scheduler has nothing to do with it any more once
the parts are in place. This is how the pieces stand to each other:

- ``Mailbox``: what has arrived on a worker for one session, by run and edge. ``take`` waits for a value, ``put`` brings one,
  ``abort`` ends all waiting for a run.
- ``Exchange``: the mailboxes of a worker, the parts that listen there, and how to send to others. ``exchange_of(worker)``
  finds it, ``plugin()`` the worker plugin that puts it there, with the calls (handlers) ``diptych_put``, ``diptych_take``,
  ``diptych_abort``, ``diptych_ping`` and ``diptych_call``.

Nothing of ours is pickled: messages are plain values, and arrays of numbers as Dask writes them.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

from numpy import ndarray

from graphs.core.errors import GraphsError


EXTENSION = "diptych-exchange"
"""What the exchange is called among a worker's extensions, and the plugin among its plugins."""


class AbortedWaitError(GraphsError):
    """A run was given up while a part waited for a tensor."""


class LateError(GraphsError):
    """A tensor has not come within the time that a part waits for one."""


def wired(message: Any) -> Any:
    """``message`` with its arrays marked for Dask to write, at any depth of dicts and lists."""
    from distributed.protocol import to_serialize

    def mark(x: Any) -> Any:
        if isinstance(x, ndarray):
            return to_serialize(x)
        if isinstance(x, dict):
            return {key: mark(value) for key, value in x.items()}
        return [mark(value) for value in x] if isinstance(x, (list, tuple)) else x

    return mark(message)


class Mailbox:
    """What has arrived for one session, by run and edge. Any thread may put and take."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._values: dict[tuple[int, int], Any] = {}
        self._aborted: dict[int, str] = {}
        self._first = 0
        self.heard = time.monotonic()

    def put(self, run: int, edge: int, message: Any) -> None:
        """Bring a tensor; one for a run that is over is dropped, and so is a second for the same edge."""
        with self._condition:
            if run >= self._first and (run, edge) not in self._values:
                self._values[run, edge] = message
                self._condition.notify_all()

    def take(self, run: int, edge: int, limit: float) -> Any:
        """The message of ``edge``, waited for while the session is heard of at least every ``limit`` seconds.

        Raises AbortedWaitError where the run is given up, LateError where the session has not been heard of.
        """
        key = (run, edge)
        with self._condition:
            while key not in self._values:
                if run in self._aborted or run < self._first:
                    raise AbortedWaitError(self._aborted.get(run, "the run is over"))
                left = self.heard + limit - time.monotonic()
                if left <= 0:
                    raise LateError(f"nothing has been heard of the session for {limit:g} s")
                self._condition.wait(min(left, 1.0))
            return self._values.pop(key)

    def abort(self, run: int, reason: str) -> None:
        """End all waiting for ``run``, which is given up because of ``reason``."""
        with self._condition:
            self._aborted[run] = reason
            self._condition.notify_all()

    def given_up(self, run: int) -> str:
        """Why ``run`` is given up, "" where it is not."""
        return self._aborted.get(run, "")

    def begin(self, run: int) -> None:
        """Forget what is left of the runs before ``run``."""
        with self._condition:
            self.heard = time.monotonic()
            if run > self._first:
                self._first = run
                self._values = {key: value for key, value in self._values.items() if key[0] >= run}
                self._aborted = {each: reason for each, reason in self._aborted.items() if each >= run}

    def alive(self) -> None:
        """Note that the session has been heard of: who waits may go on waiting."""
        self.heard = time.monotonic()

    @property
    def waiting(self) -> int:
        """How many tensors lie here that nobody has taken."""
        return len(self._values)


class Exchange:
    """What one worker has for all sessions.

    Attributes:
        parts: what answers to ``diptych_call``, by the key of its actor.
    """

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._boxes: dict[str, Mailbox] = {}
        self.parts: WeakValueDictionary[str, Any] = WeakValueDictionary()

    def box(self, session: str) -> Mailbox:
        """The mailbox of a session, made when it is first asked for."""
        return self._boxes.setdefault(session, Mailbox())

    def leave(self, session: str) -> None:
        """Forget a session that has no part here any more; who waits for its tensors gives up."""
        if not any(key.startswith(session) for key in list(self.parts)):
            self.close(session)

    def close(self, session: str) -> None:
        """Forget a session; who waits for its tensors gives up."""
        box = self._boxes.pop(session, None)
        if box is not None:
            box.begin(1 << 62)

    def send(self, address: str, session: str, run: int, edge: int, message: Any) -> Any:
        """Put a tensor into the mailbox at ``address``, without waiting; a future: "" once it is there, else why not."""
        if address == self._worker.address:
            self.box(session).put(run, edge, message)
            return None

        async def put() -> str:
            try:
                peer = self._worker.rpc(address)
                answer = await peer.diptych_put(session=session, run=run, edge=edge, message=wired(message))
            except Exception as error:
                return f"{address} cannot be reached ({type(error).__name__}: {error})"
            return "" if answer == "OK" else f"{address} does not take it: {answer}"

        return asyncio.run_coroutine_threadsafe(put(), self._worker.loop.asyncio_loop)

    # What others call

    def on_put(self, session: str, run: int, edge: int, message: Any) -> str:
        """A tensor arrives."""
        box = self._boxes.get(session)
        if box is not None:
            box.put(run, edge, message)
        return "OK"

    async def on_take(self, session: str, run: int, edge: int, limit: float) -> Any:
        """Somebody who has no mailbox (the session's own process) waits for a tensor here."""
        box = self.box(session)
        try:
            message = await asyncio.get_running_loop().run_in_executor(None, box.take, run, edge, limit)
        except GraphsError as error:
            return {"error": type(error).__name__, "message": str(error)}
        return {"value": wired(message)}

    def on_abort(self, session: str, run: int, reason: str) -> str:
        """A run is given up."""
        if session in self._boxes:
            self._boxes[session].abort(run, reason)
        return "OK"

    def on_ping(self, session: str) -> dict[str, Any]:
        """Somebody asks whether this process still answers, and what time it has."""
        if session in self._boxes:
            self._boxes[session].alive()
        return {"pid": os.getpid(), "time": time.time(), "parts": [key for key in self.parts if key.startswith(session)]}

    async def on_call(self, part: str, method: str, about: Mapping[str, Any]) -> Any:
        """A session calls its part here; the answer is a plain message, and so is an error."""
        found = self.parts.get(part)
        if found is None:
            return {"error": {"kind": "AbortedError", "message": f"there is no part {part} on {self._worker.address}"}}
        return wired(await found.answer(method, about))


def plugin() -> Any:
    """The worker plugin that gives each worker its exchange; one that is there stays."""
    from distributed import WorkerPlugin

    class Install(WorkerPlugin):
        """Puts the exchange and its calls in place."""

        name = EXTENSION
        idempotent = True

        def setup(self, worker: Any) -> None:
            """Let the worker have an exchange."""
            exchange_of(worker)

    return Install()


def exchange_of(worker: Any) -> Exchange:
    """The exchange of a Dask worker, made where there is none."""
    found: Exchange | None = worker.extensions.get(EXTENSION)
    if found is None:
        found = worker.extensions[EXTENSION] = Exchange(worker)
        worker.handlers.update(
            diptych_put=found.on_put,
            diptych_take=found.on_take,
            diptych_abort=found.on_abort,
            diptych_ping=found.on_ping,
            diptych_call=found.on_call,
        )
    return found
