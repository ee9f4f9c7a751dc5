"""What a stepper stops at: operations that have run, in order, and who can show their values and change them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy

from graphs.core.errors import GraphsError, Where
from graphs.core.spec import Spec
from graphs.inspection.walk import Rounds


class StepError(GraphsError, ValueError):
    """Something that was asked of a stepper and cannot be done; the message is one line."""


class Change(NamedTuple):
    """What changing a value came to.

    Attributes:
        moments: the owner's moments as they are now.
        ran: how many operations were run again.
        kept: how many after the changed one gave what they had given.
        notes: what could not follow the change.
    """

    moments: Sequence[Moment]
    ran: int
    kept: int
    notes: tuple[str, ...] = ()


class Owner(Protocol):
    """Who has run an operation: a run of a session, or a program's tape."""

    def values(self, moment: Moment) -> tuple[Any, ...]:
        """What the operation gave, as it was then."""

    def sources(self, at: int) -> dict[str, Any]:
        """Values that come from outside, by name, as operation ``at`` has them: what is fed, variables, parameters."""

    def change(self, target: Moment | str, index: int, value: Any, at: int) -> Change:
        """Let an operation's output, or a source, be ``value``, and run again what depends on it and has run."""

    def names(self) -> dict[str, Any]:
        """What the program's own names stand for where it stands, if it has names."""

    def memory(self) -> tuple[int, int]:
        """The bytes of the values that are kept, and how many were let go."""


@dataclass(eq=False, slots=True)
class Moment:
    """An operation that has run.

    Attributes:
        owner: who has run it.
        name: the node's name, or the op's with a number.
        op: the op's name.
        specs: of its outputs.
        where: the user's line.
        reads: what its operands are called.
        rounds: the loops around it, with their rounds.
        step: how often its line had run before; of a graph, how many runs there had been.
        scope: the name scope or module that it is in.
        kind: ``"forward"``, ``"backward"`` or ``"update"``.
        depth: how deep it is inside loops, modules and backward passes.
        note: what else there is to say.
        number: its place in the run, from 1.
        changed: whether its value has been changed since, or follows from one that was.
    """

    owner: Any
    name: str
    op: str
    specs: tuple[Spec, ...]
    where: Where | None
    reads: tuple[str, ...]
    rounds: Rounds = ()
    step: int = 0
    scope: str = ""
    kind: str = "forward"
    depth: int = 0
    note: str = ""
    number: int = field(default=0)
    changed: bool = False

    @property
    def values(self) -> tuple[Any, ...]:
        """What it gave."""
        return tuple(self.owner.values(self))

    @property
    def k(self) -> int:
        """The round of the innermost loop; outside of loops, ``step``."""
        return self.rounds[-1].k if self.rounds else self.step

    @property
    def line(self) -> tuple[str, int] | None:
        """File and line number."""
        return None if self.where is None else (self.where.file, self.where.line)


Emit = Callable[[Moment], None]
Hook = Callable[[Emit], AbstractContextManager[Any]]
"""What a front-end does so that its operations are told of: a context, in the thread that runs the program."""


class Stopped(SystemExit):
    """Ends a program that nobody wants to step through any further."""


class Worker:
    """A program that runs in a thread of its own, one operation at a time.

    Attributes:
        done: whether it has ended.
        result: what it returned.
        error: what it raised.
        interrupted: whether somebody has pressed Ctrl-C while it ran.
    """

    def __init__(self, program: Callable[[], Any], hooks: Sequence[Hook]) -> None:
        self._program, self._hooks = program, hooks
        self._go, self._ready = threading.Semaphore(0), threading.Semaphore(0)
        self._quitting = False
        self._moment: Moment | None = None
        self._started = False
        self.interrupted = False
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None
        context = copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._work,), name="stepped program", daemon=True)

    def advance(self) -> Moment | None:
        """Run up to and with the next operation; None where the program has ended."""
        if self.done:
            return None
        if not self._started:
            self._started = True
            self._thread.start()
        self._moment = None
        self._go.release()
        try:
            self._ready.acquire()
        except KeyboardInterrupt:
            self.interrupted = True
            self._ready.acquire()
        return self._moment

    def quit(self) -> None:
        """End the program where it stands."""
        self._quitting = True
        if self._started and not self.done:
            self._go.release()
            if threading.current_thread() is not self._thread:
                self._thread.join()
        self.done = True

    def _work(self) -> None:
        self._go.acquire()
        try:
            with ExitStack() as stack:
                for hook in self._hooks:
                    stack.enter_context(hook(self._emit))
                self.result = self._program()
        except Stopped:
            pass
        except BaseException as error:
            self.error = error
        finally:
            self.done = True
            self._ready.release()

    def _emit(self, moment: Moment) -> None:
        if self._quitting:
            raise Stopped(0)
        self._moment = moment
        self._ready.release()
        self._go.acquire()
        if self._quitting:
            raise Stopped(0)


def same(x: Any, y: Any) -> bool:
    """Whether two operands are the same to the last bit."""
    if x is y:
        return True
    if isinstance(x, tuple) and isinstance(y, tuple):
        return len(x) == len(y) and all(map(same, x, y))
    if not isinstance(x, (numpy.ndarray, numpy.generic)) or not isinstance(y, (numpy.ndarray, numpy.generic)):
        return type(x) is type(y) and bool(x == y)
    if x.dtype != y.dtype or x.shape != y.shape:
        return False
    return all(map(same, x.flat, y.flat)) if x.dtype.kind == "O" else x.tobytes() == y.tobytes()


def fitted(value: Any, like: Any, name: str) -> Any:
    """``value`` in the dtype and shape of what it replaces. Raises StepError where it does not fit."""
    old, new = numpy.asarray(like), numpy.asarray(value)
    if not numpy.can_cast(new.dtype, old.dtype, "same_kind") and not (new.dtype.kind in "iu" and old.dtype.kind == "b"):
        raise StepError(f"{name} is {old.dtype.name}, and {new.dtype.name} cannot stand for it")
    try:
        return numpy.array(numpy.broadcast_to(new, old.shape), old.dtype)
    except ValueError:
        raise StepError(f"{name} has shape {old.shape}, and {new.shape} does not fit") from None
