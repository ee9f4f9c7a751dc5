"""What is seen of a script while it trains: its steps, its losses, and the graph of one step. The front-ends report it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from graphs.compare.calls import Log


WINDOWS = 11
"""Stretches of the later half of a run, of at least a step each, that its speed is the median of."""


class Curve:
    """A loss as a script has it.

    Attributes:
        steps: at which steps it was seen, from 1; a script may look at it now and then.
        values: what it was.
    """

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.values: list[float] = []

    def add(self, step: int, value: float) -> None:
        """One more value; the last of a step counts."""
        if self.steps and self.steps[-1] == step:
            self.values[-1] = value
        else:
            self.steps.append(step)
            self.values.append(value)


@dataclass
class Observed:
    """What one mode has done in a script.

    Attributes:
        mode: the mode.
        most: after how many steps the script is ended, as ``sys.exit(0)`` would; None to let it run.
        ends: when each step ended, by ``perf_counter``, without the time that looking had taken until then.
        paused: seconds that looking has taken.
        what: what a step is: ``"run that changes variables"``.
        curves: the losses, by name.
        others: numbers that were fetched and are no losses; they serve where there is no loss.
        roots: the ends of the graph of one step; empty while none was seen.
        log: that step, call by call.
        kept: what has to live as long as the roots.
    """

    mode: str
    most: int | None = None
    ends: list[float] = field(default_factory=list)
    paused: float = 0.0
    what: str = ""
    curves: dict[str, Curve] = field(default_factory=dict)
    others: dict[str, Curve] = field(default_factory=dict)
    roots: list[Any] = field(default_factory=list)
    log: Log = field(default_factory=Log)
    kept: list[Any] = field(default_factory=list)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """What is done inside is not the script's own, and takes none of its time."""
        begin = perf_counter()
        try:
            yield
        finally:
            self.paused += perf_counter() - begin

    def step(self) -> None:
        """A step has ended. Raises SystemExit where it was the last that is wanted."""
        self.ends.append(perf_counter() - self.paused)
        if self.most is not None and len(self.ends) >= self.most:
            raise SystemExit(0)

    def loss(self, name: str, value: float, step: int | None = None, *, sure: bool = True) -> None:
        """A loss of the step that is under way, or of ``step``; not ``sure`` for what may be one."""
        curves = self.curves if sure else self.others
        curves.setdefault(name, Curve()).add(len(self.ends) + 1 if step is None else step, value)

    @property
    def losses(self) -> dict[str, Curve]:
        """The losses; other numbers that were fetched where there is none."""
        return self.curves or self.others

    @property
    def rate(self) -> float | None:
        """Steps a second in the later half of the run, the median of its stretches; None for fewer than two steps."""
        ends = self.ends[(len(self.ends) - 1) // 2 :] if len(self.ends) > 1 else []
        size = max((len(ends) - 1) // WINDOWS, 1)
        took = [ends[at + size] - ends[at] for at in range(0, len(ends) - size, size)]
        return size / statistics.median(took) if took and statistics.median(took) > 0 else None


Observing = Callable[[Observed], Any]
"""A context manager of a front-end, in which it tells of what a script does with it (``adapter.observing``)."""
