"""Where each step and each variable of a run is: as the user has asked, else near what it reads, else by list scheduling.

The rules, the first that holds:

1. What exists in one process only (Python functions, datasets and where they stand) is in the session's own process, and
   so is printing, if it is not asked to be elsewhere.
2. What changes a variable is where the variable is.
3. ``tf.device`` is followed. A job without a task is its task 0, a task without a job one of the first job's.
4. Where the graph names tasks, whatever else there is stands with what it reads, most bytes first; what reads nothing, with
   what reads it; variables are on the first task.
5. Where it names none, the whole run is placed by HEFT (``graphs.placing``), by what its nodes are estimated to cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

from graphs.core.node import Value
from static.devices import DeviceSpec
from static.distributed.connection import Task
from static.distributed.programs import exportable
from static.distributed.worker import HOME
from static.errors import InvalidArgumentError
from static.schedule import Schedule, Step, changed_by
from static.state import read_op


LOCAL = "/job:localhost/replica:0/task:0/device:CPU:0"
"""The session's own process."""

SHOWN = frozenset(["print", "print_v2", "theano_print"])
"""Ops whose effect the user sees: in the session's process, where nobody asks for another."""

OVERHEAD = 2e-3
"""Seconds that another worker costs a run, about: what spreading a run has to win back."""


class Placed(NamedTuple):
    """Where a node is: what ``tf.device`` asked for, the actual device, and why."""

    name: str
    asked: str
    actual: str
    why: str


@dataclass(slots=True)
class Placing:
    """Where things are in one run.

    Attributes:
        steps: the place of each step; ``homes`` of each variable.
        notes: what is to be said of each, by name; ``kept`` has the names of variables that were there already.
        weight: the seconds that a run is estimated to take, where it was placed by that; else 0.
    """

    steps: list[int] = field(default_factory=list)
    homes: dict[Any, int] = field(default_factory=dict)
    notes: dict[str, Placed] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    weight: float = 0.0


def asked_of(node: Any) -> str:
    """The device that was asked for, of a node or of the latest of those that it stands for that has one."""
    for each in reversed(getattr(node, "origins", (node,))):
        if getattr(each, "device", ""):
            return str(each.device)
    return ""


def names_task(device: str) -> bool:
    """Whether a device's name says in which process."""
    return bool(device) and ("/job:" in device or "/task:" in device)


class Placer:
    """Places runs on the tasks of a cluster.

    Args:
        tasks: what there is.
        soft: whether a task that there is not is as good as none.
        way: ``auto``, or ``first``: whatever nobody has asked for is on the first task.

    Attributes:
        seconds: what nodes have been measured to take, by name (``static.placing.place_by``); others are estimated.
    """

    def __init__(self, tasks: Sequence[Task], soft: bool, way: str) -> None:
        self.tasks = tasks
        self.soft = soft
        self.way = way
        self._numbers = {(task.job, task.index): i for i, task in enumerate(tasks)}
        self._found: dict[str, int | None] = {}
        self.seconds: Mapping[str, float] = {}

    def device(self, place: int) -> str:
        """The whole name of a place's device."""
        return LOCAL if place == HOME else self.tasks[place].device

    def wish(self, node: Any) -> int | None:
        """The place that is asked for, None where none is. Raises InvalidArgumentError for one that there is not."""
        device = asked_of(node)
        if not names_task(device):
            return None
        if device not in self._found:
            self._found[device] = self._look_up(device, node)
        return self._found[device]

    def _look_up(self, device: str, node: Any) -> int | None:
        spec = DeviceSpec.from_string(device)
        if spec.job == "localhost":
            return HOME
        found = self._numbers.get((spec.job or self.tasks[0].job, spec.task or 0))
        if found is None and not self.soft:
            there = ", ".join(task.name for task in self.tasks)
            raise InvalidArgumentError(
                getattr(node, "origins", (node,))[-1],
                f"Cannot assign a device for operation {node.name}: it asks for {device}, and the tasks of this cluster are "
                f"{there}, and /job:localhost (allow_soft_placement=True places it elsewhere)",
            )
        return found

    def place(self, program: Any, made: Schedule, kept: Mapping[Any, int], named: bool, shapes: Any = None) -> Placing:
        """Where the steps of ``made`` are, and the variables. ``kept`` has variables that are somewhere already."""
        return _Work(self, program, made, kept, named or self.way == "first", shapes).result


class _Work:
    """The placement of one run. Units are steps and variables that cannot be apart."""

    def __init__(
        self, placer: Placer, program: Any, made: Schedule, kept: Mapping[Any, int], named: bool, shapes: Any
    ) -> None:
        self.placer, self.program, self.made, self.kept, self.shapes = placer, program, made, kept, shapes
        self.result = Placing()
        self.variables = list(dict.fromkeys([*made.reads.values(), *made.peeks.values(), *made.writes]))
        count = len(made.steps)
        self.number = {variable: count + i for i, variable in enumerate(self.variables)}
        self.things: list[Any] = [*made.steps, *self.variables]
        self.unit = list(range(len(self.things)))
        self.places: dict[int, tuple[int, str]] = {}
        self.makers = {register: at for at, step in enumerate(made.steps) for register in step.outs}
        for register, variable in (*made.reads.items(), *made.peeks.items()):
            self.makers[register] = self.number[variable]
        self._unite()
        self._decide()
        if self._left():
            if named or len(placer.tasks) == 1:
                self._follow()
            else:
                self._schedule()
        self._tell()

    # What cannot be apart

    def of(self, number: int) -> int:
        unit = self.unit
        while unit[number] != number:
            unit[number] = unit[unit[number]]
            number = unit[number]
        return number

    def join(self, one: int, other: int) -> None:
        a, b = sorted((self.of(one), self.of(other)))
        self.unit[b] = a

    def _unite(self) -> None:
        """Updates stand with their variables, and what takes a loop's records with the loop."""
        for at, step in enumerate(self.made.steps):
            for variable in changed_by(step.node):
                if variable in self.number:
                    self.join(at, self.number[variable])
            for register in step.args:
                maker = self.makers.get(register)
                if maker is not None and self._boxed(maker, register, step):
                    self.join(at, maker)

    def _boxed(self, maker: int, register: str, reader: Step) -> bool:
        """Whether a register holds Python objects, or what a loop has kept, and nobody asks for its reader elsewhere."""
        thing = self.things[maker]
        if not isinstance(thing, Step):
            return bool(thing.params.get("optional"))
        if thing.node.outputs[thing.outs.index(register)].spec.dtype.kind != "O":
            return False
        if "control" in thing.node.op.traits:
            return self.placer.wish(reader.node) is None or self.placer.wish(thing.node) is None
        return bool(thing.node.writes)

    # What is asked for

    def _decide(self) -> None:
        forced: dict[int, tuple[int, str]] = {}
        wished: dict[int, tuple[int, str]] = {}
        held: dict[int, tuple[int, str]] = {}
        for at, thing in enumerate(self.things):
            unit = self.of(at)
            if isinstance(thing, Step):
                reason = exportable(thing)
                wish = self.placer.wish(thing.node)
                if reason:
                    forced.setdefault(unit, (HOME, f"in the session's process: {reason}"))
                elif wish is not None:
                    wished.setdefault(unit, (wish, "asked for"))
                elif thing.node.op.name in SHOWN:
                    wished.setdefault(unit, (HOME, "its effect is to be seen"))
            elif thing.params.get("optional"):
                forced.setdefault(unit, (HOME, "it holds what exists in this process only"))
            else:
                wish = self.placer.wish(thing)
                if thing in self.kept:
                    held[unit] = (self.kept[thing], "asked for" if wish is not None else f"with variable {thing.name}")
                elif wish is not None:
                    held[unit] = (wish, "asked for")
        self.places = {**wished, **held, **forced}

    def _left(self) -> bool:
        return any(self.of(at) not in self.places for at in range(len(self.things)))

    # What follows

    def _follow(self) -> None:
        """Steps go where most of what they read is; what reads nothing, where its first reader is."""
        steps = self.made.steps
        for variable, at in self.number.items():
            self.places.setdefault(self.of(at), (0, f"variable {variable.name} is on the first task"))
        for variable, (register, _) in self.made.writes.items():
            maker = self.makers.get(register)
            if maker is not None:
                home = self.places[self.of(self.number[variable])][0]
                self.places.setdefault(self.of(maker), (home, f"with variable {variable.name}, whose value it makes"))
        for at, step in enumerate(steps):
            unit = self.of(at)
            if unit not in self.places:
                self._with_inputs(unit, step)
        readers: dict[int, int] = {}
        for at, step in enumerate(steps):
            for register in step.args:
                maker = self.makers.get(register)
                if maker is not None:
                    readers.setdefault(self.of(maker), self.of(at))
        for variable, (register, _) in self.made.writes.items():
            maker = self.makers.get(register)
            if maker is not None:
                readers.setdefault(self.of(maker), self.of(self.number[variable]))
        for at in range(len(steps) - 1, -1, -1):
            unit = self.of(at)
            if unit not in self.places:
                reader = readers.get(unit)
                place = self.places.get(reader, (0, ""))[0] if reader is not None else 0
                self.places[unit] = (place, "with what reads it" if reader is not None else "on the first task")

    def _with_inputs(self, unit: int, step: Step) -> None:
        sizes: dict[int, float] = {}
        for register, x in zip(step.args, step.node.inputs, strict=False):
            maker = self.makers.get(register)
            found = None if maker is None else self.places.get(self.of(maker))
            if found is not None and isinstance(x, Value):
                size = x.spec.size
                sizes[found[0]] = sizes.get(found[0], 0.0) + (1.0 if size is None else float(size) + 1e-9)
        if sizes:
            self.places[unit] = (max(sizes, key=lambda place: (sizes[place], -place)), "with what it reads")

    # What is scheduled

    def _schedule(self) -> None:
        """List scheduling over the program's task graph; what is in the session's process is none of its business."""
        placing = import_module("graphs.placing")
        graph = placing.task_graph(self.program, self.shapes, self.placer.seconds, placing.Rates())
        self._lend(graph)
        names = [task.name for task in self.placer.tasks]
        cluster = placing.Cluster.uniform(names, placing.Link(latency=5e-4, bandwidth=1e9))
        serial = {thing.node.serial if isinstance(thing, Step) else thing.serial: at for at, thing in enumerate(self.things)}
        fixed: dict[int, str] = {}
        groups: dict[int, list[int]] = {}
        for key in list(graph):
            at = serial.get(key)
            found = None if at is None else self.places.get(self.of(at))
            if found is not None and found[0] == HOME:
                graph.remove_node(key)
            elif found is not None:
                fixed[key] = names[found[0]]
            if at is not None and key in graph:
                groups.setdefault(self.of(at), []).append(key)
        together = [[key for key in group if key in graph] for group in graph.graph["together"]]
        together = [group for group in (*together, *groups.values()) if len(group) > 1]
        found = placing.heft(graph, cluster, fixed, together, overhead=OVERHEAD)
        self.result.weight = sum(data for _, data in graph.nodes(data="seconds"))
        for key, worker in found.assignment.items():
            at = serial.get(key)
            if at is not None:
                why = f"{found.method}: {found.reason if found.method == 'one worker' else found.why[key]}"
                self.places.setdefault(self.of(at), (names.index(worker), why))
        for at in range(len(self.things)):
            self.places.setdefault(self.of(at), (0, "on the first task"))

    def _lend(self, graph: Any) -> None:
        """A variable that may be anywhere is with its first reader: as a node without cost it would come first, and stay."""
        free = {variable: at for variable, at in self.number.items() if self.of(at) not in self.places}
        registers = {**self.made.reads, **self.made.peeks}
        lent: set[Any] = set()
        for at, step in enumerate(self.made.steps):
            for variable in (registers.get(register) for register in step.args):
                if variable in free and variable not in lent and self.of(at) not in self.places:
                    lent.add(variable)
                    self.join(at, free[variable])
        for key, node in list(graph.nodes(data="node")):
            plain = node.op is read_op and not node.after
            if node in lent or (plain and isinstance(node.inputs[0], Value) and node.inputs[0].node in lent):
                graph.remove_node(key)

    def _tell(self) -> None:
        made, device = self.result, self.placer.device
        for at, thing in enumerate(self.things):
            place, why = self.places[self.of(at)]
            if isinstance(thing, Step):
                made.steps.append(place)
                node: Any = thing.node
            else:
                made.homes[thing] = place
                node = thing
                if thing in self.kept:
                    made.kept.add(thing.name)
            wish = self.placer.wish(node)
            if wish is not None and wish != place and why == "asked for":
                why = "with what cannot be apart from it"
            for each in {node.name: node} | {x.name: x for x in getattr(node, "origins", ())}:
                made.notes[each] = Placed(each, asked_of(node), device(place), why)


__all__ = ["LOCAL", "Placed", "Placer", "Placing", "names_task"]
