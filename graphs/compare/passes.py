"""What the passes of a mode that has some do to a program's numbers: nothing, or how far they move them, and which did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from graphs.compare.calls import same_bits, ulps
from graphs.compare.program import Batch, Program, Setup, Twins
from graphs.draw.labels import TIMES


class Rewrites(NamedTuple):
    """The rewrites of one rule in a step: how often it fired, and how far it may move results."""

    rule: str
    bound: str
    times: int


class Distance(NamedTuple):
    """The largest distance that a step with passes ends from the same step without.

    Attributes:
        what: the value.
        step: from 1.
        units: in units in the last place of the largest number of the array; None where there is no distance (NaN).
        ulps: in units in the last place of each element: a sum that comes out near 0 has many of them.
    """

    what: str
    step: int
    units: float | None
    ulps: int | None


class Passes(NamedTuple):
    """A program with its passes beside the same without, each step begun from the same values.

    Attributes:
        mode: which of the modes has passes.
        steps: how many steps were taken.
        rewrites: what the passes did in a step, by rule and bound.
        distance: the largest distance; None where every bit is equal.
    """

    mode: str
    steps: int
    rewrites: tuple[Rewrites, ...]
    distance: Distance | None

    @property
    def bounds(self) -> list[str]:
        """The bounds of rewrites that are not exact, each once."""
        return list(dict.fromkeys(each.bound for each in self.rewrites if each.bound != "exact"))

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON takes it."""
        return {
            "mode": self.mode,
            "steps": self.steps,
            "equal": self.distance is None,
            "distance": None if self.distance is None else self.distance._asdict(),
            "rewrites": [each._asdict() for each in self.rewrites],
        }

    def __str__(self) -> str:
        listed = ", ".join(f"{each.rule} {TIMES} {each.times}" + _beyond(each.bound) for each in self.rewrites)
        steps = f"{self.steps} step{'s' * (self.steps != 1)}"
        if self.distance is None:
            found = f"equal to the last bit for {steps}"
        else:
            found = f"after a step at most {_apart(self.distance)} ({self.distance.what}, step {self.distance.step})"
        return f"With the {self.mode} form's passes: {found}.\nRewrites of a step: {listed or 'none'}."


def _beyond(bound: str) -> str:
    return "" if bound == "exact" else f" ({bound})"


def _apart(distance: Distance) -> str:
    if distance.units is None or distance.ulps is None:
        return "beyond comparison (NaN against a number)"
    if distance.ulps == 0:
        return "apart in the sign of a zero or the bits of a NaN"
    if distance.units == distance.ulps:
        return f"{distance.ulps:,} unit{'s' * (distance.ulps > 1)} in the last place apart"
    return (
        f"{distance.units:.2g} units in the last place of an array's largest number apart, {distance.ulps:,} of those of an "
        "element"
    )


def without_passes(twins: Twins) -> Twins:
    """The same programs, those of modes with passes run without."""
    return twins._replace(builders={mode: _plain(build) for mode, build in twins.builders.items()})


def _plain(build: Any) -> Any:
    def built(setup: Setup) -> Program:
        program = build(setup)
        strip = getattr(program, "without_passes", None)
        made: Program = program if strip is None else strip()
        return made

    return built


def with_passes(twins: Twins, mode: str, batches: Sequence[Batch], dtype: str) -> Passes | None:
    """The program of ``mode`` with its passes beside the same without, on ``batches``; None where the mode has no passes."""
    setup = twins.begin(dtype)
    program: Any = twins.build(mode, setup)
    plain: Any = without_passes(twins).build(mode, setup)
    if not hasattr(program, "rewrites"):
        return None
    worst: Distance | None = None
    for step, batch in enumerate(batches, 1):
        program.follow(plain)
        for one, other in zip(twins.run(program.states, batch), twins.run(plain.states, batch), strict=True):
            shown = dict(other.items())
            for what, array in one.items():
                if not same_bits(array, shown[what]):
                    worst = _further(worst, _distance(what, step, array, shown[what]))
    counts = Counter((record.rule, record.bound) for record in program.rewrites(batches[0]))
    return Passes(mode, len(batches), tuple(Rewrites(*key, times) for key, times in counts.items()), worst)


def _distance(what: str, step: int, found: ndarray, wanted: ndarray) -> Distance:
    apart = ulps(found, wanted)
    if apart is None or wanted.dtype.kind != "f" or not numpy.isfinite(wanted).all():
        return Distance(what, step, apart, apart)
    largest = numpy.max(abs(wanted), initial=0)
    return Distance(what, step, float(numpy.max(abs(found - wanted), initial=0) / numpy.spacing(largest)), apart)


def _further(one: Distance | None, other: Distance) -> Distance:
    if one is None or one.units is None:
        return one or other
    return other if other.units is None or other.units > one.units else one
