"""The global step: the variable that counts training steps."""

from __future__ import annotations

from typing import Any

from graphs.core.errors import at_line
from static.graph import Graph, GraphKeys, get_default_graph
from static.tensor import Tensor
from static.variables import Variable


def get_global_step(graph: Graph | None = None) -> Variable | None:
    """The graph's global step, None where none has been made."""
    found = (graph or get_default_graph()).get_collection(GraphKeys.GLOBAL_STEP)
    return found[0] if found else None


def create_global_step(graph: Graph | None = None) -> Variable:
    """A new int64 variable that counts training steps. Raises ValueError where there is one."""
    graph = graph or get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    with graph.as_default(), graph.name_scope(None):
        keys = [GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP]
        return Variable(0, dtype="int64", trainable=False, name="global_step", collections=keys)


def get_or_create_global_step(graph: Graph | None = None) -> Variable:
    """The graph's global step."""
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def assert_global_step(global_step_tensor: Any) -> None:
    """Raise TypeError where this is not a single integer."""
    if not isinstance(global_step_tensor, (Variable, Tensor)):
        raise TypeError(f'Existing "global_step" must be a Variable or Tensor: {global_step_tensor!r}.{at_line()}')
    if not global_step_tensor.dtype.is_integer:
        raise TypeError(f'Existing "global_step" does not have integer type: {global_step_tensor.dtype.name}{at_line()}')
    if global_step_tensor.shape.ndims not in (0, None):
        raise TypeError(f'Existing "global_step" is not scalar: {global_step_tensor.shape}{at_line()}')


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The global step's value in ``sess``."""
    return int(sess.run(global_step_tensor))
