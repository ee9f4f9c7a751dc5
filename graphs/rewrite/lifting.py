"""Before a loop: what every round repeats is done once, and what rounds do to slices is done to whole sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphs.core.function import Function
from graphs.core.node import Value, infer
from graphs.core.op import Op
from graphs.rewrite.loops import Parts, edge
from graphs.rewrite.outside import Outside
from graphs.rewrite.program import Edge, Program, Rebuild, Rewritten, is_kept, is_pure, origins, spec_of
from graphs.rewrite.rounds import HEAVY, may_fail, plan, reordered


MOST_AT_ONCE = 1_024
"""Elements of a round's value up to which element-wise work on it is done for all rounds at once.

A call costs as much as 3,000 additions. Beyond, the array of all rounds would leave the caches and come back for nothing.
"""


class Lifting:
    """The body of a loop, gone through from its inputs on.

    Attributes:
        constant: for values of the body that are the same in every round, what they are outside.
        whole: for values that depend on slices only, what they are for all rounds.
        apart: sequences that are object arrays.
        tested: for values of the condition that are the same each time, what they are outside.
        inner: the body in the making: the nodes that stay.
        uses: how often values of the old body are read.
    """

    def __init__(self, outside: Outside, steady: Mapping[Edge, Any]) -> None:
        """``steady`` says of sequences that have the same in each round what that is."""
        parts = outside.parts
        self.outside = outside
        self.body: Function = parts.body
        self.constant: dict[Edge, Any] = {edge(x): value for x, value in zip(parts.fixed, parts.constants, strict=True)}
        self.whole: dict[Edge, Any] = {}
        self.apart: dict[Edge, Any] = {}
        for x, value in zip(parts.slices, parts.given, strict=True):
            if isinstance(value, Value) and edge(value) in steady:
                self.constant[edge(x)] = steady[edge(value)]
            elif spec_of(value).dtype.kind == "O":
                self.apart[edge(x)] = value
            elif parts.cond is None:
                self.whole[edge(x)] = value
        self.given = dict(self.whole)
        self._exact: set[Edge] = set()
        self._fresh: set[Edge] = set()
        self._effects = any(map(is_kept, self.body.nodes))  # which come before what fails in a later round
        self._hold_still()
        self.tested: dict[Edge, Any] = {}
        if parts.cond is not None:
            self._test(parts.cond)
        self.inner = Rebuild(Program.of(self.body))
        self.changed = bool(self._held or len(self.tested) > len(parts.constants))
        self._was: dict[Edge, Edge] = {}
        self.uses: dict[Edge, int] = {}
        for x in (*(x for node in self.body.nodes for x in node.inputs), *self.body.outputs):
            if isinstance(x, Value):
                self.uses[edge(x)] = self.uses.get(edge(x), 0) + 1

    def _hold_still(self) -> None:
        """States that no round changes are constants."""
        parts = self.outside.parts
        self._held = 0
        if getattr(self.outside.old, "writes", None):
            return  # a variable's value is one of the states, by its number
        for x, out, first in zip(parts.states, parts.following, parts.first, strict=True):
            if out is not x or (record := self.outside.fire("unchanged_state")) is None:
                continue
            self.constant[edge(x)] = first
            self._held += 1
            still = Parts(Function([x], [x], "unchanged"), parts.length, [first], [], [], [])
            before = still.made(Rewritten, self.outside.node)
            self.outside.fill(record, [before], [], before.outputs[1:], [first])

    def _test(self, cond: Function) -> None:
        """What the condition finds the same each time: its constants, and what it computes of them."""
        parts = self.outside.parts
        for x, value in zip(cond.inputs[len(parts.first) :], parts.constants, strict=True):
            self.tested[edge(x)] = value
        for x, state, first in zip(cond.inputs, parts.states, parts.first, strict=False):
            if edge(state) in self.constant:
                self.tested[edge(x)] = first
        for node in cond.nodes:
            values = [x for x in node.inputs if isinstance(x, Value)]
            if values and all(edge(x) in self.tested for x in values) and is_pure(node) and not node.after:
                self._make_once(node, self.tested)

    # Nodes

    def lift(self, node: Any) -> bool:
        """Take ``node`` out of the body, if that can be done and pays."""
        values = [x for x in node.inputs if isinstance(x, Value)]
        if not values or node.after or not is_pure(node):
            return False
        if all(edge(x) in self.constant for x in values):
            return self._once(node)
        return all(map(self.free, values)) and self._at_once(node)

    def _once(self, node: Any) -> bool:
        sure = self.outside.count is not None and self.outside.count > 0
        if (may_fail(node) and not sure) or not self._make_once(node, self.constant):
            return False
        self.changed = True
        return True

    def _make_once(self, node: Any, known: dict[Edge, Any]) -> bool:
        record = self.outside.fire("invariant")
        if record is None:
            return False
        inputs = tuple([known[edge(x)] if isinstance(x, Value) else x for x in node.inputs])
        made = self._outputs(self.outside.make(node.op, *inputs, **node.params))
        known.update({(node, i): x for i, x in enumerate(made)})
        before = _again(node, inputs)
        self.outside.fill(record, [before], [made[0].node], before.outputs, made)
        return True

    def _at_once(self, node: Any) -> bool:
        sliced = [isinstance(x, Value) and edge(x) in self.whole for x in node.inputs]
        how = plan(node, sliced)
        if how is None or (may_fail(node) and self._effects) or not self._pays(node):
            return False
        record = self.outside.fire("all_rounds_reordered" if reordered(node) else "all_rounds")
        if record is None:
            return False
        values = [(x, each) for x, each in zip(node.inputs, sliced, strict=True) if isinstance(x, Value)]
        outer = {edge(x): (self.all_rounds(x) if each else self.outer(x), each) for x, each in values}
        start = len(self.outside.made)
        made = how(self.outside.make, [outer[edge(x)][0] if isinstance(x, Value) else x for x in node.inputs])
        mine = [(node, i) for i in range(node.width)]
        self.whole.update(zip(mine, made, strict=True))
        self._exact.update(mine)
        if node.op.name in HEAVY or self._fresh.issuperset(edge(x) for x, each in values if each):
            self._fresh.update(mine)
        self.outside.as_loop(record, start, node.outputs, outer, made)
        self.changed = True
        return True

    def _pays(self, node: Any) -> bool:
        """Whether a node costs less for all rounds at once than round by round."""
        if node.op.name in HEAVY or node.op.view:
            return True
        sizes = [out.spec.size for out in node.outputs]
        sources = [edge(x) for x in node.inputs if isinstance(x, Value) and edge(x) in self.whole]
        return all(size is None or size <= MOST_AT_ONCE for size in sizes) or self._fresh.issuperset(sources)

    def all_rounds(self, x: Value) -> Any:
        """What ``x``, which is in ``whole``, is for all rounds, and for no more than there are."""
        if edge(x) not in self._exact:
            self.whole[edge(x)] = self.outside.cut(self.whole[edge(x)])
            self._exact.add(edge(x))
        return self.whole[edge(x)]

    def outer(self, x: Any) -> Any:
        """What an input of a body's node is outside: in each round the same, or for all rounds."""
        if not isinstance(x, Value):
            return x
        return self.constant[edge(x)] if edge(x) in self.constant else self.whole[edge(x)]

    def cheap(self, x: Any) -> bool:
        """Whether a term that is free may be added to others for all rounds at once, and that pays."""
        if not isinstance(x, Value) or edge(x) in self.constant:
            return True
        size = spec_of(x).size
        return edge(x) in self.whole and (edge(x) in self._fresh or size is None or size <= MOST_AT_ONCE)

    def free(self, x: Any) -> bool:
        """Whether a value of the body can be had outside before the loop."""
        return not isinstance(x, Value) or edge(x) in self.constant or edge(x) in self.whole

    @staticmethod
    def _outputs(made: Any) -> tuple[Any, ...]:
        return made if isinstance(made, tuple) else (made,)

    # The body in the making

    def visit(self, old: Any) -> Any:
        """The next node of the body, as it reads what has been made."""
        node = self.inner.visit(old)
        if node is not old:
            self._was.update(((node, i), (old, i)) for i in range(node.width))
        return node

    def reads(self, x: Value) -> int:
        """How often a value is read in the body as it was; what was made since then is read once."""
        was = self._was.get(edge(x), edge(x))
        return self.uses.get(was, 1)

    def new(self, about: Any, op: Op, *inputs: Any, **params: Any) -> Any:
        """The outputs of a new node of the body, taken out where that can be done; in the place of ``about``."""
        specs = infer(op, inputs, params)
        name = f"{about.name}/{op.name}"
        node = Rewritten(op, inputs, params, specs, name, where=about.where, origins=origins([about]))
        if not self.lift(node):
            self.inner.keep(node)
        return node.outputs[0] if node.width == 1 else node.outputs

    def stay(self, node: Any) -> None:
        """Keep ``node`` in the body."""
        self.inner.keep(node)

    def instead(self, node: Any, old: Any, values: Sequence[Any]) -> None:
        """Let ``values`` stand for the outputs of ``node``."""
        self.inner.replace(node, old, values)
        self._was.update((edge(x), (old, i)) for i, x in enumerate(values) if x is not None)
        self.changed = True


def _again(node: Any, inputs: tuple[Any, ...]) -> Any:
    """The node that does the same with ``inputs``."""
    specs = infer(node.op, inputs, node.params)
    return Rewritten(node.op, inputs, node.params, specs, node.name, where=node.where, origins=origins([node]))
