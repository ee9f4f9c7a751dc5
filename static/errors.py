"""The errors of a run, under TensorFlow's names (``tf.errors``). Each names the node and the user's line that made it."""

from __future__ import annotations

from typing import Any

from graphs.core.errors import GraphsError


class OpError(GraphsError):
    """An operation failed in a run. ``op`` is the operation (None where there is none), ``message`` says what happened."""

    def __init__(self, op: Any, message: str) -> None:
        super().__init__(message if op is None else f"{message}\n  {place(op)}")
        self.op = op
        self.message = message


class InvalidArgumentError(OpError, ValueError):
    """An operation was given something it does not take."""


class FailedPreconditionError(OpError):
    """A variable was read before it had a value."""


class ResourceExhaustedError(OpError, MemoryError):
    """There was not enough memory for an operation's result."""


def place(op: Any) -> str:
    """Which node it is and where the user made it, for the end of a message."""
    return f"node {op.name!r} (op: {op.type}), made at {op.where}"
