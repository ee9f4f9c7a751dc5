"""What is known while building, and answers to questions that programs ask before they build anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graphs import ops
from graphs.core.errors import ShapeError, at_line
from graphs.core.spec import broadcast
from static.array import identity, reshape, stack
from static.calls import both
from static.gradients import gradients
from static.graph import get_default_graph
from static.indexing import where
from static.shapes import Dimension, TensorShape
from static.slices import IndexedSlices
from static.sparse import SparseTensor
from static.tensor import Tensor, apply, constant_value, convert_to_tensor
from static.variables import Variable


VERSION = "1.15.5"
"""The TensorFlow whose names these are: what programs that ask for a version want to know."""

GIT_VERSION = "unknown"
COMPILER_VERSION = "none"
GRAPH_DEF_VERSION = 134


def is_tensor(x: Any) -> bool:
    """Whether ``x`` is a tensor, a variable, a sparse tensor or slices."""
    return isinstance(x, (Tensor, Variable, SparseTensor, IndexedSlices))


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """The value of ``tensor`` as an array where it is known while building, else None."""
    return constant_value(tensor)


def executing_eagerly() -> bool:
    """Always false: operations run in sessions."""
    return False


def resource_variables_enabled() -> bool:
    """Always true: a variable's value is the one at its place in the run."""
    return True


def control_flow_v2_enabled() -> bool:
    """Always true: loops and branches are functions that an operation holds."""
    return True


def accept() -> None:
    """Nothing: switches that programs set and that have no meaning here."""


def dimension_value(dimension: Any) -> int | None:
    """The size of a dimension, None where it is not known."""
    return dimension.value if isinstance(dimension, Dimension) else dimension


def dimension_at_index(shape: Any, index: int) -> Dimension:
    """The dimension of ``shape`` at ``index``, unknown where the rank is."""
    return Dimension(None) if shape.ndims is None else shape[index]


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The shape to which two shapes broadcast. Raises ValueError where they do not."""
    x, y = TensorShape(shape_x), TensorShape(shape_y)
    if x.ndims is None or y.ndims is None:
        return TensorShape(None)
    try:
        return TensorShape(broadcast(tuple(x.as_list()), tuple(y.as_list())))
    except ShapeError:
        raise ValueError(f"Incompatible shapes for broadcasting: {x} and {y}{at_line()}") from None


def identity_n(input: Sequence[Any], name: str | None = None) -> list[Any]:
    """The same values as new tensors, none of which is there before all are."""
    each = [convert_to_tensor(x) for x in input]
    with each[0].graph.control_dependencies(each):
        return [identity(x, name or "IdentityN") for x in each]


def convert_to_tensor_or_sparse_tensor(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """``value`` as a tensor, or itself where it is sparse."""
    if isinstance(value, SparseTensor):
        return value
    return convert_to_tensor(value, dtype, name)


def convert_to_tensor_or_indexed_slices(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """``value`` as a tensor, or itself where it is slices."""
    return value if isinstance(value, IndexedSlices) else convert_to_tensor(value, dtype, name)


def hessians(
    ys: Any,
    xs: Any,
    name: str = "hessians",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: Any = None,
) -> list[Any]:
    """The second derivatives of the sum of ``ys`` with regard to each of ``xs``, of shape ``x.shape + x.shape``.

    There are as many operations as the square of the number of elements, which has to be known: it is for small ``xs``.
    """
    out = []
    for x in xs if isinstance(xs, (list, tuple)) else [xs]:
        dims = x.shape.as_list()
        if None in dims:
            raise ValueError(f"hessians: the shape of {x.name} is not known while the graph is being built{at_line()}")
        (slope,) = gradients(ys, x, name=name)
        flat = reshape(slope, [-1])
        rows = [gradients(flat[i], x, unconnected_gradients="zero")[0] for i in range(x.shape.num_elements())]
        out.append(reshape(stack(rows), [*dims, *dims]))
    return out


def where_v2(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """``tf.where`` whose three arguments broadcast."""
    if x is None and y is None:
        return where(condition, name=name)
    x, y = both(x, y)
    return apply(ops.where, convert_to_tensor(condition), x, y, name=name, node="SelectV2")


@contextmanager
def op_scope(values: Any, name: str | None, default_name: str | None = None) -> Iterator[str]:
    """``tf.name_scope`` as it was called in 2015."""
    with get_default_graph().name_scope(name or default_name) as scope:
        yield scope


@contextmanager
def init_scope() -> Iterator[None]:
    """A context without control dependencies and outside all name scopes."""
    graph = get_default_graph()
    with graph.control_dependencies(None), graph.name_scope(None):
        yield
