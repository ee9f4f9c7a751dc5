"""A part of a session on a Dask worker, which runs its share of each run (see ``actor``).

What it can be asked: ``add``, ``run``, ``load``, ``held`` and ``forget``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from graphs.core.random import Stream
from static.distributed.actor import Actor
from static.distributed.running import Part, Stopped, told
from static.distributed.tensors import GarbledError, Message, packed, unpacked
from static.distributed.tracing import Recorder


HOME = -1
"""The place of the session's own process. It has no mailbox: what is for it waits on the worker that has made it."""


class WorkerPart(Actor, Part):
    """The part at ``place`` of a session.

    Args:
        session: the session's name in the cluster.
        place: which part it is.
        addresses: where each part is.
        limit: for how many seconds it waits for a tensor while nothing is heard of the session.
        threads: those of the session's process: large work is parted as there, so that the bits are the same.
    """

    def __init__(self, session: str, place: int, addresses: Sequence[str], limit: float, threads: int) -> None:
        Part.__init__(self, place)
        self.threads = threads
        Actor.__init__(self, session, place, addresses, limit)

    def _put(self, run: int, edge: int, place: int, message: Message) -> None:
        self._mail.send(self.place if place == HOME else place, run, edge, message)

    def _get(self, run: int, edge: int, place: int) -> Any:
        return self._mail.take(run, edge)

    def _answer(self, method: str, about: Mapping[str, Any]) -> dict[str, Any]:
        try:
            self.decide(about.get("decided", ()))
            if method == "run":
                return self._ran(about)
            if method == "add":
                self.add(about["plan"], about["program"])
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
