"""Which values of a loop's body no round needs: those that are stacked, or read only by what can be done for all at once."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any

from graphs.core.node import Value
from graphs.rewrite.loops import edge
from graphs.rewrite.program import Edge, is_pure
from graphs.rewrite.rounds import plan


class Lateness:
    """What of a body's nodes may come after the loop.

    Attributes:
        nodes: those that may, in order. What reads one of them may, too.
    """

    def __init__(
        self,
        nodes: Sequence[Any],
        needed: Iterable[Any],
        is_constant: Callable[[Edge], bool],
        may: Callable[[Any], bool] = lambda _: True,
    ) -> None:
        """``needed`` are the outputs that the rounds themselves need, or that stay as they are; ``may`` lets nodes wait."""
        self._early: set[Edge] = {edge(x) for x in needed if isinstance(x, Value)}
        late = []
        for node in reversed(nodes):
            if may(node) and self._may_wait(node, is_constant):
                late.append(node)
            else:
                self._early.update(edge(x) for x in node.inputs if isinstance(x, Value))
        self.nodes = tuple(reversed(late))
        self._late = set(late)

    def _may_wait(self, node: Any, is_constant: Callable[[Edge], bool]) -> bool:
        if node.after or any((node, i) in self._early for i in range(node.width)) or not is_pure(node):
            return False
        sliced = [isinstance(x, Value) and not is_constant(edge(x)) for x in node.inputs]
        return any(sliced) and plan(node, sliced) is not None

    def __contains__(self, node: Any) -> bool:
        return node in self._late

    def waits(self, x: Any) -> bool:
        """Whether no round needs the value ``x``."""
        return isinstance(x, Value) and edge(x) not in self._early


def constants_of(nodes: Iterable[Any], given: Container[Edge]) -> set[Edge]:
    """The edges that depend on nothing but those in ``given``."""
    found: set[Edge] = set()
    for node in nodes:
        edges = [edge(x) for x in node.inputs if isinstance(x, Value)]
        if edges and all(each in given or each in found for each in edges):
            found.update((node, i) for i in range(node.width))
    return found
