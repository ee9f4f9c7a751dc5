"""Loops of a fixed number of rounds as native code: the body's instructions, with views that move on from round to round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy

from graphs.codegen.instructions import Fill, Instruction, Loop, Region, View, replaced
from graphs.codegen.primitives import Scalars
from graphs.core.node import Value
from static.schedule import Step


class NativeLoop:
    """One loop while it is being written.

    Args:
        lowering: what knows where things are (``static.lowering.Lowering``).
        step: the step of the loop.
        level: how many loops there are around it.
    """

    def __init__(self, lowering: Any, step: Step, level: int) -> None:
        self.lowering = lowering
        self.step = step
        self.level = level
        self.settings = {**step.node.op.attributes, **step.node.params}
        self.body = self.settings["body"]
        self.rounds = _length(step.node.inputs[0])

    @property
    def fits(self) -> bool:
        """Whether it is of the kind that can be written: a known number of rounds, and nothing kept as objects."""
        given = self.settings
        kept = given["cond"] is not None or given["boxes"] or given["boxed"] or given["record"]
        return not kept and self.rounds is not None and self.rounds > 0

    def instructions(self) -> list[Instruction]:
        """The loop, with what comes before and after it."""
        lowering, given, body, out = self.lowering, self.settings, self.body, self.step.outs
        states, sums, sequences = (given[name] for name in ("states", "sums", "sequences"))
        operands = [lowering.view(arg, x) for arg, x in zip(self.step.args[1:], self.step.node.inputs[1:], strict=True)]
        specs = [each.spec for each in self.step.node.outputs]
        made: list[Instruction] = []

        going = [lowering.new(f"{out[0]}_s{i}", x.dtype, x.shape) for i, x in enumerate(operands[:states])]
        made += [_copied(x, to) for x, to in zip(operands[:states], going, strict=True)]
        slices = [self._slice(x) for x in operands[states + sums :][:sequences]]
        constants = operands[states + sums + sequences :]
        registers = {
            (x.node, x.index): self._named(view, value.spec)
            for x, view, value in zip(body.inputs, [*going, *slices, *constants], body.inputs, strict=True)
        }
        inside: list[Instruction] = []
        for node in body.nodes:
            args = tuple(self._argument(x, registers) for x in node.inputs)
            outs = tuple(lowering.fresh() for _ in node.specs)
            registers.update({(node, i): name for i, name in enumerate(outs)})
            inside += lowering.instructions(Step(node, node.op.kernel, args, node.params, outs), self.level + 1)
        ends = [lowering.view(self._argument(x, registers), x) for x in body.outputs]

        after: list[Instruction] = []
        stacks = len(body.outputs) - states - sums
        stacked = [
            lowering.new(name, s.dtype, s.shape)
            for name, s in zip(out[1 + states :], specs[1 + states :][:stacks], strict=False)
        ]
        for i, whole in enumerate(stacked, states):
            inside = self._put(inside, ends, going, ends[i], self._slice(whole), after)
        totals = [
            lowering.new(name, x.dtype, x.shape)
            for name, x in zip(out[1 + states + stacks :], operands[states:], strict=False)
        ]
        for view, total in zip(ends[states + stacks :], totals, strict=True):
            made.append(Fill(total, -0.0 if total.dtype.kind == "f" else 0))
            adding = Scalars([total.dtype, view.dtype])
            adding.outputs = [adding.call("add", [0, 1], [total.dtype] * 2, total.dtype)]
            after.append(Region(adding, (total, view.spread(total.shape)), (total,), total.shape))
        after += self._moved_on(ends[:states], going)
        for name, view in zip(out[1 : 1 + states], going, strict=True):
            lowering.views[name] = view
        counted = lowering.new(out[0], numpy.dtype(numpy.int64), ())
        return [*made, Fill(counted, self.rounds), Loop(self.rounds or 0, self.level, (*inside, *after))]

    # Pieces

    def _named(self, view: View, spec: Any) -> str:
        """A register for a view that the body is handed."""
        if not spec.known or view.shape != tuple(spec.dims) or view.dtype != spec.dtype:
            raise self.lowering.refusal
        name: str = self.lowering.fresh()
        self.lowering.views[name] = view
        return name

    def _argument(self, x: Any, registers: dict[Any, str]) -> str:
        if isinstance(x, Value):
            return registers[x.node, x.index]
        if numpy.ndim(x) == 0:
            return repr(x)
        name: str = self.lowering.constant(x)
        return name

    def _slice(self, x: View) -> View:
        """What a round has of a sequence, or puts into a stack."""
        step = x.strides[0]
        if x.shape[0] < (self.rounds or 0):
            raise self.lowering.refusal
        first = ((self.rounds or 0) - 1) * step if self.settings["reverse"] else 0
        moves = (*x.steps, (self.level, -step if self.settings["reverse"] else step))
        return replace(x, shape=x.shape[1:], strides=x.strides[1:], offset=x.offset + first, steps=moves)

    def _put(
        self,
        inside: list[Instruction],
        ends: list[View],
        going: Sequence[View],
        view: View,
        place: View,
        after: list[Instruction],
    ) -> list[Instruction]:
        """See to it that a round's result comes to its place in the stack: written there at once, or copied."""
        buffer = self.lowering.buffers.get(view.buffer)
        fresh = buffer is not None and not view.steps and view.dense and view.size == buffer.size and place.dense
        if not fresh or view.buffer in [x.buffer for x in going] or self.lowering.elsewhere(view.buffer):
            after.append(_copied(view, place))
            return inside
        old = view.buffer

        def onto(x: View) -> View:
            return _onto(x, old, place)

        ends[:] = map(onto, ends)
        after[:] = [replaced(each, onto) for each in after]
        self.lowering.move(old, onto)
        return [replaced(each, onto) for each in inside]

    def _moved_on(self, ends: Sequence[View], going: Sequence[View]) -> list[Instruction]:
        """The next round's states; by way of other memory where one becomes what another was."""
        pairs = [(end, state) for end, state in zip(ends, going, strict=True) if end != state]
        if not any(end.buffer in [state.buffer for state in going] for end, _ in pairs):
            return [_copied(end, state) for end, state in pairs]
        between = [self.lowering.new(self.lowering.fresh(), end.dtype, end.shape) for end, _ in pairs]
        first: list[Instruction] = [_copied(end, other) for (end, _), other in zip(pairs, between, strict=True)]
        return first + [_copied(other, state) for other, (_, state) in zip(between, pairs, strict=True)]


def _length(x: Any) -> int | None:
    """The number of rounds, where it is known."""
    value = x.node.params.get("value") if isinstance(x, Value) and "constant" in x.node.op.traits else x
    return int(value) if not isinstance(value, Value) and value is not None and numpy.ndim(value) == 0 else None


def _copied(x: View, to: View) -> Region:
    return Region(Scalars([x.dtype], [], [0]), (x.spread(to.shape),), (to,), to.shape)


def _onto(x: View, buffer: str, place: View) -> View:
    """``x``, a view of ``buffer``, as the same view of what lies at ``place``."""
    if x.buffer != buffer:
        return x
    return replace(x, buffer=place.buffer, offset=place.offset + x.offset, steps=(*place.steps, *x.steps))
