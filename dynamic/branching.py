"""Branches and loops under the names that PyTorch has for its compiler: here they run as they are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dynamic.names import lacking
from graphs.core.errors import GradientError, at_line


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Sequence[Any] = ()) -> Any:
    """What one of the functions gives for ``operands``: the first where ``pred`` is true.

    Raises RuntimeError for what are no functions or no tuple, and for a condition of several elements.
    """
    if not callable(true_fn) or not callable(false_fn):
        raise GradientError(f"cond takes two functions, not {true_fn!r} and {false_fn!r}{at_line()}")
    if not isinstance(operands, (tuple, list)):
        raise GradientError(f"cond takes a tuple of operands, not {operands!r}{at_line()}")
    return (true_fn if pred else false_fn)(*operands)


def while_loop(cond_fn: Callable[..., Any], body_fn: Callable[..., Any], carried_inputs: Sequence[Any]) -> tuple[Any, ...]:
    """``body_fn`` of what it gave before, while ``cond_fn`` of that is true, from ``carried_inputs`` on."""
    carried = tuple(carried_inputs)
    while cond_fn(*carried):
        given = body_fn(*carried)
        carried = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    return carried


__getattr__ = lacking(__name__)
