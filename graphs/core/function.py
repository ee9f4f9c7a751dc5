"""Closed functions: the bodies of fused regions, loops and branches, and what an optimiser's update is written as."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy

from graphs.core.arrays import module_of
from graphs.core.node import Node, Value, ancestors, new_parameter, next_serial
from graphs.core.notebook import Shown
from graphs.core.portable import constant
from graphs.core.spec import Spec


class Function(Shown):
    """Inputs (parameters) and outputs with everything between them; no value from outside.

    Calling one applies its ops to whatever is passed: on arrays it computes, on tensors it is taped, on symbols it is
    inlined. ``effects`` are nodes that are run although no output needs them.
    """

    __slots__ = ("inputs", "outputs", "nodes", "name", "cache", "__weakref__")

    def __init__(
        self, inputs: Iterable[Value], outputs: Iterable[Any], name: str = "function", effects: Iterable[Node] = ()
    ) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.name = name
        given = {value.node for value in self.inputs}
        reached = ancestors({out.node for out in self.outputs if isinstance(out, Value)} | given | set(effects))
        self.nodes: tuple[Node, ...] = tuple(node for node in reached if node not in given)
        self.cache: dict[Any, Any] = {}
        for node in self.nodes:
            if node.op.name == "parameter":
                raise ValueError(f"{name} is not closed: it uses {node.name}, which is not among its inputs")

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        """Apply the ops to ``args``; the outputs."""
        if len(args) != len(self.inputs):
            raise TypeError(f"{self.name} takes {len(self.inputs)} values, got {len(args)}")
        values = {(value.node, value.index): arg for value, arg in zip(self.inputs, args, strict=True)}
        xp = module_of(args)
        look = _look if xp is numpy else partial(_look_there, xp)
        bind = _bind(args)
        for node in self.nodes:
            out = _called(node, tuple([look(x, values) for x in node.inputs]), bind)
            for index, value in enumerate(out if len(node.specs) > 1 else (out,)):
                values[node, index] = value
        return tuple(look(out, values) for out in self.outputs)

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The specs of the outputs."""
        return tuple(out.spec if isinstance(out, Value) else Spec.of(out) for out in self.outputs)

    def __repr__(self) -> str:
        ins = ", ".join(str(value.spec) for value in self.inputs)
        return f"<function {self.name}({ins}) -> {', '.join(map(str, self.specs))}>"


def _bind(args: Iterable[Any]) -> Callable[..., Any] | None:
    """What takes an op's call for the first of ``args`` that is a symbol or tensor."""
    return next((bind for arg in args if (bind := getattr(type(arg), "__bind__", None)) is not None), None)


def _called(node: Node, args: tuple[Any, ...], bind: Callable[..., Any] | None) -> Any:
    """The op of ``node``, applied to ``args``. A draw among symbols is one, though none may be among its operands."""
    if bind is not None and "random" in node.op.traits:
        return bind(node.op, args, node.params)
    return node.op(*args, **node.params)


def _look(x: Any, values: dict[Any, Any]) -> Any:
    return values[x.node, x.index] if isinstance(x, Value) else x


def _look_there(xp: Any, x: Any, values: dict[Any, Any]) -> Any:
    """A value, or a constant of the body as an array of module ``xp``."""
    return constant(xp, x) if isinstance(x, numpy.ndarray) else _look(x, values)


def trace(
    fn: Callable[..., Any], *specs: Spec, name: str | None = None, kind: Callable[[Node, int], Value] = Value
) -> tuple[Function, tuple[Value, ...]]:
    """``fn`` as a Function of parameters of ``specs``, and the outer values that it captured.

    Each captured value is one more input of the Function, after those of ``specs``, in order of creation. ``fn`` returns a
    value or a sequence of them.
    """
    start = next_serial()
    inputs = [new_parameter(spec, kind=kind) for spec in specs]
    result = fn(*inputs)
    outputs = list(result) if isinstance(result, (tuple, list)) else [result]
    return close(inputs, outputs, start, name or str(getattr(fn, "__name__", "function")), kind)


def close(
    inputs: Sequence[Value],
    outputs: Sequence[Any],
    start: int,
    name: str,
    kind: Callable[[Node, int], Value] = Value,
) -> tuple[Function, tuple[Value, ...]]:
    """A Function of ``inputs`` and of whatever ``outputs`` reach that was made before serial ``start``."""
    given = {value.node for value in inputs}
    roots = {out.node for out in outputs if isinstance(out, Value)}
    body = [n for n in ancestors(roots, stop=lambda n: n.serial < start) if n.serial >= start]
    reached = [x for node in body for x in node.edges if x is not None] + [o for o in outputs if isinstance(o, Value)]
    outer = {(x.node, x.index): x for x in reached if x.node.serial < start and x.node not in given}
    captured = tuple(outer[key] for key in sorted(outer, key=lambda key: (key[0].serial, key[1])))
    if not captured:
        return Function(inputs, outputs, name), ()
    fresh = [new_parameter(value.spec, kind=kind) for value in captured]
    values: dict[Any, Any] = {(v.node, v.index): f for v, f in zip(captured, fresh, strict=True)}
    values.update({(v.node, v.index): v for v in inputs})
    bind = _bind(fresh)
    for node in body:
        if node in given:
            continue
        out = _called(node, tuple([_look(x, values) for x in node.inputs]), bind)
        for index, value in enumerate(out if len(node.specs) > 1 else (out,)):
            values[node, index] = value
    return Function((*inputs, *fresh), [_look(out, values) for out in outputs], name), captured
