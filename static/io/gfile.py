"""``tf.io.gfile``: files and directories, with TensorFlow's errors. ``tf.gfile`` has the same under older names."""

from __future__ import annotations

import errno
import glob as _glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from static.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    PermissionDeniedError,
    UnknownError,
)


_KINDS: dict[int | None, type[OpError]] = {
    errno.ENOENT: NotFoundError,
    errno.EEXIST: AlreadyExistsError,
    errno.EACCES: PermissionDeniedError,
    errno.EPERM: PermissionDeniedError,
    errno.ENOTDIR: FailedPreconditionError,
    errno.EISDIR: FailedPreconditionError,
    errno.ENOTEMPTY: FailedPreconditionError,
}


@contextmanager
def _errors(name: Any) -> Iterator[None]:
    """Raise TensorFlow's error in place of the operating system's."""
    try:
        yield
    except OSError as error:
        raise _KINDS.get(error.errno, UnknownError)(None, f"{name}; {error.strerror}") from error


def _path(name: Any) -> str:
    return os.fsdecode(name)


class GFile:
    """A file that is opened when it is first read or written.

    ``mode`` is that of Python's ``open``, one of r, w, a, r+, w+, a+, with b for bytes. Raises InvalidArgumentError for
    another; reading and writing raise NotFoundError, PermissionDeniedError and the like.
    """

    def __init__(self, name: Any, mode: str = "r") -> None:
        if mode.replace("b", "") not in ("r", "w", "a", "r+", "w+", "a+"):
            raise InvalidArgumentError(None, "mode is not 'r' or 'w' or 'a' or 'r+' or 'w+' or 'a+'")
        self._name = _path(name)
        self._mode = mode
        self._file: Any = None

    @property
    def name(self) -> str:
        """The file's name."""
        return self._name

    @property
    def mode(self) -> str:
        """How it was opened."""
        return self._mode

    def _reading(self) -> Any:
        if "r" not in self._mode and "+" not in self._mode:
            raise PermissionDeniedError(None, "File isn't open for reading")
        return self._opened()

    def _writing(self) -> Any:
        if self._mode.replace("b", "") == "r":
            raise PermissionDeniedError(None, "File isn't open for writing")
        return self._opened()

    def _opened(self) -> Any:
        if self._file is None:
            text: dict[str, Any] = {} if "b" in self._mode else {"encoding": "utf-8", "newline": ""}
            with _errors(self._name):
                self._file = open(self._name, self._mode, **text)  # noqa: SIM115 (it is closed by ``close``)
        return self._file

    def read(self, n: int = -1) -> Any:
        """The next ``n`` characters or bytes, by default all that are left."""
        return self._reading().read(n)

    def readline(self) -> Any:
        """The next line with its end, empty at the end of the file."""
        return self._reading().readline()

    def readlines(self) -> list[Any]:
        """The lines that are left."""
        return list(self._reading().readlines())

    def __iter__(self) -> Iterator[Any]:
        return iter(self.readline, b"" if "b" in self._mode else "")

    def write(self, file_content: Any) -> None:
        """Append text or bytes."""
        self._writing().write(file_content)

    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Go on reading elsewhere: ``offset`` from the start (0), from here (1) or from the end (2)."""
        self._reading().seek((position if offset is None else offset) or 0, whence)

    def tell(self) -> int:
        """Where reading goes on."""
        return int(self._opened().tell())

    def size(self) -> int:
        """The file's size in bytes."""
        return stat(self._name).length

    def flush(self) -> None:
        """Have what was written reach the file."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close it; what follows opens it again."""
        if self._mode[0] == "w" and self._file is None:
            self._opened()
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class FileStatistics:
    """A file's size in bytes, when it was changed (nanoseconds since 1970), and whether it is a directory."""

    length: int
    mtime_nsec: int
    is_directory: bool


def exists(filename: Any) -> bool:
    """Whether there is such a file or directory."""
    return os.path.exists(_path(filename))


def isdir(dirname: Any) -> bool:
    """Whether there is such a directory."""
    return os.path.isdir(_path(dirname))


def listdir(dirname: Any) -> list[str]:
    """The names in a directory. Raises NotFoundError where there is none."""
    if not isdir(dirname):
        raise NotFoundError(None, f"Could not find directory {_path(dirname)}")
    return os.listdir(_path(dirname))


def glob(filename: Any) -> list[str]:
    """The files that match a pattern, or one of several."""
    patterns = filename if isinstance(filename, (list, tuple)) else [filename]
    return [name for pattern in patterns for name in sorted(_glob.glob(_path(pattern)))]


def mkdir(dirname: Any) -> None:
    """Make a directory, whose parent has to be there."""
    with _errors(_path(dirname)):
        if not isdir(dirname):
            os.mkdir(_path(dirname))


def makedirs(dirname: Any) -> None:
    """Make a directory and those it is in, as far as they are not there."""
    with _errors(_path(dirname)):
        os.makedirs(_path(dirname), exist_ok=True)


def remove(filename: Any) -> None:
    """Delete a file."""
    with _errors(_path(filename)):
        os.remove(_path(filename))


def rmtree(dirname: Any) -> None:
    """Delete a directory and all that is in it."""
    if not exists(dirname):
        raise NotFoundError(None, f"{_path(dirname)} not found")
    import shutil  # takes 5 ms, which other programs do without

    with _errors(_path(dirname)):
        shutil.rmtree(_path(dirname))


def copy(oldpath: Any, newpath: Any, overwrite: bool = False) -> None:
    """Copy a file. Raises AlreadyExistsError where the new one is there, unless ``overwrite``."""
    import shutil

    _vacant(newpath, overwrite)
    with _errors(_path(oldpath)):
        shutil.copyfile(_path(oldpath), _path(newpath))


def rename(oldname: Any, newname: Any, overwrite: bool = False) -> None:
    """Rename a file or directory. Raises AlreadyExistsError where the new one is there, unless ``overwrite``."""
    _vacant(newname, overwrite)
    with _errors(_path(oldname)):
        os.replace(_path(oldname), _path(newname))


def _vacant(name: Any, overwrite: bool) -> None:
    if not overwrite and exists(name):
        raise AlreadyExistsError(None, "file already exists")


def stat(filename: Any) -> FileStatistics:
    """Size, time of change and kind of a file."""
    with _errors(_path(filename)):
        found = os.stat(_path(filename))
    return FileStatistics(found.st_size, found.st_mtime_ns, isdir(filename))


def walk(top: Any, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """A directory and those in it, each with the names of its directories and of its files; the outer ones first."""
    return os.walk(_path(top), topdown=in_order)
