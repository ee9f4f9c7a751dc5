"""Clocks around calls, and what such a clock costs itself, so that it can be taken off again."""

from __future__ import annotations

import functools
import gc
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, NamedTuple


class Clock:
    """Adds up how long calls take.

    Attributes:
        seconds: in all, with what the clock itself has added (``net`` is without).
        calls: how many there were.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, its calls on this clock."""

        def call(*args: Any, **kwargs: Any) -> Any:
            begin = perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += perf_counter() - begin
                self.calls += 1

        return call

    def reset(self) -> None:
        """Begin anew."""
        self.seconds, self.calls = 0.0, 0

    @property
    def net(self) -> float:
        """Seconds without what the clock reads for a call of nothing."""
        return max(self.seconds - self.calls * overhead().within, 0.0)

    @property
    def gross(self) -> float:
        """Seconds by which these calls have lengthened what is around them: what they took, and the clock's own."""
        return self.seconds + self.calls * (overhead().around - overhead().within)


class Overhead(NamedTuple):
    """What a clock costs a call.

    Attributes:
        within: seconds that it reads for a call of nothing, beyond what that takes.
        around: seconds by which the call gets longer.
    """

    within: float
    around: float


@functools.cache
def overhead() -> Overhead:
    """What a clock costs on this machine: the median of many calls, measured once."""
    found = []
    for _ in range(25):
        clock = Clock()
        timed = clock.timed(_nothing)
        bare = _loop(_nothing)
        whole = _loop(timed)
        found.append(Overhead(max(clock.seconds / clock.calls - bare, 0.0), max(whole - bare, 0.0)))
    return Overhead(*(statistics.median(each) for each in zip(*found, strict=True)))


def _nothing(*_: Any) -> None:
    pass


def _loop(function: Callable[..., Any], times: int = 400) -> float:
    begin = perf_counter()
    for _ in range(times):
        function(None, None)
    return (perf_counter() - begin) / times


@contextmanager
def patched(*places: tuple[Any, str, Any]) -> Iterator[None]:
    """Have other values in the places of attributes or of entries of a dictionary inside: owner, name, value."""
    before = []
    for owner, name, value in places:
        before.append((owner, name, _held(owner).get(name, _MISSING)))
        _put(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in reversed(before):
            _put(owner, name, value)


_MISSING = object()


def _held(owner: Any) -> Mapping[str, Any]:
    """What an owner holds itself, and does not inherit; of one with slots what is in them."""
    if isinstance(owner, dict):
        return owner
    if hasattr(owner, "__dict__"):
        return vars(owner)
    return {name: getattr(owner, name) for name in owner.__slots__ if hasattr(owner, name)}


def _put(owner: Any, name: str, value: Any) -> None:
    if isinstance(owner, dict):
        owner[name] = value
    elif value is _MISSING:
        delattr(owner, name)
    else:
        setattr(owner, name, value)


def replayed(runs: Sequence[Callable[[], Any]]) -> float:
    """Seconds that calls take one after the other, their results let go at once; what the loop costs is taken off."""
    begin = perf_counter()
    for run in runs:
        run()
    took = perf_counter() - begin
    return max(took - len(runs) * _empty(), 0.0)


@functools.cache
def _empty() -> float:
    """Seconds that a call of nothing takes in such a loop, arguments handed on as a closure does."""

    def closure(xp: Any, *args: Any, **params: Any) -> Callable[[], Any]:
        return lambda: _nothing(xp, *args, **params)

    runs = [closure(None, 1, 2) for _ in range(400)]
    found = []
    for _ in range(25):
        begin = perf_counter()
        for run in runs:
            run()
        found.append((perf_counter() - begin) / len(runs))
    return statistics.median(found)


def rounds(one: Callable[[], dict[str, float]], seconds: float, least: int = 9, most: int = 300) -> dict[str, float]:
    """What ``one`` measures, name by name, again and again for about ``seconds``, without garbage collection.

    Of all rounds it is the first quartile: whatever disturbs a measurement makes it longer, and what is measured apart is to
    add up.
    """
    found: list[dict[str, float]] = []
    overhead()
    gc.collect()
    gc.disable()
    try:
        end = perf_counter() + seconds
        while len(found) < least or (perf_counter() < end and len(found) < most):
            found.append(one())
    finally:
        gc.enable()
    return {name: statistics.quantiles([each[name] for each in found], n=4, method="inclusive")[0] for name in found[0]}
