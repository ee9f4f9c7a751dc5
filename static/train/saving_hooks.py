"""Hooks that write files: checkpoints and summaries."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from graphs.core.errors import at_line
from static import logging
from static.event_files import FileWriterCache
from static.graph import GraphKeys, get_default_graph
from static.protos import SessionLog
from static.train.hook import SecondOrStepTimer, SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues, step_of


class CheckpointSaverListener:
    """What may be done when a ``CheckpointSaverHook`` saves; each method does nothing until a subclass says otherwise."""

    def begin(self) -> None:
        """Called once, before the session is made."""

    def before_save(self, session: Any, global_step_value: int) -> None:
        """Called before each checkpoint."""

    def after_save(self, session: Any, global_step_value: int) -> bool | None:
        """Called after each checkpoint. True asks for an end."""

    def end(self, session: Any, global_step_value: int) -> None:
        """Called at the end, after the last checkpoint."""


class CheckpointSaverHook(SessionRunHook):
    """Saves a checkpoint at the start, every ``save_steps`` steps or ``save_secs`` seconds, and at the end.

    Args:
        checkpoint_dir: where; it is made where it is not there.
        saver, scaffold: what saves: at most one of the two, by default the saver in the collection ``SAVERS``.
        checkpoint_basename: the beginning of the files' names.
        listeners: told of each checkpoint.

    Raises ValueError unless given exactly one of ``save_secs`` and ``save_steps``.
    """

    def __init__(
        self,
        checkpoint_dir: str,
        save_secs: float | None = None,
        save_steps: int | None = None,
        saver: Any = None,
        checkpoint_basename: str = "model.ckpt",
        scaffold: Any = None,
        listeners: Sequence[CheckpointSaverListener] | None = None,
    ) -> None:
        if saver is not None and scaffold is not None:
            raise ValueError(f"You cannot provide both saver and scaffold.{at_line()}")
        self._saver = saver
        self._scaffold = scaffold
        self._directory = os.fspath(checkpoint_dir)
        self._path = os.path.join(self._directory, checkpoint_basename)
        self._timer = SecondOrStepTimer(save_secs, save_steps)
        self._listeners = list(listeners or ())

    def listen(self, listener: CheckpointSaverListener) -> None:
        """Have ``listener`` told of each checkpoint from now on."""
        self._listeners.append(listener)

    def begin(self) -> None:
        """Find the global step, and open the event file."""
        self._writer = FileWriterCache.get(self._directory)
        self._global_step = step_of("CheckpointSaverHook")
        for listener in self._listeners:
            listener.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Write the graph, and save what training begins with."""
        step = session.run(self._global_step)
        self._writer.add_graph(get_default_graph())
        self._save(session, step)
        self._timer.update_last_triggered_step(step)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the global step."""
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Save where it is time."""
        if not self._timer.should_trigger_for_step(run_values.results + 1):
            return
        step = run_context.session.run(self._global_step)
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._save(run_context.session, step):
                run_context.request_stop()

    def end(self, session: Any) -> None:
        """Save what training has ended with."""
        step = session.run(self._global_step)
        if step != self._timer.last_triggered_step():
            self._save(session, step)
        for listener in self._listeners:
            listener.end(session, step)

    def _save(self, session: Any, step: int) -> bool:
        """Save; whether a listener asks for an end."""
        logging.info("Saving checkpoints for %d into %s.", step, self._path)
        for listener in self._listeners:
            listener.before_save(session, step)
        self._found_saver().save(session, self._path, global_step=step)
        self._writer.add_session_log(SessionLog(status=SessionLog.CHECKPOINT, checkpoint_path=self._path), step)
        wishes = [listener.after_save(session, step) for listener in self._listeners]
        return any(wishes)

    def _found_saver(self) -> Any:
        if self._saver is not None:
            return self._saver
        if self._scaffold is not None:
            return self._scaffold.saver
        savers = get_default_graph().get_collection(GraphKeys.SAVERS)
        if len(savers) != 1:
            number = "No items" if not savers else "More than one item"
            raise RuntimeError(
                f"{number} in collection {GraphKeys.SAVERS}. Please pass the saver to use to the constructor."
            )
        self._saver = savers[0]
        return self._saver


class SummarySaverHook(SessionRunHook):
    """Writes summaries every ``save_steps`` steps or ``save_secs`` seconds.

    Args:
        output_dir: where, unless a ``summary_writer`` is given.
        scaffold, summary_op: the summary to write, or who has it: exactly one of the two.

    Raises ValueError unless given exactly one of ``save_secs`` and ``save_steps``, and of ``scaffold`` and ``summary_op``.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str | None = None,
        summary_writer: Any = None,
        scaffold: Any = None,
        summary_op: Any = None,
    ) -> None:
        if (scaffold is None) == (summary_op is None):
            raise ValueError(f"Exactly one of scaffold or summary_op must be provided.{at_line()}")
        self._summary_op = summary_op
        self._scaffold = scaffold
        self._writer = summary_writer
        self._output_dir = output_dir
        self._timer = SecondOrStepTimer(save_secs, save_steps)
        self._next_step: int | None = None
        self._due = False

    def begin(self) -> None:
        """Find the global step, and open the event file."""
        if self._writer is None and self._output_dir:
            self._writer = FileWriterCache.get(self._output_dir)
        self._next_step = None
        self._global_step = step_of("SummarySaverHook")

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the summaries where it is time."""
        self._due = self._next_step is None or self._timer.should_trigger_for_step(self._next_step)
        wanted = {"global_step": self._global_step}
        summary = self._summary_op if self._scaffold is None else self._scaffold.summary_op
        if self._due and summary is not None:
            wanted["summary"] = summary if isinstance(summary, list) else [summary]
        return SessionRunArgs(wanted)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Write them."""
        if self._writer is None:
            return
        step = run_values.results["global_step"] + 1
        if self._next_step is None or self._due:
            step = run_context.session.run(self._global_step)
        if self._next_step is None:
            self._writer.add_session_log(SessionLog(status=SessionLog.START), step)
        if self._due:
            self._timer.update_last_triggered_step(step)
            for summary in run_values.results.get("summary", ()):
                self._writer.add_summary(summary, step)
        self._next_step = step + 1

    def end(self, session: Any) -> None:
        """Have all of it reach the file."""
        if self._writer is not None:
            self._writer.flush()
