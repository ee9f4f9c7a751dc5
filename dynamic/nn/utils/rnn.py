"""Batches of sequences of different lengths, padded and packed: PyTorch's ``torch.nn.utils.rnn``.

A packed sequence has the first step of all sequences, then the second of all that have one, and so on, the longest first:
what recurrent layers take without computing on padding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, Self

import numpy

from dynamic.apply import Carried, apply, wrap
from dynamic.elsewhere import beside, to_numpy
from dynamic.names import lacking
from graphs.core.arrays import xp_of
from graphs.core.errors import ShapeError, at_line
from graphs.ops import concat, segment_take, where


class _Packed(NamedTuple):
    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(_Packed):
    """The rows of a batch of sequences, step by step.

    Attributes:
        data: the rows, (sum of lengths, ...).
        batch_sizes: how many sequences have each step, int64.
        sorted_indices: in which order the batch was taken to have the longest first; None where it had.
        unsorted_indices: where each sequence of the batch is among the sorted ones.
    """

    __slots__ = ()

    def __new__(cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None) -> Self:
        """A packed sequence of its parts, or of a pair ``(data, batch_sizes)``."""
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise AssertionError("without batch_sizes, data is a pair of data and batch_sizes")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **named: Any) -> Self:
        """With the rows in another dtype or place; itself where they have it already."""
        data = self.data.to(*args, **named)
        return self if data is self.data else type(self)(data, *self[1:])

    def cuda(self, *args: Any, **named: Any) -> Self:
        """With the rows on a GPU."""
        return type(self)(self.data.cuda(*args, **named), *self[1:])

    def cpu(self, *args: Any, **named: Any) -> Self:
        """With the rows in the processor's memory."""
        return self.to("cpu")

    def pin_memory(self) -> Self:
        """Itself: no memory is pinned here."""
        return self

    def is_pinned(self) -> bool:
        """False."""
        return False

    @property
    def is_cuda(self) -> bool:
        """Whether the rows are on a GPU."""
        return bool(self.data.is_cuda)

    def _cast(self, name: str) -> Self:
        data = getattr(self.data, name)()
        return self if data is self.data else type(self)(data, *self[1:])

    def double(self) -> Self:
        """With rows of float64."""
        return self._cast("double")

    def float(self) -> Self:
        """With rows of float32."""
        return self._cast("float")

    def half(self) -> Self:
        """With rows of float16."""
        return self._cast("half")

    def long(self) -> Self:
        """With rows of int64."""
        return self._cast("long")

    def int(self) -> Self:
        """With rows of int32."""
        return self._cast("int")

    def short(self) -> Self:
        """With rows of int16."""
        return self._cast("short")

    def char(self) -> Self:
        """With rows of int8."""
        return self._cast("char")

    def byte(self) -> Self:
        """With rows of uint8."""
        return self._cast("byte")


def invert_permutation(permutation: Any) -> Any:
    """The permutation that undoes another, None for None."""
    if permutation is None:
        return None
    places = permutation._array
    xp: Any = xp_of((places,))
    inverse = xp.empty_like(places)
    inverse[places] = xp.arange(len(places))
    return wrap(inverse)


def _numbers(lengths: Any) -> numpy.ndarray:
    return (to_numpy(lengths._array) if isinstance(lengths, Carried) else numpy.asarray(lengths)).astype(numpy.int64)


def pack_padded_sequence(input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True) -> PackedSequence:
    """The first ``lengths[b]`` steps of each sequence of a padded batch (steps, batch, ...), packed.

    Args:
        input: the batch; with ``batch_first`` (batch, steps, ...).
        lengths: a list or tensor of integers.
        enforce_sorted: the longest come first already; without it they are sorted.

    Raises RuntimeError for lengths that are not sorted, below 1, beyond the steps, or not one for each sequence.
    """
    numbers = _numbers(lengths)
    order = None
    if not enforce_sorted:
        places = numpy.argsort(-numbers, kind="stable")
        order = wrap(beside(places, input._array))
        input = input.index_select(0 if batch_first else 1, order)
        numbers = numbers[places]
    shape = input._array.shape
    steps, batch = (shape[1], shape[0]) if batch_first else shape[:2]
    if not input._array.size:
        raise ShapeError(f"Cannot pack empty tensors.{at_line()}")
    if len(numbers) != batch:
        message = f"Expected `len(lengths)` to be equal to batch_size, but got {len(numbers)} (batch_size={batch})"
        raise ShapeError(message + at_line())
    if numbers.min() < 1:
        raise ShapeError(f"Length of all samples has to be greater than 0, but one is {numbers.min()}{at_line()}")
    if (numbers[1:] > numbers[:-1]).any():
        raise ShapeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True; enforce_sorted=False sorts"
            + at_line()
        )
    if numbers[0] > steps:
        raise ShapeError(f"a sequence of length {numbers[0]} in a batch of {steps} steps{at_line()}")
    lanes, rounds = numpy.meshgrid(numpy.arange(batch), numpy.arange(numbers[0]))
    there = rounds < numbers
    places = (lanes * steps + rounds if batch_first else rounds * batch + lanes)[there]
    rows = input.reshape(steps * batch, *shape[2:])
    return PackedSequence(_taken(rows, places), wrap(there.sum(1)), order)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Any, Any]:
    """The padded batch (steps, batch, ...) of a packed sequence, in its first order, and the lengths.

    ``total_length`` is the number of steps; by default the longest sequence's. Raises ValueError where that is longer.
    """
    data, batch_sizes, _, back = sequence
    sizes = to_numpy(batch_sizes._array)
    steps = len(sizes)
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                f"Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {steps}"
            )
        sizes = numpy.concatenate([sizes, numpy.zeros(total_length - steps, sizes.dtype)])
    lanes = numpy.arange(sizes[0]) if back is None else to_numpy(back._array)
    starts = numpy.cumsum(sizes) - sizes
    places = numpy.where(lanes < sizes[:, None], lanes + starts[:, None], -1)
    lengths = (places >= 0).sum(0)
    return _filled(data, places.T if batch_first else places, padding_value), wrap(lengths)


def _taken(rows: Any, places: numpy.ndarray) -> Any:
    """The rows at ``places``, zeros where a place is negative."""
    if rows._array.dtype.kind == "b":
        return apply(segment_take, (rows.byte(), beside(places, rows._array))).bool()
    return apply(segment_take, (rows, beside(places, rows._array)))


def _filled(rows: Any, places: numpy.ndarray, padding_value: float) -> Any:
    """The rows at ``places``, and ``padding_value`` where a place is negative."""
    padded = _taken(rows, places)
    missing = places < 0
    if not padding_value or not missing.any():
        return padded
    missing = missing.reshape(*places.shape, *[1] * (padded._array.ndim - places.ndim))
    value = numpy.asarray(padding_value, padded._array.dtype)
    return apply(where, (beside(missing, padded._array), value, padded))


def pad_sequence(sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right") -> Any:
    """Sequences (length, ...) side by side as (steps, batch, ...), padded to the longest.

    Raises RuntimeError for no sequences, for what is not iterable, and for a side that is neither ``left`` nor ``right``.
    """
    if not isinstance(sequences, Iterable):
        raise ShapeError(f"pad_sequence takes a sequence of tensors, not {type(sequences).__name__}{at_line()}")
    if padding_side not in ("left", "right"):
        raise ShapeError(f"Expected padding_side to be one of left or right, but got {padding_side}.{at_line()}")
    given = list(sequences)
    if not given:
        raise ShapeError(f"received an empty list of sequences{at_line()}")
    lengths = [len(each._array) for each in given]
    steps = numpy.arange(max(lengths))
    places = numpy.full((len(given), len(steps)), -1)
    for row, start, length in zip(places, accumulate(lengths, initial=0), lengths, strict=False):
        at = slice(0, length) if padding_side == "right" else slice(len(steps) - length, None)
        row[at] = steps[:length] + start
    return _filled(apply(concat, tuple(given)), places if batch_first else places.T, padding_value)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """The sequences of a padded batch without what is behind their ends."""
    batch = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [batch[i, : int(length)] for i, length in enumerate(_numbers(lengths))]


def pack_sequence(sequences: Sequence[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (length, ...), the longest first unless ``enforce_sorted`` is False, packed."""
    lengths = [len(each._array) for each in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """The sequences of a packed one, in their first order."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


__getattr__ = lacking(__name__)
