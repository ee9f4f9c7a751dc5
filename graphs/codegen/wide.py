"""Element-wise work on large arrays: one native loop that reads each array once, shared among threads.

Ops with exponentials and the like come here from their kernels (``graphs.core.large``), optimisers' updates from theirs. The
number of elements is an argument, so that code is made once for an op and its dtypes, or for a Function.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy
from numpy import ndarray

from graphs.codegen import crew
from graphs.codegen.function_text import FunctionText, module
from graphs.codegen.instruction_text import SHARED_NANOSECONDS
from graphs.codegen.instructions import Region, View
from graphs.codegen.machine import available, natives
from graphs.codegen.primitives import Scalars, Traced, UnfitError, applied, scalars
from graphs.codegen.region_text import PIECE, RegionText, UnwrittenError, writable
from graphs.codegen.scalar_text import function, stored
from graphs.core import large
from graphs.core.errors import GraphsError
from graphs.core.function import Function
from graphs.core.op import Op
from graphs.core.parts import threads
from graphs.core.spec import Spec


_SAMPLE = 1 << 20
"""The number of elements that time is estimated for."""

_TURN = 1 << 14
"""Elements of a thread's turn, where nothing is left to numpy's loops: 20 µs or so."""


class Wide:
    """What ``scalars`` says for each element of dense arrays of one size; where ``single``, an input is one number."""

    def __init__(self, scalars: Scalars, single: Sequence[bool]) -> None:
        name = f"dip.wide.{len(scalars.inputs)}.{len(scalars.outputs)}"
        text = _Turns(f"{name}.turn", scalars, single)
        callers = [_Caller(f"{name}.alone", text, 0)]
        if threads() > 1:
            crew.load()
            callers.append(_Caller(f"{name}.shared", text, min(threads() - 1, crew.MOST)))
        callers[0].workers.append(text)
        made = natives(module(callers), [each.name for each in callers])
        self.dtypes = [scalars.dtype(x) for x in scalars.outputs]
        self._alone, self._shared = made[0], made[-1]
        self._each = text.nanoseconds / _SAMPLE

    def __call__(self, arrays: Sequence[ndarray], outs: Sequence[ndarray], size: int) -> None:
        """Write into ``outs``, which may be inputs. Nothing is checked: arrays are dense, in one order, and of ``size``."""
        call = self._shared if size * self._each >= SHARED_NANOSECONDS else self._alone
        call(*arrays, *outs, _counted(size))


@lru_cache(maxsize=256)
def _counted(size: int) -> ndarray:
    return numpy.asarray([size])


def _region(scalars: Scalars, single: Sequence[bool]) -> Region:
    """The region for ``_SAMPLE`` elements; the size in the text is a register."""
    views = [
        View(str(i), dtype, (_SAMPLE,), (0 if one else 1,))
        for i, (dtype, one) in enumerate(zip(scalars.inputs, single, strict=True))
    ]
    outs = [View(str(len(views) + i), scalars.dtype(x), (_SAMPLE,), (1,)) for i, x in enumerate(scalars.outputs)]
    return Region(scalars, tuple(views), tuple(outs), (_SAMPLE,), own=True)


class _Turns(FunctionText):
    """A function that takes turns. Its argument points to the number of the next turn, the size, and the arrays."""

    def __init__(self, name: str, scalars: Scalars, single: Sequence[bool]) -> None:
        super().__init__(name, {})
        region = _region(scalars, single)
        sample = RegionText(self, region)
        self.views = sample.views
        self.nanoseconds = sample.nanoseconds
        turn = PIECE if max(sample.levels, default=0) else _TURN
        self.called.add("llvm.smin.i64")
        size = self.emit(f"load i64, ptr {self.emit('getelementptr i64, ptr %frame, i64 1')}")
        self.line("br label %turn")
        self.label("turn")
        self._first = self.times(self.emit("atomicrmw add ptr %frame, i64 1 monotonic"), turn)
        over = self.emit(f"icmp sge i64 {self._first}, {size}")
        self.line(f"br i1 {over}, label %over, label %work")
        self.label("work")
        count = self.emit(f"call i64 @llvm.smin.i64(i64 {self.emit(f'sub i64 {size}, {self._first}')}, i64 {turn})")
        RegionText(self, region, count).write()
        self.line("br label %turn")
        self.label("over")

    def pointer(self, view: View) -> str:
        """Where a view's first element of this turn is."""
        start = self.emit(f"load ptr, ptr {self.emit(f'getelementptr ptr, ptr %frame, i64 {int(view.buffer) + 2}')}")
        moved = self.times(self._first, view.strides[0]) if view.strides[0] else "0"
        return self.emit(f"getelementptr {stored(view.dtype)}, ptr {start}, i64 {moved}")

    def function(self, first: int) -> str:
        """The function's definition."""
        head = [f"define ptr @{self.name}(ptr %frame) {{", "entry:", *self._entry, "  br label %body", "body:"]
        return "\n".join([*head, *self._numbered(first), "  ret ptr null", "}", ""])


class _Caller(FunctionText):
    """What Python calls: ``(*inputs, *outputs, size)``, all arrays. It takes turns until none is left, the crew too."""

    def __init__(self, name: str, text: _Turns, members: int) -> None:
        views = text.views
        size = View(str(len(views)), numpy.dtype(numpy.int64), (1,), (1,))
        super().__init__(name, {view.buffer: (i, 0) for i, view in enumerate([*views, size])}, released=True)
        self.crew = members
        frame = self.alloca("ptr", 2 + len(views))
        self.line(f"store i64 0, ptr {frame}")
        number = self.emit(f"load i64, ptr {self.pointer(size)}")
        self.line(f"store i64 {number}, ptr {self.emit(f'getelementptr i64, ptr {frame}, i64 1')}")
        for i, view in enumerate(views, 2):
            self.line(f"store ptr {self.pointer(view)}, ptr {self.emit(f'getelementptr ptr, ptr {frame}, i64 {i}')}")
        if members:
            self.declared.update(crew.DECLARED)
            self.line(f"call void @dip.crew.run(i32 %crew, ptr @{text.name}, ptr {frame})")
        else:
            self.line(f"call ptr @{text.name}(ptr {frame})")


def made(scalars: Scalars, single: Sequence[bool]) -> Wide | None:
    """The native loop, None where it cannot be written."""
    if not writable(scalars.calls):
        return None
    try:
        return Wide(scalars, single)
    except UnwrittenError:
        return None


# Ops

_known: dict[Any, Wide | None] = {}


def native(op: Op, arrays: Sequence[ndarray], params: dict[str, Any]) -> ndarray | None:
    """What ``op`` yields on large arrays of one shape; None where its kernel is to be called."""
    key = (op, *[x.dtype for x in arrays], *params.items())
    try:
        wide = _known[key]
    except KeyError:
        wide = _known[key] = _of_op(op, [x.dtype for x in arrays], params) if available() else None
    except TypeError:  # an attribute that cannot be hashed
        return None
    if wide is None:
        return None
    dense, order = _dense(arrays)
    out = numpy.empty_like(dense[0], wide.dtypes[0]) if order == "K" else numpy.empty(dense[0].shape, wide.dtypes[0], order)
    wide(dense, (out,), out.size)
    return out


def _dense(arrays: Sequence[ndarray]) -> tuple[Sequence[ndarray], Any]:
    """The arrays, or copies of them, with all elements in one order without gaps, and that order, numpy's word for it."""
    if all(x.flags.c_contiguous for x in arrays):
        return arrays, "C"
    if all(x.flags.f_contiguous for x in arrays):
        return arrays, "F"
    return ([+arrays[0]], "K") if len(arrays) == 1 else ([numpy.ascontiguousarray(x) for x in arrays], "C")


def _of_op(op: Op, dtypes: Sequence[Any], params: dict[str, Any]) -> Wide | None:
    if any(dtype.char not in "fd" for dtype in dtypes):
        return None
    into = Scalars(list(dtypes))
    try:
        dtype = op.infer(*(Spec((), each) for each in dtypes), **params)[0].dtype
        into.outputs = [applied(into, op, [Traced(into, i) for i in range(len(dtypes))], params, dtype).value]
    except (UnfitError, GraphsError):
        return None
    if not any(function(call) is not None for call in into.calls):
        return None  # nothing in it has bits of its own: numpy does as well
    return made(into, [False] * len(dtypes))


large.use(native)


# Functions

_HOT = 1 << 23
"""Elements that a Function has worked on when it becomes native: about as long as compiling takes."""


class Hot:
    """A Function of ops without functions of our own, that becomes native once it has worked on many elements."""

    def __init__(self, body: Function, single: Sequence[bool]) -> None:
        self._body = body
        self._single = single
        self._worked = 0
        self._wide: Wide | None = None

    def __call__(self, arrays: Sequence[ndarray], outs: Sequence[ndarray], size: int) -> bool:
        """Write into ``outs``, as ``Wide`` does; False where that is left to the caller."""
        if self._wide is None:
            if self._worked > _HOT:
                return False
            self._worked += size
            if self._worked <= _HOT or not available():
                return False
            found = scalars(self._body)
            self._wide = None if found is None else made(found, self._single)
            if self._wide is None:
                return False
        self._wide(arrays, outs, size)
        return True
