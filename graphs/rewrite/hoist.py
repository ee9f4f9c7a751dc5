"""Work taken out of loops: what is the same in every round, and what can be done for all rounds at once.

A round's product with a slice of a sequence becomes one product with the whole sequence before the loop, and a product of
input and state side by side, as cells have it, is taken apart for that. What rounds add up (a weight's gradient: products of
what each round has, a bias's: sums) becomes one product or sum after it, and so does a result that no round waits for. Those
add in another order, within the bounds that their records state; everything else keeps its bits.

What the rounds keep for the loop back, an element a round, is stacked, where it has one shape in all of them.
"""

from __future__ import annotations

from typing import Any

from graphs.control import loop
from graphs.core.node import Node
from graphs.rewrite.lifting import Lifting
from graphs.rewrite.loops import edge, only_apart
from graphs.rewrite.outside import Outside
from graphs.rewrite.program import Choice, Edge, Program, Rebuild
from graphs.rewrite.records import Log
from graphs.rewrite.sinking import Sinking
from graphs.rewrite.splitting import Splitting
from graphs.rewrite.tidy import tidy


def hoist(program: Program, log: Log, choice: Choice) -> Program:
    """The program with less work inside its loops."""
    return _hoist(program, log, choice, "hoist")


def hoist_exactly(program: Program, log: Log, choice: Choice) -> Program:
    """As ``hoist``, without what adds in another order: results keep every bit."""
    return _hoist(program, log, choice, "hoist_exactly")


def _hoist(program: Program, log: Log, choice: Choice, stage: str) -> Program:
    if not any("control" in node.op.traits for node in program.nodes):
        return program
    return tidy(_hoisted(tidy(program), log, choice, stage))


def _hoisted(program: Program, log: Log, choice: Choice, stage: str) -> Program:
    rebuild = Rebuild(program)
    apart = only_apart(program)
    steady: dict[Edge, Any] = {}
    fixed = {root for root in program.roots if isinstance(root, Node)} | {node for node, _ in program.fed}

    def inside(body: Program) -> Program:
        return _hoist(body, log, choice, stage)

    for old in program.nodes:
        node = rebuild.visit(old)
        if old.params:
            node = rebuild.sweep(node, old, inside)
        if node.op is not loop or node.params.get("record") or old in fixed or not choice.allows(stage):
            rebuild.keep(node)
            continue
        outside = Outside(rebuild, node, old, stage, log, choice, exact=stage == "hoist_exactly")
        values = _values(outside, apart, steady)
        if values is None:
            rebuild.keep(node)
            continue
        for each in outside.made:
            rebuild.keep(each)
        rebuild.replace(node, old, values)
    return rebuild.finish()


def _values(outside: Outside, apart: set[Edge], steady: dict[Edge, Any]) -> list[Any] | None:
    """What stands for the loop's outputs; None where it stays as it is.

    ``apart`` are values that only loops read, an element a round; ``steady`` collects sequences that repeat one thing.
    """
    lifting = Lifting(outside, steady)
    splitting = Splitting(lifting)
    for old in lifting.body.nodes:
        node = lifting.visit(old)
        if not lifting.lift(node) and not splitting.split(node, old):
            lifting.stay(node)
    old = outside.old
    sinking = Sinking(lifting, {i for i in range(old.width) if (old, i) in apart})
    values = sinking.remade() if sinking.settle() else None
    results = list(outside.node.outputs) if values is None else values
    for x, out in zip(sinking.stacked, results[1 + len(outside.parts.first) :], strict=False):
        if sinking.constant(x):
            steady[edge(out)] = sinking.fixed(x)
    return values
