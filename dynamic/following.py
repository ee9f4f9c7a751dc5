"""Following what a function does, operation by operation, into a graph: what ``dynamic.trace`` stands on."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy

from dynamic import apply as applying, random, tape
from dynamic.apply import Carried, settled, wrap
from dynamic.inplace import Chain, assign_view, follow
from dynamic.tensor import Tensor
from dynamic.watching import reads
from graphs.core.arrays import is_array
from graphs.core.errors import GraphsError, Where, own, user_line
from graphs.core.function import Function
from graphs.core.node import Node, Value, new_parameter
from graphs.core.op import OPS, Ghost, Op, first_dtype, like_first
from graphs.core.spec import Spec


class TraceError(GraphsError, RuntimeError):
    """A function that cannot be traced, or a graph that is run where Python would have decided otherwise."""


class Baked(NamedTuple):
    """A place where Python has read a value, so that the graph has the outcome and not the question.

    Attributes:
        kind: ``"branch"`` (a truth), ``"number"``, ``"array"``, ``"rounds"`` (of a loop over a tensor), ``"shape"``,
            ``"random"`` (numbers drawn once) or ``"computed"`` (what no op computes).
        value: what was read, as text.
        where: the user's line.
        node: the graph's value that was read, None where there is none.
    """

    kind: str
    value: str
    where: Where | None
    node: Value | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.value} at {self.where}"


class Graph(NamedTuple):
    """What a trace comes to; ``form`` gives outputs the shape of what the function returned."""

    function: Function
    captured: list[Any]
    names: list[str]
    baked: list[Baked]
    changed: list[Any]
    form: Callable[[Sequence[Any]], Any]


def draws(op: Op, params: Mapping[str, Any]) -> bool:
    """Whether an op draws random numbers by a key."""
    return "random" in op.traits and "key" in params


# Guards


def _read(xp: Any, x: Any, *, kind: str, value: Any, line: str) -> Any:
    """``x``, of which Python has read ``value`` for good."""
    now = x.any() if kind == "branch" and x.size == 1 else x
    if not numpy.array_equal(numpy.asarray(now), numpy.asarray(value), equal_nan=numpy.asarray(value).dtype.kind in "fc"):
        raise TraceError(f"{kind} {value} was baked in when this was traced, and now it would be {now}\n  at {line}")
    return x


read = Op(_read, name="baked", shape=like_first, dtype=first_dtype, traits={"check"})
read.vjp(lambda g, _out, _x: g)


def _held(xp: Any, x: Any, *read: Any) -> Any:
    """``x``, once it is known that Python would have read the same again."""
    return x


held = Op(_held, name="as_traced", shape=like_first, dtype=first_dtype, traits={"check"})
held.joint_vjp(lambda needs, gs, _outs, _args: [gs[0], *[None] * (len(needs) - 1)])


_OF_SHAPES = frozenset(["fill_", "_roots", "new_empty", "new_full", "new_ones", "new_tensor", "new_zeros"])
"""Functions that make tensors of nothing but the shape and dtype of others."""


class Recorder:
    """What is known while a function is being traced. Values are known by their arrays, which aliases share."""

    def __init__(self, examples: Sequence[Tensor]) -> None:
        self.examples = list(examples)
        self.baked: list[Baked] = []
        self.found: list[Any] = []
        self._values: dict[int, Value] = {}
        self._arrays: list[Any] = []  # kept, so that no other array gets the same id
        self._bases: dict[int, tuple[int, Chain]] = {}
        self._views: dict[int, list[Any]] = {}
        self._computed: dict[int, tuple[str, Where | None]] = {}
        self._captured: list[Tensor] = []
        self._firsts: list[Value] = []
        self._keys: dict[Any, int] = {}
        self._thread = threading.get_ident()
        self._around: Any = None
        self.inputs: list[Value] = []
        for example in self.examples:
            self.inputs.append(self._input(example))

    def _input(self, tensor: Any) -> Value:
        value = new_parameter(Spec(tensor._array.shape, tensor._array.dtype))
        self._enter(tensor._array, value)
        return value

    def _enter(self, array: Any, value: Value) -> None:
        if id(array) not in self._values:
            self._arrays.append(array)
        self._values[id(array)] = value

    # While the function runs

    @contextmanager
    def following(self) -> Iterator[None]:
        """Be told of every operation, change in place, and read."""
        if tape.followed is not None:
            raise TraceError("a trace inside a trace")
        self._around, watched, new, drawn = applying.around, tape.watched, applying._new, random.drawn
        applying.around, tape.watched, applying._new, random.drawn = self.call, True, self._new, self._drew  # type: ignore[assignment]
        tape.followed = self
        try:
            with reads(self):
                yield
        finally:
            applying.around, tape.watched, applying._new, random.drawn = self._around, watched, new, drawn
            tape.followed = None

    def call(self, op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
        """Run an op, and enter it in the graph."""
        if threading.get_ident() != self._thread:
            return self._plainly(op, args, params)
        if any(isinstance(x, Carried) for x in args):
            args = settled(op, args, params)
        result = self._plainly(op, args, params)
        values = [self.value(x) for x in args]
        if any(isinstance(x, Value) for x in values):
            made = self._node(op, values, params)
            for tensor, value in zip(
                result if isinstance(result, tuple) else (result,), made if isinstance(made, tuple) else (made,), strict=True
            ):
                self._enter(tensor._array, value)
            if op.view and isinstance(args[0], Carried):
                self._viewed(op, params, args[0], result)
        return result

    def _plainly(self, op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
        if self._around is not None:
            return self._around(op, args, params)
        return applying.apply(op, args, params, plainly=True)

    def _node(self, op: Op, values: Sequence[Any], params: Mapping[str, Any]) -> Any:
        if draws(op, params):
            at = self._keys.pop(params["key"], None)
            if at is not None:
                self.baked.pop(at)
            params = {**params, "key": None}
        return op(*values, **params)

    def _viewed(self, op: Op, params: Mapping[str, Any], source: Any, result: Any) -> None:
        root, chain = self._bases.get(id(source._array), (id(source._array), ()))
        several = isinstance(result, tuple)
        for index, tensor in enumerate(result if several else (result,)):
            if numpy.may_share_memory(tensor._array, source._array):
                self._bases[id(tensor._array)] = (root, (*chain, (op, params, index if several else None)))
                self._views.setdefault(root, []).append(tensor._array)

    def changed(self, tensor: Any, value: Any) -> None:
        """Take note that a tensor's memory now has the values of another."""
        array = tensor._array
        self.value(tensor)  # known, as an input where it comes from outside
        new = self.value(value)
        if tuple(value._array.shape) != tuple(array.shape):
            new = OPS["broadcast_to"](new, shape=tuple(array.shape))
        if value._array.dtype != array.dtype:
            new = OPS["cast"](new, dtype=array.dtype)
        root, chain = self._bases.get(id(array), (id(array), ()))
        if chain:
            new = assign_view(self._values[root], new, chain=chain)
        if not isinstance(new, Value):
            new = _constant(new)
        self._values[root] = new
        for view in self._views.get(root, ()):
            self._values[id(view)] = follow(new, self._bases[id(view)][1])
        if id(array) == root:
            self._enter(array, new)

    def read(self, kind: str, tensor: Any, value: Any) -> None:
        """Take note that Python has read a value."""
        array = tensor._array
        at = user_line(2)
        known = self._values.get(id(array))
        if known is None and id(tensor) not in self._computed:
            return  # of a constant, Python may read what it likes
        if known is not None and kind in ("branch", "number", "array"):
            node = Node(
                read,
                (known,),
                {"kind": kind, "value": value, "line": str(at)},
                (known.spec,),
                "",
                value=Value,
                where=at,
            )
            known = node.outputs[0]
        self.baked.append(Baked(kind, _short(value), at, known))

    def _drew(self, key: Any) -> None:
        self._keys[key] = len(self.baked)
        self.baked.append(Baked("random", "numbers drawn once", user_line(2)))

    def _new(self, kind: type[Any]) -> Any:
        """A new tensor. One that a function of ours makes of a traced one without an op is remembered, with its name."""
        tensor = object.__new__(kind)
        frame: Any = sys._getframe(1)
        if frame.f_code is wrap.__code__:
            frame = frame.f_back
        name = frame.f_code.co_name
        known = self._values
        if (
            own(frame.f_code.co_filename)
            and not name.endswith("_like")
            and name not in _OF_SHAPES
            and any(isinstance(x, Carried) and id(x._array) in known for x in frame.f_locals.values())
        ):
            self._arrays.append(tensor)
            self._computed[id(tensor)] = (name, user_line(2))
        return tensor

    def value(self, x: Any) -> Any:
        """The graph's value for an operand: numbers, and arrays that are constants, stand for themselves."""
        if isinstance(x, Ghost):
            return numpy.broadcast_to(numpy.zeros((), x.dtype), x.shape)
        if is_array(x):  # an index, whose tensor gave its array away
            return self._values.get(id(x), x)
        if not isinstance(x, Carried):
            return x
        known = self._values.get(id(x._array))
        if known is not None:
            return known
        if x._edge is not None and x.is_leaf:  # type: ignore[attr-defined]
            self._captured.append(x)  # type: ignore[arg-type]
            self._firsts.append(self._input(x))
            return self._firsts[-1]
        computed = self._computed.pop(id(x), None)
        if computed is not None:
            self.baked.append(Baked("computed", f"by {computed[0]}", computed[1]))
        return numpy.array(x._array)

    # Afterwards

    def finish(self, result: Any, name: str, fn: Any) -> Graph:
        """The graph of what leads to ``result``."""
        tensors: list[Any] = []
        shape = _flatten(result, tensors)
        if not tensors:
            raise TraceError(f"{name} returns no tensor: there is nothing to trace")
        outs = [self.value(x) for x in tensors]
        changed = []
        inputs = [*self.inputs, *self._firsts]
        for tensor, first in zip([*self.examples, *self._captured], inputs, strict=True):
            now = self._values[id(tensor._array)]
            if now is not first:
                changed.append(tensor)
                outs.append(now)
                tensors.append(tensor)
        guards = [each.node for each in self.baked if each.node is not None and each.node.node.op is read]
        if guards:
            outs = [held(x if isinstance(x, Value) else _constant(x), *guards) for x in outs]
        self.found = [numpy.array(x._array) for x in tensors]
        function = Function(inputs, outs, name)
        return Graph(function, self._captured, _names(fn, self._captured), self.baked, changed, shape)


def _names(fn: Any, tensors: Sequence[Any]) -> list[str]:
    """The captured tensors' names: in the module that was traced, else their own, else numbers."""
    named = {id(p): name for name, p in fn.named_parameters()} if hasattr(fn, "named_parameters") else {}
    return [named.get(id(x)) or getattr(x, "name", None) or f"captured_{i}" for i, x in enumerate(tensors)]


def _constant(array: Any) -> Value:
    """A value of the graph that is always ``array``."""
    return Node(constant, (), {"value": array}, (Spec.of(array),), "", value=Value).outputs[0]


def _value(xp: Any, *, value: Any) -> Any:
    """``value`` itself."""
    return xp.asarray(value)


constant = Op(_value, name="constant", shape=lambda *, value: value.shape, dtype=lambda *, value: value.dtype)


def _short(value: Any) -> str:
    text = str(value).replace("\n", " ")
    return text if len(text) <= 40 else f"{text[:37]}..."


def _flatten(result: Any, into: list[Any]) -> Callable[[Sequence[Any]], Any]:
    """Enter the tensors in ``result`` in ``into``; what puts others in their places."""
    if isinstance(result, Carried):
        place = len(into)
        into.append(result)
        return lambda outs: outs[place]
    if isinstance(result, Mapping):
        parts = {key: _flatten(x, into) for key, x in result.items()}
        return lambda outs: {key: part(outs) for key, part in parts.items()}
    if isinstance(result, (tuple, list)):
        each = [_flatten(x, into) for x in result]
        kind = type(result)
        if hasattr(kind, "_fields"):
            return lambda outs: kind(*(part(outs) for part in each))
        return lambda outs: kind(part(outs) for part in each)
    return lambda outs: result
