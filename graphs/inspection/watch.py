"""Watching values of a run without wiring anything into the program: what is shown, of which names, in which rounds.

The front-ends say when a value is there (``static.watch``, ``dynamic.watch``); this is what they share.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Container, Iterable
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, Self

from graphs.core.errors import GraphsError, Where, at_line
from graphs.core.spec import Spec
from graphs.inspection.statistics import Statistics, broken, shown, statistics


SHOWS = ("values", "statistics", "nan")
"""What a watch can show of a value."""

At = int | tuple[int, ...] | Container[int] | None
"""Which rounds: one of the innermost loop, one of each loop from the outermost on, or a range or set of the innermost."""


class WatchError(GraphsError, ValueError):
    """A watch on something that is not there, or asked for something that a watch cannot show."""


class Seen(NamedTuple):
    """A value that was watched.

    Attributes:
        name: of what has it.
        value: the array; it may be the program's own, so copy what is to be kept.
        kind: ``"value"``, ``"gradient"``, or ``"variable"`` for what a variable holds after a run.
        step: how many there were before, outside of loops: runs of the session, calls of the same line or module.
        rounds: the round of each loop around it, from the outermost; empty outside of loops.
        where: the user's line that made it, or None.
    """

    name: str
    value: Any
    kind: str = "value"
    step: int = 0
    rounds: tuple[int, ...] = ()
    where: Where | None = None

    @property
    def statistics(self) -> Statistics | None:
        """Extent, mean, spread, and the numbers of zeros, NaNs and infinities."""
        return statistics(self.value)

    @property
    def title(self) -> str:
        """What it is, in one line: ``gradient of w1 (1000, 100) float32, step 3``."""
        place = f"step {self.step}" + (f", round {', '.join(map(str, self.rounds))}" if self.rounds else "")
        name = f"gradient of {self.name}" if self.kind == "gradient" else self.name
        return f"{name} {Spec.of(self.value)}, {place}"


def line(seen: Seen, show: str) -> str:
    """What a watch prints of a value."""
    if show == "values":
        return f"{seen.title}\n{shown(seen.value)}"
    found = seen.statistics
    text = f"{seen.title}: {found if found is not None else 'no numbers'}"
    return f"{text}\n  at {seen.where}" if show == "nan" and seen.where else text


class Watch:
    """Shows values as they come, until ``stop()`` or the end of its ``with`` block.

    Attributes:
        names: the names and patterns that it looks at.
        seen: how many values it has shown.
        first: with ``show="nan"``, the first value with a NaN or an infinity; None so far.
    """

    def __init__(
        self,
        names: Iterable[str],
        show: str,
        at: At,
        to: Any,
        stop: Callable[[Any], None],
    ) -> None:
        if show not in SHOWS:
            raise WatchError(f"a watch shows one of {', '.join(SHOWS)}, not {show!r}{at_line()}")
        self.names = tuple(dict.fromkeys(names))
        self._how, self._at, self._to, self._stop = show, at, to, stop
        self.seen = 0
        self.first: Seen | None = None
        self.active = True

    def wants(self, name: str) -> bool:
        """Whether values of this name are looked at."""
        return any(covers(pattern, name) for pattern in self.names)

    def see(self, seen: Seen) -> None:
        """Show a value, if it is of a round that was asked for."""
        if not self.active or not _within(seen, self._at):
            return
        if self._how == "nan":
            if self.first is not None or not broken(seen.value):
                return
            self.first = seen
        self.seen += 1
        if callable(self._to):
            self._to(seen)
        else:
            print(line(seen, self._how), file=self._to or sys.stdout)

    def stop(self) -> None:
        """Look no further. What the program computes is as it was before the watch began."""
        if self.active:
            self.active = False
            self._stop(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "" if self.active else ", stopped"
        return f"<watch of {', '.join(self.names) or 'tensors'}: {self.seen} shown{state}>"


def covers(pattern: str, name: str) -> bool:
    """Whether ``name`` is the pattern, fits it (``*``, ``?``, ``[ab]``), or lies in the scope or module of that name."""
    scope = pattern.rstrip("/.")
    return name == pattern or fnmatchcase(name, pattern) or (name.startswith(scope) and name[len(scope)] in "/.")


def require(patterns: Iterable[str], names: Iterable[str], what: str) -> None:
    """Raise WatchError, naming what comes near, where a pattern fits none of ``names``."""
    known = list(names)
    for pattern in patterns:
        if not any(covers(pattern, name) for name in known):
            near = difflib.get_close_matches(pattern, known, 3)
            hint = f"; near it: {', '.join(near)}" if near else ""
            raise WatchError(f"{what} has nothing named {pattern!r}{hint}{at_line()}")


def _within(seen: Seen, at: At) -> bool:
    if at is None:
        return True
    innermost = seen.rounds[-1] if seen.rounds else seen.step
    if isinstance(at, int):
        return innermost == at
    if isinstance(at, tuple):
        return (seen.rounds or (seen.step,)) == at
    return innermost in at
