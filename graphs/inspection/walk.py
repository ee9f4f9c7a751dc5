"""Running nodes one at a time, and into the bodies of loops and branches, round by round.

A walk is made of generators: one yields another to have it run to its end, and what a node gave to have it looked at. They
stand on a list of their own, so neither the length of a graph nor the depth of its bodies meets Python's stack.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple

import numpy

from graphs.control import bodies, branch, draws, loop
from graphs.control.adjoint import computed
from graphs.control.loop_text import Sum, boxes
from graphs.control.program import Draw
from graphs.control.specs import loop_specs
from graphs.core.arrays import MODULES, xp_of
from graphs.core.function import Function
from graphs.core.node import Value
from graphs.core.spec import Spec


class Round(NamedTuple):
    """Where in a loop or branch a node ran: its name, and the number of the round or branch."""

    name: str
    k: int
    word: str = "round"

    def __str__(self) -> str:
        return f"{self.word} {self.k} of {self.name}"


Rounds = tuple[Round, ...]


class Ran(NamedTuple):
    """A node that has run."""

    node: Any
    rounds: Rounds
    operands: tuple[Any, ...]
    outs: tuple[Any, ...]


Compute = Callable[[Any, Rounds, tuple[Any, ...], Callable[[], Any]], tuple[Any, ...]]
"""Gives a node's outputs: what it is given to call does, unless they are known. The operands are what they depend on."""

Walking = Generator[Any, Any, Any]


def steps(walking: Walking) -> Generator[Ran, None, Any]:
    """The nodes that a walk comes by, each when it has run; returns what the walk comes to."""
    stack, reply = [walking], None
    while stack:
        try:
            item = stack[-1].send(reply)
        except StopIteration as end:
            stack.pop()
            reply = end.value
            continue
        reply = None
        if isinstance(item, Ran):
            yield item
        else:
            stack.append(item)
    return reply


_LAYOUT = {
    "cond": None,
    "states": 0,
    "sums": 0,
    "sequences": 0,
    "boxes": (),
    "boxed": (),
    "reverse": False,
    "record": False,
}
"""What says how a loop's operands and results lie, and what it is where nobody says."""


class Walk:
    """Walks over nodes.

    Args:
        compute: who computes a node, or knows what it gives.
        enter: whether the bodies of a loop or branch are gone into; otherwise it is one node.
    """

    def __init__(self, compute: Compute, enter: Callable[[Any], bool] = lambda node: True) -> None:
        self._compute, self._enter = compute, enter

    def node(
        self,
        node: Any,
        operands: tuple[Any, ...],
        rounds: Rounds,
        draw: Draw | None,
        kernel: Callable[..., Any] | None = None,
        params: Any = None,
    ) -> Walking:
        """One node, to its outputs."""
        params = {name: value for name, value in (node.params if params is None else params).items() if name != "key"}
        into = node.op in (loop, branch) and self._enter(node)
        if into:
            inner = self._loop if node.op is loop else self._branch
            inside = yield inner(node, operands, params, rounds, draw)
            outs = self._compute(node, rounds, inside, lambda: inside)
        else:
            depends = operands
            if draw is not None and draws(node):
                random = "random" in node.op.traits
                params["key"] = draw(node.params.get("key"), node.serial) if random else draw
                depends = (*operands, params["key"]) if random else operands
            run = node.op.kernel if kernel is None else kernel

            def call() -> Any:
                out = run(_xp(operands), *operands, **params)
                return out if len(node.specs) != 1 else (out,)

            outs = self._compute(node, rounds, depends, call)
        yield Ran(node, rounds, operands, outs)
        return outs

    def function(
        self, function: Function, args: Sequence[Any], rounds: Rounds, draw: Draw | None, extra: Sequence[Value] = ()
    ) -> Walking:
        """The nodes of a body, to its outputs and the values ``extra`` of it."""
        values = {(x.node, x.index): arg for x, arg in zip(function.inputs, args, strict=True)}
        for node in function.nodes:
            operands = tuple([values[x.node, x.index] if isinstance(x, Value) else x for x in node.inputs])
            outs = yield self.node(node, operands, rounds, draw)
            values.update({(node, i): out for i, out in enumerate(outs)})
        return [values[x.node, x.index] if isinstance(x, Value) else x for x in (*function.outputs, *extra)]

    def _loop(self, node: Any, operands: tuple[Any, ...], params: Any, rounds: Rounds, draw: Draw | None) -> Walking:
        body, cond = params["body"], params.get("cond")
        states, sums, sequences = (params.get(name, 0) for name in ("states", "sums", "sequences"))
        boxed, reverse = params.get("boxed", ()), params.get("reverse", False)
        recorded = computed(body) if params.get("record") else ()
        xp, length, rest = _xp(operands), int(operands[0]), operands[1:]
        first, like = rest[:states], rest[states : states + sums]
        whole, constants = rest[states + sums : states + sums + sequences], rest[states + sums + sequences :]
        state = list(first)
        stacks: list[list[Any]] = [[] for _ in range(len(body.outputs) - states - sums)]
        totals = [Sum() for _ in like]
        kept: list[list[Any]] = [[] for _ in range(states + len(recorded))] if params.get("record") else []
        k = 0
        while k != length and (cond is not None or k < length):
            inside = (*rounds, Round(node.name, k))
            if cond is not None:
                going = yield self.function(cond, [*state, *constants], inside, draw)
                if not going[0]:  # behind it are the variables that the body writes
                    break
            t = length - 1 - k if reverse and cond is None else k
            before = state
            found = yield self.function(body, [*state, *(x[t] for x in whole), *constants], inside, draw, recorded)
            outs, values = found[: len(body.outputs)], found[len(body.outputs) :]
            for each, value in zip(kept, (*before, *values), strict=True) if kept else ():
                each.append(value)
            state = outs[:states]
            for stack, value in zip(stacks, outs[states : states + len(stacks)], strict=True):
                stack.append(value)
            for total, value in zip(totals, outs[states + len(stacks) :], strict=True):
                total.add(value)
            k += 1
        ready = [boxes(x, reverse) if i in boxed else x[::-1] if reverse else x for i, x in enumerate(stacks)]
        if k:
            ready = [x if i in boxed else xp.stack(x) for i, x in enumerate(ready)]
        elif stacks:
            layout = {name: params.get(name, usual) for name, usual in _LAYOUT.items()}
            specs = loop_specs(*map(Spec.of, operands), body=body, **layout)[1 + states :]
            shapes = [(0, *(dim or 0 for dim in (spec.dims or ())[1:])) for spec in specs]
            ready = [x if i in boxed else xp.zeros(shapes[i], specs[i].dtype) for i, x in enumerate(ready)]
        ends = [_own(x, y) for x, y in zip(state, first, strict=True)]
        sums_ = [total.total(xp, x) for total, x in zip(totals, like, strict=True)]
        return (xp.asarray(k), *ends, *ready, *sums_, *(boxes(x, reverse) for x in kept))

    def _branch(self, node: Any, operands: tuple[Any, ...], params: Any, rounds: Rounds, draw: Draw | None) -> Walking:
        branches, owners = params["branches"], params.get("owners", ())
        emits, record = params.get("emits", (0, 0)), params.get("record", False)
        chosen = int(operands[0])
        if not 0 <= chosen < len(branches):
            raise IndexError(f"branch {chosen} of {len(branches)}")
        body = branches[chosen]
        shared = len(operands) - 1 - len(owners)
        own = zip(operands[1 + shared :], owners, strict=True)
        given = [*operands[1 : 1 + shared], *(box[0] for box, owner in own if owner == chosen)]
        recorded = computed(body) if record else ()
        inside = (*rounds, Round(node.name, chosen, "branch"))
        found = yield self.function(body, given, inside, draw, recorded)
        results = len(body.outputs) - emits[chosen]
        made = list(found[:results])
        for i, count in enumerate(emits):
            filled = found[results : results + count] if i == chosen else [None] * count
            made += [boxes([x] if i == chosen else []) for x in filled]
        if record:
            values = [boxes([x]) for x in found[len(body.outputs) :]]
            for i, other in enumerate(branches):
                made += values if i == chosen else [boxes([]) for _ in computed(other)]
        return tuple(made)


def names_inside(node: Any) -> set[str]:
    """The names of all nodes in a node's bodies, at any depth."""
    found: set[str] = set()
    stack = bodies(node)
    while stack:
        for inner in stack.pop().nodes:
            found.add(inner.name)
            stack += bodies(inner)
    return found


def _xp(operands: Sequence[Any]) -> Any:
    """The module that has the operands' arrays."""
    return numpy if len(MODULES) == 1 else xp_of(operands)


def _own(x: Any, given: Any) -> Any:
    """A state at the end; a copy where no round has made it anew, or it lies in an array of all rounds'."""
    return x.copy() if (x is given or getattr(x, "base", None) is not None) and hasattr(x, "copy") else x
