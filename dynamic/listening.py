"""Hearing of every operation, of modules being called and of changes in place: what watches and the stepper stand on.

While nobody listens nothing is asked anywhere: the hooks that this uses are put in place by the first listener and taken
away with the last.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from types import CodeType
from typing import Any

from dynamic import apply as applying
from dynamic.apply import Carried, apply, settled
from dynamic.nn.modules.hooks import register_module_forward_hook, register_module_forward_pre_hook
from dynamic.tape import user_frame
from graphs.core.op import Op


class Listener:
    """Is told what happens; a subclass says what it wants to know.

    Attributes:
        settles: whether operands are cast to the dtype that is computed in before, as operations of their own.
    """

    settles = False

    def ran(self, op: Op, args: tuple[Any, ...], params: Mapping[str, Any], result: Any) -> None:
        """An operation gave ``result``, a tensor or a tuple of them."""

    def called(self, path: str, module: Any, result: Any) -> None:
        """A module, ``net.layer1``, gave ``result``; None where it failed."""


_listeners: list[Listener] = []
_before: Any = None
_handles: list[Any] = []
_local = threading.local()


def listen(listener: Listener) -> None:
    """Tell ``listener`` from now on."""
    global _before
    if not _listeners:
        _before, applying.around = applying.around, _around
        _handles[:] = [
            register_module_forward_pre_hook(_enter),
            register_module_forward_hook(_leave, with_kwargs=True, always_call=True),
        ]
    _listeners.append(listener)


def leave(listener: Listener) -> None:
    """Tell it no more."""
    global _before
    _listeners.remove(listener)
    if not _listeners:
        while _handles:
            _handles.pop().remove()
        if applying.around is _around:
            applying.around = _before
            _before = None


def path() -> str:
    """The module that is running in this thread, ``net.layer1.0``; empty outside of modules."""
    stack = getattr(_local, "stack", None)
    return stack[-1] if stack else ""


@lru_cache(maxsize=4096)
def place(code: CodeType, lasti: int) -> tuple[Any, ...]:
    """A place in a program that stays the same each time round: line and columns.

    The offset of an instruction does not: Python's interpreter replaces instructions by quicker ones as it gets to know
    them, and then stands a few bytes further on.
    """
    return (code, *next(islice(code.co_positions(), lasti // 2, None)))


def _around(op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    deaf = getattr(_local, "deaf", False) or not _listeners
    if not deaf and any(each.settles for each in _listeners) and any(isinstance(x, Carried) for x in args):
        args = settled(op, args, params)
    result = apply(op, args, params, plainly=True) if _before is None else _before(op, args, params)
    if deaf:
        return result
    _local.deaf = True  # what a listener computes is nobody's business
    try:
        for listener in tuple(_listeners):
            listener.ran(op, args, params, result)
    finally:
        _local.deaf = False
    return result


def _enter(module: Any, _args: Any) -> None:
    stack = getattr(_local, "stack", None)
    if stack is None:
        stack = _local.stack = []
    if not stack:
        first = _name(module)
        _local.names = {id(each): f"{first}.{name}" if name else first for name, each in module.named_modules()}
    stack.append(_local.names.get(id(module)) or f"{stack[-1] if stack else ''}.{type(module).__name__}".lstrip("."))


def _leave(module: Any, _args: Any, _kwargs: Any, result: Any) -> None:
    stack = getattr(_local, "stack", None)
    if not stack:
        return  # it was called before anybody listened
    name = stack.pop()
    for listener in tuple(_listeners):
        listener.called(name, module, result)


def _name(module: Any) -> str:
    """What the user calls a module: the variable that holds it where it is called, else its class."""
    frame = user_frame(sys._getframe(1))
    for names in (frame.f_locals, frame.f_globals):
        for name, value in names.items():
            if value is module and name != "self":
                return str(name)
    return type(module).__name__


def tensors(result: Any) -> list[Carried]:
    """The tensors among what an operation or a module gave."""
    found: list[Carried] = []
    stack = [result]
    while stack:
        each = stack.pop()
        if isinstance(each, Carried):
            found.append(each)
        elif isinstance(each, (tuple, list)):
            stack += reversed(each)
        elif isinstance(each, Mapping):
            stack += reversed(list(each.values()))
    return found
