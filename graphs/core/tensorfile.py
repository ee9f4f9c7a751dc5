"""Arrays by name in one file: safetensors' format, read so that what has changed anywhere is noticed.

    the header's length (8 bytes, little-endian), the header (JSON, spaces up to a multiple of 8), the arrays' bytes

The header gives text by name (``__metadata__``) and for each array its dtype, shape, and place among the bytes. The arrays
follow each other without gaps, each at a multiple of its element's size, so that other readers can map them.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy
from numpy import ndarray

from graphs.core.errors import GraphsError
from graphs.core.jsontext import strict


_WORDS = {
    "BOOL": "bool",
    **{f"{kind}{size}": f"{name}{size}" for kind, name in (("I", "int"), ("U", "uint")) for size in (8, 16, 32, 64)},
    **{f"F{size}": f"float{size}" for size in (16, 32, 64)},
}
DTYPES = {word: numpy.dtype(name).newbyteorder("<") for word, name in _WORDS.items()}
"""The format's words for dtypes."""

_CALLED = {dtype: word for word, dtype in DTYPES.items()}
_PIECE = 1 << 24


class TensorFileError(GraphsError, ValueError):
    """What is wrong in such a file.

    Attributes:
        name: the array where it is wrong, empty where that cannot be said.
    """

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class Place(NamedTuple):
    """Where an array lies, from the first to behind the last byte, and what it is."""

    start: int
    end: int
    name: str
    dtype: Any
    shape: tuple[int, ...]


def packed(arrays: Mapping[str, ndarray], metadata: Mapping[str, str]) -> bytes:
    """The bytes of a file. Raises KeyError for a dtype that the format has not."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    at = 0
    rows = [(name, numpy.asarray(array)) for name, array in arrays.items()]
    rows.sort(key=lambda row: -row[1].itemsize)
    for name, array in rows:
        end = at + array.nbytes
        word = _CALLED[array.dtype.newbyteorder("<")]
        header[name] = {"dtype": word, "shape": list(array.shape), "data_offsets": [at, end]}
        at = end
    text = _text(header)
    out = io.BytesIO()
    out.write(len(text).to_bytes(8, "little"))
    out.write(text)
    for _, array in rows:
        plain: Any = numpy.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
        out.write(plain.reshape(-1).view(numpy.uint8))
    return out.getvalue()


def _text(header: Mapping[str, Any], separators: tuple[str, str] = (",", ":"), ascii_only: bool = False) -> bytes:
    text = json.dumps(header, separators=separators, ensure_ascii=ascii_only).encode()
    return text + b" " * (-len(text) % 8)


_FORMS = (((",", ":"), False), ((", ", ": "), True))
"""How headers have been written: as today and as safetensors writes them, and as ``dynamic.save`` wrote them once."""


class TensorFile:
    """A file of arrays, open: its header has been read and checked.

    Args:
        head: its first eight bytes.
        file: where the bytes after these come from.
        left: how many there are; None where that is not known.

    Raises TensorFileError where the header is not whole, or describes what cannot be.

    Attributes:
        metadata: text by name.
        places: where the arrays lie, in order.
    """

    def __init__(self, head: bytes, file: BinaryIO, left: int | None) -> None:
        size = int.from_bytes(head, "little")
        if len(head) < 8 or not size:
            raise TensorFileError("it does not begin with the length of a header")
        if left is not None and size > left:
            raise TensorFileError(f"its header of {size} bytes ends after {left}")
        text = taken(file, size, left is not None)
        if len(text) < size:
            raise TensorFileError(f"its header of {size} bytes ends after {len(text)}")
        self._file, self._left = file, None if left is None else left - size
        try:
            header = strict(bytes(text))
            if not isinstance(header, dict) or not any(text == _text(header, *form) for form in _FORMS):
                raise ValueError("it is not written as such headers are")
        except (ValueError, RecursionError) as error:
            raise TensorFileError(f"its header is damaged: {error}") from None
        self.metadata = header.pop("__metadata__", {})
        if not isinstance(self.metadata, dict) or not all(isinstance(text, str) for text in self.metadata.values()):
            raise TensorFileError("its header is damaged: '__metadata__' has to give text by name")
        self.places = sorted(_place(name, about) for name, about in header.items())
        at = 0
        for place in self.places:
            if place.start != at:
                word = "overlaps" if place.start < at else "leaves a gap after"
                raise TensorFileError(f"{place.name!r} {word} what is before it", place.name)
            at = place.end
        self.size = at

    def arrays(self) -> Iterator[tuple[str, ndarray]]:
        """Name and value of each array, in the order of their places, in the machine's byte order.

        Raises TensorFileError where the file ends too early, before anything is read where that is known, or too late.
        """
        if self._left is not None and self._left != self.size:
            if self._left > self.size:
                raise TensorFileError(f"{self._left - self.size} bytes follow its end")
            place = next(place for place in self.places if place.end > self._left)
            raise self._short(place, max(self._left - place.start, 0))
        for place in self.places:
            length = place.end - place.start
            data = taken(self._file, length, self._left is not None)
            if len(data) < length:
                raise self._short(place, len(data))
            array = numpy.frombuffer(data, place.dtype).reshape(place.shape)
            yield place.name, array.astype(array.dtype.newbyteorder("="), copy=False)

    def _short(self, place: Place, there: int) -> TensorFileError:
        return TensorFileError(
            f"it is cut short: {place.name!r} has {there} of its {place.end - place.start} bytes", place.name
        )


def taken(file: BinaryIO, count: int, there: bool) -> bytearray:
    """So many bytes, or as many as there are: memory is taken for those that are ``there``, or have come."""
    if there:
        made = bytearray(count)
        into = memoryview(made)
        got = 0
        while got < count and (read := file.readinto(into[got:])):  # type: ignore[attr-defined]
            got += read
        into.release()
        del made[got:]
        return made
    made = bytearray()
    while len(made) < count:
        piece = file.read(min(count - len(made), _PIECE))
        if not piece:
            break
        made += piece
    return made


def _place(name: str, about: Any) -> Place:
    def wrong(what: str) -> TensorFileError:
        return TensorFileError(f"its header is damaged: {name!r} {what}", name)

    if not isinstance(about, dict) or about.keys() != {"dtype", "shape", "data_offsets"}:
        raise wrong("has to have a dtype, a shape and data_offsets")
    dtype = DTYPES.get(about["dtype"]) if isinstance(about["dtype"], str) else None
    if dtype is None:
        raise wrong(f"is of no dtype that is known, {about['dtype']!r:.80}")
    shape, offsets = about["shape"], about["data_offsets"]
    for what, numbers in (("shape", shape), ("data_offsets", offsets)):
        if not isinstance(numbers, list) or not all(type(n) is int and n >= 0 for n in numbers):
            raise wrong(f"has {what} {numbers!r:.80}, which are no sizes")
    if math.prod(n or 1 for n in shape) * dtype.itemsize >= 1 << 63 or len(shape) > 64:
        raise wrong(f"is of a shape that no array can have, {shape!r:.80}")
    if len(offsets) != 2 or offsets[1] - offsets[0] != math.prod(shape) * dtype.itemsize:
        raise wrong(f"of shape {shape!r:.80} cannot lie at {offsets!r:.80}")
    return Place(offsets[0], offsets[1], name, dtype, tuple(shape))
