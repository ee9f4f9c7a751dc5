"""Noticing that a graph grows in a loop: somebody builds in a training loop what should be built once before it."""

from __future__ import annotations

import warnings
from typing import Any

from graphs.core.errors import Where
from static.graph import Graph


_OFTEN = 20
"""A line that has made new operations before so many runs stands in a loop; cells of a notebook seldom run so often."""


class Growth:
    """What a session has seen of its graph's growth. It is asked when a plan is made, never in a step."""

    __slots__ = ("_graph", "_size", "_lines")

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._size = 0
        self._lines: dict[Any, tuple[int, int]] = {}

    def look(self) -> None:
        """Warn, once for each line, where the same line has made the newest operation in many sizes of the graph."""
        size, newest = self._graph.version, self._graph.newest
        if size == self._size or newest is None:
            return
        self._size = size
        where = newest.where
        if where is None:
            return
        key = (where.code, where.lasti)
        times, first = self._lines.get(key, (0, size))
        self._lines[key] = (times + 1, first)
        if times + 1 == _OFTEN:
            _warn(where, first, size)


def _warn(where: Where, first: int, size: int) -> None:
    text = (
        f"The graph of this session grows in a loop: from {first} to {size} operations in {_OFTEN} runs, each with a new "
        f"plan. Build before the loop what is made at\n  {where}\n"
        "(tf.get_default_graph().finalize() before the loop makes an error of it.)"
    )
    warnings.warn_explicit(text, RuntimeWarning, where.file, where.line)
