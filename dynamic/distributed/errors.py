"""Errors of process groups. Each is PyTorch's class for it too, and so a RuntimeError."""

from __future__ import annotations

from graphs.core.errors import GraphsError, Where


class DistError(GraphsError, RuntimeError):
    """Anything that goes wrong between processes, or in asking for them."""


class DistBackendError(DistError):
    """What carries the messages failed."""


class DistNetworkError(DistError):
    """The way to another process is not there."""


class MismatchError(DistBackendError, ValueError):
    """Ranks of a group have called different operations, or the same on tensors that do not fit; both are named."""


class LateError(DistBackendError, TimeoutError):
    """An operation took longer than the group's timeout; the message names the ranks that did not come."""


class LostError(DistBackendError, ConnectionError):
    """A rank has ended, and others waited for it; the message names it and why it ended."""


def at(where: Where | None) -> str:
    """The end of a message: the user's line, on a line of its own."""
    return f"\n  at {where}" if where else ""
