"""``arg_scope``: arguments that functions get by default inside it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from graphs.core.errors import at_line


F = TypeVar("F", bound=Callable[..., Any])

ArgScope = dict[tuple[str, str], dict[str, Any]]
"""The default arguments in force, for each function by its module and name."""

_scope: ContextVar[ArgScope | None] = ContextVar("arg_scope", default=None)
_taking: set[tuple[str, str]] = set()


def _key(function: Any) -> tuple[str, str]:
    return getattr(function, "_arg_scope_key", (function.__module__, function.__name__))


def has_arg_scope(func: Any) -> bool:
    """Whether ``func`` takes its defaults from scopes."""
    return _key(func) in _taking


def add_arg_scope(func: F) -> F:
    """A decorator: the function takes default arguments from the scopes it is called in."""
    key = _key(func)

    @functools.wraps(func)
    def scoped(*args: Any, **kwargs: Any) -> Any:
        defaults = current_arg_scope().get(key)
        return func(*args, **{**defaults, **kwargs} if defaults else kwargs)

    scoped._arg_scope_key = key  # type: ignore[attr-defined]
    _taking.add(key)
    return scoped  # type: ignore[return-value]


@contextmanager
def arg_scope(list_ops_or_scope: Any, **kwargs: Any) -> Iterator[ArgScope]:
    """A context in which the functions of a list get ``kwargs`` where they are called without them.

    Given what an earlier ``arg_scope`` yielded, its defaults are in force again, and no others. Raises ValueError for a
    function that is not decorated with ``add_arg_scope``, and TypeError for what is neither a list nor a scope.
    """
    if isinstance(list_ops_or_scope, Mapping):
        if kwargs:
            raise ValueError(f"When attempting to re-use a scope by supplying a dictionary, kwargs must be empty{at_line()}")
        inside: ArgScope = {key: dict(defaults) for key, defaults in list_ops_or_scope.items()}
    else:
        inside = _extended(list_ops_or_scope, kwargs)
    before = _scope.set(inside)
    try:
        yield inside
    finally:
        _scope.reset(before)


def _extended(functions: Any, kwargs: Mapping[str, Any]) -> ArgScope:
    if not isinstance(functions, (list, tuple)):
        raise TypeError(f"list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict){at_line()}")
    inside = dict(current_arg_scope())
    for function in functions:
        if not has_arg_scope(function):
            raise ValueError(f"{_key(function)} is not decorated with @add_arg_scope{at_line()}")
        inside[_key(function)] = {**inside.get(_key(function), {}), **kwargs}
    return inside


def current_arg_scope() -> ArgScope:
    """The defaults in force."""
    return _scope.get() or {}


def arg_scoped_arguments(func: Any) -> Iterable[str]:
    """The names of the arguments of ``func`` that have defaults, which scopes can set."""
    function = getattr(func, "__wrapped__", func)
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    return names[len(names) - len(function.__defaults__ or ()) :]


def arg_scope_func_key(op: Any) -> tuple[str, str]:
    """The key of a function in what ``arg_scope`` yields."""
    return _key(op)
