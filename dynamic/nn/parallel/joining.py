"""Ranks with uneven inputs: one that has no more takes part in what the others' passes do, with gradients of zeros."""

from __future__ import annotations

from typing import Any

import numpy

from dynamic.distributed.announcing import Announcement
from dynamic.distributed.errors import DistError
from graphs.core.errors import at_line


_ACTIVE, _REDUCES, _BUFFERS = 1, 2, 4
"""What a rank says of its pass: that there is one, that gradients are averaged, that buffers are taken over."""


class Joining:
    """What ranks tell each other before each pass inside ``join()``.

    Args:
        model: the DistributedDataParallel.
        initial: whether gradients are divided by the number of all ranks, else by that of those with inputs.
        strict: whether a rank without inputs is an error on all ranks.
    """

    def __init__(self, model: Any, initial: bool, strict: bool) -> None:
        self._model, self._initial, self._strict = model, initial, strict
        self.root = 0

    def begin(self, reduces: bool, buffers: bool) -> None:
        """Tell of a pass that starts."""
        self._exchange(_ACTIVE | _REDUCES * reduces | _BUFFERS * buffers)

    def _exchange(self, mine: int) -> int:
        """What the ranks that have a pass say of it; 0 where none has."""
        group = self._model.process_group
        said = numpy.zeros((group.size(), 1), numpy.int64)
        about = Announcement("DistributedDataParallel", said.dtype, (1,), extra=len(self._model.reducer.buckets))
        group.begin(about, group.moves.all_gather(said, numpy.array([mine])), None, False)
        active = numpy.flatnonzero(said)
        if not active.size:
            return 0
        if self._strict and active.size < group.size():
            gone = ", ".join(str(group.ranks[i]) for i in numpy.flatnonzero(said == 0))
            raise DistError(f"no more inputs on rank {gone}, and join was told to end then{at_line()}")
        self.root = int(active[0])
        self._model.reducer.divisor = group.size() if self._initial else int(active.size)
        return int(said.max())

    def end(self) -> None:
        """This rank has no more: keep the others company until none has, and take over the model of one that had last."""
        model = self._model
        while pass_ := self._exchange(0):
            if pass_ & _BUFFERS:
                model._take_over(model._buffers_kept, self.root)
            if pass_ & _REDUCES:
                model.reducer.keep_company()
        model._take_over([*model.module.parameters(), *model._buffers_kept], self.root)
