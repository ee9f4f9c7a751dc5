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
    known: dict[Any, tuple[Any, ...]] = {}
    rebuild = Rebuild(program)
    for old in program.nodes:
        node = rebuild.visit(old)
        if old.after:
            after = tuple(dict.fromkeys([*old.after, *(each for other in old.after for each in _effects(other, known))]))
            if len(after) > len(old.after):
                now = tuple(dict.fromkeys(new for other in after for new in rebuild.instead(other)))
                node = rebuild.again(node, old, after=now)
        if bodies(old):
            node = rebuild.sweep(node, old, hold)
        rebuild.keep(node)
    return rebuild.finish()


def _effects(node: Any, known: dict[Any, tuple[Any, ...]]) -> tuple[Any, ...]:
    """The nearest nodes with effects that ``node`` comes after, or itself; of a body they are in it."""
    if node not in known:
        found: dict[Any, None] = {}
        seen, stack = {node}, [node]
        while stack:
            each = stack.pop()
            if is_kept(each):
                found[each] = None
                continue
            for other in (*(x.node for x in each.inputs if isinstance(x, Value)), *each.after):
                if other not in seen:
                    seen.add(other)
                    stack.append(other)
        known[node] = tuple(sorted(found, key=lambda each: each.serial))
    return known[node]
