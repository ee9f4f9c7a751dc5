"""A loop as Python text, and what that text calls.

Where the body says of what shape the stacked results are, they are written row by row into arrays made before the first
round, most of them by the very call that computes them: stacking a hundred results of 16 KB afterwards takes as long again
as computing them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from graphs.control.adjoint import computed
from graphs.control.program import Edge, Program
from graphs.core.function import Function
from graphs.core.node import Value
from graphs.core.spec import Spec


def loop_kernel(
    body: Function,
    record: bool,
    direct: bool,
    cond: Function | None,
    states: int,
    sums: int,
    sequences: int,
    boxed: tuple[int, ...],
    reverse: bool,
    xp: Any = numpy,
) -> Callable[..., Any]:
    """The kernel of a loop over ``body``: ``(xp, draw, length, *operands)``.

    With ``direct`` it is for arrays of numpy, of the shapes that the body has been traced with. Stacked results of no round
    are None where their shape is not known.
    """
    text = _text(body, record, direct, cond, states, sums, sequences, boxed, reverse)
    return text.compiled(f"loop {body.name}", xp)


def as_traced(body: Function, states: int, sums: int, sequences: int, operands: Sequence[Any]) -> bool:
    """Whether all operands have the shapes and dtypes that ``body`` knows of its inputs."""
    checks = body.cache.get(("operands", states, sums, sequences))
    if checks is None:
        checks = body.cache["operands", states, sums, sequences] = [
            (i if i < states else i + sums, 1 if states <= i < states + sequences else 0, x.dims, x.dtype)
            for i, x in enumerate(body.inputs)
            if x.spec.known and x.dtype.kind != "O"
        ]
    for place, axis, dims, dtype in checks:
        x = operands[place]
        if x.__class__ is not numpy.ndarray or x.dtype.kind == "O":
            continue  # Python scalars are taken as they are; what comes in boxes is as the body kept it
        if x.shape[axis:] != dims or x.dtype != dtype:
            return False
    return True


def _text(
    body: Function,
    record: bool,
    direct: bool,
    cond: Function | None,
    states: int,
    sums: int,
    sequences: int,
    boxed: tuple[int, ...],
    reverse: bool,
) -> Program:
    stacks = len(body.outputs) - states - sums
    constants = len(body.inputs) - states - sequences
    state, like, whole, slices, constant = (
        [f"{letter}{i}" for i in range(n)]
        for letter, n in (("s", states), ("m", sums), ("x", sequences), ("r", sequences), ("c_", constants))
    )
    given = ["xp", "draw", "length", *state, *like, *whole, *constant]
    names = {"Sum": Sum, "boxes": boxes, "stacked": _stacked, "count": _count, "fresh": _fresh}
    program = Program(f"def kernel({', '.join(given)}):", direct, **names)
    recorded = computed(body) if record else ()
    kept = range(states + len(recorded)) if record else ()
    stack = [f"y{i}" for i in range(stacks)]
    total = [f"a{i}" for i in range(sums)]
    ready = _known(body, states, stacks, boxed) if direct and cond is None else {}
    program.line(1, "n = int(length)")
    for name in state:
        program.line(1, f"{name}_ = {name}")
    for i, spec in ready.items():
        shape = "".join(f", {size}" for size in spec.shape)
        program.line(1, f"{stack[i]} = xp.empty((n if n > 0 else 0{shape or ','}), {program.named(spec.dtype)})")
    for name in [*(name for i, name in enumerate(stack) if i not in ready), *(f"h{i}" for i in kept)]:
        program.line(1, f"{name} = []")
    for name in total:
        program.line(1, f"{name} = Sum()")
    if cond is None:
        program.line(1, f"for t in range({'n - 1, -1, -1' if reverse else 'n'}):")
    else:
        program.line(1, "t = 0")
        program.line(1, "while t != n:")
        registers = program.inline(cond, [*state, *constant], 2)
        program.line(2, f"if not {program.value(cond.outputs[0], registers)}: break")
    for name, array in zip(slices, whole, strict=True):
        program.line(2, f"{name} = {array}[t]")
    for i, name in enumerate(state if record else ()):
        program.line(2, f"h{i}.append({name})")
    rows = _rows(body, states, ready)
    places = {edge: f"{stack[i]}[t]" for edge, i in rows.items()}
    registers = program.inline(body, [*state, *slices, *constant], 2, recorded, places)
    written = {i for edge, i in rows.items() if edge not in places}
    for i, value in enumerate(recorded, states):
        program.line(2, f"h{i}.append({program.value(value, registers)})")
    outs = [program.value(out, registers) for out in body.outputs]
    for i, out in enumerate(outs[states : states + stacks]):
        if i not in written:
            program.line(2, f"{stack[i]}[t] = {out}" if i in ready else f"{stack[i]}.append({out})")
    for name, out in zip(total, outs[states + stacks :], strict=True):
        program.line(2, f"{name}.add({out})")
    if state and outs[:states] != state:
        program.line(2, f"{', '.join(state)} = {', '.join(outs[:states])}")
    if cond is not None:
        program.line(2, "t += 1")
    elif not program.lines[-1].startswith("        "):
        program.line(2, "pass")
    program.line(1, f"rounds = {'n if n > 0 else 0' if cond is None else 't'}")
    results = [_result(y, i in ready, i in boxed, reverse) for i, y in enumerate(stack)]
    results += [f"{name}.total(xp, {array})" for name, array in zip(total, like, strict=True)]
    results += [f"boxes(h{i}, {reverse})" for i in kept]
    ends = [f"fresh({name}, {name}_)" for name in state]
    program.line(1, f"return {', '.join(['count(xp, rounds)', *ends, *results])},")
    return program


def _known(body: Function, states: int, stacks: int, boxed: tuple[int, ...]) -> dict[int, Spec]:
    """The stacked results of which it is known what each round has, and what that is."""
    outs = body.outputs[states : states + stacks]
    return {i: x.spec for i, x in enumerate(outs) if isinstance(x, Value) and x.spec.known and i not in boxed}


def _rows(body: Function, states: int, ready: dict[int, Spec]) -> dict[Edge, int]:
    """Values that may be written where they are to be, each with the number of the result."""
    rows: dict[Edge, int] = {}
    for i, spec in ready.items():
        x = body.outputs[states + i]
        if spec.shape:  # a row of single numbers is no array
            rows.setdefault((x.node, x.index), i)
    return rows


def _result(name: str, ready: bool, boxed: bool, reverse: bool) -> str:
    if ready:
        return name
    return f"boxes({name}, {reverse})" if boxed else f"stacked(xp, {name}, {reverse}) if {name} else None"


class Sum:
    """A running sum; it starts from its first term, and adds in place once the memory is its own."""

    __slots__ = ("own", "value")

    def __init__(self) -> None:
        self.value: Any = None
        self.own = False

    def add(self, x: Any) -> None:
        """One more term."""
        if self.value is None:
            self.value = x
        elif self.own:
            self.value += x
        else:
            self.value = self.value + x
            self.own = getattr(self.value, "ndim", 0) > 0

    def total(self, xp: Any, like: Any) -> Any:
        """The sum, zeros of the shape of ``like`` where there was no term."""
        return xp.zeros_like(like) if self.value is None else self.value


def boxes(values: list[Any], reverse: bool = False) -> Any:
    """The values as an object array, one an element, whatever their shapes."""
    if reverse:
        values.reverse()
    out = numpy.empty(len(values), object)
    for i, value in enumerate(values):
        out[i] = value
    return out


def _stacked(xp: Any, values: list[Any], reverse: bool) -> Any:
    if reverse:
        values.reverse()
    return xp.stack(values)


def _fresh(x: Any, given: Any) -> Any:
    """A state at the end; a copy where no round has made it anew, or it lies in an array of all rounds'."""
    return x.copy() if (x is given or getattr(x, "base", None) is not None) and hasattr(x, "copy") else x


def _count(xp: Any, rounds: int) -> Any:
    return xp.asarray(rounds)
