"""The errors that Theano names."""

from __future__ import annotations

from graphs.core.errors import GraphsError


class MissingInputError(GraphsError):
    """A graph reads a variable that is neither among a function's inputs nor given a value."""


class UnusedInputError(GraphsError):
    """A function is given an input that nothing it computes depends on."""


class DisconnectedInputError(GraphsError, ValueError):
    """A gradient is asked with respect to a variable that the cost does not depend on."""
