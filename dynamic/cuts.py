"""Why a gradient is None, or zero: ``why_none``, from the tape, or by running a function once more and looking on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from inspect import getattr_static
from typing import Any

import numpy

from dynamic.apply import Carried
from dynamic.autograd.engine import _bare
from dynamic.history import Recorder
from dynamic.tape import Record, leaf, recording
from dynamic.tensor import Tensor
from dynamic.watching import reads
from graphs.core.arrays import is_array
from graphs.core.errors import GradientError, at_line, user_line
from graphs.core.node import ancestors
from graphs.core.op import Op


def why_none(loss: Any, w: Any) -> Any:
    """Why the gradient of ``loss`` with respect to ``w`` is None: the op, argument and line where it ends, and the remedy.

    Args:
        loss: a tensor, or a function that computes the loss from ``w`` and returns it.
        w: a tensor.

    The result has ``status`` (``"none"``, ``"zero"`` or ``"flows"``), ``cuts`` (each with kind, op, name, argument, reason,
    line and remedy), ``as_dict()``, and prints as text; it is true where the gradient is None. A gradient that is zero is
    explained as well, as long as the tape has what it kept.

    A tape has records of what leads to gradients only. So given a tensor, this knows whether the gradient flows, that a
    leaf requires none, and which arguments of records are ``w`` without its history. Given a function, it runs it once while
    every operation is followed, and knows the rest: ``detach()`` and ``.data``, ``no_grad()``, casts, steps and positions,
    ops without gradients, and what Python has read (``item()``, ``numpy()``) and made a tensor of again.
    """
    inspection = import_module("graphs.inspection.cuts")
    if not isinstance(w, Carried):
        raise TypeError(f"why_none asks of a tensor, and w is a {type(w).__name__}{at_line()}")
    follower = None
    if not isinstance(loss, Carried):
        if not callable(loss):
            raise TypeError(f"loss is a tensor, or a function that gives one, not a {type(loss).__name__}{at_line()}")
        follower = Follower(w)
        with follower.looking():
            loss = loss()
        if not isinstance(loss, Carried):
            raise TypeError(f"the function gives a {type(loss).__name__}, not the loss as a tensor{at_line()}")
    name = _named(w) if follower is None else follower.names.of(w)
    about = (_named(loss) or "the loss", name or f"a tensor of shape {tuple(w._array.shape)}")
    record, index = (None, 0) if w._edge is None else (w._edge.node, w._edge.index)
    if record is not None and loss._edge is not None and _reaches(loss._edge.node, record):
        return _flowing(inspection, about, loss, w, record, index)
    if w._array.dtype.kind not in "fc":
        reason = f"{about[1]} is {w._array.dtype}"
        return inspection.WhyNone("none", *about, (inspection.Cut("dtype", "", "", None, reason),))
    cuts = list(follower.cuts(inspection, loss, w)) if follower is not None else list(_on_tape(inspection, loss, w))
    note = "" if follower is not None else "A tape has no more to tell: why_none(lambda: ..., w) sees it computed."
    return inspection.WhyNone("none", *about, tuple(dict.fromkeys(cuts)), note)


def _named(tensor: Any) -> str:
    return getattr(tensor, "name", None) or ""


def _reaches(root: Record, target: Record) -> bool:
    found: set[Any] = set()
    for node in ancestors([root]):
        if node is target or any(
            edge is not None and edge.node in found and node.op.flows(i) for i, edge in enumerate(node.edges)
        ):
            found.add(node)
    return root in found


def _flowing(inspection: Any, about: Any, loss: Any, w: Any, record: Record, index: int) -> Any:
    flow = import_module("graphs.inspection.flowing").flow
    try:
        flowed = flow([(loss._edge, numpy.ones_like(loss._array))], {record}, _bare)
    except GradientError:
        return inspection.WhyNone("flows", *about, (), "The tape has been freed: its value cannot be looked at any more.")
    g = flowed.arrived.get(record, [None] * record.width)[index]
    if g is None:
        cuts = [_rule_gave_nothing(inspection, node) for node in flowed.arrived if node is not record]
        return inspection.WhyNone("none", *about, tuple(cuts[-1:]))
    if not numpy.any(g):
        return inspection.WhyNone("zero", *about, tuple(inspection.zeros(flowed, _bare)))
    note = f"Its norm is {float(numpy.linalg.norm(g.ravel())):.4g}."
    if w.grad is not None:
        return inspection.WhyNone("flows", *about, (), note)
    if record.op is not leaf and not w.retains_grad:
        reason = f"flows through it (norm {float(numpy.linalg.norm(g.ravel())):.4g}), and grad is kept for leaves only"
        cut = inspection.Cut("not kept", record.op.name, record.name, None, reason, str(record.where))
        return inspection.WhyNone("none", *about, (cut,))
    return inspection.WhyNone("flows", *about, (), f"{note} No backward call has filled grad so far.")


def _rule_gave_nothing(inspection: Any, node: Record) -> Any:
    return inspection.Cut("no rule", node.op.name, node.name, None, "sends nothing back", str(node.where))


def _on_tape(inspection: Any, loss: Any, w: Any) -> Iterator[Any]:
    """What the tape of ``loss`` tells of a tensor that it does not lead to."""
    if w._edge is None:
        yield inspection.Cut("leaf", "", "", None, "it does not require a gradient, and has no history")
    if loss._edge is None:
        yield inspection.Cut("no_grad", "", "", None, "the loss has no history: nothing in it requires a gradient")
        return
    records = ancestors([loss._edge.node])
    for record in records:
        where = str(record.where)
        for i, edge in enumerate(record.edges):
            saved = record.saved[i] if record.saved is not None else None
            if edge is None and is_array(saved) and (saved is w._array or numpy.may_share_memory(saved, w._array)):
                if w._edge is not None:
                    yield inspection.Cut(
                        "detach", record.op.name, record.name, i, "takes it without its history: detach() or .data", where
                    )
            elif edge is not None and w._edge is not None and not record.op.flows(i) and edge.node is w._edge.node:
                yield inspection.cut_of(record.op, i, record.specs[0].dtype, record.name, where)
    if w._edge is not None:
        yield inspection.Cut("unused", "", "", None, "the tape of the loss does not lead to it")


class _Seen:
    """What is known of an operation: which arguments had a history, which results have, whether recording was on."""

    __slots__ = ("args", "dtype", "enabled", "results", "serial")

    def __init__(self, args: list[bool], results: list[bool], enabled: bool, dtype: Any, serial: int) -> None:
        self.args, self.results, self.enabled, self.dtype, self.serial = args, results, enabled, dtype, serial


class Follower(Recorder):
    """Follows a function, and what becomes of gradients on the way."""

    def __init__(self, w: Any) -> None:
        super().__init__()
        self._w = w
        self._seen: dict[int, _Seen] = {}
        self._events: list[Any] = []  # kept, so that no other event gets the same id
        self._detached: list[tuple[Any, str, Any]] = []
        self._read: list[tuple[Any, Any, str, Any]] = []

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Follow what happens inside, and what Python reads."""
        with self.following(), reads(self):
            before = Tensor.detach, getattr_static(Tensor, "data")
            self.cell(self._w)
            told: list[Any] = [self._noted("detach()", before[0])]
            told.append(property(self._noted(".data", before[1].fget), before[1].fset))
            try:
                for name, method in zip(("detach", "data"), told, strict=True):
                    setattr(Tensor, name, method)
                yield
            finally:
                for name, method in zip(("detach", "data"), before, strict=True):
                    setattr(Tensor, name, method)

    def _noted(self, what: str, plain: Callable[..., Any]) -> Callable[..., Any]:
        def method(tensor: Any) -> Any:
            if tensor._edge is not None:
                self._detached.append((tensor._array, what, user_line(2)))
            return plain(tensor)

        return method

    def read(self, kind: str, tensor: Any, value: Any) -> None:
        """Python has read a tensor."""
        if kind in ("number", "array", "rounds", "branch"):
            words = {"number": "item()", "array": "numpy()", "rounds": "iteration", "branch": "a condition"}
            self._read.append((self.cell(tensor), numpy.array(tensor._array), words[kind], user_line(2)))

    def made(self, event: Any, result: tuple[Any, ...], args: tuple[Any, ...]) -> None:
        """Take note of who had a history."""
        had = [isinstance(x, Carried) and x._edge is not None for x in args]
        has = [tensor._edge is not None for tensor in result]
        self._events.append(event)
        self._seen[id(event)] = _Seen(had, has, recording.get(), result[0]._array.dtype, len(self._events))

    def cell(self, x: Any) -> Any:
        """The cell of an operand; one over memory of another is known to come from it."""
        array = x._array if isinstance(x, Carried) else x
        if isinstance(array, numpy.ndarray) and id(array) not in self._known:
            base: Any = array.base
            while isinstance(base, numpy.ndarray) and id(base) not in self._known:
                base = base.base
            if isinstance(base, numpy.ndarray):
                event = self._history.Event(_shared, (self.cell(base),), {}, "shared memory", user_line(2))
                self._events.append(event)
                self._seen[id(event)] = _Seen([False], [False], True, array.dtype, len(self._events))
                self._enter(array, event, 0)
        return super().cell(x)

    # Afterwards

    def cuts(self, inspection: Any, loss: Any, w: Any) -> Iterator[Any]:
        """Where the way back from ``loss`` to ``w`` ends, the places nearest to the loss first."""
        if w._edge is None:
            yield inspection.Cut("leaf", "", "", None, "it does not require a gradient, and has no history")
        end = self.cell(loss)
        before, behind = self._between(end, w)
        if before and loss._edge is None and self._has(end):
            yield self._detachment(inspection, None, None, end, "")
        for event in sorted(before, key=lambda event: -self._seen[id(event)].serial):
            seen = self._seen[id(event)]
            where = str(event.where or "")
            for i, cell in enumerate(event.operands):
                if not self._from(cell, w, behind):
                    continue
                had = w._edge is not None if cell.array is w._array else self._has(cell)
                if had and not seen.args[i]:
                    yield self._detachment(inspection, event, i, cell, where)
                elif seen.args[i] and not any(seen.results):
                    if not seen.enabled:
                        yield inspection.Cut("no_grad", event.op.name, event.name, i, "ran without being recorded", where)
                    else:
                        yield inspection.cut_of(event.op, i, seen.dtype, event.name, where, steps_are_flat=False)
                elif seen.args[i] and any(seen.results) and event.op.differentiable and not event.op.flows(i):
                    yield inspection.cut_of(event.op, i, seen.dtype, event.name, where)
        if not before and self.cell(loss).array is not w._array:
            yield from self._unconnected(inspection, loss, w)

    def _has(self, cell: Any) -> bool:
        seen = None if cell.maker is None else self._seen.get(id(cell.maker))
        return seen is not None and seen.results[cell.place]

    def _detachment(self, inspection: Any, event: Any, i: int | None, cell: Any, where: str) -> Any:
        op, name, takes = ("", "", "the loss is") if event is None else (event.op.name, event.name, "takes")
        for array, what, line in self._detached:
            if array is cell.array:
                return inspection.Cut("detach", op, name, i, f"{takes} what {what} gave", str(line or where))
        if event is None or event.op is _shared or any(read.array is cell.array for read, _, _, _ in self._read):
            for read, _, what, line in self._read:
                if read.array is cell.array:
                    return inspection.Cut("read", "", "", None, f"{what} gave an array, which has no history", str(line))
        return inspection.Cut("detach", op, name, i, f"{takes} it without its history", where)

    def _from(self, cell: Any, w: Any, behind: set[int]) -> bool:
        return cell.array is w._array or (cell.maker is not None and id(cell.maker) in behind)

    def _between(self, end: Any, w: Any) -> tuple[list[Any], set[int]]:
        """The events on ways from ``w`` to a cell."""
        before: dict[int, Any] = {}
        stack = [end]
        while stack:
            maker = stack.pop().maker
            if maker is not None and id(maker) not in before and id(maker) in self._seen:
                before[id(maker)] = maker
                stack.extend(maker.operands)
        behind: set[int] = set()
        for event in sorted(before.values(), key=lambda event: self._seen[id(event)].serial):
            if any(self._from(cell, w, behind) for cell in event.operands):
                behind.add(id(event))
        return [before[key] for key in before if key in behind], behind

    def _unconnected(self, inspection: Any, loss: Any, w: Any) -> Iterator[Any]:
        """Whether what the loss is made of has the values that Python has read of ``w``, or of what came of it."""
        used: dict[int, Any] = {}
        seen: set[int] = set()
        stack = [self.cell(loss)]
        while stack:
            cell = stack.pop()
            if cell.maker is None or id(cell.maker) not in self._seen:
                used[id(cell)] = cell
            elif id(cell.maker) not in seen:
                seen.add(id(cell.maker))
                stack.extend(cell.maker.operands)
        found = False
        for read, value, what, line in self._read:
            _, behind = self._between(read, w)
            if read.array is not w._array and not behind:
                continue
            if any(_equal(cell.array, value) for cell in used.values()):
                found = True
                reason = f"{what} has read it, or what came of it, and the loss is computed from a copy of that value"
                yield inspection.Cut("read", "", "", None, reason, str(line or ""))
        if not found:
            yield inspection.Cut("unused", "", "", None, "nothing that the loss is computed from comes from it")


def _equal(x: Any, y: Any) -> bool:
    return numpy.shape(x) == numpy.shape(y) and numpy.array_equal(x, y)


def _same_memory(xp: Any, x: Any) -> Any:
    """The same memory, which Python has handed on."""
    return x


_shared = Op(_same_memory, name="shared memory", shape=lambda x: x.dims, dtype=lambda x: x)
