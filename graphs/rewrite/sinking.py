"""After a loop: sums over its rounds, and results that no round waits for, are had at once of what the rounds had."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Any

from graphs import ops
from graphs.core.function import Function
from graphs.core.node import Value, new_parameter
from graphs.core.spec import Spec
from graphs.rewrite.gathering import Gathered, Gathering
from graphs.rewrite.lateness import Lateness
from graphs.rewrite.lifting import MOST_AT_ONCE, Lifting
from graphs.rewrite.loops import Parts, edge, exchanged
from graphs.rewrite.program import Edge, is_kept, live, run_anyway, spec_of
from graphs.rewrite.records import Record
from graphs.rewrite.rounds import HEAVY, plan, reordered


class Sinking:
    """The rest of a loop whose body has been gone through: what of it may come after the loop, and the loop without that.

    ``as_boxes`` are the loop's outputs that only loops read, an element a round.
    """

    def __init__(self, lifting: Lifting, as_boxes: Container[int]) -> None:
        self.lifting = lifting
        self.outside = outside = lifting.outside
        self.parts = parts = outside.parts
        program = lifting.inner.finish()
        width = len(lifting.body.outputs)
        self.nodes = program.nodes
        self.outputs = program.roots[:width]
        self.effects = run_anyway(program, width)
        states, sums = len(parts.first), len(parts.likes)
        self.following, self.stacked = self.outputs[:states], self.outputs[states : width - sums]
        self.summed = self.outputs[width - sums :]
        self._uses: dict[Edge, int] = {}
        for x in (*(x for node in self.nodes for x in node.inputs), *self.outputs):
            if isinstance(x, Value):
                self._uses[edge(x)] = self._uses.get(edge(x), 0) + 1
        self._places: dict[Edge, list[int]] = {}
        for j, y in enumerate(self.stacked):
            if isinstance(y, Value):
                self._places.setdefault(edge(y), []).append(j)
        self.boxed = {j for j in parts.boxed if not self._unboxes(j, as_boxes)}
        self.unboxed: dict[int, Record] = {}
        self.after: dict[Edge, Any] = {}
        self.extra: dict[Edge, Value] = {}
        self.sunk: dict[Any, Record] = {}
        self.sums: dict[int, tuple[Gathered, Record]] = {}
        self.dead: set[Any] = set()

    # What is known of a value of the body

    def constant(self, x: Any) -> bool:
        """Whether it is the same in each round."""
        return not isinstance(x, Value) or edge(x) in self.lifting.constant

    def whole(self, x: Any) -> bool:
        """Whether it can be had for all rounds before the loop."""
        return isinstance(x, Value) and edge(x) in self.lifting.whole

    def at_hand(self, x: Any) -> bool:
        """Whether it can be had for all rounds after the loop: what is stacked has one shape in all of them."""
        if not isinstance(x, Value) or self.whole(x):
            return self.whole(x)
        if edge(x) in self.lifting.apart and getattr(self.outside.old, "writes", None):
            return False  # what puts it together is a loop, which would count for one that writes
        return spec_of(x).known or self._is_stacked(x)

    def _is_stacked(self, x: Value) -> bool:
        places = self._places.get(edge(x), ())
        return any(j not in self.boxed for j in places)

    def reads(self, x: Value) -> int:
        """How often the body reads it."""
        return self._uses.get(edge(x), 0)

    def fixed(self, x: Any) -> Any:
        """What a constant is outside."""
        return self.lifting.constant[edge(x)] if isinstance(x, Value) else x

    def make(self, *args: Any, **params: Any) -> Any:
        """A node beside the loop."""
        return self.outside.make(*args, **params)

    def _unboxes(self, j: int, as_boxes: Container[int]) -> bool:
        out = self.stacked[j]
        place = 1 + len(self.parts.first) + j
        return place in as_boxes and isinstance(out, Value) and not self.constant(out) and spec_of(out).known

    # What comes after the loop

    def settle(self) -> bool:
        """Decide what does. False where the loop may as well stay as it was."""
        gathering = Gathering(self)
        for k, out in enumerate(self.summed):
            found = gathering.sum(out)
            if found is not None and (record := self.outside.fire("over_rounds")) is not None:
                self.sums[k] = (found, record)
                self.dead.update(found.nodes)
        for j in sorted(self.parts.boxed - self.boxed):
            record = self.outside.fire("stacked")
            if record is None:
                self.boxed.add(j)
            else:
                self.unboxed[j] = record
        self._choose()
        for gathered, _ in self.sums.values():
            for x in gathered.bases:
                self._need(x)
        for node in self.sunk:
            for x in node.inputs:
                if isinstance(x, Value) and not self.constant(x):
                    self._need(x)
        direct = any(self._leaves(j, x) for j, x in enumerate(self.stacked))
        return bool(self.lifting.changed or self.sums or self.unboxed or self.sunk or direct)

    def _choose(self) -> None:
        """Of the nodes that may wait those that should."""
        left = [x for k, x in enumerate(self.summed) if k not in self.sums]
        kept = [x for j, x in enumerate(self.stacked) if j in self.boxed]
        nodes = [node for node in self.nodes if node not in self.dead]
        late = Lateness(
            nodes,
            (*self.following, *kept, *left),
            lambda each: each in self.lifting.constant,
            lambda node: self.outside.lets(_rule(node)),
        )
        ready = {edge(x) for j, x in enumerate(self.stacked) if j not in self.boxed and isinstance(x, Value)}
        for node in late.nodes:
            values = [x for x in node.inputs if isinstance(x, Value) and not self.constant(x)]
            must = any(x.node in self.sunk for x in values)
            if not must and not (all(map(self.at_hand, values)) and self._pays(node, values, ready)):
                continue
            record = self.outside.fire(_rule(node), must)  # what reads something that waits has to wait
            if record is not None:
                self.sunk[node] = record

    def _pays(self, node: Any, values: Sequence[Value], ready: set[Edge]) -> bool:
        if node.op.name in HEAVY:
            return any(self.constant(x) for x in node.inputs)
        if node.op is ops.concat:
            return any(map(self.whole, values))
        small = all(out.spec.size is None or out.spec.size <= MOST_AT_ONCE for out in node.outputs)
        return (small or node.op.view) and all(self.whole(x) or edge(x) in ready for x in values)

    def _need(self, x: Value) -> None:
        """See to it that all of the rounds' ``x`` can be had after the loop."""
        if not self.whole(x) and edge(x) not in self.lifting.apart and x.node not in self.sunk:
            self.extra.setdefault(edge(x), x)

    # The loop without that, and what stands for its results

    def remade(self) -> list[Any]:
        """What stands for the loop's outputs. Nodes are made beside the loop."""
        states, old = len(self.parts.first), self.outside.old
        going = [i for i, x in enumerate(self.parts.states) if not self.constant(x)]
        stays = [j for j, x in enumerate(self.stacked) if not self._leaves(j, x)]
        sums = [k for k in range(len(self.summed)) if k not in self.sums]
        there = {edge(self.stacked[j]) for j in stays if j not in self.boxed and isinstance(self.stacked[j], Value)}
        extra = [x for each, x in self.extra.items() if each not in there]
        stacked = [*(self.stacked[j] for j in stays), *extra]
        boxed = frozenset(n for n, j in enumerate(stays) if j in self.boxed)
        hints = [old.outputs[1 + i].spec for i in going]
        hints += [None if j in self.unboxed else old.outputs[1 + states + j].spec for j in stays]
        made = self._loop(going, stacked, boxed, sums)
        node = made.made(self.outside.kind, self.outside.node, self.outside.count, [None, *hints])
        self.outside.made.append(node)
        first, after = 1 + len(going), 1 + len(going) + len(stacked)
        for n, x in enumerate(stacked):
            if isinstance(x, Value) and n not in boxed:
                self.after[edge(x)] = node.outputs[first + n]
        self._length = self.parts.length if self.parts.cond is None else node.outputs[0]
        values: list[Any] = [None] * old.width
        counts = self.outside.count is None and bool(node.width > 1 or made.cond is not None or made.body.nodes)
        values[0] = node.outputs[0] if counts else self.outside.rounds()
        for i in range(states):
            values[1 + i] = node.outputs[1 + going.index(i)] if i in going else self.parts.first[i]
        for n, j in enumerate(stays):
            values[1 + states + j] = node.outputs[first + n]
        for n, k in enumerate(sums):
            values[1 + states + len(self.stacked) + k] = node.outputs[after + n]
        for j, x in enumerate(self.stacked):
            if self._leaves(j, x):
                values[1 + states + j] = self.all(x)
        for k, (gathered, record) in self.sums.items():
            values[1 + states + len(self.stacked) + k] = self._sum(k, gathered, record)
        for j, record in self.unboxed.items():
            self.outside.put_together(record, values[1 + states + j], self.stacked[j])
        return values

    def _leaves(self, j: int, x: Any) -> bool:
        """Whether a stacked result is had outside of the loop."""
        return j not in self.boxed and isinstance(x, Value) and (x.node in self.sunk or self.whole(x))

    def _loop(self, going: Sequence[int], stacked: Sequence[Any], boxed: frozenset[int], sums: Sequence[int]) -> Parts:
        """The parts of the loop that is left."""
        parts, lifting = self.parts, self.lifting
        outputs = [*(self.following[i] for i in going), *stacked, *(self.summed[k] for k in sums)]
        left = [node for node in self.nodes if node not in self.sunk and node not in self.dead]
        nodes = live(left, (*outputs, *self.effects), frozenset(edge(x) for x in lifting.body.inputs))
        sequences = {**lifting.apart, **lifting.given, **lifting.whole}
        slices = _read(nodes, outputs, sequences)
        fixed = _read(nodes, outputs, lifting.constant)
        cond, tested = self._condition(going, len(fixed))
        params = [new_parameter(_slice(x, sequences[edge(x)])) for x in slices]
        params += [new_parameter(x.spec) for x in fixed]
        outputs, effects = exchanged(nodes, outputs, self.effects, [*slices, *fixed], params)
        inputs = [*(parts.states[i] for i in going), *params, *(new_parameter(spec_of(x)) for x in tested)]
        return Parts(
            Function(inputs, outputs, lifting.body.name, effects),
            parts.length,
            [parts.first[i] for i in going],
            [parts.likes[k] for k in sums],
            [sequences[edge(x)] for x in slices],
            [*(lifting.constant[edge(x)] for x in fixed), *tested],
            cond,
            boxed,
            parts.reverse,
        )

    def _condition(self, going: Sequence[int], before: int) -> tuple[Function | None, list[Any]]:
        """The condition on the states that go round and the constants, of which ``before`` are for the body only."""
        cond, tested = self.parts.cond, self.lifting.tested
        if cond is None:
            return None, []
        nodes = [node for node in cond.nodes if (node, 0) not in tested]
        own = _read(nodes, cond.outputs, tested)
        params = [new_parameter(x.spec) for x in own]
        outputs, effects = exchanged(nodes, cond.outputs, list(filter(is_kept, nodes)), own, params)
        others = [new_parameter(Spec(None, bool)) for _ in range(before)]
        function = Function([*(cond.inputs[i] for i in going), *others, *params], outputs, cond.name, effects)
        return function, [tested[edge(x)] for x in own]

    # What there is after the loop

    def all(self, x: Any) -> Any:
        """What ``x`` is in all rounds, one upon another."""
        if edge(x) in self.after:
            return self.after[edge(x)]
        if self.whole(x):
            found = self.lifting.all_rounds(x)
        elif edge(x) in self.lifting.apart:
            found = self._put_together(x)
        else:
            self._sink(x.node)
            found = self.after[edge(x)]
        self.after[edge(x)] = found
        return found

    def _put_together(self, x: Value) -> Any:
        each = new_parameter(x.spec)
        boxes = self.lifting.apart[edge(x)]
        node = Parts(Function([each], [each], "stack"), self._length, [], [], [boxes], []).made(
            self.outside.kind, self.outside.node, self.outside.count
        )
        self.outside.made.append(node)
        return node.outputs[1]

    def _sink(self, node: Any) -> None:
        sliced = [not self.constant(x) for x in node.inputs]
        how = plan(node, sliced)
        assert how is not None
        outer = {
            edge(x): (self.all(x), True) if each else (self.fixed(x), False)
            for x, each in zip(node.inputs, sliced, strict=True)
            if isinstance(x, Value)
        }
        start = len(self.outside.made)
        made = how(self.outside.make, [outer[edge(x)][0] if isinstance(x, Value) else x for x in node.inputs])
        self.after.update(((node, i), x) for i, x in enumerate(made))
        self.outside.as_loop(self.sunk[node], start, node.outputs, outer, made)

    def _sum(self, k: int, gathered: Gathered, record: Record) -> Any:
        outer = {edge(x): (self.all(x), True) for x in gathered.bases}
        outer.update((each, (value, False)) for each, value in self.lifting.constant.items())
        start = len(self.outside.made)
        made = gathered.build()
        like = self.parts.likes[k]
        self.outside.as_loop(record, start, [self.summed[k]], outer, [made], like)
        return made


def _rule(node: Any) -> str:
    return "after_rounds_reordered" if reordered(node) else "after_rounds"


def _slice(x: Value, whole: Any) -> Spec:
    """The spec of a slice: of a sequence that came apart, and is stacked now, what it was."""
    spec = spec_of(whole)
    return Spec(spec.dims[1:], spec.dtype) if x.dtype != spec.dtype and spec.dims and spec.dtype.kind != "O" else x.spec


def _read(nodes: Iterable[Any], outputs: Iterable[Any], among: Container[Edge]) -> list[Value]:
    """The values ``among`` those that ``nodes`` read and ``outputs`` are, each once."""
    values = [x for node in nodes for x in node.inputs] + list(outputs)
    return list({edge(x): x for x in values if isinstance(x, Value) and edge(x) in among}.values())
