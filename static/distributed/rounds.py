"""One round of messages to the parts of a session, and what is done where one does not answer.

A part that computes for long is waited for; a process that does not answer a ping for the session's ``timeout`` is stuck,
and one whose connection closes is dead. Whatever goes wrong in one part, the others are told at once, so that nobody waits
for a tensor that will not come.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphs.core.errors import at_line
from static.distributed.connection import Task
from static.distributed.exchange import wired
from static.errors import UnavailableError


_START = 180.0
"""Seconds in which a part has to be there."""

_PING = 0.5
"""Seconds between pings."""

_GRACE = 5.0
"""Seconds in which a part that was told that a run is given up has to say so."""

RANKS = {"UnavailableError": 0, "DeadlineExceededError": 1, "DataLossError": 2}
"""Which of several errors of a run is its cause: those that are not here come after, and being called off comes last."""


class Wire:
    """The calls of one session's parts. What is awaited runs in the client's loop, ``begin`` and ``wait`` in other threads.

    Args:
        client: the Dask client.
        session: the session's name.
        tasks: who is where.
        timeout: for how many seconds a process may be silent.
    """

    def __init__(self, client: Any, session: str, tasks: Sequence[Task], timeout: float) -> None:
        self.client = client
        self.loop = client.loop.asyncio_loop
        self.session = session
        self.tasks = tasks
        self.timeout = timeout

    def begin(self, kind: type, *settings: Any) -> list[Any]:
        """Parts of the session, one on each task: actors of the class ``kind`` (see ``worker.Actor``), given ``settings``.

        Raises UnavailableError naming the task on which none can be made.
        """
        addresses = [task.address for task in self.tasks]
        made = [
            self.client.submit(
                kind,
                self.session,
                place,
                addresses,
                self.timeout * 2,
                *settings,
                actor=True,
                workers=[task.address],
                allow_other_workers=False,
                pure=False,
                key=f"{self.session}-{place}",
            )
            for place, task in enumerate(self.tasks)
        ]
        for task, part in zip(self.tasks, made, strict=True):
            try:
                part.result(timeout=_START)
            except Exception as error:
                raise UnavailableError(
                    None, f"{task} takes no part of the session: {type(error).__name__}: {error}{at_line()}"
                ) from error
        for task, ping in zip(self.tasks, self.wait(self.pings()), strict=True):
            task.pid = 0 if ping is None else int(ping["pid"])
        return made

    def wait(self, coroutine: Any) -> Any:
        """What ``coroutine`` gives, once it has run in the client's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def rpc(self, place: int) -> Any:
        """The worker of a part."""
        return self.client.rpc(self.tasks[place].address)

    async def call(self, place: int, method: str, about: Mapping[str, Any]) -> dict[str, Any]:
        """What a part answers; a worker that cannot be reached is an answer too."""
        key = f"{self.session}-{place}"
        try:
            answer = await self.rpc(place).diptych_call(part=key, method=method, about=wired(dict(about)))
        except OSError as error:
            return _failed("UnavailableError", f"its connection is closed ({error})", lost=True)
        if not isinstance(answer, dict):
            return {"error": {"kind": "InternalError", "message": f"it answers {str(answer)[:200]!r}"}}
        if answer.get("status") == "uncaught-error":
            return {"error": {"kind": "InternalError", "message": str(answer.get("text") or answer.get("exception"))}}
        return answer

    async def round(
        self, run: int, method: str, calls: Mapping[int, Mapping[str, Any]], limit: float | None = None
    ) -> dict[int, dict[str, Any]]:
        """The answers of the parts to ``calls``, of those that have not been lost."""
        if len(calls) == 1 and limit is None:
            ((place, about),) = calls.items()
            call = asyncio.ensure_future(self.call(place, method, about))
            done, _ = await asyncio.wait([call], timeout=_PING)
            if done:
                return {place: call.result()}
            return await self._watched(run, {call: place}, calls, limit)
        waiting = {asyncio.ensure_future(self.call(place, method, about)): place for place, about in calls.items()}
        return await self._watched(run, waiting, calls, limit)

    async def _watched(
        self, run: int, waiting: dict[Any, int], calls: Mapping[int, Any], limit: float | None
    ) -> dict[int, dict[str, Any]]:
        answers: dict[int, dict[str, Any]] = {}
        began = time.monotonic()
        pings: dict[int, Any] = {}
        heard = dict.fromkeys(waiting.values(), began)
        end: float | None = None
        try:
            while waiting:
                pause = _PING if limit is None else min(_PING, max(0.0, began + limit - time.monotonic()) + 1e-3)
                done, _ = await asyncio.wait([*waiting, *pings.values()], timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                failed = ""
                for call in [call for call in done if call in waiting]:
                    place = waiting.pop(call)
                    answers[place] = call.result()
                    if "error" in answers[place]:
                        failed = str(answers[place]["error"].get("message"))
                now = time.monotonic()
                for place, ping in list(pings.items()):
                    if ping.done():
                        del pings[place]
                        heard[place] = now if ping.result() else heard[place]
                for call, place in list(waiting.items()):
                    verdict = self._verdict(now - heard[place], now - began, limit, end is not None and now > end)
                    if verdict is not None:
                        answers[place] = verdict
                        failed = failed or str(verdict["error"]["message"])
                        del waiting[call]
                        call.cancel()
                    elif place not in pings and now - heard[place] > _PING / 2:
                        pings[place] = asyncio.ensure_future(self.ping(place))
                silent = {place: call for call, place in waiting.items() if now - heard[place] > _PING}
                for place in await self._gone(silent):  # connecting to what is dead is tried again for long
                    answers[place] = _failed("UnavailableError", "the scheduler has lost it", lost=True)
                    failed = failed or "a worker is lost"
                    waiting.pop(silent[place])
                    silent[place].cancel()
                if failed and end is None:
                    end = now + _GRACE
                    lost = {place for place, answer in answers.items() if answer.get("error", {}).get("lost")}
                    await self.abort(run, [place for place in calls if place not in lost], failed)
        finally:
            for each in (*waiting, *pings.values()):
                each.cancel()
        return answers

    async def ping(self, place: int) -> dict[str, Any] | None:
        """What a process says of itself and of its clock (``ahead``, ``trip``: seconds); None where it does not answer."""
        before = time.time()
        try:
            answer = await asyncio.wait_for(self.rpc(place).diptych_ping(session=self.session), self.timeout)
        except (OSError, TimeoutError):
            return None
        after = time.time()
        return {**answer, "ahead": answer["time"] - (before + after) / 2, "trip": after - before}

    async def pings(self) -> list[dict[str, Any] | None]:
        """What each part's process says (see ``ping``)."""
        return await asyncio.gather(*map(self.ping, range(len(self.tasks))))

    async def _gone(self, places: Iterable[int]) -> list[int]:
        """Those of ``places`` whose workers the scheduler does not know any more."""
        asked = list(places)
        if not asked:
            return []
        try:
            there = (await asyncio.wait_for(self.client.scheduler.identity(), self.timeout))["workers"]
        except (OSError, TimeoutError):
            return []
        return [place for place in asked if self.tasks[place].address not in there]

    def _verdict(self, silent: float, spent: float, limit: float | None, called_off: bool) -> dict[str, Any] | None:
        """What to take for the answer of a part that has not given one, None where it is to be waited for."""
        if silent > self.timeout:
            return _failed("DeadlineExceededError", f"it has not answered for {silent:.1f} s", lost=True)
        if limit is not None and spent > limit:
            return _failed("DeadlineExceededError", f"the run takes longer than the {limit:g} s that it was given")
        return _failed("CancelledError", "the run was given up") if called_off else None

    async def abort(self, run: int, places: Sequence[int], reason: str) -> None:
        """Tell parts that a run is given up; those that do not listen are not waited for."""

        async def tell(place: int) -> None:
            try:
                await self.rpc(place).diptych_abort(session=self.session, run=run, reason=reason)
            except OSError:
                return

        telling = [asyncio.ensure_future(tell(place)) for place in places]
        if telling:
            _, late = await asyncio.wait(telling, timeout=_GRACE)
            for each in late:
                each.cancel()


def _failed(kind: str, message: str, lost: bool = False) -> dict[str, Any]:
    return {"error": {"kind": kind, "message": message, **({"lost": True} if lost else {})}}


def culprit(answers: Mapping[int, Mapping[str, Any]]) -> tuple[int, Mapping[str, Any]] | None:
    """The place whose error is the cause of a run's failure, and that error; None where nothing failed."""
    failed = [(place, answer["error"]) for place, answer in sorted(answers.items()) if "error" in answer]
    if not failed:
        return None

    def rank(entry: tuple[int, Mapping[str, Any]]) -> tuple[bool, int, int]:
        place, error = entry
        kind = error["kind"]
        called_off = kind == "CancelledError"
        return (called_off, 0 if error.get("lost") else 1 + RANKS.get(kind, 3), place)

    return min(failed, key=rank)


__all__ = ["Wire", "culprit"]
