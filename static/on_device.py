"""Runs of which GPUs do a part: pieces of a plan by device, what crosses between them, and pieces replayed as CUDA graphs.

Variables stay where they live from run to run. What is fed, fetched, or made on one device and read on another crosses
through pinned memory (``graphs.codegen.links``), and nothing else does. From its second run on a piece is one captured
graph (``graphs.codegen.resident``), which at its end changes in place the variables that the run changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy
from numpy import ndarray

from graphs.codegen import compiled as compiled_body
from graphs.codegen.capture import Capturable
from graphs.codegen.fused import fused
from graphs.codegen.launch import launchable
from graphs.codegen.links import Link, Traffic
from graphs.codegen.resident import Resident
from graphs.control.program import Draw
from graphs.core.arrays import to_numpy, xp_of
from graphs.core.spec import Spec
from static.emit import Emission
from static.graph import Operation
from static.layouts import ordered
from static.pieces import Division, Move, Piece, divide
from static.placement import HOST, Placement, without_kernel
from static.schedule import Schedule, Step


Run = Callable[..., Any]


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
        self.namespace.update(xp=capturable, copy=capturable.array, k_fused_into=_fused_into)

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
        return f"k_fused_into(xp, ({''.join(f'{x}, ' for x in into)}), {call.partition('(xp, ')[2]}"


def written_through(piece: Piece, made: Schedule) -> dict[str, list[str | None]]:
    """Updates that can write straight into their variables, by their first result: for each result where it is to be.

    That needs that nobody reads the variable's old value afterwards, nor keeps a view of it.
    """
    ends: dict[str, Any] = {}
    for variable, register in piece.commits:
        if made.writes[variable][1]:
            ends[register] = variable
    held = {variable: register for register, variable in made.reads.items()}
    roots: dict[str, set[str]] = {register: {register} for register in piece.takes}
    last: dict[str, int] = {}
    for at, step in enumerate(piece.steps):
        seen = set().union(*(roots.get(arg, set()) for arg in step.args))
        last.update(dict.fromkeys(seen, at))
        if step.node.op.view or "control" in step.node.op.traits:
            roots.update(dict.fromkeys(step.outs, seen))
    kept = set().union(*(roots.get(register, set()) for register in (*piece.gives, *(r for _, r in piece.commits))))
    found: dict[str, list[str | None]] = {}
    for at, step in enumerate(piece.steps):
        if step.node.op.name != "fused" or not all(spec.known for spec in step.node.specs):
            continue
        into: list[str | None] = []
        for out in step.outs:
            variable = ends.get(out)
            before = held.get(variable, "")
            safe = variable is not None and before not in kept and last.get(before, at) <= at
            into.append(f"w{variable.serial}" if safe else None)
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
    results = compiled_body(body)(arrays, tuple(outs))
    return results if len(results) > 1 else results[0]


class PlacedEmission(Emission):
    """The text of such a run: what is done on the host, what crosses, and calls of the pieces on GPUs."""

    def __init__(self, made: Schedule, specs: list[Spec], division: Division, home: bool) -> None:
        self._division = division
        self._home = home
        super().__init__(made, specs)

    def _main(self) -> None:
        division, parts, crossings = self._division, 0, 0
        self.lines.append("def run(state, feeds, draw, arena, own):")
        self._given()
        self._reads()
        known = set(self.schedule.reads.values())
        for piece in division.pieces:
            for variable, name in zip([v for v, _ in piece.commits], targets(piece), strict=True):
                register = next((r for r, v in self.schedule.reads.items() if v is variable), None)
                held = register if variable in known else f"state.get({self._variable(variable)})"
                self._line(f"{name} = {held} if own else None  # where {variable.name} is to be")
        waiting = False
        for item in division.items:
            if isinstance(item, Move):
                if waiting and item.source == HOST and item.register.endswith("_cpu"):
                    self._line("finish()")
                    waiting = False
                self._crossing(item, crossings)
                waiting |= item.target == HOST
                crossings += 1
            elif item.place == HOST:
                if waiting:
                    self._line("finish()")
                    waiting = False
                for step in item.steps:
                    self._step(step)
            else:
                if item.commits and self._division.writes:
                    if waiting:
                        self._line("finish()")
                        waiting = False
                    self._line(f"pending({{{', '.join(self._written())}}})")
                self._part(item, f"part{parts}")
                parts += 1
        if waiting:
            self._line("finish()")
        self._handed()

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
            call = f"gpu{move.source}_to_cpu({slot}, {move.register})"
        elif move.source == HOST:
            call = f"cpu_to_gpu{move.target}({slot}, {move.register})"
        else:
            call = f"gpu{move.source}_to_gpu{move.target}({slot}, {move.register})"
        self._line(f"{move.out} = {call}  # {move}")

    def _part(self, piece: Piece, name: str) -> None:
        outs = [*piece.gives, *(f"n{variable.serial}" for variable, _ in piece.commits)]
        about = ", ".join(dict.fromkeys(step.node.name for step in piece.steps)) or "variables"
        given = "".join(f"{x}, " for x in [*piece.takes, *targets(piece)])
        stable = "".join(f"{x not in self._loose}, " for x in [*piece.takes, *targets(piece)])
        target = f"{', '.join(outs)}, = " if outs else ""
        self._line(f"{target}{name}(draw, own, ({given}), ({stable}))  # GPU:{piece.place}: {about}")

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


class OnDevice:
    """A plan of which GPUs do a part.

    Args:
        xp: cupy's module.
        made: the schedule.
        specs: those of the fetched tensors.
        compiled: makes a function of an emission.
        placement: where everything is. None: all that can be is on the first GPU, what is read comes from there or from the
            host, other arrays in each run, and what is fetched stays there.

    Attributes:
        division: the pieces, and what crosses between them.
        inplace: the variables that runs may change in place, where nobody else holds their arrays.
        traffic: what crossed in the last run.
        pending: what variables of the host become, if the GPU's have changed.
    """

    def __init__(
        self,
        xp: Any,
        made: Schedule,
        specs: list[Spec],
        compiled: Callable[[Emission], Run],
        placement: Placement | None = None,
    ) -> None:
        self.xp = xp
        self._home = placement is not None
        self.placement = placement or _all_there(made, xp)
        self.division = divide(made, self.placement, self._home)
        self.traffic = Traffic()
        self.pending: Mapping[Any, Any] = {}
        self._lock = threading.RLock()
        self._streams: dict[int, Any] = {}
        numbers = self.placement.numbers
        used = sorted({piece.place for piece in self.division.pieces if piece.place != HOST} | set(self.placement.used))
        self._links = {place: Link(xp, numbers[place]) for place in used}
        there = [piece for piece in self.division.pieces if piece.place != HOST]
        self.inplace = tuple(variable for piece in there for variable, _ in piece.commits)
        self._wanted = [(v, self.placement.of(v)) for v in dict.fromkeys([*made.reads.values(), *made.peeks.values()])]
        self._wanted += [(v, self.placement.of(v)) for v in self.inplace if v not in dict(self._wanted)]
        emitted = PlacedEmission(made, specs, self.division, self._home)
        self.parts = [self._part(f"part{at}", piece, made, compiled) for at, piece in enumerate(there)]
        emitted.namespace.update({f"part{at}": part for at, part in enumerate(self.parts)})
        for place, link in self._links.items():
            emitted.namespace[f"cpu_to_gpu{place}"] = link.up
            emitted.namespace[f"gpu{place}_to_cpu"] = link.down
            for other in used:
                emitted.namespace[f"gpu{place}_to_gpu{other}"] = self._between(other)
        emitted.namespace.update(dense=_dense, ordered=_ordered)
        emitted.namespace.update(finish=self._finish, pending=self._hold, copied=self._copied)
        self._function = compiled(emitted)

    def _part(self, name: str, piece: Piece, made: Schedule, compiled: Callable[[Emission], Run]) -> Resident:
        number = self.placement.numbers[piece.place]
        with self.xp.cuda.Device(number):
            emitted = PieceEmission(name, piece, made, self.xp)
        refusal = "" if launchable(self.xp) else f"{self.xp.__name__} has no CUDA graphs"
        if not piece.captured:
            names = ", ".join(step.node.name for step in piece.steps[:3])
            refusal = f"{names}: what is done next, or its shape, hangs on numbers that only the device knows"
        width, count = len(piece.takes), len(piece.gives)
        commits = [(count + at, width + at) for at in range(len(piece.commits))]
        fresh = [*range(count, count + len(piece.commits)), *([] if self._home else range(count))]
        function = compiled(emitted)
        part = Resident(self.xp, function, number, self._links[piece.place], refusal, commits, fresh)
        part.blame = lambda error: _blamed(error, function, emitted)
        return part

    @property
    def reason(self) -> str:
        """Why not all that the GPUs did in the last run was replayed; empty where it was."""
        reasons = dict.fromkeys(part.reason for part in self.parts if part.reason)
        return "; ".join(reasons)

    @property
    def graphs(self) -> int:
        """How many graphs there are."""
        return sum(part.graphs for part in self.parts)

    @property
    def launches(self) -> int:
        """How many graphs have been launched, in all runs."""
        return sum(part.launches for part in self.parts)

    def __call__(
        self, state: Mapping[Any, Any], feeds: Sequence[Any], draw: Draw | None, own: bool = False
    ) -> tuple[tuple[Any, ...], Mapping[Any, Any]]:
        """As a plan's call. With ``own`` nobody else holds the arrays of the variables ``inplace``, and they are changed."""
        with self._lock:
            self.traffic, self.pending = Traffic(), {}
            for part in self.parts:
                part.committed = False
            stream = self.xp.cuda.get_current_stream()
            for place, link in self._links.items():
                link.begin(self.traffic)
                if len(self._links) > 1 or self._streams.get(place, stream) != stream:
                    self._follow(place, stream)
                self._streams[place] = stream
            out: tuple[tuple[Any, ...], Mapping[Any, Any]] = self._function(state, feeds, draw, None, own)
            return out

    def _follow(self, place: int, stream: Any) -> None:
        """Have ``stream`` wait for what the last run has left on another."""
        before = self._streams.get(place, stream)
        if before != stream:
            stream.wait_event(before.record())

    def homed(self, state: Mapping[Operation, Any]) -> dict[Operation, Any]:
        """New arrays for the variables that are not where they live."""
        moved = {}
        for variable, place in self._wanted:
            value = state.get(variable)
            if value is None:
                continue
            if place == HOST:
                if isinstance(value, self.xp.ndarray):
                    moved[variable] = value.get()
            elif not isinstance(value, self.xp.ndarray) or value.device.id != self.placement.numbers[place]:
                with self.xp.cuda.Device(self.placement.numbers[place]):
                    moved[variable] = self.xp.array(value)
        return moved

    def _between(self, other: int) -> Callable[[int, Any], Any]:
        def cross(_slot: int, value: Any) -> Any:
            with self.xp.cuda.Device(self.placement.numbers[other]):
                self.traffic.between += 1
                self.traffic.between_bytes += value.nbytes
                return self.xp.array(value)

        return cross

    @property
    def committed(self) -> bool:
        """Whether the last run has changed variables of a GPU in place."""
        return any(part.committed for part in self.parts)

    def count(self, moved: Mapping[Any, Any]) -> None:
        """Count variables that were brought home before the last run."""
        self.traffic.moved += len(moved)
        self.traffic.moved_bytes += sum(value.nbytes for value in moved.values() if hasattr(value, "nbytes"))

    def _finish(self) -> None:
        for link in self._links.values():
            link.finish()

    def _hold(self, written: Mapping[Any, Any]) -> None:
        self.pending = written

    def _copied(self, value: Any) -> Any:
        return self.xp.array(value)


def _blamed(error: BaseException, function: Run, emitted: Emission) -> str:
    """The name of the step of a piece that an error comes from."""
    found: BaseException | None = error
    while found is not None:
        trace = found.__traceback__
        while trace is not None:
            step = emitted.nodes.get(trace.tb_lineno)
            if trace.tb_frame.f_code is function.__code__ and isinstance(step, Step):
                return f"{step.node.name}: "
            trace = trace.tb_next
        found = found.__cause__
    return ""


def _dense(value: Any) -> Any:
    """What is fed, as an array of the host in C's order."""
    value = to_numpy(value)
    return numpy.ascontiguousarray(value) if value.ndim else value


def _ordered(value: Any) -> Any:
    return ordered(value) if isinstance(value, (ndarray, numpy.generic)) else value


def _all_there(made: Schedule, xp: Any) -> Placement:
    """The placement of a run whose variables are on a GPU already: what can be done there is."""
    out = Placement([int(xp.cuda.get_device_id())])
    for node in (*made.reads.values(), *made.peeks.values(), *made.writes, *(step.node for step in made.steps)):
        if not without_kernel(node):
            out.places[node] = 0
    return out


def device_of(state: Mapping[Any, Any], variables: Sequence[Any], feeds: Sequence[Any]) -> Any:
    """The module of the arrays that a run reads, where it is not numpy; else None.

    Raises TypeError where arrays of two such modules meet.
    """
    xp = xp_of([*[state.get(variable) for variable in variables], *feeds])
    return None if xp is numpy else xp


__all__ = ["OnDevice", "PieceEmission", "PlacedEmission", "device_of", "targets"]
