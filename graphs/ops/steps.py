"""How the rows of sequences are cut into steps, for batches of one length and of several.

Rows are ordered by step. A batch of one length has as many rows at each step; ``batch_sizes`` gives the number of each step
of a batch whose sequences are sorted by length, the longest first (PyTorch's packed sequences).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

import numpy


Sizes = tuple[int, ...] | None


class Steps:
    """How the rows of a sequence are cut into steps, and in which order these are taken.

    Attributes:
        packed: the number of rows of each step, None where all have as many.
        count, batch: how many steps there are, and how many rows the longest has.
    """

    __slots__ = ("packed", "count", "batch", "reverse", "_ranges")

    def __init__(self, shape: tuple[int, ...], packed: Sizes, reverse: bool) -> None:
        self.packed = packed
        self.reverse = reverse
        if packed is None:
            self.count, self.batch = shape[:2] if len(shape) == 3 else (1, shape[0])
        else:
            self.count, self.batch = len(packed), packed[0]
            self._ranges = list(pairwise(accumulate(packed, initial=0)))

    def of(self, rows: Any, back: bool = False) -> Iterable[Any]:
        """Views of each step's ``rows`` in the order of the loop, or of the loop back."""
        turned = self.reverse is not back
        if self.packed is None:
            cut = rows.reshape(self.count, self.batch, *rows.shape[1:])
            return cut[::-1] if turned else cut
        slices = [rows[start:stop] for start, stop in self._ranges]
        return slices[::-1] if turned else slices

    def before(self, xp: Any, first: Any, rows: Any) -> Any:
        """For each row the row of the step before it, that of ``first`` where it begins a sequence."""
        if self.packed is not None:
            return xp.concatenate((first, rows))[xp.asarray(places_before(self.packed, self.reverse))]
        if self.count == 1:
            return first
        return xp.concatenate((rows[self.batch :], first) if self.reverse else (first, rows[: -self.batch]))


@lru_cache(maxsize=256)
def places_before(sizes: tuple[int, ...], reverse: bool) -> numpy.ndarray:
    """Where the step before each row is found among the rows of the first states, followed by all rows."""
    batch = sizes[0]
    starts = [batch, *accumulate(sizes[:-1], initial=batch)][1:]
    own = [numpy.arange(n) for n in sizes]
    if not reverse:
        parts = [own[0], *(start + rows for start, rows in zip(starts, own[1:], strict=False))]
    else:
        following = [*zip(starts[1:], sizes[1:], strict=True), (0, 0)]
        parts = [numpy.where(rows < n, start + rows, rows) for (start, n), rows in zip(following, own, strict=True)]
    return numpy.concatenate(parts)
