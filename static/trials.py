"""A run tried again on a copy of a session's state: without passes, with fewer rewrites, without some, against the clock."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy

from graphs.core.arrays import to_numpy
from graphs.rewrite import Choice, Cost, Log, Record, RewriteError, UncheckedError, bisect as _bisect, check, cost
from static.gpus import on_host
from static.passes.choosing import refused


Good = Callable[[Any], bool]
"""Says of the values that a run has fetched whether they are as they should be."""

_ROUNDS = (5, 1000)
"""The least and the most rounds of a timing."""


@dataclass(frozen=True, slots=True)
class Timing:
    """A run with all rewrites and without some, in turn on copies of one state.

    Attributes:
        names: the rules and passes that did not fire in one of them.
        seconds: of a run with them and without: medians over ``rounds`` rounds.
        rounds: how often each ran; they take turns, so that both meet the same disturbances.
        costs: of a run with them and without.
        rewrites: how many rewrites there were with them and without.
        equal: whether both fetch the same and leave the same values in the variables, to the last bit.
    """

    names: tuple[str, ...]
    seconds: tuple[float, float]
    rounds: int
    costs: tuple[Cost, Cost]
    rewrites: tuple[int, int]
    equal: bool

    @property
    def ratio(self) -> float:
        """The time with the rewrites over that without: below 1 where they pay."""
        return self.seconds[0] / self.seconds[1]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON takes it."""
        return {
            "without": list(self.names),
            "rounds": self.rounds,
            "ratio": self.ratio,
            "equal": self.equal,
            "runs": [
                {"seconds": seconds, "rewrites": rewrites, **made.as_dict()}
                for seconds, rewrites, made in zip(self.seconds, self.rewrites, self.costs, strict=True)
            ],
        }

    def __str__(self) -> str:
        names = ", ".join(self.names)
        rows = [f"{'':<24}{'µs a run':>10}{'rewrites':>10}{'kernels':>9}{'temporaries':>13}"]
        for word, seconds, rewrites, made in zip(
            (f"with {names}", f"without {names}"), self.seconds, self.rewrites, self.costs, strict=True
        ):
            rows.append(f"{word:<24}{seconds * 1e6:>10,.1f}{rewrites:>10}{made.kernels:>9}{made.temporaries:>13}")
        same = "the results are equal to the last bit" if self.equal else "the results are not equal to the last bit"
        return "\n".join([*rows, f"ratio {self.ratio:.2f}, medians of {self.rounds} rounds in turn; {same}"])


def bisect(session: Any, fetches: Any, feed_dict: Mapping[Any, Any] | None, good: Good | None) -> Record | None:
    """See ``Session.bisect``."""
    plain = _Try(session, fetches, feed_dict, passes=())

    def suits(trial: _Try) -> bool:
        return plain.agrees(trial) if good is None else trial.error is None and good(trial.values)

    if good is not None and not suits(plain):
        raise RewriteError("the run without passes does not give what is asked for either: no rewrite is behind it")

    def run(choice: Choice) -> tuple[_Try, Log]:
        trial = _Try(session, fetches, feed_dict, limit=choice.limit)
        return trial, trial.log

    found = _bisect(run, suits)
    if found is not None:
        with suppress(UncheckedError):
            check(found)
    return found


def timed_without(
    session: Any, names: str | Iterable[str], fetches: Any, feed_dict: Mapping[Any, Any] | None, seconds: float
) -> Timing:
    """See ``Session.timed_without``."""
    without = refused(names, session.passes)
    both = [
        _Try(session, fetches, feed_dict, timed=True),
        _Try(session, fetches, feed_dict, timed=True, refuse=session.refuse | without),
    ]
    equal = both[0].agrees(both[1])
    times: tuple[list[float], list[float]] = ([], [])
    end = perf_counter() + seconds
    while len(times[0]) < _ROUNDS[0] or (perf_counter() < end and len(times[0]) < _ROUNDS[1]):
        for i in (0, 1) if len(times[0]) % 2 else (1, 0):
            times[i].append(both[i].seconds())
    programs = [each.outcome.program for each in both]
    return Timing(
        tuple(sorted(without)),
        (statistics.median(times[0]), statistics.median(times[1])),
        len(times[0]),
        (cost(programs[0]), cost(programs[1])),
        (len(both[0].log), len(both[1].log)),
        equal,
    )


class _Try:
    """One run on a copy of a session's state, and what came of it.

    Attributes:
        values: what was fetched.
        error: what the run raised in place of that.
        outcome: what the passes did.
    """

    def __init__(
        self, session: Any, fetches: Any, feed_dict: Mapping[Any, Any] | None, *, timed: bool = False, **settings: Any
    ) -> None:
        self._session = session._twin(**settings)
        self._asked = (fetches, feed_dict)
        plan = self._session.plan(fetches, feed_dict or {})
        if timed and plan.outcome.program.reuse:
            plan.compile()  # as it would be when it has run for some time
        self.outcome = plan.outcome
        self.log = self.outcome.log
        self.values: Any = None
        self.error: Exception | None = None
        try:
            self.values = self._session.run(*self._asked)
        except Exception as error:  # a rewrite that makes a run fail is as wrong as one that changes a number
            if timed or settings.get("passes") == ():
                raise
            self.error = error
        self._state = dict(on_host(self._session._state))

    def agrees(self, other: _Try) -> bool:
        """Whether both fetched the same and left the same values in the variables, to the last bit; any NaN is one."""
        if self.error is not None or other.error is not None:
            return False
        mine, theirs = _leaves(self.values), _leaves(other.values)
        if len(mine) != len(theirs) or self._state.keys() != other._state.keys():
            return False
        return all(map(same, mine, theirs)) and all(same(x, other._state[key]) for key, x in self._state.items())

    def seconds(self) -> float:
        """How long one more run takes."""
        begin = perf_counter()
        self._session.run(*self._asked)
        return perf_counter() - begin


def _leaves(values: Any) -> list[Any]:
    """What is in a structure of fetched values, in order."""
    if isinstance(values, Mapping):
        values = list(values.values())
    if not isinstance(values, (list, tuple)):
        return [values]
    return [leaf for value in values for leaf in _leaves(value)]


def same(first: Any, second: Any) -> bool:
    """Whether two values have dtype, shape and every bit in common; NaNs are equal, and zeros of either sign are not."""
    if first is second:
        return True
    x, y = to_numpy(first), to_numpy(second)
    if x.dtype != y.dtype or x.shape != y.shape:
        return False
    x, y = x.ravel(), y.ravel()
    if x.dtype.kind == "O":
        return all(map(_alike, x, y))
    if x.dtype.kind == "c":
        x, y = x.view(x.real.dtype), y.view(y.real.dtype)
    if x.dtype.kind != "f":
        return bool(numpy.array_equal(x, y))
    there = ~numpy.isnan(x)
    signs = numpy.array_equal(numpy.signbit(x[there]), numpy.signbit(y[there]))
    return bool(signs and numpy.array_equal(x, y, equal_nan=True))


def _alike(x: Any, y: Any) -> bool:
    """Whether two elements of object arrays are equal: strings, or arrays. Where an iterator stands is not looked at."""
    if isinstance(x, (bytes, str, numpy.ndarray, numpy.generic, int, float)):
        return type(x) is type(y) and same(numpy.asarray(x), numpy.asarray(y))
    return type(x) is type(y)
