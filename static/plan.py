"""A run as a program: the schedule's steps written out as one straight-line Python function, and run.

The source text is to be read (``plan.source``), and its line numbers lead an exception back to the node that raised it.
Names in it are counters, whatever the user called things; values and kernels come through the namespace, which has no
builtins.
"""

from __future__ import annotations

import itertools
import linecache
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy

from graphs.codegen.machine import available, natives
from graphs.codegen.primitives import of_node
from graphs.codegen.region_text import UnwrittenError
from graphs.control import failing
from graphs.control.program import Draw
from graphs.core.arrays import MODULES, to_numpy
from graphs.core.gpus import cupy
from graphs.core.node import Value
from graphs.core.spec import Spec
from graphs.rewrite import Choice, origins
from static.blame import culprit, looked_at
from static.emit import Emission, handed_out
from static.errors import FailedPreconditionError, InvalidArgumentError, OpError, ResourceExhaustedError
from static.gpus import on_host
from static.graph import Operation
from static.layouts import Order, order_of, ordered
from static.lowering import Lowering
from static.native import Arena, Memory, NativeEmission, planned
from static.on_device import OnDevice, device_of
from static.passes import Optimised, Pass
from static.passes.specialise import standins
from static.placement import Placer
from static.rows import kept
from static.schedule import Schedule, Step, optimised, schedule


Observer = Callable[[Operation, tuple[Any, ...], tuple[Any, ...]], None]
"""Told of a node, its operands and its outputs."""

State = Mapping[Operation, Any]
"""What a session holds for its variables."""

_MOST_LINES = 20_000
"""Plans of more steps than this are interpreted: compiling takes 12 µs a line, interpreting 1 µs a step more."""

_MOST_TEXT = 1 << 19
"""Plans with more characters of native text than this stay Python: compiling takes 4 µs each, or more of many."""

HOT_SECONDS = 0.05
SECONDS_A_CALL = 0.001
"""A plan is compiled once it has run for about as long as compiling takes: so much, and so much for each call of a ufunc."""

FIRST = "the first run of these fetches and feeds"
"""Why a plan is made that is not made again."""

_numbers = itertools.count(1)


class Plan:
    """What ``Session.run`` does for given fetches, feeds and shapes of feeds.

    A plan begins as Python text with a line a step. One that proves hot is compiled, where the pass ``reuse`` allows it and
    native code can be made: then a few compiled functions do the work, with the same bits.

    Attributes:
        outcome: what the passes did.
        schedule: the steps and registers.
        given: the specs of the feeds that it is for.
        reason: why it was made.
        writes: whether a run changes variables.
        rows: whether it hands over only the rows that change of some (``static.rows``).
        random: whether a run draws random numbers.
        inplace: the variables whose arrays a run can change in place, where it may: all that it writes, or none.
        silent: whether no kernel is called from Python, so that numpy has nothing to warn of.
        native: the LLVM text, once it is compiled.
        locked: whether a run needs the session's lock: it changes variables, draws numbers, or works on a GPU.
        device: what runs it where GPUs do a part: from the beginning where steps are placed there, else once variables or
            feeds have been arrays of a GPU.
        placement: where its steps are done, where somebody asks.
        placed: whether any is done on a GPU.
    """

    def __init__(
        self,
        fetches: Sequence[Any],
        fed: Sequence[Any],
        passes: Sequence[Pass] = (),
        choice: Choice | None = None,
        given: Sequence[Spec] | None = None,
        reason: str = FIRST,
        placer: Placer | None = None,
    ) -> None:
        self.given = [tensor.spec for tensor in fed] if given is None else list(given)
        self.reason = reason
        values = standins(fed, self.given, Optimised)
        self.outcome = optimised(fetches, fed, values, passes, choice)
        program = self.outcome.program
        made = schedule(program.nodes, program.roots, values)
        self._ready(made, [fetch.spec for fetch in fetches if isinstance(fetch, Value)], program.reuse, placer)

    @classmethod
    def of(cls, made: Schedule, specs: Sequence[Spec], reuse: bool) -> Plan:
        """The plan of steps that are there already, and fetch values of ``specs``."""
        plan = cls.__new__(cls)
        plan.given, plan.reason = list(made.feeds.values()), "made of steps"
        plan._ready(made, specs, reuse)
        return plan

    def _ready(self, made: Schedule, specs: Sequence[Spec], reuse: bool, placer: Placer | None = None) -> None:
        self.schedule = made
        self.specs = list(specs)
        self.writes = bool(made.writes)
        self.rows = made.rows
        self.random = made.random
        self.inplace: tuple[Operation, ...] = ()
        self.silent = False
        self.native = ""
        self.device: OnDevice | None = None
        self.placement = None if placer is None else placer.place(made)
        self.placed = self.placement is not None and bool(self.placement.used)
        self.locked = self.writes or self.random or self.placed
        self._texts: dict[str, Emission] = {}
        self._compiling = threading.Lock()
        self._native: tuple[Callable[..., Any], NativeEmission, list[Arena]] | None = None
        self._layouts: dict[str, Order | None] = {}
        self._seconds, self._patience = 0.0, HOT_SECONDS
        self._way: Callable[[Plan, State, Sequence[Any], Draw | None, bool], tuple[tuple[Any, ...], State]]
        if self.placed:
            self.device = OnDevice(cupy(), made, self.specs, self._compiled, self.placement)
            self.inplace = self.device.inplace
            self._way = Plan._on_devices
        elif len(made.steps) > _MOST_LINES:
            self._way = Plan._interpreted
        else:
            self._function = self._compiled(Emission(made, self.specs))
            self._way = Plan._warming if reuse and available() else Plan._plain

    @property
    def source(self) -> str:
        """The run as Python text."""
        texts = list(self._texts.values()) or [Emission(self.schedule, self.specs)]
        if self.placed:
            return "\n\n".join("\n".join(text.lines) for text in texts) + "\n"
        return "\n".join(texts[-1].lines) + "\n"

    @property
    def memory(self) -> Memory:
        """What the results on the way share, and when each lives."""
        return planned(Lowering(self.schedule, self._layouts))

    def __call__(
        self, state: State, feeds: Sequence[Any], draw: Draw | None = None, own: bool = False
    ) -> tuple[tuple[Any, ...], State]:
        """The values of the fetched tensors, the caller's own, and the new values of the variables that the run changes.

        Raises OpError naming the node for whatever goes wrong in a kernel. Nothing is changed in ``state``, except with
        ``own``: then the arrays of the variables ``inplace`` are nobody else's, and change, last of all and all together.
        """
        try:
            if (len(MODULES) > 1 or "cupy" in sys.modules) and not self.placed:
                xp = device_of(state, tuple(self.schedule.reads.values()), feeds)
                if xp is not None:
                    return self._on_device(xp)(state, feeds, draw)
            return self._way(self, state, feeds, draw, own)
        except Exception as error:
            raise self._explained(error) from cause(error)

    def compile(self) -> bool:
        """Compile it now, whether it is hot or not. False where nothing in it can be, or native code cannot be made."""
        if self.placed or not available() or len(self.schedule.steps) > _MOST_LINES:
            return False
        try:
            emitted = NativeEmission(self.schedule, self.specs, Lowering(self.schedule, self._layouts))
        except UnwrittenError:  # a region that numpy's loops cut into too many stages
            self._way = Plan._plain
            return False
        native = emitted.native_text
        if not emitted.parts or len(native) > _MOST_TEXT:
            self._way = Plan._plain
            return False
        self.native = native
        emitted.namespace.update(zip(emitted.parts, natives(self.native, emitted.parts), strict=True))
        self._native = (self._compiled(emitted), emitted, [])  # at once: other threads may be running it
        self._way = Plan._natively
        self.inplace = tuple(emitted.lowering.inplace.values())
        self.silent = not any(isinstance(piece, Step) for piece in emitted.lowering.pieces)
        return True

    def _on_device(self, xp: Any) -> OnDevice:
        if self.device is None or self.device.xp is not xp:
            self.device = OnDevice(xp, self.schedule, self.specs, self._compiled)
        return self.device

    def _on_devices(self, state: State, feeds: Sequence[Any], draw: Draw | None, own: bool) -> tuple[tuple[Any, ...], State]:
        assert self.device is not None
        return self.device(state, feeds, draw, own)

    def _interpreted(
        self, state: State, feeds: Sequence[Any], draw: Draw | None, own: bool
    ) -> tuple[tuple[Any, ...], State]:
        return self.interpret(state, feeds, draw)

    def _plain(self, state: State, feeds: Sequence[Any], draw: Draw | None, own: bool) -> tuple[tuple[Any, ...], State]:
        return self._function(state, feeds, draw, None, own)

    def _warming(self, state: State, feeds: Sequence[Any], draw: Draw | None, own: bool) -> tuple[tuple[Any, ...], State]:
        start = perf_counter()
        out = self._function(state, feeds, draw, None, own)
        self._seconds += perf_counter() - start
        if self._seconds > self._patience:
            if self._patience == HOT_SECONDS:
                self._patience += SECONDS_A_CALL * sum(
                    len(made.calls) for s in self.schedule.steps if (made := of_node(s.node))
                )
            if self._seconds > self._patience:
                self._way = Plan._watched
        return out

    def _watched(self, state: State, feeds: Sequence[Any], draw: Draw | None, own: bool) -> tuple[tuple[Any, ...], State]:
        """Once more node by node, to see how results lie in memory; then it is compiled."""
        if not self._compiling.acquire(blocking=False):  # another thread is at it
            return self._plain(state, feeds, draw, own)
        try:
            return self._seen(state, feeds, draw)
        finally:
            self._compiling.release()

    def _seen(self, state: State, feeds: Sequence[Any], draw: Draw | None) -> tuple[tuple[Any, ...], State]:
        registers = {step.node: step.outs for step in self.schedule.steps}
        layouts: dict[str, Order | None] = {}

        def watch(node: Operation, _operands: Sequence[Any], outs: Sequence[Any]) -> None:
            found = zip(registers[node], map(order_of, outs), strict=True)
            layouts.update({register: order for register, order in found if order != ()})

        out = self.interpret(state, feeds, draw, watch)
        self._layouts = layouts
        self.compile()
        return out

    def _natively(self, state: State, feeds: Sequence[Any], draw: Draw | None, own: bool) -> tuple[tuple[Any, ...], State]:
        """Each run has an arena to itself, whatever others run meanwhile."""
        assert self._native is not None
        function, emitted, arenas = self._native
        try:
            arena = arenas.pop()
        except IndexError:
            arena = Arena(emitted.memory, list(emitted.shown.values()))
        out = function(state, feeds, draw, arena, own)
        arenas.append(arena)
        return out

    def completed(self, error: BaseException | None, own: bool | None) -> bool:
        """Whether variables had changed in place when ``error`` ended a run, or whoever called it for that with ``own``.

        The last native call changes them, and Python looks for signals right after it: where that line was reached it is
        done. An error of the caller's own is one after the call.
        """
        if self.placed:
            return self.device is not None and self.device.committed
        if not own or self._native is None or error is None:
            return False
        if error.__traceback__ is not None and error.__traceback__.tb_next is None:
            return True
        while error is not None:
            trace, error = error.__traceback__, error.__context__ if isinstance(error, OpError) else None
            while trace is not None:
                frame = trace.tb_frame
                if frame.f_code is Plan._natively.__code__ and "out" in frame.f_locals:
                    return True
                if frame.f_code is self._native[0].__code__:
                    return trace.tb_lineno >= self._native[1].last
                trace = trace.tb_next
        return False

    def interpret(
        self, state: State, feeds: Sequence[Any], draw: Draw | None = None, observe: Observer | None = None
    ) -> tuple[tuple[Any, ...], State]:
        """The same as a call, bit for bit, node by node: ``observe`` is told of each with its operands and outputs.

        It is all done on the host: where GPUs do a part of the plan, functions may differ in their last bits.
        """
        made = self.schedule
        state = on_host(state)
        feeds = [x if isinstance(x, numpy.ndarray) else to_numpy(x) for x in feeds]
        values: dict[str, Any] = dict(made.constants)
        values.update(zip(made.feeds, map(ordered, feeds), strict=True))
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

    def _compiled(self, emitted: Emission) -> Callable[..., tuple[tuple[Any, ...], State]]:
        """The emitted function. Tracebacks and debuggers find its text."""
        source = "\n".join(emitted.lines) + "\n"
        filename = f"<plan {next(_numbers)}>"
        self._texts[filename] = emitted
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        weakref.finalize(self, linecache.cache.pop, filename, None)
        exec(compile(source, filename, "exec"), emitted.namespace)
        return emitted.namespace[emitted.name]

    def _explained(self, error: Exception) -> Exception:
        """What to raise for ``error``: an OpError naming the node, by the line of the plan that was running."""
        if isinstance(error, OpError) and error.op is not None:
            return error
        trace, found, held = error.__traceback__, None, {}
        while trace is not None:
            emitted = self._texts.get(trace.tb_frame.f_code.co_filename)
            if emitted is not None:
                found, held = emitted.nodes.get(trace.tb_lineno), trace.tb_frame.f_locals
            trace = trace.tb_next
        if isinstance(found, Operation):
            return uninitialized(found)
        if found is None:
            return error
        values = {**self.schedule.constants, **held}
        return failed(found.node, [values.get(arg, values.get(arg.removesuffix("_cpu"))) for arg in found.args], error)


def failed(node: Operation, operands: Sequence[Any], error: Exception) -> OpError:
    """The error to raise where the kernel of ``node`` raised ``error`` on ``operands``.

    A kernel that knows which of TensorFlow's errors it is raises that with None for the operation.
    """
    inner = failing(error.__traceback__)
    meant = origins([node])
    own = meant[-1]
    if isinstance(error, OpError):
        return error if error.op is not None else type(error)(inner or own, f"{error.message}{looked_at(inner or own)}")
    kind = ResourceExhaustedError if isinstance(error, MemoryError) else InvalidArgumentError
    if inner is not None:
        return kind(inner, f"{inner.name}: {error} (in the body of {own.name})")
    own, operands = culprit(node, operands) or (own, operands)
    given = ", ".join(str(Spec.of(x)) if x is not None else "no value" for x in operands)
    others = [other.name for other in meant if other is not own]
    also = f", computed with {', '.join(others)}" if others else ""
    return kind(own, f"{own.name}: {error} (operands {given or 'none'}{also})")


def cause(error: Exception) -> BaseException | None:
    """What the error that is raised in place of ``error`` came from."""
    return error.__cause__ if isinstance(error, OpError) else error


def uninitialized(variable: Operation) -> FailedPreconditionError:
    """The error to raise where a variable is read that has no value."""
    return FailedPreconditionError(
        variable, f"Attempting to use uninitialized value {variable.name} (run its initializer first, or feed it)"
    )
