"""The stepper: a program under control, operation by operation, forwards and back, in either mode.

The program runs in a thread of its own and waits after each operation. What has run is kept, so going back shows values as
they were; going forward again from there shows what is known until the front is reached, where the program goes on. Changing
a value runs again what depends on it, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any, NamedTuple, Self
from weakref import finalize

from graphs.inspection.breaks import Breakpoint, compiled, evaluated
from graphs.inspection.moments import Change, Hook, Moment, StepError, Worker, fitted


BUDGET = 1 << 30
"""Bytes of values that a stepper keeps, unless it is told otherwise; older ones are computed again when asked for."""

_NUMBERED = re.compile(r"#?(\d+)(?::(\d+))?\Z")
_NAMED = re.compile(r"(?P<name>.+?)(?:@(?P<round>\d+))?(?::(?P<output>\d+))?\Z")


class Stop(NamedTuple):
    """Where a stepper stands, and why.

    Attributes:
        moment: the operation that ran last; None before the first.
        reason: ``"step"``, ``"end"`` of the program, ``"error"``, ``"start"``, or the breakpoint.
    """

    moment: Moment | None
    reason: str | Breakpoint


class Stepper:
    """A program that is stepped through.

    Args:
        program: what is run.
        hooks: what makes its operations known (an adapter's ``stepping``).

    Attributes:
        moments: the operations that have run, in order.
        position: how many of them are behind where we stand.
        breakpoints: where ``run`` stops.
    """

    def __init__(self, program: Callable[[], Any], hooks: Sequence[Hook]) -> None:
        self._worker = Worker(program, hooks)
        finalize(self, self._worker.quit).atexit = False
        self.moments: list[Moment] = []
        self.position = 0
        self.breakpoints: list[Breakpoint] = []
        self._numbers = 0

    # Where we are

    @property
    def here(self) -> Moment | None:
        """The operation that has run last where we stand."""
        return self.moments[self.position - 1] if self.position else None

    @property
    def front(self) -> bool:
        """Whether this is as far as the program has come."""
        return self.position == len(self.moments)

    @property
    def done(self) -> bool:
        """Whether the program has ended."""
        return self._worker.done

    @property
    def error(self) -> BaseException | None:
        """What the program raised, if it did."""
        return self._worker.error

    @property
    def result(self) -> Any:
        """What the program returned. Raises what it raised; StepError where it has not ended."""
        if not self.done:
            raise StepError("the program has not ended: finish() runs it to its end")
        if self._worker.error is not None:
            raise self._worker.error
        return self._worker.result

    # Going

    def step(self, count: int = 1) -> Stop:
        """The next operation, or the one ``count`` further."""
        for _ in range(count):
            if not self._forward():
                return self._ended()
        return Stop(self.here, "step")

    def next(self, count: int = 1) -> Stop:
        """The next operation that is not deeper inside loops, modules and backward passes than this one."""
        for _ in range(count):
            depth = self.here.depth if self.here is not None else 0
            found = self._until(lambda moment, depth=depth: moment.depth <= depth)  # type: ignore[misc]
            if found.reason != "step":
                return found
        return Stop(self.here, "step")

    def out(self) -> Stop:
        """The next operation outside of the innermost loop, module or backward pass; at the top, the end of the program."""
        depth = self.here.depth if self.here is not None else 0
        return self._until(lambda moment: moment.depth < depth)

    def run(self) -> Stop:
        """On to the next breakpoint, or to the end. Ctrl-C stops at the next operation."""
        return self._until(lambda moment: False)

    def finish(self) -> Any:
        """On to the end, past all breakpoints; what the program returns. Raises what it raises."""
        while self._forward():
            pass
        return self.result

    def back(self, count: int = 1) -> Stop:
        """The operation before, or the one ``count`` before, as it was; nothing is undone."""
        self.position = max(self.position - count, 0)
        return Stop(self.here, "step" if self.position else "start")

    def goto(self, place: int | str) -> Stop:
        """To an operation by its number, or to the last one of a name up to here, or the next one."""
        if isinstance(place, str) and not _NUMBERED.match(place):
            found = self._last(place)
            if found is not None:
                self.position = found.number
                return Stop(self.here, "step")
            return self._arrive(place)
        number = place if isinstance(place, int) else int(place.lstrip("#"))
        if number < 0:
            raise StepError(f"operations are counted from 1, and {number} is none")
        while len(self.moments) < number:
            self.position = len(self.moments)
            if not self._forward():
                return self._ended()
        self.position = number
        return Stop(self.here, "step" if number else "start")

    def interact(self, lines: Iterable[str] | None = None) -> int:
        """Ask for commands in the terminal, or take them from ``lines``; 1 where the program has failed, else 0."""
        return int(import_module("graphs.inspection.commands").interact(self, lines))  # loads what draws in terminals

    def quit(self) -> None:
        """End the program where it is."""
        self._worker.quit()

    def _forward(self) -> bool:
        if self.front:
            moment = self._worker.advance()
            if moment is None:
                return False
            moment.number = len(self.moments) + 1
            self.moments.append(moment)
        self.position += 1
        return True

    def _arrive(self, name: str) -> Stop:
        """On to an operation of a name, or to the last one of a line that assigns to a variable of that name."""
        found = self._until(lambda moment: _fits(moment, name) or _assigns(moment, name))
        if found.reason != "step" or found.moment is None or _fits(found.moment, name):
            return found
        last = found.moment
        while self._forward():
            here = self.moments[self.position - 1]
            if (here.line, here.rounds) != (last.line, last.rounds):
                self.position -= 1
                break
            last = here
        return Stop(last, "step")

    def _until(self, there: Callable[[Moment], bool]) -> Stop:
        while True:
            before = self.here
            if not self._forward():
                return self._ended()
            moment = self.here
            assert moment is not None
            for each in self.breakpoints:
                if each.stops(moment, before):
                    return Stop(moment, each)
            if there(moment) or self._worker.interrupted:
                self._worker.interrupted = False
                return Stop(moment, "step")

    def _ended(self) -> Stop:
        return Stop(self.here, "error" if self.error is not None else "end")

    # Breakpoints

    def add(self, kind: str, what: str | int = "", condition: str = "") -> Breakpoint:
        """Stop at a node, an op, a line (``FILE:LINE``), a round, a NaN (``"nan"``), or ``"if"`` an expression holds.

        ``condition`` is an expression over ``value`` that must hold, too. Raises StepError for what makes no sense.
        """
        made = Breakpoint.make(kind, str(what), condition)
        self._numbers += 1
        made.number = self._numbers
        self.breakpoints.append(made)
        return made

    def delete(self, number: int | None = None) -> None:
        """Forget a breakpoint, or all. Raises StepError where there is none of that number."""
        if number is not None and all(each.number != number for each in self.breakpoints):
            raise StepError(f"there is no break {number}")
        self.breakpoints = [each for each in self.breakpoints if number is not None and each.number != number]

    # Values

    def find(self, name: str = "") -> tuple[Moment | str, int, Any]:
        """What ``name`` is where we stand: a moment and its output's number, or a source's name; and the value.

        A name is an operation's (its last part will do) or a variable's that a line has assigned to, with ``@K`` for round K
        and ``:N`` for another output; ``#12`` is the twelfth operation; nothing is the one we stand at. Raises StepError
        where there is nothing of that name yet.
        """
        numbered = _NUMBERED.match(name) if name else None
        if not name or numbered:
            number, index = (self.position, 0) if not numbered else (int(numbered[1]), int(numbered[2] or 0))
            if not 0 < number <= len(self.moments):
                raise StepError(f"operation {number} has not run yet" if number else "nothing has run yet")
            return self._output(self.moments[number - 1], index)
        parts = _NAMED.match(name)
        assert parts is not None
        found = self._last(parts["name"], None if parts["round"] is None else int(parts["round"]))
        if found is not None:
            return self._output(found, int(parts["output"] or 0))
        for owner in self._owners():
            for key, value in owner.sources(self.position).items():
                if key in (name, parts["name"]) and parts["round"] is None:
                    return key, 0, value
        raise StepError(f"there is no {name} up to here")

    def value(self, name: str = "") -> Any:
        """The value of ``name`` (see ``find``), as it was."""
        return self.find(name)[2]

    def ask(self, text: str) -> Any:
        """What an expression gives: over values by name, ``value`` (where we stand), the program's own names, and ``np``."""
        text = text.strip()
        try:
            return self.find(text)[2]
        except StepError:
            if not text or _NUMBERED.match(text):
                raise
        here = self.here
        names: dict[str, Any] = {}
        for owner in reversed(self._owners()):
            names.update(owner.sources(self.position))
            names.update(owner.names() if self.front and not self.done else {})
        names.update({each.name: each for each in self.moments[: self.position] if each.name.isidentifier()})
        code = compiled(text)
        used = {key: x.values[0] if isinstance(x, Moment) else x for key, x in names.items() if key in code.co_names}
        try:
            return evaluated(code, here.values[0] if here is not None and here.specs else None, used)
        except NameError as error:
            raise StepError(f"there is no {error.name} up to here") from None
        except Exception as error:
            raise StepError(f"{text}: {type(error).__name__}: {error}") from None

    def change(self, name: str, value: Any) -> Change:
        """Let the value of ``name`` (see ``find``) be another one, and run again what depends on it, up to the front.

        ``value`` is an array or number of the same kind that fits the shape, or an expression over ``value``. What is still
        to run goes on from the changed values. Raises StepError where it does not fit, or the run that it is of is over.
        """
        target, index, old = self.find(name)
        if isinstance(value, str):
            try:
                value = evaluated(compiled(value), old)
            except Exception as error:
                raise error if isinstance(error, StepError) else StepError(f"{value}: {error}") from None
        label = target if isinstance(target, str) else target.name
        owner = self._source_owner(target) if isinstance(target, str) else target.owner
        new = fitted(value, old, label)
        first = next(i for i, each in enumerate(self.moments) if each.owner is owner)
        last = max(i for i, each in enumerate(self.moments) if each.owner is owner)
        made: Change = owner.change(target, index, new, self.position)
        if len(made.moments) != last + 1 - first and last + 1 != len(self.moments):
            raise StepError(f"{label} cannot be changed any more: other runs have followed")
        mine = iter(made.moments)
        if last + 1 == len(self.moments) and all(each.owner is owner for each in self.moments[first:]):
            self.moments[first:] = made.moments
        else:
            self.moments = [next(mine) if each.owner is owner else each for each in self.moments]
        for number, each in enumerate(self.moments, 1):
            each.number = number
        self.position = min(self.position, len(self.moments))
        return made

    @property
    def memory(self) -> tuple[int, int]:
        """The bytes of values that are kept, and how many values were let go, to be computed again if they are asked for."""
        parts = [owner.memory() for owner in self._owners()]
        return sum(kept for kept, _ in parts), sum(gone for _, gone in parts)

    def users(self, moment: Moment) -> list[Moment]:
        """The operations that have read what ``moment`` gave, those behind us as well."""
        after = self.moments[moment.number :]
        found = []
        for each in after:
            if each.owner is moment.owner and moment.name in each.reads:
                found.append(each)
            if each.name == moment.name and each.rounds != moment.rounds:
                break  # another round's value has the name from here on
        return found

    def _output(self, moment: Moment, index: int) -> tuple[Moment, int, Any]:
        values = moment.values
        if not index < len(values):
            raise StepError(f"{moment.name} has {len(values)} outputs, and no output {index}")
        return moment, index, values[index]

    def _last(self, name: str, k: int | None = None) -> Moment | None:
        """The last operation of a name up to here; failing that, what a line has assigned to a variable of that name."""
        for each in reversed(self.moments[: self.position]):
            if _fits(each, name) and (k is None or each.k == k):
                return each
        if name.isidentifier():
            after = None
            for each in reversed(self.moments[: self.position + 1]):
                ends = after is None or (after.line, after.rounds) != (each.line, each.rounds)
                if ends and each.number <= self.position and (k is None or each.k == k) and _assigns(each, name):
                    return each
                after = each
        return None

    def _owners(self) -> list[Any]:
        """The owners of what has run, the latest first."""
        return list(dict.fromkeys(each.owner for each in reversed(self.moments)))

    def _source_owner(self, name: str) -> Any:
        return next(owner for owner in self._owners() if name in owner.sources(self.position))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.quit()


def _assigns(moment: Moment, name: str) -> bool:
    """Whether the line of an operation assigns to the variable ``name``, and the operation is of its forward pass."""
    if moment.kind != "forward" or moment.where is None:
        return False
    return re.match(rf"{name}\s*(:[^=]*)?=(?!=)", moment.where.text) is not None


def _fits(moment: Moment, name: str) -> bool:
    return moment.name == name or moment.name.endswith(f"/{name}") or fnmatchcase(moment.name, name)
