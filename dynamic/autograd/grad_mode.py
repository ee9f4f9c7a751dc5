"""Whether operations are recorded: ``no_grad``, ``enable_grad``, ``set_grad_enabled``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Self

from dynamic.tape import recording


class set_grad_enabled:  # noqa: N801 (PyTorch's name)
    """Turn recording on or off, at once; as a context manager, until the block ends; as a decorator, inside the function."""

    def __init__(self, mode: bool) -> None:
        self._mode = bool(mode)
        self._before = recording.get()
        recording.set(self._mode)

    def __enter__(self) -> Self:
        recording.set(self._mode)
        return self

    def __exit__(self, *_: object) -> None:
        recording.set(self._before)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function`` with this mode inside."""
        recording.set(self._before)
        return _within(self._mode, function)


class _Mode:
    _mode: bool

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> Self:
        self._before.append(recording.get())
        recording.set(self._mode)
        return self

    def __exit__(self, *_: object) -> None:
        recording.set(self._before.pop())

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        return super().__new__(cls) if function is None else _within(cls._mode, function)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function`` with this mode inside."""
        return _within(self._mode, function)


class no_grad(_Mode):  # noqa: N801
    """Record nothing inside: a context manager and a decorator, with or without parentheses."""

    _mode = False


class enable_grad(_Mode):  # noqa: N801
    """Record inside, also within ``no_grad``."""

    _mode = True


def _within(mode: bool, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        token = recording.set(mode)
        try:
            return function(*args, **kwargs)
        finally:
            recording.reset(token)

    return wrapper


def is_grad_enabled() -> bool:
    """Whether operations are being recorded."""
    return recording.get()
