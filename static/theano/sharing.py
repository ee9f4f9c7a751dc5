"""``theano.shared``: variables whose values functions share, read and update."""

from __future__ import annotations

from typing import Any

import numpy

from graphs.core.errors import at_line
from graphs.core.spec import Spec
from static.flow import group
from static.graph import Graph, get_default_graph
from static.state import read_op, variable_op
from static.tensor import Tensor, apply
from static.theano.runs import session_of
from static.theano.variable import TensorVariable, node_name
from static.variables import Variable


_KEY = object()
"""The key of a graph's shared variables among its collections."""


class SharedVariable(TensorVariable):
    """A variable that has a value; ``updates`` of functions change it.

    Attributes:
        variable: the graph's variable.
        default_update: what functions that use it change it to where their ``updates`` do not name it, or None.
    """

    def __init__(self, value: Any, broadcastable: tuple[bool, ...], name: str | None) -> None:
        graph = get_default_graph()
        spec = Spec(tuple(1 if one else None for one in broadcastable), value.dtype)
        with graph.inside(None):
            handle = graph.add(
                variable_op, (), {"spec": spec}, (spec,), graph.unique_name(node_name(name) or "shared"), Tensor
            ).outputs[0]
            tensor = apply(read_op, handle, name=f"{handle.node.name}/read/")
            nothing = group(name=f"{handle.node.name}/Assign/")
        settings = {"trainable": True, "validate_shape": True}
        self.variable = Variable.of_nodes(handle, tensor, nothing, tensor, settings)
        self.default_update: Any = None
        super().__init__(tensor, name)
        graph.get_collection_ref(_KEY).append(self)
        self.set_value(value)

    def get_value(self, borrow: bool = False, return_internal_type: bool = False) -> Any:
        """Its value, an array of the caller's own."""
        return numpy.asarray(session_of(self.graph).run(self.variable))

    def set_value(self, new_value: Any, borrow: bool = False) -> None:
        """Give it a value, of whatever sizes. Raises TypeError for another dtype or number of dimensions."""
        session_of(self.graph).load({self.variable: self.type.filter(new_value, name=str(self))})

    @property
    def container(self) -> Any:
        """The value as ``container.data``, which may be set."""
        return _Container(self)


class _Container:
    """The place of a shared variable's value."""

    def __init__(self, shared: SharedVariable) -> None:
        self._shared = shared

    @property
    def data(self) -> Any:
        """The value."""
        return self._shared.get_value()

    @data.setter
    def data(self, value: Any) -> None:
        self._shared.set_value(value)


def shared(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    broadcastable: Any = None,
    borrow: bool = False,
    target: str = "cpu",
) -> SharedVariable:
    """A shared variable that starts with ``value``, an array or number, which is copied.

    Its sizes may change, save for dimensions that are ``broadcastable``. Raises TypeError for a symbolic value, and for what
    is no array of numbers.
    """
    if isinstance(value, TensorVariable):
        raise TypeError(f"Shared variable constructor needs numeric values and not symbolic variables.{at_line()}")
    if not isinstance(value, (numpy.ndarray, numpy.generic, bool, int, float, complex)):
        raise TypeError(f"No suitable SharedVariable constructor could be found for a {type(value).__name__}{at_line()}")
    array = numpy.asarray(value)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"No suitable SharedVariable constructor could be found for an array of {array.dtype}{at_line()}")
    return SharedVariable(array, tuple(broadcastable or (False,) * array.ndim), name)


def shared_variables(graph: Graph) -> list[SharedVariable]:
    """The graph's shared variables, in order of creation."""
    return list(graph.get_collection_ref(_KEY))
