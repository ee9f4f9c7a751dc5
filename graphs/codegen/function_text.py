"""One native function as LLVM text: it takes arrays, works through instructions on what is in them, and returns None."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

from graphs.codegen.functions import FUNCTIONS
from graphs.codegen.instructions import View
from graphs.codegen.machine import PRELUDE
from graphs.codegen.scalar_text import stored


Place = tuple[int, int]
"""Where a buffer is: in which argument, from which byte on."""

_GROUP = re.compile(r"!(\d+)")

_ARITIES = {"fma": 3, "copysign": 2, "smin": 2}
"""Arguments of intrinsics that take more than one."""


class FunctionText:
    """The text of a function while it is being written.

    Args:
        name: the function's name.
        places: where each buffer is.
        released: whether others may run Python meanwhile. That costs 0.1 µs.

    Attributes:
        crew: how many other threads help.
    """

    def __init__(self, name: str, places: Mapping[str, Place], released: bool = False) -> None:
        self.name = name
        self.places = places
        self.released = released
        self.called: set[str] = set()
        self.declared: set[str] = set()
        self.crew = 0
        self.groups = 0
        self.workers: list[FunctionText] = []
        self._count = itertools.count()
        self._entry: list[str] = []
        self._lines: list[str] = []
        self._block = "body"
        self._open: list[tuple[str, str, str, str]] = []
        self._bases: dict[str, str] = {}
        self._rounds: dict[int, str] = {}
        self._allocated: dict[tuple[str, int], str] = {}

    # Words

    def fresh(self, letter: str = "v") -> str:
        """A new name."""
        return f"%{letter}{next(self._count)}"

    def line(self, text: str) -> None:
        """One more line."""
        self._lines.append(f"  {text}")

    def emit(self, text: str) -> str:
        """A new register that holds what ``text`` says."""
        name = self.fresh()
        self.line(f"{name} = {text}")
        return name

    def label(self, name: str) -> None:
        """Begin a block."""
        self._lines.append(f"{name}:")
        self._block = name

    def alloca(self, kind: str, count: int) -> str:
        """Memory that lasts as long as the call."""
        name = self.fresh("m")
        self._entry.append(f"  {name} = alloca [{count} x {kind}], align 64")
        return name

    def shared(self, kind: str, count: int) -> str:
        """Memory that nobody counts on from one call of this to the next."""
        made = self._allocated.get((kind, count))
        if made is None:
            made = self._allocated[kind, count] = self.alloca(kind, count)
        return made

    def times(self, index: str, factor: int) -> str:
        """``index`` times a number."""
        if factor == 1 or index == "0":
            return index
        return self.emit(f"mul nsw i64 {index}, {factor}")

    # Loops

    def loop(self, count: int | str) -> str:
        """Begin a loop of ``count`` rounds, at least one; the register of the round."""
        return self._begin(str(count))

    def end(self) -> None:
        """End the innermost open loop."""
        self._close("")

    def inner_loop(self, size: str) -> str:
        """Begin a loop whose rounds do not depend on each other."""
        return self._begin(size)

    def end_inner(self, group: int) -> None:
        """End it. ``group`` is that of its loads and stores."""
        self._close(f", !llvm.loop !{group + 1}")

    def _begin(self, count: str) -> str:
        before, head, index = self._block, self.fresh("l")[1:], self.fresh("i")
        after = self.fresh("i")
        self.line(f"br label %{head}")
        self.label(head)
        mark = len(self._lines)
        self._open.append((head, index, after, count))
        self._lines.append("")
        self._lines[mark] = f"  {index} = phi i64 [ 0, %{before} ], [ {after}, %@ ]"
        return index

    def _close(self, metadata: str) -> None:
        head, index, after, count = self._open.pop()
        done, out = self.fresh("c"), self.fresh("l")[1:]
        self.line(f"{after} = add nuw nsw i64 {index}, 1")
        self.line(f"{done} = icmp eq i64 {after}, {count}")
        self.line(f"br i1 {done}, label %{out}, label %{head}{metadata}")
        for i in range(len(self._lines) - 1, -1, -1):
            if self._lines[i].startswith(f"  {index} = phi "):
                self._lines[i] = self._lines[i].replace("%@", f"%{self._block}")
                break
        self.label(out)

    def access_group(self) -> int:
        """A number for the loads and stores of one inner loop."""
        self.groups += 2
        return self.groups - 2

    # Memory

    def pointer(self, view: View) -> str:
        """Where a view's first element is, in this round of the loops around."""
        base = self._bases.get(view.buffer)
        if base is None:
            base = self._bases[view.buffer] = self.fresh("b")
            argument, offset = self.places[view.buffer]
            self._entry.append(f"  {base}_ = call ptr @dip.data(ptr %args, i64 {argument})")
            self._entry.append(f"  {base} = getelementptr i8, ptr {base}_, i64 {offset}")
        place = base
        if view.offset:
            place = self.emit(f"getelementptr {stored(view.dtype)}, ptr {place}, i64 {view.offset}")
        for level, step in view.steps:
            by = self.times(self._rounds[level], step)
            place = self.emit(f"getelementptr {stored(view.dtype)}, ptr {place}, i64 {by}")
        return place

    def numpy_loop(self, symbol: str | None, places: Sequence[str], dims: Sequence[str], steps: Sequence[str]) -> None:
        """Call one of numpy's inner loops: pointers, numbers of elements, and bytes from one to the next."""
        assert symbol is not None
        self.declared.update((f"declare void @{quoted(symbol)}(ptr, ptr, ptr, ptr)", _data(symbol)))
        given = self._table("ptr", places), self._table("i64", dims), self._table("i64", steps)
        passed = ", ".join(f"ptr {each}" for each in given)
        self.line(f"call void @{quoted(symbol)}({passed}, ptr @{quoted(symbol + '.data')})")

    def _table(self, kind: str, values: Sequence[str]) -> str:
        table = self.shared(kind, len(values))
        for i, value in enumerate(values):
            place = table if i == 0 else self.emit(f"getelementptr {kind}, ptr {table}, i64 {i}")
            self.line(f"store {kind} {value}, ptr {place}")
        return table

    # The whole

    def _numbered(self, first: int) -> list[str]:
        return [_GROUP.sub(lambda found: f"!{int(found[1]) + first}", line) for line in self._lines]

    def function(self, first: int) -> str:
        """The function's definition; its access groups are numbered from ``first`` on."""
        lines = self._numbered(first)
        text = [f"define ptr @{self.name}(ptr %self, ptr %args, i64 %nargs) {{", "entry:", *self._entry]
        if self.released:
            text.append("  %thread = call ptr @PyEval_SaveThread()")
        if self.crew:
            text.append(f"  %crew = call i32 @dip.crew.wake(i32 {self.crew})")
        text += ["  br label %body", "body:", *lines]
        if self.crew:
            text.append("  call void @dip.crew.rest(i32 %crew)")
        if self.released:
            text.append("  call void @PyEval_RestoreThread(ptr %thread)")
        return "\n".join([*text, "  %none = call ptr @dip.none()", "  ret ptr %none", "}", ""])


def module(texts: Sequence[FunctionText]) -> str:
    """The text of all of them, as ``graphs.codegen.machine`` takes it."""
    functions = [each for text in texts for each in (*text.workers, text)]
    called = set().union(*(each.called for each in functions))
    own = [entry.text for entry in FUNCTIONS.values() if entry.symbol in called]
    lines = [line for text in own for line in text.split("\n")]
    lines += sorted(set().union(*(each.declared for each in functions)))
    lines += [_declaration(name) for name in sorted(called) if name.startswith("llvm.")]
    once = dict.fromkeys(line for line in lines if line.startswith(("declare ", "@")))
    parts = [PRELUDE, *once, *(line for line in lines if line not in once)]
    first = 0
    for each in functions:
        parts.append(each.function(first))
        for group in range(first, first + each.groups, 2):
            parts.append(f"!{group} = distinct !{{}}")
            parts.append(f'!{group + 1} = distinct !{{!{group + 1}, !{{!"llvm.loop.parallel_accesses", !{group}}}}}')
        first += each.groups
    return "\n".join(parts) + "\n"


def quoted(symbol: str) -> str:
    """A symbol as LLVM writes it: with characters that a plain name may not have."""
    return f'"{symbol}"'


def _data(symbol: str) -> str:
    return f'@"{symbol}.data" = external global i8'


def _declaration(intrinsic: str) -> str:
    _, name, suffix = intrinsic.split(".")
    kind = {"f32": "float", "f64": "double"}.get(suffix, suffix)
    return f"declare {kind} @{intrinsic}({', '.join([kind] * _ARITIES.get(name, 1))})"


__all__ = ["FunctionText", "Place", "module", "quoted"]
