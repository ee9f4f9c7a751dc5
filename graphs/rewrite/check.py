"""The check of what passes did: a rewrite's expressions before and after, evaluated on random and on edge inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy
from numpy import ndarray

from graphs.control import loop
from graphs.core.function import Function
from graphs.core.node import Value
from graphs.rewrite.fold import structure
from graphs.rewrite.probes import TAME, edges as edges, probes
from graphs.rewrite.program import Choice, RewriteError
from graphs.rewrite.records import Log, Record


Array = ndarray[Any, Any]

_LISTED = 24
"""Elements of an array that are written out."""

_WIDE = {2: numpy.float32, 4: numpy.float64, 8: numpy.longdouble}
"""The dtype in which the true value is looked for, by the bytes of the rule's own."""


_MOST_CONFIRMED = 5000
_confirmed: dict[Any, tuple[Function, Function]] = {}
"""What has been found to hold. The Functions are kept, as their arrays may be known by where they are."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """Inputs on which a rewrite goes beyond its bound.

    Attributes:
        record: the rewrite.
        probe: what kind of inputs.
        inputs: the values of the matched expression's inputs.
        before: what the expression gives as it was written.
        after: what it gives rewritten.
        why: in what they differ.
    """

    record: Record
    probe: str
    inputs: tuple[Array, ...]
    before: Array | None
    after: Array | None
    why: str

    def __str__(self) -> str:
        given = "; ".join(f"{x.dtype}{x.shape} {_listed(x)}" for x in self.inputs)
        return (
            f"{self.record.rule} ({self.record.law}; {self.record.bound}) does not hold on {self.probe} inputs: {self.why}\n"
            f"  inputs: {given}\n  before: {_listed(self.before)}\n  after:  {_listed(self.after)}"
        )


class WrongRewriteError(RewriteError):
    """A rewrite that goes beyond its bound.

    Attributes:
        counterexample: the inputs that show it.
    """

    def __init__(self, counterexample: Counterexample) -> None:
        lines = "".join(f"\n  at {line}" for line in counterexample.record.lines)
        super().__init__(f"{counterexample}{lines}")
        self.counterexample = counterexample


class UncheckedError(RewriteError):
    """A rewrite that none of the inputs tried suits, so that nothing is known of it."""


def _listed(x: Array | None) -> str:
    if x is None:
        return "nothing"
    return str(x.tolist()) if x.size <= _LISTED else numpy.array2string(x, threshold=_LISTED, edgeitems=2)


def check(record: Record, seed: int = 0) -> Counterexample | None:
    """The first inputs found on which ``record`` goes beyond its bound, None where there are none; the record keeps them.

    Raises UncheckedError where not one of the inputs tried suits the expression.
    """
    record.counterexample = _refuted(record, *record.functions(), seed)
    return record.counterexample


_UNSUITED = (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError, numpy.linalg.LinAlgError)
"""What inputs that do not suit an expression make it raise."""


def _refuted(record: Record, before: Function, after: Function, seed: int) -> Counterexample | None:
    tried = 0
    open_ = any(not x.spec.known for x in before.inputs) and any(node.op is loop for node in (*before.nodes, *after.nodes))
    blind = any(x.spec.dtype.kind == "O" for x in before.inputs)  # what a loop has kept: a probe does not know what that is
    unsuited = (*_UNSUITED, AttributeError) if blind else _UNSUITED
    with numpy.errstate(all="ignore"):
        for probe, inputs in probes([value.spec for value in before.inputs], seed):
            try:
                wanted = before(*[x.copy() for x in inputs])
            except unsuited:
                continue
            try:
                found = after(*[x.copy() for x in inputs])
            except Exception as error:  # a rewrite that raises is as wrong as one that differs, whatever it raises
                if open_:
                    continue
                return Counterexample(record, probe, inputs, numpy.asarray(wanted[0]), None, f"raised {error}")
            if open_ and [numpy.shape(x) for x in wanted] != [numpy.shape(y) for y in found]:
                continue  # a loop of known length was given sequences of another
            tried += 1
            for x, y in zip(wanted, found, strict=True):
                why = _differ(record, before, after, probe, inputs, numpy.asarray(x), numpy.asarray(y))
                if why:
                    return Counterexample(record, probe, inputs, numpy.asarray(x), numpy.asarray(y), why)
    if not tried:
        raise UncheckedError(f"no inputs were found for {record!r}: {before!r}")
    return None


def confirm(records: Iterable[Record], seed: int = 0) -> None:
    """Raise WrongRewriteError at the first of ``records`` that goes beyond its bound; what no inputs suit is passed over.

    The same rewrite of the same expression is checked once in a process.
    """
    for record in records:
        before, after = record.functions()
        key: Any = (record.checked, seed, structure(before), structure(after))
        try:
            if key in _confirmed:
                continue
        except TypeError:  # an attribute that cannot be hashed
            key = None
        with suppress(UncheckedError):
            record.counterexample = _refuted(record, before, after, seed)
            if record.counterexample is not None:
                raise WrongRewriteError(record.counterexample)
        if key is not None:
            if len(_confirmed) >= _MOST_CONFIRMED:
                _confirmed.clear()
            _confirmed[key] = (before, after)


def check_all(records: Log | Sequence[Record], seed: int = 0) -> list[Counterexample]:
    """The counterexamples to rewrites, one at most for each."""
    found = (check(record, seed) for record in records)
    return [each for each in found if each is not None]


# Comparing


def _differ(
    record: Record, before: Function, after: Function, probe: str, inputs: Sequence[Array], x: Array, y: Array
) -> str:
    """In what ``y`` goes beyond the rule's bound from ``x``; empty where it does not."""
    if x.dtype != y.dtype or x.shape != y.shape:
        return f"{x.dtype}{x.shape} became {y.dtype}{y.shape}"
    rule = record.checked
    if rule is None or rule.level == "exact" or x.dtype.kind not in "f":
        return _apart(x, y) if rule is None or rule.level != "fast" else ""
    largest = _largest(before, inputs) if rule.scale == "largest" else 0.0
    if rule.level == "close":
        if largest > float(numpy.finfo(x.dtype).max) / 1e4:
            return ""  # sums of such numbers overflow in one order and not in another
        return _beyond(x, y, rule.ulps, largest)
    if rule.level == "fast":
        if probe != TAME or not numpy.isfinite(x).all():
            return ""
        return _beyond(x, y, rule.ulps, max(largest, _largest(before, inputs)))
    return _untrue(rule, before, after, probe, inputs, x, y, largest)


def _apart(x: Array, y: Array) -> str:
    if x.dtype.kind not in "fc":
        return "" if numpy.array_equal(x, y) else "the values differ"
    if not numpy.array_equal(numpy.isnan(x), numpy.isnan(y)):
        return "NaNs are not where they were"
    if not numpy.array_equal(x, y, equal_nan=True):
        return "the bits differ"
    there = ~numpy.isnan(x)
    if x.dtype.kind == "f" and not numpy.array_equal(numpy.signbit(x[there]), numpy.signbit(y[there])):
        return "a zero has another sign"
    return ""


def _beyond(x: Array, y: Array, ulps: float, largest: float) -> str:
    if not numpy.array_equal(numpy.isnan(x), numpy.isnan(y)):
        return "NaNs are not where they were"
    if not numpy.array_equal(x[numpy.isinf(x)], y[numpy.isinf(x)]) or numpy.isinf(y[numpy.isfinite(x)]).any():
        return "infinities are not where they were"
    there = numpy.isfinite(x)
    return _far(x[there], y[there], ulps, largest)


def _far(x: Array, y: Array, ulps: float, largest: float) -> str:
    """By how many units in the last place of ``y``'s dtype the two differ, where those are more than ``ulps``."""
    if not x.size:
        return ""
    unit = numpy.spacing(numpy.maximum(abs(x), largest).astype(y.dtype)).astype(x.dtype)
    apart = abs(x - y.astype(x.dtype)) / unit
    worst = float(numpy.max(apart))
    return f"{worst:.3g} units in the last place" if worst > ulps else ""


def _untrue(
    rule: Any, before: Function, after: Function, probe: str, inputs: Sequence[Array], x: Array, y: Array, largest: float
) -> str:
    """As ``_differ`` for rules that promise nearness to the true value, which is worked out in a wider dtype."""
    lost = numpy.isnan(y) & ~numpy.isnan(x)
    if any(x.dtype.kind == "f" and numpy.isnan(x).any() for x in inputs):
        if (~numpy.isnan(y) & numpy.isnan(x)).any() and all(numpy.isnan(i).all() for i in inputs if i.dtype.kind == "f"):
            return "a NaN was lost"
        return ""
    if lost.any() and all(numpy.isfinite(i).all() for i in inputs if i.dtype.kind == "f"):
        return "there is a NaN where there was none"
    wide = _WIDE[y.dtype.itemsize]
    raised = [i.astype(wide) if i.dtype == y.dtype else i for i in inputs]
    truth = numpy.asarray(after(*raised)[0])
    there = numpy.isfinite(truth) & ~numpy.isnan(y) & (abs(truth) < numpy.finfo(y.dtype).max)
    worse = _far(truth[there], y[there], rule.ulps, largest)
    if worse:
        return f"{worse} from the same in {numpy.dtype(wide)}"
    if probe != TAME:
        return ""
    meant = numpy.asarray(before(*raised)[0])
    there = numpy.isfinite(meant)
    return _far(meant[there], y[there], rule.ulps, max(largest, _largest(before, inputs)))


def _largest(function: Function, inputs: Sequence[Array]) -> float:
    """The largest finite number among the inputs and all that is computed from them."""
    values: dict[Any, Any] = {(x.node, x.index): arg for x, arg in zip(function.inputs, inputs, strict=True)}
    for node in function.nodes:
        out = node.op(*[values[x.node, x.index] if isinstance(x, Value) else x for x in node.inputs], **node.params)
        values.update({(node, i): each for i, each in enumerate(out if node.width > 1 else (out,))})
    largest = 0.0
    for value in values.values():
        array = numpy.asarray(value)
        if array.dtype.kind == "f":
            finite = abs(array[numpy.isfinite(array)])
            largest = max(largest, float(finite.max(initial=0.0)))
    return largest


# Which rewrite it was

Made = TypeVar("Made")
"""A program, or what running one gave."""


def bisect(optimise: Callable[[Choice], tuple[Made, Log]], good: Callable[[Made], bool], **choice: Any) -> Record | None:
    """The rewrite that makes the difference: with those before it ``good`` holds of what comes out, with it no more.

    ``optimise`` runs the passes over a program as far as a ``Choice`` allows, which is made with ``choice`` and a limit.
    None where ``good`` holds with all rewrites made. Raises RewriteError where it does not hold without any.
    """

    def run(limit: int | None) -> tuple[bool, Log]:
        program, log = optimise(Choice(**choice, limit=limit))
        return good(program), log

    fine, log = run(None)
    if fine:
        return None
    if not run(0)[0]:
        raise RewriteError("the program is not good without any rewrite either")
    low, high = 0, len(log)
    while high - low > 1:
        middle = (low + high) // 2
        fine, _ = run(middle)
        low, high = (middle, high) if fine else (low, middle)
    return run(high)[1].records[high - 1]
