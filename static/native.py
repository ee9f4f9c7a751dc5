"""Plans whose work native code does: a Python function hands arrays to a few compiled ones, over memory planned once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from numpy import empty, ndarray
from numpy.lib.stride_tricks import as_strided

from graphs.codegen.function_text import FunctionText, module
from graphs.codegen.instruction_text import InstructionText
from graphs.codegen.instructions import View
from graphs.core.spec import Spec
from static.emit import Emission
from static.layouts import laid
from static.lowering import Buffer, Lowering, Segment, mentioned
from static.schedule import Schedule, Step


ALIGNMENT = 64
"""Bytes: a line of the cache, and more than any vector instruction asks for."""

_RELEASED = 200_000
"""Elements that a native function works through from which on it lets other threads run Python meanwhile."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory that a plan's intermediate results share.

    Attributes:
        buffers: in the order in which they are written; ``offset`` says where in the whole, ``first`` and ``last`` when.
        bytes: the size of the whole: the most that lives at one time, but for alignment and gaps.
        unshared: what the buffers would take one beside the other.
    """

    buffers: tuple[Buffer, ...]
    bytes: int
    unshared: int

    def __str__(self) -> str:
        """The live ranges, a line each, and the peak."""
        lines = [f"{self.bytes:,} bytes for {len(self.buffers)} results of {self.unshared:,} bytes"]
        for each in self.buffers:
            spec = Spec(each.shape, each.dtype)
            lines.append(f"  {each.name:<10}{spec!s:<24} at {each.offset:>10,}  steps {each.first} to {each.last}")
        return "\n".join(lines)


def planned(lowering: Lowering) -> Memory:
    """Places for all buffers that do not outlive the run; those that live at different times share memory."""
    inner = sorted((b for b in lowering.buffers.values() if not b.lasting), key=lambda b: b.first)
    placed: list[Buffer] = []
    total = 0
    for buffer in inner:
        placed = [other for other in placed if other.last >= buffer.first]
        offset = 0
        for other in sorted(placed, key=lambda b: b.offset):
            if offset + _room(buffer) <= other.offset:
                break
            offset = max(offset, other.offset + _room(other))
        buffer.offset = offset
        placed.append(buffer)
        total = max(total, offset + _room(buffer))
    return Memory(tuple(inner), total, sum(b.bytes for b in inner))


def _room(buffer: Buffer) -> int:
    return -(-buffer.bytes // ALIGNMENT) * ALIGNMENT


class Arena:
    """The memory of one run at a time, and what Python sees of it as arrays."""

    __slots__ = ("arrays", "memory")

    def __init__(self, memory: Memory, views: Sequence[View]) -> None:
        whole = empty(memory.bytes + ALIGNMENT, numpy.uint8)
        start = -whole.__array_interface__["data"][0] % ALIGNMENT
        self.memory = whole[start : start + memory.bytes]
        offsets = {buffer.name: buffer.offset for buffer in memory.buffers}
        self.arrays = tuple(self._array(view, offsets[view.buffer]) for view in views)

    def _array(self, view: View, offset: int) -> ndarray:
        size = view.dtype.itemsize
        start = offset + view.offset * size
        base = self.memory[start:].view() if view.size else numpy.empty(1, view.dtype)
        flat = ndarray((base.size // size if view.size else 1,), view.dtype, base)
        return as_strided(flat, view.shape, [s * size for s in view.strides])


class NativeEmission(Emission):
    """The text of such a plan.

    Attributes:
        memory: the plan of its memory.
        shown: the views of which each arena has arrays.
        parts: the names of the native functions.
        last: the number of the line with the last of them.
    """

    last = 0

    def __init__(self, made: Schedule, specs: list[Spec], lowering: Lowering) -> None:
        self.lowering = lowering
        self.memory = planned(lowering)
        self.shown: dict[str, View] = {}
        self._registers = {variable: register for register, variable in made.reads.items()}
        self._bound: set[str] = set()
        self._viewed = {arg for step in lowering.free.values() for arg in step.args}
        self._functions = [self._function(i, s) for i, s in enumerate(_segments(lowering))]
        self.parts = [each.name for each in self._functions]
        super().__init__(made, specs)

    @property
    def native_text(self) -> str:
        """The LLVM text of the native functions."""
        return module(self._functions)

    def _function(self, number: int, segment: Segment) -> FunctionText:
        lowering = self.lowering
        places = {}
        handed = self._handed(segment)
        for name in segment.given:
            buffer = lowering.buffers.get(name)
            inside = buffer is not None and not buffer.lasting
            places[name] = (0, buffer.offset) if inside and buffer else (handed.index(name) + 1, 0)
        work = sum(view.size for view in mentioned(segment.instructions))
        text = InstructionText(f"part{number}", places, released=work > _RELEASED)
        for instruction in segment.instructions:
            text.write(instruction)
        return text

    def _handed(self, segment: Segment) -> list[str]:
        buffers = self.lowering.buffers
        return [name for name in segment.given if name not in buffers or buffers[name].lasting]

    # The Python function

    def _main(self) -> None:
        made, lowering = self.schedule, self.lowering
        self.lines.append("def run(state, feeds, draw, arena, own):")
        self._fed()
        self._reads()
        self._bound.update(made.feeds, made.reads, made.peeks)
        mark = len(self.lines)
        segments = _segments(lowering)
        self.namespace.update(lowering.constants, laid=laid, empty=empty)
        number = 0
        for piece in lowering.pieces:
            if isinstance(piece, Segment):
                self._call(number, piece)
                number += 1
            else:
                for register in piece.args:
                    self._bind(register)
                self._step(piece)
                self._bound.update(piece.outs)
                for out in piece.outs:
                    if any(out in self._handed(each) for each in segments):
                        self._dense(out)
        fetches = [register for register, _ in made.fetches]
        for register in (*fetches, *(register for register, _ in made.writes.values())):
            self._bind(register)
        self._returned()
        if self.shown:
            unpacked = f"    {', '.join(self.shown)}, = arena.arrays"
            self.lines.insert(mark, unpacked)
            self.nodes = {line + (line > mark): node for line, node in self.nodes.items()}
            self.last += 1

    def _dense(self, register: str) -> None:
        """See to it that a register holds an array whose elements lie as native code expects: it may be a scalar."""
        order = self.lowering.layouts.get(register)
        dense = "dense" if self.lowering.views[register].shape else "array"
        self._line(f"{register} = {f'laid({register}, {order})' if order else f'{dense}({register})'}")

    def _call(self, number: int, segment: Segment) -> None:
        handed = self._handed(segment)
        for name in handed:
            buffer = self.lowering.buffers.get(name)
            if buffer is not None and name not in self._bound:
                made = f"empty({buffer.shape}, {self._setting(buffer.dtype)})"
                before = self._registers.get(self.lowering.inplace[name]) if name in self.lowering.inplace else None
                self._line(f"{name} = {before} if own else {made}" if before else f"{name} = {made}")
                self._bound.add(name)
        name = f"part{number}"
        about = ", ".join(dict.fromkeys(step.node.name for step in segment.steps))
        self._line(f"{name}({', '.join(['arena.memory', *handed])})  # {about}")
        self.last = len(self.lines)

    def _bind(self, register: str) -> None:
        """See to it that Python has the array of a register."""
        if register in self._bound or register in self.schedule.constants:
            return
        view = self.lowering.views.get(register)
        buffer = self.lowering.buffers.get(view.buffer) if view is not None else None
        if buffer is not None and not buffer.lasting and view is not None:
            self.shown[register] = view
            self._bound.add(register)
            return
        step = self.lowering.free[register]
        for arg in step.args:
            self._bind(arg)
        self._step(step)
        self._bound.update(step.outs)

    def _deletable(self, step: Step) -> list[str]:
        return [r for r in step.dead if (r in self._bound or r in step.outs) and r not in self._viewed]

    def _whole(self, register: str) -> str:
        return register if register in self.lowering.buffers else super()._whole(register)

    def _own(self, register: str, own: bool) -> bool:
        view = self.lowering.views.get(register)
        buffer = self.lowering.buffers.get(view.buffer) if view is not None else None
        return buffer.lasting and buffer.name == register if buffer is not None else own


def _segments(lowering: Lowering) -> list[Segment]:
    return [piece for piece in lowering.pieces if isinstance(piece, Segment)]


__all__ = ["Arena", "Memory", "NativeEmission", "planned"]
