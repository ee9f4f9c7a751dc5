"""Writing files so that whoever reads, or looks after a crash, finds the old one or the new one, whole."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import BinaryIO


if sys.platform != "win32":  # which has no such locks: two writers of one file must not run at once there
    import fcntl


def write_whole(path: str, data: bytes, beside: str | None = None) -> None:
    """Make ``data`` the content of the file ``path``, in one step.

    The bytes go to a temporary file in the same directory, reach the disk, and then take the place of what is there. A
    writer that is killed leaves at most that temporary file, which the next one uses again: it is called after ``beside``,
    by default the file's own name. Two writers wait for each other.
    """
    directory, name = os.path.split(os.path.abspath(path))
    temporary = os.path.join(directory, f".{beside or name}.tmp")
    with _alone(temporary) as file:
        try:
            file.truncate(0)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if sys.platform == "win32":
                file.close()
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        _sync_directory(directory)


def _alone(temporary: str) -> BinaryIO:
    """The temporary file, open, and this writer's alone until it is closed."""
    while True:
        file = open(os.open(temporary, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b")  # noqa: SIM115
        if sys.platform == "win32":
            return file
        fcntl.flock(file, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(temporary)):
                return file
        file.close()  # the writer before has put it in its place


def _sync_directory(directory: str) -> None:
    """Let the new name reach the disk, on systems that open directories."""
    with suppress(PermissionError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
