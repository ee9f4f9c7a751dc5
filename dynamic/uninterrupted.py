"""What a Ctrl-C does not tear: several arrays that change in place as one, and settings that hold inside a block."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what ``signal`` makes of its functions takes ten times as long, as it makes enumerations of numbers
import threading
from _thread import get_ident
from contextvars import ContextVar
from opcode import opmap
from types import FrameType
from typing import Any, ClassVar, Self


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


_GOES_ON = bytes((opmap["RESUME"], 3))
"""What a function's code begins with where it goes on after an ``await``."""


def at_once(function: Any) -> Any:
    """``function``, without the look for signals that Python takes where a function is entered.

    An ``__exit__`` needs it: what is raised before its first line comes after the block and leaves undone what it is there
    for. The instruction that looks does not do so where it says that an ``await`` is over.
    """
    code = function.__code__
    if code.co_code[0] == _GOES_ON[0]:
        function.__code__ = code.replace(co_code=_GOES_ON + code.co_code[2:])
    return function


class Inside:
    """A context in which ``_variable`` has the value ``_value``. It may be entered again, within itself too."""

    __slots__ = ("_outer",)

    _variable: ClassVar[ContextVar[Any]]
    _value: Any

    def __init__(self) -> None:
        self._outer: Any = None

    def __enter__(self) -> Self:
        self._outer = self._variable.get(), self._outer
        try:
            self._variable.set(self._value)
            return self
        except BaseException:  # a Ctrl-C right behind it
            self.__exit__()
            raise

    @at_once
    def __exit__(self, *_: object) -> None:
        before, self._outer = self._outer
        self._variable.set(before)


__all__ = ["Inside", "Uninterrupted", "at_once"]
