"""What asking a module for a name that it lacks comes to."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any


def lacking(module: str, late: tuple[str, ...] = ()) -> Callable[[str], Any]:
    """A module's ``__getattr__``: an AttributeError that names what the module has that comes nearest.

    Submodules in ``late`` are imported when somebody first asks for them, so that importing the module stays quick.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807 (a module's own hook)
        if name in late:
            return import_module(f"{module}.{name}")
        raise _lacks(module, module.replace("dynamic", "torch", 1), name, [*vars(sys.modules[module]), *late])

    return __getattr__


def lacking_method(kind: type[Any], name: str) -> AttributeError:
    """The error for a method or attribute that ``kind`` lacks, which names those that come nearest."""
    if name.startswith("_"):  # what Python and numpy ask of any object
        return AttributeError(f"{kind.__name__} has no {name!r}", name=name)
    return _lacks(kind.__name__, f"torch.{kind.__name__}", name, [each for each in dir(kind) if not each.startswith("_")])


def _lacks(ours: str, theirs: str, name: str, names: Iterable[str]) -> AttributeError:
    near = difflib.get_close_matches(name, names, n=3)
    hint = f"; there is {', '.join(near)}" if near else ""
    known = not name.startswith("_") and name in listed().get(theirs, ())
    text = f"PyTorch 2.13 has {theirs}.{name}; Diptych does not{hint}" if known else f"{ours} has no {name!r}{hint}"
    return AttributeError(text, name=name)


@cache
def listed() -> dict[str, frozenset[str]]:
    """PyTorch's public names by the module or class that has them."""
    lines = Path(__file__).with_name("names.txt").read_text(encoding="ascii").splitlines()
    parts = (line.partition(": ") for line in lines)
    return {path: frozenset(names.split()) for path, _, names in parts}
