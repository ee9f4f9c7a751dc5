"""Which rules may match a node, looked up by its op and by what makes its operands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from graphs.core.node import Value
from graphs.core.op import Op
from graphs.rewrite.pattern import Call


CONSTANT = object()
"""Stands in what a rule needs for an operand that is known before the run."""


class Candidates:
    """Rules by what a node must be for them to match: its op, and for leading operands the op that makes each.

    Most nodes have operands like many before them, so that looking up is one step where trying is one for each rule.
    """

    __slots__ = ("_asked", "_by_kinds", "_by_op", "_widest")

    def __init__(self, rules: Iterable[Any]) -> None:
        self._by_op: dict[Op, list[tuple[Any, Call, tuple[Any, ...]]]] = {}
        for rule in rules:
            for pattern, needs in rule.patterns:
                self._by_op.setdefault(pattern.op, []).append((rule, pattern, needs))
        self._asked = {need for each in self._by_op.values() for _, _, needs in each for need in needs}
        self._widest = {op: max(len(needs) for _, _, needs in each) for op, each in self._by_op.items()}
        self._by_kinds: dict[Any, list[tuple[Any, Call]]] = {}

    def __contains__(self, op: Op) -> bool:
        return op in self._by_op

    def of(self, node: Any) -> list[tuple[Any, Call]]:
        """The rules, each with its pattern, that may match ``node``, in order."""
        op = node.op
        kinds = tuple([self._kind(x) for x in node.inputs[: self._widest[op]]])
        key = (op, kinds)
        found = self._by_kinds.get(key)
        if found is None:
            found = [(rule, pattern) for rule, pattern, needs in self._by_op[op] if _fit(needs, kinds)]
            self._by_kinds[key] = found
        return found

    def _kind(self, x: Any) -> Any:
        """``CONSTANT``, or the op that makes ``x`` where some rule asks for it: of all others nothing is remembered."""
        if not isinstance(x, Value) or "constant" in x.node.op.traits:
            return CONSTANT
        op = x.node.op
        return op if op in self._asked else None


def _fit(needs: Sequence[Any], kinds: Sequence[Any]) -> bool:
    return len(needs) <= len(kinds) and all(
        need is None or need is kind for need, kind in zip(needs, kinds[: len(needs)], strict=True)
    )
