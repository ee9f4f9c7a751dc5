"""Rewriting: programs, rules over them, the passes ``fold``, ``cse`` and ``simplify``, and the check of what they did.

``SIMPLIFY`` and ``NAMES`` come with the library of rules, which is made when somebody first asks for one of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphs.rewrite.bounds import LEVELS, Bound
from graphs.rewrite.check import Counterexample, UncheckedError, WrongRewriteError, bisect, check, check_all, confirm
from graphs.rewrite.costs import Cost, Shapes, calls, cost
from graphs.rewrite.engine import rewrite
from graphs.rewrite.fold import cse, fold
from graphs.rewrite.program import Choice, Program, Rebuild, RewriteError, Rewritten, bodies, is_pure, known, origins
from graphs.rewrite.records import Log, Record
from graphs.rewrite.rules import (
    Rule,
    Rules,
    alone,
    fills,
    is_float,
    made_by,
    same_shape,
    scalar,
    spec_of,
)


if TYPE_CHECKING:
    from graphs.rewrite.library import SIMPLIFY
    from graphs.rewrite.rules import NAMES


def __getattr__(name: str) -> Any:
    if name not in ("NAMES", "SIMPLIFY"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    simplify = import_module("graphs.rewrite.library").SIMPLIFY
    globals().update(SIMPLIFY=simplify, NAMES=import_module("graphs.rewrite.rules").NAMES)
    return globals()[name]


__all__ = [
    "LEVELS",
    "NAMES",
    "SIMPLIFY",
    "Bound",
    "Choice",
    "Cost",
    "Counterexample",
    "Log",
    "Program",
    "Rebuild",
    "Record",
    "RewriteError",
    "Rewritten",
    "Rule",
    "Rules",
    "Shapes",
    "UncheckedError",
    "WrongRewriteError",
    "alone",
    "bisect",
    "bodies",
    "calls",
    "check",
    "check_all",
    "confirm",
    "cost",
    "cse",
    "fills",
    "fold",
    "is_float",
    "is_pure",
    "known",
    "made_by",
    "origins",
    "rewrite",
    "same_shape",
    "scalar",
    "spec_of",
]
