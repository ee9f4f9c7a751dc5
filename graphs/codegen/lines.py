"""The straight line of ufunc calls inside a blocked kernel: what is called, on what, into which memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy

from graphs.core.function import Function
from graphs.core.node import Node, Value
from graphs.core.ufuncs import OUT_BY_NAME, as_ufunc as as_ufunc, literals


Edge = tuple[Node, int]


class Lines:
    """Source lines for one Function of element-wise ops, and the names that they use.

    Identifiers are counters: ``a`` inputs, ``c`` constants, ``u`` ufuncs, ``k`` kernels, ``h`` scalars computed once a call,
    ``t`` scratch, ``v`` arrays that a kernel returned.

    Attributes:
        names: what the identifiers of constants, ufuncs and kernels stand for.
        shared: the lines that come before any loop.
    """

    def __init__(self, function: Function, inplace: tuple[int | None, ...] | None) -> None:
        self.names: dict[str, Any] = {"xp": numpy, "fixed": numpy.asarray, "copy": numpy.copyto}
        self.shared: list[str] = []
        self._inputs = {_edge(value): f"a{i}" for i, value in enumerate(function.inputs)}
        self._scalars = {_edge(value): f"a{i}" for i, value in enumerate(function.inputs) if value.dims == ()}
        self._outputs = [_edge(out) for out in function.outputs]
        self._nodes: list[Node] = []
        self._ufuncs: dict[Node, tuple[str, Sequence[Any]]] = {}
        self._constants: dict[Any, str] = {}
        for node in function.nodes:
            self._prepare(node)
        self._last = {edge: index for index, node in enumerate(self._nodes) for edge in _edges(node)}
        arrays = [edge for edge in self._inputs if edge not in self._scalars]
        named = [] if inplace is None else [[] if i is None else [_edge(function.inputs[i])] for i in inplace]
        self._overwritten: list[list[Edge]] = named or [arrays for _ in self._outputs]

    @property
    def has_scalar_outputs(self) -> bool:
        """Whether an output is the same for all elements, and so has not the arrays' shape."""
        return any(edge in self._scalars for edge in self._outputs)

    def _prepare(self, node: Node) -> None:
        """Decide what computes ``node``: a ufunc on arrays, its kernel, or (for scalars) one call ahead of the loop."""
        if all(not isinstance(x, Value) or _edge(x) in self._scalars for x in node.inputs):
            name = f"h{len(self.shared)}"
            self.shared.append(f"{name} = fixed({self._kernel_call(node, self._scalars)})")
            self._scalars[node, 0] = name
            return
        self._nodes.append(node)
        found = as_ufunc(node)
        if found is not None:
            ufunc, args = found
            self._ufuncs[node] = self._constant(ufunc, "u"), literals(node, args)

    def _constant(self, value: Any, prefix: str = "c") -> str:
        name = self._constants.get(id(value))
        if name is None:
            name = self._constants[id(value)] = f"{prefix}{len(self._constants)}"
            self.names[name] = value
        return name

    def _operands(self, args: Sequence[Any], names: dict[Edge, str]) -> list[str]:
        return [names[_edge(x)] if isinstance(x, Value) else self._constant(x) for x in args]

    def _kernel_call(self, node: Node, names: dict[Edge, str]) -> str:
        settings = [f"{name}={self._constant(value)}" for name, value in node.params.items()]
        call = f"{self._constant(node.op.kernel, 'k')}({', '.join(['xp', *self._operands(node.inputs, names), *settings])})"
        return f"{call}.copy()" if node.op.view else call

    def emit(self, outs: list[str] | None, scratch: dict[str, Any] | None) -> tuple[list[str], list[str]]:
        """The lines, and the names of the results, each of which has memory of its own.

        Results are written into ``outs`` where given. Scratch is entered in ``scratch`` with its dtype, for the caller to
        make; where that is None, the first ufunc that needs it allocates it.
        """
        lines: list[str] = []
        names = self._inputs | self._scalars
        results: dict[int, str] = {}
        for position, edge in enumerate(self._outputs):
            if edge in self._inputs:  # copied before anything is written, since outs may be inputs
                results[position] = f"v{position}"
                lines.append(f"v{position} = {names[edge]}.copy()")
        free: defaultdict[Any, list[str]] = defaultdict(list)
        owned: dict[Edge, str] = {}
        made = 0
        for index, node in enumerate(self._nodes):
            result = (node, 0)
            if node not in self._ufuncs:
                names[result] = f"v{len(self._outputs) + index}"
                lines.append(f"{names[result]} = {self._kernel_call(node, names)}")
            else:
                ufunc, args = self._ufuncs[node]
                operands = self._operands(args, names)
                self._release(node, index, owned, free)
                dtype = node.specs[0].dtype
                at_once = self._direct(result, index) if outs is not None else None
                if outs is not None and at_once is not None:
                    target = results[at_once] = outs[at_once]
                elif free[dtype]:
                    target = owned[result] = free[dtype].pop()
                else:
                    target = owned[result] = f"t{made}"
                    made += 1
                    if scratch is None:
                        lines.append(f"{target} = {ufunc}({', '.join(operands)})")
                        names[result] = target
                        continue
                    scratch[target] = dtype
                keyword = "out=" if self.names[ufunc] in OUT_BY_NAME else ""
                lines.append(f"{ufunc}({', '.join(operands)}, {keyword}{target})")
                names[result] = target
        for position, edge in enumerate(self._outputs):
            source = results.get(position, names[edge])
            if outs is not None:
                if source != outs[position]:
                    lines.append(f"copy({outs[position]}, {source})")
            elif source in results.values() and position not in results:
                lines.append(f"v{position} = {source}.copy()")
                source = f"v{position}"
            results[position] = source
        return lines, outs or [results[position] for position in range(len(self._outputs))]

    def _release(self, node: Node, index: int, owned: dict[Edge, str], free: dict[Any, list[str]]) -> None:
        """Hand back the scratch of what is read here for the last time."""
        for edge in dict.fromkeys(_edges(node)):
            if edge in owned and self._last[edge] == index and edge not in self._outputs:
                free[edge[0].specs[0].dtype].append(owned.pop(edge))

    def _direct(self, result: Edge, index: int) -> int | None:
        """The output whose memory can take ``result`` at once: no input that this may overwrite is read after this node."""
        for position, edge in enumerate(self._outputs):
            if edge == result and all(self._last.get(i, -1) <= index for i in self._overwritten[position]):
                return position
        return None


def _edge(value: Value) -> Edge:
    return value.node, value.index


def _edges(node: Node) -> list[Edge]:
    return [_edge(x) for x in node.inputs if isinstance(x, Value)]
