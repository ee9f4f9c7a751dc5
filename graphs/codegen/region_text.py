"""Regions of element-wise work as LLVM text: loops that read each array once, with nothing between them but registers.

Calls that are left to numpy's own loops cut a region into stages. It then runs piece by piece, some thousand elements at a
time, and what passes from stage to stage lies in scratch memory that stays in the first-level cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from graphs.codegen.instructions import Region, View
from graphs.codegen.primitives import Call, Literal
from graphs.codegen.scalar_text import function, inline, kind, literal, scalar, stored
from graphs.codegen.symbols import loop_symbol


PIECE = 1024
"""Elements that a stage works on at a time: 4 KiB of float32 in each piece of scratch."""

_MOST_SCRATCH = 96

_CACHED = 16 << 20
"""Bytes that a processor's caches keep from one step to the next."""


class UnwrittenError(TypeError):
    """A region has something in it that is neither written out nor left to one of numpy's loops."""


def writable(region_calls: Sequence[Call]) -> bool:
    """Whether all calls can be written out or left to numpy."""
    return all(inline(call) or _numpy_loop(call) is not None for call in region_calls)


def _numpy_loop(call: Call) -> str | None:
    ufunc = getattr(numpy, call.name, None)
    if not isinstance(ufunc, numpy.ufunc):
        return None
    return loop_symbol(ufunc, (*call.dtypes, call.dtype))


def axes(region: Region) -> tuple[list[int], list[list[int]]]:
    """The loops of a region, outermost first: rounds, and the strides of each view. Axes that all views allow are merged."""
    views = (*region.inputs, *region.outputs)
    order = [i for i, n in enumerate(region.shape) if n != 1]
    if not any(0 in [view.strides[i] for i in order] for view in region.outputs):
        order.sort(key=lambda i: -region.outputs[0].strides[i])
    counts: list[int] = []
    strides: list[list[int]] = []
    for i in order:
        n, own = region.shape[i], [view.strides[i] for view in views]
        if counts and all(outer == inner * n for outer, inner in zip(strides[-1], own, strict=True)):
            counts[-1] *= n
            strides[-1] = own
        else:
            counts.append(n)
            strides.append(own)
    return counts or [1], strides or [[0] * len(views)]


class RegionText:
    """The text of one region, written into ``function``.

    With ``rounds``, a register, the outermost loop has so many.
    """

    def __init__(self, function: Any, region: Region, rounds: str = "") -> None:
        self.function = function
        self.rounds = rounds
        self.region = region
        self.scalars = region.scalars
        self.views = (*region.inputs, *region.outputs)
        self.width = len(region.inputs)
        self.own = region.own
        self.counts, self.strides = axes(region)
        self.levels = self._levels()
        self.scratch: dict[int, str] = {}
        self.pointers: list[str] = []

    def write(self) -> None:
        """The loops."""
        if 0 in self.region.shape:
            return
        self.pointers = [self.function.pointer(view) for view in self.views]
        self._axis(0, self.pointers)

    @property
    def nanoseconds(self) -> float:
        """About how long it takes: by what was measured of memory, arithmetic and functions, numpy's being slow."""
        slow = sum(not inline(call, self.own) for call in self.scalars.calls)
        own = sum(function(call) is not None for call in self.scalars.calls) if self.own else 0
        size = math.prod(self.region.shape)
        near = size * sum(view.dtype.itemsize for view in self.views) < _CACHED
        return size * ((0.1 if near else 0.25) * len(self.views) + 0.05 * len(self.scalars.calls) + 0.5 * own + 3.0 * slow)

    @property
    def splits(self) -> bool:
        """Whether the rounds of the outermost loop write different elements."""
        return all(self.strides[0][self.width :])

    def turn(self, nanoseconds: float) -> int:
        """How many rounds of the outermost loop take about that long; no more than one piece, where there are pieces."""
        rounds = max(1, int(self.counts[0] * nanoseconds / self.nanoseconds))
        if len(self.counts) > 1:
            return rounds
        return PIECE if max(self.levels, default=0) else -(-rounds // PIECE) * PIECE

    # Stages

    def _levels(self) -> list[int]:
        """For each value the stage in which it is there."""
        levels = [0] * self.width
        for call in self.scalars.calls:
            level = max([levels[x] for x in call.args if not isinstance(x, Literal)], default=0)
            if not inline(call, self.own):
                if _numpy_loop(call) is None:
                    raise UnwrittenError(f"{call.name} of {', '.join(map(str, call.dtypes))}")
                level += 1
            levels.append(level)
        return levels

    def _call(self, value: int) -> Call | None:
        return self.scalars.calls[value - self.width] if value >= self.width else None

    # Loops around the innermost one

    def _axis(self, depth: int, pointers: Sequence[str]) -> None:
        write = self.function
        if depth < len(self.counts) - 1:
            index = write.loop(self._rounds(depth))
            moved = [
                self._moved(pointer, view, write.times(index, stride))
                for pointer, view, stride in zip(pointers, self.views, self.strides[depth], strict=True)
            ]
            self._axis(depth + 1, moved)
            write.end()
            return
        n = self.counts[-1]
        if not max(self.levels, default=0):
            self._stage(0, pointers, self._rounds(depth))
            return
        if n <= PIECE or self._rounds(depth) == self.rounds:
            self._piece(pointers, self._rounds(depth))
            return
        index = write.loop(-(-n // PIECE))
        start = write.times(index, PIECE)
        left = write.emit(f"sub i64 {n}, {start}")
        write.called.add("llvm.smin.i64")
        size = write.emit(f"call i64 @llvm.smin.i64(i64 {left}, i64 {PIECE})")
        moved = [
            self._moved(pointer, view, write.times(start, stride))
            for pointer, view, stride in zip(pointers, self.views, self.strides[-1], strict=True)
        ]
        self._piece(moved, size)
        write.end()

    def _rounds(self, depth: int) -> str:
        return self.rounds if self.rounds and depth == 0 else str(self.counts[depth])

    def _moved(self, pointer: str, view: View, by: str) -> str:
        return self.function.emit(f"getelementptr {stored(view.dtype)}, ptr {pointer}, i64 {by}")

    def _piece(self, pointers: Sequence[str], size: str) -> None:
        top = max(self.levels)
        for level in range(top + 1):
            self._stage(level, pointers, size)
            for value in range(self.width, len(self.levels)):
                call = self._call(value)
                if call is not None and self.levels[value] == level + 1 and not inline(call, self.own):
                    self._foreign(call, value, pointers, size)

    def _foreign(self, call: Call, value: int, pointers: Sequence[str], size: str) -> None:
        """A call of numpy's loop, from scratch or inputs into scratch."""
        write = self.function
        places = [self._place(x, pointers, dtype) for x, dtype in zip(call.args, call.dtypes, strict=True)]
        places.append((self._scratch(value), call.dtype.itemsize))
        symbol = _numpy_loop(call)
        write.numpy_loop(symbol, [place for place, _ in places], [size], [str(step) for _, step in places])

    def _place(self, x: int | Literal, pointers: Sequence[str], dtype: Any) -> tuple[str, int]:
        write = self.function
        if isinstance(x, Literal):
            place = write.alloca(stored(dtype), 1)
            write.line(f"store {stored(dtype)} {literal(x)}, ptr {place}")
            return place, 0
        if x < self.width:
            return pointers[x], self.strides[-1][x] * dtype.itemsize
        return self._scratch(x), dtype.itemsize

    def _scratch(self, value: int) -> str:
        if value not in self.scratch:
            if len(self.scratch) >= _MOST_SCRATCH:
                raise UnwrittenError("a region of too many stages")
            self.scratch[value] = self.function.alloca(stored(self.scalars.dtype(value)), PIECE)
        return self.scratch[value]

    def _stage(self, level: int, pointers: Sequence[str], size: str) -> None:
        """The innermost loop of one stage: what is written out at this level, and what later stages read of it."""
        top = max(self.levels, default=0)
        wanted: list[int] = []
        for value in range(self.width, len(self.levels)):
            call = self._call(value)
            if call is None or not inline(call, self.own) or self.levels[value] != level:
                continue
            if level < top and self._read_later(value, level):
                wanted.append(value)
        outputs = list(enumerate(self.scalars.outputs)) if level == top else []
        if not wanted and not outputs:
            return
        _Innermost(self, level, pointers, size, wanted, outputs).write()

    def _read_later(self, value: int, level: int) -> bool:
        readers = [
            (self.levels[reader], inline(call, self.own))
            for reader, call in enumerate(self.scalars.calls, self.width)
            if value in [x for x in call.args if not isinstance(x, Literal)]
        ]
        return value in self.scalars.outputs or any(at > level for at, _ in readers)


class _Innermost:
    """The innermost loop of one stage."""

    def __init__(
        self,
        text: RegionText,
        level: int,
        pointers: Sequence[str],
        size: str,
        wanted: Sequence[int],
        outputs: Sequence[tuple[int, int | Literal]],
    ) -> None:
        self.text = text
        self.level = level
        self.pointers = pointers
        self.size = size
        self.wanted = wanted
        self.outputs = outputs
        self.values: dict[int, str] = {}
        self.index = ""
        self.group = text.function.access_group()

    def write(self) -> None:
        """The loop. Each array is read at the element that is written, so that its rounds may run side by side."""
        text, write = self.text, self.text.function
        one = self.size == "1"
        self.index = "0" if one else write.inner_loop(self.size)
        for value in self.wanted:
            self._store(self._value(value), text.scalars.dtype(value), text._scratch(value), 1)
        made = [self._value(x) if not isinstance(x, Literal) else literal(x) for _, x in self.outputs]
        for (i, x), name in zip(self.outputs, made, strict=True):
            place = text.width + i
            self._store(name, text.scalars.dtype(x), self.pointers[place], text.strides[-1][place])
        if not one:
            write.end_inner(self.group)

    def _value(self, value: int) -> str:
        """The register of a value; what it is computed from comes first, without recursion."""
        text = self.text
        stack = [value]
        while stack:
            x = stack[-1]
            if x in self.values:
                stack.pop()
                continue
            call = text._call(x)
            if call is None:
                self.values[x] = self._load(text.scalars.dtype(x), self.pointers[x], text.strides[-1][x])
            elif text.levels[x] < self.level or not inline(call, text.own):
                self.values[x] = self._load(text.scalars.dtype(x), text._scratch(x), 1)
            else:
                missing = [y for y in call.args if not isinstance(y, Literal) and y not in self.values]
                if missing:
                    stack.extend(reversed(missing))
                    continue
                args = [literal(y) if isinstance(y, Literal) else self.values[y] for y in call.args]
                args = [_as_truth(y, arg) for y, arg in zip(call.args, args, strict=True)]
                made = scalar(call, args, text.function.emit, text.function.called, text.own)
                assert made is not None
                self.values[x] = made
            stack.pop()
        return self.values[value]

    def _at(self, dtype: Any, pointer: str, stride: int) -> str:
        write = self.text.function
        if stride == 0 or self.index == "0":
            return pointer
        return write.emit(f"getelementptr {stored(dtype)}, ptr {pointer}, i64 {write.times(self.index, stride)}")

    def _load(self, dtype: Any, pointer: str, stride: int) -> str:
        write = self.text.function
        found = write.emit(f"load {stored(dtype)}, ptr {self._at(dtype, pointer, stride)}, !llvm.access.group !{self.group}")
        return write.emit(f"icmp ne i8 {found}, 0") if dtype.kind == "b" else found

    def _store(self, name: str, dtype: Any, pointer: str, stride: int) -> None:
        write = self.text.function
        if dtype.kind == "b":
            name = write.emit(f"zext i1 {name} to i8") if name not in ("0", "1") else name
        write.line(f"store {stored(dtype)} {name}, ptr {self._at(dtype, pointer, stride)}, !llvm.access.group !{self.group}")


def _as_truth(x: int | Literal, name: str) -> str:
    if isinstance(x, Literal) and x.dtype.kind == "b":
        return "true" if name == "1" else "false"
    return name


__all__ = ["PIECE", "RegionText", "UnwrittenError", "axes", "kind", "writable"]
