"""Instructions as LLVM text: element-wise regions, numpy's matrix products and sums, BLAS that accumulates, loops."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy

from graphs.codegen import crew
from graphs.codegen.function_text import FunctionText, quoted
from graphs.codegen.instructions import Fill, Instruction, Loop, Product, Region, Sum, Update, View
from graphs.codegen.primitives import Literal, Scalars
from graphs.codegen.region_text import RegionText, UnwrittenError
from graphs.codegen.scalar_text import literal, stored
from graphs.codegen.symbols import blas_symbol, loop_symbol
from graphs.core.parts import threads


SHARED_NANOSECONDS = 200_000
"""Regions that take longer, by a rough estimate, are shared among threads.

Between products OpenBLAS's threads spin and leave the crew no processor: then who started the region does all of it.
"""

_TURN_NANOSECONDS = 200_000
"""About how long a thread's turn takes at most: no thread waits longer for the others. Long turns read memory faster."""


class InstructionText(FunctionText):
    """The text of a function that works through instructions."""

    def write(self, instruction: Instruction) -> None:
        """One instruction."""
        match instruction:
            case Region():
                self._region(instruction)
            case Product():
                self._product(instruction)
            case Update():
                self._update(instruction)
            case Sum():
                self._sum(instruction)
            case Fill():
                self._fill(instruction)
            case Loop():
                self._looped(instruction)

    def _region(self, instruction: Region) -> None:
        text = RegionText(self, instruction)
        if self._open or isinstance(self, _Worker) or not _is_shared(text):
            text.write()
            return
        worker = _Worker(f"{self.name}.{len(self.workers)}", text)
        self.workers.append(worker)
        frame = self.alloca("ptr", 1 + len(text.views))
        self.line(f"store i64 0, ptr {frame}")
        for i, view in enumerate(text.views, 1):
            self.line(f"store ptr {self.pointer(view)}, ptr {self.emit(f'getelementptr ptr, ptr {frame}, i64 {i}')}")
        crew.load()
        self.declared.update(crew.DECLARED)
        self.crew = min(threads() - 1, crew.MOST)
        self.line(f"call void @dip.crew.run(i32 %crew, ptr @{worker.name}, ptr {frame})")

    def _looped(self, instruction: Loop) -> None:
        if instruction.count < 1:
            return
        self._rounds[instruction.level] = self.loop(instruction.count)
        for each in instruction.body:
            self.write(each)
        self.end()

    def _product(self, instruction: Product) -> None:
        x, y, out = instruction.x, instruction.y, instruction.out
        if not out.size:
            return
        batch, outer = _stack((x, y, out))
        size = out.dtype.itemsize
        steps = [step * size for step in (*outer, *x.strides[-2:], *y.strides[-2:], *out.strides[-2:])]
        dims = [batch, x.shape[-2], x.shape[-1], y.shape[-1]]
        symbol = loop_symbol(numpy.matmul, (out.dtype,) * 3)
        self.numpy_loop(symbol, [self.pointer(view) for view in (x, y, out)], [*map(str, dims)], [*map(str, steps)])

    def _update(self, instruction: Update) -> None:
        x, y, out = instruction.x, instruction.y, instruction.out
        kind = stored(out.dtype)
        symbol = blas_symbol("sgemm" if kind == "float" else "dgemm")
        assert symbol is not None
        signature = f"(i32, i32, i32, i64, i64, i64, {kind}, ptr, i64, ptr, i64, {kind}, ptr, i64)"
        self.declared.add(f"declare void @{quoted(symbol)}{signature}")
        if isinstance(instruction.scale, View):
            scale = self.emit(f"load {kind}, ptr {self.pointer(instruction.scale)}")
            scale = self.emit(f"fmul {kind} {scale}, {literal(Literal(instruction.sign, out.dtype))}")
        else:
            scale = literal(Literal(instruction.sign * instruction.scale, out.dtype))
        self._copied_unless_there(instruction.before, out)
        (flip_x, lead_x), (flip_y, lead_y) = _layout(x), _layout(y)
        one = literal(Literal(1.0, out.dtype))
        (m, n), k = out.shape, x.shape[1]
        given = [
            "i32 101", f"i32 {112 if flip_x else 111}", f"i32 {112 if flip_y else 111}", f"i64 {m}", f"i64 {n}", f"i64 {k}",
            f"{kind} {scale}", f"ptr {self.pointer(x)}", f"i64 {lead_x}", f"ptr {self.pointer(y)}", f"i64 {lead_y}",
            f"{kind} {one}", f"ptr {self.pointer(out)}", f"i64 {out.strides[0] if m > 1 else n}",
        ]  # fmt: skip
        self.line(f"call void @{quoted(symbol)}({', '.join(given)})")

    def _copied_unless_there(self, before: View, out: View) -> None:
        """Copy a matrix, unless both are the same memory, which is known only when running."""
        copying, done = self.fresh("l")[1:], self.fresh("l")[1:]
        places = [self.pointer(view) for view in (before, out)]
        there = self.emit(f"icmp eq ptr {places[0]}, {places[1]}")
        self.line(f"br i1 {there}, label %{done}, label %{copying}")
        self.label(copying)
        RegionText(self, Region(Scalars([out.dtype], [], [0]), (before,), (out,), out.shape)).write()
        self.line(f"br label %{done}")
        self.label(done)

    def _sum(self, instruction: Sum) -> None:
        x, out = instruction.x, instruction.out
        self._fill(Fill(out, 0))
        if not x.size:
            return
        symbol = loop_symbol(numpy.add, (x.dtype,) * 3)
        rows = out.size
        width = x.size // rows
        source, target = self.pointer(x), self.pointer(out)
        size = x.dtype.itemsize
        index = self.loop(rows) if rows > 1 else "0"
        row = self.emit(f"getelementptr {stored(x.dtype)}, ptr {source}, i64 {self.times(index, width)}")
        place = self.emit(f"getelementptr {stored(x.dtype)}, ptr {target}, i64 {index}")
        self.numpy_loop(symbol, [place, row, place], [str(width)], ["0", str(size), "0"])
        if rows > 1:
            self.end()

    def _fill(self, instruction: Fill) -> None:
        out = instruction.out
        if not out.size:
            return
        scalars = Scalars([], [], [Literal(instruction.value, out.dtype)])
        RegionText(self, Region(scalars, (), (out,), out.shape)).write()


class _Worker(InstructionText):
    """A function for the threads of a crew, which take turns at a region: each time some rounds of its outermost loop.

    Whoever comes late, or not at all, leaves more to the others. The argument points to the number of the next turn and to
    the first elements of the region's views.
    """

    def __init__(self, name: str, text: RegionText) -> None:
        super().__init__(name, {})
        rounds, turn = text.counts[0], text.turn(min(_TURN_NANOSECONDS, text.nanoseconds / (16 * threads())))
        self._along = text.strides[0]
        self.line("br label %turn")
        self.label("turn")
        number = self.emit("atomicrmw add ptr %frame, i64 1 monotonic")
        over = self.emit(f"icmp uge i64 {number}, {-(-rounds // turn)}")
        self.line(f"br i1 {over}, label %over, label %work")
        self.label("work")
        self._first = self.times(number, turn)
        self.called.add("llvm.smin.i64")
        count = self.emit(f"call i64 @llvm.smin.i64(i64 {self.emit(f'sub i64 {rounds}, {self._first}')}, i64 {turn})")
        views = [
            View(str(i), view.dtype, tuple(text.counts), tuple(along[i] for along in text.strides))
            for i, view in enumerate(text.views)
        ]
        inputs, outputs = tuple(views[: text.width]), tuple(views[text.width :])
        RegionText(self, Region(text.scalars, inputs, outputs, tuple(text.counts), text.own), count).write()
        self.line("br label %turn")
        self.label("over")

    def pointer(self, view: View) -> str:
        """Where a view's first element of this turn is."""
        place = int(view.buffer)
        start = self.emit(f"load ptr, ptr {self.emit(f'getelementptr ptr, ptr %frame, i64 {place + 1}')}")
        moved = self.times(self._first, self._along[place])
        return self.emit(f"getelementptr {stored(view.dtype)}, ptr {start}, i64 {moved}")

    def function(self, first: int) -> str:
        """The function's definition."""
        head = [f"define ptr @{self.name}(ptr %frame) {{", "entry:", *self._entry, "  br label %body", "body:"]
        return "\n".join([*head, *self._numbered(first), "  ret ptr null", "}", ""])


def shared(region: Region) -> bool:
    """Whether threads share the work on a region, where no loop is around it."""
    return _is_shared(RegionText(None, region))


def _is_shared(text: RegionText) -> bool:
    return threads() > 1 and text.nanoseconds >= SHARED_NANOSECONDS and text.splits


def _stack(views: Sequence[View]) -> tuple[int, list[int]]:
    """How many matrices there are, and by how many elements each view moves on from one to the next."""
    batch = views[-1].shape[:-2]
    if not batch:
        return 1, [0] * len(views)
    outer = []
    for view in views:
        spread = view.at(view.shape[:-2], view.strides[:-2]).spread(batch)
        pairs = [(n, s) for n, s in zip(batch, spread.strides, strict=True) if n != 1]
        if any(s != n * t for (_, s), (n, t) in itertools.pairwise(pairs)):
            raise UnwrittenError("stacks of matrices that no single step leads through")
        outer.append(pairs[-1][1] if pairs else 0)
    return math.prod(batch), outer


def _layout(view: View) -> tuple[bool, int]:
    """Whether BLAS is to read a matrix transposed, and the elements from one row or column to the next."""
    (rows, columns), (down, across) = view.shape, view.strides
    if across == 1 or columns == 1:
        return False, max(down, columns)
    if down == 1 or rows == 1:
        return True, max(across, rows)
    raise UnwrittenError("a matrix that is contiguous along neither axis")


__all__ = ["InstructionText", "shared"]
