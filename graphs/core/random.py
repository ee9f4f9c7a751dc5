"""Counter-based random streams: the same key draws the same numbers in either mode, wherever a pass moved the op.

A key is (seed, step, ordinal of the draw within the step). Philox 4x64 (Salmon et al., "Parallel random numbers: as easy as
1, 2, 3", 2011) turns it into numbers without any state that has to be carried along.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy


Key = tuple[int, int, int]

_WORD = (1 << 64) - 1


def words(key: Key) -> list[int]:
    """The three words that a key is to a generator."""
    return [number & _WORD for number in key]


class DeviceKey:
    """A key that a GPU reads when it draws: an ``array`` of three uint64 there, whose numbers may differ from run to run."""

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = array


class Stream:
    """Where the draws of a program stand: seed, step, and how many draws the step has made."""

    __slots__ = ("seed", "step", "ordinal", "pinned")

    def __init__(self, seed: int | None = None) -> None:
        self.seed = fresh_seed() if seed is None else int(seed) & _WORD
        self.step = 0
        self.ordinal = 0
        self.pinned = False

    def key(self) -> Key:
        """The key of the next draw."""
        ordinal = self.ordinal
        self.ordinal = ordinal + 1
        return (self.seed, self.step, ordinal)

    def advance(self) -> None:
        """Begin the next step, unless a caller has pinned the step (see ``at``)."""
        if not self.pinned:
            self.step += 1
            self.ordinal = 0

    @contextmanager
    def at(self, step: int) -> Iterator[None]:
        """Draw as in step ``step`` inside, counting draws across everything that runs there."""
        before = (self.step, self.ordinal, self.pinned)
        self.step, self.ordinal, self.pinned = step, 0, True
        try:
            yield
        finally:
            self.step, self.ordinal, self.pinned = before


class Draws:
    """The keys of one run's draws, in the order in which they are made.

    The key of an op without its own is the next of ``stream``.
    """

    __slots__ = ("_rounds", "_stream")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rounds: dict[int, int] = {}

    def __call__(self, own: Key | None, site: int) -> Key:
        """The key of op ``site``; where it has a key ``own``, that in the stream's step, another each time round a loop."""
        if own is None:
            return self._stream.key()
        rounds = self._rounds.get(site, 0)
        self._rounds[site] = rounds + 1
        return (own[0], self._stream.step, own[2] + rounds)


def fresh_seed() -> int:
    """A seed from the operating system."""
    return int.from_bytes(os.urandom(8), "little")


Drawer = Callable[[Any, "Key | DeviceKey", str, Sequence[int], Any], Any]


class _Chosen:
    drawer: Drawer | None = None


def use(drawer: Drawer) -> None:
    """Have ``drawer(xp, key, kind, shape, dtype)`` draw on other modules than numpy; where it gives None, the host does."""
    _Chosen.drawer = drawer


def drawn(xp: Any, key: Key | DeviceKey | None, kind: str, shape: Sequence[int], dtype: Any) -> Any:
    """``kind`` numbers (``"uniform"`` in [0, 1) or ``"normal"``) of float32 or float64 for ``key``, as an array of ``xp``.

    The module makes no difference to them. Raises ValueError where there is no key.
    """
    if key is None:
        raise ValueError("a random op was run without a key")
    if xp is not numpy and _Chosen.drawer is not None:
        made = _Chosen.drawer(xp, key, kind, shape, dtype)
        if made is not None:
            return made
    if isinstance(key, DeviceKey):
        raise ValueError("a key of the device, but nothing draws there")
    draws = generator(key)
    made = draws.random(shape, dtype) if kind == "uniform" else draws.standard_normal(shape, dtype)
    return made if xp is numpy else xp.asarray(made)


_local = threading.local()


def generator(key: Key) -> numpy.random.Generator:
    """numpy's Generator positioned at ``key``. It is this thread's only one: use it before asking for the next."""
    made: numpy.random.Generator | None = getattr(_local, "generator", None)
    if made is None:
        made = _local.generator = numpy.random.Generator(numpy.random.Philox(key=[0, 0]))
    seed, step, ordinal = words(key)
    made.bit_generator.state = {
        "bit_generator": "Philox",
        "state": {
            "counter": numpy.array([0, 0, ordinal, 0], numpy.uint64),
            "key": numpy.array([seed, step], numpy.uint64),
        },
        "buffer": numpy.zeros(4, numpy.uint64),
        "buffer_pos": 4,
        "has_uint32": 0,
        "uinteger": 0,
    }
    return made
