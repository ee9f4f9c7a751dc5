"""What asking a module for a name that it lacks comes to."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any


_NONE: Mapping[str, str] = {}


def lacking(module: str, late: tuple[str, ...] = (), inside: Mapping[str, str] = _NONE) -> Callable[[str], Any]:
    """A module's ``__getattr__``: an AttributeError that names what the module has that comes nearest.

    Submodules in ``late`` are imported when somebody first asks for them, so that importing the module stays quick; so are
    those in ``inside`` that have what is asked for, by its name.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807 (a module's own hook)
        if name in late:
            return import_module(f"{module}.{name}")
        if name in inside:
            found = vars(sys.modules[module])[name] = getattr(import_module(f"{module}.{inside[name]}"), name)
            return found
        raise LackingError(module, module.replace("dynamic", "torch", 1), name, every)

    def every() -> Iterable[str]:
        return dict.fromkeys([*vars(sys.modules[module]), *late, *inside])

    return __getattr__


def lacking_method(kind: type[Any], name: str) -> AttributeError:
    """The error for a method or attribute that ``kind`` lacks, which names those that come nearest."""
    if name.startswith("_"):  # what Python and numpy ask of any object
        return AttributeError(f"{kind.__name__} has no {name!r}", name=name)
    return LackingError(
        kind.__name__, f"torch.{kind.__name__}", name, lambda: [each for each in dir(kind) if not each.startswith("_")]
    )


class LackingError(AttributeError):
    """A name that is not there. What comes near is looked for when the message is read: imports ask often, and go on."""

    def __init__(self, ours: str, theirs: str, name: str, names: Callable[[], Iterable[str]]) -> None:
        super().__init__(name=name)
        self._ours, self._theirs, self._name, self._names = ours, theirs, name, names

    def __reduce__(self) -> tuple[Any, ...]:
        return AttributeError, (str(self),)

    def __str__(self) -> str:
        near = difflib.get_close_matches(self._name, self._names(), n=3)
        hint = f"; there is {', '.join(near)}" if near else ""
        if not self._name.startswith("_") and self._name in listed().get(self._theirs, ()):
            return f"PyTorch 2.13 has {self._theirs}.{self._name}; Diptych does not{hint}"
        return f"{self._ours} has no {self._name!r}{hint}"


@cache
def listed() -> dict[str, frozenset[str]]:
    """PyTorch's public names by the module or class that has them."""
    lines = Path(__file__).with_name("names.txt").read_text(encoding="ascii").splitlines()
    parts = (line.partition(": ") for line in lines)
    return {path: frozenset(names.split()) for path, _, names in parts}
