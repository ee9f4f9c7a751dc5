"""A run as a program: the schedule's steps written out as one straight-line Python function, and run.

The source text is to be read (``plan.source``), and its line numbers lead an exception back to the node that raised it.
Names in it are counters, whatever the user called things; values and kernels come through the namespace, which has no
builtins.
"""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from graphs.control import failing
from graphs.control.program import Draw
from graphs.core.node import Value
from graphs.core.spec import Spec
from graphs.rewrite import Choice
from static.emit import Emission, handed_out
from static.errors import FailedPreconditionError, InvalidArgumentError, OpError, ResourceExhaustedError
from static.graph import Operation
from static.passes import Pass
from static.rows import kept
from static.schedule import Step, optimised, schedule


Observer = Callable[[Operation, tuple[Any, ...], tuple[Any, ...]], None]
"""Told of a node, its operands and its outputs."""

State = Mapping[Operation, Any]
"""What a session holds for its variables."""

_MOST_LINES = 20_000
"""Plans of more steps than this are interpreted: compiling takes 12 µs a line, interpreting 1 µs a step more."""

_numbers = itertools.count(1)


class Plan:
    """What ``Session.run`` does for given fetches and feeds.

    Attributes:
        outcome: what the passes did.
        schedule: the steps and registers.
        writes: whether a run changes variables.
        rows: whether it hands over only the rows that change of some (``static.rows``).
        random: whether a run draws random numbers.
    """

    def __init__(
        self, fetches: Sequence[Any], fed: Sequence[Any], passes: Sequence[Pass] = (), choice: Choice | None = None
    ) -> None:
        self.outcome = optimised(fetches, fed, passes, choice)
        program = self.outcome.program
        self.schedule = made = schedule(program.nodes, program.roots, fed)
        self.specs = [fetch.spec for fetch in fetches if isinstance(fetch, Value)]
        self.writes = bool(made.writes)
        self.rows = made.rows
        self.random = made.random
        self._nodes: dict[int, Step | Operation] = {}
        self._namespace: dict[str, Any] = {}
        self._filename = f"<plan {next(_numbers)}>"
        self._run = self.interpret if len(made.steps) > _MOST_LINES else self._compiled()

    @property
    def source(self) -> str:
        """The run as Python text."""
        return "\n".join(Emission(self.schedule, self.specs).lines) + "\n"

    def __call__(self, state: State, feeds: Sequence[Any], draw: Draw | None = None) -> tuple[tuple[Any, ...], State]:
        """The values of the fetched tensors, the caller's own, and the new values of the variables that the run changes.

        Raises OpError naming the node for whatever goes wrong in a kernel. Nothing is changed in ``state``.
        """
        try:
            return self._run(state, feeds, draw)
        except Exception as error:
            raise self._explained(error) from cause(error)

    def interpret(
        self, state: State, feeds: Sequence[Any], draw: Draw | None = None, observe: Observer | None = None
    ) -> tuple[tuple[Any, ...], State]:
        """The same as a call, bit for bit, node by node: ``observe`` is told of each with its operands and outputs."""
        made = self.schedule
        values: dict[str, Any] = dict(made.constants)
        values.update(zip(made.feeds, feeds, strict=True))
        for register, variable in made.reads.items():
            if variable not in state:
                raise uninitialized(variable)
            values[register] = state[variable]
        for register, variable in made.peeks.items():
            values[register] = state.get(variable)
        for step in made.steps:
            operands = tuple([values[arg] for arg in step.args])
            extra = {} if draw is None or not step.draws else {"key": step.key(draw)}
            try:
                out = step.kernel(numpy, *operands, **step.params, **extra)
            except Exception as error:
                raise failed(step.node, operands, error) from cause(error)
            outs = out if len(step.outs) != 1 else (out,)
            values.update(zip(step.outs, outs, strict=True))
            if observe is not None:
                observe(step.node, operands, outs)
            for register in step.dead:
                del values[register]
        pairs = zip(made.fetches, self.specs, strict=True)
        fetched = tuple(handed_out(values[register], own, spec) for (register, own), spec in pairs)
        return fetched, {variable: kept(values[register]) for variable, (register, _) in made.writes.items()}

    def _compiled(self) -> Callable[..., tuple[tuple[Any, ...], State]]:
        """The emitted function. Tracebacks and debuggers find its text."""
        emitted = Emission(self.schedule, self.specs)
        source = "\n".join(emitted.lines) + "\n"
        self._nodes, self._namespace = emitted.nodes, emitted.namespace
        linecache.cache[self._filename] = (len(source), None, source.splitlines(keepends=True), self._filename)
        weakref.finalize(self, linecache.cache.pop, self._filename, None)
        exec(compile(source, self._filename, "exec"), self._namespace)
        return self._namespace["run"]

    def _explained(self, error: Exception) -> Exception:
        """What to raise for ``error``: an OpError naming the node, by the line of the plan that was running."""
        if isinstance(error, OpError) and error.op is not None:
            return error
        trace, line, held = error.__traceback__, 0, {}
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self._filename:
                line, held = trace.tb_lineno, trace.tb_frame.f_locals
            trace = trace.tb_next
        found = self._nodes.get(line)
        if isinstance(found, Operation):
            return uninitialized(found)
        if found is None:
            return error
        values = {**self.schedule.constants, **held}
        return failed(found.node, [values[arg] for arg in found.args], error)


def failed(node: Operation, operands: Sequence[Any], error: Exception) -> OpError:
    """The error to raise where the kernel of ``node`` raised ``error`` on ``operands``.

    A kernel that knows which of TensorFlow's errors it is raises that with None for the operation.
    """
    inner = failing(error.__traceback__)
    if isinstance(error, OpError):
        return error if error.op is not None else type(error)(inner or node, error.message)
    kind = ResourceExhaustedError if isinstance(error, MemoryError) else InvalidArgumentError
    if inner is not None:
        return kind(inner, f"{inner.name}: {error} (in the body of {node.name})")
    given = ", ".join(str(Spec.of(x)) if x is not None else "no value" for x in operands)
    return kind(node, f"{node.name}: {error} (operands {given or 'none'})")


def cause(error: Exception) -> BaseException | None:
    """What the error that is raised in place of ``error`` came from."""
    return error.__cause__ if isinstance(error, OpError) else error


def uninitialized(variable: Operation) -> FailedPreconditionError:
    """The error to raise where a variable is read that has no value."""
    return FailedPreconditionError(
        variable, f"Attempting to use uninitialized value {variable.name} (run its initializer first, or feed it)"
    )
