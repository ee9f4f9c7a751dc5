"""Files: written so that whoever reads, or looks after a crash, finds the old one or the new one, whole; and read."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO


if sys.platform != "win32":  # which has no such locks: two writers of one file must not run at once there
    import fcntl

_BINARY = getattr(os, "O_BINARY", 0)
_ALONE = os.O_RDWR | os.O_CREAT | _BINARY | getattr(os, "O_NOFOLLOW", 0)


def write_whole(path: str, data: bytes, beside: str | None = None) -> None:
    """Make ``data`` the content of the file ``path``, in one step.

    The bytes go to a temporary file in the same directory, reach the disk, and then take the place of what is there. A
    writer that is killed leaves at most that temporary file, which the next one uses again: it is called after ``beside``,
    by default the file's own name. Two writers wait for each other. Nothing is written through a link.

    Raises OSError; what was there is then as it was, unless it was the directory that did not reach the disk.
    """
    directory, name = os.path.split(os.path.abspath(path))
    temporary = os.path.join(directory, f".{beside or name}.tmp")
    handle = _alone(temporary)
    try:
        try:
            os.ftruncate(handle, 0)
            _write(handle, data)
            os.fsync(handle)
            if sys.platform == "win32":
                os.close(handle)
                handle = -1
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                if handle < 0 or _leads_to(temporary, handle):
                    os.unlink(temporary)
            raise
        _sync_directory(directory)
    finally:
        if handle >= 0:
            os.close(handle)


def _alone(temporary: str) -> int:
    """The temporary file, open, and this writer's alone until it is closed."""
    while True:
        try:
            handle = os.open(temporary, _ALONE, 0o666)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            os.unlink(temporary)  # a symbolic link: what it leads to is none of ours
            continue
        if sys.platform == "win32":
            return handle
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _leads_to(temporary, handle):  # else the writer before has put it in its place
                about = os.fstat(handle)
                if stat.S_ISREG(about.st_mode) and about.st_nlink == 1:
                    return handle
                os.unlink(temporary)  # a pipe, or another name of somebody's file
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _leads_to(path: str, handle: int) -> bool:
    """Whether it is the open file that has this name by now."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False


def _write(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        written = os.write(handle, left)  # a full disk takes a part before it says so
        if not written:
            raise OSError(errno.EIO, f"{len(left)} bytes could not be written")
        left = left[written:]


def _sync_directory(directory: str) -> None:
    """Let the new name reach the disk, on systems that open directories."""
    with suppress(PermissionError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[tuple[BinaryIO, int]]:
    """The file ``path``, open, and its length.

    Raises OSError, for what is no file on a disk as well: a pipe would be waited for, and a device may have no end.
    """
    handle = os.open(path, os.O_RDONLY | _BINARY | getattr(os, "O_NONBLOCK", 0))
    with open(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            code = errno.EISDIR if stat.S_ISDIR(about.st_mode) else errno.EINVAL
            raise OSError(code, "not a file on a disk", os.fspath(path))
        yield file, about.st_size
