"""Changing several arrays in place as one: a Ctrl-C waits until all of it is done."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what ``signal`` makes of its functions takes ten times as long, as it makes enumerations of numbers
import threading
from _thread import get_ident
from types import FrameType
from typing import Any


_SIGINT = int(_signal.SIGINT)
_handler, _handle = _signal.getsignal, _signal.signal


class Uninterrupted:
    """A block that SIGINT does not end half-way: what handles it is called where the block ends.

    Signals are handled in the main thread, so in another there is nothing to hold back.
    """

    __slots__ = ("_before", "_came", "_frame")

    def __enter__(self) -> None:
        self._came = False
        before = _handler(_SIGINT) if get_ident() == threading.main_thread().ident else None
        self._before: Any = before if callable(before) else None
        if self._before is not None:
            _handle(_SIGINT, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came, self._frame = True, frame

    def __exit__(self, *_: Any) -> None:
        if self._before is not None:
            _handle(_SIGINT, self._before)
            if self._came:
                self._before(_SIGINT, self._frame)


__all__ = ["Uninterrupted"]
