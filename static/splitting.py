"""Where the time of a static program goes: plans made, and a step split into feed and fetch, dispatch and kernels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from graphs.compare.clock import Clock, patched, rounds
from static.plan import Plan
from static.session import Session


@contextmanager
def planning() -> Iterator[Clock]:
    """A clock on which is what plans cost that are made inside: passes, Python text, and machine code for hot ones."""
    clock = Clock()
    made, compiled = Session._made, Plan.compile
    with patched((Session, "_made", clock.timed(made)), (Plan, "compile", clock.timed(compiled))):
        yield clock


def split(step: Callable[[Any], None], plans: Sequence[Plan], batch: Any, seconds: float) -> dict[str, float]:
    """The parts of ``step`` on ``batch``, in seconds: first quartiles of runs for about ``seconds``.

    Clocks stand around plans and around the kernels in them, and what they cost is taken off:

    - ``feed``: the step without its plans: values are checked, the plan is found, results are handed out;
    - ``kernels``: the ufuncs, kernels and native functions that the plans call;
    - ``dispatch``: the plans without those: Python's lines from kernel to kernel;
    - ``tape``: none here;
    - ``step``: the whole, in runs without clocks that take turns with the others.
    """
    whole, kernels = Clock(), Clock()
    places: list[tuple[Any, str, Any]] = [(Plan, "__call__", whole.timed(Plan.__call__))]
    for plan in dict.fromkeys(plans):
        names = getattr(getattr(plan, "_function", None), "__globals__", {})
        called = [name for name, value in names.items() if name.startswith(("k_", "u_", "part")) and callable(value)]
        places += [(names, name, kernels.timed(names[name])) for name in called]

    def one() -> dict[str, float]:
        begin = perf_counter()
        step(batch)
        bare = perf_counter() - begin
        whole.reset()
        kernels.reset()
        with patched(*places):
            begin = perf_counter()
            step(batch)
            took = perf_counter() - begin
        inside = whole.net - kernels.gross  # the clock of a plan reads what the clocks inside cost, too
        return {
            "step": bare,
            "feed": max(took - whole.gross, 0.0),
            "kernels": kernels.net,
            "dispatch": max(inside, 0.0),
            "tape": 0.0,
        }

    with patched(*((plan, "_patience", math.inf) for plan in plans)):  # plans stay as they are meanwhile
        return rounds(one, seconds)
