"""What a run computed, value by value: which op made it, from which values, where, and in which round of a loop.

An ``Event`` is a call of a kernel, a ``Cell`` a value that one made or that was given. A cell holds its event and an event
the cells it read, never the other way round, so that a history lives as long as somebody has its last value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy

from graphs.codegen.fused import fused
from graphs.control import branch, draws, loop
from graphs.control.adjoint import computed
from graphs.core.function import Function
from graphs.core.node import Value
from graphs.core.op import Op, first_dtype


class Cell:
    """A value: an array, and where it comes from.

    Attributes:
        array: the array, or a Python scalar.
        maker: the event that computed it; None for what was given.
        place: which of the maker's outputs it is.
        kind: what it is where it was given: ``"feed"``, ``"variable"``, ``"parameter"``, ``"constant"``, ``"gradient"``, …
        name: its name there.
        where: the user's line there.
    """

    __slots__ = ("__weakref__", "array", "kind", "maker", "name", "place", "where")

    def __init__(
        self, array: Any, maker: Event | None = None, place: int = 0, kind: str = "value", name: str = "", where: Any = None
    ) -> None:
        self.array = array
        self.maker = maker
        self.place = place
        self.kind = kind
        self.name = name
        self.where = where


@dataclass(slots=True, weakref_slot=True, eq=False)
class Event:
    """One call of a kernel.

    Attributes:
        op: the op.
        operands: a cell per argument.
        params: its attributes.
        name: the node's name.
        where: the user's line.
        phase: ``"forward"``, ``"backward"`` or ``"update"``.
        of: on the way back, what it is the gradient of: a node's name.
        round: the round of the innermost loop that it ran in, from 0; None outside of loops.
        time: how many backward passes had begun, where a program loops in Python; None where that is not counted.
        draw: gives keys to what is drawn inside a loop.
    """

    op: Op
    operands: tuple[Cell, ...]
    params: Mapping[str, Any]
    name: str
    where: Any = None
    phase: str = "forward"
    of: str = ""
    round: int | None = None
    time: int | None = None
    draw: Any = None

    @property
    def arrays(self) -> list[Any]:
        """The operands' arrays."""
        return [cell.array for cell in self.operands]


def _round_slice(xp: Any, x: Any, *, at: int) -> Any:
    """The part of a sequence that is one round's."""
    return x[at]


round_slice = Op(_round_slice, name="round_slice", shape=lambda x, *, at: x.shape[1:], dtype=first_dtype)
"""How a round of a loop gets its part of a sequence."""

_summed = Op(lambda xp, *terms: sum(terms[1:], terms[0]), name="sum_of_rounds", shape=lambda *_: None, dtype=first_dtype)

Observer = Callable[[Event, tuple[Any, ...]], None]
"""Told of an event inside a body, and of what it gave."""


class Opened(NamedTuple):
    """The outputs of a loop, branch or region, as what happened inside made them.

    ``cell(place, index)`` is the cell behind an element of an output, and the element's index there.
    """

    cell: Callable[[int, tuple[int, ...]], tuple[Cell, tuple[int, ...]] | None]


def opens(event: Event) -> bool:
    """Whether an event has an inside: a loop, a branch, a fused region."""
    return event.op in (loop, branch, fused)


def opened(event: Event, observe: Observer | None = None) -> Opened:
    """Run the inside of a loop, branch or region once more, node by node; ``observe`` is told of each."""
    if event.op is fused:
        outs, _ = run_body(event, event.params["body"], event.operands, event.round, observe)
        return Opened(lambda place, index: (outs[place], index))
    if event.op is branch:
        return _opened_branch(event, observe)
    return _opened_loop(event, observe)


def run_body(
    event: Event, body: Function, given: Iterable[Cell], at: int | None, observe: Observer | None = None
) -> tuple[list[Cell], dict[Any, Cell]]:
    """The outputs of a body on the cells ``given``, and the cells of all its values by node and index."""
    cells: dict[Any, Cell] = {(x.node, x.index): cell for x, cell in zip(body.inputs, given, strict=True)}
    for node in body.nodes:
        operands = tuple([cells[x.node, x.index] if isinstance(x, Value) else Cell(x, kind="constant") for x in node.inputs])
        params = {name: value for name, value in node.params.items() if name != "key" or not draws(node)}
        name = node.op.name if node.name == f"{node.op.name}_{node.serial}" else node.name
        inner = Event(node.op, operands, params, name, event.where if event.op is fused else node.where or event.where)
        inner.phase, inner.of, inner.round, inner.time = event.phase, _of(event), at, event.time
        inner.draw = event.draw if draws(node) else None
        if inner.draw is not None:
            own = node.params.get("key")
            params = {**params, "key": event.draw(own, node.serial) if "random" in node.op.traits else event.draw}
        with numpy.errstate(all="ignore"):
            out = node.op.kernel(numpy, *inner.arrays, **params)
        outs = out if len(node.specs) > 1 else (out,)
        for index, value in enumerate(outs):
            cells[node, index] = Cell(value, inner, index)
        if observe is not None:
            observe(inner, tuple(outs))
    return [cells[x.node, x.index] if isinstance(x, Value) else Cell(x, kind="constant") for x in body.outputs], cells


def _of(event: Event) -> str:
    return event.of or (event.name if event.phase == "update" else "")


def _opened_branch(event: Event, observe: Observer | None) -> Opened:
    params = {**branch.attributes, **event.params}
    index, *operands = event.operands
    branches, owners, emits = params["branches"], params["owners"], params["emits"]
    chosen = int(index.array)
    body = branches[chosen]
    shared = len(operands) - len(owners)
    boxes = [box for box, owner in zip(operands[shared:], owners, strict=True) if owner == chosen]
    given = [*operands[:shared], *(_sliced(event, box, 0) for box in boxes)]
    outs, cells = run_body(event, body, given, event.round, observe)
    results = len(body.outputs) - emits[chosen]
    before = results + sum(emits[:chosen])
    kept = results + sum(emits) + sum(len(computed(each)) for each in branches[:chosen])

    def cell(place: int, at: tuple[int, ...]) -> tuple[Cell, tuple[int, ...]] | None:
        if place < results:
            return outs[place], at
        if before <= place < before + emits[chosen]:
            return outs[results + place - before], at[1:]
        values = computed(body)
        inside = place - kept
        return (cells[values[inside].node, values[inside].index], at[1:]) if 0 <= inside < len(values) else None

    return Opened(cell)


def _sliced(event: Event, source: Cell, at: int) -> Cell:
    """One round's part of a sequence, or what a box holds."""
    made = Event(round_slice, (source,), {"at": at}, event.name, event.where, event.phase, event.of, at)
    return Cell(source.array[at], made)


def _opened_loop(event: Event, observe: Observer | None) -> Opened:
    params = {**loop.attributes, **event.params}
    body, cond, states, sums = params["body"], params["cond"], params["states"], params["sums"]
    cells = list(event.operands[1:])
    now, likes = cells[:states], cells[states : states + sums]
    whole = cells[states + sums : states + sums + params["sequences"]]
    constants = cells[states + sums + params["sequences"] :]
    length = int(event.operands[0].array)
    outer = 1 + len(body.outputs)
    stacks = len(body.outputs) - states - sums
    rounds: list[tuple[list[Cell], list[Cell], dict[Any, Cell]]] = []
    order = range(length - 1, -1, -1) if params["reverse"] else range(length)
    t = 0
    while cond is not None or t < len(order):
        if cond is not None and (t == length or not _holds(cond, [*now, *constants], event)):
            break
        at = t if cond is not None else order[t]
        slices = [_sliced(event, x, at) for x in whole]
        outs, inside = run_body(event, body, [*now, *slices, *constants], t, observe)
        rounds.append((now, outs, inside))
        now = outs[:states]
        t += 1
    values = computed(body)

    def cell(place: int, index: tuple[int, ...]) -> tuple[Cell, tuple[int, ...]] | None:
        if 1 <= place <= states:
            return now[place - 1], index
        if place and place < outer - sums and index:
            made = rounds[_turn(index[0])][1]
            return made[place - 1], index[1:]
        if outer - sums <= place < outer and rounds:
            terms = [outs[place - 1] for _, outs, _ in rounds]
            total = Event(_summed, tuple(terms), {}, event.name, event.where, event.phase, event.of)
            like = likes[place - (outer - sums)]
            return Cell(numpy.broadcast_to(_total(terms), numpy.shape(like.array)), total), index
        if place >= outer and index:
            began, _, inside = rounds[_turn(index[0])]
            n = place - outer
            found = began[n] if n < states else inside[values[n - states].node, values[n - states].index]
            return found, index[1:]
        return None

    def _turn(k: int) -> int:
        return len(rounds) - 1 - k if params["reverse"] else k

    assert stacks >= 0
    return Opened(cell)


def _total(terms: Sequence[Cell]) -> Any:
    with numpy.errstate(all="ignore"):
        return sum((term.array for term in terms[1:]), terms[0].array)


def _holds(cond: Function, given: list[Cell], event: Event) -> bool:
    outs, _ = run_body(event, cond, given, None)
    return bool(outs[0].array)
