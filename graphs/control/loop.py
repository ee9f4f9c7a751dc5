"""The loop: ``scan``, ``while_loop`` and the gradients of both are this one op over a body.

What goes round falls into four kinds, as in Theano's scan. *States* are handed from one round to the next; *sequences* give
each round its own slice; *constants* are the same in every round; of what a round yields, some is stacked and some summed.
The gradient of a loop is a loop the other way round, whose sequences are the values that the forward loop has kept: it is
run once, and any order of derivative works.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from graphs.control.adjoint import adjoint, computed, reads, smooth
from graphs.control.loop_text import as_traced, loop_kernel
from graphs.control.program import Draw, home, undrawn
from graphs.control.specs import loop_dtypes, loop_shapes, loop_specs
from graphs.core.function import Function
from graphs.core.node import Value
from graphs.core.op import op
from graphs.core.spec import Spec
from graphs.ops.indexing import take, take_adjoint
from graphs.ops.shape import ones_like, zeros_like
from graphs.ops.sized import arange_to


@op(loop_shapes, dtype=loop_dtypes, traits={"control"})
def loop(
    xp: Any,
    length: Any,
    *operands: Any,
    body: Function,
    cond: Function | None = None,
    states: int = 0,
    sums: int = 0,
    sequences: int = 0,
    boxes: tuple[int, ...] = (),
    boxed: tuple[int, ...] = (),
    reverse: bool = False,
    record: bool = False,
    key: Draw | None = None,
) -> Any:
    """``body`` round after round: the number of rounds, the last states, the stacked and the summed results.

    Args:
        length: how many rounds; with ``cond`` at most that many, -1 for no bound.
        operands: the initial states; for each summed result an array of its shape; the sequences, sliced along their first
            axis; the constants.
        body: ``(*states, *slices, *constants) -> (*states, *stacked, *summed)``.
        cond: ``(*states, *constants) -> bool``: whether there is another round.
        states, sums, sequences: how many of the operands are of each kind.
        boxes: which of the sequences are object arrays, with an element a round.
        boxed: which of the stacked results stay apart, as such object arrays.
        reverse: the last slices first, and results stacked from the back.
        record: yield as well what each round had as states and what it computed, as object arrays: ``states`` of the former,
            then the body's values in order.

    A step that sums starts from its first round's result. Raises ShapeError where results to be stacked differ in shape.
    """
    layout: dict[str, Any] = {
        "cond": cond,
        "states": states,
        "sums": sums,
        "sequences": sequences,
        "boxed": boxed,
        "reverse": reverse,
    }
    direct = xp is numpy and as_traced(body, states, sums, sequences, operands)
    setting = ("loop", record, direct, home(xp), *layout.values())
    kernel: Callable[..., Any] | None = body.cache.get(setting)
    if kernel is None:
        kernel = body.cache[setting] = loop_kernel(body, record, direct, **layout, xp=xp)
    out: tuple[Any, ...] = kernel(xp, undrawn if key is None else key, length, *operands)
    # How many rounds there were is not asked of a GPU: that would wait for it.
    none = not out[0] if xp is numpy else any(x is None for x in out)
    if none and len(body.outputs) > states + sums:
        specs = loop_specs(*map(Spec.of, (length, *operands)), body=body, boxes=boxes, record=record, **layout)
        out = tuple(_empty(xp, spec) if x is None else x for x, spec in zip(out, specs, strict=True))
    return out if len(out) > 1 else out[0]


def _empty(xp: Any, spec: Spec) -> Any:
    """A stacked result of no round."""
    return xp.zeros((0, *(dim or 0 for dim in (spec.dims or ())[1:])), spec.dtype)


@loop.joint_vjp
def _gradients(
    needs: Sequence[bool],
    gs: Sequence[Any],
    outs: Sequence[Any],
    args: Sequence[Any],
    *,
    body: Function,
    cond: Function | None,
    states: int,
    sums: int,
    sequences: int,
    boxes: tuple[int, ...],
    boxed: tuple[int, ...],
    reverse: bool,
    record: bool,
    key: Draw | None,
) -> list[Any]:
    if not record:
        layout: dict[str, Any] = {"states": states, "sums": sums, "sequences": sequences, "boxes": boxes, "boxed": boxed}
        outs = loop(*args, body=body, cond=cond, **layout, reverse=reverse, record=True, key=key)
        gs = [*gs, *[None] * (len(outs) - len(gs))]
    length = 1 + states + sums
    whole, constants = args[length : length + sequences], args[length + sequences :]
    used, rows = whole, None
    if cond is not None and sequences:
        # It may have ended before its sequences did.
        rows = arange_to(zeros_like(outs[0]), outs[0], ones_like(outs[0]))
        used = [take(x, rows, axis=0) for x in whole]
    needed = [*needs[1 : 1 + states], *needs[length:]]
    going = [i for i, g in enumerate(gs) if g is not None and i > states]
    values = [*body.inputs[:states], *computed(body)]
    flowing = {i: body.outputs[i - 1] if i <= len(body.outputs) else values[i - 1 - len(body.outputs)] for i in going}
    flowing = {i: value for i, value in flowing.items() if smooth(value)}
    active = _active(body, states, [i for i in range(states) if gs[1 + i] is not None], flowing.values(), needed)
    inputs = [i for i, x in enumerate(body.inputs) if i in active or (i >= states and needed[i] and smooth(x))]
    roots = [*(body.outputs[i] for i in active), *flowing.values()]
    pairs = [(root, i) for i, root in enumerate(roots) if smooth(root)]
    back = adjoint(body, [root for root, _ in pairs], [body.inputs[i] for i in inputs])
    seeds: list[Any] = [None] * len(roots)
    for (_, i), seed in zip(pairs, back.seeds, strict=True):
        seeds[i] = seed

    # What the loop back is given: the gradients of the states go round, those of sums stand still, the rest comes in slices.
    carried, following = seeds[: len(active)], dict(zip(flowing, seeds[len(active) :], strict=True))
    still = range(1 + len(body.outputs) - sums, 1 + len(body.outputs))
    outwards = 1 + len(body.outputs)
    apart = {1 + states + i for i in boxed}
    sliced = [(seed, gs[i], i >= outwards or i in apart) for i, seed in following.items() if i not in still]
    steady = [(seed, gs[i]) for i, seed in following.items() if i in still]
    places = {(x.node, x.index): i for i, x in enumerate(values)}
    given = {(x.node, x.index): i for i, x in enumerate(body.inputs)}
    for value, stand in zip(back.kept, back.stands, strict=True):
        edge = (value.node, value.index)
        if edge in places:
            sliced.append((stand, outs[outwards + places[edge]], True))
        elif given[edge] < states + sequences:
            sliced.append((stand, used[given[edge] - states], given[edge] - states in boxes))
        else:
            steady.append((stand, constants[given[edge] - states - sequences]))

    grads = dict(zip(inputs, back.grads, strict=True))
    first = [zeros_like(outs[1 + i]) if gs[1 + i] is None else gs[1 + i] for i in active]
    round_ = [zeros_like(seed) if grads[i] is None else grads[i] for i, seed in zip(active, carried, strict=True)]
    stacked = [i for i in inputs if states <= i < states + sequences and grads[i] is not None]
    summed = [i for i in inputs if i >= states + sequences and grads[i] is not None]
    if not active and not stacked and not summed:
        return [None] * len(args)
    function = Function(
        [*carried, *(x for x, _, _ in sliced), *(x for x, _ in steady)],
        [*round_, *(grads[i] for i in stacked), *(grads[i] for i in summed)],
        f"{body.name}_adjoint",
    )
    found = loop(
        outs[0],
        *first,
        *(constants[i - states - sequences] for i in summed),
        *(x for _, x, _ in sliced),
        *(x for _, x in steady),
        body=function,
        states=len(active),
        sums=len(summed),
        sequences=len(sliced),
        boxes=tuple(n for n, (_, _, box) in enumerate(sliced) if box),
        boxed=tuple(n for n, i in enumerate(stacked) if i - states in boxes),
        reverse=not reverse,
        record=record,
    )
    result: list[Any] = [None] * len(args)
    for n, i in enumerate((*active, *stacked, *summed), 1):
        result[1 + i if i < states else 1 + sums + i] = found[n]
    if rows is not None:
        for i in stacked:
            result[1 + sums + i] = take_adjoint(result[1 + sums + i], whole[i - states], rows, axis=0)
    return [g if need else None for g, need in zip(result, needs, strict=True)]


def _active(body: Function, states: int, seeded: Sequence[int], flowing: Any, needed: Sequence[bool]) -> list[int]:
    """The states through which a gradient comes in from an end and goes on to something that is needed."""
    behind = reads(body)
    before = [behind[out.node, out.index] if isinstance(out, Value) else frozenset() for out in body.outputs[:states]]
    reached = set(seeded)
    for value in flowing:
        reached |= {i for i in behind[value.node, value.index] if i < states}
    useful = {i for i in range(states) if needed[i] or any(needed[j] for j in before[i] if j >= states)}
    changed = True
    while changed:
        grown = reached | {j for i in reached for j in before[i] if j < states}
        wider = useful | {i for i in range(states) if before[i] & useful}
        changed = (grown, wider) != (reached, useful)
        reached, useful = grown, wider
    return [i for i in sorted(reached & useful) if smooth(body.inputs[i]) and smooth(body.outputs[i])]
