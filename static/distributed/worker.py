"""A part of a session on a Dask worker: an actor, made once, which runs its share of each run.

The session makes one with ``client.submit(WorkerPart, session, place, addresses, limit, threads, actor=True,
workers=[address])`` and then talks to it by the call ``diptych_call`` of its worker (``exchange``), whose methods are
``add``, ``run``, ``load``, ``held``, ``forget`` and ``drop``. Runs of a part follow each other in a thread of its own, so
that parts of several sessions on one worker never wait for each other's tensors in a circle.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from graphs.core.random import Stream
from static.distributed.exchange import AbortedWaitError, LateError, arrived, exchange_of
from static.distributed.running import Part, Stopped, told
from static.distributed.tensors import GarbledError, Message, packed, unpacked
from static.distributed.tracing import Recorder


HOME = -1
"""The place of the session's own process. It has no mailbox: what is for it waits on the worker that has made it."""


class WorkerPart(Part):
    """The part at ``place`` of a session.

    Args:
        session: the session's name in the cluster.
        place: which part it is.
        addresses: where each part is.
        limit: for how many seconds it waits for a tensor while nothing is heard of the session.
        threads: those of the session's process: large work is parted as there, so that the bits are the same.
    """

    def __init__(self, session: str, place: int, addresses: Sequence[str], limit: float, threads: int) -> None:
        super().__init__(place)
        self.threads = threads
        from distributed import get_worker

        worker = get_worker()
        self._session = session
        self._addresses = list(addresses)
        self._limit = limit
        self._exchange = exchange_of(worker)
        self._key = f"{session}-{place}"
        self._box = self._exchange.box(session)
        self._thread = ThreadPoolExecutor(1, f"diptych-{place}")
        self._sending: list[Any] = []
        self._last: Any = None
        self._exchange.parts[self._key] = self

    def describe(self) -> dict[str, Any]:
        """Which process it is in."""
        return {"pid": os.getpid()}

    def _put(self, run: int, edge: int, place: int, message: Message) -> None:
        address = self._addresses[self.place if place == HOME else place]
        future = self._exchange.send(address, self._session, run, edge, message)
        if future is not None:
            self._sending.append(future)

    def _get(self, run: int, edge: int, place: int) -> Any:
        try:
            return self._box.take(run, edge, self._limit)
        except AbortedWaitError as error:
            raise Stopped("CancelledError", str(error), edge) from None
        except LateError as error:
            raise Stopped("DeadlineExceededError", str(error), edge) from None

    async def answer(self, method: str, about: Mapping[str, Any]) -> dict[str, Any]:
        """What a call of the session gets: plain data, under ``error`` what went wrong."""
        loop = asyncio.get_running_loop()
        if method == "run":
            self._box.begin(int(about["run"]))
        if self._last is not None and not self._last.done():  # a run that was given up, and does not notice
            await asyncio.wait([self._last], timeout=self._limit)
            if not self._last.done():
                return {"error": {"kind": "DeadlineExceededError", "message": "it is still at a run that was given up"}}
        self._last = loop.run_in_executor(self._thread, self._answer, method, about)
        made = await asyncio.shield(self._last)
        sending, self._sending = self._sending, []
        if sending and "error" not in made:
            reason = await arrived(self._box, int(about["run"]), sending)
            if reason:
                kind = "CancelledError" if self._box.given_up(int(about["run"])) else "UnavailableError"
                return {"error": {"kind": kind, "message": reason}}
        return made

    def _answer(self, method: str, about: Mapping[str, Any]) -> dict[str, Any]:
        try:
            self.decide(about.get("decided", ()))
            if method == "run":
                return self._ran(about)
            if method == "add":
                self.add(about["plan"], about["program"])
            elif method == "drop":
                self.drop(about["plan"])
            elif method == "load":
                pairs = [(self.variable(name, json.loads(spec)), message) for name, spec, message in about["values"]]
                self.load({variable: unpacked(message) for variable, message in pairs})
            elif method == "held":
                return {"values": [[node.name, packed(value)[0]] for node, value in self.state.items()]}
            elif method == "forget":
                self.forget(about["names"])
            else:
                return {"error": {"kind": "InternalError", "message": f"a part has no method {method!r}"}}
        except (Exception, Stopped) as error:
            return {"error": told(error)}
        return {}

    def _ran(self, about: Mapping[str, Any]) -> dict[str, Any]:
        start = time.time()
        try:
            feeds = [unpacked(message) for message in about["feeds"]]
        except GarbledError as error:
            raise Stopped("DataLossError", str(error)) from None
        stream = None
        if about.get("draw") is not None:
            seed, step, ordinal = about["draw"]
            stream = Stream(seed)
            stream.step, stream.ordinal = step, ordinal
        recorder = Recorder(self._readings[about["plan"]].plan) if about.get("trace") else None
        observe = None if recorder is None else recorder.observe
        values, traffic, draws = self.compute(about["plan"], about["run"], feeds, stream, bool(about.get("alone")), observe)
        made: dict[str, Any] = {"values": [packed(value)[0] for value in values], "times": [start, time.time()]}
        if traffic.sent or traffic.received:
            made["sent"], made["received"] = traffic.sent, traffic.received
        if draws:
            made["draws"] = draws
        if recorder is not None:
            made["nodes"] = recorder.found
        return made

    def __del__(self) -> None:
        thread = getattr(self, "_thread", None)
        if thread is not None:
            thread.shutdown(wait=False)
            self._exchange.leave(self._session)


def dask_setup(worker: Any) -> None:
    """What a worker does first whose process a session has started: it sees to it that it ends when the session's does."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, name="diptych-parent", daemon=True).start()
