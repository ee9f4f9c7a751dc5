"""How far results may differ where passes promise nearness: no further than rounding itself moves them.

The rounding errors of a program are measured, not guessed: it is computed several times with each intermediate result moved
at random by a few units in the last place, and once in float64. A pass that promises units in the last place is then allowed
a small multiple of how far the results went. A wrong formula is off by far more.
"""

from __future__ import annotations

from typing import Any

import numpy

from graphs.core.node import Value
from static.schedule import needed
from static.state import constant_op, placeholder_op
from tests.agree.program import Program
from tests.agree.runs import Built, Values, as_a_graph, in_a_session


ULPS = 2.0
"""By how many units in the last place an intermediate result is moved at most: what compiled functions may differ by."""

TIMES = 16.0
"""The multiple of the measured error that is allowed: samples are few, and sums in another order use other errors."""

SAMPLES = 4


def moved(built: Built, run: int, samples: int = SAMPLES) -> list[Values]:
    """The values of a program without variables and draws, each time with other small errors in every step."""
    fetches = built.fetches()
    fed = built.feed(run)
    nodes = needed(list(fetches.values()), list(fed))
    random = numpy.random.default_rng(run)
    out = []
    for _ in range(samples):
        values: dict[Any, Any] = {(tensor.node, tensor.index): array for tensor, array in fed.items()}
        with numpy.errstate(all="ignore"):
            for node in nodes:
                if node.op is placeholder_op:
                    continue
                if node.op is constant_op:
                    values[node, 0] = node.params["value"]
                    continue
                given = [values[x.node, x.index] if isinstance(x, Value) else x for x in node.inputs]
                result = node.op.kernel(numpy, *given, **node.params)
                for i, each in enumerate(result if len(node.specs) != 1 else (result,)):
                    values[node, i] = each if node.op.view else _nudged(random, each)
        out.append({name: values[x.node, x.index] for name, x in fetches.items()})
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
    """Assert that ``found`` is within what rounding allows."""
    for name, x in found.items():
        why = truth.beyond(name, x, nearer)
        assert not why, f"{what}: {name}: {why}"
