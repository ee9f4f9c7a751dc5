"""What a hook is, and what it is told: the protocol between a ``MonitoredSession`` and what is done around its runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from graphs.core.errors import at_line
from static.train.steps import get_global_step


class SessionRunArgs(NamedTuple):
    """What a hook wants run along with what the caller asked for."""

    fetches: Any
    feed_dict: Mapping[Any, Any] | None = None
    options: Any = None


class SessionRunValues(NamedTuple):
    """What a hook asked for: ``results`` has the structure of its ``fetches``."""

    results: Any
    options: Any
    run_metadata: Any


class SessionRunContext:
    """What a hook is told of a run: the caller's arguments and the session, and a way to ask for an end."""

    def __init__(self, original_args: SessionRunArgs, session: Any) -> None:
        self._original_args = original_args
        self._session = session
        self._stop_requested = False

    @property
    def original_args(self) -> SessionRunArgs:
        """What the caller asked for."""
        return self._original_args

    @property
    def session(self) -> Any:
        """The session that runs it, without hooks."""
        return self._session

    @property
    def stop_requested(self) -> bool:
        """Whether a hook has asked for an end."""
        return self._stop_requested

    def request_stop(self) -> None:
        """Have the monitored session's ``should_stop`` be true from now on."""
        self._stop_requested = True


class SessionRunHook:
    """What may be done around runs; each method does nothing until a subclass says otherwise."""

    def begin(self) -> None:
        """Called once, before the session is made: the graph may still grow."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Called once the session is there and its variables have values."""

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Called before each run; may return what to run along with it."""
        return None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Called after each run with what ``before_run`` asked for."""

    def end(self, session: Any) -> None:
        """Called before the session is closed, unless an error has ended it."""


class SecondOrStepTimer:
    """Says when so many seconds or steps have gone by. Raises ValueError unless given exactly one of the two."""

    def __init__(self, every_secs: float | None = None, every_steps: int | None = None) -> None:
        if every_secs is not None and every_steps is not None:
            raise ValueError(f"Can only provide one of every_secs and every_steps{at_line()}")
        if every_secs is None and every_steps is None:
            raise ValueError(f"Either every_secs or every_steps should be provided{at_line()}")
        self._every_secs = every_secs
        self._every_steps = every_steps
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._step: int | None = None
        self._time = 0.0

    def should_trigger_for_step(self, step: int) -> bool:
        """Whether it is time, at ``step``."""
        if self._step is None:
            return True
        if step == self._step:
            return False
        if self._every_secs is not None:
            return time.monotonic() >= self._time + self._every_secs
        return self._every_steps is not None and step >= self._step + self._every_steps

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """Note that it was done at ``step``; the seconds and steps since the last time, None at the first."""
        now = time.monotonic()
        passed = (None, None) if self._step is None else (now - self._time, step - self._step)
        self._step, self._time = step, now
        return passed

    def last_triggered_step(self) -> int | None:
        """The step at which it was done last, or None."""
        return self._step


class NeverTimer(SecondOrStepTimer):
    """A timer for what is done at the end only."""

    def __init__(self) -> None:
        super().__init__(every_steps=1)

    def should_trigger_for_step(self, step: int) -> bool:
        """Never."""
        return False


def step_of(hook: str) -> Any:
    """The global step. Raises RuntimeError, naming the hook, where there is none."""
    found = get_global_step()
    if found is None:
        raise RuntimeError(f"Global step should be created to use {hook}.{at_line()}")
    return found
