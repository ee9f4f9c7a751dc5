"""The stages that a dataset's elements go through: iterators over rows, which are tuples of arrays.

None of them is a generator: where something fails in one, the next call goes on with the next element, as in TensorFlow.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy

from graphs.core.spec import Spec, show
from static.errors import DataLossError, InvalidArgumentError


Row = tuple[Any, ...]
Opener = Callable[[], Iterator[Row]]


class Stage(Iterator[Row]):
    """An iterator over rows."""


class Slices(Stage):
    """The rows of arrays along their first axis. Raises InvalidArgumentError where they are not of one length."""

    def __init__(self, arrays: Sequence[Any]) -> None:
        self._arrays = arrays
        self._count = len(arrays[0])
        self._position = 0
        if any(len(x) != self._count for x in arrays):
            lengths = ", ".join(str(len(x)) for x in arrays)
            raise InvalidArgumentError(None, f"from_tensor_slices: components of different first dimensions ({lengths})")

    def __next__(self) -> Row:
        i = self._position
        if i >= self._count:
            raise StopIteration
        self._position = i + 1
        return tuple([x[i, ...] for x in self._arrays])


class Items(Stage):
    """The rows of an iterable, each a single array that ``make`` gives for an item."""

    def __init__(self, items: Any, make: Callable[[Any], Any]) -> None:
        self._items = iter(items)
        self._make = make

    def __next__(self) -> Row:
        return (self._make(next(self._items)),)


class Mapped(Stage):
    """``function`` of each row."""

    def __init__(self, source: Iterator[Row], function: Callable[[Row], Row]) -> None:
        self._source = source
        self._function = function

    def __next__(self) -> Row:
        return self._function(next(self._source))


class Filtered(Stage):
    """The rows for which ``predicate`` is true; with ``until``, those before the first for which it is not."""

    def __init__(self, source: Iterator[Row], predicate: Callable[[Row], Row], until: bool = False) -> None:
        self._source = source
        self._predicate = predicate
        self._until = until
        self._ended = False

    def __next__(self) -> Row:
        while not self._ended:
            row = next(self._source)
            if self._predicate(row)[0]:
                return row
            self._ended = self._until
        raise StopIteration


class Sliced(Stage):
    """Every ``step``-th row from row ``start`` on, ``count`` of them (all for None)."""

    def __init__(self, source: Iterator[Row], start: int, count: int | None, step: int = 1) -> None:
        self._source = source
        self._skip = start
        self._left = count
        self._step = step

    def __next__(self) -> Row:
        if self._left == 0:
            raise StopIteration
        while self._skip > 0:
            next(self._source)
            self._skip -= 1
        row = next(self._source)
        self._skip = self._step - 1
        if self._left is not None:
            self._left -= 1
        return row


class Chained(Stage):
    """The rows of one iterator after the other: of as many as ``open`` gives before it gives None."""

    def __init__(self, following: Callable[[], Iterator[Row] | None]) -> None:
        self._following = following
        self._now: Iterator[Row] | None = None

    def __next__(self) -> Row:
        while True:
            if self._now is None:
                self._now = self._following()
                if self._now is None:
                    raise StopIteration
            for row in self._now:
                return row
            self._now = None


class Repeated(Stage):
    """The rows that ``open`` gives, ``count`` times over, for ever where it is negative; never for ever of none."""

    def __init__(self, open: Opener, count: int) -> None:
        self._open = open
        self._left = count
        self._now: Iterator[Row] | None = None
        self._empty = True

    def __next__(self) -> Row:
        while self._left:
            if self._now is None:
                self._now, self._empty = self._open(), True
            for row in self._now:
                self._empty = False
                return row
            self._now = None
            self._left -= self._left > 0
            if self._empty and self._left < 0:
                self._left = 0
        raise StopIteration


class Zipped(Stage):
    """The rows of several iterators side by side, until the first ends."""

    def __init__(self, sources: Sequence[Iterator[Row]]) -> None:
        self._sources = sources

    def __next__(self) -> Row:
        return tuple([x for source in self._sources for x in next(source)])


class Interleaved(Stage):
    """Rows of what ``open`` gives for each row of ``source``: ``cycle`` at a time, ``block`` rows of each in turn."""

    def __init__(self, source: Iterator[Row], open: Callable[[Row], Iterator[Row]], cycle: int, block: int) -> None:
        self._source = source
        self._open = open
        self._block = block
        self._current: list[Iterator[Row] | None] = [None] * cycle
        self._at = 0
        self._taken = 0
        self._ended = False

    def _advance(self) -> None:
        self._taken = 0
        self._at = (self._at + 1) % len(self._current)

    def __next__(self) -> Row:
        while not self._ended or any(x is not None for x in self._current):
            now = self._current[self._at]
            if now is not None:
                for row in now:
                    self._taken += 1
                    if self._taken == self._block:
                        self._advance()
                    return row
                self._current[self._at] = None
                self._advance()
            elif self._ended:
                self._advance()
            else:
                for row in self._source:
                    self._current[self._at] = self._open(row)
                    break
                else:
                    self._ended = True
        raise StopIteration


class Shuffled(Stage):
    """Rows in random order: a buffer of ``size`` is kept full, and one of its rows is drawn each time."""

    def __init__(self, source: Iterator[Row], size: int, chooser: random.Random) -> None:
        self._source = source
        self._size = size
        self._chooser = chooser
        self._buffer: list[Row] = []
        self._ended = False

    def __next__(self) -> Row:
        buffer = self._buffer
        while len(buffer) < self._size and not self._ended:
            for row in self._source:
                buffer.append(row)
                break
            else:
                self._ended = True
        if not buffer:
            raise StopIteration
        chosen = self._chooser.randrange(len(buffer))
        buffer[chosen], buffer[-1] = buffer[-1], buffer[chosen]
        return buffer.pop()


class Batched(Stage):
    """``size`` rows after another put together by ``join``; the last may have fewer, or is dropped."""

    def __init__(self, source: Iterator[Row], size: int, drop: bool, join: Callable[[list[Row]], Row]) -> None:
        self._source = source
        self._size = size
        self._drop = drop
        self._join = join

    def __next__(self) -> Row:
        found: list[Row] = []
        for row in self._source:
            found.append(row)
            if len(found) == self._size:
                break
        if not found or (self._drop and len(found) < self._size):
            raise StopIteration
        return self._join(found)


def stacked(rows: list[Row]) -> Row:
    """The rows' arrays, each along a new first axis. Raises InvalidArgumentError where their shapes differ."""
    return tuple(_stack(position, [row[position] for row in rows]) for position in range(len(rows[0])))


def _stack(position: int, arrays: list[Any]) -> Any:
    first = arrays[0]
    out = numpy.empty((len(arrays), *first.shape), first.dtype)
    for i, x in enumerate(arrays):
        if x.shape != first.shape:
            raise InvalidArgumentError(
                None,
                f"Cannot batch tensors with different shapes in component {position}. First element had shape "
                f"{show(first.shape)} and element {i} had shape {show(x.shape)}.",
            )
        out[i] = x
    return out


def padder(dims: Sequence[Sequence[int | None] | None], values: Sequence[Any]) -> Callable[[list[Row]], Row]:
    """What puts rows together, each component filled up with its value to its shape, to the largest where that is unknown.

    It raises DataLossError where an array is larger than its shape, InvalidArgumentError where ranks differ.
    """

    def padded(rows: list[Row]) -> Row:
        return tuple(_pad(i, [row[i] for row in rows], dims[i], values[i]) for i in range(len(dims)))

    return padded


def _pad(position: int, arrays: list[Any], dims: Sequence[int | None] | None, value: Any) -> Any:
    wanted = (None,) * arrays[0].ndim if dims is None else tuple(dims)
    for x in arrays:
        if x.ndim != len(wanted):
            raise InvalidArgumentError(
                None,
                f"All elements in a batch must have the same rank as the padded shape for component{position}: expected "
                f"rank {len(wanted)} but got element with rank {x.ndim}",
            )
    shape = [max(x.shape[i] for x in arrays) if dim is None else dim for i, dim in enumerate(wanted)]
    out = numpy.full((len(arrays), *shape), value, arrays[0].dtype)
    for i, x in enumerate(arrays):
        if any(a > b for a, b in zip(x.shape, shape, strict=True)):
            raise DataLossError(None, "Attempted to pad to a smaller size than the input element.")
        corner: Any = (i, *map(slice, x.shape))
        out[corner] = x
    return out


class Cached(Stage):
    """The rows of ``open``, kept in ``kept``; from there once they have all been seen."""

    def __init__(self, kept: dict[str, list[Row]], open: Opener) -> None:
        self._kept = kept
        self._whole = "rows" in kept
        self._source = iter(kept["rows"]) if self._whole else open()
        self._rows: list[Row] = []

    def __next__(self) -> Row:
        for row in self._source:
            if not self._whole:
                self._rows.append(row)
            return row
        if not self._whole:
            self._kept["rows"], self._whole = self._rows, True
            self._source = iter(())
        raise StopIteration


class Tolerant(Stage):
    """The rows of ``source`` without those on whose way something failed."""

    def __init__(self, source: Iterator[Row]) -> None:
        self._source = source

    def __next__(self) -> Row:
        while True:
            try:
                return next(self._source)
            except StopIteration:
                raise
            except Exception:  # whatever it is, it is what the user asked to have left out
                continue


class Generated(Stage):
    """What a Python generator yields, as rows: ``convert`` makes one of an item."""

    def __init__(self, make: Callable[[], Any], convert: Callable[[Any], Row]) -> None:
        self._make = make
        self._convert = convert
        self._items: Iterator[Any] | None = None

    def __next__(self) -> Row:
        if self._items is None:
            self._items = iter(self._make())
        return self._convert(next(self._items))


class Later(Stage):
    """The rows of what ``open`` gives when the first is asked for."""

    def __init__(self, open: Opener) -> None:
        self._open = open
        self._source: Iterator[Row] | None = None

    def __next__(self) -> Row:
        if self._source is None:
            self._source = self._open()
        return next(self._source)


def fill_of(spec: Spec) -> Any:
    """What ``padded_batch`` fills up with where it is not told."""
    return b"" if spec.dtype.kind == "O" else spec.dtype.type(0)
