"""Beside a loop: what passes make there, and the records of what they move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy

from graphs.control import loop
from graphs.core.function import Function
from graphs.core.node import Value, infer, new_parameter
from graphs.core.op import Op
from graphs.ops import cast, concat, getitem, getitem_at, maximum, shape_of
from graphs.ops.slicing import Slice
from graphs.rewrite.bounds import Bound
from graphs.rewrite.loops import Parts, counted_by, edge, excerpt, rounds
from graphs.rewrite.program import Choice, Edge, Rebuild, Rewritten, as_constant, origins, spec_of
from graphs.rewrite.records import Log, Record
from graphs.rewrite.rounds import OVER_ROUNDS, REORDERED
from graphs.rewrite.rules import NAMES


class Law(NamedTuple):
    """What a rewrite says, and how far its results may differ (None: not at all)."""

    rule: str
    text: str
    bound: Bound | None = None


LAWS = {
    law.rule: law
    for law in (
        Law("invariant", "f(c) in each round -> f(c) once"),
        Law("unchanged_state", "a state that no round changes -> a constant"),
        Law("all_rounds", "f(x[t]) in each round -> f(x) once"),
        Law("all_rounds_reordered", "x[t] @ w in each round -> x @ w once", REORDERED),
        Law("split_product", "concat(a, b) @ w -> a @ w[:n] + b @ w[n:]", REORDERED),
        Law("split_columns", "split(x @ w) -> x @ w[:, :n], x @ w[:, n:]", REORDERED),
        Law("sum_of_fixed", "(a + b) + c -> (a + c) + b", Bound("close", 4, "largest")),
        Law("after_rounds", "stack(f(h[t])) -> f(stack(h))"),
        Law("after_rounds_reordered", "stack(h[t] @ w) -> stack(h) @ w", REORDERED),
        Law("over_rounds", "sum over rounds of x[t]ᵀ @ y[t] -> xᵀ @ y", OVER_ROUNDS),
        Law("stacked", "results kept apart, of one shape -> stacked"),
    )
}
"""The laws of ``hoist`` by name."""

NAMES.update(LAWS)


class Outside:
    """Where a loop stands.

    Attributes:
        node: the loop, as it reads what passes have made so far.
        old: the loop, as others still read it.
        parts: what it consists of.
        exact: whether nothing may be rewritten that changes a bit.
        count: how many rounds it has, where that is known.
        made: the nodes made here, in order.
    """

    def __init__(
        self, rebuild: Rebuild, node: Any, old: Any, stage: str, log: Log, choice: Choice, exact: bool = False
    ) -> None:
        self.rebuild = rebuild
        self.node = node
        self.old = old
        self.stage = stage
        self.exact = exact
        self.log = log
        self.choice = choice
        self.fed = rebuild.program.fed
        self.kind = rebuild.program.kind
        self.parts = Parts.of(node)
        self.parts.length = counted_by(self.parts.length)
        self.count = rounds(self.parts, self.fed)
        self.made: list[Any] = []

    def make(self, op: Op, *inputs: Any, **params: Any) -> Any:
        """The outputs of a new node (the only one, where there is one)."""
        specs = infer(op, inputs, params)
        about = {"where": self.node.where, "origins": origins([self.node])}
        new = self.kind(op, inputs, params, specs, f"{self.node.name}/{op.name}", **about)
        self.made.append(new)
        return new.outputs[0] if len(specs) == 1 else new.outputs

    def cut(self, x: Any) -> Any:
        """The sequence ``x`` with as many slices as there are rounds, where it may have more."""
        dims, length = spec_of(x).dims, self.parts.length
        if self.count is not None:
            return x if dims and dims[0] == self.count else self.make(getitem, x, index=(Slice(0, self.count),))
        if self.measures(x):
            return x
        return self.make(getitem_at, x, self.make(maximum, length, 0), index=(Slice(),), places=((0, 1),))

    def rounds(self) -> Any:
        """The number of rounds as a value, where no loop need count them."""
        if self.count is not None:
            return as_constant(self.rebuild, self.node, numpy.asarray(self.count, numpy.int64))
        return self.make(cast, self.make(maximum, self.parts.length, 0), dtype="int64")

    def measures(self, x: Any) -> bool:
        """Whether the number of rounds is the number of slices of the sequence ``x``, as far as that can be told."""
        return _measured_by(self.parts.length, x) or _stacked_by(self.parts.length, x)

    def counts_to(self, x: Any) -> bool:
        """Whether the number of rounds is the integer ``x``, where that is not negative."""
        length = _plain(self.parts.length)
        return isinstance(length, Value) and isinstance(x, Value) and edge(length) == edge(_plain(x))

    # Records

    def lets(self, rule: str) -> bool:
        """Whether rewrites by ``rule`` may be made at all."""
        return rule not in self.choice.refuse and not (self.exact and LAWS[rule].bound is not None)

    def fire(self, rule: str, must: bool = False) -> Record | None:
        """A record of a rewrite by ``rule``, to be filled in; None where it may not be made, unless it ``must`` be."""
        law = LAWS[rule]
        if not self.lets(rule) or not (must or self.choice.allows(rule)):
            return None
        self.choice.fired += 1
        record = Record(self.stage, rule, law.text, [], [], [], [], law.bound, self.fed)
        self.log.add(record)
        return record

    def fill(self, record: Record, before: Sequence[Any], after: Sequence[Any], old: Any, new: Any) -> None:
        """Say what was rewritten: the nodes before and after, and the values that stood and that stand for them."""
        record.before, record.after = tuple(before), tuple(after)
        record.old, record.new = tuple(old), tuple(new)

    def as_loop(
        self,
        record: Record,
        start: int,
        outputs: Sequence[Any],
        outer: Mapping[Edge, tuple[Any, bool]],
        new: Sequence[Any],
        like: Any = None,
    ) -> None:
        """Fill in that ``outputs`` of the body were had round by round, stacked, or summed if ``like`` is given.

        ``outer`` has for leaves what they are outside, and whether that is for all rounds; of it the nodes made since
        ``start`` make ``new``.
        """
        leaves = _leaves(outputs, outer)
        slices, fixed = ([x for x in leaves if outer[edge(x)][1] == each] for each in (True, False))
        body = excerpt(outputs, [*slices, *fixed], "round")
        given, constants = ([outer[edge(x)][0] for x in values] for values in (slices, fixed))
        lead = [] if self.count is not None else counting(given)
        length = lead[-1].outputs[0] if lead else self.count
        parts = Parts(body, length, [], [] if like is None else [like], given, constants)
        parts.reverse = self.parts.reverse
        before = parts.made(Rewritten, self.node, self.count, of=self._told_of(outputs))
        self.fill(record, [*_joins(given), *lead, before], self.made[start:], before.outputs[1:], new)

    def _told_of(self, values: Sequence[Any]) -> list[Any]:
        """The nodes that a record names: those of ``values``, or the loop where these are what its body is given."""
        return [node for node in dict.fromkeys(x.node for x in values) if node.where is not None] or [self.node]

    def put_together(self, record: Record, made: Any, x: Any) -> None:
        """Fill in that the rounds' values ``x``, which are stacked now, came apart and were stacked afterwards."""
        each = new_parameter(spec_of(x))
        body = Function([each], [each], "stacked")
        lead = [] if self.count is not None else counting([made])
        length = lead[-1].outputs[0] if lead else self.count
        apart = Parts(body, length, [], [], [made], [], boxed=frozenset([0])).made(
            Rewritten, self.node, of=self._told_of([x])
        )
        again = Parts(body, length, [], [], [apart.outputs[1]], []).made(
            Rewritten, self.node, self.count, of=self._told_of([x])
        )
        self.fill(record, [*lead, apart, again], [], again.outputs[1:], [made])


def _leaves(outputs: Sequence[Any], outer: Mapping[Edge, Any]) -> list[Value]:
    """The values among ``outer`` that ``outputs`` are computed from."""
    found: dict[Edge, Value] = {}
    seen: set[Any] = set()
    stack = list(outputs)
    while stack:
        x = stack.pop()
        if not isinstance(x, Value) or edge(x) in found:
            continue
        if edge(x) in outer:
            found[edge(x)] = x
        elif x.node not in seen:
            seen.add(x.node)
            stack.extend(x.node.inputs)
    return list(found.values())


def _joins(given: Sequence[Any]) -> list[Any]:
    """The nodes that put sequences together of parts: what is made of them may go by the parts."""
    found: dict[Any, None] = {}
    stack = list(given)
    while stack:
        x = stack.pop()
        if isinstance(x, Value) and x.node.op is concat and x.node not in found:
            found[x.node] = None
            stack.extend(x.node.inputs)
    return sorted(found, key=lambda node: node.serial)


def counting(given: Sequence[Any]) -> list[Any]:
    """The nodes that find out how many slices a sequence has."""
    shape = Rewritten(shape_of, (given[0],), {}, infer(shape_of, (given[0],), {}), "shape")
    index = {"index": (0,)}
    return [shape, Rewritten(getitem, shape.outputs, index, infer(getitem, shape.outputs, index), "rounds")]


def _plain(x: Any) -> Any:
    """A number without casts, and without what keeps it from falling below 0."""
    while isinstance(x, Value):
        name, inputs = x.node.op.name, x.node.inputs
        bounded = name in ("maximum", "subtract") and not isinstance(inputs[1], Value) and inputs[1] == 0
        if not bounded and name not in ("cast", "identity", "relu"):
            break
        x = inputs[0]
    return x


def _stacked_by(length: Any, x: Any) -> bool:
    """Whether ``x`` has been stacked by a loop of ``length`` rounds."""
    if not isinstance(x, Value) or x.node.op is not loop or not isinstance(length, Value):
        return False
    parts = Parts.of(x.node)
    place = x.index - 1 - len(parts.first)
    if not 0 <= place < len(parts.stacked) or place in parts.boxed:
        return False
    rounds = counted_by(x.node.outputs[0])
    return isinstance(rounds, Value) and edge(rounds) == edge(length)


def _measured_by(length: Any, x: Any) -> bool:
    """Whether ``length`` is computed from the shape of ``x`` as the size of its first axis."""
    length = _plain(length)
    if not isinstance(length, Value) or length.node.op is not getitem or length.node.params.get("index") != (0,):
        return False
    shape = length.node.inputs[0]
    while isinstance(shape, Value) and shape.node.op.name == "cast":
        shape = shape.node.inputs[0]
    if not isinstance(shape, Value) or shape.node.op is not shape_of:
        return False
    measured = shape.node.inputs[0]
    return isinstance(measured, Value) and isinstance(x, Value) and edge(measured) == edge(x)
