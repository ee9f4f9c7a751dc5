"""``tf.Session("dask://...", replicas=4)``: sessions whose replicas are on workers of a Dask cluster."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphs.core.errors import at_line
from graphs.core.parts import threads
from static.config import ConfigProto
from static.devices import DeviceAttributes
from static.distributed.cluster import ClusterSpec
from static.distributed.connection import Connection, Task
from static.distributed.replicas import ReplicaSession
from static.distributed.replicas_worker import ReplicaPart
from static.distributed.rounds import Wire
from static.distributed.targets import OnCluster, Target, parsed
from static.errors import UnavailableError
from static.graph import Graph
from static.passes import PIPELINE, Pass


class Workers:
    """Replicas as actors on Dask workers, one each (see ``replicas.Group``).

    Args:
        target: what to connect to.
        spec: which worker is which task, or None.
        replicas: how many there are to be.
        settings: what ``ReplicaPart`` takes behind ``limit``.

    Raises ValueError where there are fewer workers than replicas.
    """

    def __init__(self, target: Target, spec: ClusterSpec | None, replicas: int, settings: tuple[Any, ...]) -> None:
        if not target.address and target.client is None and target.workers is None:
            target = replace(target, workers=replicas)
        self._settings = settings
        self._target = target
        self._lost: set[str] = set()
        self.connection = Connection(target, spec)
        try:
            if len(self.connection.tasks) < replicas:
                raise ValueError(
                    f"{replicas} replicas take as many workers, and there are {len(self.connection.tasks)}{at_line()}"
                )
            self.tasks = self.connection.tasks[:replicas]
            self._begin()
        except BaseException:
            self.connection.close()
            raise

    def _begin(self) -> None:
        """Make the replicas."""
        self.size = len(self.tasks)
        self._wire = Wire(self.connection.client, uuid.uuid4().hex, self.tasks, self._target.timeout)
        self._actors = self._wire.begin(ReplicaPart, *self._settings)

    def name(self, rank: int) -> str:
        """Which replica it is, and where."""
        return f"replica {rank} of {self.size} on {self.tasks[rank]}"

    def ask(self, method: str, run: int, about: Mapping[int, dict[str, Any]]) -> Mapping[int, Mapping[str, Any]]:
        """What the replicas answer (see ``rounds.Wire.round``)."""
        future = asyncio.run_coroutine_threadsafe(self._wire.round(run, method, about), self._wire.loop)
        try:
            answers: Mapping[int, Mapping[str, Any]] = future.result()
        except BaseException as error:
            reason = f"interrupted: {type(error).__name__}"
            self._wire.wait(self._wire.abort(run, list(about), reason))
            future.cancel()
            raise
        for rank, answer in answers.items():
            if "error" in answer and answer["error"].get("lost"):
                self._lost.add(self.tasks[rank].address)
        return answers

    def rebuild(self) -> None:
        """Have new replicas on the workers that are left, those first that had one, as many as before at most."""
        there = {address: name for name, address in self.connection.workers().items() if address not in self._lost}
        kept = [task for task in self.tasks if task.address in there]
        used = {task.address for task in kept}
        more = [Task("worker", 0, name, address) for address, name in there.items() if address not in used]
        chosen = [*kept, *more[: len(self.tasks) - len(kept)]]
        if not chosen:
            raise UnavailableError(None, f"no worker is left to go on with{at_line()}")
        for index, task in enumerate(chosen):
            task.index = index
        self.tasks = chosen
        self._begin()

    def close(self) -> None:
        """Let the replicas go, and end what was started for them."""
        self._actors = []
        self.connection.close()


class DaskReplicaSession(OnCluster, ReplicaSession):
    """A session of replicas on a Dask cluster; targets are those of ``ClusterSession``.

    ``dask://?replicas=4`` says the same as ``replicas=4``. Without ``workers`` in the target, ``dask://`` starts as many
    processes on this machine as there are replicas. See ``ReplicaSession`` for what replicas do.

    Attributes:
        tasks: who is where: ``job``, ``index``, ``worker``, ``address``, ``pid``.
        address: the scheduler's.
    """

    def __init__(
        self,
        target: Any = "",
        graph: Graph | None = None,
        config: Any = None,
        passes: Sequence[Pass] = PIPELINE,
        refuse: Iterable[str] = (),
        check: bool | None = None,
        *,
        replicas: int | None = None,
        split: Collection[Any] | None = None,
        reduction: str = "mean",
    ) -> None:
        wanted = parsed(target)
        replicas = wanted.replicas if replicas is None else replicas
        if type(replicas) is not int or replicas < 1:
            raise ValueError(f"the number of replicas is a whole number from 1, not {replicas!r}{at_line()}")
        given: Any = config if isinstance(config, ConfigProto) else ConfigProto()
        spec = ClusterSpec(given.cluster_def) if given.cluster_def.job else None
        group = Workers(wanted, spec, replicas, (tuple(passes), tuple(sorted(refuse)), threads()))
        try:
            super().__init__(group, graph, split, reduction, config=config, passes=passes, refuse=refuse, check=check)
        except BaseException:
            group.close()
            raise
        self._workers = group

    @property
    def tasks(self) -> list[Task]:
        """Who is where."""
        return self._workers.tasks

    @property
    def address(self) -> str:
        """The scheduler's, where other sessions can meet the same workers."""
        return self._workers.connection.address

    def list_devices(self) -> list[DeviceAttributes]:
        """The processors of the replicas."""
        return [DeviceAttributes(task.device) for task in self.tasks]
