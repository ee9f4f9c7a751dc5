"""What nodes wait for, told so that passes cannot lose it: not pure nodes alone, but the effects behind them, too."""

from __future__ import annotations

from typing import Any

from graphs.control import bodies
from graphs.core.node import Value
from graphs.rewrite.program import Program, Rebuild, is_kept


def hold(program: Program) -> Program:
    """The program with nodes that wait for others waiting for the effects that these come after, too; so inside bodies.

    What waits for something that is computed of an assignment's value waits for the assignment, whatever becomes of the
    computation.
    """
    if not any(node.after or bodies(node) for node in program.nodes):
        return program
    before = _effects(program)
    rebuild = Rebuild(program)
    for old in program.nodes:
        node = rebuild.visit(old)
        if old.after:
            after = tuple(dict.fromkeys([*old.after, *(each for other in old.after for each in before.get(other, ()))]))
            if len(after) > len(old.after):
                now = tuple(dict.fromkeys(new for other in after for new in rebuild.instead(other)))
                node = rebuild.again(node, old, after=now)
        if bodies(old):
            node = rebuild.sweep(node, old, hold)
        rebuild.keep(node)
    return rebuild.finish()


def _effects(program: Program) -> dict[Any, tuple[Any, ...]]:
    """For each node the nearest nodes with effects that it comes after, or itself; those of a body are in it."""
    found: dict[Any, tuple[Any, ...]] = {}
    for node in program.nodes:
        if is_kept(node):
            found[node] = (node,)
            continue
        inputs = [x.node for x in node.inputs if isinstance(x, Value)]
        several = {found.get(other, ()): None for other in (*inputs, *node.after)}
        several.pop((), None)
        if len(several) > 1:
            every = {each for some in several for each in some}
            found[node] = tuple(sorted(every, key=lambda each: each.serial))
        else:
            found[node] = next(iter(several), ())
    return found
