"""Steps of a schedule as instructions of native code, where shapes are known and what a step does can be written out.

Steps that follow each other become one native function. What is a view of something costs nothing: it is kept as offset and
strides. Everything else stays a call from Python, between two such functions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy

from graphs.codegen.instruction_text import shared
from graphs.codegen.instructions import Fill, Instruction, Loop, Product, Region, Sum, Update, View, contiguous
from graphs.codegen.primitives import NUMBERS, of_node
from graphs.core.node import Value
from graphs.ops import matmul
from static.joining import joined
from static.layouts import Order
from static.schedule import Schedule, Step
from static.writing import UnloweredError, Writer


@dataclass(slots=True)
class Segment:
    """A native function to be.

    Attributes:
        steps: what it does, and ``instructions`` how.
        given: the registers whose arrays it is handed.
    """

    steps: list[Step] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)
    given: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class Buffer:
    """Memory that native code writes at step ``first`` and reads until ``last``; what is ``lasting`` outlives the run."""

    name: str
    dtype: Any
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    first: int
    last: int
    lasting: bool = False
    offset: int = 0

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Its size in memory."""
        return self.size * int(self.dtype.itemsize)


class Lowering:
    """A schedule in pieces: steps that Python calls, and segments.

    Attributes:
        pieces: in order.
        views: where the value of a register is, for those that native code knows of.
        free: the steps that only view something, by register; no piece has them.
        buffers: what native code writes, by name.
        inplace: the buffers that may be the memory of a variable which they are the new value of, and which: all or none.
        layouts: how results of steps that Python calls lie in memory, where it is not C's order.
        constants: the arrays that native code is handed, besides those of the schedule.
    """

    def __init__(self, made: Schedule, layouts: Mapping[str, Order | None] | None = None) -> None:
        self.schedule = made
        self.layouts = layouts or {}
        self.pieces: list[Step | Segment] = []
        self.views: dict[str, View] = {}
        self.buffers: dict[str, Buffer] = {}
        self.inplace: dict[str, Any] = {}
        self.free: dict[str, Step] = {}
        self.constants: dict[str, Any] = {}
        self._since: list[str] = []
        self._behind: dict[str, set[str]] = {}
        self._writer = Writer(self)
        self._count = itertools.count()
        self._place = 0
        for place, step in enumerate(made.steps):
            self._place = place
            self._lower(step)
        self._join()
        self._lifetimes()
        self._settle()

    def _lower(self, step: Step) -> None:
        self._since = []
        try:
            instructions = self._writer.instructions(step, 0)
        except UnloweredError:
            for register in self._since:
                self.views.pop(register, None)
                self.buffers.pop(register, None)
            self.pieces.append(step)
            return
        if not instructions:
            self.free.update(dict.fromkeys(step.outs, step))
            return
        if not self.pieces or not isinstance(self.pieces[-1], Segment):
            self.pieces.append(Segment())
        segment = self.pieces[-1]
        assert isinstance(segment, Segment)
        segment.steps.append(step)
        segment.instructions += instructions

    # Where things are

    def view(self, register: str, x: Any) -> View:
        """Where an operand is."""
        found = self.views.get(register)
        if found is None:
            spec = x.node.outputs[x.index].spec if isinstance(x, Value) else None
            if spec is None or not spec.known or spec.dtype.char not in NUMBERS:
                raise UnloweredError
            found = self.views[register] = self._given(register, spec.dtype, spec.dims)
        return found

    def _given(self, register: str, dtype: Any, shape: tuple[int, ...]) -> View:
        """Where an array is that Python has."""
        fixed = self.constants.get(register, self.schedule.constants.get(register))
        if type(fixed) is numpy.ndarray:
            return View(register, dtype, shape, tuple([s // dtype.itemsize for s in fixed.strides]))
        order = self.layouts.get(register, ())
        if order is None:
            raise UnloweredError
        if not order:
            return View.whole(register, dtype, shape)
        strides = dict(zip(order, contiguous([shape[i] for i in order]), strict=True))
        return View(register, dtype, shape, tuple(strides[i] for i in range(len(shape))))

    def new(self, register: str, dtype: Any, shape: Sequence[int], strides: Sequence[int] | None = None) -> View:
        """A buffer for what a register is to hold."""
        view = View.whole(register, dtype, shape)
        if strides is not None:
            view = view.at(shape, strides)
        self.views[register] = view
        self._since.append(register)
        self.buffers[register] = Buffer(register, dtype, tuple(shape), view.strides, self._place, self._place)
        return view

    # What loops ask for (``static.native_loops``)

    refusal = UnloweredError()

    def instructions(self, step: Step, level: int) -> list[Instruction]:
        """What a step inside ``level`` loops is. Raises UnloweredError."""
        return self._writer.instructions(step, level)

    def fresh(self) -> str:
        """A name for something inside a loop."""
        name = f"i{next(self._count)}"
        self._since.append(name)
        return name

    def constant(self, array: Any) -> str:
        """A register for an array that stands among a node's inputs."""
        if array.dtype.char not in NUMBERS:
            raise UnloweredError
        name = f"k{len(self.constants)}"
        self.constants[name] = array
        self.views[name] = self._given(name, array.dtype, array.shape)
        return name

    def elsewhere(self, buffer: str) -> bool:
        """Whether a buffer is not one that was made inside a loop."""
        return not buffer.startswith("i")

    def move(self, buffer: str, onto: Callable[[View], View]) -> None:
        """Let all views of ``buffer`` be those that ``onto`` gives in their place; the buffer is gone."""
        for register in self._since:
            if register in self.views:
                self.views[register] = onto(self.views[register])
        del self.buffers[buffer]

    def _join(self) -> None:
        """Let regions add up what they write; the sums begin as early as they do."""
        changed = {register for register, _ in self.schedule.writes.values()}

        def may(region: Region) -> bool:
            return changed.isdisjoint([view.buffer for view in region.outputs]) and not shared(region)

        for piece in self.pieces:
            if isinstance(piece, Segment):
                piece.instructions = joined(piece.instructions, may)
                for each in piece.instructions:
                    if isinstance(each, Region):
                        made = [self.buffers[view.buffer] for view in each.outputs if view.buffer in self.buffers]
                        for buffer in made:
                            buffer.first = min(other.first for other in made)

    # How long things live

    def _lifetimes(self) -> None:
        """Note how long each buffer is read, and what each segment is handed."""
        made = self.schedule
        called = {id(piece) for piece in self.pieces if isinstance(piece, Step)}
        for place, step in enumerate(made.steps):
            read = set().union(*(self._bases(register) for register in step.args))
            for name in read & self.buffers.keys():
                self.buffers[name].last = max(self.buffers[name].last, place)
            if id(step) in called and not _fresh(step):
                seen = step.viewed or step.args
                self._behind.update(dict.fromkeys(step.outs, set().union(*map(self._bases, seen))))
        end = len(made.steps)
        for register in (*(r for r, _ in made.fetches), *(r for r, _ in made.writes.values())):
            for name in self._bases(register) & self.buffers.keys():
                self.buffers[name].last = end
            view = self.views.get(register)
            if view is not None and view.buffer in self.buffers:
                buffer = self.buffers[view.buffer]
                buffer.last = end
                whole = register == buffer.name and buffer.shape and view.strides == contiguous(buffer.shape)
                buffer.lasting = buffer.lasting or bool(whole)
        for piece in self.pieces:
            if isinstance(piece, Segment):
                for view in mentioned(piece.instructions):
                    piece.given.setdefault(view.buffer)

    # Variables in place

    def _settle(self) -> None:
        """Find out whether all variables that a run writes can be changed in place, last of all and in one piece."""
        made = self.schedule
        last = self.pieces[-1] if self.pieces else None
        if not made.writes or made.rows or not isinstance(last, Segment):
            return
        registers = {variable: register for register, variable in made.reads.items()}
        regions = {
            view.buffer: each for each in last.instructions if isinstance(each, (Region, Update)) for view in _written(each)
        }
        found: dict[str, Any] = {}
        for variable, (register, _) in made.writes.items():
            buffer, region, before = self.buffers.get(register), regions.get(register), registers.get(variable)
            if buffer is None or region is None or before is None or register in found:
                return
            spec = variable.specs[0]
            if buffer.dtype != spec.dtype or buffer.shape != spec.dims or buffer.strides != contiguous(buffer.shape):
                return
            found[register] = variable
        fetched = [register for register, _ in made.fetches]
        if any(registers[variable] in fetched for variable in found.values()):
            return
        chosen = {id(regions[register]) for register in found}
        updates = [each for each in last.instructions if isinstance(each, (Region, Update)) and id(each) in chosen]
        others = [each for each in last.instructions if id(each) not in chosen]
        written = {view.buffer for each in updates for view in _written(each)}
        if written - set(found) or any(view.buffer in written for view in mentioned(others)):
            return
        for region in updates:
            for out in _written(region):
                old = registers[found[out.buffer]]
                readers = [view for view in _read(region) if view.buffer == old]
                elsewhere = [each for each in updates if each is not region]
                if any(view.buffer == old for each in elsewhere for view in _read(each)):
                    return
                if any(view.strides != out.strides or view.offset for view in readers):
                    return
                if isinstance(region, Update) and len(readers) != 1:
                    return
        changed = {registers[variable] for variable in found.values()}
        handed_on = [*(view.buffer for each in updates for view in _read(each) if view.buffer not in changed), *fetched]
        if any(self._bases(register) & changed for register in handed_on):
            return
        last.instructions[:] = [*others, *updates]  # one may read what another before it gives
        for region in updates:  # what they read has to last until then
            for view in _read(region):
                if view.buffer in self.buffers:
                    self.buffers[view.buffer].last = len(made.steps)
        self.inplace = found
        for register in found:
            self.buffers[register].lasting = True

    def _bases(self, register: str) -> set[str]:
        """What the array of a register may be a view of: buffers, or what Python has."""
        view = self.views.get(register)
        base = register if view is None else view.buffer
        return self._behind.get(base, {base})


def _fresh(step: Step) -> bool:
    """Whether a kernel surely gives an array of its own: others may hand on what they are given, or a view of it."""
    made = of_node(step.node)
    return step.node.op is matmul or (made is not None and bool(made.calls))


def _written(instruction: Region | Update) -> tuple[View, ...]:
    return instruction.outputs if isinstance(instruction, Region) else (instruction.out,)


def _read(instruction: Region | Update) -> list[View]:
    if isinstance(instruction, Region):
        return list(instruction.inputs)
    return [view for view in mentioned([instruction]) if view is not instruction.out]


def mentioned(instructions: Sequence[Instruction]) -> list[View]:
    """All views that instructions read or write."""
    found: list[View] = []
    for each in instructions:
        match each:
            case Region():
                found += [*each.inputs, *each.outputs]
            case Product():
                found += [each.x, each.y, each.out]
            case Update():
                found += [each.before, each.x, each.y, each.out, *([each.scale] if isinstance(each.scale, View) else [])]
            case Sum():
                found += [each.x, each.out]
            case Fill():
                found.append(each.out)
            case Loop():
                found += mentioned(each.body)
    return found
