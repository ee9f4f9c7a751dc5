"""A schedule as Python text: one function, with one line for each step."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numpy import ndarray

from graphs.codegen.lines import as_ufunc
from graphs.core.node import Value
from graphs.core.op import Op
from graphs.core.quoting import identifier, plain, remark
from graphs.core.spec import Spec
from static.graph import Operation
from static.layouts import ordered
from static.schedule import Schedule, Step
from static.state import assign_add_op, assign_sub_op


_PLAIN = (bool, int, str, type(None))
_MISSING = object()
_UPDATES: dict[Op, numpy.ufunc] = {assign_add_op: numpy.add, assign_sub_op: numpy.subtract}
"""What updates compute where no shape is to be checked."""


class Emission:
    """The text and what goes with it.

    Attributes:
        lines: the source.
        nodes: for a line number the step that runs there, or the variable that is read there.
        namespace: what the text refers to.
        name: that of the function.
    """

    name = "run"

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
            "dense": numpy.ascontiguousarray,
            "ordered": ordered,
            **schedule.constants,
        }
        self._kernels: dict[Callable[..., Any], str] = {}
        self._more = itertools.count(1)
        self._settings: dict[int, str] = {}
        self._literals: dict[Any, ndarray[Any, Any]] = {}
        self._main()

    def _line(self, text: str, source: Step | Operation | None = None) -> None:
        self.lines.append(f"    {remark(text)}")
        if source is not None:
            self.nodes[len(self.lines)] = source

    def _step(self, step: Step) -> None:
        targets = f"{', '.join(step.outs)} = " if step.outs else ""
        gone = self._deletable(step)
        dead = f"; del {', '.join(gone)}" if gone else ""
        about = ", ".join(map(str, step.node.specs))
        call = self._ufunc_call(step) or self._kernel_call(step)
        self._line(f"{targets}{call}{dead}  # {step.node.name} {about}", step)

    def _ufunc_call(self, step: Step) -> str | None:
        """The call where a kernel does nothing but call a ufunc: one call less, and constants that are arrays already."""
        node = step.node
        args: Sequence[Any] = node.inputs
        if node.op in _UPDATES and _of_one_shape(args):
            ufunc = _UPDATES[node.op]
        elif node.op.elementwise and step.kernel is node.op.kernel and (found := as_ufunc(node)):
            ufunc, args = found
        else:
            return None
        dtypes = {x.spec.dtype for x in args if isinstance(x, Value)}
        dtype = dtypes.pop() if len(dtypes) == 1 else None
        name = f"u_{ufunc.__name__}"
        self.namespace[name] = ufunc
        given = []
        for x in args:
            if isinstance(x, Value):
                given.append(step.args[next(i for i, y in enumerate(node.inputs) if y is x)])
            elif dtype is not None and dtype.kind == "f" and type(x) in (int, float):
                given.append(self._setting(self._literals.setdefault((repr(x), dtype), numpy.asarray(x, dtype))))
            else:
                given.append(repr(x) if plain(x) else self._setting(x))
        return f"{name}({', '.join(given)})"

    def _kernel_call(self, step: Step) -> str:
        usual = step.node.op.attributes if step.kernel is step.node.op.kernel else {}
        params = {name: value for name, value in step.params.items() if not _same(value, usual.get(name, _MISSING))}
        given = [*step.args, *(f"{name}={self._setting(value)}" for name, value in params.items())]
        if step.draws:
            own = self._setting(step.node.params.get("key"))
            given.append(f"key=draw({own}, {step.node.serial})" if "random" in step.node.op.traits else "key=draw")
        return f"{self._kernel(step)}({', '.join(['xp', *given])})"

    def _kernel(self, step: Step) -> str:
        name = self._kernels.get(step.kernel)
        if name is None:
            name = first = identifier("k", step.node.op.name)
            while name in self.namespace:
                name = f"{first}_{next(self._more)}"
            self._kernels[step.kernel] = name
            self.namespace[name] = step.kernel
        return name

    def _setting(self, value: Any) -> str:
        if all(map(_is_short, value)) if type(value) is tuple else _is_short(value):
            return repr(value)
        name = self._settings.get(id(value))
        if name is None:
            name = self._settings[id(value)] = f"p{len(self._settings)}"
            self.namespace[name] = value
        return name

    def _deletable(self, step: Step) -> list[str]:
        """The registers that a step is the last to need, and that can be let go."""
        return step.dead

    def _main(self) -> None:
        made = self.schedule
        self.lines.append("def run(state, feeds, draw, arena, own):")
        self._fed()
        self._reads()
        for step in made.steps:
            self._step(step)
        self._returned()

    def _fed(self) -> None:
        """What the run is given, in C's order."""
        feeds = self.schedule.feeds
        if feeds:
            self._line(f"{', '.join(feeds)}, = feeds")
        for register, spec in feeds.items():
            if spec.dims != ():
                self._line(f"{register} = {'ordered' if spec.dims is None else 'dense'}({register})")

    def _reads(self) -> None:
        """What the session holds."""
        for register, variable in self.schedule.reads.items():
            key = self._variable(variable)
            self._line(f"{register} = state[{key}]  # {variable.name} {variable.specs[0]}", variable)
        for register, variable in self.schedule.peeks.items():
            self._line(f"{register} = state.get({self._variable(variable)})  # {variable.name} {variable.specs[0]}")

    def _returned(self) -> None:
        """What is handed out, and what the session is to hold."""
        made = self.schedule
        held: set[str] = set()

        def first(register: str, own: bool) -> bool:
            """Whether it may hold the array itself: the next is given a copy."""
            mine = self._own(register, own) and register not in held
            held.add(register)
            return mine

        written = []
        for variable, (register, own) in made.writes.items():
            kept = self._whole(register) if first(register, own) else f"copy({register})"
            written.append(f"{self._variable(variable)}: {kept}")
        fetched = [_handed_out(r, first(r, own), spec) for (r, own), spec in zip(made.fetches, self.specs, strict=True)]
        self._line(f"return ({''.join(f'{x}, ' for x in fetched)}), {{{', '.join(written)}}}")

    def _whole(self, register: str) -> str:
        """A result as a variable holds it: an array in C's order, or rows."""
        return register if self.schedule.rows else f"ordered({register})"

    def _own(self, register: str, own: bool) -> bool:
        """Whether nothing else holds the array of a register."""
        return own

    def _variable(self, variable: Operation) -> str:
        name = f"s{variable.serial}"
        self.namespace[name] = variable
        return name


def _of_one_shape(values: Sequence[Any]) -> bool:
    """Whether the values are known to have the same shape, so that no kernel need check it."""
    specs = [x.spec for x in values if isinstance(x, Value)]
    return len(specs) == len(values) and all(spec.known and spec.dims == specs[0].dims for spec in specs)


def _same(value: Any, usual: Any) -> bool:
    return type(value) is type(usual) and type(value) in _PLAIN and value == usual


def _is_short(value: Any) -> bool:
    """Whether a setting reads best where it is used; floats have many digits."""
    return type(value) is not float and plain(value)


def _handed_out(register: str, own: bool, spec: Spec) -> str:
    if spec.dims == ():
        return f"scalar({register})"
    if spec.dims is None:
        return f"unranked({register}, {own})"
    return register if own else f"copy({register})"


def _copy(value: Any) -> Any:
    return numpy.array(value, order="C")


def _scalar(value: Any) -> Any:
    return value[()] if type(value) is ndarray else numpy.asarray(value)[()]


def _unranked(value: Any, own: bool) -> Any:
    if numpy.ndim(value) == 0:
        return _scalar(value)
    return value if own else numpy.array(value)


def handed_out(value: Any, own: bool, spec: Spec) -> Any:
    """A fetched value as the caller gets it: a scalar where it has no dimensions, a copy where somebody else holds it."""
    return _unranked(value, own or spec.dims == ())
