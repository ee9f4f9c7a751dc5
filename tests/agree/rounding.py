"""How far results may differ where passes promise nearness: no further than rounding itself moves them.

The rounding errors of a program are measured, not guessed: it is computed several times with each intermediate result moved
at random by a few units in the last place, and once in float64. A pass that promises units in the last place is then allowed
a small multiple of how far the results went. A wrong formula is off by far more.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy

from graphs.core.random import Draws, Stream
from graphs.core.spec import Spec
from graphs.inspection.walk import Walk, steps
from static.walking import Written
from tests.agree.machines import SEED
from tests.agree.program import Program
from tests.agree.runs import TOLD, Built, Values, as_a_graph, in_a_session


ULPS = 2.0
"""By how many units in the last place an intermediate result is moved at most: what compiled functions may differ by."""

TIMES = 16.0
"""The multiple of the measured error that is allowed: samples are few, and sums in another order use other errors."""

SAMPLES = 4


def moved(built: Built, run: int, samples: int = SAMPLES) -> list[Values]:
    """The values of a program's first run, each time with other small errors in every step, inside loops too."""
    fetches, fed = built.fetches(), built.feed(run)
    random = numpy.random.default_rng(run)
    leaves = {leaf.name: leaf for leaf in built.program.leaves}
    state = {variable.op: leaves[name].arrays[0] for name, variable in built.variables.items()}
    written = Written(list(fetches.values()), list(fed), [Spec.of(x) for x in fed.values()])

    def compute(node: Any, rounds: Any, operands: Any, call: Any) -> tuple[Any, ...]:
        outs = tuple(call())
        return outs if node.op.view or "control" in node.op.traits else tuple(_nudged(random, x) for x in outs)

    out = []
    for _ in range(samples):
        stream = Stream(SEED)
        stream.advance()
        values = written.begin(state, list(fed.values()))
        with numpy.errstate(all="ignore"):
            deque(steps(written.walking(values, Draws(stream), Walk(compute))), maxlen=0)
        found, changed = written.results(values)
        out.append(dict(zip(fetches, found, strict=True)))
        out[-1].update({f"= {name}": changed.get(x.op, state[x.op]) for name, x in built.variables.items()})
    return out


def _nudged(random: numpy.random.Generator, x: Any) -> Any:
    x = numpy.asarray(x)
    if x.dtype.kind != "f":
        return x
    unit = ULPS * float(numpy.finfo(x.dtype).eps)
    return (x * (1.0 + unit * random.uniform(-1.0, 1.0, x.shape))).astype(x.dtype)


class Truth:
    """What a float32 program gives in float64, and how far rounding moves what it gives."""

    def __init__(self, program: Program, built: Built, run: int, plain: Values) -> None:
        wide = as_a_graph(program.widened())
        (self.values,) = in_a_session(wide, (), [run], wide.fetches())
        self.plain = plain
        self.moved = moved(built, run)

    def allowed(self, name: str) -> Any:
        """For each element of a result how far it may be from the truth."""
        y = numpy.asarray(self.plain[name], numpy.float64)
        truth = numpy.asarray(self.values[name], numpy.float64)
        far = [abs(y - truth)] + [abs(numpy.asarray(x[name], numpy.float64) - y) for x in self.moved]
        worst = numpy.max(far, axis=0, initial=0.0)
        unit = float(numpy.finfo(numpy.float32).eps)
        spread = numpy.max(worst, initial=0.0) if worst.size else 0.0  # elements of one array go through the same steps
        return TIMES * (0.25 * spread + worst + ULPS * unit * abs(truth)) + float(numpy.finfo(numpy.float32).tiny)

    def beyond(self, name: str, found: Any, nearer: bool) -> str:
        """In what ``found`` goes beyond; empty where it does not. ``nearer``: it may be a number where there was none."""
        y, x = numpy.asarray(self.plain[name]), numpy.asarray(found)
        if x.dtype != y.dtype or x.shape != y.shape:
            return f"{x.dtype}{x.shape} is not {y.dtype}{y.shape}"
        if x.dtype.kind != "f":
            return "" if numpy.array_equal(x, y) else "the values differ"
        truth = numpy.asarray(self.values[name], numpy.float64)
        with numpy.errstate(all="ignore"):
            allowed = self.allowed(name)
            sure = numpy.isfinite(y) & numpy.isfinite(truth) & numpy.isfinite(allowed)
            if (~numpy.isfinite(x) & sure & (abs(truth) + allowed < numpy.finfo(x.dtype).max)).any():
                return f"not finite where it was: {x}, {y}"
            if not nearer and (numpy.isnan(x) != numpy.isnan(y)).any() and numpy.isfinite(allowed).all():
                return f"NaNs are elsewhere: {x}, {y}"
            wrong = sure & numpy.isfinite(x) & (abs(x - truth) > allowed)
        if not wrong.any():
            return ""
        return f"{x[wrong]} where {y[wrong]} was, {truth[wrong]} is true, and {allowed[wrong]} is allowed"


def within(truth: Truth, found: Values, what: str, nearer: bool) -> None:
    """Assert that ``found`` is within what rounding allows, and that the same ones told something in the same order."""
    assert [who for who, _ in found[TOLD]] == [who for who, _ in truth.plain[TOLD]], f"{what}: others tell"
    for name, x in found.items():
        if name == TOLD:
            continue
        why = truth.beyond(name, x, nearer)
        assert not why, f"{what}: {name}: {why}"
