"""``TensorArray`` in loops that count: what is read element by element is a sequence, what is written is stacked.

An array that a loop goes round with is copied at each write. Where every round reads or writes at its own number, from 0 on,
no array is needed: the loop then is what ``scan`` would have made, and the passes over loops can do the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy

from graphs.control import loop
from graphs.core.function import Function
from graphs.core.node import Node, Value, infer, new_parameter
from graphs.core.spec import Spec
from graphs.ops import add, getitem
from graphs.ops.slicing import Slice
from graphs.rewrite import Choice, Log, Program, Rewritten, origins
from graphs.rewrite.loops import Parts, edge, exchanged
from graphs.rewrite.narrow import closed, refined
from graphs.rewrite.outside import LAWS, Law, Outside
from graphs.rewrite.program import Edge, Rebuild, is_kept, known, spec_of
from graphs.rewrite.rules import NAMES
from graphs.rewrite.tidy import tidy
from static.tensor_array import (
    alone_op,
    pick_op,
    read_op,
    stack_like_op,
    stack_op,
    tensor_array_op,
    unstack_op,
    without_op,
    write_op,
)


_LAWS = (
    Law("read_of_array", "unstack(x).read(t) in each round -> x[t]"),
    Law("written_array", "array.write(t, y) in each round -> unstack(stack of y)"),
    Law("gradient_of_array", "the gradient of a written array, read at t in each round -> a sequence"),
    Law("sum_of_reads", "sum over rounds of a gradient at t -> unstack(stack of gradients)"),
)
LAWS.update((law.rule, law) for law in _LAWS)
NAMES.update(law.rule for law in _LAWS)


def unpack_arrays(program: Program, log: Log, choice: Choice) -> Program:
    """The program with the arrays of loops that count made sequences and stacked results."""
    if not any("control" in node.op.traits for node in program.nodes):
        return program
    rebuild = Rebuild(program)
    fixed = {root for root in program.roots if isinstance(root, Node)} | {node for node, _ in program.fed}

    def inside(body: Program) -> Program:
        return unpack_arrays(body, log, choice)

    for old in program.nodes:
        node = rebuild.visit(old)
        if node is not old and not closed(node):
            node = refined(rebuild, node, old)
        if old.params:
            node = rebuild.sweep(node, old, inside)
        if old not in fixed and _is_counted(node, old):
            outside = Outside(rebuild, node, old, "unpack_arrays", log, choice)
            values = _Unpacking(outside).run()
            if values is not None:
                for each in outside.made:
                    rebuild.keep(each)
                rebuild.replace(node, old, values)
                continue
        value = _together(node) if old not in fixed else None
        if value is not None:
            rebuild.replace(node, old, [value])
        else:
            rebuild.keep(node)
    return tidy(rebuild.finish())


def _is_counted(node: Any, old: Any) -> bool:
    params = node.params
    return node.op is loop and not (params.get("record") or params.get("cond") or getattr(old, "writes", None))


def _together(node: Any) -> Any:
    """What is put together again just where it was taken apart."""
    inner = node.inputs[0].node if node.inputs and isinstance(node.inputs[0], Value) else None
    if inner is None or inner.op is not unstack_op:
        return None
    x = inner.inputs[0]
    spec = spec_of(x)
    if node.op is stack_op:
        element = node.params["spec"]
        return x if spec.dtype == element.dtype and spec.dims and spec.dims[1:] == element.dims else None
    if node.op is stack_like_op:
        like = spec_of(node.inputs[1])
        return x if spec == like and spec.known else None
    return None


class _Unpacking:
    """One loop that counts, and the arrays in its body."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.parts = parts = outside.parts
        self.fed = outside.fed
        self.numbers = {edge(x): value for x, value in zip(parts.slices, parts.given, strict=True) if self._counts(value)}
        self.fixed = {edge(x): value for x, value in zip(parts.fixed, parts.constants, strict=True)}
        self.states = {edge(x): i for i, x in enumerate(parts.states)}
        self.uses: dict[Edge, list[Any]] = {}
        for node in parts.body.nodes:
            for x in node.inputs:
                if isinstance(x, Value):
                    self.uses.setdefault(edge(x), []).append(node)
        self.results = {edge(x) for x in (*parts.stacked, *parts.summed) if isinstance(x, Value)}
        self.more: dict[Edge, tuple[Value, Any]] = {}  # a new sequence for each array that is read
        self.instead: dict[Edge, Value] = {}  # what stands for values of the body
        self.written: dict[int, Any] = {}
        self.summed: dict[int, Any] = {}
        self.sums: list[Any] = []  # nodes of the body that add up elements in the place of arrays

    def run(self) -> list[Any] | None:
        """What stands for the loop's outputs; None where there is nothing to do."""
        if not self.numbers:
            return None
        for node in self.parts.body.nodes:
            if node.op is read_op:
                self._read(node)
            elif node.op is pick_op:
                self._picked(node)
        for i, following in enumerate(self.parts.following):
            self._write(i, following)
        for k, out in enumerate(self.parts.summed):
            self._sum(k, out)
        return self._remade() if self.instead or self.written or self.summed else None

    def _counts(self, value: Any) -> bool:
        """Whether a sequence is 0, 1, 2, ... by its places."""
        numbers = known(value, self.fed)
        if numbers is not None:
            return numpy.ndim(numbers) == 1 and numbers.dtype.kind in "iu" and _is_range(numbers)
        while isinstance(value, Value) and value.node.op.name == "cast":
            value = value.node.inputs[0]
        if not isinstance(value, Value) or value.node.op.name != "arange_to":
            return False
        start, _, step = (known(x, self.fed) for x in value.node.inputs)
        return start is not None and step is not None and int(start) == 0 and int(step) == 1

    # What is read

    def _source(self, array: Any) -> Any:
        """The sequence that an array's elements are slices of; None where it may have fewer than there are rounds."""
        if not isinstance(array, Value) or array.node.op is not unstack_op:
            return None
        x = array.node.inputs[0]
        dims, count = spec_of(x).dims, self.outside.count
        if not dims:
            return None
        if count is not None and dims[0] is not None:
            return None if dims[0] < count else x if dims[0] == count else self._first(x, count)
        return x if self.outside.measures(x) else None

    def _first(self, x: Any, count: int) -> Any:
        return self.outside.make(getitem, x, index=(Slice(0, count),))

    def _slice(self, array: Any, node: Any, rule: str) -> None:
        """Let a slice of what the outer ``array`` was made of stand for the output of ``node``."""
        spec, key = node.outputs[0].spec, edge(array) if isinstance(array, Value) else None
        if key is None:
            return
        if key not in self.more:
            source = self._source(array)
            if source is None or spec_of(source).dtype != spec.dtype:
                return
            dims = spec_of(source).dims
            self.more[key] = (new_parameter(Spec(dims and dims[1:], spec.dtype)), source)
        param, _ = self.more[key]
        if param.dtype == spec.dtype and (spec.dims is None or param.dims == spec.dims):
            record = self.outside.fire(rule)
            if record is not None:
                self.instead[node, 0] = param
                self.outside.fill(record, [node], [], [], [])

    def _read(self, node: Any) -> None:
        array, index = node.inputs
        if self._is_number(index) and isinstance(array, Value) and edge(array) in self.fixed:
            self._slice(self.fixed[edge(array)], node, "read_of_array")

    def _is_number(self, index: Any) -> bool:
        """Whether an index is the number of the round."""
        return isinstance(index, Value) and edge(index) in self.numbers

    def _picked(self, node: Any) -> None:
        """A gradient taken from an array of gradients, of which each round clears the place that it has read."""
        array, index, _ = node.inputs
        i = self.states.get(edge(array)) if isinstance(array, Value) else None
        if i is None or not self._is_number(index):
            return
        following = self.parts.following[i]
        cleared = following.node if isinstance(following, Value) else None
        if cleared is None or cleared.op is not without_op or list(cleared.inputs) != [array, index]:
            return
        if edge(array) not in self.results and all(each.op in (pick_op, without_op) for each in self.uses[edge(array)]):
            self._slice(self.parts.first[i], node, "gradient_of_array")

    # What is written

    def _write(self, i: int, following: Any) -> None:
        """A state that is an array to which each round writes: empty at first, and as long as there are rounds."""
        state, first = self.parts.states[i], self.parts.first[i]
        node = following.node if isinstance(following, Value) else None
        if node is None or node.op is not write_op or node.inputs[0] is not state or self.uses[edge(state)] != [node]:
            return
        _, index, value = node.inputs
        maker = first.node if isinstance(first, Value) else None
        if maker is None or maker.op is not tensor_array_op or not self._is_length(maker, node.params):
            return
        seen = self.results & {edge(state), edge(following)} or edge(following) in self.uses
        if seen or not self._is_number(index) or not isinstance(value, Value) or not spec_of(value).known:
            return
        record = self.outside.fire("written_array")
        if record is not None:
            self.written[i] = value
            self.outside.fill(record, [node], [], [], [])

    def _is_length(self, node: Any, params: Any) -> bool:
        """Whether an array's size is the number of rounds, or it grows to be."""
        size = known(node.inputs[0], self.fed)
        if size is not None and self.outside.count is not None:
            return int(size) == self.outside.count or (bool(params.get("dynamic")) and int(size) <= self.outside.count)
        if size is not None:
            return int(size) == 0 and bool(params.get("dynamic"))
        return self.outside.counts_to(node.inputs[0])

    def _sum(self, k: int, out: Any) -> None:
        """The gradient of an array that is read: in each round that of one of its elements."""
        values = self._alone(out)
        if not values or (isinstance(out, Value) and edge(out) in self.uses):
            return
        array = next(x.node.inputs[1] for x in self._arrays(out))
        source = self.fixed[edge(array)]
        made = source.node if isinstance(source, Value) else None
        if made is None or made.op is not unstack_op or not self._is_whole(made.inputs[0]) or self.outside.count is None:
            return
        record = self.outside.fire("sum_of_reads")
        if record is not None:
            total = values[0]
            for other in values[1:]:
                total = self._added(total, other, out.node)
            self.summed[k] = total
            self.outside.fill(record, [out.node], [], [], [])

    def _alone(self, out: Any) -> list[Any]:
        """The gradients of the elements of one array that a round has read at its number; none, where it is not that."""
        found = list(self._arrays(out))
        if not found or any(x.node.op is not alone_op for x in found):
            return []
        if len({edge(x.node.inputs[1]) for x in found if isinstance(x.node.inputs[1], Value)}) != 1:
            return []
        values = [x.node.inputs[0] for x in found]
        fits = all(isinstance(x, Value) and spec_of(x).known and spec_of(x) == spec_of(values[0]) for x in values)
        plain = all(self._is_number(x.node.inputs[2]) and edge(x.node.inputs[1]) in self.fixed for x in found)
        return values if fits and plain else []

    def _arrays(self, out: Any) -> Iterator[Value]:
        """The arrays that are added up, each with one element; what else there is has no such op."""
        stack = [out]
        while stack:
            x = stack.pop()
            if not isinstance(x, Value):
                continue
            if x.node.op is add and x.dtype.kind == "O" and (x is out or len(self.uses.get(edge(x), ())) == 1):
                stack.extend(reversed(x.node.inputs))
            else:
                yield x

    def _added(self, x: Any, y: Any, about: Any) -> Any:
        """A sum in the body, in the place of one of arrays."""
        specs = infer(add, (x, y), {})
        node = Rewritten(add, (x, y), {}, specs, about.name, where=about.where, origins=origins([about]))
        self.sums.append(node)
        return node.outputs[0]

    def _is_whole(self, x: Any) -> bool:
        """Whether a sequence has just as many slices as there are rounds."""
        dims, count = spec_of(x).dims, self.outside.count
        return dims[0] == count if dims and dims[0] is not None and count is not None else self.outside.measures(x)

    # The loop without arrays

    def _remade(self) -> list[Any]:
        parts, outside = self.parts, self.outside
        states = [i for i in range(len(parts.first)) if i not in self.written]
        sums = [k for k in range(len(parts.likes)) if k not in self.summed]
        extra = [*self.written.values(), *self.summed.values()]
        following = [parts.following[i] for i in states]
        results = [*following, *parts.stacked, *extra, *(parts.summed[k] for k in sums)]
        effects = [node for node in parts.body.nodes if is_kept(node)]
        old = [Value(*each) for each in self.instead]
        outputs, kept = exchanged((*parts.body.nodes, *self.sums), results, effects, old, list(self.instead.values()))
        inputs = [*(parts.states[i] for i in states), *parts.slices, *(x for x, _ in self.more.values()), *parts.fixed]
        made = Parts(
            Function(inputs, outputs, parts.body.name, kept),
            parts.length,
            [parts.first[i] for i in states],
            [parts.likes[k] for k in sums],
            [*parts.given, *(value for _, value in self.more.values())],
            parts.constants,
            None,
            parts.boxed,
            parts.reverse,
        )
        specs = [out.spec for out in outside.node.outputs]
        stacks = 1 + len(parts.first)
        hints = [None, *(specs[1 + i] for i in states), *specs[stacks : stacks + len(parts.stacked)]]
        node = made.made(outside.kind, outside.node, outside.count, hints)
        outside.made.append(node)
        return self._values(node, states, sums)

    def _values(self, node: Any, states: Sequence[int], sums: Sequence[int]) -> list[Any]:
        parts, make = self.parts, self.outside.make
        values: list[Any] = [None] * self.outside.node.width
        values[0] = node.outputs[0]
        for n, i in enumerate(states):
            values[1 + i] = node.outputs[1 + n]
        before, stacks = 1 + len(parts.first), len(parts.stacked)
        first = 1 + len(states)
        for j in range(stacks):
            values[before + j] = node.outputs[first + j]
        extra = first + stacks
        for n, i in enumerate(self.written):
            values[1 + i] = make(unstack_op, node.outputs[extra + n])
        extra += len(self.written)
        for n, k in enumerate(self.summed):
            # What all other rounds add is 0, which makes 0.0 of -0.0.
            stack = node.outputs[extra + n]
            values[before + stacks + k] = make(unstack_op, make(add, stack, 0) if self.outside.count != 1 else stack)
        extra += len(self.summed)
        for n, k in enumerate(sums):
            values[before + stacks + k] = node.outputs[extra + n]
        return values


def _is_range(numbers: Any) -> bool:
    return bool((numbers == numpy.arange(len(numbers))).all())
