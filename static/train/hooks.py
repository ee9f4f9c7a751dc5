"""Hooks: stopping, logging and watching what a ``MonitoredSession`` runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy

from graphs.core.errors import at_line
from static import logging
from static.event_files import FileWriterCache
from static.graph import get_default_graph
from static.protos import Summary
from static.train.hook import (
    NeverTimer,
    SecondOrStepTimer,
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
    step_of,
)


class LoggingTensorHook(SessionRunHook):
    """Logs the values of tensors every so many runs or seconds.

    Args:
        tensors: tensors, or names of them, by the tag to log them under; or a list of either.
        every_n_iter, every_n_secs: how often; exactly one of the two, unless it is only at the end.
        at_end: whether to log at the end too.
        formatter: makes the text of a dict of the values by tag.
    """

    def __init__(
        self,
        tensors: Mapping[str, Any] | Iterable[Any],
        every_n_iter: int | None = None,
        every_n_secs: float | None = None,
        at_end: bool = False,
        formatter: Callable[[dict[Any, Any]], str] | None = None,
    ) -> None:
        only_at_end = at_end and every_n_iter is None and every_n_secs is None
        if not only_at_end and (every_n_iter is None) == (every_n_secs is None):
            raise ValueError(
                f"either at_end and/or exactly one of every_n_iter and every_n_secs must be provided.{at_line()}"
            )
        if every_n_iter is not None and every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.{at_line()}")
        named = tensors if isinstance(tensors, Mapping) else {tensor: tensor for tensor in tensors}
        self._tensors = dict(sorted(named.items()) if isinstance(tensors, Mapping) else named.items())
        self._formatter = formatter
        self._timer = NeverTimer() if only_at_end else SecondOrStepTimer(every_n_secs, every_n_iter)
        self._at_end = at_end
        self._count = 0
        self._due = False

    def begin(self) -> None:
        """Find the tensors in the graph."""
        self._timer.reset()
        self._count = 0
        graph = get_default_graph()
        self._found = {tag: graph.as_graph_element(tensor) for tag, tensor in self._tensors.items()}

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Ask for the tensors where it is time."""
        self._due = self._timer.should_trigger_for_step(self._count)
        return SessionRunArgs(self._found) if self._due else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Log them."""
        if self._due:
            self._log(run_values.results)
        self._count += 1

    def end(self, session: Any) -> None:
        """Log them a last time, if asked to."""
        if self._at_end:
            self._log(session.run(self._found))

    def _log(self, values: dict[Any, Any]) -> None:
        seconds, _ = self._timer.update_last_triggered_step(self._count)
        if self._formatter is not None:
            logging.info("%s", self._formatter(values))
            return
        with numpy.printoptions(suppress=True):
            text = ", ".join(f"{tag} = {values[tag]}" for tag in self._tensors)
        logging.info("%s" if seconds is None else f"%s ({seconds:.3f} sec)", text)


class StopAtStepHook(SessionRunHook):
    """Asks for an end after ``num_steps`` steps, or at the global step ``last_step``. Raises ValueError unless given one."""

    def __init__(self, num_steps: int | None = None, last_step: int | None = None) -> None:
        if num_steps is None and last_step is None:
            raise ValueError(f"One of num_steps or last_step must be specified.{at_line()}")
        if num_steps is not None and last_step is not None:
            raise ValueError(f"Only one of num_steps or last_step can be specified.{at_line()}")
        self._num_steps = num_steps
        self._last_step = last_step

    def begin(self) -> None:
        """Find the global step."""
        self._global_step = step_of("StopAtStepHook")

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Reckon the last step."""
        if self._last_step is None and self._num_steps is not None:
            self._last_step = session.run(self._global_step) + self._num_steps

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the global step."""
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Ask for an end where the run has made it the last step."""
        last = self._last_step
        if last is not None and run_values.results + 1 >= last and run_context.session.run(self._global_step) >= last:
            run_context.request_stop()


class StepCounterHook(SessionRunHook):
    """Logs, and writes to an event file, how many steps are taken in a second."""

    def __init__(
        self,
        every_n_steps: int | None = 100,
        every_n_secs: float | None = None,
        output_dir: str | None = None,
        summary_writer: Any = None,
    ) -> None:
        if (every_n_steps is None) == (every_n_secs is None):
            raise ValueError(f"exactly one of every_n_steps and every_n_secs should be provided.{at_line()}")
        self._timer = SecondOrStepTimer(every_n_secs, every_n_steps)
        self._writer = summary_writer
        self._output_dir = output_dir

    def begin(self) -> None:
        """Find the global step, and open the file."""
        if self._writer is None and self._output_dir:
            self._writer = FileWriterCache.get(self._output_dir)
        self._global_step = step_of("StepCounterHook")
        self._tag = f"{self._global_step.op.name}/sec"

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the global step."""
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Log the rate where it is time."""
        if not self._timer.should_trigger_for_step(run_values.results + 1):
            return
        step = run_context.session.run(self._global_step)
        if self._timer.should_trigger_for_step(step):
            seconds, steps = self._timer.update_last_triggered_step(step)
            if seconds is not None and steps is not None:
                self._record(steps / seconds, step)

    def _record(self, rate: float, step: int) -> None:
        if self._writer is not None:
            value = Summary.Value(tag=self._tag, simple_value=rate)
            self._writer.add_summary(Summary(value=[value]), step)
        logging.info("%s: %g", self._tag, rate)


class NanLossDuringTrainingError(RuntimeError):
    """The loss was not a number."""

    def __str__(self) -> str:
        return "NaN loss during training."


class NanTensorHook(SessionRunHook):
    """Ends training where a loss is not a number: by an error, or with ``fail_on_nan_loss`` false by asking for an end."""

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True) -> None:
        self._loss = loss_tensor
        self._fail = fail_on_nan_loss

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the loss."""
        return SessionRunArgs(self._loss)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Look at it."""
        if not numpy.isnan(run_values.results):
            return
        if self._fail:
            logging.error("Model diverged with loss = NaN.")
            raise NanLossDuringTrainingError
        logging.warning("Model diverged with loss = NaN.")
        run_context.request_stop()


class GlobalStepWaiterHook(SessionRunHook):
    """Holds runs back until the global step is ``wait_until_step``, which other threads bring about."""

    def __init__(self, wait_until_step: int) -> None:
        self._until = wait_until_step

    def begin(self) -> None:
        """Find the global step."""
        self._global_step = step_of("GlobalStepWaiterHook")

    def before_run(self, run_context: SessionRunContext) -> None:
        """Wait."""
        while self._until > 0 and run_context.session.run(self._global_step) < self._until:
            time.sleep(0.01)
        self._until = 0


class FinalOpsHook(SessionRunHook):
    """Runs something at the end; ``final_ops_values`` is what it gave."""

    def __init__(self, final_ops: Any, final_ops_feed_dict: Mapping[Any, Any] | None = None) -> None:
        self._ops = final_ops
        self._feeds = final_ops_feed_dict
        self.final_ops_values: Any = None

    def end(self, session: Any) -> None:
        """Run it."""
        if self._ops is not None:
            self.final_ops_values = session.run(self._ops, feed_dict=self._feeds)


class FeedFnHook(SessionRunHook):
    """Feeds each run what a function returns."""

    def __init__(self, feed_fn: Callable[[], Mapping[Any, Any]]) -> None:
        self.feed_fn = feed_fn

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Call it."""
        return SessionRunArgs(None, feed_dict=self.feed_fn())
