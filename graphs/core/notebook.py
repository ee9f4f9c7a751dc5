"""What a notebook shows of graphs, tensors, tapes and reports: it asks by a method, and what draws is loaded only then."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Shown:
    """What notebooks show as a picture or a table beside its text. Showing never fails: at worst there is the text alone."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            bundle: dict[str, str] = import_module("graphs.draw.notebook").bundle(self, include)
        except Exception:  # a cell's result must not be lost to what shows it, whatever went wrong
            return {}
        return bundle
