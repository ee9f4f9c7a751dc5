"""What a picture is drawn from where that is no node: a function and its arguments, a trace, a plan."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from graphs.core.function import Function, trace
from graphs.core.spec import Spec


GROUP = "diptych.frontends"
"""The entry points of front-ends; one whose adapter has ``traced(fn, specs)`` can follow functions over its tensors."""


def called(fn: Any, inputs: tuple[Any, ...]) -> Any:
    """The graph of ``fn`` for ``inputs``: tensors of a mode, which it is called with, or specs, for which it is traced.

    A spec may be written as a pair of shape and dtype. Raises TypeError for other inputs, and where ``fn`` cannot be called.
    """
    if not callable(fn):
        raise TypeError(f"inputs are for a function, not for a {type(fn).__name__}")
    specs = [_spec(each) for each in inputs]
    if None in specs:
        return fn(*inputs)
    name = str(getattr(fn, "__name__", type(fn).__name__))
    try:
        return trace(fn, *specs, name=name)[0]
    except (TypeError, AttributeError) as error:
        for point in entry_points(group=GROUP):
            follow = getattr(import_module(point.value), "traced", None)
            if follow is not None:
                return follow(fn, specs)
        raise TypeError(f"{name} cannot be followed on {', '.join(map(str, specs))}: {error}") from error


def _spec(given: Any) -> Any:
    if isinstance(given, Spec):
        return given
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], (tuple, list)):
        return Spec(tuple(given[0]), given[1])
    return None


def function_of(roots: Any) -> Any:
    """The Function of a trace (``dynamic.trace``), anything else as it is."""
    inner = getattr(roots, "function", None)
    return inner if isinstance(inner, Function) else roots
