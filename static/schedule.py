"""From fetches and feeds to steps: what has to run, in which order, and what each step reads and yields.

Between finding the nodes and lowering them the passes have their turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphs.control import draws
from graphs.control.program import Draw
from graphs.core.node import Value
from graphs.core.quoting import plain
from graphs.core.spec import Spec
from graphs.rewrite import Choice
from graphs.rewrite.settle import settle
from static.errors import InvalidArgumentError
from static.operation import Operation
from static.passes import Outcome, Pass, optimise
from static.passes.specialise import specialise
from static.rows import changed_rows
from static.state import (
    assign_op,
    assigned_shape,
    constant_op,
    initialized_value_op,
    is_initialized_op,
    no_op_op,
    placeholder_op,
    read_op,
    report_uninitialized_op,
    scatter_update_op,
    variable_op,
)


PEEKING = (initialized_value_op, is_initialized_op, report_uninitialized_op)
"""Ops that ask after a variable that may have no value."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a kernel. ``args`` and ``outs`` are registers; nothing reads those in ``dead`` afterwards."""

    node: Operation
    kernel: Callable[..., Any]
    args: tuple[str, ...]
    params: Mapping[str, Any]
    outs: tuple[str, ...]
    draws: bool = False
    dead: list[str] = field(default_factory=list)

    @property
    def viewed(self) -> tuple[str, ...]:
        """The arguments that results may be views of, by the op's word: the first of a view, any of a branch or loop."""
        op = self.node.op
        return self.args[:1] if op.view else self.args if "control" in op.traits else ()

    def key(self, draw: Draw) -> Any:
        """What the kernel is given as its ``key``: the key of its draw, or what makes the keys inside its bodies."""
        return draw(self.node.params.get("key"), self.node.serial) if "random" in self.node.op.traits else draw


@dataclass(slots=True)
class Schedule:
    """The steps of a run and the registers around them.

    Registers are strings: ``f0`` holds what is fed, ``v0`` what a variable held when the run began (``o0``: or None), ``c0``
    a constant, ``t0`` a result.

    Attributes:
        steps: in the order they run.
        feeds: the register of each fed tensor, and what is known of it.
        reads: the variable behind each ``v`` register; ``peeks``: behind each ``o`` register.
        constants: the value of each ``c`` register, and of each Python scalar, which is written as it is.
        random: whether any step draws random numbers.
        fetches: the register of each fetched tensor, and whether nothing else holds its array.
        writes: for each variable that the run changes, the register of its last value, and whether nothing else holds it.
        rows: whether what is written to some variable is only the rows that change (``static.rows``).
    """

    steps: list[Step] = field(default_factory=list)
    feeds: dict[str, Spec] = field(default_factory=dict)
    reads: dict[str, Operation] = field(default_factory=dict)
    peeks: dict[str, Operation] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    random: bool = False
    fetches: list[tuple[str, bool]] = field(default_factory=list)
    writes: dict[Operation, tuple[str, bool]] = field(default_factory=dict)
    rows: bool = False


def needed(fetches: Iterable[Any], fed: Iterable[Value]) -> list[Operation]:
    """The nodes that ``fetches`` (tensors and operations) need when the tensors ``fed`` are given, in order of creation.

    It goes by edges, not nodes as ``ancestors`` does: of a node with several outputs one may be fed.
    """
    given = {(tensor.node, tensor.index) for tensor in fed}
    hidden = {tensor.node for tensor in fed}
    seen: set[Any] = {
        x.node if isinstance(x, Value) else x for x in fetches if not isinstance(x, Value) or (x.node, x.index) not in given
    }
    stack = list(seen)
    while stack:
        node = stack.pop()
        before = [x.node for x in node.edges if x is not None and (x.node, x.index) not in given]
        for other in (*before, *(x for x in node.after if x not in hidden)):
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return sorted(seen, key=lambda node: node.serial)


def optimised(
    fetches: Sequence[Any],
    fed: Sequence[Value],
    given: Sequence[Value],
    passes: Sequence[Pass],
    choice: Choice | None = None,
) -> Outcome:
    """What ``passes`` make of the nodes of a run, in which ``given`` stand for the tensors that are ``fed``.

    Raises InvalidArgumentError where a placeholder is not fed.
    """
    nodes = needed(fetches, fed)
    unfed = [node for node in nodes if node.op is placeholder_op]
    if unfed:
        spec = unfed[0].specs[0]
        raise InvalidArgumentError(
            unfed[0], f"You must feed a value for placeholder tensor '{unfed[0].name}:0', which is {spec}."
        )
    return optimise(nodes, fetches, fed, (settle, specialise(fed, given), *passes), choice)


def schedule(nodes: Sequence[Any], fetches: Sequence[Any], fed: Sequence[Value]) -> Schedule:
    """The schedule of a run of ``nodes``. Raises InvalidArgumentError where a variable that changes is fed."""
    lowering = _Lowering(nodes, fed)
    for node in nodes:
        lowering.lower(node)
    return lowering.finish(fetches)


class _Lowering:
    """The state of lowering one run's nodes."""

    def __init__(self, nodes: Sequence[Operation], fed: Sequence[Value]) -> None:
        self.made = Schedule()
        self.registers: dict[tuple[Any, int], str] = {}
        self.owned: set[str] = set()
        self.current: dict[Any, str] = {}
        self.behind = updates_behind(nodes)
        self.count = 0
        self.interned: dict[Any, str] = {}
        for tensor in fed:
            register = f"f{len(self.made.feeds)}"
            self.made.feeds[register] = tensor.spec
            self.registers[tensor.node, tensor.index] = register

    def lower(self, node: Operation) -> None:
        op = node.op
        if op is read_op:
            variable = node.inputs[0].node
            ordered = variable in self.current and bool(self.behind[node] & self.behind[variable, "updates"])
            self.name(node, self.current[variable] if ordered else self.snapshot(variable))
        elif op is constant_op:
            self.name(node, self.constant(node.params["value"]))
        elif op is assign_op:
            self.update(node, self.assigned(node))
        elif "update" in op.traits:
            self.update(node, self.step(node, tuple(map(self.operand, node.inputs)))[0])
        elif node.writes:
            outs = self.step(node, tuple(map(self.operand, node.inputs)))
            for variable, index in node.writes:
                self.write(node, variable, outs[index])
        elif op in PEEKING:
            args = [
                self.peek(x.node) if isinstance(x, Value) and x.node.op is variable_op else self.operand(x)
                for x in node.inputs
            ]
            self.step(node, tuple(args))
        elif op is not variable_op and op is not no_op_op and op is not placeholder_op:
            self.step(node, tuple(map(self.operand, node.inputs)))

    def step(self, node: Operation, args: tuple[str, ...], kernel: Any = None, params: Any = None) -> tuple[str, ...]:
        outs = tuple(self.fresh() for _ in node.specs)
        params = node.params if params is None else params
        random = draws(node)
        if random:
            self.made.random = True
            params = {name: value for name, value in params.items() if name != "key"}
        self.made.steps.append(Step(node, kernel or node.op.kernel, args, params, outs, random))
        if not node.op.view and "control" not in node.op.traits:
            self.owned.update(outs)
        for index, register in enumerate(outs):
            self.registers.setdefault((node, index), register)
        return outs

    def assigned(self, node: Operation) -> str:
        """The register of an assignment's value; a step checks its shape where that is not known while building."""
        target, value = node.inputs
        register = self.operand(value)
        dims = target.spec.dims
        if not node.params.get("validate_shape", True) or dims is None or value.spec.dims == dims:
            return register
        (checked,) = self.step(node, (register,), assigned_shape, {"dims": dims})
        self.owned.discard(checked)
        return checked

    def update(self, node: Operation, register: str) -> None:
        self.write(node, node.inputs[0].node, register)
        self.registers.setdefault((node, 0), register)

    def write(self, node: Operation, variable: Any, register: str) -> None:
        if self.registers.get((variable, 0), "")[:1] == "f":
            raise InvalidArgumentError(node, f"{node.name} cannot change variable {variable.name!r} in a run that feeds it")
        self.current[variable] = register

    def name(self, node: Operation, register: str) -> None:
        self.registers.setdefault((node, 0), register)

    def operand(self, x: Any) -> str:
        """The register of an argument; that of a variable itself holds what the steps before have made of it."""
        if not isinstance(x, Value):
            return self.constant(x)
        if x.node.op is variable_op:
            return self.current.get(x.node) or self.snapshot(x.node)
        return self.registers[x.node, x.index]

    def fresh(self) -> str:
        self.count += 1
        return f"t{self.count}"

    def snapshot(self, variable: Any) -> str:
        """The register of a variable's value when the run began."""
        register = self.registers.get((variable, 0))
        if register is None and variable.params.get("optional"):
            register = self.registers[variable, 0] = self.peek(variable)
        elif register is None:
            register = self.registers[variable, 0] = f"v{len(self.made.reads)}"
            self.made.reads[register] = variable
        return register

    def peek(self, variable: Any) -> str:
        """As ``snapshot``, but None where the variable has no value."""
        register = f"o{variable.serial}"
        self.made.peeks[register] = variable
        return register

    def constant(self, value: Any) -> str:
        """The register of a constant; scalars stand for themselves where Python can read back what it prints."""
        if type(value) in (bool, int, float) and plain(value):
            text = repr(value)
            self.made.constants[text] = value
            return text
        register = self.interned.get(id(value))
        if register is None:
            register = self.interned[id(value)] = f"c{len(self.interned)}"
            self.made.constants[register] = value
        return register

    def finish(self, fetches: Sequence[Any]) -> Schedule:
        made = self.made
        for variable, register in self.current.items():
            made.writes[variable] = (register, register in self.owned)
            self.owned.discard(register)
        for fetch in fetches:
            if isinstance(fetch, Value):
                register = self.snapshot(fetch.node) if fetch.node.op is variable_op else self.operand(fetch)
                made.fetches.append((register, register in self.owned))
                self.owned.discard(register)
        self.leave_rows()
        bury(made)
        return made

    def leave_rows(self) -> None:
        """Where rows of a variable are replaced and nothing in the run needs the new whole, write no more than the rows."""
        made = self.made
        places = [i for i, step in enumerate(made.steps) if step.node.op is scatter_update_op]
        if not places:
            return
        used = {register for step in made.steps for register in step.args} | {register for register, _ in made.fetches}
        last = {register for register, _ in made.writes.values()}
        held = {*made.reads, *made.peeks}  # and what may be a view of a variable, whose rows may change before it is read
        for step in made.steps:
            if not held.isdisjoint(step.viewed):
                held.update(step.outs)
        for i in places:
            step = made.steps[i]
            (out,) = step.outs
            table, *given = step.args
            alone = out in last and out not in used
            if alone and table in made.reads and step.node.specs[0].dims and held.isdisjoint(given):
                made.steps[i] = replace(step, kernel=changed_rows)
                made.rows = True


def bury(made: Schedule) -> None:
    """Note with each step which results nothing needs after it."""
    last: dict[str, Step] = {}
    for step in made.steps:
        for register in (*step.outs, *step.args):
            if register[0] == "t":
                last[register] = step
    for register, _ in (*made.fetches, *made.writes.values()):
        last.pop(register, None)
    for register, step in last.items():
        step.dead.append(register)


def changed_by(node: Any) -> list[Any]:
    """The variables that a node changes."""
    return [node.inputs[0].node] if "update" in node.op.traits else [variable for variable, _ in node.writes]


def updates_behind(nodes: Sequence[Operation]) -> dict[Any, int]:
    """For each node the updates it comes after, and for each variable (under ``(variable, "updates")``) its own, as bits."""
    behind: dict[Any, int] = {}
    changes = {node: changed for node in nodes if (changed := changed_by(node))}
    if not changes:
        return behind
    bits = {node: 1 << position for position, node in enumerate(changes)}
    for node, bit in bits.items():
        for variable in changes[node]:
            key = (variable, "updates")
            behind[key] = behind.get(key, 0) | bit
    for node in nodes:
        seen = bits.get(node, 0)
        for edge in node.edges:
            if edge is not None:
                seen |= behind.get(edge.node, 0)
        for before in node.after:
            seen |= behind.get(before, 0)
        behind[node] = seen
    return behind
