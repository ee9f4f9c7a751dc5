"""Loops taken apart and put together again: what passes over loops have in common."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphs.control import loop
from graphs.core.function import Function
from graphs.core.node import Value, ancestors, new_parameter
from graphs.core.spec import Spec
from graphs.rewrite.program import Edge, Program, Rebuild, Rewritten, known, origins, spec_of


def edge(x: Any) -> Edge:
    """The key of a value."""
    return (x.node, x.index)


@dataclass(slots=True, eq=False)
class Parts:
    """What a loop consists of.

    Attributes:
        body, cond, reverse: as the op's attributes.
        length: how many rounds, or how many at most.
        first: the initial states.
        likes: for each summed result an array of its shape.
        given: the sequences; those that are object arrays hold an element a round.
        constants: what is the same in every round.
        boxed: which of the stacked results stay apart, an element a round.
    """

    body: Function
    length: Any
    first: list[Any]
    likes: list[Any]
    given: list[Any]
    constants: list[Any]
    cond: Function | None = None
    boxed: frozenset[int] = field(default_factory=frozenset)
    reverse: bool = False

    @classmethod
    def of(cls, node: Any) -> Parts:
        """The parts of a loop's node."""
        params = {**loop.attributes, **node.params}
        length, *operands = node.inputs
        states, sums, sequences = params["states"], params["sums"], params["sequences"]
        ends = (states, states + sums, states + sums + sequences)
        return cls(
            params["body"],
            length,
            list(operands[: ends[0]]),
            list(operands[ends[0] : ends[1]]),
            list(operands[ends[1] : ends[2]]),
            list(operands[ends[2] :]),
            params["cond"],
            frozenset(params["boxed"]),
            params["reverse"],
        )

    @property
    def states(self) -> tuple[Value, ...]:
        """The body's inputs that stand for the states."""
        return self.body.inputs[: len(self.first)]

    @property
    def slices(self) -> tuple[Value, ...]:
        """The body's inputs that stand for slices of the sequences."""
        return self.body.inputs[len(self.first) : len(self.first) + len(self.given)]

    @property
    def fixed(self) -> tuple[Value, ...]:
        """The body's inputs that stand for the constants."""
        return self.body.inputs[len(self.first) + len(self.given) :]

    @property
    def following(self) -> tuple[Any, ...]:
        """The body's outputs that are the next states."""
        return self.body.outputs[: len(self.first)]

    @property
    def stacked(self) -> tuple[Any, ...]:
        """The body's outputs that are stacked."""
        return self.body.outputs[len(self.first) : len(self.body.outputs) - len(self.likes)]

    @property
    def summed(self) -> tuple[Any, ...]:
        """The body's outputs that are summed."""
        return self.body.outputs[len(self.body.outputs) - len(self.likes) :]

    def made(
        self,
        kind: type[Rewritten],
        about: Any,
        count: int | None = None,
        hints: Sequence[Spec | None] = (),
        of: Any = None,
        after: Any = None,
    ) -> Any:
        """The node of a loop of these parts in the place of ``about``.

        ``count`` is the number of rounds, where it is known; ``hints`` say what else is known of the outputs; ``of`` are the
        nodes that it stands for, and ``after`` those that it waits for, by default those of ``about``.
        """
        inputs = (self.length, *self.first, *self.likes, *self.given, *self.constants)
        params = {"body": self.body, "states": len(self.first), "sums": len(self.likes), "sequences": len(self.given)}
        others = {
            "cond": self.cond,
            "boxes": tuple(i for i, x in enumerate(self.given) if spec_of(x).dtype.kind == "O"),
            "boxed": tuple(sorted(self.boxed)),
            "reverse": self.reverse,
        }
        params.update((name, value) for name, value in others.items() if value != loop.attributes[name])
        given = [spec_of(self.length), *(self._spec(x, i) for i, x in enumerate(inputs[1:]))]
        specs: list[Spec] = list(loop.infer(*given, **params))
        for i, hint in enumerate(hints):
            specs[i] = both(specs[i], hint)
        if count is not None:
            for i in range(len(self.stacked)):
                spec = specs[1 + len(self.first) + i]
                if i not in self.boxed and spec.dims:
                    specs[1 + len(self.first) + i] = Spec((count, *spec.dims[1:]), spec.dtype)
        made = origins([about] if of is None else of)
        after = about.after if after is None else after
        return kind(
            loop,
            inputs,
            params,
            tuple(specs),
            about.name,
            where=about.where,
            after=about.after if after is None else after,
            origins=made,
        )

    def _spec(self, x: Any, place: int) -> Spec:
        """The spec of an operand; a Python scalar is of the dtype that the body takes it for."""
        if isinstance(x, (bool, int, float, complex)):
            place -= len(self.likes) if place >= len(self.first) else 0
            return Spec((), self.body.inputs[place].dtype)
        return spec_of(x)


def both(spec: Spec, hint: Spec | None) -> Spec:
    """What two specs of one value say together."""
    if hint is None or hint.dims is None or hint.dtype != spec.dtype:
        return spec
    if spec.dims is None or len(spec.dims) != len(hint.dims):
        return hint
    return Spec([n if m is None else m for m, n in zip(spec.dims, hint.dims, strict=True)], spec.dtype)


def counted_by(x: Any) -> Any:
    """The length that a number of rounds comes from: a loop that counts to ``x`` has as many as one that counts to this."""
    while isinstance(x, Value) and x.index == 0 and x.node.op is loop and x.node.params.get("cond") is None:
        x = x.node.inputs[0]
    return x


def rounds(parts: Parts, fed: frozenset[Edge]) -> int | None:
    """How many rounds a loop has, where that is known before the run."""
    number = None if parts.cond is not None else known(counted_by(parts.length), fed)
    return None if number is None else max(0, int(number))


def excerpt(outputs: Sequence[Any], leaves: Sequence[Value], name: str) -> Function:
    """The part of a body between ``leaves``, which become its inputs in that order, and ``outputs``."""
    inputs = [new_parameter(spec_of(x)) for x in leaves]
    values = {edge(x): param for x, param in zip(leaves, inputs, strict=True)}
    stops = {x.node for x in leaves}
    for node in ancestors([x.node for x in outputs if edge(x) not in values], lambda each: each in stops):
        if node in stops:
            continue
        out = node.op(*(values[edge(x)] if isinstance(x, Value) else x for x in node.inputs), **node.params)
        values.update({(node, i): each for i, each in enumerate(out if node.width > 1 else (out,))})
    return Function(inputs, [values[edge(x)] for x in outputs], name)


def exchanged(
    nodes: Sequence[Any], outputs: Sequence[Any], effects: Sequence[Any], old: Sequence[Value], new: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """``outputs``, and what is left of ``effects``, with ``nodes`` reading the values ``new`` in the place of ``old``.

    Nothing waits for others any more than ``nodes``: those have gone elsewhere.
    """
    rebuild = Rebuild(Program(tuple(nodes), (*outputs, *effects)))
    rebuild.values.update(zip(map(edge, old), new, strict=True))
    there = set(nodes)
    for other in {other for node in nodes for other in node.after} - there:
        rebuild.leave(other, other)
    for node in nodes:
        rebuild.keep(rebuild.visit(node))
    roots = rebuild.finish().roots
    return list(roots[: len(outputs)]), list(roots[len(outputs) :])


def only_apart(program: Program, free: Container[int] = ()) -> set[Edge]:
    """The values that nothing but loops reads, as sequences that come an element a round.

    Roots at the places ``free`` are not minded: whoever takes them does the same.
    """
    apart: set[Edge] = set()
    roots = [(place, x) for place, x in enumerate(program.roots) if isinstance(x, Value)]
    others = {edge(x) for place, x in roots if place not in free}
    apart.update(edge(x) for place, x in roots if place in free)
    for node in program.nodes:
        params = node.params
        first = 1 + params.get("states", 0) + params.get("sums", 0)
        places = {first + i for i in params.get("boxes", ())} if node.op is loop else set()
        for place, x in enumerate(node.inputs):
            if isinstance(x, Value):
                (apart if place in places else others).add(edge(x))
    return apart - others


def deciding(parts: Parts) -> list[int]:
    """The states on which it depends how many rounds there are. (What follows the decision are states it hands on.)"""
    assert parts.cond is not None
    wanted = among(parts.cond.outputs[:1], parts.cond.inputs[: len(parts.first)])
    while True:
        grown = wanted | among([parts.following[i] for i in wanted], parts.states)
        if grown == wanted:
            return sorted(wanted)
        wanted = grown


def among(outputs: Sequence[Any], inputs: Sequence[Value]) -> set[int]:
    """The ``inputs`` that ``outputs`` depend on, by their places."""
    reached = set(ancestors([x.node for x in outputs if isinstance(x, Value)]))
    return {i for i, x in enumerate(inputs) if x.node in reached}
