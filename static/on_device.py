"""Runs of which GPUs do a part: pieces of a plan by device, what crosses between them, and pieces replayed as CUDA graphs.

Variables stay where they live from run to run. What is fed, fetched, or made on one device and read on another crosses
through pinned memory (``graphs.codegen.links``), and nothing else does. From its second run on a piece is one captured
graph (``graphs.codegen.resident``), which at its end changes in place the variables that the run changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy
from numpy import ndarray

from graphs.codegen.launch import launchable
from graphs.codegen.links import Link, Traffic
from graphs.codegen.resident import Resident
from graphs.control.program import Draw
from graphs.core.arrays import to_numpy, xp_of
from graphs.core.spec import Spec
from static.emit import Emission
from static.graph import Operation
from static.layouts import ordered
from static.pieces import Piece, divide
from static.placed_text import PieceEmission, PlacedEmission
from static.placement import HOST, Placement, without_kernel
from static.schedule import Schedule, Step


Run = Callable[..., Any]


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
        self._known: dict[Operation, Any] = {}
        numbers = self.placement.numbers
        used = self.placement.used
        self._links = {place: Link(xp, numbers[place]) for place in used}
        there = [piece for piece in self.division.pieces if piece.place != HOST]
        self.inplace = tuple(variable for piece in there for variable, _ in piece.commits)
        variables = dict.fromkeys([*made.reads.values(), *made.peeks.values(), *self.inplace])
        self._wanted = [(variable, self.placement.of(variable)) for variable in variables]
        emitted = PlacedEmission(made, specs, self.division, self._home)
        self.parts = [self._part(f"part{at}", piece, made, compiled) for at, piece in enumerate(there)]
        for part, piece in zip(self.parts, there, strict=True):
            part.stable = emitted.stable(piece)
            part.downs = {
                piece.gives.index(move.register): slot
                for slot, move in enumerate(self.division.moves)
                if move.target == HOST and move.register in piece.gives
            }
        emitted.namespace.update({f"part{at}": part for at, part in enumerate(self.parts)})
        for place, link in self._links.items():
            emitted.namespace[f"cpu_to_gpu{place}"] = link.up
            emitted.namespace[f"gpu{place}_to_cpu"] = link.down
            for other in used:
                emitted.namespace[f"gpu{place}_to_gpu{other}"] = self._between(other)
        emitted.namespace.update(dense=_dense, ordered=_ordered)
        emitted.namespace.update(finish=self._finish, pending=self._hold, copied=self.xp.array)
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
                before = self._streams.get(place, stream)
                if before != stream:  # what the last run has left on another comes first
                    stream.wait_event(before.record())
                self._streams[place] = stream
            out: tuple[tuple[Any, ...], Mapping[Any, Any]] = self._function(state, feeds, draw, None, own)
            return out

    def homed(self, state: Mapping[Operation, Any]) -> dict[Operation, Any]:
        """New arrays for the variables that are not where they live."""
        moved: dict[Operation, Any] = {}
        known = self._known
        if all([state.get(variable) is known.get(variable) for variable, _ in self._wanted]):  # noqa: C419 (faster)
            return moved
        for variable, place in self._wanted:
            value = state.get(variable)
            if value is None or value is known.get(variable):
                continue
            if place == HOST:
                if isinstance(value, self.xp.ndarray):
                    moved[variable] = value.get()
            elif not isinstance(value, self.xp.ndarray) or value.data.device_id != self.placement.numbers[place]:
                with self.xp.cuda.Device(self.placement.numbers[place]):
                    moved[variable] = self.xp.array(value)
        self._known.update({variable: moved.get(variable, state.get(variable)) for variable, _ in self._wanted})
        return moved

    def _between(self, other: int) -> Callable[[int, Any], Any]:
        def cross(_slot: int, value: Any) -> Any:
            with self.xp.cuda.Device(self.placement.numbers[other]):
                self.traffic.crossed(value)
                return self.xp.array(value)

        return cross

    def forget(self) -> None:
        """Let go of all graphs, once the GPUs are through with them; later runs capture anew."""
        with self._lock:
            for part in self.parts:
                part.forget()

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


__all__ = ["OnDevice", "device_of"]
