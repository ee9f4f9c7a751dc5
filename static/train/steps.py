"""The global step, and learning rates that fall with it."""

from __future__ import annotations

from typing import Any

from static.calls import cast
from static.graph import Graph, GraphKeys, get_default_graph
from static.tensor import constant, convert_to_tensor
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
        return Variable(constant(0, "int64"), trainable=False, name="global_step", collections=keys)


def get_or_create_global_step(graph: Graph | None = None) -> Variable:
    """The graph's global step."""
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The global step's value in ``sess``."""
    return int(sess.run(global_step_tensor))


def exponential_decay(
    learning_rate: Any, global_step: Any, decay_steps: int, decay_rate: float, staircase: bool = False
) -> Any:
    """``learning_rate * decay_rate ** (global_step / decay_steps)``; with ``staircase`` the exponent is rounded down."""
    rate = convert_to_tensor(learning_rate)
    power = cast(global_step, rate.dtype) / float(decay_steps)
    return rate * decay_rate ** (power // 1.0 if staircase else power)
