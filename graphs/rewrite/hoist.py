"""Work taken out of loops: what is the same in every round, and what can be done for all rounds at once.

A round's product with a slice of a sequence becomes one product with the whole sequence before the loop, and a product of
input and state side by side, as cells have it, is taken apart for that. What rounds add up (a weight's gradient: products of
what each round has, a bias's: sums) becomes one product or sum after it, and so does a result that no round waits for. Those
add in another order, within the bounds that their records state; everything else keeps its bits.

What the rounds keep for the loop back, an element a round, is stacked, where it has one shape in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy

from graphs.control import loop
from graphs.core.function import Function
from graphs.core.node import Node, Value
from graphs.rewrite.lifting import Lifting
from graphs.rewrite.loops import Parts, edge, only_apart
from graphs.rewrite.narrow import closed, refined
from graphs.rewrite.outside import Outside
from graphs.rewrite.program import Choice, Edge, Program, Rebuild, is_kept, known, run_anyway
from graphs.rewrite.records import Log
from graphs.rewrite.sinking import Sinking
from graphs.rewrite.splitting import Splitting
from graphs.rewrite.tidy import tidy, unboxed


def hoist(program: Program, log: Log, choice: Choice) -> Program:
    """The program with less work inside its loops."""
    return _hoist(program, log, choice, "hoist")


def hoist_exactly(program: Program, log: Log, choice: Choice) -> Program:
    """As ``hoist``, without what adds in another order: results keep every bit."""
    return _hoist(program, log, choice, "hoist_exactly")


def _hoist(program: Program, log: Log, choice: Choice, stage: str, free: frozenset[int] = frozenset()) -> Program:
    """``free`` are the places of roots that may be stacked, if they come apart: nobody minds."""
    if not any("control" in node.op.traits for node in program.nodes):
        return program
    return tidy(_hoisted(tidy(program), log, choice, stage, free))


def _hoisted(program: Program, log: Log, choice: Choice, stage: str, free: frozenset[int]) -> Program:
    rebuild = Rebuild(program)
    apart = only_apart(program, free)
    nested = _nested(program, apart)
    steady: dict[Edge, Any] = {}
    fixed = {root for root in program.roots if isinstance(root, Node)} | {node for node, _ in program.fed}

    for old in program.nodes:
        node = rebuild.visit(old)
        if node.op is loop and not node.params.get("record"):
            node = _told(rebuild, unboxed(rebuild, node, old), old, steady)
        if old.params:
            work = partial(_hoist, log=log, choice=choice, stage=stage, free=nested.get(old, frozenset()))
            node = rebuild.sweep(node, old, work)
        if node.op is not loop or node.params.get("record") or old in fixed or not choice.allows(stage):
            rebuild.keep(node)
            continue
        outside = Outside(rebuild, node, old, stage, log, choice, exact=stage == "hoist_exactly")
        values = _values(outside, apart, steady)
        if values is None:
            rebuild.keep(node)
            if outside.count is not None:
                rebuild.replace(node, old, [outside.rounds(), *node.outputs[1:]], [node] if is_kept(node) else ())
            continue
        for each in outside.made:
            rebuild.keep(each)
        rebuild.replace(node, old, values, filter(is_kept, outside.made))
    return rebuild.finish()


def _told(rebuild: Rebuild, node: Any, old: Any, steady: Mapping[Edge, Any]) -> Any:
    """The loop whose body has numbers that are known in the place of what it is given in each round."""
    parts, fed = Parts.of(node), rebuild.program.fed
    repeated = [steady.get(edge(x)) if isinstance(x, Value) else None for x in parts.given]
    pairs = zip((*parts.slices, *parts.fixed), (*repeated, *parts.constants), strict=True)
    numbers = {x: value for x, outer in pairs if outer is not None and (value := known(outer, fed)) is not None}
    numbers = {x: value for x, value in numbers.items() if numpy.size(value) == 1 and x.dtype.kind != "O"}
    if not numbers:
        return node
    inner = Rebuild(Program.of(parts.body))
    inner.values.update((edge(x), value) for x, value in numbers.items())
    for each in parts.body.nodes:
        now = inner.visit(each)
        inner.keep(now if now is each or closed(now) else refined(inner, now, each))
    done = inner.finish()
    width = len(parts.body.outputs)
    body = Function(parts.body.inputs, done.roots[:width], parts.body.name, run_anyway(done, width))
    return rebuild.again(node, old, params={**node.params, "body": body})


def _values(outside: Outside, apart: set[Edge], steady: dict[Edge, Any]) -> list[Any] | None:
    """What stands for the loop's outputs; None where it stays as it is.

    ``apart`` are values that only loops read, an element a round; ``steady`` collects sequences that repeat one thing.
    """
    lifting = Lifting(outside, steady)
    splitting = Splitting(lifting)
    for old in lifting.body.nodes:
        node = lifting.visit(old)
        if lifting.lift(node):
            lifting.inner.leave(node, old)
        elif not splitting.split(node, old):
            lifting.stay(node)
    old = outside.old
    sinking = Sinking(lifting, {i for i in range(old.width) if (old, i) in apart})
    values = sinking.remade() if sinking.settle() else None
    results = list(outside.node.outputs) if values is None else values
    for x, out in zip(sinking.stacked, results[1 + len(outside.parts.first) :], strict=False):
        if sinking.constant(x):
            steady[edge(out)] = sinking.fixed(x)
    return values


def _nested(program: Program, apart: set[Edge]) -> dict[Any, frozenset[int]]:
    """For loops the places of results that a loop inside has kept apart, and that only loops inside others read."""
    readers: dict[Edge, list[tuple[Any, int]]] = {}
    inside: dict[Any, set[Edge]] = {}
    for node in program.nodes:
        if node.op is loop and node.params.get("boxes"):
            given = Parts.of(node).given
            for i in node.params["boxes"]:
                if isinstance(given[i], Value):
                    readers.setdefault(edge(given[i]), []).append((node, i))

    def passed_on(reader: Any, i: int) -> bool:
        if reader not in inside:
            inside[reader] = only_apart(Program.of(reader.params["body"]))
        return not reader.params.get("record") and edge(Parts.of(reader).slices[i]) in inside[reader]

    found: dict[Any, frozenset[int]] = {}
    for node in program.nodes:
        if node.op is not loop or node.params.get("record"):
            continue
        parts = Parts.of(node)
        first = len(parts.first)
        places = [
            first + j
            for j in parts.boxed
            if isinstance(x := parts.stacked[j], Value)
            and x.node.op is loop
            and (node, 1 + first + j) in apart
            and all(passed_on(*each) for each in readers.get((node, 1 + first + j), ()))
        ]
        if places:
            found[node] = frozenset(places)
    return found
