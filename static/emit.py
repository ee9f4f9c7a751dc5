"""A schedule as Python text: one line for each step, in one function, or in several where there are many steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from numpy import ndarray

from graphs.core.spec import Spec
from static.graph import Operation
from static.schedule import Schedule, Step


_PART = 1000
"""Steps in one function. The compiler takes 12 µs a line in functions of this length and more in longer ones."""

_PLAIN = (bool, int, str, type(None))


class Emission:
    """The text and what goes with it.

    Attributes:
        lines: the source.
        nodes: for a line number the step that runs there, or the variable that is read there.
        namespace: what the text refers to.
        homes: the place in ``m``, the memory that the functions share, of each register that has one.
    """

    def __init__(self, schedule: Schedule, specs: list[Spec]) -> None:
        self.schedule = schedule
        self.specs = specs
        self.lines: list[str] = []
        self.nodes: dict[int, Step | Operation] = {}
        self.namespace: dict[str, Any] = {
            "__builtins__": {},
            "xp": numpy,
            "copy": _copy,
            "scalar": _scalar,
            "unranked": _unranked,
            "array": numpy.asarray,
            **schedule.constants,
        }
        self.homes: dict[str, int] = {}
        self._kernels: dict[Callable[..., Any], str] = {}
        self._settings: dict[int, str] = {}
        steps = schedule.steps
        self._parts = [steps[start : start + _PART] for start in range(0, len(steps), _PART)] or [[]]
        self._dying = self._last_uses()
        if len(self._parts) > 1:
            self._settle()
            for number, part in enumerate(self._parts):
                self.lines.append(f"def part{number}(m):")
                for step in part:
                    self._step(step)
        self._main()

    def _last_uses(self) -> dict[int, list[str]]:
        """For each step, by its place, the results that nothing needs after it."""
        kept = {register for register, _ in (*self.schedule.fetches, *self.schedule.writes.values())}
        last: dict[str, int] = {}
        for place, step in enumerate(self.schedule.steps):
            for register in (*step.outs, *step.args):
                if register[0] == "t":
                    last[register] = place
        dying: dict[int, list[str]] = {}
        for register, place in last.items():
            if register not in kept:
                dying.setdefault(id(self.schedule.steps[place]), []).append(register)
        return dying

    def _settle(self) -> None:
        """Give a home to every register that is used outside the function that makes it."""
        made: dict[str, int] = {}
        settled: set[str] = set()
        for number, part in enumerate(self._parts):
            for step in part:
                settled.update(r for r in step.args if r[0] in "fvot" and made.get(r) != number)
                settled.update([step.key] if step.key else ())
                made.update(dict.fromkeys(step.outs, number))
        settled.update(r for r, _ in (*self.schedule.fetches, *self.schedule.writes.values()) if r in made)
        ordered = sorted(settled, key=lambda r: (r[0], int(r[1:])))
        self.homes = {register: place for place, register in enumerate(ordered)}

    def _at(self, register: str) -> str:
        place = self.homes.get(register)
        return register if place is None else f"m[{place}]"

    def _line(self, text: str, source: Step | Operation | None = None) -> None:
        self.lines.append(f"    {text}")
        if source is not None:
            self.nodes[len(self.lines)] = source

    def _step(self, step: Step) -> None:
        at = self._at
        given = [*map(at, step.args), *(f"{name}={self._setting(value)}" for name, value in step.params.items())]
        if step.key is not None:
            given.append(f"key={at(step.key)}")
        targets = f"{', '.join(map(at, step.outs))} = " if step.outs else ""
        dead = self._dying.get(id(step), ())
        tail = "".join(f"; {at(r)} = None" if r in self.homes else f"; del {r}" for r in dead)
        about = ", ".join(map(str, step.node.specs))
        self._line(f"{targets}{self._kernel(step)}({', '.join(['xp', *given])}){tail}  # {step.node.name} {about}", step)

    def _kernel(self, step: Step) -> str:
        name = self._kernels.get(step.kernel)
        if name is None:
            plain = step.node.op.name if step.node.op.name.isidentifier() and step.node.op.name.isascii() else "kernel"
            name = f"k_{plain}" if f"k_{plain}" not in self.namespace else f"k_{plain}_{len(self._kernels)}"
            self._kernels[step.kernel] = name
            self.namespace[name] = step.kernel
        return name

    def _setting(self, value: Any) -> str:
        if type(value) in _PLAIN or (type(value) is tuple and all(type(item) in _PLAIN for item in value)):
            return repr(value)
        name = self._settings.get(id(value))
        if name is None:
            name = self._settings[id(value)] = f"p{len(self._settings)}"
            self.namespace[name] = value
        return name

    def _main(self) -> None:
        made, at = self.schedule, self._at
        self.lines.append("def run(state, feeds, keys):")
        if self.homes:
            self._line(f"m = [None] * {len(self.homes)}")
        for registers, source in ((made.feeds, "feeds"), (list(made.keys), "keys")):
            if registers:
                self._line(f"{', '.join(map(at, registers))}, = {source}")
        for register, variable in made.reads.items():
            self.namespace[f"s{variable.serial}"] = variable
            self._line(f"{at(register)} = state[s{variable.serial}]  # {variable.name} {variable.specs[0]}", variable)
        for register, variable in made.peeks.items():
            self.namespace[f"s{variable.serial}"] = variable
            self._line(f"{at(register)} = state.get(s{variable.serial})  # {variable.name} {variable.specs[0]}")
        if len(self._parts) > 1:
            for number in range(len(self._parts)):
                self._line(f"part{number}(m)")
        else:
            for step in self._parts[0]:
                self._step(step)
        fetched = [self._handed_out(r, own, spec) for (r, own), spec in zip(made.fetches, self.specs, strict=True)]
        written = []
        for variable, (register, own) in made.writes.items():
            self.namespace[f"s{variable.serial}"] = variable
            keep = (at(register) if variable.specs[0].dims else f"array({at(register)})") if own else f"copy({at(register)})"
            written.append(f"s{variable.serial}: {keep}")
        self._line(f"return ({''.join(f'{x}, ' for x in fetched)}), {{{', '.join(written)}}}")

    def _handed_out(self, register: str, own: bool, spec: Spec) -> str:
        at = self._at(register)
        if spec.dims == ():
            return f"scalar({at})"
        if spec.dims is None:
            return f"unranked({at}, {own})"
        return at if own else f"copy({at})"


def _copy(value: Any) -> Any:
    return numpy.array(value)


def _scalar(value: Any) -> Any:
    return value[()] if type(value) is ndarray else numpy.asarray(value)[()]


def _unranked(value: Any, own: bool) -> Any:
    if numpy.ndim(value) == 0:
        return _scalar(value)
    return value if own else numpy.array(value)


def handed_out(value: Any, own: bool, spec: Spec) -> Any:
    """A fetched value as the caller gets it: a scalar where it has no dimensions, a copy where somebody else holds it."""
    return _unranked(value, own or spec.dims == ())
