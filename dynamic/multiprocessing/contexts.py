"""The standard library's contexts, one a way to start processes, with queues and pipes that know of shared memory."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
from typing import Any

from dynamic.multiprocessing import channels


class _Shares:
    """What a context makes otherwise than the standard library's."""

    def Queue(self, maxsize: int = 0) -> channels.Queue:  # noqa: N802 (the standard library's name)
        """A queue; see ``channels.Queue``."""
        return channels.Queue(maxsize, ctx=self)

    def JoinableQueue(self, maxsize: int = 0) -> channels.JoinableQueue:  # noqa: N802 (likewise)
        """A queue that can be joined."""
        return channels.JoinableQueue(maxsize, ctx=self)

    def SimpleQueue(self) -> channels.SimpleQueue:  # noqa: N802 (likewise)
        """A queue that is a locked pipe."""
        return channels.SimpleQueue(ctx=self)

    def Pipe(self, duplex: bool = True) -> tuple[Any, Any]:  # noqa: N802 (likewise)
        """Two connections; see ``channels.Pipe``."""
        return channels.Pipe(duplex)

    def get_context(self, method: str | None = None) -> Any:
        """The context of a start method; without one, this."""
        return self if method is None else get_context(method)


_CONTEXTS: dict[str, Any] = {}


def get_context(method: str | None = None) -> Any:
    """A context whose processes start by ``method`` ("fork", "spawn" or "forkserver"), by default the one that is set.

    Raises ValueError where this system has no such method.
    """
    base = multiprocessing.get_context(method or multiprocessing.get_start_method())
    name = base.get_start_method()
    if name not in _CONTEXTS:
        _CONTEXTS[name] = type(type(base).__name__, (_Shares, type(base)), {})()
    return _CONTEXTS[name]
