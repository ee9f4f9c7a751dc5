"""What ran in a thread, written down: which op, on which values, what it gave; and all of it run again with other values."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy

from dynamic import listening
from dynamic.apply import Carried
from dynamic.nn.modules.module import Module
from dynamic.tape import user_frame
from graphs.autodiff import backprop
from graphs.core.arrays import is_array, xp_of
from graphs.core.errors import Where, own, user_line
from graphs.core.op import Ghost, Op
from graphs.core.spec import Spec
from graphs.inspection.moments import Change, Emit, Moment, StepError
from graphs.updates import Rule


_DECISIONS = {"branch": "took a branch by", "number": "made a Python number of", "rounds": "went round by"}


class Cell:
    """A value as it was: what an operation gave, or what came from outside."""

    __slots__ = ("array", "digest", "edited", "index", "label", "live", "moment")

    def __init__(self, array: Any, moment: Moment | None, index: int, label: str) -> None:
        self.moment, self.index, self.label, self.edited = moment, index, label, False
        self.live = weakref.ref(array)
        self.array: Any = None
        self.put(array)

    def put(self, array: Any) -> None:
        """Hold a copy of ``array``."""
        self.array = numpy.array(array)
        self.digest = digest(array)


Again = Callable[[list[Any]], Sequence[Any]]
"""Runs an operation again on other operands."""


class Step:
    """How a moment's values are had again."""

    __slots__ = ("again", "cells", "operands")

    def __init__(self, operands: tuple[Any, ...], cells: tuple[Cell, ...], again: Again) -> None:
        self.operands, self.cells, self.again = operands, cells, again


class Recorder(listening.Listener):
    """Writes down what runs in one thread, and has it run again with other values."""

    settles = True

    def __init__(self, emit: Emit, budget: int) -> None:
        self._emit, self._budget = emit, budget
        self.thread = threading.get_ident()
        self._known: dict[int, Cell] = {}
        self._steps: dict[Moment, Step] = {}
        self._sources: dict[str, list[tuple[int, Cell]]] = {}
        self._last: Moment | None = None
        self._counts: dict[Any, int] = {}
        self._named: dict[str, int] = {}
        self._kept: tuple[deque[Cell], deque[Cell]] = (deque(), deque())
        self._bytes = [0, 0]
        self._gone = 0
        self._reads: list[tuple[Cell, str, Where | None]] = []
        self._frame: Any = None
        self._turn: Any = None

    # What happens

    def ran(self, op: Op, args: tuple[Any, ...], params: Mapping[str, Any], result: Any) -> None:
        """Write an operation down, and tell of it."""
        if threading.get_ident() != self.thread:
            return
        operands = tuple([self.cell(x) for x in args])

        def again(values: list[Any]) -> Sequence[Any]:
            out = op.kernel(xp_of(values), *values, **params)
            return out if isinstance(out, tuple) else (out,)

        arrays = [x._array for x in (result if isinstance(result, tuple) else (result,))]
        self._enter(op.name, operands, arrays, again)

    def sharing(self, array: Any) -> list[tuple[Any, Cell]]:
        """Arrays that are known and overlap with ``array``, which is about to change; each with its cell."""
        found = []
        for key, cell in list(self._known.items()):
            other = cell.live()
            if other is None:
                del self._known[key]
            elif other is not array and numpy.may_share_memory(other, array) and cell.digest == digest(other):
                found.append((other, cell))
        return found

    def became(self, tensor: Any, operand: Cell, others: Sequence[tuple[Any, Cell]]) -> None:
        """Write down that a tensor has changed in place, and with it ``others``, which share its memory."""
        array = tensor._array
        changed = [(other, cell) for other, cell in others if cell.digest != digest(other)]
        places = [_places(array, other) for other, _ in changed]

        def again(values: list[Any]) -> Sequence[Any]:
            new = numpy.array(numpy.broadcast_to(values[0], array.shape), array.dtype)
            flat = new.reshape(-1)
            return (new, *(numpy.where(at < 0, old, flat[at]) for old, at in zip(values[1:], places, strict=True)))

        arrays = [array, *(other for other, _ in changed)]
        self._enter("assign", (operand, *(cell for _, cell in changed)), arrays, again, note=self._name_of(array))

    def updated(self, rule: Rule, operands: tuple[Cell, ...], outs: Sequence[Any], kernel: Callable[..., Any]) -> None:
        """Write down an optimiser's step for one parameter."""
        count = len(outs)

        def again(values: list[Any]) -> Sequence[Any]:
            made = kernel([numpy.array(x) for x in values], None)
            return list(made)[:count]

        self._enter(rule.name, operands, outs, again, kind="update")

    def read(self, kind: str, tensor: Any, value: Any) -> None:
        """Python reads a value."""
        cell = self._known.get(id(tensor._array))
        if kind in _DECISIONS and cell is not None and threading.get_ident() == self.thread:
            self._reads.append((cell, _DECISIONS[kind], user_line(2)))

    def _enter(
        self, op: str, operands: tuple[Any, ...], arrays: Sequence[Any], again: Any, kind: str = "", note: str = ""
    ) -> None:
        frame = self._frame = user_frame(sys._getframe(2))
        where = None if own(frame.f_code.co_filename) else Where(frame.f_code, frame.f_lasti)
        scope = listening.path()
        back, turn = _backward(sys._getframe(2))
        if back is not None:
            kind, note = "backward", f"gradient of {back.op.name} at {_place(back.where)}"
        count = self._named[op] = self._named.get(op, -1) + 1
        name = f"{op}_{count}" if count else op
        line = listening.place(frame.f_code, frame.f_lasti)
        site = (op, scope, line, kind, note)
        if back is None:
            step = self._counts[site] = self._counts.get(site, -1) + 1
        else:
            step = self._passes(line, turn)
        labels = tuple(
            [x.label if isinstance(x, Cell) else f"{Spec.of(x)}" if isinstance(x, Ghost) else f"{x}" for x in operands]
        )
        specs = tuple([Spec.of(x) for x in arrays])
        depth = (scope.count(".") + 1 if scope else 0) + (kind == "backward")
        moment = Moment(self, name, op, specs, where, labels, (), step, scope, kind or "forward", depth, note)
        cells = []
        for i, array in enumerate(arrays):
            cell = Cell(array, moment, i, f"{name}:{i}" if i else name)
            self._known[id(array)] = cell
            cells.append(cell)
        self._steps[moment] = Step(operands, tuple(cells), again)
        self._keep(*cells)
        self._last = moment
        self._emit(moment)

    def _passes(self, line: Any, turn: Any) -> int:
        """How many backward passes a line had made before this one."""
        if self._turn is not turn:
            self._turn = turn
            self._counts[line] = self._counts.get(line, -1) + 1
        return self._counts[line]

    def cell(self, x: Any) -> Any:
        """The cell of an operand, one from outside where nothing that was seen has made it; numbers as they are."""
        array = x._array if isinstance(x, Carried) else x
        if not is_array(array):
            return x
        known = self._known.get(id(array))
        if known is not None and known.live() is array and known.digest == digest(array):
            return known
        label = self._name_of(array) or (known.label if known is not None and known.live() is array else "")
        if not label:
            count = self._named["tensor"] = self._named.get("tensor", -1) + 1
            label = f"tensor_{count}" if count else "tensor"
        cell = self._known[id(array)] = Cell(array, None, 0, label)
        self._sources.setdefault(label, []).append((self._last.number if self._last is not None else 0, cell))
        self._keep(cell, outside=True)
        return cell

    def _keep(self, *cells: Cell, outside: bool = False) -> None:
        """Count what is kept, and let go of the oldest where half the budget is spent; the other half is for the others."""
        kept = self._kept[outside]
        kept += cells
        self._bytes[outside] += sum(cell.array.nbytes for cell in cells)
        while 2 * self._bytes[outside] > self._budget and len(kept) > len(cells):
            oldest = kept.popleft()
            if not oldest.edited and oldest.array is not None:
                self._bytes[outside] -= oldest.array.nbytes
                oldest.array = None
                self._gone += 1

    def _name_of(self, array: Any) -> str:
        """What the program calls a tensor: its own name, a variable's, or its place in a module that a variable holds."""
        frame = user_frame(sys._getframe(2))
        modules: list[tuple[str, Module]] = []
        while frame is not None:
            if not own(frame.f_code.co_filename):
                for name, value in [*frame.f_locals.items(), *frame.f_globals.items()]:
                    if isinstance(value, Carried) and value._array is array:
                        return str(getattr(value, "name", None) or name)
                    if isinstance(value, Carried) and value.grad is not None and value.grad._array is array:
                        return f"{getattr(value, 'name', None) or name}.grad"
                    if isinstance(value, Module) and name != "self":
                        modules.append((name, value))
            frame = frame.f_back
        for name, module in modules:
            for below, parameter in module.named_parameters():
                if parameter._array is array:
                    return f"{name}.{below}"
                if parameter.grad is not None and parameter.grad._array is array:
                    return f"{name}.{below}.grad"
        return ""

    # What a stepper asks

    def values(self, moment: Moment) -> tuple[Any, ...]:
        """What an operation gave, as it was."""
        return tuple([self._get(cell) for cell in self._steps[moment].cells])

    def sources(self, at: int) -> dict[str, Any]:
        """What came from outside and was read before operation ``at``, or else first after it; as it was."""
        found = {label: self._source(label, at).array for label in self._sources}
        return {label: array for label, array in found.items() if array is not None}

    def _source(self, label: str, at: int) -> Cell:
        cells = self._sources[label]
        return next((cell for since, cell in reversed(cells) if since < at), cells[0][1])

    def names(self) -> dict[str, Any]:
        """The program's variables where it stands; tensors as arrays."""
        if self._frame is None:
            return {}
        found = {**self._frame.f_globals, **self._frame.f_locals}
        return {name: x._array if isinstance(x, Carried) else x for name, x in found.items()}

    def memory(self) -> tuple[int, int]:
        """The bytes of the values that are kept, and how many were let go."""
        return sum(self._bytes), self._gone

    def _get(self, cell: Cell, new: Mapping[Cell, Any] = MappingProxyType({})) -> Any:
        """The value of a cell, or its new one; what was let go is computed again from those before, and not kept either."""
        found: dict[Cell, Any] = {}
        stack = [cell]
        while stack:
            each = stack[-1]
            if each in new or each in found or each.array is not None:
                found.setdefault(each, new.get(each, each.array))
                stack.pop()
                continue
            if each.moment is None:
                raise StepError(f"{each.label} was let go to save memory, and what was computed from it with it")
            step = self._steps[each.moment]
            missing = [x for x in step.operands if isinstance(x, Cell) and x not in found]
            if missing:
                stack += missing
                continue
            outs = self._again(step, [found[x] if isinstance(x, Cell) else x for x in step.operands])
            for own_cell, out in zip(step.cells, outs, strict=True):
                found[own_cell] = new.get(own_cell, out if own_cell.array is None else own_cell.array)
        return found[cell]

    def _again(self, step: Step, values: list[Any]) -> list[Any]:
        with numpy.errstate(all="ignore"):
            return [numpy.asarray(out) for out in step.again(values)]

    def change(self, target: Moment | str, index: int, value: Any, at: int) -> Change:
        """Let an output or a source be ``value``, in the program's memory too, and run again what depends on it."""
        cell = self._source(target, at) if isinstance(target, str) else self._steps[target].cells[index]
        new = {cell: value}
        changed = [] if isinstance(target, str) else [target]
        ran = kept = 0
        for moment, step in self._steps.items():
            if not isinstance(target, str) and moment.number <= target.number:
                continue
            if new.keys().isdisjoint(x for x in step.operands if isinstance(x, Cell)):
                kept += 1
                continue
            outs = self._again(step, [self._get(x, new) if isinstance(x, Cell) else x for x in step.operands])
            ran += 1
            for each, out in zip(step.cells, outs, strict=True):
                if out.shape != moment.specs[each.index].shape:
                    raise StepError(f"{moment.name} would now be {Spec.of(out)}: Python has to run again for that")
                if not each.edited and each is not cell and each.digest != digest(out):
                    new[each] = out
                    changed.append(moment)
        cell.edited = True
        notes = self._put(new)
        for moment in changed:
            moment.changed = True
        notes += [f"Python {how} {x.label} at {where}: that stays as it was" for x, how, where in self._reads if x in new]
        return Change([*self._steps], ran, kept, tuple(dict.fromkeys(notes)))

    def _put(self, new: Mapping[Cell, Any]) -> list[str]:
        """Give cells new values, and the program's arrays as well, where these still are what the cells say; what is not."""
        notes, writing = [], []
        for cell, value in new.items():
            array = cell.live()
            if array is not None and self._known.get(id(array)) is cell:
                if digest(array) != cell.digest:
                    notes.append(f"{cell.label} has been changed in place since: the program keeps that")
                elif array.flags.writeable:
                    writing.append((array, value))
        for array, value in writing:  # all were looked at before: they may share memory
            array[...] = value
        for cell, value in new.items():
            if cell.array is None:
                self._bytes[0] += value.nbytes
                self._kept[0].append(cell)
            cell.put(value)
        return notes


def _label(x: Any) -> str:
    """What an operand is called."""
    return x.label if isinstance(x, Cell) else f"{Spec.of(x)}" if isinstance(x, Ghost) else f"{x}"


def _place(where: Where) -> str:
    return f"{os.path.basename(where.file)}:{where.line}  {where.text}"


def _places(array: Any, other: Any) -> Any:
    """For each element of ``other`` where the same memory is in ``array``, counted in C's order; -1 where it is not."""
    mine, theirs = _addresses(array).reshape(-1), _addresses(other)
    order = numpy.argsort(mine)
    at = numpy.minimum(numpy.searchsorted(mine[order], theirs), mine.size - 1)
    return numpy.where(mine[order][at] == theirs, order[at], -1)


def _addresses(array: Any) -> Any:
    total = numpy.asarray(array.__array_interface__["data"][0])
    for size, stride in zip(array.shape, array.strides, strict=True):
        total = total[..., None] + numpy.arange(size) * stride
    return total


def digest(array: Any) -> int:
    """What tells whether an array has changed."""
    return hash((array.shape, array.dtype.str, array.tobytes()))


def _backward(frame: Any) -> tuple[Any, Any]:
    """The record whose gradient is being computed, if a backward pass is on, and what is that pass's own."""
    while frame is not None:
        if frame.f_code is backprop.__code__:
            return frame.f_locals.get("node"), frame.f_locals["queue"]
        frame = frame.f_back
    return None, None
