"""Streams of random numbers: ``Generator``, the default one, its seed and state (PyTorch's ``torch.random``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy

from dynamic.apply import wrap
from dynamic.devices import device as Device, device_of
from dynamic.names import lacking
from graphs.core.errors import ShapeError, at_line
from graphs.core.random import Key, Stream, fresh_seed


class Generator:
    """A stream of random numbers of its own.

    ``stream.advance()`` begins its next step, as each run that draws does in a session of ``static``: from the same seed
    both then draw the same numbers.
    """

    def __init__(self, device: Any = "cpu") -> None:
        self._device: Device = device_of(device)
        self.stream = Stream()

    @property
    def device(self) -> Device:
        """What the generator draws for."""
        return self._device

    def manual_seed(self, seed: int) -> Generator:
        """Begin the stream that ``seed`` names."""
        self.stream.__init__(int(seed))  # type: ignore[misc]
        return self

    def seed(self) -> int:
        """Begin a stream that nobody chose, and return its seed."""
        seed = fresh_seed()
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed that the stream began with."""
        return self.stream.seed

    def get_state(self) -> Any:
        """Where the stream stands, as a tensor of bytes that ``set_state`` takes."""
        return wrap(numpy.array([self.stream.seed, self.stream.step, self.stream.ordinal], numpy.uint64).view(numpy.uint8))

    def set_state(self, new_state: Any) -> Generator:
        """Go on from a state that ``get_state`` gave. Raises RuntimeError for anything else."""
        array = getattr(new_state, "_array", None)
        if array is None:
            raise TypeError(f"a state is a tensor of bytes, not a {type(new_state).__name__}")
        if array.dtype != numpy.uint8 or array.shape != (24,):
            raise ShapeError(f"a state is 24 bytes, not {array.dtype} of shape {array.shape}{at_line()}")
        self.stream.seed, self.stream.step, self.stream.ordinal = map(int, array.copy().view(numpy.uint64))
        return self

    def clone_state(self) -> Generator:
        """Another generator that stands where this one does."""
        return Generator(self.device).set_state(self.get_state())

    def __repr__(self) -> str:
        return f"<torch.Generator on {self.device}, seed {self.stream.seed}>"


default_generator = Generator()
"""What the random functions draw from unless they are given another."""


def manual_seed(seed: int) -> Generator:
    """Begin the default stream that ``seed`` names: the same seed draws the same numbers."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Begin a default stream that nobody chose, and return its seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default stream began with."""
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """Where the default stream stands, as a tensor of bytes."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Let the default stream go on from a state that ``get_rng_state`` gave."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, **_: Any) -> Iterator[None]:
    """Draw what one likes inside: afterwards the default stream stands where it did before."""
    state = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)


drawn: Callable[[Key], None] | None = None
"""Who is told of each draw, if anybody."""


def next_key(generator: Generator | None = None) -> Key:
    """The key of the next draw."""
    key = (generator or default_generator).stream.key()
    if drawn is not None:
        drawn(key)
    return key


FUNCTIONS = {each.__name__: each for each in (manual_seed, seed, initial_seed, get_rng_state, set_rng_state)}
"""Functions of the package."""

__getattr__ = lacking(__name__)
