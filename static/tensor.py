"""Tensors of a static graph, and how a call on them becomes a node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import numpy

from graphs.core.errors import DtypeError, GraphsError, ShapeError, at_line
from graphs.core.node import Node, Value, check_carrier, infer
from graphs.core.op import OPS, Op
from graphs.core.spec import Spec, show
from graphs.ops.sized import opened
from static.conversion import as_array, check_literal
from static.defaults import default_session
from static.dtypes import DType, as_dtype
from static.graph import Graph, check_name, get_default_graph
from static.names import node_name
from static.shapes import TensorShape, dims_of
from static.state import constant_op, placeholder_op, placeholder_with_default_op


SCALARS = (bool, int, float, complex)
_JOINS = frozenset({"matmul", "concat", "stack", "outer", "dot", "einsum", "tensordot"})
_MIXED = frozenset({"where", "cast_like"})


class Tensor(Value):
    """One output of an operation: a value that exists only while a session runs."""

    __slots__ = ("_refined",)

    def __init__(self, node: Node, index: int = 0) -> None:
        super().__init__(node, index)
        self._refined: Spec | None = None

    @classmethod
    def __bind__(cls, op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
        return apply(op, *args, node=node_name(op.name), **params)

    @property
    def spec(self) -> Spec:
        """Shape and dtype as far as they are known."""
        return self._refined or self.node.specs[self.index]

    @property
    def op(self) -> Any:
        """The operation that yields it."""
        return self.node

    @property
    def graph(self) -> Graph:
        """The graph it belongs to."""
        return self.node.graph  # type: ignore[attr-defined]

    @property
    def name(self) -> str:
        """``<operation's name>:<output>``."""
        return f"{self.node.name}:{self.index}"

    @property
    def value_index(self) -> int:
        """Which of the operation's outputs it is."""
        return self.index

    @property
    def device(self) -> str:
        """The device recorded on the operation (``static.placement`` says what it does)."""
        return self.node.device  # type: ignore[attr-defined]

    @property
    def dtype(self) -> DType:
        """The dtype."""
        return as_dtype(self.spec.dtype)

    @property
    def shape(self) -> TensorShape:
        """The shape as far as it is known."""
        return TensorShape(self.spec.dims)

    def get_shape(self) -> TensorShape:
        """The shape as far as it is known."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Add what the caller knows of the shape. Raises ValueError where it contradicts what is known."""
        self._refined = Spec(dims_of(self.shape.merge_with(shape)), self.spec.dtype)

    def consumers(self) -> list[Any]:
        """The operations that read it, in order of creation."""
        mine = (self.node, self.index)
        return [op for op in self.graph.get_operations() if mine in [(x.node, x.index) for x in op.edges if x is not None]]

    def eval(self, feed_dict: Mapping[Any, Any] | None = None, session: Any = None) -> Any:
        """Its value in ``session``, by default the default one."""
        return default_session(session, self.graph, "Tensor.eval").run(self, feed_dict)

    def __getitem__(self, key: Any) -> Any:
        return index(self, key)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"Using a tf.Tensor as a Python bool is not allowed: {self.name} has no value while the graph is being built. "
            f"Use tf.where to choose between tensors, or run the graph first.{at_line()}"
        )

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"Tensor {self.name} cannot be iterated over while the graph is being built. Use tf.unstack.")

    def __len__(self) -> NoReturn:
        raise TypeError(f"len is not well defined for Tensor {self.name}. Use its shape.")

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise TypeError(f"Tensor {self.name} has no value while the graph is being built: run it in a session.")

    def __str__(self) -> str:
        shape = "" if self.spec.dims is None else f", shape={self.shape}"
        return f'Tensor("{self.name}"{shape}, dtype={self.dtype.name})'

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={show(self.spec.dims)} dtype={self.dtype.name}>"


def apply(op: Op, *args: Any, name: str | None = None, node: str = "", **params: Any) -> Any:
    """Make the node of a call of ``op`` and return its output, or the tuple of its outputs.

    Variables among ``args`` are read, arrays and lists become constants of the dtype of the tensors beside them (for ops
    that join values of one dtype), Python scalars stay as they are. ``node`` is the name for the node where the user gave
    none.

    Raises ShapeError, DtypeError or TypeError naming the node and the user's line.
    """
    args = tuple(_read(arg) for arg in args)
    graph = common_graph(op.name, args)
    if name is not None:
        check_name(name)
    full = graph.unique_name(name or node or node_name(op.name))
    try:
        inputs = _converted(op, args, graph, full)
        if op.name == "divide":
            inputs = tuple(_long(x) for x in inputs)
        specs = infer(op, inputs, params)
    except GraphsError as error:
        line = "" if "\n  at " in str(error) else at_line()
        raise type(error)(f"{full}: {error}{line}") from None
    made = graph.add(op, inputs, params, specs, full, Tensor)
    return made.outputs[0] if len(specs) == 1 else made.outputs


def _read(arg: Any) -> Any:
    reader = getattr(type(arg), "_as_tensor", None)
    return arg if reader is None else reader(arg)


def common_graph(what: str, args: Any) -> Graph:
    """The graph of the tensors among ``args``, or the default one. Raises ValueError where they come from two."""
    first: Any = None
    for arg in args:
        if isinstance(arg, Tensor):
            if first is None:
                first = arg
            elif arg.graph is not first.graph:
                raise ValueError(
                    f"{what}: Tensor {arg.name!r} (made at {arg.op.where}) must be from the same graph as "
                    f"Tensor {first.name!r} (made at {first.op.where})."
                )
    return get_default_graph() if first is None else first.graph


def _converted(op: Op, args: tuple[Any, ...], graph: Graph, full: str) -> tuple[Any, ...]:
    """``args`` as a node takes them: tensors and, beside them, Python scalars."""
    joins = op.name in _JOINS or (op.elementwise and op.name not in _MIXED)
    leading = args[1:] if op.name == "where" else args if joins else ()
    tensors = [arg for arg in leading if isinstance(arg, Tensor)]
    if graph.strict:
        for other in tensors[1:]:
            if other.dtype != tensors[0].dtype:
                raise DtypeError(
                    f"{op.name} joins values of one dtype; {tensors[0].name} is {tensors[0].dtype.name} and {other.name} is "
                    f"{other.dtype.name} (use tf.cast)"
                )
    dtype = tensors[0].spec.dtype if tensors else None
    scalars_stay = op.elementwise and any(isinstance(arg, Tensor) for arg in args)
    out = []
    for position, arg in enumerate(args):
        like = None if op.name == "where" and position == 0 else dtype
        if isinstance(arg, Tensor):
            out.append(arg)
        elif scalars_stay and type(arg) in SCALARS:
            if graph.strict and like is not None:
                check_literal(arg, like)
            out.append(arg)
        elif isinstance(arg, (list, tuple)) and any(isinstance(_read(x), Tensor) for x in _flat(arg)):
            out.append(convert_to_tensor(arg, like))
        else:
            check_carrier(arg if not isinstance(arg, (list, tuple, str, bytes)) else 0, Tensor, op)
            letter = op.names[position] if position < len(op.names) else str(position)
            array = as_array(arg, like)
            dtype = array.dtype if dtype is None and joins else dtype
            out.append(_constant(graph, array, f"{full}/{letter.lstrip('_')}"))
    return tuple(out)


def _long(x: Any) -> Any:
    """A dividend or divisor: integers of 8 and 16 bits are divided in float32 (those of more in float64)."""
    short = isinstance(x, Tensor) and x.dtype.is_integer and x.dtype.itemsize < 4
    return apply(OPS["cast"], x, dtype="float32") if short else x


def _constant(graph: Graph, array: numpy.ndarray[Any, Any], full: str) -> Any:
    array = array.copy()
    array.flags.writeable = False
    spec = Spec(array.shape, array.dtype)
    name = graph._unique(full)
    return graph.add(constant_op, (), {"value": array}, (spec,), name, Tensor).outputs[0]


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const", verify_shape: bool = False) -> Any:
    """A tensor that always has ``value``; with ``shape``, filled up with its last element.

    Raises ShapeError where ``value`` has more elements than ``shape``, or with ``verify_shape`` another shape.
    """
    array = as_array(value, None if dtype is None else as_dtype(dtype).dtype)
    if shape is not None:
        wanted = tuple(TensorShape(shape).as_list())
        count = TensorShape(shape).num_elements() or 0
        if array.shape != wanted:
            if verify_shape or array.size > count or (array.size == 0 and count):
                raise ShapeError(f"{name}: a value of shape {show(array.shape)} does not fill the shape {show(wanted)}")
            flat = array.reshape(-1)
            array = numpy.concatenate([flat, numpy.repeat(flat[-1:], count - flat.size)]).reshape(wanted)
    graph = get_default_graph()
    check_name(name)
    scope = graph.get_name_scope()
    return _constant(graph, array, f"{scope}/{name}" if scope else name)


def convert_to_tensor(value: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None) -> Any:
    """``value`` as a tensor: itself, a variable's value, or a constant. Raises ValueError for a tensor of another dtype."""
    value = _read(value)
    if isinstance(value, Tensor):
        if dtype is not None and value.dtype != as_dtype(dtype):
            raise DtypeError(f"Tensor conversion requested dtype {as_dtype(dtype).name} for {value!r}")
        return value
    if isinstance(value, (list, tuple)) and any(isinstance(_read(x), Tensor) for x in _flat(value)):
        parts = [convert_to_tensor(x, dtype) for x in value]
        return apply(OPS["stack"], *parts, name=name, node="packed")
    if dtype is None and preferred_dtype is not None:
        return constant(as_array(value, as_dtype(preferred_dtype).dtype), name=name or "Const")
    return constant(value, dtype, name=name or "Const")


def constant_value(x: Any) -> numpy.ndarray[Any, Any] | None:
    """The value of ``x`` as an array where it is known while the graph is being built, else None."""
    x = _read(x)
    if isinstance(x, (list, tuple)) and any(isinstance(_read(item), Tensor) for item in _flat(x)):
        parts = [constant_value(item) for item in x]
        return None if any(part is None for part in parts) else numpy.asarray(parts)
    if not isinstance(x, Tensor):
        return numpy.asarray(x)
    node = x.node
    if node.op is constant_op:
        return node.params["value"]
    if node.op.name == "shape_of":
        spec = node.inputs[0].spec
        return numpy.asarray(spec.dims) if spec.known else None
    if node.op.name in ("getitem", "cast", "stack", "concat", "reshape"):
        inner = [constant_value(item) for item in node.inputs]
        return None if any(part is None for part in inner) else numpy.asarray(node.op(*inner, **node.params))
    return None


def _flat(value: Any) -> Iterator[Any]:
    for item in value:
        if isinstance(item, (list, tuple)):
            yield from _flat(item)
        else:
            yield item


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Any:
    """A tensor whose value each run is given through ``feed_dict``; without ``shape``, of any shape."""
    spec = Spec(dims_of(shape), as_dtype(dtype).dtype)
    return source(placeholder_op, {"spec": spec}, spec, name or "Placeholder")


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Any:
    """A tensor whose value a run may be given; else ``input``'s."""
    given = convert_to_tensor(input)
    given.shape.assert_is_compatible_with(shape)
    dims = dims_of(shape)
    return apply(placeholder_with_default_op, given, name=name, node="PlaceholderWithDefault", dims=dims)


def source(op: Op, params: Mapping[str, Any], spec: Spec, name: str) -> Any:
    """The output of a new node without inputs in the default graph."""
    check_name(name)
    graph = get_default_graph()
    with graph.inside(None):
        return graph.add(op, (), params, (spec,), graph.unique_name(name), Tensor).outputs[0]


def index(x: Any, key: Any) -> Any:
    """``x[key]`` for integers, slices, None and Ellipsis, where positions and ends of slices may be scalar tensors."""
    keys = tuple(_fixed(k) for k in (key if isinstance(key, tuple) else (key,)))
    for at, k in enumerate(keys):
        if isinstance(k, Tensor) and k.dims:  # positions, which TensorFlow does not take here
            if any(before is None or before is Ellipsis for before in keys[:at]):
                raise TypeError(f"{x.name}: a vector as an index cannot follow None or an ellipsis")
            axis = at - (x.shape.ndims or 0)  # from the end: a slice's gradient is dense, that of rows gathered along 0 not
            picked = apply(OPS["take"], x, k, node="strided_slice", axis=axis)
            rest = (*keys[:at], *[slice(None)] * len(k.dims), *keys[at + 1 :])
            return picked if all(k == slice(None) for k in rest) else index(picked, rest)
    fixed, places, bounds = opened(keys, lambda k: isinstance(k, Tensor))
    if not bounds:
        return apply(OPS["getitem"], x, node="strided_slice", index=fixed)
    return apply(OPS["getitem_at"], x, *bounds, node="strided_slice", index=fixed, places=places)


def _fixed(key: Any) -> Any:
    """An item of an index with the values of tensors put in where they are known."""
    if isinstance(key, slice):
        return slice(_fixed(key.start), _fixed(key.stop), _fixed(key.step))
    key = _read(key)
    value = constant_value(key) if isinstance(key, Tensor) else None
    return key if value is None or value.ndim else int(value)
