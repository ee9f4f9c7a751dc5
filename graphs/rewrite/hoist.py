"""Work taken out of loops: what is the same in every round, and what can be done for all rounds at once.

A round's product with a slice of a sequence becomes one product with the whole sequence before the loop. What rounds add up
(a weight's gradient: products of what each round has, a bias's: sums) becomes one product or sum after it. That adds in
another order, so the bits of such results may differ; everything else keeps them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphs.control import loop
from graphs.core.function import Function
from graphs.core.node import Value, infer, new_parameter
from graphs.core.op import Op
from graphs.core.spec import Spec
from graphs.ops import matmul, matrix_transpose, reshape, unbroadcast
from graphs.rewrite.program import Choice, Edge, Program, Rebuild, is_pure, origins, spec_of
from graphs.rewrite.records import Log, Record


_REORDERED = "sums over all rounds in another order"


def hoist(program: Program, log: Log, choice: Choice) -> Program:
    """The program with less work inside its loops."""
    if not any("control" in node.op.traits for node in program.nodes):
        return program
    rebuild = Rebuild(program)

    def inside(body: Program) -> Program:
        return hoist(body, log, choice)

    for old in program.nodes:
        node = rebuild.visit(old)
        if old.params:
            node = rebuild.sweep(node, old, inside)
        if node.op is not loop or node.params.get("record") or getattr(old, "writes", ()) or not choice.allows("hoist"):
            rebuild.keep(node)
            continue
        outer = _Outer(rebuild, node)
        values, reordered = _Hoisting(node, outer).run()
        if values is None:
            rebuild.keep(node)
            continue
        for each in outer.made:
            rebuild.keep(each)
        rebuild.replace(node, old, values)
        choice.fired += 1
        record = Record("hoist", "hoist", "work out of a loop", [node], outer.made, node.outputs, values, fed=program.fed)
        record.bound = _REORDERED if reordered else record.bound
        log.add(record)
    return rebuild.finish()


class _Outer:
    """Makes nodes beside the loop."""

    def __init__(self, rebuild: Rebuild, node: Any) -> None:
        self.kind = rebuild.program.kind
        self.node = node
        self.made: list[Any] = []

    def make(self, op: Op, *inputs: Any, **params: Any) -> Any:
        """The outputs of a new node (the only one, where there is one)."""
        specs = infer(op, inputs, params)
        about = {"where": self.node.where, "origins": origins([self.node])}
        new = self.kind(op, inputs, params, specs, f"{self.node.name}/{op.name}", **about)
        self.made.append(new)
        return new.outputs[0] if len(specs) == 1 else new.outputs

    def rows(self, x: Any, width: int) -> Any:
        """The last axis of ``x``, of size ``width``, against all others."""
        return self.make(reshape, x, shape=(-1, width))


class _Hoisting:
    """One loop. A value of its body is *constant* or *whole* where it can be had outside: for any, or for all rounds."""

    def __init__(self, node: Any, outer: _Outer) -> None:
        self.node = node
        self.outer = outer
        params = {**loop.attributes, **node.params}
        self.body: Function = params["body"]
        self.counted = params["cond"] is None
        self.params = params
        self.states, self.sums, self.sequences = params["states"], params["sums"], params["sequences"]
        operands = node.inputs[1:]
        self.first = operands[: self.states]
        self.likes = operands[self.states : self.states + self.sums]
        rest = operands[self.states + self.sums :]
        self.given = rest[: self.sequences]
        self.constants = rest[self.sequences :]
        self.constant: dict[Edge, Any] = {}
        self.whole: dict[Edge, Any] = {}
        inputs = self.body.inputs
        for x, value in zip(inputs[self.states + self.sequences :], self.constants, strict=True):
            self.constant[_edge(x)] = value
        self.apart: dict[Edge, Any] = {}  # sequences that come in boxes
        for x, value in zip(inputs[self.states : self.states + self.sequences], self.given, strict=True):
            (self.apart if spec_of(value).dtype.kind == "O" else self.whole)[_edge(x)] = value
        self.lifted: set[Any] = set()
        self.extra: list[Any] = []  # values of the body that are to be stacked too

    def run(self) -> tuple[list[Any] | None, bool]:
        """What stands for the loop's outputs (None where there is nothing to gain), and whether sums are reordered."""
        for node in self.body.nodes:
            self._lift(node)
        ends = self.states + len(self._stacked)
        gathered = {k: how for k in range(self.sums) if (how := self._gathered(self.body.outputs[ends + k]))}
        late = {j: how for j, out in enumerate(self._stacked) if (how := self._late(out, j))}
        if not self.lifted and not gathered and not late:
            return None, False
        return self._remade(gathered, late), bool(gathered or late)

    @property
    def _stacked(self) -> Sequence[Any]:
        return self.body.outputs[self.states : len(self.body.outputs) - self.sums]

    # Before the loop

    def _lift(self, node: Any) -> None:
        values = [x for x in node.inputs if isinstance(x, Value)]
        if not values or node.width != 1 or node.after or "control" in node.op.traits or not is_pure(node):
            return
        spec = node.outputs[0].spec
        if all(_edge(x) in self.constant for x in values):
            if spec.known or len(values) == 1:
                inputs = [self.constant[_edge(x)] if isinstance(x, Value) else x for x in node.inputs]
                self.constant[node, 0] = self.outer.make(node.op, *inputs, **node.params)
                self.lifted.add(node)
            return
        known = all(_edge(x) in self.constant or _edge(x) in self.whole for x in values)
        if not known or not self.counted or spec.dims is None:
            return
        made = self._at_once(node, spec)
        if made is not None:
            self.whole[node, 0] = made
            self.lifted.add(node)

    def _at_once(self, node: Any, spec: Spec) -> Any:
        """The node's value for all rounds, one upon another."""
        slices = [isinstance(x, Value) and _edge(x) in self.whole for x in node.inputs]
        ranks = [len(dims) if (dims := spec_of(x).dims) is not None else None for x in node.inputs]
        inputs = [x if not isinstance(x, Value) else self._outside(x) for x in node.inputs]
        rank = len(spec.dims or ())
        if node.op.elementwise:
            fits = [r is not None and (r == rank if sliced else r <= rank) for sliced, r in zip(slices, ranks, strict=True)]
            return self.outer.make(node.op, *inputs, **node.params) if all(fits) else None
        if node.op is matmul and slices == [True, False] and ranks == [2, 2]:
            return self._product(inputs[0], inputs[1], spec)
        return None

    def _product(self, whole: Any, matrix: Any, spec: Spec) -> Any:
        """``whole @ matrix`` for rounds' results of ``spec``, as one product where the sizes are known."""
        width = spec_of(matrix).dims[0]  # type: ignore[index]
        if spec.dims is None or None in spec.dims or width is None:
            return self.outer.make(matmul, whole, matrix)
        return self.outer.make(
            reshape, self.outer.make(matmul, self.outer.rows(whole, width), matrix), shape=(-1, *spec.dims)
        )

    def _outside(self, x: Value) -> Any:
        edge = _edge(x)
        return self.constant[edge] if edge in self.constant else self.whole[edge]

    # After the loop

    def _gathered(self, out: Any) -> Any:
        """How a sum over the rounds can be had at once: what to multiply or to sum."""
        if not isinstance(out, Value) or not self.counted or out.node in self.lifted:
            return None
        node = out.node
        if node.op is unbroadcast and _edge(node.inputs[1]) in self.constant:
            rank, like = spec_of(node.inputs[0]).dims, spec_of(node.inputs[1]).dims
            if rank is not None and like is not None and len(like) < len(rank) and spec_of(node.inputs[0]).known:
                return (unbroadcast, node.inputs[0], node.inputs[1])
        if node.op is matmul and isinstance(node.inputs[0], Value) and node.inputs[0].node.op is matrix_transpose:
            left, right = node.inputs[0].node.inputs[0], node.inputs[1]
            if all(isinstance(x, Value) and len(x.spec.dims or ()) == 2 and x.spec.known for x in (left, right)):
                return (matmul, left, right)
        return None

    def _late(self, out: Any, j: int) -> Any:
        """How a stacked result that is a product with a constant matrix can be had at once."""
        if not isinstance(out, Value) or not self.counted or j in self.params["boxed"] or out.node in self.lifted:
            return None
        node = out.node
        if node.op is not matmul or not all(isinstance(x, Value) for x in node.inputs) or self._uses(out) != 1:
            return None
        left, right = node.inputs
        fits = _edge(right) in self.constant and len(right.spec.dims or ()) == 2 and out.spec.known
        return (left, right) if fits and len(left.spec.dims or ()) == 2 else None

    def _uses(self, out: Value) -> int:
        edge = _edge(out)
        inputs = [x for node in self.body.nodes for x in node.inputs] + list(self.body.outputs)
        return sum(isinstance(x, Value) and _edge(x) == edge for x in inputs)

    def _needs(self, x: Value) -> None:
        """See to it that all of the rounds' ``x`` can be had after the loop."""
        edge = _edge(x)
        if edge not in self.whole and edge not in self.apart and all(_edge(y) != edge for y in self.extra):
            self.extra.append(x)

    # Making it again

    def _remade(self, gathered: dict[int, Any], late: dict[int, Any]) -> list[Any]:
        for _, left, right in gathered.values():
            self._needs(left)
            if _edge(right) not in self.constant:
                self._needs(right)
        for left, _ in late.values():
            self._needs(left)
        body, states, ends = self.body, self.states, len(self.body.outputs) - self.sums
        stays = [j for j in range(ends - states) if j not in late]
        sums = [k for k in range(self.sums) if k not in gathered]
        outputs = [
            *body.outputs[:states],
            *(body.outputs[states + j] for j in stays),
            *self.extra,
            *(body.outputs[ends + k] for k in sums),
        ]
        function, slices, constants = self._function(outputs)
        boxed = tuple(n for n, j in enumerate(stays) if j in self.params["boxed"])
        found = self.outer.make(
            loop,
            self.node.inputs[0],
            *self.first,
            *(self.likes[k] for k in sums),
            *slices,
            *constants,
            body=function,
            cond=self._condition(len(constants)),
            states=states,
            sums=len(sums),
            sequences=len(slices),
            boxes=tuple(n for n, x in enumerate(slices) if spec_of(x).dtype.kind == "O"),
            boxed=boxed,
            reverse=self.params["reverse"],
        )
        after = 1 + states + len(stays)
        for n, x in enumerate(self.extra):
            self.whole[_edge(x)] = found[after + n]
        values: list[Any] = [*found[: 1 + states], *[None] * (ends - states), *[None] * self.sums]
        for n, j in enumerate(stays):
            values[1 + states + j] = found[1 + states + n]
        for n, k in enumerate(sums):
            values[1 + ends + k] = found[after + len(self.extra) + n]
        for k, (op, left, right) in gathered.items():
            values[1 + ends + k] = self._at_end(op, left, right, found[0])
        for j, (left, right) in late.items():
            whole = self._all(left, found[0])
            values[1 + states + j] = self._product(whole, self.constant[_edge(right)], body.outputs[states + j].spec)
        return values

    def _condition(self, constants: int) -> Function | None:
        """The condition, taking as many constants as the body."""
        cond: Function | None = self.params["cond"]
        if cond is None:
            return None
        more = [new_parameter(Spec(None, bool)) for _ in range(constants - len(self.constants))]
        return Function([*cond.inputs, *more], cond.outputs, cond.name, cond.nodes)

    def _at_end(self, op: Op, left: Any, right: Any, rounds: Any) -> Any:
        make = self.outer.make
        if op is unbroadcast:
            return make(unbroadcast, self._all(left, rounds), self.constant[_edge(right)])
        flat = [self.outer.rows(self._all(x, rounds), x.spec.dims[1]) for x in (left, right)]
        return make(matmul, make(matrix_transpose, flat[0]), flat[1])

    def _all(self, x: Value, rounds: Any) -> Any:
        """What ``x`` is in all rounds, stacked."""
        edge = _edge(x)
        if edge not in self.whole:
            each = new_parameter(x.spec)
            body = Function([each], [each], "stack")
            self.whole[edge] = self.outer.make(
                loop, rounds, self.apart[edge], **{**loop.attributes, "body": body, "sequences": 1, "boxes": (0,)}
            )[1]
        return self.whole[edge]

    def _function(self, outputs: Sequence[Any]) -> tuple[Function, list[Any], list[Any]]:
        """The new body, and the sequences and constants that it reads."""
        body = self.body
        nodes = [node for node in body.nodes if node not in self.lifted]
        effects = [node for node in nodes if not is_pure(node)]
        program = Program(tuple(nodes), (*outputs, *effects), frozenset(_edge(x) for x in body.inputs))
        alive = Rebuild(program)
        for node in nodes:
            alive.keep(node)
        kept = alive.finish().nodes
        read = {_edge(x): x for node in kept for x in node.inputs if isinstance(x, Value)}
        read.update({_edge(x): x for x in outputs if isinstance(x, Value)})
        slices = {
            e: (x, self.whole.get(e, self.apart.get(e))) for e, x in read.items() if e in self.whole or e in self.apart
        }
        fixed = {e: (x, self.constant[e]) for e, x in read.items() if e in self.constant}
        if self.params["cond"] is not None:  # it reads the constants by their places
            own = body.inputs[len(body.inputs) - len(self.constants) :]
            fixed = {**{_edge(x): (x, self.constant[_edge(x)]) for x in own}, **fixed}
        params = [new_parameter(x.spec) for x, _ in (*slices.values(), *fixed.values())]
        rebuild = Rebuild(Program(tuple(kept), (*outputs, *effects), frozenset()))
        rebuild.values.update(zip((*slices, *fixed), params, strict=True))
        for node in kept:
            rebuild.keep(rebuild.visit(node))
        roots = rebuild.finish().roots
        inputs = [*body.inputs[: self.states], *params]
        function = Function(inputs, roots[: len(outputs)], body.name, roots[len(outputs) :])
        return function, [x for _, x in slices.values()], [x for _, x in fixed.values()]


def _edge(x: Any) -> Edge:
    return (x.node, x.index)
