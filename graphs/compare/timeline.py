"""Memory over a step: how many bytes are alive after each kernel, and what was allocated on the way.

Live is what kernels of the step have made and somebody still holds: buffers, each counted once, whoever views them. What was
there before the step (parameters, optimiser slots, the batch) is not counted. Kernels run one by one here, a static plan by
its own order with results let go after their last use; once a plan is native, these share memory planned once (``planned``).
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from numpy import ndarray

from graphs.compare.calls import Listener
from graphs.compare.program import Batch, Program, Twins
from graphs.core.op import Op


class Moment(NamedTuple):
    """The end of one kernel.

    Attributes:
        op: the op's name.
        name: the node's name, where the mode has one.
        where: the user's line, empty where there is none.
        back: whether a tape was on its way back.
        made: bytes that the kernel allocated and gave.
        live: bytes alive now.
    """

    op: str
    name: str
    where: str
    back: bool
    made: int
    live: int


class Timeline(NamedTuple):
    """A step's memory.

    Attributes:
        moments: kernel by kernel, in order.
        temporaries: buffers that kernels of the step made for each other, and that were gone at its end.
        temporary_bytes: their bytes together.
        left: bytes that kernels of the step made and that outlast it: new parameters, gradients, what is fetched.
        planned: bytes of the arena that results share once a plan is native; None where there is no such plan.
    """

    moments: tuple[Moment, ...]
    temporaries: int
    temporary_bytes: int
    left: int
    planned: int | None = None

    @property
    def live(self) -> list[int]:
        """Bytes alive after each kernel."""
        return [moment.live for moment in self.moments]

    @property
    def peak(self) -> Moment | None:
        """The kernel after which most was alive, the first of them; None where no kernel ran."""
        return max(self.moments, key=lambda moment: moment.live, default=None)

    def as_dict(self) -> dict[str, Any]:
        """The timeline as JSON takes it."""
        peak = self.peak
        return {
            "live": self.live,
            "kernels": [moment.op for moment in self.moments],
            "peak": None if peak is None else peak._asdict(),
            "temporaries": self.temporaries,
            "temporary_bytes": self.temporary_bytes,
            "left": self.left,
            "planned": self.planned,
        }


class Live(Listener):
    """Counts the buffers that kernels make and that are still held."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self.freed = self.freed_bytes = self.bytes = self.kept = 0
        self._lasting: set[int] = set()
        self._buffers: dict[int, weakref.ref[ndarray]] = {}

    def before(self, args: Sequence[Any]) -> frozenset[int]:
        """The buffers of the arguments: a result that lies in one of them is not new."""
        return frozenset(id(_buffer(arg)) for arg in args if isinstance(arg, ndarray))

    def add(
        self,
        op: Op,
        operands: frozenset[int],
        results: Any,
        params: Mapping[str, Any],
        name: str = "",
        where: Any = None,
        serial: int | None = None,
    ) -> None:
        """A kernel has given ``results``."""
        made = 0
        for out in results if isinstance(results, tuple) else (results,):
            if isinstance(out, ndarray):
                made += self._hold(_buffer(out), operands)
        line = "" if where is None else str(where)
        self.moments.append(Moment(op.name, name, line, self.behind is not None, made, self.bytes))

    def _hold(self, buffer: ndarray, operands: frozenset[int]) -> int:
        """Count a buffer from now until it is freed; the bytes it adds."""
        place = id(buffer)
        if place in operands or place in self._buffers:
            return 0
        size = buffer.nbytes

        def gone(_: Any) -> None:
            del self._buffers[place]
            self.bytes -= size
            if place in self._lasting:
                self._lasting.discard(place)
                self.kept += size
            else:
                self.freed += 1
                self.freed_bytes += size

        self._buffers[place] = weakref.ref(buffer, gone)
        self.bytes += size
        return size

    def lasts(self, result: Any) -> None:
        """It is no temporary, whatever becomes of this buffer."""
        if isinstance(result, ndarray) and id(_buffer(result)) in self._buffers:
            self._lasting.add(id(_buffer(result)))

    def timeline(self, planned: int | None = None) -> Timeline:
        """What was seen. Nothing is counted afterwards."""
        made = Timeline(tuple(self.moments), self.freed, self.freed_bytes, self.bytes + self.kept, planned)
        self._buffers.clear()
        return made


def timeline(twins: Twins, program: Program, batch: Batch) -> Timeline:
    """The memory of one step of ``program`` on ``batch``. Raises ProgramError where the file's code fails."""
    live = Live()
    twins.run(getattr(program, "listen", program.watch), batch, live)
    planned = getattr(program, "planned", None)
    return live.timeline(None if planned is None else twins.run(planned, batch))


def _buffer(array: ndarray) -> ndarray:
    """The array that owns the memory of ``array``, as far as it is one of numpy's."""
    while isinstance(array.base, ndarray):
        array = array.base
    return array
