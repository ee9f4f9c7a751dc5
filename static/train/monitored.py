"""``tf.train.MonitoredTrainingSession``: sessions that begin by themselves, call hooks around runs, and say when to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from static.errors import OpError, OutOfRangeError
from static.graph import Graph, get_default_graph
from static.train.coordinator import Coordinator
from static.train.hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues, step_of
from static.train.hooks import StepCounterHook
from static.train.saving_hooks import CheckpointSaverHook, SummarySaverHook
from static.train.scaffold import ChiefSessionCreator, Scaffold, SessionCreator, WorkerSessionCreator


class StepContext:
    """What ``run_step_fn`` hands to a step: the session, and runs with hooks."""

    def __init__(self, session: Any, run_with_hooks: Callable[..., Any]) -> None:
        self.session = session
        self.run_with_hooks = run_with_hooks

    def request_stop(self) -> None:
        """End the step, and training with it, by raising StopIteration."""
        raise StopIteration("step_fn has requested the iterations to stop.")


class MonitoredSession:
    """A session that is made and initialised here, that calls hooks around its runs, and that ends when one asks for it.

        with tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(last_step=100)]) as session:
            while not session.should_stop():
                session.run(train_op)

    As a context it is left without an error by OutOfRangeError and StopIteration; any other error closes it without calling
    the hooks' ``end``. The graph grows no more until then. Where a session on a cluster loses a worker, training goes on
    with those that are left (see ``run``).

    Args:
        session_creator: makes the session, by default a ``ChiefSessionCreator``.
        hooks: what to call.
        stop_grace_period_secs: how long threads have to stop when it is closed.

    Attributes:
        recoveries: what was lost on the way, and from which step training went on: ``error`` and ``step`` of each time.
    """

    StepContext = StepContext

    def __init__(
        self,
        session_creator: SessionCreator | None = None,
        hooks: Iterable[SessionRunHook] | None = None,
        stop_grace_period_secs: float = 120,
    ) -> None:
        self._graph = get_default_graph()
        self._was_finalized = self._graph.finalized
        self._hooks = list(hooks or ())
        self._grace = stop_grace_period_secs
        self._stopping = False
        self._creator = session_creator or ChiefSessionCreator()
        self._notes: Any = None
        self.recoveries: list[Any] = []
        for hook in self._hooks:
            hook.begin()
        try:
            self._session: Any = self._creator.create_session()
            self._watch_for_losses()
            self._coordinator = Coordinator(clean_stop_exception_types=())
            for hook in self._hooks:
                hook.after_create_session(self._session, self._coordinator)
        except BaseException:
            self._open_graph()
            raise

    @property
    def graph(self) -> Graph | None:
        """The graph, None once it has been closed."""
        return None if self._session is None else self._session.graph

    def should_stop(self) -> bool:
        """Whether a hook or thread has asked for an end, or it has been closed. Raises what a thread has reported."""
        if self._session is None:
            return True
        self._coordinator.raise_requested_exception()
        return self._coordinator.should_stop() or self._stopping

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """As ``Session.run``, with the hooks called before and after it.

        ``feed_dict`` may also be a function of the global step that gives it. Where a worker of the session's cluster is
        lost, the last checkpoint is restored on the workers that are left (without one, the variables begin anew), and the
        run is done again; such a function is then asked again, for the step that was restored.

        Raises RuntimeError after an end has been asked for, and where two feed one tensor.
        """
        session = self._opened()
        if self._stopping:
            raise RuntimeError("Run called even after should_stop requested.")
        while True:
            try:
                given = feed_dict(int(session.run(step_of("feed_dict")))) if callable(feed_dict) else feed_dict
                return self._run(session, fetches, given, options, run_metadata)
            except OpError as error:
                if self._notes is None or not self._recovered(error):
                    raise

    def _watch_for_losses(self) -> None:
        """Note at each checkpoint what is needed to go on from it, where the session is on a cluster."""
        if hasattr(self._session, "rebuild") and hasattr(self._creator, "begin"):
            self._notes = import_module("static.distributed.recovery").Notes()
            for hook in self._hooks:
                if isinstance(hook, CheckpointSaverHook):
                    hook.listen(self._notes)

    def _recovered(self, error: OpError) -> bool:
        """Whether ``error`` was that a worker is lost; training goes on without it then."""
        recovery = import_module("static.distributed.recovery")
        if not recovery.lost(self._session, error):
            return False
        made = recovery.recover(self._session, error, self._creator, self._hooks, self._coordinator, self._notes)
        self.recoveries.append(made)
        return True

    def _run(self, session: Any, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any) -> Any:
        context = SessionRunContext(SessionRunArgs(fetches, feed_dict), session)
        wanted: dict[Any, Any] = {"caller": fetches}
        feeds = dict(feed_dict or {})
        for hook in self._hooks:
            request = hook.before_run(context)
            if request is None:
                continue
            if request.fetches is not None:
                wanted[hook] = request.fetches
            twice = feeds.keys() & (request.feed_dict or {}).keys()
            if twice:
                raise RuntimeError(f"Same tensor is fed by a SessionRunHook and another one or user: {[*twice]}")
            feeds.update(request.feed_dict or {})
            options = request.options if options is None else options
        try:
            values = session.run(wanted, feeds, options, run_metadata)
        except Exception:
            self._coordinator.raise_requested_exception()  # a thread's error may be why this one came about
            raise
        for hook in self._hooks:
            hook.after_run(context, SessionRunValues(values.get(hook), options, run_metadata))
        self._stopping = self._stopping or context.stop_requested
        return values["caller"]

    def run_step_fn(self, step_fn: Callable[[Any], Any]) -> Any:
        """What ``step_fn(step_context)`` returns; it may run with hooks and without.

        Raises ValueError where it takes other arguments, StopIteration where it asks for an end.
        """
        code = getattr(step_fn, "__code__", None)
        names = () if code is None else code.co_varnames[: code.co_argcount]
        if names not in (("step_context",), ("self", "step_context")):
            raise ValueError(
                "`step_fn` may either have one `step_context` argument, or `self` and `step_context` arguments if it's an "
                f"instance method. Got {names} instead."
            )
        return step_fn(StepContext(self._opened(), self.run))

    def close(self) -> None:
        """Call the hooks' ``end``, stop the threads, and close the session. Raises RuntimeError where it is closed."""
        self._close(None)

    def __enter__(self) -> MonitoredSession:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> bool:
        if kind is not None and issubclass(kind, (OutOfRangeError, StopIteration)):
            kind = None
        self._close(kind)
        return kind is None

    def _opened(self) -> Any:
        if self._session is None:
            raise RuntimeError("Attempted to use a closed Session.")
        return self._session

    def _close(self, error: type[BaseException] | None) -> None:
        if self._session is None:
            raise RuntimeError("Session is already closed.")
        try:
            if error is None:
                for hook in self._hooks:
                    hook.end(self._session)
        finally:
            session, self._session = self._session, None
            try:
                self._coordinator.request_stop()
                self._coordinator.join(stop_grace_period_secs=self._grace, ignore_live_threads=True)
            finally:
                session.close()
                self._open_graph()

    def _open_graph(self) -> None:
        if not self._was_finalized:
            self._graph.unfinalize()


class SingularMonitoredSession(MonitoredSession):
    """A monitored session given its settings at once; ``raw_session`` is the session itself."""

    def __init__(
        self,
        hooks: Iterable[SessionRunHook] | None = None,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: str | None = None,
        stop_grace_period_secs: float = 120,
        checkpoint_filename_with_path: str | None = None,
    ) -> None:
        creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path)
        super().__init__(creator, hooks, stop_grace_period_secs)

    def raw_session(self) -> Any:
        """The session under it."""
        return self._session


_USUAL: Any = object()


def MonitoredTrainingSession(  # noqa: N802 (TensorFlow's name of it)
    master: str = "",
    is_chief: bool = True,
    checkpoint_dir: str | None = None,
    scaffold: Scaffold | None = None,
    hooks: Iterable[SessionRunHook] | None = None,
    chief_only_hooks: Iterable[SessionRunHook] | None = None,
    save_checkpoint_secs: Any = _USUAL,
    save_summaries_steps: Any = _USUAL,
    save_summaries_secs: Any = _USUAL,
    config: Any = None,
    stop_grace_period_secs: float = 120,
    log_step_count_steps: int | None = 100,
    max_wait_secs: float = 7200,
    save_checkpoint_steps: Any = _USUAL,
    summary_dir: str | None = None,
) -> MonitoredSession:
    """A monitored session that restores the latest checkpoint of ``checkpoint_dir`` and saves there as training goes on.

    ``master`` is a session's target: with ``dask://...`` training runs on a cluster, and survives the death of workers.

    Checkpoints are saved every 600 seconds, summaries every 100 steps, unless said otherwise; 0 or None means never. Steps
    per second are logged every ``log_step_count_steps``.
    """
    if not is_chief:
        return MonitoredSession(WorkerSessionCreator(scaffold, master, config), hooks, stop_grace_period_secs)
    scaffold = scaffold or Scaffold()
    summary_steps, summary_secs = _interval(save_summaries_steps, save_summaries_secs, (100, None))
    steps, secs = _interval(save_checkpoint_steps, save_checkpoint_secs, (None, 600))
    called = list(chief_only_hooks or ())
    summary_dir = summary_dir or checkpoint_dir
    if summary_dir:
        if log_step_count_steps and log_step_count_steps > 0:
            called.append(StepCounterHook(log_step_count_steps, output_dir=summary_dir))
        if summary_steps or summary_secs:
            called.append(SummarySaverHook(summary_steps, summary_secs, summary_dir, scaffold=scaffold))
    if checkpoint_dir and (steps or secs):
        called.append(CheckpointSaverHook(checkpoint_dir, secs, steps, scaffold=scaffold))
    creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir)
    return MonitoredSession(creator, [*called, *(hooks or ())], stop_grace_period_secs)


def _interval(steps: Any, secs: Any, usual: tuple[Any, Any]) -> tuple[Any, Any]:
    """Steps and seconds, of which one that is not given is None where the other is."""
    if steps is _USUAL and secs is _USUAL:
        return usual
    return None if steps is _USUAL else steps, None if secs is _USUAL else secs
