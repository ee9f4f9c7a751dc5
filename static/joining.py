"""Sums at the end of a region: one loop computes the elements and adds them up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from graphs.codegen.instructions import Fill, Instruction, Loop, Region, View
from graphs.codegen.primitives import Literal, Scalars


def joined(instructions: Sequence[Instruction], may: Callable[[Region], bool]) -> list[Instruction]:
    """The instructions, with sums down the columns of what a region writes added up by that region.

    Rows are added in their order, as they would be afterwards, so the bits stay. Nobody knows of a sum's memory before the
    sum is begun, so it may be begun earlier. Regions for which ``may`` is false stay as they are.
    """
    made: list[Instruction | None] = []
    writers: dict[View, int] = {}
    begun: dict[str, int] = {}
    for each in instructions:
        if isinstance(each, Loop):
            each = replace(each, body=tuple(joined(each.body, may)))
        place = len(made)
        if isinstance(each, Fill):
            begun[each.out.buffer] = place
        if isinstance(each, Region):
            sum_of = _added(each)
            at = writers.get(sum_of) if sum_of is not None else None
            start = begun.get(each.outputs[0].buffer)
            region = made[at] if at is not None else None
            if at is not None and start is not None and isinstance(region, Region) and may(region):
                fill, made[start] = made[start], None
                made[at] = _with_sum(region, region.outputs.index(sum_of), each.outputs[0])
                made.insert(at, fill)
                writers = {view: i + (i >= at) for view, i in writers.items()}
                begun = {name: i + (i >= at) for name, i in begun.items()}
                continue
            if each.shape:
                writers.update({view: place for view in each.outputs if view.dense and not view.steps})
        made.append(each)
    return [each for each in made if each is not None]


def _added(region: Region) -> View | None:
    """What the rows of which ``region`` adds up, if that is all it does."""
    if len(region.inputs) != 2 or region.outputs != region.inputs[:1] or len(region.shape) != 2:
        return None
    running, each = region.inputs
    calls = region.scalars.calls
    adding = len(calls) == 1 and calls[0].name == "add" and calls[0].args == (0, 1) and region.scalars.outputs == [2]
    return each if adding and running.strides == (0, 1) and region.shape[0] > 1 else None


def _with_sum(region: Region, output: int, total: View) -> Region:
    """``region``, which besides adds what its output ``output`` is to ``total``."""
    old, width = region.scalars, len(region.inputs)

    def moved(x: int | Literal) -> int | Literal:
        return x + 1 if not isinstance(x, Literal) and x >= width else x

    scalars = Scalars([*old.inputs, total.dtype])
    for call in old.calls:
        scalars.call(call.name, [moved(x) for x in call.args], call.dtypes, call.dtype)
    outputs = [moved(x) for x in old.outputs]
    added = scalars.call("add", [width, outputs[output]], [total.dtype] * 2, total.dtype)
    scalars.outputs = [*outputs, added]
    return replace(region, scalars=scalars, inputs=(*region.inputs, total), outputs=(*region.outputs, total))
