"""The text of a run of which GPUs do a part: one function for each piece on a GPU, and one around them all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy
from numpy import ndarray

from graphs.codegen import compiled
from graphs.codegen.capture import Capturable
from graphs.codegen.fused import fused
from graphs.core.spec import Spec
from static.emit import Emission
from static.pieces import Division, Move, Piece
from static.placement import HOST
from static.schedule import Schedule, Step


_MOST_NAMES = 8
"""Names of nodes that a line of text mentions."""


class PieceEmission(Emission):
    """The text of a piece on a GPU: its kernels are handed cupy's module, and its constants are there."""

    def __init__(self, name: str, piece: Piece, made: Schedule, xp: Any) -> None:
        self.name = name
        self._piece = piece
        self._into = written_through(piece, made)
        super().__init__(made, [])
        constants = {arg for step in piece.steps for arg in step.args if arg[0] == "c"}
        constants |= {register for _, register in piece.commits if register[0] == "c"}
        for arg in constants:
            value = made.constants[arg.removesuffix("_cpu")]
            there = type(value) is ndarray and value.dtype.kind in "biufc" and not arg.endswith("_cpu")
            self.namespace[arg] = xp.asarray(value) if there else value
        capturable = Capturable(xp)
        self.namespace.update(xp=capturable, copy=capturable.array, fused_into=_fused_into)

    def _main(self) -> None:
        piece = self._piece
        self.lines.append(f"def {self.name}({', '.join(['draw', *piece.takes, *targets(piece)])}):")
        for step in piece.steps:
            self._step(step)
        # What a variable is to hold is nobody else's: not a constant's, not another variable's.
        own = {variable: own for variable, (_, own) in self.schedule.writes.items()}
        kept = [register if own[variable] else f"copy({register})" for variable, register in piece.commits]
        given = [*piece.gives, *kept]
        self._line(f"return ({''.join(f'{x}, ' for x in given)})")

    def _ufunc_call(self, step: Step) -> None:
        """None: kernels are called with the module, for numpy's ufuncs are not cupy's."""

    def _kernel_call(self, step: Step) -> str:
        call = super()._kernel_call(step)
        into = self._into.get(step.outs[0]) if step.outs else None
        if into is None:
            return call
        return f"fused_into(xp, ({''.join(f'{x}, ' for x in into)}), {call.partition('(xp, ')[2]}"


def written_through(piece: Piece, made: Schedule) -> dict[str, list[str | None]]:
    """Updates that can write straight into their variables, by their first result: for each result where it is to be.

    That needs that nobody reads the variable's old value afterwards, keeps a view of it, or reads one beside it.
    """
    ends = {register: variable for variable, register in piece.commits if made.writes[variable][1]}
    held = {variable: register for register, variable in made.reads.items()}
    roots: dict[str, set[str]] = {register: {register} for register in piece.takes}
    last: dict[str, int] = {}
    for at, step in enumerate(piece.steps):
        last.update(dict.fromkeys(set().union(*(roots.get(arg, set()) for arg in step.args)), at))
        roots.update(dict.fromkeys(step.outs, set().union(*(roots.get(arg, set()) for arg in step.viewed))))
    kept = set().union(*(roots.get(register, set()) for register in (*piece.gives, *(r for _, r in piece.commits))))
    found: dict[str, list[str | None]] = {}
    for at, step in enumerate(piece.steps):
        if step.node.op.name != "fused" or not all(spec.known for spec in step.node.specs):
            continue
        into: list[str | None] = []
        for out in step.outs:
            variable = ends.get(out)
            before = "" if variable is None else held.get(variable, "")
            beside = any(before in roots.get(arg, ()) for arg in step.args if arg != before)
            safe = before not in kept and last.get(before, at) <= at and not beside
            into.append(f"w{variable.serial}" if variable is not None and safe else None)
        if any(into):
            found[step.outs[0]] = into
    return found


def _fused_into(xp: Any, targets: Sequence[Any], *arrays: Any, body: Any, label: str = "") -> Any:
    """As the kernel of ``fused``, with results where ``targets`` are, as far as these fit."""
    if all(target is None for target in targets):
        return fused.kernel(xp, *arrays, body=body, label=label)
    shape = numpy.broadcast_shapes(*[x.shape for x in arrays if hasattr(x, "shape")])
    outs = []
    for target, spec in zip(targets, body.specs, strict=True):
        fits = target is not None and target.shape == shape and target.dtype == spec.dtype
        outs.append(target if fits else xp.empty(shape, spec.dtype))
    results = compiled(body)(arrays, tuple(outs))
    return results if len(results) > 1 else results[0]


class PlacedEmission(Emission):
    """The text of such a run: what is done on the host, what crosses, and calls of the pieces on GPUs."""

    def __init__(self, made: Schedule, specs: list[Spec], division: Division, home: bool) -> None:
        self._division = division
        self._home = home
        self._waiting = False
        super().__init__(made, specs)

    def _main(self) -> None:
        division, parts, crossings = self._division, 0, 0
        self.lines.append("def run(state, feeds, draw, arena, own):")
        self._given()
        self._reads()
        held = {variable: register for register, variable in self.schedule.reads.items()}
        for piece in division.pieces:
            for (variable, _), name in zip(piece.commits, targets(piece), strict=True):
                value = held.get(variable) or f"state.get({self._variable(variable)})"
                self._line(f"{name} = {value} if own else None  # where {variable.name} is to be")
        for item in division.items:
            if isinstance(item, Move):
                if item.source == HOST and item.register.endswith("_cpu"):
                    self._arrived()
                self._crossing(item, crossings)
                crossings += 1
            elif item.place == HOST:
                self._arrived()
                for step in item.steps:
                    self._step(step)
            else:
                if item.commits and division.writes:
                    self._arrived()
                    self._line(f"pending({{{', '.join(self._written())}}})")
                self._part(item, f"part{parts}")
                parts += 1
        self._arrived()
        self._handed()

    def _arrived(self) -> None:
        """Wait for what crosses to the host, where something does that nobody has waited for."""
        if self._waiting:
            self._line("finish()")
            self._waiting = False

    def _given(self) -> None:
        """What the run is given; what the host computes with or hands out, in C's order."""
        feeds = self.schedule.feeds
        if feeds:
            self._line(f"{', '.join(feeds)}, = feeds")
        read = {arg for piece in self._division.pieces if piece.place == HOST for step in piece.steps for arg in step.args}
        read.update(register for register, _ in (*self._division.fetches, *self._division.writes.values()))
        for register in feeds:
            if register in read:
                self._line(f"{register} = dense({register})")

    def _crossing(self, move: Move, slot: int) -> None:
        if move.target == HOST:
            self._waiting = True
            call = f"gpu{move.source}_to_cpu({slot}, {move.register})"
        elif move.source == HOST:
            call = f"cpu_to_gpu{move.target}({slot}, {move.register})"
        else:
            call = f"gpu{move.source}_to_gpu{move.target}({slot}, {move.register})"
        self._line(f"{move.out} = {call}  # {move}")

    def _part(self, piece: Piece, name: str) -> None:
        outs = [*piece.gives, *(f"n{variable.serial}" for variable, _ in piece.commits)]
        names = list(dict.fromkeys(step.node.name for step in piece.steps)) or ["variables"]
        more = len(names) - _MOST_NAMES
        about = ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
        given = "".join(f"{x}, " for x in [*piece.takes, *targets(piece)])
        target = f"{', '.join(outs)}, = " if outs else ""
        self._line(f"{target}{name}(draw, own, ({given}))  # GPU:{piece.place}: {about}")

    def stable(self, piece: Piece) -> tuple[bool, ...]:
        """Of each array that a piece is handed, whether the same one may be expected in the next run."""
        return tuple(x not in self._loose for x in [*piece.takes, *targets(piece)])

    @cached_property
    def _loose(self) -> set[str]:
        """The registers that hold another array in each run: of pieces that are not captured, and what no session holds."""
        found = {register for piece in self._division.pieces if not piece.captured for register in piece.gives}
        found.update(move.out for move in self._division.moves if HOST not in (move.source, move.target))
        return found if self._home else found | self.schedule.reads.keys() | self.schedule.peeks.keys()

    def _written(self) -> list[str]:
        return [
            f"{self._variable(variable)}: {self._whole(register) if own else f'copy({register})'}"
            for variable, (register, own) in self._division.writes.items()
        ]

    def _handed(self) -> None:
        fetched = []
        for (register, own), spec in zip(self._division.fetches, self.specs, strict=True):
            if self._home:
                fetched.append(_home(register, own, spec))
            else:
                fetched.append(register if own else f"copied({register})")
        there = [
            f"{self._variable(variable)}: n{variable.serial}"
            for piece in self._division.pieces
            for variable, _ in piece.commits
        ]
        self._line(f"return ({''.join(f'{x}, ' for x in fetched)}), {{{', '.join([*self._written(), *there])}}}")


def _home(register: str, own: bool, spec: Spec) -> str:
    if spec.dims == ():
        return f"scalar({register})"
    return f"unranked({register}, {own})" if spec.dims is None else register if own else f"copy({register})"


def targets(piece: Piece) -> list[str]:
    """The registers of what the variables that a piece changes hold before, None where they have no value."""
    return [f"w{variable.serial}" for variable, _ in piece.commits]


__all__ = ["PieceEmission", "PlacedEmission", "targets", "written_through"]
