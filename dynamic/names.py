"""What asking a module for a name that it lacks comes to."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def lacking(module: str, late: tuple[str, ...] = ()) -> Callable[[str], Any]:
    """A module's ``__getattr__``: an AttributeError that names what the module has that comes nearest.

    Submodules in ``late`` are imported when somebody first asks for them, so that importing the module stays quick.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807 (a module's own hook)
        if name in late:
            return import_module(f"{module}.{name}")
        near = difflib.get_close_matches(name, [*vars(sys.modules[module]), *late], n=3)
        hint = f"; there is {', '.join(near)}" if near else ""
        raise AttributeError(f"{module} has no {name!r}{hint}", name=name)

    return __getattr__


def lacking_method(kind: type[Any], name: str) -> AttributeError:
    """The error for a method or attribute that ``kind`` lacks, which names those that come nearest."""
    near = difflib.get_close_matches(name, [each for each in dir(kind) if not each.startswith("_")], n=3)
    hint = f"; there is {', '.join(near)}" if near else ""
    return AttributeError(f"{kind.__name__} has no {name!r}{hint}", name=name)
