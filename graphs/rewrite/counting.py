"""Loops whose condition only counts: how many rounds they have is known before the first, and what counts is a sequence.

``while_loop`` is written with a counter and a condition on it. Where that is all, the loop becomes one over numbers: then
what its rounds do to the counter's values, and to elements at them, can be done for all rounds at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy

from graphs import ops
from graphs.control import loop
from graphs.core.function import Function
from graphs.core.node import Node, Value, new_parameter
from graphs.core.spec import Spec
from graphs.rewrite.loops import Parts, deciding, edge, exchanged, only_apart
from graphs.rewrite.outside import LAWS, Law, Outside
from graphs.rewrite.program import Choice, Edge, Program, Rebuild, Rewritten, as_constant, is_kept, is_pure, known, spec_of
from graphs.rewrite.records import Log
from graphs.rewrite.rules import NAMES
from graphs.rewrite.tidy import tidy


MOST_NUMBERS = 65_536
"""Rounds up to which a counter's values are an array made ahead of the run."""

_LAWS = (
    Law("counted", "while i < n: i = i + k -> for i from its first value to n by k"),
    Law("counter", "i = i + k in each round -> the numbers from its first value on, by k"),
)
LAWS.update((law.rule, law) for law in _LAWS)
NAMES.update(law.rule for law in _LAWS)


def count(program: Program, log: Log, choice: Choice) -> Program:
    """The program with loops that only count made loops of a number of rounds, and their counters sequences."""
    if not any("control" in node.op.traits for node in program.nodes):
        return program
    rebuild = Rebuild(program)
    fixed = {root for root in program.roots if isinstance(root, Node)} | {node for node, _ in program.fed}
    apart = only_apart(program)

    def inside(body: Program) -> Program:
        return count(body, log, choice)

    for old in program.nodes:
        node = rebuild.visit(old)
        if old.params:
            node = rebuild.sweep(node, old, inside)
        if node.op is loop and not node.params.get("record") and old not in fixed and choice.allows("count"):
            node = _bounded(rebuild, node, old, log, choice)
            node = _ranged(rebuild, node, old, apart, log, choice)
        rebuild.keep(node)
    return tidy(rebuild.finish())


class _Step(NamedTuple):
    """A state that grows by a number in each round."""

    state: int
    by: int


def _steps(parts: Parts, fed: frozenset[Edge]) -> Iterator[_Step]:
    """The counters among a loop's states."""
    for i, (x, following) in enumerate(zip(parts.states, parts.following, strict=True)):
        if not isinstance(following, Value) or following.node.op is not ops.add or x.dtype.kind not in "iu" or x.dims != ():
            continue
        left, right = following.node.inputs
        other = right if left is x else left if right is x else None
        number = None if other is None or other is x else _number(other, parts, fed)
        if number is not None and number > 0 and following.dtype == x.dtype:
            yield _Step(i, number)


def _number(x: Any, parts: Parts, fed: frozenset[Edge]) -> int | None:
    """The integer that a value of the body is known to be."""
    if isinstance(x, Value):
        outer = {edge(param): value for param, value in zip(parts.fixed, parts.constants, strict=True)}
        if edge(x) not in outer:
            return None
        x = known(outer[edge(x)], fed)
    return int(x) if x is not None and numpy.ndim(x) == 0 and numpy.asarray(x).dtype.kind in "iu" else None


# The number of rounds


def _bounded(rebuild: Rebuild, node: Any, old: Any, log: Log, choice: Choice) -> Any:
    """The loop with a number of rounds in the place of its condition, where that is all that the condition says."""
    parts = Parts.of(node)
    if parts.cond is None:
        return node
    outside = Outside(rebuild, node, old, "count", log, choice)
    length = _Condition(outside, parts).rounds()
    record = None if length is None else outside.fire("counted")
    if record is None:
        return node
    parts.length, parts.cond = length, None
    hints = [None, *(out.spec for out in node.outputs[1:])]
    number = known(length, rebuild.program.fed)
    made = parts.made(rebuild.program.kind, node, None if number is None else int(number), hints)
    for each in outside.made:
        rebuild.keep(each)
    rebuild.replace(node, old, made.outputs)
    before = _skeleton(Parts.of(node)).made(Rewritten, node)
    after = _skeleton(Parts.of(node), length).made(Rewritten, node)
    outside.fill(record, [before], [*outside.made, after], before.outputs, after.outputs)
    return made


def _skeleton(parts: Parts, length: Any = None) -> Parts:
    """The loop with nothing in it but what counts; with ``length`` without a condition."""
    assert parts.cond is not None
    states, decisive = len(parts.first), deciding(parts)
    body = Function(
        [*(parts.states[i] for i in decisive), *parts.fixed], [parts.following[i] for i in decisive], parts.body.name
    )
    chosen = [*(parts.cond.inputs[i] for i in decisive), *parts.cond.inputs[states:]]
    cond = Function(chosen, parts.cond.outputs[:1], parts.cond.name) if length is None else None
    first = [parts.first[i] for i in decisive]
    return Parts(body, parts.length if length is None else length, first, [], [], parts.constants, cond)


class _Condition:
    """The condition of a loop, looked at from outside."""

    def __init__(self, outside: Outside, parts: Parts) -> None:
        assert parts.cond is not None
        self.outside = outside
        self.parts = parts
        self.cond = parts.cond
        self.steps = {step.state: step for step in _steps(parts, outside.fed)}
        states = len(parts.first)
        self.states = {edge(x): i for i, x in enumerate(self.cond.inputs[:states])}
        self.known = {edge(x): value for x, value in zip(self.cond.inputs[states:], parts.constants, strict=True)}
        for i, (x, following) in enumerate(zip(parts.states, parts.following, strict=True)):
            if following is x:
                self.known[edge(self.cond.inputs[i])] = parts.first[i]

    def rounds(self) -> Any:
        """The number of rounds, a value outside or an int; None where more than counters decides."""
        terms = list(self._terms(self.cond.outputs[0]))
        bounds = [self._bound(x) for x in terms]
        if not bounds or any(each is None for each in bounds):
            return None
        most = self.parts.length
        number = known(most, self.outside.fed)
        if number is None:
            return None
        if int(number) >= 0:
            bounds.append(int(number))
        total = bounds[0]
        for other in bounds[1:]:
            both = isinstance(total, int) and isinstance(other, int)
            total = min(total, other) if both else self.outside.make(ops.minimum, total, other)
        return total

    def _terms(self, x: Any) -> Iterator[Any]:
        """What has to hold together."""
        if isinstance(x, Value) and x.node.op is ops.logical_and:
            for part in x.node.inputs:
                yield from self._terms(part)
        else:
            yield x

    def _bound(self, x: Any) -> Any:
        """The number of rounds for which a comparison holds."""
        op = x.node.op if isinstance(x, Value) else None
        if op in (ops.less, ops.less_equal):
            counter, end = x.node.inputs
        elif op in (ops.greater, ops.greater_equal):
            end, counter = x.node.inputs
        else:
            return None
        step = self.steps.get(self.states.get(edge(counter), -1)) if isinstance(counter, Value) else None
        outer = self._outer(end)
        if step is None or outer is None or spec_of(outer).dims != () or spec_of(outer).dtype.kind not in "iu":
            return None
        first = self.parts.first[step.state]
        more = step.by - (op in (ops.less, ops.greater))
        return self._divided(outer, first, more, step.by)

    def _divided(self, end: Any, first: Any, more: int, by: int) -> Any:
        """``(end - first + more) // by``, but no less than 0."""
        fed, make = self.outside.fed, self.outside.make
        numbers = [known(x, fed) for x in (end, first)]
        if all(each is not None for each in numbers):
            return max(0, (int(numbers[0]) - int(numbers[1]) + more) // by)
        if by != 1 or spec_of(first).dims != ():
            return None  # the counter might pass the greatest number on the way
        wide = [make(ops.cast, x, dtype="int64") if isinstance(x, Value) else int(x) for x in (end, first)]
        apart = make(ops.subtract, *wide)
        return make(ops.maximum, make(ops.add, apart, more) if more else apart, 0)

    def _outer(self, x: Any) -> Any:
        """What a value of the condition is outside, if it is the same each time."""
        if not isinstance(x, Value):
            return x
        if edge(x) in self.known:
            return self.known[edge(x)]
        node = x.node
        if edge(x) in self.states or not node.inputs or node.width != 1 or not is_pure(node):
            return None
        inputs = [self._outer(each) for each in node.inputs]
        if any(each is None for each in inputs):
            return None
        self.known[edge(x)] = self.outside.make(node.op, *inputs, **node.params)
        return self.known[edge(x)]


# Counters as sequences


def _ranged(rebuild: Rebuild, node: Any, old: Any, apart: set[Edge], log: Log, choice: Choice) -> Any:
    """The loop with its counters' values among its sequences. Of ``apart`` nobody minds whether they are stacked."""
    if getattr(old, "writes", None) or node.params.get("cond") is not None:
        return node
    first, values = node, list(node.outputs)
    for step in list(_steps(Parts.of(node), rebuild.program.fed))[::-1]:
        outside = Outside(rebuild, node, old, "count", log, choice)
        record = outside.fire("counter")
        if record is None:
            continue
        numbers, end = _numbers(outside, step)
        hints = [out.spec for i, out in enumerate(node.outputs) if i != 1 + step.state]
        parts = Parts.of(node)
        made = _moved(parts, step.state, numbers).made(rebuild.program.kind, node, outside.count, hints)
        for each in outside.made:
            rebuild.keep(each)
        place = 1 + step.state
        outputs = [*made.outputs[:place], end, *made.outputs[place:]]
        before = _alone(parts, step).made(Rewritten, node, outside.count)
        outside.fill(record, [before], outside.made, before.outputs[1:], [end, numbers])
        now = dict(zip(map(edge, node.outputs), outputs, strict=True))
        counter, stacks = parts.states[step.state], 1 + len(parts.first)
        for j, x in enumerate(parts.stacked):
            place = old.width - len(parts.likes) - len(parts.stacked) + j
            if x is counter and (j not in parts.boxed or (old, place) in apart):
                now[edge(node.outputs[stacks + j])] = numbers
        values = [now.get(edge(x), x) if isinstance(x, Value) else x for x in values]
        node = made
    if node is not first:
        rebuild.replace(first, old, values)
    return node


def _alone(parts: Parts, step: _Step) -> Parts:
    """A loop with nothing in it but one counter, whose values are stacked."""
    counter = new_parameter(parts.states[step.state].spec)
    body = Function([counter], [ops.add(counter, step.by), counter], "counter")
    return Parts(body, parts.length, [parts.first[step.state]], [], [], [], reverse=parts.reverse)


def _numbers(outside: Outside, step: _Step) -> tuple[Any, Any]:
    """A counter's values, by the places of the sequences, and its value after the last round."""
    parts, make = outside.parts, outside.make
    first, dtype = parts.first[step.state], parts.states[step.state].dtype
    start = known(first, outside.fed)
    if start is not None and outside.count is not None and outside.count <= MOST_NUMBERS:
        values = (int(start) + step.by * numpy.arange(outside.count)).astype(dtype)
        values = values[::-1].copy() if parts.reverse else values
        end = numpy.asarray(int(start) + step.by * outside.count, dtype)
        rebuild, node = outside.rebuild, outside.node
        return as_constant(rebuild, node, values), as_constant(rebuild, node, end)
    length = make(ops.maximum, parts.length, 0) if outside.count is None else outside.count
    span = make(ops.multiply, length, step.by) if isinstance(length, Value) else length * step.by
    end = make(ops.cast, make(ops.add, first, span), dtype=dtype)
    values = make(ops.cast, make(ops.arange_to, first, end, numpy.asarray(step.by, dtype)), dtype=dtype)
    return make(ops.flip, values, axis=0) if parts.reverse else values, end


def _moved(parts: Parts, i: int, numbers: Any) -> Parts:
    """The loop with state ``i`` as one more sequence, the last."""
    states, slices = list(parts.states), list(parts.slices)
    counter, following = states.pop(i), list(parts.following)
    following.pop(i)
    each = new_parameter(Spec((), counter.dtype))
    results = [*following, *parts.stacked, *parts.summed]
    kept = [node for node in parts.body.nodes if is_kept(node)]
    outputs, effects = exchanged(parts.body.nodes, results, kept, [counter], [each])
    body = Function([*states, *slices, each, *parts.fixed], outputs, parts.body.name, effects)
    first = [x for j, x in enumerate(parts.first) if j != i]
    return Parts(
        body, parts.length, first, parts.likes, [*parts.given, numbers], parts.constants, None, parts.boxed, parts.reverse
    )
