"""What a contender is: a system, and how it runs each workload."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from benchmarks import THREADS


Step = Callable[[], float]
"""One step of a program; returns its loss, or the number that stands for its result."""


class AbsentError(Exception):
    """A system is not here, or cannot run a program; the message says why, for the reader of a table."""


@dataclass(frozen=True)
class Contender:
    """A system: the module to import, its programs, which are handed that module, and those it has not, with the reason."""

    module: str
    programs: Mapping[type, Callable[[Any, Any], Step]]
    lacks: Mapping[type, str] = field(default_factory=dict)

    def load(self) -> Any:
        """The module. Raises ``AbsentError`` where it is not installed."""
        top, *parts = self.module.split(".")
        try:
            module: Any = import_module(top)
        except ModuleNotFoundError as error:
            if error.name != top:
                raise
            raise AbsentError(f"{top} is not installed") from None
        for part in parts:
            module = getattr(module, part)
        if top == "torch":
            module.set_num_threads(THREADS)
        return module

    def step(self, module: Any, work: Any) -> Step:
        """The program for ``work``, set up. Raises ``AbsentError`` where there is none."""
        if type(work) not in self.programs:
            raise AbsentError(self.lacks.get(type(work), "no program for it"))
        return self.programs[type(work)](module, work)


def timed(step: Step, count: int) -> float:
    """Seconds that ``count`` steps take; a step that runs elsewhere times itself there (``step.timed``)."""
    elsewhere = getattr(step, "timed", None)
    if elsewhere is not None:
        return float(elsewhere(count))
    start = time.perf_counter()
    for _ in range(count):
        step()
    return time.perf_counter() - start
