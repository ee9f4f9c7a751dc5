"""What goes around every run of a session while somebody looks: watches, lint, steppers, comparisons.

They may begin and end in any order. While there is none, ``Session.run`` is what it was, and a run pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from static.session import Session


Around = Callable[..., Any]
"""Called as ``around(run, session, fetches, feed_dict, options, run_metadata)``; ``run`` takes the rest."""

_plain = Session.run
_all: list[Around] = []


def enter(around: Around) -> None:
    """Have ``around`` stand around all runs, outside of what stands around them already."""
    _all.append(around)
    _put()


def leave(around: Around) -> None:
    """End that."""
    _all.remove(around)
    _put()


@contextmanager
def going_around(around: Around) -> Iterator[None]:
    """Have ``around`` stand around all runs inside."""
    enter(around)
    try:
        yield
    finally:
        leave(around)


def _put() -> None:
    run = _plain
    for around in _all:
        run = _layer(around, run)
    Session.run = run  # type: ignore[method-assign]


def _layer(around: Around, inner: Callable[..., Any]) -> Callable[..., Any]:
    def run(self: Session, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        return around(inner, self, fetches, feed_dict, options, run_metadata)

    return run
