"""Steps of a schedule as instructions of native code, where shapes are known and what a step does can be written out.

Steps that follow each other become one native function. What is a view of something costs nothing: it is kept as offset and
strides. Everything else stays a call from Python, between two such functions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy
from numpy.lib.stride_tricks import as_strided

from graphs import ops
from graphs.codegen.fused import fused
from graphs.codegen.instructions import Fill, Instruction, Loop, Product, Region, Sum, View, contiguous
from graphs.codegen.primitives import NUMBERS, Literal, Scalars, of_node
from graphs.codegen.region_text import writable
from graphs.control import loop
from graphs.core.node import Value
from graphs.core.spec import axes_of
from static.native_loops import NativeLoop
from static.schedule import Schedule, Step
from static.state import assign_add_op, assign_sub_op


_ACCUMULATED = {assign_add_op: "add", assign_sub_op: "subtract"}


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


class UnloweredError(Exception):
    """A step stays a call from Python."""


class Lowering:
    """A schedule in pieces: steps that Python calls, and segments.

    Attributes:
        pieces: in order.
        views: where the value of a register is, for those that native code knows of.
        free: the steps that only view something, by register; no piece has them.
        buffers: what native code writes, by name.
        inplace: the buffers that may be the memory of a variable which they are the new value of, and which: all or none.
    """

    def __init__(self, made: Schedule) -> None:
        self.schedule = made
        self.pieces: list[Step | Segment] = []
        self.views: dict[str, View] = {}
        self.buffers: dict[str, Buffer] = {}
        self.inplace: dict[str, Any] = {}
        self.free: dict[str, Step] = {}
        self.constants: dict[str, Any] = {}
        self._since: list[str] = []
        self._count = itertools.count()
        self._place = 0
        for place, step in enumerate(made.steps):
            self._place = place
            self._lower(step)
        self._lifetimes()
        self._settle()

    def _lower(self, step: Step) -> None:
        self._since = []
        try:
            instructions = self._instructions(step, 0)
        except UnloweredError:
            for register in self._since:
                self.views.pop(register, None)
                self.buffers.pop(register, None)
            self.pieces.append(step)
            return
        if not instructions:
            self.free[step.outs[0]] = step
            return
        if not self.pieces or not isinstance(self.pieces[-1], Segment):
            self.pieces.append(Segment())
        segment = self.pieces[-1]
        assert isinstance(segment, Segment)
        segment.steps.append(step)
        segment.instructions += instructions

    # Where things are

    def _view(self, register: str, x: Any) -> View:
        """Where an operand is."""
        found = self.views.get(register)
        if found is None:
            spec = x.node.outputs[x.index].spec if isinstance(x, Value) else None
            if spec is None or not spec.known or spec.dtype.char not in NUMBERS:
                raise UnloweredError
            found = self.views[register] = View.whole(register, spec.dtype, spec.dims)
        return found

    def _new(self, register: str, dtype: Any, shape: Sequence[int], strides: Sequence[int] | None = None) -> View:
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
        self.constants[name] = numpy.ascontiguousarray(array)
        self.views[name] = View.whole(name, array.dtype, array.shape)
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

    # One step

    def _instructions(self, step: Step, level: int) -> list[Instruction]:
        """What a step is, inside ``level`` loops; nothing for a view. Raises UnloweredError."""
        node = step.node
        specs = [out.spec for out in node.outputs]
        if step.draws or node.after or not specs or not all(s.known and s.dtype.char in NUMBERS for s in specs):
            raise UnloweredError
        own = step.kernel is node.op.kernel
        if node.op in _ACCUMULATED:
            return self._accumulated(step)
        if not own:
            raise UnloweredError
        if node.op is fused or node.op.elementwise:
            return self._region(step)
        if node.op is ops.matmul:
            return self._product(step)
        if node.op is loop:
            around = NativeLoop(self, step, level)
            if not around.fits:
                raise UnloweredError
            return around.instructions()
        if node.op in (ops.sum, ops.mean):
            return self._reduced(step)
        if node.op is ops.unbroadcast:
            return self._unbroadcast(step)
        if node.op in (ops.expand_like, ops.spread_like):
            return self._spread(step)
        if node.op.view:
            return self._viewed(step)
        raise UnloweredError

    def _region(self, step: Step) -> list[Instruction]:
        node = step.node
        made = of_node(node)
        shape = tuple(node.outputs[0].spec.shape)
        if made is None or not writable(made.calls) or any(tuple(out.spec.shape) != shape for out in node.outputs):
            raise UnloweredError
        if node.op.view and made.outputs == [0] and not made.calls:
            self.views[step.outs[0]] = self._view(step.args[0], node.inputs[0])
            return []
        views = [
            self._view(arg, x).spread(shape) for arg, x in zip(step.args, node.inputs, strict=True) if isinstance(x, Value)
        ]
        strides = _layout(views, shape)
        outs = [self._new(out, spec.dtype, shape, strides) for out, spec in zip(step.outs, node.specs, strict=True)]
        return [Region(made, tuple(views), tuple(outs), shape, own=node.op is fused)]

    def _accumulated(self, step: Step) -> list[Instruction]:
        views = [self._view(arg, x) for arg, x in zip(step.args, step.node.inputs, strict=True)]
        if views[0].shape != views[1].shape or views[0].dtype != views[1].dtype:
            raise UnloweredError
        return [self._binary(_ACCUMULATED[step.node.op], views, step.outs[0], views[0].shape)]

    def _binary(self, name: str, views: Sequence[View], out: str, shape: Sequence[int], literal: Any = None) -> Region:
        dtype = views[0].dtype
        scalars = Scalars([view.dtype for view in views])
        args: list[int | Literal] = list(range(len(views)))
        if literal is not None:
            args.append(Literal(literal, dtype))
        scalars.outputs = [scalars.call(name, args, [dtype] * len(args), dtype)]
        given = tuple(view.spread(shape) for view in views)
        return Region(scalars, given, (self._new(out, dtype, shape, _layout(given, tuple(shape))),), tuple(shape))

    def _product(self, step: Step) -> list[Instruction]:
        node = step.node
        x, y = (self._view(arg, each) for arg, each in zip(step.args, node.inputs, strict=True))
        dtype = node.outputs[0].spec.dtype
        if x.dtype != dtype or y.dtype != dtype or dtype.kind != "f" or len(x.shape) < 2 or len(y.shape) < 2:
            raise UnloweredError
        shape = tuple(node.outputs[0].spec.shape)
        if len(shape) > 2 and not (_steady(x, shape) and _steady(y, shape)):
            raise UnloweredError
        return [Product(x, y, self._new(step.outs[0], dtype, shape))]

    def _reduced(self, step: Step) -> list[Instruction]:
        node = step.node
        settings = {**node.op.attributes, **node.params}
        x = self._view(step.args[0], node.inputs[0])
        spec = node.outputs[0].spec
        if x.dtype.kind != "f" or spec.dtype != x.dtype:
            raise UnloweredError
        axes = axes_of(settings["axis"], len(x.shape))
        shape = tuple(spec.shape)
        if node.op is ops.sum:
            return self._sum(x, axes, step.outs[0], shape)
        count = math.prod(x.shape[i] for i in axes) - settings["correction"]
        if count <= 0 or int(count) != count:
            raise UnloweredError
        total = f"{step.outs[0]}_total"
        made = self._sum(x, axes, total, shape)
        return [*made, self._binary("divide", [self.views[total]], step.outs[0], shape, int(count))]

    def _sum(self, x: View, axes: Sequence[int], out: str, shape: Sequence[int]) -> list[Instruction]:
        """``x`` summed over ``axes``, in numpy's own order."""
        live = [i for i, n in enumerate(x.shape) if n != 1]
        summed = [i for i in live if i in set(axes)]
        kept = [i for i in live if i not in summed]
        if not x.size or not x.dense:
            raise UnloweredError
        target = self._new(out, x.dtype, shape)
        flat = target.at((target.size,), (1,))
        if not summed:
            return [Region(Scalars([x.dtype], [], [0]), (x.at((x.size,), (1,)),), (flat,), (x.size,))]
        if not kept or max(kept) < min(summed):
            return [Sum(x, flat)]
        if max(summed) > min(kept):
            raise UnloweredError
        rows, columns = math.prod(x.shape[i] for i in summed), target.size
        adding = Scalars([x.dtype, x.dtype])
        adding.outputs = [adding.call("add", [0, 1], [x.dtype] * 2, x.dtype)]
        running = target.at((rows, columns), (0, 1))
        each = x.at((rows, columns), (columns, 1))
        return [Fill(flat, -0.0), Region(adding, (running, each), (running,), (rows, columns))]

    def _unbroadcast(self, step: Step) -> list[Instruction]:
        x = self._view(step.args[0], step.node.inputs[0])
        shape = tuple(step.node.outputs[0].spec.shape)
        if x.shape == shape:
            self.views[step.outs[0]] = x
            return []
        if x.dtype.kind != "f":
            raise UnloweredError
        extra = len(x.shape) - len(shape)
        axes = [*range(extra), *(i + extra for i, n in enumerate(shape) if n == 1 and x.shape[i + extra] != 1)]
        return self._sum(x, axes, step.outs[0], shape)

    def _spread(self, step: Step) -> list[Instruction]:
        """The gradient of a sum or of a mean: a view of one array, or of one divided by the number of elements."""
        node = step.node
        settings = {**node.op.attributes, **node.params}
        x = self._view(step.args[0], node.inputs[0])
        shape = tuple(node.outputs[0].spec.shape)
        made: list[Instruction] = []
        axes = axes_of(settings["axis"], len(shape))
        if node.op is ops.spread_like:
            count = math.prod(shape[i] for i in axes) - settings["correction"]
            if count <= 0 or int(count) != count or x.dtype.kind != "f":
                raise UnloweredError
            share = f"{step.outs[0]}_share"
            made = [self._binary("divide", [x], share, x.shape, int(count))]
            x = self.views[share]
        if settings["axis"] is not None and not settings["keepdims"]:
            own = iter(x.strides)
            strides = [0 if i in axes else next(own) for i in range(len(shape))]
            x = x.at([1 if i in axes else n for i, n in enumerate(shape)], strides)
        self.views[step.outs[0]] = x.spread(shape)
        return made

    def _viewed(self, step: Step) -> list[Instruction]:
        """A view, found by asking the kernel what it does with an array of that shape and those strides."""
        node = step.node
        x = self._view(step.args[0], node.inputs[0])
        spec = node.outputs[0].spec
        if node.width != 1 or spec.dtype != x.dtype:
            raise UnloweredError
        others = [_standin(each) for each in node.inputs[1:]]
        span = 1 + sum((n - 1) * s for n, s in zip(x.shape, x.strides, strict=True)) if x.size else 1
        memory = numpy.empty(span, x.dtype)
        size = x.dtype.itemsize
        out = step.kernel(numpy, as_strided(memory, x.shape, [s * size for s in x.strides]), *others, **step.params)
        start = memory.__array_interface__["data"][0]
        moved = out.__array_interface__["data"][0] - start if isinstance(out, numpy.ndarray) else -1
        if not isinstance(out, numpy.ndarray) or out.shape != spec.dims or not numpy.may_share_memory(out, memory):
            raise UnloweredError
        if out.size:
            self.views[step.outs[0]] = x.at(out.shape, [s // size for s in out.strides], moved // size)
        else:
            self.views[step.outs[0]] = x.at(out.shape, [0] * out.ndim)
        return []

    # How long things live

    def _lifetimes(self) -> None:
        """Note how long each buffer is read, and what each segment is handed."""
        made = self.schedule
        places = {id(step): place for place, step in enumerate(made.steps)}
        for step in made.steps:
            for register in step.args:
                view = self.views.get(register)
                if view is not None and view.buffer in self.buffers:
                    buffer = self.buffers[view.buffer]
                    buffer.last = max(buffer.last, places[id(step)])
        end = len(made.steps)
        for register in (*(r for r, _ in made.fetches), *(r for r, _ in made.writes.values())):
            view = self.views.get(register)
            if view is not None and view.buffer in self.buffers:
                buffer = self.buffers[view.buffer]
                buffer.last = end
                whole = view.size == math.prod(buffer.shape) and register == buffer.name and buffer.shape
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
        regions = {view.buffer: each for each in last.instructions if isinstance(each, Region) for view in each.outputs}
        found: dict[str, Any] = {}
        for variable, (register, _) in made.writes.items():
            buffer, region, before = self.buffers.get(register), regions.get(register), registers.get(variable)
            if buffer is None or region is None or before is None or register in found:
                return
            spec = variable.specs[0]
            if buffer.dtype != spec.dtype or buffer.shape != spec.dims or buffer.strides != contiguous(buffer.shape):
                return
            found[register] = variable
        if any(registers[variable] == fetch for variable in found.values() for fetch, _ in made.fetches):
            return
        updates = {id(regions[register]): regions[register] for register in found}
        written = {view.buffer for each in updates.values() for view in each.outputs}
        others = [each for each in last.instructions if id(each) not in updates]
        if written - set(found) or any(view.buffer in written for view in mentioned(others)):
            return
        for region in updates.values():
            for out in region.outputs:
                old = registers[found[out.buffer]]
                readers = [view for each in updates.values() for view in each.inputs if view.buffer == old]
                elsewhere = [each for each in updates.values() if each is not region and old in _read(each)]
                if elsewhere or any(view.strides != out.strides or view.offset for view in readers):
                    return
        if any(self._viewed_by(fetch) in map(registers.get, found.values()) for fetch, _ in made.fetches):
            return
        last.instructions[:] = [*others, *updates.values()]
        self.inplace = found
        for register in found:
            self.buffers[register].lasting = True

    def _viewed_by(self, register: str) -> str:
        """The buffer that a register is in."""
        view = self.views.get(register)
        return register if view is None else view.buffer


def _read(region: Region) -> set[str]:
    return {view.buffer for view in region.inputs}


def mentioned(instructions: Sequence[Instruction]) -> list[View]:
    """All views that instructions read or write."""
    found: list[View] = []
    for each in instructions:
        match each:
            case Region():
                found += [*each.inputs, *each.outputs]
            case Product():
                found += [each.x, each.y, each.out]
            case Sum():
                found += [each.x, each.out]
            case Fill():
                found.append(each.out)
            case Loop():
                found += mentioned(each.body)
    return found


def _standin(x: Any) -> Any:
    """Another operand of a view's kernel, which reads no more than its shape. Raises UnloweredError where it is unknown."""
    if not isinstance(x, Value):
        return x
    spec = x.node.outputs[x.index].spec
    if "constant" in x.node.op.traits:
        return x.node.params["value"]
    if not spec.known:
        raise UnloweredError
    return numpy.broadcast_to(numpy.zeros((), spec.dtype), spec.dims)


def _steady(view: View, shape: Sequence[int]) -> bool:
    """Whether one step leads from each matrix of a stack to the next."""
    batch = shape[:-2]
    spread = view.at(view.shape[:-2], view.strides[:-2]).spread(batch)
    pairs = [(n, s) for n, s in zip(batch, spread.strides, strict=True) if n != 1]
    return all(s == n * t for (_, s), (n, t) in itertools.pairwise(pairs))


def _layout(views: Sequence[View], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The strides that numpy gives to the result of element-wise work on arrays like these; None for C's order."""
    odd = [view for view in views if view.size and not view.dense and len(shape) > 1]
    if all(0 in view.strides or view.dense for view in odd):
        return None
    arrays = [
        as_strided(numpy.empty(1, view.dtype), shape, [s * view.dtype.itemsize for s in view.strides]) for view in views
    ]
    flags: Any = [["readonly"]] * len(arrays) + [["writeonly", "allocate"]]
    made = numpy.nditer(
        [*arrays, None], ["zerosize_ok"], flags, order="K", op_dtypes=[*(a.dtype for a in arrays), numpy.int8]
    )
    return tuple(made.operands[-1].strides)
