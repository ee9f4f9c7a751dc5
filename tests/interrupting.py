"""Interrupts at chosen moments: a Ctrl-C that Python takes notice of at the n-th place where it could, and nowhere else.

Python looks for signals where a function is entered, after a call of what is no Python, and where a loop turns round. A
trace function counts these places and makes SIGINT pending right before the one that is asked for. It cannot raise by
itself: an exception from a trace function comes at places where no signal's does, such as between the end of a ``with``
block and the release of its lock.
"""

from __future__ import annotations

import _thread
import dis
import linecache
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any


ROOT = Path(__file__).parents[1]
_PRODUCT = tuple(str(ROOT / package) for package in ("static", "dynamic", "graphs"))


class _Pending(int):
    """``_Pending(signal).now`` makes the signal pending without a call, after which Python would look for signals."""

    now = property(_thread.interrupt_main)


_SIGINT = _Pending(signal.SIGINT)


@cache
def _watching(code: CodeType) -> frozenset[int]:
    """The offsets of the instructions that look for signals, but for the function's entry.

    What has called a function by way of C, such as ``__call__``, looks when it has returned.
    """
    names = ("CALL", "CALL_FUNCTION_EX", "CALL_KW", "JUMP_BACKWARD", "RETURN_VALUE", "RETURN_CONST")
    return frozenset(each.offset for each in dis.get_instructions(code) if each.opname in names)


def product(code: CodeType) -> bool:
    """Whether the code is the project's: a module's, or generated."""
    return code.co_filename.startswith((*_PRODUCT, "<plan", "<kernel", "<loop", "<region"))


def within(*files: str) -> Callable[[CodeType], bool]:
    """Whether a code is of one of these files or folders of the project, or of a plan's text."""
    names = ("<plan", *(str(ROOT / name) for name in files))
    return lambda code: code.co_filename.startswith(names)


class _Placed:
    """Counts the places that ``run`` passes, and does something to it at the ``at``-th from 0 on.

    Attributes:
        places: how many have been passed, up to that one.
        where: the file and line of that one; None if ``run`` has not come so far.
    """

    raised: type[BaseException]

    def __init__(self, at: int, inside: Callable[[CodeType], bool] = product) -> None:
        self._at = at
        self._inside = inside
        self.places = 0
        self.where: tuple[str, int] | None = None
        self.error: BaseException | None = None

    def __call__(self, run: Callable[[], Any]) -> bool:
        """Whether ``run`` was ended by what was done to it."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            run()
            _thread.get_ident()  # any call, for what became pending as ``run`` returned
        except self.raised as error:
            self.error = error
            return True
        finally:
            sys.settrace(before)
        return False

    def _here(self, frame: FrameType) -> bool:
        """Count a place. At the one that is meant it is told so, and no others are looked at from then on."""
        self.places += 1
        if self.places <= self._at:
            return False
        sys.settrace(None)
        self.where = (frame.f_code.co_filename, frame.f_lineno)
        return True

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        raise NotImplementedError


class Interrupt(_Placed):
    """SIGINT, at a place where Python looks for signals."""

    raised = KeyboardInterrupt

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        if not self._inside(frame.f_code):
            return None
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        if self._here(frame):
            _SIGINT.now  # noqa: B018 (from here on nothing is called)
            return None
        return self._follow

    def _follow(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "opcode" and frame.f_lasti in _watching(frame.f_code) and self._here(frame):
            _SIGINT.now  # noqa: B018 (from here on nothing is called)
            return None
        return self._follow


class Fault(_Placed):
    """No memory, where a function is entered; in the text of plans, at each line."""

    raised = Exception

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        if not self._inside(frame.f_code):
            return None
        if frame.f_code.co_filename.startswith("<plan"):
            return self._follow
        if self._here(frame):
            raise MemoryError("planted")
        return None

    def _follow(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and not _native(frame) and self._here(frame):
            raise MemoryError("planted")
        return self._follow


def _native(frame: FrameType) -> bool:
    """Whether a plan's line is a call of a native function, which knows no errors."""
    return linecache.getline(frame.f_code.co_filename, frame.f_lineno).startswith("    part")


@contextmanager
def ctrl_c() -> Iterator[None]:
    """Have SIGINT raise KeyboardInterrupt inside, whatever the test run makes of it."""
    assert threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def everywhere(
    step: Callable[[], Any],
    inside: Callable[[CodeType], bool] = product,
    every: int = 1,
    kind: type[_Placed] = Interrupt,
    ready: Callable[[], Any] = lambda: None,
) -> Iterator[_Placed]:
    """Interrupt ``step`` at its first place, its second, and so on (or every so-many-th) until one gets to its end.

    ``ready`` is called before each. Yields after each, for the caller to check what is left, and fails where an interrupt
    got lost on the way.
    """
    n = 0
    with ctrl_c():
        while True:
            ready()
            placed = kind(n, inside)
            raised = placed(step)
            if placed.where is None:
                assert not raised
                return
            assert raised, f"what happened at {placed.where} got lost"
            yield placed
            n += every
