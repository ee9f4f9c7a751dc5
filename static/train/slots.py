"""Variables beside variables: slots of optimizers, and the shadows that hold averages."""

from __future__ import annotations

from typing import Any

from static.array import filled, zeros_like
from static.scopes import variable_scope
from static.variables import Variable


def create_slot(primary: Any, val: Any, name: str) -> Variable:
    """A new variable with the initial value ``val`` (a tensor, a number, or a callable), called after ``primary``.

    It is on the device of ``primary``. Its name is ``<primary's>/<name>``, with ``_1``, ``_2`` and so on where slots of that
    name have been made. It stands in the current variable scope, as TensorFlow 1 has it: within a scope ``a`` the slots of
    ``a/w`` begin with ``a/a/w``.
    """
    graph = primary.graph
    with (
        graph.as_default(),
        graph.control_dependencies(None),
        variable_scope(None, f"{primary.op.name}/{name}") as scope,
        graph.name_scope(None),
        graph.colocate_with(primary),
    ):
        whole = primary.shape.is_fully_defined()
        return Variable(val, trainable=False, name=f"{scope.name}/", validate_shape=whole, dtype=primary.dtype)


def create_constant_slot(primary: Any, fill: float, name: str) -> Variable:
    """A new variable of the shape of ``primary``, filled with ``fill``, called ``<primary's name>/<name>``."""

    def initial() -> Any:
        if primary.shape.is_fully_defined():
            return filled(primary.shape, fill, primary.dtype, "zeros" if fill == 0 else "Const")
        start = primary.initialized_value() if isinstance(primary, Variable) else primary
        return zeros_like(start) + fill

    return create_slot(primary, initial, name)


def create_zeros_slot(primary: Any, name: str) -> Variable:
    """A new variable of the shape of ``primary``, filled with zeros, called ``<primary's name>/<name>``."""
    return create_constant_slot(primary, 0.0, name)
