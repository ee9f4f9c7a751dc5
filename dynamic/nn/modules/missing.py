"""The error for what a module lacks."""

from __future__ import annotations

import difflib
import weakref
from typing import Any

from dynamic.names import lacking


class LackingError(AttributeError):
    """An attribute that a module lacks.

    The nearest names are looked for only where somebody reads the message: registering asks of every new name whether it is
    there. Pickled, it is an AttributeError with the whole message.
    """

    def __init__(self, module: Any, name: str) -> None:
        super().__init__(f"'{type(module).__name__}' object has no attribute '{name}'", name=name)
        self._names = weakref.WeakMethod(module.__dir__)

    def __reduce__(self) -> tuple[Any, ...]:
        return AttributeError, (str(self),)

    def __str__(self) -> str:
        message, names = super().__str__(), self._names()
        wanted = str(self.name)
        if names is None or wanted.startswith("__"):
            return message
        near = difflib.get_close_matches(wanted, [each for each in names() if not each.startswith("_")], n=3)
        return message + (f"; there is {', '.join(near)}" if near else "")


__getattr__ = lacking(__name__)
