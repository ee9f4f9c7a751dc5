"""Loops without what nobody reads: results, states that serve nothing else, and operands that no round looks at any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from graphs.control import loop
from graphs.core.function import Function
from graphs.core.node import Node, Value, ancestors, new_parameter
from graphs.core.spec import Spec
from graphs.rewrite.loops import Parts, edge, rounds
from graphs.rewrite.narrow import substituted
from graphs.rewrite.program import Edge, Program, Rebuild, is_kept, spec_of


def tidy(program: Program) -> Program:
    """The program with its loops made of no more than what is read of them. Every value stays what it was."""
    if not any(node.op is loop for node in program.nodes):
        return program
    plans = _plans(program)
    rebuild = Rebuild(program)
    for old in program.nodes:
        node = rebuild.visit(old)
        if node.op is loop and not node.params.get("record"):
            node = unboxed(rebuild, node, old)
        plan = plans.get(old)
        if plan is not None:
            values = plan.carried_out(rebuild, node)
            rebuild.replace(node, old, values)
            node = values[0].node
        rebuild.keep(node)
    return rebuild.finish()


def unboxed(rebuild: Rebuild, node: Any, old: Any) -> Any:
    """The loop with its sequences taken for what they are: those that came apart may have been stacked meanwhile."""
    boxes = node.params.get("boxes", ())
    parts = Parts.of(node)
    left = tuple(i for i in boxes if spec_of(parts.given[i]).dtype.kind == "O")
    if left == boxes:
        return node
    pairs = []
    for x, whole in zip(parts.slices, parts.given, strict=True):
        spec = spec_of(whole)
        if x.dtype.kind == "O" != spec.dtype.kind and spec.dims:  # an array for each round, whose elements came apart too
            pairs.append((x, new_parameter(Spec(spec.dims[1:], spec.dtype))))
    body = substituted(parts.body, pairs) if pairs else parts.body
    return rebuild.again(node, old, params={**node.params, "boxes": left, "body": body})


def _plans(program: Program) -> dict[Any, _Plan]:
    """For loops of which not all is needed, what is."""
    fed = {node for node, _ in program.fed}
    needed: set[Edge] = {edge(x) for x in program.roots if isinstance(x, Value)}
    fixed = {x for x in program.roots if isinstance(x, Node)}
    awaited = set(fixed)
    plans: dict[Any, _Plan] = {}
    for node in reversed(program.nodes):
        if not (node in awaited or is_kept(node) or any((node, i) in needed for i in range(node.width))):
            continue
        awaited.update(node.after)
        inputs: Iterable[Any] = node.inputs
        if node.op is loop and not node.params.get("record") and node not in fed and node not in fixed:
            plan = _Plan(node, {i for i in range(node.width) if (node, i) in needed})
            inputs = plan.inputs
            if plan.drops:
                plans[node] = plan
        needed.update(edge(x) for x in inputs if isinstance(x, Value))
    return plans


class _Plan:
    """What is needed of one loop whose outputs ``read`` are read."""

    def __init__(self, node: Any, read: set[int]) -> None:
        self.node = node
        self.parts = parts = Parts.of(node)
        states, stacks = len(parts.first), len(parts.stacked)
        written = [index - 1 for _, index in getattr(node, "writes", None) or ()]
        firsts: dict[Any, int] = {}  # what is stacked twice is stacked once
        self.same = [firsts.setdefault(_key(x, j, j in parts.boxed), j) for j, x in enumerate(parts.stacked)]
        self.stacked = sorted({self.same[j] for j in range(stacks) if 1 + states + j in read})
        self.sums = [k for k in range(len(parts.likes)) if 1 + states + stacks + k in read]
        self.effects = [each for each in parts.body.nodes if is_kept(each)]
        results = [*(parts.stacked[j] for j in self.stacked), *(parts.summed[k] for k in self.sums)]
        if written:  # they are named by their numbers
            self.states = list(range(states))
        else:
            self.states = self._closed({i for i in range(states) if 1 + i in read}, results)
        outputs = [*(parts.following[i] for i in self.states), *results]
        used = _reached([*outputs, *self.effects])
        if parts.cond is not None:
            places = dict(zip((x.node for x in parts.cond.inputs[states:]), (x.node for x in parts.fixed), strict=True))
            used |= {places[each] for each in _reached(parts.cond.outputs) if each in places}
        self.given = [i for i, x in enumerate(parts.slices) if x.node in used]
        self.constants = [i for i, x in enumerate(parts.fixed) if x.node in used]

    def _closed(self, wanted: set[int], results: Sequence[Any]) -> list[int]:
        """The states that are wanted, and those that they, the results and the condition depend on."""
        parts = self.parts
        wanted = wanted | _states_in(results, parts.states) | _states_in(self.effects, parts.states)
        if parts.cond is not None:
            wanted |= _states_in(parts.cond.outputs, parts.cond.inputs[: len(parts.first)])
        while True:
            grown = wanted | _states_in([parts.following[i] for i in wanted], parts.states)
            if grown == wanted:
                return sorted(wanted)
            wanted = grown

    @property
    def drops(self) -> bool:
        """Whether anything is not needed."""
        parts = self.parts
        kept = [self.states, self.stacked, self.sums, self.given, self.constants]
        whole = [parts.first, parts.stacked, parts.likes, parts.given, parts.constants]
        return any(len(left) < len(each) for left, each in zip(kept, whole, strict=True))

    @property
    def inputs(self) -> list[Any]:
        """What the loop still reads."""
        parts = self.parts
        return [
            parts.length,
            *(parts.first[i] for i in self.states),
            *(parts.likes[k] for k in self.sums),
            *(parts.given[i] for i in self.given),
            *(parts.constants[i] for i in self.constants),
        ]

    def carried_out(self, rebuild: Rebuild, node: Any) -> list[Any]:
        """What stands for the outputs of ``node``, the loop as it is now, None for what nobody reads."""
        parts, states, stacks = Parts.of(node), len(self.parts.first), len(self.parts.stacked)
        body, old = parts.body, parts
        inputs = [
            *(old.states[i] for i in self.states),
            *(old.slices[i] for i in self.given),
            *(old.fixed[i] for i in self.constants),
        ]
        outputs = [
            *(old.following[i] for i in self.states),
            *(old.stacked[j] for j in self.stacked),
            *(old.summed[k] for k in self.sums),
        ]
        cond = parts.cond
        if cond is not None:
            chosen = [*(cond.inputs[i] for i in self.states), *(cond.inputs[states + i] for i in self.constants)]
            cond = Function(chosen, cond.outputs, cond.name, cond.nodes)
        made = Parts(
            Function(inputs, outputs, body.name, self.effects),
            parts.length,
            [parts.first[i] for i in self.states],
            [parts.likes[k] for k in self.sums],
            [parts.given[i] for i in self.given],
            [parts.constants[i] for i in self.constants],
            cond,
            frozenset(n for n, j in enumerate(self.stacked) if j in parts.boxed),
            parts.reverse,
        )
        left = [0, *(1 + i for i in self.states), *(1 + states + j for j in self.stacked)]
        left += [1 + states + stacks + k for k in self.sums]
        hints = [node.outputs[i].spec for i in left]
        new = made.made(rebuild.program.kind, node, rounds(made, rebuild.program.fed), hints)
        values: list[Any] = [None] * node.width
        for place, i in enumerate(left):
            values[i] = new.outputs[place]
        for j, first in enumerate(self.same):
            values[1 + states + j] = values[1 + states + first]
        return values


def _key(x: Any, place: int, boxed: bool) -> Any:
    """Equal for results that are stacked in one way and are the same value."""
    return (x.node, x.index, boxed) if isinstance(x, Value) else place


def _reached(roots: Iterable[Any]) -> set[Any]:
    """The nodes that ``roots``, values and nodes, depend on."""
    return set(ancestors([x.node if isinstance(x, Value) else x for x in roots if isinstance(x, (Value, Node))]))


def _states_in(roots: Iterable[Any], states: Sequence[Value]) -> set[int]:
    """The states that ``roots`` depend on."""
    reached = _reached(roots)
    return {i for i, x in enumerate(states) if x.node in reached}
