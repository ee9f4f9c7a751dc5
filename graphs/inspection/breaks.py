"""Where a stepper stops: at a node, an op, a line, a NaN, a round of a loop, or where an expression holds."""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import CodeType
from typing import Any

import numpy

from graphs.inspection.moments import Moment, StepError
from graphs.inspection.statistics import broken
from graphs.inspection.watch import covers


KINDS = ("node", "op", "line", "round", "nan", "if")


@dataclass(slots=True)
class Breakpoint:
    """A place or condition to stop at. ``make`` makes one.

    Attributes:
        kind: what it looks at.
        what: the name, pattern, line or round; of a module or name scope, its first operation stops.
        condition: an expression over ``value`` that must hold, too.
        number: what to delete it by.
        hits: how often it has stopped the run.
        failed: why the condition could not be asked the last time it could not.
    """

    kind: str
    what: str
    condition: str = ""
    number: int = 0
    hits: int = 0
    failed: str = ""
    _code: CodeType | None = None

    @classmethod
    def make(cls, kind: str, what: str = "", condition: str = "") -> Breakpoint:
        """One of a kind: ``node``, ``op``, ``line``, ``round``, ``nan`` or ``if``. Raises StepError for nonsense."""
        if kind not in KINDS:
            raise StepError(f"a break is on {', '.join(KINDS[:-1])} or if, not {kind!r}")
        if kind == "if":
            condition, what = what or condition, ""
        if kind == "line" and not what.rpartition(":")[2].isdecimal():
            raise StepError(f"a line is FILE:LINE or a number, not {what!r}")
        if kind == "round" and not what.partition(" of ")[0].isdecimal():
            raise StepError(f"a round is a number, or 'K of LOOP', not {what!r}")
        if kind in ("node", "op") and not what:
            raise StepError(f"a break on {'a node' if kind == 'node' else 'an op'} needs its name")
        made = cls(kind, what, condition)
        if condition or kind == "if":
            made._code = compiled(condition)
        return made

    def stops(self, moment: Moment, before: Moment | None) -> bool:
        """Whether the run stops at ``moment``, which comes after ``before``."""
        if not self._there(moment, before):
            return False
        if self._code is not None:
            for value in moment.values:
                try:
                    if bool(numpy.all(evaluated(self._code, value))):
                        break
                except Exception as error:
                    self.failed = f"#{moment.number}: {type(error).__name__}: {error}"
            else:
                return False
        self.hits += 1
        return True

    def _there(self, moment: Moment, before: Moment | None) -> bool:
        if self.kind == "node":
            inside = before is not None and covers(self.what, before.scope)
            named = moment.name == self.what or fnmatchcase(moment.name, self.what)
            return named or (covers(self.what, moment.scope) and not inside)
        if self.kind == "op":
            return fnmatchcase(moment.op, self.what)
        if self.kind == "nan":
            return any(map(broken, moment.values))
        if self.kind == "line":
            return self._on_line(moment) and not (before is not None and self._on_line(before) and before.k == moment.k)
        if self.kind == "round":
            return self._in_round(moment) and not (before is not None and self._in_round(before))
        return True

    def _on_line(self, moment: Moment) -> bool:
        file, _, line = self.what.rpartition(":")
        place = moment.line
        if place is None or place[1] != int(line):
            return False
        return not file or place[0] == file or place[0].endswith(os.sep + file.lstrip("./"))

    def _in_round(self, moment: Moment) -> bool:
        k, _, loop = self.what.partition(" of ")
        if not moment.rounds:
            return moment.step == int(k) and (not loop or covers(loop, moment.name))
        if not loop:
            return moment.k == int(k)
        return any(each.k == int(k) and covers(loop, each.name) for each in moment.rounds)

    def __str__(self) -> str:
        words = [self.kind] if self.kind != "if" else []
        words += [self.what] if self.what else []
        words += [f"if {self.condition}"] if self.condition else []
        return " ".join(words)


def compiled(text: str) -> CodeType:
    """An expression, ready to be asked. Raises StepError where it is none."""
    try:
        return compile(ast.parse(text.strip(), mode="eval"), "<expression>", "eval")
    except SyntaxError as error:
        raise StepError(f"{text!r} is no expression: {error.msg}") from None


def evaluated(code: CodeType, value: Any, names: Any = None) -> Any:
    """What an expression gives for ``value``; ``np`` is numpy."""
    with numpy.errstate(all="ignore"):
        return eval(code, {"np": numpy, "numpy": numpy, "value": value}, names or {})
