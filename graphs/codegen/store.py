"""Machine code kept on disk, so that what one process has compiled the next one loads.

The code is run as it is found, so a folder is used only if nobody else can write to it, and a file only if its digest fits:
what is cut short, altered or not ours counts as missing. Whatever the file system refuses, there is just no cache.
"""

from __future__ import annotations

import os
import stat
import threading
from contextlib import suppress
from pathlib import Path


_MAGIC = b"diptych\x01"
_SUFFIX = ".kernel"
_LIMIT = 256 * 2**20
_SAVES_PER_SWEEP = 64
_ABANDONED = 3600.0
"""Seconds after which a temporary file belongs to a process that has died."""


def folder() -> Path | None:
    """Where kernels are kept: ``kernels`` in the user's cache folder or the one that DIPTYCH_CACHE names; None for "0"."""
    named = os.environ.get("DIPTYCH_CACHE")
    if named == "0":
        return None
    if not named:
        import platformdirs  # takes 15 ms, which processes that compile nothing do without

        named = platformdirs.user_cache_dir("diptych")
    return Path(named) / "kernels"


def digest(*parts: str) -> str:
    """The key of what is made from ``parts``, in hexadecimal."""
    import hashlib  # takes 5 ms, which processes that compile nothing do without

    whole = hashlib.sha256()
    for part in parts:
        data = part.encode()
        whole.update(len(data).to_bytes(8, "little"))
        whole.update(data)
    return whole.hexdigest()


class Store:
    """Machine code by key in a folder, which is made if it is missing. No method raises OSError.

    Args:
        folder: where the files are; None keeps nothing.
        limit: how many bytes they may take up together. What was used least recently goes first.
    """

    def __init__(self, folder: Path | None, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._saved = 0
        self._folder = folder if folder is not None and _private(folder) else None

    def load(self, key: str) -> bytes | None:
        """The code that was saved under ``key``, whole and unaltered; None if there is none."""
        if self._folder is None:
            return None
        path = self._folder / (key + _SUFFIX)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        head, code = data[: len(_MAGIC) + 32], data[len(_MAGIC) + 32 :]
        if head != _head(key, code):
            return None
        with suppress(OSError):
            os.utime(path)  # many file systems do not note when a file is read
        return code

    def save(self, key: str, code: bytes) -> None:
        """Keep ``code`` under ``key``. Others see all of it or nothing: it is written beside its place, then renamed."""
        if self._folder is None:
            return
        temporary = self._folder / f"{key}.{os.getpid()}.{threading.get_ident()}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with open(descriptor, "wb") as file:
                    file.write(_head(key, code) + code)
                os.replace(temporary, self._folder / (key + _SUFFIX))
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            if self._saved % _SAVES_PER_SWEEP == 0:
                self._sweep(self._folder)
        except OSError:
            return
        self._saved += 1

    def _sweep(self, folder: Path) -> None:
        """Where the files are above the limit, remove what was used least recently, down to three quarters of it."""
        found = []
        for entry in list(os.scandir(folder)):
            try:
                about = entry.stat(follow_symlinks=False)
            except FileNotFoundError:  # another process sweeps
                continue
            if stat.S_ISREG(about.st_mode):
                found.append((max(about.st_atime, about.st_mtime), about.st_size, entry.path))
        found.sort()
        total = sum(size for _, size, _ in found)
        above = total > self._limit
        for used, size, path in found:
            dead = not path.endswith(_SUFFIX) and used < found[-1][0] - _ABANDONED
            if dead or (above and total > self._limit * 3 // 4):
                Path(path).unlink(missing_ok=True)
                total -= size


def _head(key: str, code: bytes) -> bytes:
    """What a file begins with. The key is part of the digest: a file renamed is not taken for another."""
    import hashlib

    return _MAGIC + hashlib.sha256(key.encode() + code).digest()


def _private(folder: Path) -> bool:
    """Whether ``folder``, made if need be, is a folder of this user's that nobody else can write to."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = os.lstat(folder)
    except OSError:
        return False
    if not stat.S_ISDIR(about.st_mode):
        return False
    # Windows has no owners of this kind; a user's cache folder is the user's own there.
    return not hasattr(os, "geteuid") or (about.st_uid == os.geteuid() and not about.st_mode & 0o022)
