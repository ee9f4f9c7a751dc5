"""The session behind ``theano.function``: one for each graph, which holds the values of its shared variables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphs.core.errors import at_line
from graphs.core.node import ancestors
from static.graph import Graph
from static.passes import cse, fold, stabilise
from static.session import Session
from static.state import placeholder_op
from static.theano.errors import MissingInputError


_KEY = object()
"""The key of the session among the graph's collections; no string, so that no program has it too."""

_PASSES = (fold, cse, stabilise, cse)
"""As sessions have by default, with the stable forms that Theano puts in: the logarithm of a softmax stays finite."""


def session_of(graph: Graph) -> Session:
    """The session in which Theano's functions over ``graph`` run."""
    found = graph.get_collection_ref(_KEY)
    if not found:
        found.append(Session(graph=graph, passes=_PASSES))
    session: Session = found[0]
    return session


def check_given(outputs: Iterable[Any], given: Iterable[Any], what: str) -> set[Any]:
    """The nodes that ``outputs`` need where the tensors ``given`` have values.

    Raises MissingInputError where a placeholder is among them that is not given.
    """
    known = {x.node for x in given}
    reached = ancestors({x.node for x in outputs}, stop=lambda node: node in known)
    for node in reached:
        if node.op is placeholder_op and node not in known:
            raise MissingInputError(
                f"Input of the graph {node.name!r}, used to compute {what}, was not provided and not given a value "
                f"(made at {node.where}){at_line()}"
            )
    return set(reached)
