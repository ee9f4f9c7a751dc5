"""A replica on a Dask worker: an actor, made once, that a session of replicas calls as it calls parts (``worker``)."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from numpy import ndarray

from static.distributed.exchange import AbortedWaitError, Exchange, LateError, Mailbox, arrived, exchange_of
from static.distributed.replicas_run import Replica
from static.distributed.running import Stopped
from static.distributed.tensors import GarbledError, copied, packed, unpacked
from static.passes import PIPELINE, Pass


class MailSwap:
    """Arrays from replica to replica through the workers' mailboxes (see ``replicas_reduce.Swap``).

    Attributes:
        run: the run that it is for.
        sent: the bytes that have left in it.
        spans: when it waited for others, in seconds of this process's clock.
    """

    def __init__(self, exchange: Exchange, box: Mailbox, session: str, rank: int, addresses: Sequence[str], limit: float):
        self.rank = rank
        self.size = len(addresses)
        self.run = 0
        self.sent = 0
        self.spans: list[tuple[float, float]] = []
        self.sending: list[Any] = []
        self._exchange, self._box, self._session = exchange, box, session
        self._addresses = addresses
        self._limit = limit

    def begin(self, run: int) -> None:
        """Go on to the run ``run``."""
        self.run, self.sent, self.spans, self.sending = run, 0, [], []

    def __call__(self, phase: int, out: Mapping[int, Sequence[ndarray]]) -> Mapping[int, Sequence[ndarray]]:
        """What each replica but this one has sent here. Raises Stopped where one does not answer, or sends what is none."""
        start = time.time()
        for rank, arrays in out.items():
            message = {"arrays": [packed(copied(array))[0] for array in arrays]}
            self.sent += sum(array.nbytes for array in arrays)
            future = self._exchange.send(
                self._addresses[rank], self._session, self.run, phase * self.size + self.rank, message
            )
            if future is not None:
                self.sending.append(future)
        came = {rank: self._taken(phase, rank) for rank in out}
        self.spans.append((start, time.time()))
        return came

    def _taken(self, phase: int, rank: int) -> list[ndarray]:
        edge = phase * self.size + rank
        try:
            message = self._box.take(self.run, edge, self._limit)
            return [unpacked(array) for array in message["arrays"]]
        except AbortedWaitError as error:
            raise Stopped("CancelledError", str(error), edge) from None
        except LateError as error:
            raise Stopped("DeadlineExceededError", f"replica {rank} has not answered: {error}", edge) from None
        except (GarbledError, KeyError, TypeError) as error:
            raise Stopped("DataLossError", f"what replica {rank} sent is not what it has: {error}", edge) from None


class ReplicaPart:
    """The replica ``rank`` of a session.

    Args:
        session: the session's name in the cluster.
        rank: which replica it is.
        addresses: where each is.
        limit: for how many seconds it waits for the others while nothing is heard of the session.
        passes: the passes of its runs; ``refuse``: the rules and passes that do not fire.
        parts: in how many parts large work is done: as in the session's process, so that the bits are the same.
    """

    def __init__(
        self,
        session: str,
        rank: int,
        addresses: Sequence[str],
        limit: float,
        passes: Sequence[Pass] = PIPELINE,
        refuse: Sequence[str] = (),
        parts: int | None = None,
    ) -> None:
        from distributed import get_worker

        self._exchange = exchange_of(get_worker())
        self._session, self._key = session, f"{session}-{rank}"
        self._box = self._exchange.box(session)
        self._swap = MailSwap(self._exchange, self._box, session, rank, list(addresses), limit)
        self._replica = Replica(rank, self._swap, passes, refuse, parts)
        self._thread = ThreadPoolExecutor(1, f"diptych-replica-{rank}")
        self._exchange.parts[self._key] = self

    def describe(self) -> dict[str, Any]:
        """Which process it is in."""
        return {"pid": os.getpid()}

    async def answer(self, method: str, about: Mapping[str, Any]) -> dict[str, Any]:
        """What a call of the session gets: plain data, under ``error`` what went wrong."""
        if method == "run":
            self._box.begin(int(about["run"]))
        loop = asyncio.get_running_loop()
        made: dict[str, Any] = await loop.run_in_executor(self._thread, self._replica.answer, method, about)
        sending, self._swap.sending = self._swap.sending, []
        if sending and "error" not in made:
            reason = await arrived(self._box, int(about["run"]), sending)
            if reason:
                off = self._box.given_up(int(about["run"]))
                return {"error": {"kind": "CancelledError" if off else "UnavailableError", "message": reason}}
        return made

    def __del__(self) -> None:
        thread = getattr(self, "_thread", None)
        if thread is not None:
            thread.shutdown(wait=False)
            self._exchange.leave(self._session)
