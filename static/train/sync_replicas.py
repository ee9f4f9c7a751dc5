"""``tf.train.SyncReplicasOptimizer`` and ``replica_device_setter``: TensorFlow 1's way to ask for data parallelism."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from graphs.core.errors import at_line
from static.devices import DeviceSpec
from static.flow import group, no_op
from static.state import variable_op
from static.train.hook import SessionRunHook
from static.train.optimizer import Optimizer
from static.variables import Variable


class SyncReplicasOptimizer(Optimizer):
    """Applies the mean of all replicas' gradients by another optimizer: what sessions of replicas do with any optimizer.

    Programs that ask for it run on ``tf.Session("dask://...", replicas=n)`` as they are; a session of one process has one
    replica.

    Args:
        opt: what applies the gradients.
        replicas_to_aggregate: how many replicas there are to be; the hook checks it.
        total_num_replicas: the same number, or None: there are no stragglers to be left out.
        variable_averages: an ``ExponentialMovingAverage`` to keep of ``variables_to_average`` after each step.

    Raises ValueError where more replicas are asked for than are to be waited for.
    """

    def __init__(
        self,
        opt: Optimizer,
        replicas_to_aggregate: int,
        total_num_replicas: int | None = None,
        variable_averages: Any = None,
        variables_to_average: Iterable[Variable] | None = None,
        use_locking: bool = False,
        name: str = "sync_replicas",
    ) -> None:
        if total_num_replicas not in (None, replicas_to_aggregate):
            raise ValueError(
                f"{replicas_to_aggregate} of {total_num_replicas} replicas are to be aggregated, and here it is always all: "
                f"the two numbers have to be the same{at_line()}"
            )
        super().__init__(use_locking, name)
        self._optimizer = opt
        self._replicas = replicas_to_aggregate
        self._averages = variable_averages
        self._averaged = None if variables_to_average is None else list(variables_to_average)

    def compute_gradients(self, *args: Any, **settings: Any) -> list[tuple[Any, Variable]]:
        """What ``opt`` gives."""
        return self._optimizer.compute_gradients(*args, **settings)

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Variable]], global_step: Variable | None = None, name: str | None = None
    ) -> Any:
        """An operation that changes each variable by the mean of its gradients. Raises ValueError without a global step."""
        if global_step is None:
            raise ValueError(f"Global step is required to check staleness{at_line()}")
        pairs = list(grads_and_vars)
        train_op = self._optimizer.apply_gradients(pairs, global_step, name)
        if self._averages is None:
            return train_op
        with train_op.graph.control_dependencies([train_op]):
            return group(self._averages.apply(self._averaged))

    def get_slot(self, var: Variable, name: str) -> Variable | None:
        """The slot of ``opt``."""
        return self._optimizer.get_slot(var, name)

    def get_slot_names(self) -> list[str]:
        """The names of the slots of ``opt``."""
        return self._optimizer.get_slot_names()

    def variables(self) -> list[Variable]:
        """The variables of ``opt``."""
        return self._optimizer.variables()

    def get_init_tokens_op(self, num_tokens: int = -1) -> Any:
        """An operation that does nothing: replicas wait for each other by themselves."""
        return no_op(name="init_tokens")

    def make_session_run_hook(self, is_chief: bool, num_tokens: int = -1) -> SessionRunHook:
        """A hook that sees to it that a session has as many replicas as are asked for."""
        return _ReplicasHook(self._replicas)


class _ReplicasHook(SessionRunHook):
    def __init__(self, replicas: int) -> None:
        self._replicas: int | None = replicas

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Look at the first session; those after the loss of a worker have fewer."""
        wanted, self._replicas = self._replicas, None
        found = getattr(session, "replicas", 1)
        if wanted is not None and wanted != found:
            raise ValueError(
                f"SyncReplicasOptimizer is to aggregate {wanted} replicas, and the session has {found}: "
                f'tf.train.MonitoredTrainingSession(master="dask://local?replicas={wanted}")'
            )


def replica_device_setter(
    ps_tasks: int = 0,
    ps_device: str = "/job:ps",
    worker_device: str = "/job:worker",
    merge_devices: bool = True,
    cluster: Any = None,
    ps_ops: Sequence[str] | None = None,
    ps_strategy: Callable[[Any], int] | None = None,
) -> Callable[[Any], str] | None:
    """A function for ``tf.device`` that puts variables on the tasks of ``ps_device`` in turn, all else on ``worker_device``.

    Args:
        ps_tasks: how many tasks there are for variables; None is returned where there are none.
        cluster: a ``ClusterSpec`` (or what makes one) that tells how many.
        ps_ops: the types of operations that go there, by default those of variables.
        ps_strategy: gives the task for an operation, in place of one after the other.
    """
    if cluster is not None:
        jobs = cluster.as_dict() if hasattr(cluster, "as_dict") else dict(cluster)
        ps_tasks = len(jobs.get(DeviceSpec.from_string(ps_device).job, ()))
    if not ps_tasks:
        return None
    turns = iter(range(1 << 62))

    def choose(op: Any) -> str:
        here = DeviceSpec.from_string(op.device or "")
        on_server = op.op is variable_op if ps_ops is None else op.type in ps_ops
        made = DeviceSpec.from_string((ps_device if on_server else worker_device) or "")
        if on_server and made.task is None:
            made.task = ps_strategy(op) if ps_strategy is not None else next(turns) % ps_tasks
        if merge_devices:
            made.merge_from(here)
        return made.to_string() if merge_devices or not here.to_string() else here.to_string()

    return choose
