"""What a dataset is opened with: the values of the tensors it was made of, its random streams, and what it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphs.core.random import Stream, fresh_seed


_WORD = (1 << 64) - 1
_UNSEEDED = 87654321
"""What TensorFlow takes for the graph's seed where only the operation has one."""


class Opening:
    """One initialisation of an iterator.

    Attributes:
        values: the arrays of tensors of the graph.
        seed: the graph's seed, None for none.
        kept: what datasets keep through all epochs, by their numbers.
    """

    def __init__(self, values: Mapping[Any, Any], seed: int | None) -> None:
        self.values = values
        self.seed = seed
        self.kept: dict[int, Any] = {}

    def further(self, values: Mapping[Any, Any]) -> Opening:
        """The opening of a dataset that a function has made, whose tensors have ``values`` too."""
        return Opening({**self.values, **values}, self.seed)

    def seed_of(self, number: int, own: int | None) -> int:
        """The seed of the random choices of dataset ``number``, which the user gave the seed ``own``."""
        if own is None and self.seed is None:
            return fresh_seed()
        graph = _UNSEEDED if self.seed is None else self.seed
        return (graph * 0x9E3779B97F4A7C15 + (number * 0xBF58476D1CE4E5B9 if own is None else own)) & _WORD

    def stream(self, number: int) -> Stream:
        """The stream of the random operations in the function of dataset ``number``: one through all epochs."""
        found = self.kept.get(number)
        if found is None:
            found = self.kept[number] = Stream(self.seed_of(number, None))
        return found
