"""Theano's variables: tensors of the graph with Theano's types, operators and methods.

A ``TensorVariable`` holds a tensor. Every op and every function of ``static`` takes one for its tensor; an op that is called
on one mixes dtypes as Theano does and gives one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy

from graphs import ops
from graphs.core.arrays import is_array
from graphs.core.errors import at_line
from graphs.core.op import Op
from static.array import broadcast_to, reshape, shape
from static.calls import cast
from static.tensor import Tensor, common_graph, constant, constant_value, convert_to_tensor, placeholder
from static.theano.indexing import taken
from static.theano.kinds import Kind, literal
from static.theano.methods import Methods
from static.theano.runs import check_given, session_of
from static.theano.settings import config


_JOINS = frozenset({"matmul", "tensordot", "outer", "concat", "stack", "convolution", "solve"})
"""Ops, beside those of each element, that make one value of several."""

_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\-/]*(?<!/)")


class TensorVariable(Methods):
    """A symbolic array.

    Attributes:
        tensor: the tensor of the graph.
        name: a name of the user's, or None.
        tag: a place for the user's own attributes.
    """

    def __init__(self, tensor: Any, name: str | None = None) -> None:
        self.tensor = tensor
        self.name = name
        self.tag = SimpleNamespace()
        self.subtensor: tuple[TensorVariable, Any] | None = None

    @classmethod
    def __bind__(cls, op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
        tensors = [x.tensor if isinstance(x, TensorVariable) else x for x in args]
        dtypes = [x.spec.dtype for x in tensors if isinstance(x, Tensor)]
        widest = numpy.result_type(*dtypes)
        given = tuple(_operand(x, widest) for x in tensors)
        if op.elementwise or op.name in _JOINS:
            given = _joined(given)
        with common_graph(op.name, given).lenient():
            return wrapped(Tensor.__bind__(op, given, params))

    def _as_tensor(self) -> Any:
        return self.tensor

    def _as_graph_element(self) -> Any:
        return self.tensor

    # What it is

    @property
    def graph(self) -> Any:
        """The graph it belongs to."""
        return self.tensor.graph

    @property
    def dtype(self) -> str:
        """The dtype's name."""
        return str(self.tensor.spec.dtype)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.tensor.spec.shape)

    @property
    def broadcastable(self) -> tuple[bool, ...]:
        """For each dimension whether it is known to be of size 1."""
        return tuple(n == 1 for n in self.tensor.spec.shape)

    @property
    def type(self) -> TensorType:
        """Dtype and broadcastable dimensions; called, it makes a fresh variable like this one."""
        return TensorType(self.dtype, self.broadcastable)

    @property
    def shape(self) -> Any:
        """A vector (int64) of the sizes."""
        return wrapped(shape(self.tensor, out_type="int64"))

    @property
    def size(self) -> Any:
        """The number of elements (int64)."""
        return wrapped(ops.size_of(self.tensor))

    def eval(self, inputs_to_values: Mapping[Any, Any] | None = None) -> Any:
        """Its value, given values for the variables it depends on. Raises MissingInputError where one lacks."""
        feeds = {x.tensor: x.type.filter(value, name=str(x)) for x, value in (inputs_to_values or {}).items()}
        check_given([self.tensor], feeds, str(self))
        return numpy.asarray(session_of(self.graph).run(self.tensor, feeds))

    def __str__(self) -> str:
        return self.name or self.tensor.op.name

    __repr__ = __str__

    def __iter__(self) -> Any:
        count = self.tensor.spec.shape[0] if self.ndim else None
        if count is None:
            raise TypeError(f"TensorType does not support iteration: the length of {self} is not known{at_line()}")
        return iter([self[i] for i in range(count)])

    def __len__(self) -> int:
        raise TypeError(f"object of type 'TensorVariable' has no len(): use {self}.shape[0]{at_line()}")

    def __bool__(self) -> bool:
        raise TypeError(f"Variables do not support boolean operations: {self} has no value yet{at_line()}")

    def __getitem__(self, key: Any) -> Any:
        found = wrapped(taken(self.tensor, key))
        found.subtensor = (self, key)
        return found

    # Operators that differ from TensorFlow's

    def __truediv__(self, other: Any) -> Any:
        return divided(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return divided(other, self)

    # What needs more than ops

    def reshape(self, shape: Any, ndim: int | None = None) -> Any:
        """The same elements in ``shape``, of which one size may be -1; ``ndim`` is its length where that is not known."""
        sizes = shape if isinstance(shape, (list, tuple)) else getattr(shape, "tensor", shape)
        out = wrapped(reshape(self.tensor, sizes_of(sizes)))
        if ndim is not None and out.tensor.dims is None:
            out.tensor.set_shape([None] * ndim)
        return out

    def take(self, indices: Any, axis: int | None = None) -> Any:
        """The slices at ``indices`` along ``axis``, by default the elements."""
        x = self.flatten() if axis is None else self
        return ops.take(x, as_tensor_variable(indices), axis=axis or 0)

    def astype(self, dtype: Any) -> Any:
        """In ``dtype``."""
        return wrapped(cast(self.tensor, dtype))

    def dot(self, other: Any) -> Any:
        """``theano.tensor.dot``."""
        return product(self, as_tensor_variable(other))

    def __matmul__(self, other: Any) -> Any:
        return self.dot(other)

    def __rmatmul__(self, other: Any) -> Any:
        return as_tensor_variable(other).dot(self)

    def fill(self, value: Any) -> Any:
        """``value``, in its own dtype, in the shape of this one."""
        return wrapped(broadcast_to(as_tensor_variable(value).tensor, sizes_of(self.shape)))


class TensorType(Kind):
    """The type of a variable (see ``Kind``). Called, it makes a fresh variable of it, whose value functions are given."""

    def __call__(self, name: str | None = None) -> Any:
        """A fresh variable called ``name``."""
        dims = [1 if one else None for one in self.broadcastable]
        return TensorVariable(placeholder(self.dtype, dims, node_name(name)), name)

    make_variable = __call__


def _operand(x: Any, dtype: Any) -> Any:
    """What an op is given for ``x`` beside tensors of ``dtype``: Python's numbers stay where they do not widen it."""
    if isinstance(x, Tensor):
        return x
    if type(x) in (bool, int, float):
        kind = literal(x)
        return x if dtype.kind != "b" and numpy.promote_types(dtype, kind) == dtype else constant(numpy.asarray(x, kind))
    return constant(numpy.asarray(x)) if is_array(x) or isinstance(x, (list, tuple, numpy.generic)) else x


def _joined(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Operands of one op with floats widened by casts, so that the gradient of each has its own dtype again."""
    dtypes = [x.spec.dtype for x in given if isinstance(x, Tensor)]
    if len(set(dtypes)) == 1:
        return given
    wide = numpy.result_type(*dtypes)
    return tuple(cast(x, wide) if isinstance(x, Tensor) and x.spec.dtype.kind == "f" else x for x in given)


def wrapped(found: Any) -> Any:
    """Tensors as variables, in the same tuple or list."""
    if isinstance(found, (tuple, list)):
        return type(found)(wrapped(x) for x in found)
    return TensorVariable(found) if isinstance(found, Tensor) else found


def as_tensor_variable(x: Any, name: str | None = None, ndim: int | None = None) -> Any:
    """``x`` as a variable: itself, a constant of an array, number or list, or a list of variables stacked.

    With ``ndim``, dimensions of size 1 are put before it, or taken from there. Raises ValueError where that cannot be.
    """
    if isinstance(x, TensorVariable):
        out = x
    elif isinstance(x, Tensor) or hasattr(type(x), "_as_tensor"):
        out = TensorVariable(convert_to_tensor(x))
    elif isinstance(x, (list, tuple)) and _has_variables(x):
        out = ops.stack(*[as_tensor_variable(item) for item in x])
    else:
        array = numpy.asarray(x, literal(x) if type(x) in (bool, int, float) else None)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"Cannot convert {x!r} to TensorType{at_line()}")
        out = TensorVariable(constant(array))
    if ndim is not None and out.ndim < ndim:
        out = out.dimshuffle(*["x"] * (ndim - out.ndim), *range(out.ndim))
    elif ndim is not None and out.ndim > ndim:
        out = out.dimshuffle(*range(out.ndim - ndim, out.ndim))
    if name is not None:
        out.name = name
    return out


def node_name(name: str | None) -> str | None:
    """``name`` where an operation may have it."""
    return name if name is not None and _NAME.fullmatch(name) else None


def _has_variables(x: Sequence[Any]) -> bool:
    return any(
        isinstance(item, (TensorVariable, Tensor)) or (isinstance(item, (list, tuple)) and _has_variables(item))
        for item in x
    )


def sizes_of(sizes: Any) -> Any:
    """A shape as ``static``'s functions take it: numbers where they are known, int32 tensors where not."""
    if isinstance(sizes, (list, tuple)):
        return [_size(item) for item in sizes]
    if isinstance(sizes, (int, numpy.integer)):
        return [int(sizes)]
    value = constant_value(sizes)
    return [int(n) for n in value.reshape(-1)] if value is not None else cast(convert_to_tensor(sizes), "int32")


def _size(item: Any) -> Any:
    value = constant_value(item)
    return int(value) if value is not None else cast(convert_to_tensor(item), "int32")


def floating(x: Any) -> Any:
    """``x`` as a floating variable: integers of up to 16 bits in float32, longer ones in float64."""
    x = as_tensor_variable(x)
    dtype = x.tensor.spec.dtype
    return x if dtype.kind in "fc" else x.astype("float32" if dtype.itemsize < 4 else "float64")


def divided(x: Any, y: Any) -> Any:
    """``x / y``, of integers in ``floatX``."""
    kinds = {a.tensor.spec.dtype.kind if isinstance(a, TensorVariable) else numpy.asarray(a).dtype.kind for a in (x, y)}
    if not kinds <= set("biu"):
        return ops.divide(x, y)
    return ops.divide(*(as_tensor_variable(a).astype(config.floatX) for a in (x, y)))


def product(x: TensorVariable, y: TensorVariable) -> Any:
    """The product over the last axis of ``x`` and the last but one of ``y``; with a scalar, the ordinary one."""
    if not x.ndim or not y.ndim:
        return x * y
    if x.ndim > 2 or y.ndim > 2:
        return ops.tensordot(x, y, axes=((x.ndim - 1,), (max(y.ndim - 2, 0),)))
    return ops.matmul(x, y)
