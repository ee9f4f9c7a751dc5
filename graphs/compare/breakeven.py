"""After how many steps one mode has cost less in all than the other, how sure that is, and what it hangs on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy
from numpy import ndarray


DRAWS = 2000
"""Bootstrap samples."""

LEVEL = 0.95
"""The share of samples that an error bar covers."""

UNPAID = 0.5
"""Where more samples than this never get there, the word is never."""

PARTS = {"feed": "feed and fetch", "kernels": "kernels", "dispatch": "dispatch", "tape": "the tape"}
ONCE = {"build": "building", "optimise": "making plans", "first": "the first step"}


class Starts(NamedTuple):
    """What one mode pays once, a figure a start, and its steady step, a figure a round; in seconds."""

    build: Sequence[float]
    optimise: Sequence[float]
    first: Sequence[float]
    steady: Sequence[float]

    @property
    def once(self) -> ndarray:
        """What was paid in each start: building, plans and the first step."""
        return numpy.sum([self.build, self.optimise, self.first], axis=0)


class Curve(NamedTuple):
    """Seconds in all after so many steps: the middle and the ends of an error bar."""

    steps: tuple[int, ...]
    middle: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class BreakEven(NamedTuple):
    """When the first mode has paid for what it costs to begin with.

    Attributes:
        steps: the number of steps after which it has cost less in all; None for never.
        low, high: the ends of its error bar, a bootstrap over starts and rounds; None for never.
        never: the share of samples in which it never does.
        behind: seconds that the first mode has spent more before its second step; negative where it is ahead.
        gain: seconds that each of its steps is faster; negative where it is slower.
        owes: what it has spent most of that on (``"making plans"``); empty where it is not behind.
        saves: which part of the step makes most of the difference between the modes (``"the tape"``); empty where unknown.
        curves: by mode the time in all.
    """

    steps: int | None
    low: int | None
    high: int | None
    never: float
    behind: float
    gain: float
    owes: str
    saves: str
    curves: dict[str, Curve]

    def words(self, modes: tuple[str, str]) -> str:
        """The result in a sentence or two."""
        first, second = modes
        if self.steps is None:
            slower = f"its steady step is not faster than the {second} one's"
            found = f"The {first} form never pays for its building here: {slower}"
            return f"{found}, mostly for {self.saves}." if self.saves else f"{found}."
        times = f"{self.steps:,} step{'s' * (self.steps != 1)}"
        far = "never" if self.high is None else f"{self.high:,}"
        bar = "" if self.low == self.high else f" ({LEVEL:.0%} of samples: {self.low or 0:,} to {far})"
        found = f"The {first} form has paid for its building after {times}{bar}."
        why = [f"it owes most to {self.owes}" if self.owes else "", f"it gains most by {self.saves}" if self.saves else ""]
        told = ", ".join(filter(None, why))
        return f"{found} {told[0].upper()}{told[1:]}." if told else found

    def as_dict(self) -> dict[str, Any]:
        """The result as JSON takes it."""
        return {**self._asdict(), "curves": {mode: curve._asdict() for mode, curve in self.curves.items()}}


def pays_after(behind: float, gain: float) -> int | None:
    """The number of steps after which ``gain`` a step has made up for being ``behind`` at the first; None for never."""
    return max(1, math.floor(behind / gain) + 2) if gain > 0 else None


def break_even(
    modes: tuple[str, str], starts: Mapping[str, Starts], parts: Mapping[str, Mapping[str, float]] | None = None
) -> BreakEven:
    """When the first of two modes has paid. ``parts`` has the split of each one's step, if that is known."""
    pair = [starts[mode] for mode in modes]
    random = numpy.random.default_rng(0)
    once = [_medians(each.once, random) for each in pair]
    rounds = min(len(each.steady) for each in pair)
    draws = random.integers(rounds, size=(DRAWS, rounds))  # the same rounds of both, as both met what disturbed them
    steady = [numpy.median(numpy.asarray(each.steady[:rounds])[draws], axis=1) for each in pair]
    behind, gain = once[0] - once[1], steady[1] - steady[0]
    middle = [float(numpy.median(each.once)) for each in pair], [float(numpy.median(each.steady[:rounds])) for each in pair]
    owed, saved = middle[0][0] - middle[0][1], middle[1][1] - middle[1][0]
    after = numpy.full(DRAWS, math.inf)
    paid = gain > 0
    after[paid] = numpy.maximum(1, numpy.floor(behind[paid] / gain[paid]) + 2)
    never = float(numpy.mean(~paid))
    steps = pays_after(owed, saved) if never <= UNPAID else None
    low, high = _bar(after)
    return BreakEven(
        steps,
        low if steps is not None else None,
        high if steps is not None else None,
        never,
        owed,
        saved,
        _dearest(pair) if owed > 0 else "",
        _dominant(modes, parts, saved),
        _curves(modes, once, steady, middle, steps, high),
    )


def _medians(values: ndarray, random: numpy.random.Generator) -> ndarray:
    """The medians of bootstrap samples."""
    return numpy.median(values[random.integers(len(values), size=(DRAWS, len(values)))], axis=1)


def _bar(after: ndarray) -> tuple[int | None, int | None]:
    """The ends of the error bar; None for never."""
    ends = numpy.quantile(after, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
    low, high = (int(end) if math.isfinite(end) else None for end in ends)
    return low, high


def _dearest(pair: Sequence[Starts]) -> str:
    """What the first mode spends most more on than the second, of what is paid once."""
    more = {
        words: float(numpy.median(getattr(pair[0], name)) - numpy.median(getattr(pair[1], name)))
        for name, words in ONCE.items()
    }
    return max(more, key=lambda words: more[words])


def _dominant(modes: tuple[str, str], parts: Mapping[str, Mapping[str, float]] | None, saved: float) -> str:
    """The part of the step that makes most of the difference, of those that point the way of the whole."""
    if parts is None or any(mode not in parts for mode in modes):
        return ""
    first, second = (parts[mode] for mode in modes)
    sign = 1 if saved > 0 else -1
    more = {words: sign * (second[name] - first[name]) for name, words in PARTS.items()}
    best = max(more, key=lambda words: more[words])
    return best if more[best] > 0 else ""


def _curves(
    modes: tuple[str, str],
    once: Sequence[ndarray],
    steady: Sequence[ndarray],
    middle: tuple[list[float], list[float]],
    steps: int | None,
    high: int | None,
) -> dict[str, Curve]:
    """The time in all up to twice the break-even, or to where the steps have taken ten times as long as what came first."""
    if steps is not None:
        last = 2 * min(high or 2 * steps, 4 * steps)
    else:
        last = min(int(10 * max(middle[0]) / max(min(middle[1]), 1e-9)) + 2, 100_000)
    places = numpy.unique(numpy.linspace(1, max(last, 10), 60).astype(int))
    curves = {}
    for at, mode in enumerate(modes):
        totals = once[at][:, None] + (places - 1) * steady[at][:, None]
        low, upper = numpy.quantile(totals, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        line = middle[0][at] + (places - 1) * middle[1][at]
        curves[mode] = Curve(*(tuple(each.tolist()) for each in (places, line, low, upper)))
    return curves
