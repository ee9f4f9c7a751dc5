"""``tf.train.ClusterSpec`` and ``tf.train.Server``: what jobs and tasks there are, and which Dask worker is which.

A task's address is a Dask worker's address (``tcp://10.0.0.7:40331``, or ``10.0.0.7:40331``) or its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphs.core.errors import at_line
from static.config import ClusterDef, JobDef


class ClusterSpec:
    """The jobs of a cluster and the addresses of their tasks.

    Args:
        cluster: a dict from jobs' names to lists of addresses (or dicts from numbers of tasks to these), a ``ClusterDef`` or
            another ``ClusterSpec``.

    Raises TypeError for anything else.
    """

    def __init__(self, cluster: Any) -> None:
        self._jobs: dict[str, dict[int, str]] = {}
        if isinstance(cluster, ClusterSpec):
            given: Any = cluster._jobs
        elif isinstance(cluster, ClusterDef):
            given = {job.name: job.tasks for job in cluster.job}  # type: ignore[attr-defined]
        elif isinstance(cluster, Mapping):
            given = cluster
        else:
            raise TypeError(
                "`cluster` must be a dictionary mapping one or more job names to lists of network addresses, or a "
                f"`ClusterDef` protocol buffer{at_line()}"
            )
        for name, tasks in sorted(given.items()):
            if isinstance(tasks, Mapping):
                entered = dict(tasks)
            elif isinstance(tasks, (list, tuple)):
                entered = dict(enumerate(tasks))
            else:
                raise TypeError(f"The tasks for job {name!r} must be a list or a dictionary of addresses.{at_line()}")
            for index, address in entered.items():
                if type(index) is not int or not isinstance(address, str):
                    raise TypeError(
                        f"Task address must be a string, and its number an int: {index!r}: {address!r}{at_line()}"
                    )
            self._jobs[name] = dict(sorted(entered.items()))

    @property
    def jobs(self) -> list[str]:
        """The names of the jobs."""
        return list(self._jobs)

    def num_tasks(self, job_name: str) -> int:
        """How many tasks a job has. Raises ValueError where there is no such job, as the methods below do."""
        return len(self._job(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        """The numbers of a job's tasks, in order."""
        return list(self._job(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        """The address of a task. Raises ValueError where there is none."""
        job = self._job(job_name)
        if task_index not in job:
            raise ValueError(f"No task with index {task_index!r} in job {job_name!r}{at_line()}")
        return job[task_index]

    def job_tasks(self, job_name: str) -> list[str | None]:
        """The addresses of a job's tasks by number; None where a number is not taken."""
        job = self._job(job_name)
        return [job.get(i) for i in range(max(job, default=-1) + 1)]

    def _job(self, name: str) -> dict[int, str]:
        if name not in self._jobs:
            raise ValueError(f"No such job in cluster: {name!r}{at_line()}")
        return self._jobs[name]

    def as_dict(self) -> dict[str, Any]:
        """Lists of addresses by job, dicts for jobs whose numbers have gaps."""
        return {
            name: list(tasks.values()) if list(tasks) == list(range(len(tasks))) else dict(tasks)
            for name, tasks in self._jobs.items()
        }

    def as_cluster_def(self) -> ClusterDef:
        """As a message, which ``tf.ConfigProto(cluster_def=...)`` takes."""
        return ClusterDef(job=[JobDef(name=name, tasks=tasks) for name, tasks in self._jobs.items()])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterSpec) and self._jobs == other._jobs

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def __repr__(self) -> str:
        return f"ClusterSpec({self.as_dict()!r})"


class Server:
    """Not here: processes of a cluster are Dask's, and one program runs them all.

    ``target`` of ``Server.create_local_server()`` is that of a session on workers of its own. Making a server for one task
    raises NotImplementedError, with what to do in its place.
    """

    def __init__(
        self, server_or_cluster_def: Any, job_name: str | None = None, task_index: int | None = None, **_: Any
    ) -> None:
        cluster = ClusterSpec(server_or_cluster_def)
        task = f"/job:{job_name or next(iter(cluster.jobs), 'worker')}/task:{task_index or 0}"
        raise NotImplementedError(
            f"tf.train.Server: {task} is no server of its own here, because Dask starts the processes of a cluster. Run "
            "`dask scheduler` once and `dask worker tcp://scheduler:8786 --nthreads 1 --name NAME` for each task, and then "
            'one program with tf.Session("dask://scheduler:8786", config=tf.ConfigProto(cluster_def='
            f"tf.train.ClusterSpec({{...}}).as_cluster_def())), in which the addresses are the workers' names{at_line()}"
        )

    @staticmethod
    def create_local_server(config: Any = None, start: bool = True) -> LocalServer:
        """A server of this machine: sessions on its target have a worker process of their own."""
        return LocalServer()


class LocalServer:
    """What ``Server.create_local_server`` gives."""

    target = "dask://local?workers=1"

    def start(self) -> None:
        """Nothing: a session starts its worker."""

    def join(self) -> None:
        """Nothing: there is nothing to wait for."""


__all__ = ["ClusterDef", "ClusterSpec", "JobDef", "LocalServer", "Server"]
