"""Whether operations are recorded: ``no_grad``, ``enable_grad``, ``set_grad_enabled``, ``inference_mode``.

And whether an optimiser's step counts as a change in place: ``strict_updates``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import Any, Self

from dynamic.names import lacking
from dynamic.tape import recording
from dynamic.uninterrupted import Inside, at_once


strict: ContextVar[bool] = ContextVar("strict updates", default=False)
"""Whether an optimiser's step is a change in place that backward passes through older graphs refuse."""


class _Setting:
    """A switch of this thread's: at once when made; as a context manager until the block ends; as a decorator inside."""

    _switch: ContextVar[bool]

    def __init__(self, mode: bool) -> None:
        self._mode = bool(mode)
        self._before = self._switch.get()
        self._switch.set(self._mode)

    def __enter__(self) -> Self:
        self._switch.set(self._mode)
        return self

    @at_once
    def __exit__(self, *_: object) -> None:
        self._switch.set(self._before)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function`` with this setting inside."""
        self._switch.set(self._before)
        return _within(self._switch, self._mode, function)


class set_grad_enabled(_Setting):  # noqa: N801 (PyTorch's name)
    """Turn recording on or off, at once; as a context manager, until the block ends; as a decorator, inside the function."""

    _switch = recording


class strict_updates(_Setting):  # noqa: N801
    """Let optimisers' steps count as changes in place, as today's PyTorch does; used as ``set_grad_enabled`` is.

    Without it a step is like one through ``.data``: a program of 2017 that steps between two backward passes through one
    graph runs, with the gradients that it got then. With it the second of these passes is an error, which names the
    operation that had saved a parameter and the line of the step.
    """

    _switch = strict

    def __init__(self, mode: bool = True) -> None:
        super().__init__(mode)


class _Mode(Inside):
    _variable = recording

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        return super().__new__(cls) if function is None else _within(recording, cls._value, function)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function`` with this mode inside."""
        return _within(recording, self._value, function)


class no_grad(_Mode):  # noqa: N801
    """Record nothing inside: a context manager and a decorator, with or without parentheses."""

    _value = False


class enable_grad(_Mode):  # noqa: N801
    """Record inside, also within ``no_grad``."""

    _value = True


class inference_mode(_Mode):  # noqa: N801
    """``no_grad``, unless ``mode`` is false: then ``enable_grad``. Tensors made inside are as any others."""

    _value = False

    def __new__(cls, mode: Any = True) -> Any:  # noqa: D102
        return super().__new__(cls, None if isinstance(mode, bool) else mode)

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self._value = not mode


def _within(switch: ContextVar[bool], mode: bool, function: Any) -> Any:
    """``function`` with ``switch`` at ``mode`` while its own code runs; of a class, its constructor."""
    if inspect.isclass(function):
        type.__setattr__(function, "__init__", _within(switch, mode, function.__init__))
        return function
    if inspect.isgeneratorfunction(function):
        return _generating(switch, mode, function)
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def waiting(*args: Any, **kwargs: Any) -> Any:
            before = switch.get()
            try:
                switch.set(mode)
                return await function(*args, **kwargs)
            finally:
                switch.set(before)

        return waiting

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        before = switch.get()
        try:
            switch.set(mode)
            return function(*args, **kwargs)
        finally:
            switch.set(before)

    return wrapper


def _generating(switch: ContextVar[bool], mode: bool, function: Callable[..., Generator[Any, Any, Any]]) -> Any:
    """A generator function whose generators run at ``mode``, while between two values their caller's mode holds."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        inside = _within(switch, mode, lambda resume, *given: resume(*given))
        try:
            value = inside(next, generator)
            while True:
                try:
                    sent = yield value
                except GeneratorExit:
                    inside(generator.close)
                    raise
                except BaseException as error:
                    value = inside(generator.throw, error)
                else:
                    value = inside(generator.send, sent)
        except StopIteration as end:
            return end.value

    return wrapper


def is_grad_enabled() -> bool:
    """Whether operations are being recorded."""
    return recording.get()


__getattr__ = lacking(__name__)
