"""The part of a run that is in the session's own process: Python functions, datasets, printing."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, TimeoutError as LateResultError
from typing import Any

from static.distributed.exchange import wired
from static.distributed.rounds import Wire
from static.distributed.running import Part, Stopped
from static.distributed.worker import HOME


_LOOK = 0.2
"""Seconds between looks at whether the other parts still run."""


class Home(Part):
    """The part without a mailbox: it puts into those of the workers, and takes from that of whoever has made a tensor."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(HOME)
        self._wire = wire
        self.others: Future[Any] | None = None
        self._sending: list[tuple[int, Future[Any]]] = []

    def _put(self, run: int, edge: int, place: int, message: Any) -> None:
        peer = self._wire.rpc(place)
        sent = peer.diptych_put(session=self._wire.session, run=run, edge=edge, message=wired(message))
        self._sending.append((place, asyncio.run_coroutine_threadsafe(_quietly(sent), self._wire.loop)))

    def _get(self, run: int, edge: int, place: int) -> Any:
        wire = self._wire
        taking = wire.rpc(place).diptych_take(session=wire.session, run=run, edge=edge, limit=wire.timeout)
        future = asyncio.run_coroutine_threadsafe(_quietly(taking), wire.loop)
        over = False
        while True:
            try:
                answer = future.result(_LOOK)
                break
            except LateResultError:
                if over:
                    future.cancel()
                    raise Stopped("CancelledError", "the other parts have ended", edge) from None
                over = self.others is None or self.others.done()
        if isinstance(answer, dict) and "value" in answer:
            return answer["value"]
        raise Stopped("CancelledError", str(answer), edge)

    def sent(self) -> str:
        """ "" once all that was sent has arrived, else what went wrong."""
        sending, self._sending = self._sending, []
        for place, future in sending:
            answer = future.result(self._wire.timeout)
            if answer != "OK":
                return f"{self._wire.tasks[place]} does not take a tensor: {answer}"
        return ""


async def _quietly(call: Any) -> Any:
    try:
        return await call
    except OSError as error:
        return str(error) or type(error).__name__


__all__ = ["Home"]
