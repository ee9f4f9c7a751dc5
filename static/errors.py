"""The errors of a run, under TensorFlow's names (``tf.errors``). Each names the node and the user's line that made it."""

from __future__ import annotations

from typing import Any

from graphs.core.errors import GraphsError, at_line
from static.names import type_name


class OpError(GraphsError):
    """An operation failed in a run. ``op`` is the operation (None where there is none), ``message`` says what happened.

    It is made of operation and message; TensorFlow's ``node_def`` before these is accepted.
    """

    error_code = 2

    def __init__(self, *about: Any) -> None:
        op, message = about[1:3] if len(about) > 2 else about
        super().__init__(message if op is None else f"{message}\n  {place(op)}")
        self.op = op
        self.message = message

    @property
    def node_def(self) -> Any:
        """The operation's description: the operation itself."""
        return self.op


class CancelledError(OpError):
    """An operation was called off while it waited."""

    error_code = 1


class UnknownError(OpError):
    """Something failed that has no error of its own: a Python function, say."""

    error_code = 2


class InvalidArgumentError(OpError, ValueError):
    """An operation was given something it does not take."""

    error_code = 3


class DeadlineExceededError(OpError):
    """There was not enough time."""

    error_code = 4


class NotFoundError(OpError):
    """A file, or a variable in one, is not there."""

    error_code = 5


class AlreadyExistsError(OpError):
    """What was to be made is there already."""

    error_code = 6


class PermissionDeniedError(OpError):
    """The user may not do that."""

    error_code = 7


class ResourceExhaustedError(OpError, MemoryError):
    """There was not enough memory for an operation's result."""

    error_code = 8


class FailedPreconditionError(OpError):
    """A variable was read before it had a value."""

    error_code = 9


class AbortedError(OpError):
    """An operation was given up halfway."""

    error_code = 10


class OutOfRangeError(OpError):
    """There is nothing more: an iterator has come to its end."""

    error_code = 11


class UnimplementedError(OpError, NotImplementedError):
    """An operation does not do that."""

    error_code = 12


class InternalError(OpError):
    """Something is wrong that should not be able to be."""

    error_code = 13


class UnavailableError(OpError):
    """What is needed cannot be reached."""

    error_code = 14


class DataLossError(OpError):
    """A file is damaged or cut short."""

    error_code = 15


class UnauthenticatedError(OpError):
    """Nobody knows who is asking."""

    error_code = 16


# Codes

OK = 0
CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS = 1, 2, 3, 4, 5, 6
PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE = 7, 8, 9, 10, 11
UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS, UNAUTHENTICATED = 12, 13, 14, 15, 16


def closed() -> RuntimeError:
    """What is raised where a session is used that has been closed, with the user's line."""
    return RuntimeError(f"Attempted to use a closed Session.{at_line()}")


def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """The class of errors with this code. Raises KeyError where there is none."""
    return {kind.error_code: kind for kind in OpError.__subclasses__()}[error_code]


def error_code_from_exception_type(cls: type[OpError]) -> int:
    """The code of a class of errors."""
    return cls.error_code


def place(op: Any) -> str:
    """Which node it is and where the user made it, for the end of a message."""
    kind = op.type if hasattr(op, "type") else type_name(op.op.name)  # a node in the body of a loop is no Operation
    return f"node {op.name!r} (op: {kind}), made at {op.where}"
