"""What is in force: the default graph and the default session. A new thread starts with neither."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any


graphs: ContextVar[tuple[Any, ...]] = ContextVar("graphs", default=())
sessions: ContextVar[tuple[Any, ...]] = ContextVar("sessions", default=())


@contextmanager
def pushed(stack: ContextVar[tuple[Any, ...]], item: Any) -> Iterator[Any]:
    """A context in which ``item`` is the last of ``stack``."""
    stack.set((*stack.get(), item))
    try:
        yield item
    finally:
        now = stack.get()
        if now and now[-1] is item:
            stack.set(now[:-1])


def session_scope(session: Any) -> AbstractContextManager[Any]:
    """A context in which ``session`` is the default one."""
    return pushed(sessions, session)


def get_default_session() -> Any:
    """The session that ``eval`` and ``run`` without one use; None where there is none."""
    stack = sessions.get()
    return stack[-1] if stack else None


def default_session(session: Any, graph: Any, what: str) -> Any:
    """``session`` or the default one, for ``what``. Raises ValueError where there is none, or it runs another graph."""
    session = session or get_default_session()
    if session is None:
        raise ValueError(
            f"Cannot use {what}: no default session is registered. Use `with sess.as_default()` or pass `session=`."
        )
    if session.graph is not graph:
        raise ValueError(f"Cannot use {what}: the default session runs another graph. Pass `session=`.")
    return session
