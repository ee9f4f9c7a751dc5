"""Bodies as Python text: the nodes of a Function written out line by line inside the kernel of a loop or branch.

A line costs what its kernel costs and 0.1 µs; going through ``Function.__call__`` costs ten times that. The text is to be
read (``program.source``), and a line's number leads an exception back to the node.
"""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any

import numpy
from numpy import ndarray

from graphs.core.function import Function
from graphs.core.node import Node, Value
from graphs.core.quoting import identifier, plain, remark
from graphs.core.random import Key
from graphs.core.ufuncs import OUT_BY_NAME, as_ufunc, literals


Edge = tuple[Node, int]

Draw = Callable[[Key | None, int], Key]
"""Gives the key of a draw: from the op's own key, if it has one, and the serial of its node."""

_numbers = itertools.count(1)
_nodes: dict[str, dict[int, Node]] = {}


class Program:
    """The text of one kernel while it is being written, and what it refers to.

    Attributes:
        lines: the source.
        names: what its identifiers stand for.
        nodes: for a line number the node whose kernel is called there.
    """

    def __init__(self, head: str, direct: bool = False, **names: Any) -> None:
        """``direct`` calls numpy's own functions where a kernel does nothing else: for arrays of numpy only."""
        self.lines = [head]
        self.names: dict[str, Any] = {"__builtins__": {}, "int": int, "len": len, "range": range, **names}
        self.nodes: dict[int, Node] = {}
        self._direct = direct
        self._count = itertools.count()
        self._called: dict[Any, str] = {}

    def line(self, depth: int, text: str) -> None:
        """One more line."""
        self.lines.append("    " * depth + text)

    def named(self, value: Any, letter: str = "p") -> str:
        """An identifier for ``value``, or its text where that is as good."""
        if plain(value):
            return repr(value)
        name = self._called.get(id(value))
        if name is None:
            name = self._called[id(value)] = f"{letter}{len(self._called)}"
            self.names[name] = value
        return name

    def inline(
        self,
        function: Function,
        args: Sequence[str],
        depth: int,
        kept: Iterable[Value] = (),
        places: dict[Edge, str] | None = None,
    ) -> dict[Edge, str]:
        """Write the nodes of ``function`` on the registers ``args``; the registers of its values.

        Only the outputs and the values ``kept`` are there afterwards: a value is let go after its last use. ``places`` names
        memory for values; those that have been written there are taken out of it.
        """
        registers: dict[Edge, str] = {(x.node, x.index): arg for x, arg in zip(function.inputs, args, strict=True)}
        lasting = {(x.node, x.index) for x in (*function.outputs, *kept) if isinstance(x, Value)}
        last = {(x.node, x.index): node for node in function.nodes for x in node.inputs if isinstance(x, Value)}
        used = lasting | set(last)
        for node in function.nodes:
            outs = [f"t{next(self._count)}" for _ in node.specs]
            registers.update({(node, i): out for i, out in enumerate(outs)})
            given = [self.value(x, registers) for x in node.inputs]
            given += [f"{name}={self.named(value)}" for name, value in node.params.items() if name != "key"]
            if "random" in node.op.traits:
                given.append(f"key=draw({self.named(node.params.get('key'))}, {node.serial})")
            elif draws(node):
                given.append("key=draw")
            call = self._ufunc_call(node, registers, places) if self._direct and len(outs) == 1 else None
            call = call or f"{self._kernel(node)}({', '.join(['xp', *given])})"
            read = [(x.node, x.index) for x in node.inputs if isinstance(x, Value)]
            dead = {registers[edge] for edge in read if last[edge] is node}
            dead -= {registers[edge] for edge in lasting if edge in registers} | set(args)
            dead |= {out for i, out in enumerate(outs) if (node, i) not in used}
            self.line(depth, f"{', '.join(outs)}{' = ' if outs else ''}{call}{_deletion(dead)}")
            self.nodes[len(self.lines)] = node
        return registers

    def value(self, x: Any, registers: dict[Edge, str]) -> str:
        """The text for a value of an inlined Function, or for an array or scalar."""
        return registers[x.node, x.index] if isinstance(x, Value) else self.named(x, "c")

    def _ufunc_call(self, node: Node, registers: dict[Edge, str], places: dict[Edge, str] | None) -> str | None:
        """The call where a kernel does nothing but call a ufunc, writing where its result is to be."""
        found = as_ufunc(node)
        if found is None:
            return None
        ufunc, args = found
        given = [self.value(x, registers) for x in literals(node, args)]
        place = places.pop((node, 0), None) if places else None
        if place is not None:
            given.append(f"out={place}" if ufunc in OUT_BY_NAME else place)
        return f"{self.named(ufunc, 'u')}({', '.join(given)})"

    def _kernel(self, node: Node) -> str:
        name = identifier("k", node.op.name)
        while self.names.setdefault(name, node.op.kernel) is not node.op.kernel:
            name += "_"
        return name

    @property
    def source(self) -> str:
        """The text."""
        return "\n".join(self.lines) + "\n"

    def compiled(self, label: str, xp: Any = numpy) -> Callable[..., Any]:
        """The function that the text defines under the name ``kernel``. Tracebacks and debuggers find its text.

        Constants in it become arrays of module ``xp``.
        """
        source, filename = self.source, f"<{remark(label)} {next(_numbers)}>"
        if xp is not numpy:
            constants = {name: x for name, x in self.names.items() if type(x) is ndarray and x.dtype.kind in "biufc"}
            self.names.update({name: xp.asarray(x) for name, x in constants.items()})
        exec(compile(source, filename, "exec"), self.names)
        kernel: Callable[..., Any] = self.names["kernel"]
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        _nodes[filename] = self.nodes
        weakref.finalize(kernel, _forget, filename)
        return kernel


def home(xp: Any) -> Any:
    """A key for kernels whose constants are arrays of module ``xp``: they are on its current device."""
    return None if xp is numpy else (getattr(xp, "_xp", xp), xp.cuda.get_device_id() if hasattr(xp, "cuda") else 0)


def _forget(filename: str) -> None:
    linecache.cache.pop(filename, None)
    _nodes.pop(filename, None)


def _deletion(registers: set[str]) -> str:
    return f"; del {', '.join(sorted(registers))}" if registers else ""


def failing(trace: TracebackType | None) -> Node | None:
    """The innermost node of a body whose kernel an exception came from, None where it came from none."""
    found = None
    while trace is not None:
        nodes = _nodes.get(trace.tb_frame.f_code.co_filename)
        found = found if nodes is None else nodes.get(trace.tb_lineno, found)
        trace = trace.tb_next
    return found


def bodies(node: Any) -> list[Function]:
    """The Functions among a node's attributes, alone or in tuples: the bodies of a loop or branch."""
    if not node.params:
        return []
    values = [each for value in node.params.values() for each in (value if value.__class__ is tuple else (value,))]
    return [value for value in values if isinstance(value, Function)]


def acts(node: Any) -> bool:
    """Whether a node has effects, or one in its bodies."""
    stack = [node]
    while stack:
        each = stack.pop()
        if "stateful" in each.op.traits:
            return True
        stack += [inner for body in bodies(each) for inner in body.nodes]
    return False


def draws(node: Node) -> bool:
    """Whether running a node takes random numbers, itself or in its bodies."""
    if "random" in node.op.traits:
        return True
    return "control" in node.op.traits and any(_draws(body) for body in bodies(node))


def _draws(body: Function) -> bool:
    made: bool | None = body.cache.get("draws")
    if made is None:
        made = body.cache["draws"] = any(draws(node) for node in body.nodes)
    return made


def undrawn(own: Key | None, serial: int) -> Key:
    """The keys of a body that is run on bare arrays: there are none."""
    raise ValueError("a random op was run without a key")
