"""What a program computes while somebody looks on, value by value: what ``first_nan`` and ``why_none`` stand on.

Values are known by their arrays, which aliases (``detach()``, ``.data``) share. Nothing is kept longer than the program
keeps what came of it, and what an optimiser has changed begins anew.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy

from dynamic import apply as applying, tape
from dynamic.apply import Carried, settled
from dynamic.inplace import assign_view
from dynamic.nn.modules.hooks import register_module_forward_pre_hook
from dynamic.tape import Record, leaf
from graphs.codegen.fused import fused
from graphs.core.arrays import is_array
from graphs.core.errors import GraphsError, at_line, user_line
from graphs.core.op import Ghost, Op
from graphs.updates import Rule


_FLOATS = {numpy.dtype(numpy.float32), numpy.dtype(numpy.float64)}


class LookingError(GraphsError, RuntimeError):
    """Two that look on at once, where one has to see all that happens."""


class Names:
    """The names that parameters have in the outermost modules that were called while it was listening."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[Any, str]] = {}
        self._modules: dict[int, Any] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take note of modules that are called inside."""
        handle = register_module_forward_pre_hook(self._called)
        try:
            yield
        finally:
            handle.remove()

    def _called(self, module: Any, args: Any) -> None:
        known = self._modules.get(id(module))
        if known is not None and known() is module:
            return
        self._modules.update((id(inner), weakref.ref(inner)) for inner in module.modules())
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            self._names.setdefault(id(tensor), (weakref.ref(tensor), name))

    def of(self, tensor: Any) -> str:
        """A tensor's own name, or the one that it has in a module; empty where it has none."""
        own = getattr(tensor, "name", None)
        if own:
            return str(own)
        ref, name = self._names.get(id(tensor), (None, ""))
        return name if ref is not None and ref() is tensor else ""


class _Known:
    """What is known of an array: the event that made it, and the cells that show it as it is now."""

    __slots__ = ("cells", "event", "kind", "name", "place", "ref", "where")

    def __init__(self, ref: Any, event: Any, place: int) -> None:
        self.ref = ref
        self.event = event
        self.place = place
        self.kind = "value"
        self.name = ""
        self.where: Any = None
        self.cells: list[Any] = []


class _Ref(weakref.ref[Any]):
    """A reference to an array that knows under which key it is found."""

    __slots__ = ("key",)
    key: int


def _forgetting(table: dict[int, _Known]) -> Callable[[Any], None]:
    """What takes an array that is gone out of a table, unless another has its place by then."""

    def gone(ref: Any) -> None:
        known = table.get(ref.key)
        if known is not None and known.ref is ref:
            del table[ref.key]

    return gone


class Recorder:
    """Follows every operation, change in place and optimiser's step of one thread."""

    def __init__(self) -> None:
        self._history = import_module("graphs.inspection.history")
        self._known: dict[int, _Known] = {}
        self._gone = _forgetting(self._known)
        self._passes = 0
        self.names = Names()
        self._record: Record | None = None
        self._thread = threading.get_ident()
        self._inner: Any = None
        self._backward = False

    # What others do with it

    def made(self, event: Any, result: tuple[Any, ...], args: tuple[Any, ...]) -> None:
        """Told of each operation when it has run."""

    def stepped(self, cells: list[Any]) -> None:
        """Told of what an optimiser's kernel has written."""

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow what happens inside."""
        if tape.followed is not None or tape.told is not None:
            raise LookingError(f"somebody looks on here already: a trace, a comparison, or another of these{at_line()}")
        self._inner, watched = applying.around, tape.watched
        kernel = Rule.kernel
        applying.around, tape.watched, tape.apart, tape.told, tape.followed = self._call, True, True, self._told, self
        tape.begun = self._began
        Rule.kernel = self._kernel(kernel)  # type: ignore[method-assign]
        try:
            with self.names.listening():
                yield
        finally:
            Rule.kernel = kernel  # type: ignore[method-assign]
            applying.around, tape.watched, tape.apart, tape.told, tape.followed = self._inner, watched, False, None, None
            tape.begun = None

    # Operations

    def _plainly(self, op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
        if self._inner is not None:
            return self._inner(op, args, params)
        return applying.apply(op, args, params, plainly=True)

    def _call(self, op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return self._plainly(op, args, params)
        if _mixed(args):
            args = settled(op, args, params)
        cells = tuple([self.cell(x) for x in args])
        result = self._plainly(op, args, params)
        results = result if isinstance(result, tuple) else (result,)
        event = self._event(op, cells, params, results)
        for place, tensor in enumerate(results):
            if not any(tensor._array is cell.array for cell in cells):  # what hands on its operand has made nothing
                self._enter(tensor._array, event, place)
        self.made(event, results, args)
        return result

    def _event(self, op: Op, cells: tuple[Any, ...], params: Mapping[str, Any], results: tuple[Any, ...]) -> Any:
        record, phase, of = self._record, "forward", ""
        if self._backward and record is not None:
            return self._history.Event(
                op, cells, params, op.name, record.where, "backward", _called(record), None, self._passes
            )
        if self._backward:
            phase = "backward"
        else:
            phases = {cell.maker.phase for cell in cells if cell.maker is not None}
            if phases == {"backward"} and op.name in ("add", "clone"):
                phase = "backward"
            elif phases - {"forward"} and all(tensor._edge is None for tensor in results):
                phase = "update"
        return self._history.Event(op, cells, params, op.name, user_line(3), phase, of, None, self._passes)

    def cell(self, x: Any) -> Any:
        """The cell of an operand: a tensor, an array or a number."""
        carried = isinstance(x, Carried)
        array = x._array if carried else x
        if array.__class__ is not numpy.ndarray:
            if isinstance(array, Ghost):
                return self._history.Cell(numpy.broadcast_to(numpy.zeros((), array.dtype), array.shape), kind="shape")
            if not is_array(array) or isinstance(array, numpy.generic):
                return self._history.Cell(array, kind="constant")
        known = self._known.get(id(array))
        if known is None or known.ref() is not array:
            known = self._enter(array, None, 0)
            if carried:
                edge = x._edge
                known.kind = "parameter" if edge is not None and edge.node.op is leaf else "tensor"
        if carried:
            known.name = self.names.of(x) or known.name
        cell = self._history.Cell(array, known.event, known.place, known.kind, known.name, known.where)
        known.cells = [ref for ref in known.cells if ref() is not None] if len(known.cells) > 16 else known.cells
        known.cells.append(weakref.ref(cell))
        return cell

    def _enter(self, array: Any, event: Any, place: int) -> _Known:
        ref = _Ref(array, self._gone)
        ref.key = id(array)
        known = self._known[ref.key] = _Known(ref, event, place)
        return known

    # Changes in place

    def _before(self, array: Any) -> None:
        """Let those who have read an array keep the values that it has now."""
        known = self._known.get(id(array))
        cells = [] if known is None else [cell for ref in known.cells if (cell := ref()) is not None]
        if cells:
            copy = numpy.array(array)
            for cell in cells:
                cell.array = copy
        if known is not None:
            known.cells = []

    def changed(self, tensor: Any, value: Any) -> None:
        """Take note that a tensor's memory is about to have the values of another."""
        if threading.get_ident() != self._thread:
            return
        root, chain = tensor._source or (tensor, ())
        made = self.cell(value)
        before = self.cell(root) if chain else None
        views = [view for ref in root._views or () if (view := ref()) is not None]
        for each in {id(x): x for x in (root, tensor, *views)}.values():
            self._before(each._array)
            if each is not root:
                self._known.pop(id(each._array), None)
        edge = root._edge
        parameter = edge is not None and edge.node.op is leaf
        if before is not None:
            event = self._event(assign_view, (before, made), {"chain": chain}, (tensor,))
            known = self._enter(root._array, event, 0)
        else:
            known = self._enter(root._array, made.maker, made.place)
            known.kind, known.name, known.where = made.kind, made.name, made.where
        if parameter:
            known.event, known.kind = None, "parameter"

    def _kernel(self, kernel_of: Callable[..., Any]) -> Callable[..., Any]:
        """``Rule.kernel``, its kernels followed: they write into parameters and slots."""
        recorder = self

        def of(rule: Rule, dtype: Any) -> Callable[..., Any]:
            kernel = kernel_of(rule, dtype)

            def run(inputs: Any, outs: Any = None) -> Any:
                if threading.get_ident() != recorder._thread:
                    return kernel(inputs, outs)
                return recorder._step(rule, dtype, kernel, inputs, outs)

            return run

        return of

    def _step(self, rule: Rule, dtype: Any, kernel: Any, inputs: Any, outs: Any) -> Any:
        cells = []
        for x, (name, kind) in zip(inputs, _operands(rule), strict=True):
            cell = self.cell(x)
            if cell.maker is None:
                cell.kind, cell.name = kind, cell.name or name
            cells.append(cell)
        for array in outs or ():
            self._before(array)
        result = kernel(inputs, outs)
        params = {"body": rule.function(dtype), "label": rule.name}
        event = self._history.Event(fused, tuple(cells), params, rule.name, user_line(3), "update")
        event.of, event.time = f"{cells[0].name} by {rule.name}", self._passes
        written = [self._history.Cell(array, event, place) for place, array in enumerate(outs or result)]
        self.stepped(written)
        return result

    # Backward passes

    def _began(self, roots: Any, wrt: Any) -> None:
        self._backward, self._record = True, None
        self._passes += 1

    def _told(self, record: Record | None) -> None:
        self._record = record
        self._backward = record is not None


def _mixed(args: tuple[Any, ...]) -> bool:
    """Whether operands may be cast: tensors of several dtypes, or of none that Python's numbers and arrays are cast to."""
    dtype = None
    for x in args:
        if isinstance(x, Carried):
            own = x._array.dtype
            if own is not dtype:
                if dtype is not None or own not in _FLOATS:
                    return True
                dtype = own
        elif isinstance(x, (numpy.ndarray, numpy.generic, complex)):
            return True
    return False


@functools.cache
def _operands(rule: Rule) -> list[tuple[str, str]]:
    """The names and kinds of what a rule's kernel takes."""
    slots, rates = ((name, "slot") for name in rule.slots), ((name, "setting") for name in rule.rate_names)
    return [("parameter", "parameter"), ("gradient", "gradient"), *slots, *rates]


def _called(record: Record) -> str:
    owner = record.owner() if record.owner is not None else None
    return getattr(owner, "name", None) or record.op.name
