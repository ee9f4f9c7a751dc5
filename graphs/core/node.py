"""Nodes and the edges between them: what a static graph, the body of a loop and a traced function are made of.

A tape's record (``dynamic.tape``) answers to the same names, so that one reverse pass, one index and one renderer serve
both.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from operator import attrgetter
from typing import Any, Protocol

from graphs.core.arrays import is_array
from graphs.core.errors import GraphsError, Where, user_line
from graphs.core.notebook import Shown
from graphs.core.op import OPS, Op, op
from graphs.core.spec import Shape, Spec


_serials = itertools.count(1)
next_serial: Callable[[], int] = _serials.__next__
"""The next creation serial. Nodes and tape records share the count: a later one never feeds an earlier one."""

_scope: ContextVar[str] = ContextVar("name scope", default="")


class Edge(Protocol):
    """One output of a node."""

    @property
    def node(self) -> Any:
        """The node that yields the value."""

    @property
    def index(self) -> int:
        """Which of the node's outputs it is."""


class OwnEdge(Shown):
    """A node that is the edge to its own first output, as tape records are: one object less for each operation.

    Attributes:
        early: whether a source takes its turn in a reverse pass, by its serial, in place of waiting for the end.
    """

    index = 0
    early = False

    @property
    def node(self) -> Any:
        """The node itself."""
        return self


class Node(Shown):
    """An application of ``op``: what it reads, how it is set, what it yields. It never changes once made.

    Attributes:
        op: the op.
        inputs: its arguments: ``Value`` objects for edges; arrays and Python scalars stand for themselves.
        params: the attributes that the call named.
        specs: one ``Spec`` per output.
        name: the name in its graph, scopes before it separated by ``/``.
        serial: order of creation; inputs have smaller ones.
        where: the user's line that made it, or None.
        after: nodes that must run before this one although no value flows (control dependencies).
        outputs: one ``Value`` per output.
    """

    __slots__ = ("op", "inputs", "params", "specs", "name", "serial", "where", "after", "outputs", "__weakref__")

    op: Op
    inputs: tuple[Any, ...]
    params: Mapping[str, Any]
    specs: tuple[Spec, ...]
    name: str
    serial: int
    where: Where | None
    after: tuple[Node, ...]
    outputs: tuple[Any, ...]

    def __init__(
        self,
        op: Op,
        inputs: tuple[Any, ...],
        params: Mapping[str, Any],
        specs: tuple[Spec, ...],
        name: str,
        *,
        value: Callable[[Node, int], Any],
        where: Where | None = None,
        after: tuple[Node, ...] = (),
    ) -> None:
        put = object.__setattr__
        put(self, "op", op)
        put(self, "inputs", inputs)
        put(self, "params", params)
        put(self, "specs", specs)
        put(self, "serial", next_serial())
        put(self, "name", name or f"{op.name}_{self.serial}")
        put(self, "where", where)
        put(self, "after", after)
        put(self, "outputs", (value(self, 0),) if len(specs) == 1 else tuple([value(self, i) for i in range(len(specs))]))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a node does not change: {self.name}.{name}")

    @property
    def width(self) -> int:
        """The number of outputs."""
        return len(self.specs)

    @property
    def edges(self) -> tuple[Any, ...]:
        """The inputs, with None in place of arrays and scalars."""
        return tuple(x if isinstance(x, Value) else None for x in self.inputs)

    def __repr__(self) -> str:
        return f"<node {self.name}: {self.op.name} -> {', '.join(map(str, self.specs))}>"


class Operators:
    """Python's operators, in terms of the ops in the registry. Comparison with ``==`` stays identity, as in TensorFlow 1."""

    __slots__ = ()
    __array_ufunc__ = None
    __hash__ = object.__hash__

    def __add__(self, other: Any) -> Any:
        return OPS["add"](self, other)

    def __radd__(self, other: Any) -> Any:
        return OPS["add"](other, self)

    def __sub__(self, other: Any) -> Any:
        return OPS["subtract"](self, other)

    def __rsub__(self, other: Any) -> Any:
        return OPS["subtract"](other, self)

    def __mul__(self, other: Any) -> Any:
        return OPS["multiply"](self, other)

    def __rmul__(self, other: Any) -> Any:
        return OPS["multiply"](other, self)

    def __truediv__(self, other: Any) -> Any:
        return OPS["divide"](self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return OPS["divide"](other, self)

    def __floordiv__(self, other: Any) -> Any:
        return OPS["floor_divide"](self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return OPS["floor_divide"](other, self)

    def __mod__(self, other: Any) -> Any:
        return OPS["remainder"](self, other)

    def __rmod__(self, other: Any) -> Any:
        return OPS["remainder"](other, self)

    def __pow__(self, other: Any) -> Any:
        return OPS["power"](self, other)

    def __rpow__(self, other: Any) -> Any:
        return OPS["power"](other, self)

    def __matmul__(self, other: Any) -> Any:
        return OPS["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return OPS["matmul"](other, self)

    def __neg__(self) -> Any:
        return OPS["negative"](self)

    def __abs__(self) -> Any:
        return OPS["absolute"](self)

    def __lt__(self, other: Any) -> Any:
        return OPS["less"](self, other)

    def __le__(self, other: Any) -> Any:
        return OPS["less_equal"](self, other)

    def __gt__(self, other: Any) -> Any:
        return OPS["greater"](self, other)

    def __ge__(self, other: Any) -> Any:
        return OPS["greater_equal"](self, other)

    def __and__(self, other: Any) -> Any:
        return OPS["logical_and"](self, other)

    def __rand__(self, other: Any) -> Any:
        return OPS["logical_and"](other, self)

    def __or__(self, other: Any) -> Any:
        return OPS["logical_or"](self, other)

    def __ror__(self, other: Any) -> Any:
        return OPS["logical_or"](other, self)

    def __xor__(self, other: Any) -> Any:
        return OPS["logical_xor"](self, other)

    def __rxor__(self, other: Any) -> Any:
        return OPS["logical_xor"](other, self)

    def __invert__(self) -> Any:
        return OPS["logical_not"](self)


class Value(Operators, Shown):
    """One output of a node: the end of an edge. Front-ends subclass it; on its own it stands for a value inside a trace."""

    __slots__ = ("node", "index", "__weakref__")

    def __init__(self, node: Node, index: int = 0) -> None:
        self.node = node
        self.index = index

    @property
    def spec(self) -> Spec:
        """Shape and dtype."""
        return self.node.specs[self.index]

    @property
    def dims(self) -> Shape | None:
        """The shape, None for unknown rank."""
        return self.spec.dims

    @property
    def ndim(self) -> int | None:
        """The number of dimensions, None for unknown rank."""
        dims = self.node.specs[self.index].dims
        return None if dims is None else len(dims)

    @property
    def dtype(self) -> Any:
        """The dtype, numpy's."""
        return self.spec.dtype

    @property
    def T(self) -> Any:  # noqa: N802 (numpy's name)
        """The transpose of a matrix."""
        return OPS["matrix_transpose"](self)

    @classmethod
    def __bind__(cls, op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
        """Make the node of a call on Values and return its output, or the tuple of its outputs."""
        for arg in args:
            check_carrier(arg, Value, op)
        specs = infer(op, args, params)
        node = Node(op, args, params, specs, "", value=Value, where=user_line(2))
        return node.outputs[0] if len(specs) == 1 else node.outputs

    def __bool__(self) -> bool:
        raise TypeError(f"the value of {self.node.name} is not known while the graph is being built")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"{self.node.name} cannot be iterated over while the graph is being built")

    def __repr__(self) -> str:
        return f"<value {self.node.name}:{self.index} {self.spec}>"


def check_carrier(arg: Any, kind: type, op: Op) -> None:
    """Raise TypeError where ``arg`` belongs to another front-end than ``kind``'s."""
    if hasattr(type(arg), "__bind__") and not isinstance(arg, kind):
        raise TypeError(
            f"{op.name} was given a {_public(kind)} and a {_public(type(arg))}: values of two modes do not mix in one call"
        )
    if not (isinstance(arg, (kind, bool, int, float, complex)) or is_array(arg)):
        raise TypeError(f"{op.name} takes arrays, scalars and {_public(kind)}s, not {type(arg).__name__}")


def _public(kind: type) -> str:
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"


def infer(op: Op, args: Iterable[Any], params: Mapping[str, Any]) -> tuple[Spec, ...]:
    """The specs that ``op`` gives for these arguments. Python scalars take the dtype of the arrays beside them."""
    specs: list[Spec | None] = []
    widest = None
    for arg in args:
        spec = None
        if isinstance(arg, Value):
            spec = arg.spec
        elif not isinstance(arg, (bool, int, float, complex)):
            spec = Spec.of(arg)
        specs.append(spec)
        if spec is not None:
            widest = spec.dtype if widest is None or widest.kind == "b" else widest
    try:
        return op.infer(*(spec or weak_spec(arg, widest) for spec, arg in zip(specs, args, strict=True)), **params)
    except GraphsError as error:
        where = user_line(2)
        if where is None:
            raise
        raise type(error)(f"{error}\n  at {where}") from None


def weak_spec(scalar: bool | int | float | complex, dtype: Any) -> Spec:
    """The spec of a Python scalar beside arrays of ``dtype``: theirs, unless its kind is higher (numpy's weak scalars)."""
    own = Spec.of(scalar).dtype
    if dtype is not None and dtype.kind not in "biufc":
        return Spec((), own)
    if dtype is not None and "biufc".index(own.kind) <= "biufc".index(dtype.kind):
        return Spec((), dtype)
    if dtype is not None and isinstance(scalar, int) and not isinstance(scalar, bool) and dtype.kind in "iufc":
        return Spec((), dtype)
    return Spec((), own)


@contextmanager
def scope(name: str) -> Iterator[str]:
    """Put ``name/`` before the names of nodes made inside."""
    token = _scope.set(name)
    try:
        yield name
    finally:
        _scope.reset(token)


def current_scope() -> str:
    """The scope that nodes are being made in; empty at the top."""
    return _scope.get()


def ancestors(roots: Iterable[Any], stop: Callable[[Any], bool] | None = None) -> list[Any]:
    """The nodes that ``roots`` depend on, themselves among them, in order of creation (which is a topological order).

    Works on graph nodes and tape records alike, follows control dependencies too, and does not look behind a node for which
    ``stop`` holds. Iterative: the depth of a graph is not limited by Python's stack.
    """
    seen = set(roots)
    stack = list(seen)
    while stack:
        node = stack.pop()
        if stop is not None and stop(node):
            continue
        for edge in node.edges:
            if edge is not None:
                source = edge if isinstance(edge, OwnEdge) else edge.node
                if source not in seen:
                    seen.add(source)
                    stack.append(source)
        if node.after:
            for source in node.after:
                if source not in seen:
                    seen.add(source)
                    stack.append(source)
    return sorted(seen, key=_serial)


_serial = attrgetter("serial")


@op(lambda *, spec: spec.shape, dtype=lambda *, spec: spec.dtype, traits={"source"})
def parameter(xp: Any, *, spec: Spec) -> Any:
    """An argument of a ``Function``: it has no value of its own."""
    raise GraphsError(f"a parameter of {spec} was not given a value")


def new_parameter(spec: Spec, name: str = "", kind: Callable[[Node, int], Value] = Value) -> Any:
    """A fresh parameter value of ``spec``."""
    return Node(parameter, (), {"spec": spec}, (spec,), name, value=kind).outputs[0]


__all__ = [
    "Edge",
    "Node",
    "Operators",
    "OwnEdge",
    "Value",
    "ancestors",
    "check_carrier",
    "current_scope",
    "infer",
    "new_parameter",
    "next_serial",
    "parameter",
    "scope",
    "weak_spec",
]
