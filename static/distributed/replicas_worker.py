"""A replica on a Dask worker (see ``actor``), and how its arrays reach the others."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from numpy import ndarray

from static.distributed.actor import Actor, Mail
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

    def __init__(self, mail: Mail, rank: int) -> None:
        self.rank = rank
        self.size = len(mail.addresses)
        self.run = 0
        self.sent = 0
        self.spans: list[tuple[float, float]] = []
        self._mail = mail

    def begin(self, run: int) -> None:
        """Go on to the run ``run``."""
        self.run, self.sent, self.spans = run, 0, []

    def __call__(self, phase: int, out: Mapping[int, Sequence[ndarray]]) -> Mapping[int, Sequence[ndarray]]:
        """What each replica but this one has sent here. Raises Stopped where one does not answer, or sends what is none."""
        start = time.time()
        for rank, arrays in out.items():
            self.sent += sum(array.nbytes for array in arrays)
            message = {"arrays": [packed(copied(array))[0] for array in arrays]}
            self._mail.send(rank, self.run, phase * self.size + self.rank, message)
        came = {rank: self._taken(phase, rank) for rank in out}
        self.spans.append((start, time.time()))
        return came

    def _taken(self, phase: int, rank: int) -> list[ndarray]:
        edge = phase * self.size + rank
        message = self._mail.take(self.run, edge, f"replica {rank} has not answered: ")
        try:
            return [unpacked(array) for array in message["arrays"]]
        except (GarbledError, KeyError, TypeError) as error:
            raise Stopped("DataLossError", f"what replica {rank} sent is not what it has: {error}", edge) from None


class ReplicaPart(Actor):
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
        super().__init__(session, rank, addresses, limit)
        self._replica = Replica(rank, MailSwap(self._mail, rank), passes, refuse, parts)

    def _answer(self, method: str, about: Mapping[str, Any]) -> dict[str, Any]:
        return self._replica.answer(method, about)
