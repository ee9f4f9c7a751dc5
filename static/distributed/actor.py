"""What parts of a session on Dask workers have in common, whether they run a share of its graph or are replicas.

``Wire.begin`` makes a part on each task, once, and then talks to it by the call ``diptych_call`` of its worker
(``exchange``). What a part is asked follows each other in a thread of its own, so that parts of several sessions on one
worker never wait for each other's tensors in a circle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from static.distributed.exchange import AbortedWaitError, Exchange, LateError, exchange_of
from static.distributed.running import Stopped


class Mail:
    """How a part's messages reach the other parts of its session, and theirs it.

    Args:
        exchange: the worker's.
        session: the session's name in the cluster.
        addresses: where each part is.
        limit: for how many seconds a message is waited for while nothing is heard of the session.

    Attributes:
        box: what has come.
    """

    def __init__(self, exchange: Exchange, session: str, addresses: Sequence[str], limit: float) -> None:
        self.box = exchange.box(session)
        self.addresses = list(addresses)
        self.limit = limit
        self._exchange, self._session = exchange, session
        self._sending: list[Any] = []

    def send(self, place: int, run: int, edge: int, message: Any) -> None:
        """Send a message to a part; it is not waited for."""
        future = self._exchange.send(self.addresses[place], self._session, run, edge, message)
        if future is not None:
            self._sending.append(future)

    def take(self, run: int, edge: int, late: str = "") -> Any:
        """The message of ``edge``, waited for. Raises Stopped where it does not come; ``late`` says whose it was to be."""
        try:
            return self.box.take(run, edge, self.limit)
        except AbortedWaitError as error:
            raise Stopped("CancelledError", str(error), edge) from None
        except LateError as error:
            raise Stopped("DeadlineExceededError", f"{late}{error}", edge) from None

    async def arrived(self, run: int) -> dict[str, Any]:
        """Once all that was sent has arrived {}, else an answer that says why not. What is given up is not waited for."""
        waiting = {asyncio.wrap_future(future) for future in self._sending}
        self._sending = []
        reason = ""
        while waiting and not reason:
            done, waiting = await asyncio.wait(waiting, timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
            reason = next((found for future in done if (found := future.result())), "") or self.box.given_up(run)
        for future in waiting:
            future.cancel()
        if not reason:
            return {}
        return {"error": {"kind": "CancelledError" if self.box.given_up(run) else "UnavailableError", "message": reason}}

    def forget(self) -> None:
        """Wait for nothing that was sent."""
        self._sending = []


class Actor:
    """The part at ``place`` of a session. Subclasses say what it does (``_answer``).

    Args:
        session, addresses, limit: see ``Mail``.
        place: which part it is.
    """

    def __init__(self, session: str, place: int, addresses: Sequence[str], limit: float) -> None:
        from distributed import get_worker

        self._session = session
        self._exchange = exchange_of(get_worker())
        self._mail = Mail(self._exchange, session, addresses, limit)
        self._thread = ThreadPoolExecutor(1, f"diptych-{place}")
        self._last: Any = None
        self._exchange.parts[f"{session}-{place}"] = self

    async def answer(self, method: str, about: Mapping[str, Any]) -> dict[str, Any]:
        """What a call of the session gets: plain data, under ``error`` what went wrong."""
        mail = self._mail
        if method == "run":
            mail.box.begin(int(about["run"]))
        if self._last is not None and not self._last.done():  # a run that was given up, and does not notice
            await asyncio.wait([self._last], timeout=mail.limit)
            if not self._last.done():
                return {"error": {"kind": "DeadlineExceededError", "message": "it is still at a run that was given up"}}
        self._last = asyncio.get_running_loop().run_in_executor(self._thread, self._answer, method, about)
        made: dict[str, Any] = await asyncio.shield(self._last)
        if method != "run" or "error" in made:
            mail.forget()
            return made
        return await mail.arrived(int(about["run"])) or made

    def _answer(self, method: str, about: Mapping[str, Any]) -> dict[str, Any]:
        """The same, in the part's own thread; nothing that is sent in it is waited for."""
        raise NotImplementedError

    def __del__(self) -> None:
        thread = getattr(self, "_thread", None)
        if thread is not None:
            thread.shutdown(wait=False)
            self._exchange.leave(self._session)


__all__ = ["Actor", "Mail"]
