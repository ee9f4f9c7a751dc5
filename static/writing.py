"""What a step is in native code: its instructions, where shapes are known and what it does can be written out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy
from numpy.lib.stride_tricks import as_strided

from graphs import ops
from graphs.codegen.fused import fused
from graphs.codegen.instructions import Fill, Instruction, Product, Region, Sum, Update, View, contiguous
from graphs.codegen.primitives import NUMBERS, Literal, Scalars, of_node
from graphs.codegen.region_text import writable
from graphs.control import loop
from graphs.core.large import is_large
from graphs.core.node import Value
from graphs.core.spec import axes_of
from graphs.core.sums import folds
from static.native_loops import NativeLoop
from static.schedule import Step
from static.state import assign_add_op, assign_product_op, assign_sub_op


_VIEWS = frozenset([
    ops.reshape, ops.transpose, ops.swapaxes, ops.matrix_transpose, ops.expand_dims, ops.squeeze, ops.broadcast_to,
    ops.broadcast_like, ops.getitem, ops.split, ops.split_like,
])  # fmt: skip
"""Ops that look at an array in another way, whatever is in it. Some other views check values."""

_FILLED = {ops.zeros_like: 0, ops.ones_like: 1}
_ACCUMULATED = {assign_add_op: "add", assign_sub_op: "subtract"}


class UnloweredError(Exception):
    """A step stays a call from Python."""


class Writer:
    """Writes steps for a ``Lowering``, which knows where things are."""

    def __init__(self, lowering: Any) -> None:
        self.lowering = lowering

    def instructions(self, step: Step, level: int) -> list[Instruction]:
        """What a step is, inside ``level`` loops; nothing for a view. Raises UnloweredError."""
        node = step.node
        specs = [out.spec for out in node.outputs]
        if step.draws or not specs or not all(s.known and s.dtype.char in NUMBERS for s in specs):
            raise UnloweredError
        own = step.kernel is node.op.kernel
        if node.op in _ACCUMULATED:
            return self._accumulated(step)
        if node.op is assign_product_op:
            return self._updated(step)
        if not own:
            raise UnloweredError
        if node.op is fused or node.op.elementwise:
            return self._region(step)
        if node.op is ops.matmul:
            return self._product(step)
        if node.op is loop:
            around = NativeLoop(self.lowering, step, level)
            if not around.fits:
                raise UnloweredError
            return around.instructions()
        if node.op in (ops.sum, ops.mean):
            return self._reduced(step)
        if node.op is ops.unbroadcast:
            return self._unbroadcast(step)
        if node.op in (ops.expand_like, ops.spread_like):
            return self._spread(step)
        if node.op in (ops.concat, ops.stack):
            return self._joined(step)
        if node.op in _FILLED:
            return [Fill(self.lowering.new(step.outs[0], specs[0].dtype, specs[0].shape), _FILLED[node.op])]
        if node.op in _VIEWS:
            return self._viewed(step)
        raise UnloweredError

    def _region(self, step: Step) -> list[Instruction]:
        node = step.node
        made = of_node(node)
        shape = tuple(node.outputs[0].spec.shape)
        if made is None or not writable(made.calls) or any(tuple(out.spec.shape) != shape for out in node.outputs):
            raise UnloweredError
        if node.op.view and made.outputs == [0] and not made.calls:
            self.lowering.views[step.outs[0]] = self.lowering.view(step.args[0], node.inputs[0])
            return []
        views = [
            self.lowering.view(arg, x).spread(shape)
            for arg, x in zip(step.args, node.inputs, strict=True)
            if isinstance(x, Value)
        ]
        strides = _layout(views, shape)
        outs = [self.lowering.new(out, spec.dtype, shape, strides) for out, spec in zip(step.outs, node.specs, strict=True)]
        own = node.op is fused or (node.op.large and is_large([x.spec.dims for x in node.inputs if isinstance(x, Value)]))
        return [Region(made, tuple(views), tuple(outs), shape, own=own)]

    def _accumulated(self, step: Step) -> list[Instruction]:
        views = [self.lowering.view(arg, x) for arg, x in zip(step.args, step.node.inputs, strict=True)]
        if views[0].shape != views[1].shape or views[0].dtype != views[1].dtype:
            raise UnloweredError
        return [self._binary(_ACCUMULATED[step.node.op], views, step.outs[0], views[0].shape)]

    def _updated(self, step: Step) -> list[Instruction]:
        pairs = list(zip(step.args, step.node.inputs, strict=True))
        before, x, y = (self.lowering.view(arg, each) for arg, each in pairs[:3])
        scale = self.lowering.view(*pairs[3]) if isinstance(pairs[3][1], Value) else float(pairs[3][1])
        if not before.dense or not _readable(x) or not _readable(y):
            raise UnloweredError
        out = self.lowering.new(step.outs[0], before.dtype, before.shape)
        return [Update(before, x, y, out, scale, step.params["sign"])]

    def _binary(self, name: str, views: Sequence[View], out: str, shape: Sequence[int], literal: Any = None) -> Region:
        dtype = views[0].dtype
        scalars = Scalars([view.dtype for view in views])
        args: list[int | Literal] = list(range(len(views)))
        if literal is not None:
            args.append(Literal(literal, dtype))
        scalars.outputs = [scalars.call(name, args, [dtype] * len(args), dtype)]
        given = tuple(view.spread(shape) for view in views)
        return Region(scalars, given, (self.lowering.new(out, dtype, shape, _layout(given, tuple(shape))),), tuple(shape))

    def _product(self, step: Step) -> list[Instruction]:
        node = step.node
        x, y = (self.lowering.view(arg, each) for arg, each in zip(step.args, node.inputs, strict=True))
        dtype = node.outputs[0].spec.dtype
        if x.dtype != dtype or y.dtype != dtype or dtype.kind != "f" or len(x.shape) < 2 or len(y.shape) < 2:
            raise UnloweredError
        shape = tuple(node.outputs[0].spec.shape)
        if len(shape) > 2 and not (_steady(x, shape) and _steady(y, shape)):
            raise UnloweredError
        return [Product(x, y, self.lowering.new(step.outs[0], dtype, shape))]

    def _reduced(self, step: Step) -> list[Instruction]:
        node = step.node
        settings = {**node.op.attributes, **node.params}
        x = self.lowering.view(step.args[0], node.inputs[0])
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
        return [*made, self._binary("divide", [self.lowering.views[total]], step.outs[0], shape, int(count))]

    def _sum(self, x: View, axes: Sequence[int], out: str, shape: Sequence[int]) -> list[Instruction]:
        """``x`` summed over ``axes``, in numpy's own order."""
        live = [i for i, n in enumerate(x.shape) if n != 1]
        summed = [i for i in live if i in set(axes)]
        kept = [i for i in live if i not in summed]
        if not x.size or not x.dense or folds(x.shape, axes, x.dtype):
            raise UnloweredError
        if not summed:  # numpy begins with 0: no sum is -0.0
            return [self._binary("add", [x.at(shape, contiguous(shape))], out, shape, 0)]
        target = self.lowering.new(out, x.dtype, shape)
        flat = target.at((target.size,), (1,))
        if not kept or max(kept) < min(summed):
            return [Sum(x, flat)]
        if max(summed) > min(kept):
            raise UnloweredError
        rows, columns = math.prod(x.shape[i] for i in summed), target.size
        adding = Scalars([x.dtype, x.dtype])
        adding.outputs = [adding.call("add", [0, 1], [x.dtype] * 2, x.dtype)]
        running = target.at((rows, columns), (0, 1))
        each = x.at((rows, columns), (columns, 1))
        return [Fill(flat, 0), Region(adding, (running, each), (running,), (rows, columns))]

    def _unbroadcast(self, step: Step) -> list[Instruction]:
        x = self.lowering.view(step.args[0], step.node.inputs[0])
        shape = tuple(step.node.outputs[0].spec.shape)
        if x.shape == shape:
            self.lowering.views[step.outs[0]] = x
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
        x = self.lowering.view(step.args[0], node.inputs[0])
        shape = tuple(node.outputs[0].spec.shape)
        made: list[Instruction] = []
        axes = axes_of(settings["axis"], len(shape))
        if node.op is ops.spread_like:
            count = math.prod(shape[i] for i in axes) - settings["correction"]
            if count <= 0 or int(count) != count or x.dtype.kind != "f":
                raise UnloweredError
            share = f"{step.outs[0]}_share"
            made = [self._binary("divide", [x], share, x.shape, int(count))]
            x = self.lowering.views[share]
        if settings["axis"] is not None and not settings["keepdims"]:
            own = iter(x.strides)
            strides = [0 if i in axes else next(own) for i in range(len(shape))]
            x = x.at([1 if i in axes else n for i, n in enumerate(shape)], strides)
        self.lowering.views[step.outs[0]] = x.spread(shape)
        return made

    def _joined(self, step: Step) -> list[Instruction]:
        """Arrays side by side: each is copied to its place."""
        node = step.node
        spec = node.outputs[0].spec
        parts = [self.lowering.view(arg, x) for arg, x in zip(step.args, node.inputs, strict=True)]
        if any(part.dtype != spec.dtype or not _in_order(part) for part in parts):
            raise UnloweredError
        axis = node.params.get("axis", 0) % len(spec.shape)
        if node.op is ops.stack:
            parts = [
                part.at((*part.shape[:axis], 1, *part.shape[axis:]), (*part.strides[:axis], 0, *part.strides[axis:]))
                for part in parts
            ]
        whole = self.lowering.new(step.outs[0], spec.dtype, spec.shape)
        made: list[Instruction] = []
        start = 0
        for part in parts:
            place = whole.at(part.shape, whole.strides, start * whole.strides[axis])
            made.append(Region(Scalars([part.dtype], [], [0]), (part,), (place,), part.shape))
            start += part.shape[axis]
        return made

    def _viewed(self, step: Step) -> list[Instruction]:
        """A view, found by asking the kernel what it does with an array of that shape and those strides."""
        node = step.node
        x = self.lowering.view(step.args[0], node.inputs[0])
        specs = [out.spec for out in node.outputs]
        if any(spec.dtype != x.dtype for spec in specs):
            raise UnloweredError
        names = node.op.names[1:] if not node.op.variadic else ["_"] * (len(node.inputs) - 1)
        if node.op.variadic and node.op is not ops.split_like:
            raise UnloweredError
        others = [_standin(each, name.startswith("_")) for each, name in zip(node.inputs[1:], names, strict=True)]
        reach = [(n - 1) * s for n, s in zip(x.shape, x.strides, strict=True)] if x.size else []
        memory = numpy.empty(1 + sum(map(abs, reach)), x.dtype)
        first = memory[-sum(s for s in reach if s < 0) :]
        size = x.dtype.itemsize
        made = step.kernel(numpy, as_strided(first, x.shape, [s * size for s in x.strides]), *others, **step.params)
        start = first.__array_interface__["data"][0]
        for register, out, spec in zip(step.outs, made if node.width > 1 else (made,), specs, strict=True):
            if not isinstance(out, numpy.ndarray) or out.shape != spec.dims or not numpy.may_share_memory(out, memory):
                raise UnloweredError
            moved = (out.__array_interface__["data"][0] - start) // size if out.size else 0
            self.lowering.views[register] = x.at(out.shape, [s // size for s in out.strides], moved)
        return []


def _standin(x: Any, shape_only: bool) -> Any:
    """Another operand of a view's kernel. Raises UnloweredError where what it reads of it is not known."""
    if not isinstance(x, Value):
        return x
    spec = x.node.outputs[x.index].spec
    if not shape_only or not spec.known:
        raise UnloweredError
    return numpy.broadcast_to(numpy.zeros((), spec.dtype), spec.dims)


def _readable(view: View) -> bool:
    """Whether BLAS can read a matrix where it is: contiguous along one of its axes, and not the same row twice."""
    (rows, columns), (down, across) = view.shape, view.strides
    return (across == 1 and (down >= columns or rows == 1)) or (down == 1 and (across >= rows or columns == 1))


def _in_order(view: View) -> bool:
    """Whether its axes lie in memory in C's order, so that numpy would join it in that order."""
    steps = [s for n, s in zip(view.shape, view.strides, strict=True) if n != 1]
    return all(before >= after > 0 for before, after in itertools.pairwise(steps))


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
