"""The stages that read files."""

from __future__ import annotations

import glob
import weakref
from collections.abc import Callable, Iterator as Rows
from typing import Any, BinaryIO

import numpy

from static.data.stages import Chained, Items, Row, Stage
from static.errors import DataLossError, NotFoundError


def matching(patterns: Any) -> Rows[Row]:
    """The names of the files that match the patterns. Raises NotFoundError where there are none."""
    texts = [pattern.decode() for pattern in numpy.ravel(patterns)]
    found = sorted({name for text in texts for name in glob.glob(text)})
    if not found:
        raise NotFoundError(None, f"No files matched pattern: {', '.join(texts)}")
    return Items(found, lambda name: _bytes(name.encode()))


def _bytes(value: bytes) -> Any:
    box = numpy.empty((), object)
    box[()] = value
    return box


def each_file(names: Any, read: Callable[[BinaryIO], Rows[Row]]) -> Rows[Row]:
    """The rows that ``read`` gives for each file in turn. Raises NotFoundError for one that is not there."""
    left = iter([name.decode() for name in numpy.ravel(names)])

    def following() -> Rows[Row] | None:
        name = next(left, None)
        if name is None:
            return None
        try:
            return read(open(name, "rb"))
        except OSError as error:
            raise NotFoundError(None, f"{name}; {error.strerror}") from error

    return Chained(following)


class FileStage(Stage):
    """What is read of a file, which is closed when nobody has the stage any more."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        weakref.finalize(self, file.close)


class Lines(FileStage):
    """The lines of a file without what ends them."""

    def __next__(self) -> Row:
        return (_bytes(next(self._file).rstrip(b"\n").removesuffix(b"\r")),)


class Records(FileStage):
    """The records of a file. Raises DataLossError where the last is not whole."""

    def __init__(self, file: BinaryIO, length: int, header: int, footer: int) -> None:
        super().__init__(file)
        self._length = length
        size = file.seek(0, 2)
        self._left, rest = divmod(size - header - footer, length)
        if rest or self._left < 0:
            raise DataLossError(
                None,
                f"Excluding the header ({header} bytes) and footer ({footer} bytes), input file {file.name!r} has body "
                f"length {size - header - footer} bytes, which is not an exact multiple of the record length ({length} "
                "bytes).",
            )
        file.seek(header)

    def __next__(self) -> Row:
        if not self._left:
            raise StopIteration
        self._left -= 1
        return (_bytes(self._file.read(self._length)),)
