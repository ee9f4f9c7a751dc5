"""Training that goes on when a worker dies: from the last checkpoint, with the workers that are left.

    with tf.train.MonitoredTrainingSession(master="dask://local?replicas=4", checkpoint_dir=where,
                                           save_checkpoint_steps=100, hooks=[tf.train.StopAtStepHook(10_000)]) as session:
        while not session.should_stop():
            session.run(train_op, batch)  # batch(step): what is fed in that step

A run in which a worker is lost is done again after the variables have been restored, and with them where the random stream
stood. Where ``feed_dict`` is a function of the global step, the steps since the checkpoint are done again on the same
batches: the whole gives what an undisturbed run gives from that checkpoint on.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from static import logging
from static.errors import AbortedError, DeadlineExceededError, OpError, UnavailableError
from static.train.hook import SessionRunHook
from static.train.saving_hooks import CheckpointSaverListener
from static.train.steps import get_global_step


class Recovery(NamedTuple):
    """A recovery that has been made.

    Attributes:
        error: what had gone wrong.
        step: the global step from which training has gone on; None where there is no global step.
        noticed: when the error was noticed, and ``resumed`` when training went on: ``time.time()``.
    """

    error: OpError
    step: int | None
    noticed: float
    resumed: float


class Notes(CheckpointSaverListener):
    """Where the session's random stream stood at each checkpoint."""

    def __init__(self) -> None:
        self.steps: dict[int, tuple[int, int]] = {}

    def after_save(self, session: Any, global_step_value: int) -> None:
        """Note it."""
        self.steps[int(global_step_value)] = (session.stream.seed, session.stream.step)


def lost(session: Any, error: BaseException) -> bool:
    """Whether ``error`` is that a worker of ``session`` is lost, and the session may be rebuilt."""
    kinds = (AbortedError, DeadlineExceededError, UnavailableError)
    return isinstance(error, kinds) and bool(getattr(session, "broken", "")) and hasattr(session, "rebuild")


def recover(
    session: Any, error: OpError, creator: Any, hooks: list[SessionRunHook], coordinator: Any, notes: Notes
) -> Recovery:
    """Have ``session`` go on with the workers that are left, as ``creator`` begins one, and tell the hooks.

    Where workers die meanwhile, it begins again. Raises UnavailableError where none is left.
    """
    noticed = time.time()
    while True:
        logging.warning("Training goes on from the last checkpoint, because %s", session.broken or error)
        kept = session.rebuild()
        try:
            creator.begin(session, kept)
            found = get_global_step(session.graph)
            step = None if found is None else int(session.run(found))
            if step in notes.steps and not (kept and creator.checkpoint() is None):
                seed, at = notes.steps[step]
                session.stream.seed, session.stream.step = seed, at
            for hook in hooks:
                hook.after_create_session(session, coordinator)
        except OpError as other:
            if not lost(session, other):
                raise
            error = other
        else:
            return Recovery(error, step, noticed, time.time())
