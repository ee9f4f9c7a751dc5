"""A run's steps cut into parts: what is to run where, and a ``send`` and a ``receive`` where a value crosses.

The passes and the order are those of the whole run, made before the cut, so that parts compute what one process would, to
the last bit. A value crosses once to each part that reads it, however many steps there do. Each part keeps the order of the
whole run, sends stand right behind what they send, and nobody waits for a send: so there is no circle of waiting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphs.control import bodies
from graphs.core.node import Node, Value, new_parameter
from graphs.core.spec import Spec
from static.distributed.crossing import receive_op, send_op
from static.distributed.programs import Share
from static.rows import changed_rows
from static.schedule import Schedule, Step, bury
from static.state import report_uninitialized_op


@dataclass(frozen=True, slots=True)
class Edge:
    """A value that crosses.

    Attributes:
        number: its number in the run; messages are told apart by it.
        source, target: the places.
        register: what crosses; "" for a mere order.
        name: the node that makes it, or the variable; ``reader``: the first node that waits for it, or variable.
        spec: what is known of it.
        kind: ``value``, ``flag`` (whether a variable has a value) or ``control``.
    """

    number: int
    source: int
    target: int
    register: str
    name: str
    reader: str
    spec: Spec | None
    kind: str


@dataclass(slots=True)
class Partition:
    """A run in parts.

    Attributes:
        shares: what each part does, by place.
        edges: what crosses.
        given: fetched values that no part has to make: their positions, and the register of a feed or constant.
        draws: how many draws a run makes, None where only a run knows.
    """

    shares: dict[int, Share] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    given: list[tuple[int, str]] = field(default_factory=list)
    draws: int | None = 0


def partition(
    made: Schedule,
    specs: Sequence[Spec],
    places: Sequence[int],
    homes: Mapping[Any, int],
    nodes: Sequence[Any] = (),
    reuse: bool = False,
) -> Partition:
    """``made`` in parts.

    Args:
        made: the whole run.
        specs: of what it fetches.
        places: where each of its steps runs.
        homes: where each variable is.
        nodes: the program's nodes in order, whose control dependencies hold between parts, too.
        reuse: whether plans of the parts may be compiled.
    """
    return _Cut(made, specs, places, homes, nodes, reuse).result


class _Cut:
    def __init__(
        self,
        made: Schedule,
        specs: Sequence[Spec],
        places: Sequence[int],
        homes: Mapping[Any, int],
        nodes: Sequence[Any],
        reuse: bool,
    ) -> None:
        self.made, self.specs, self.homes, self.reuse = made, specs, homes, reuse
        self.result = Partition()
        self.places = list(places)
        self.makers: dict[str, tuple[int, int, Any, Spec | None]] = {}
        self.edges: dict[tuple[str, int, str], Edge] = {}
        self.sends: dict[int, list[Edge]] = {}
        self.receives: dict[int, list[Edge]] = {}
        self.last: list[Edge] = []
        self._number_draws()
        self._find_makers()
        self._orders(nodes)
        for at, step in enumerate(made.steps):
            for register in step.args:
                self._need(register, self.places[at], at, step)
        for variable, (register, _) in made.writes.items():
            self._need(register, homes[variable], len(made.steps), variable)
        self._steps()
        self._ends()

    # What there is

    def share(self, place: int) -> Share:
        return self.result.shares.setdefault(place, Share(place, reuse=self.reuse))

    def _number_draws(self) -> None:
        """Draws without keys of their own are numbered as in the whole run; behind a loop of them they stay together."""
        count, running, place = 0, None, 0
        numbers: dict[int, int] = {}
        for at, step in enumerate(self.made.steps):
            if not step.draws:
                continue
            single = "random" in step.node.op.traits
            if single and step.node.params.get("key") is not None:
                continue
            if not single and not any(_keyless(body) for body in bodies(step.node)):
                continue
            if running is None and not single:
                running, place = count, self.places[at]
            if running is not None:
                self.places[at] = place
            else:
                numbers[at] = count
                count += 1
        self._numbers, self._running = numbers, running
        self.result.draws = count if running is None else None

    def _find_makers(self) -> None:
        for register, variable in (*self.made.reads.items(), *self.made.peeks.items()):
            self.makers[register] = (self.homes[variable], -1, variable, variable.specs[0])
        for at, step in enumerate(self.made.steps):
            for index, register in enumerate(step.outs):
                self.makers[register] = (self.places[at], at, step.node, step.node.outputs[index].spec)

    # What crosses

    def _need(self, register: str, place: int, at: int, reader: Any) -> None:
        """Let ``register`` be there at ``place`` before step ``at`` (the number of steps: at the end)."""
        maker = self.makers.get(register)
        if maker is None or maker[0] == place:
            return
        source, made_at, node, spec = maker
        kind = "flag" if _asks_whether(register, reader) else "value"
        if (register, place, kind) in self.edges:
            return
        name = reader.node.name if isinstance(reader, Step) else reader.name
        known = spec if kind == "value" else None
        edge = Edge(len(self.result.edges), source, place, register, node.name, name, known, kind)
        self._enter(edge, made_at, at)

    def _enter(self, edge: Edge, made_at: int, at: int) -> None:
        self.result.edges.append(edge)
        self.edges[edge.register or f"after {made_at}", edge.target, edge.kind] = edge
        self.sends.setdefault(made_at, []).append(edge)
        self.receives.setdefault(at, []).append(edge)

    def _orders(self, nodes: Sequence[Any]) -> None:
        """Control dependencies between steps of different parts, through whatever nodes that are no steps."""
        if not any(node.after for node in nodes):
            return
        at = {step.node: i for i, step in enumerate(self.made.steps)}
        behind: dict[Any, dict[int, int]] = {}
        known: dict[tuple[int, int], int] = {}
        for node in nodes:
            place = at.get(node)
            found: dict[int, int] = {}
            waits: dict[int, int] = {}
            for other in node.after:
                for source, last in behind.get(other, {}).items():
                    waits[source] = max(waits.get(source, -1), last)
            if place is not None:
                mine = self.places[place]
                for source, last in sorted(waits.items()):
                    if source != mine and last < place and known.get((source, mine), -1) < last:
                        self._order(source, mine, last, place)
                        known[source, mine] = last
                found[mine] = place
            else:
                for x in node.edges:
                    if x is not None:
                        for source, last in behind.get(x.node, {}).items():
                            found[source] = max(found.get(source, -1), last)
                for source, last in waits.items():
                    found[source] = max(found.get(source, -1), last)
            behind[node] = found

    def _order(self, source: int, target: int, last: int, at: int) -> None:
        steps = self.made.steps
        number = len(self.result.edges)
        self._enter(Edge(number, source, target, "", steps[last].node.name, steps[at].node.name, None, "control"), last, at)

    # The parts

    def _steps(self) -> None:
        for edge in self.sends.get(-1, ()):
            self._send(edge)
        for at, step in enumerate(self.made.steps):
            place = self.places[at]
            for edge in self.receives.get(at, ()):
                self._receive(edge)
            share = self.share(place)
            args = tuple([self._local(register, place, step) for register in step.args])
            self._copy_step(share, step, args, at)
            for edge in self.sends.get(at, ()):
                self._send(edge)

    def _copy_step(self, share: Share, step: Step, args: tuple[str, ...], at: int) -> None:
        made = share.schedule
        made.steps.append(Step(step.node, step.kernel, args, step.params, step.outs, step.draws))
        made.random = made.random or step.draws
        made.rows = made.rows or step.kernel is changed_rows
        if at in self._numbers:
            share.ordinals[step.node.serial] = self._numbers[at]
        if self._running is not None:
            share.running = self._running

    def _local(self, register: str, place: int, reader: Any = None) -> str:
        """What a register is called at ``place``, where it is entered among what that part is given."""
        maker = self.makers.get(register)
        made = self.share(place).schedule
        if maker is None:
            if register in self.made.feeds:
                return self._fed(register, place)
            made.constants[register] = self.made.constants[register]
            return register
        if maker[0] != place:
            return _arrived(register, _asks_whether(register, reader))
        if register in self.made.reads:
            made.reads[register] = self.made.reads[register]
        elif register in self.made.peeks:
            made.peeks[register] = self.made.peeks[register]
        return register

    def _fed(self, register: str, place: int) -> str:
        share = self.share(place)
        if register not in share.schedule.feeds:
            share.schedule.feeds[register] = self.made.feeds[register]
            share.feeds.append(list(self.made.feeds).index(register))
        return register

    def _send(self, edge: Edge) -> None:
        params = {"edge": edge.number, "place": edge.target, "flag": edge.kind == "flag", "control": edge.kind == "control"}
        args: tuple[str, ...] = ()
        inputs: tuple[Any, ...] = ()
        if edge.kind != "control":
            args = (self._local(edge.register, edge.source),)
            inputs = (new_parameter(self.makers[edge.register][3] or Spec(None, None)),)
        node: Any = Node(send_op, inputs, params, (), f"{edge.name}/send_to_{edge.target}", value=Value)
        self.share(edge.source).schedule.steps.append(Step(node, send_op.kernel, args, params, ()))

    def _receive(self, edge: Edge) -> None:
        control = edge.kind == "control"
        params: dict[str, Any] = {"edge": edge.number, "place": edge.source, "spec": edge.spec, "control": control}
        specs: tuple[Spec, ...] = () if control else (self.makers[edge.register][3] or Spec(None, None),)
        node: Any = Node(receive_op, (), params, specs, f"{edge.name}/receive_from_{edge.source}", value=Value)
        outs = () if control else (_arrived(edge.register, edge.kind == "flag"),)
        self.share(edge.target).schedule.steps.append(Step(node, receive_op.kernel, (), params, outs))

    def _ends(self) -> None:
        """What the parts leave in variables and hand to the caller."""
        made = self.made
        for edge in self.receives.get(len(made.steps), ()):
            self._receive(edge)
        for variable, (register, own) in made.writes.items():
            home = self.homes[variable]
            self.share(home).schedule.writes[variable] = (self._local(register, home), own)
        for position, ((register, own), spec) in enumerate(zip(made.fetches, self.specs, strict=True)):
            maker = self.makers.get(register)
            if maker is None:
                self.result.given.append((position, register))
                continue
            share = self.share(maker[0])
            share.schedule.fetches.append((self._local(register, maker[0]), own))
            share.specs.append(spec)
            share.fetches.append(position)
        for share in self.result.shares.values():
            bury(share.schedule)


def _arrived(register: str, flag: bool) -> str:
    """What a register is called in a part that receives it: the letter ``t`` lets it go after its last use."""
    return register if register[0] == "t" else f"t_{register}{'_set' if flag else ''}"


def _asks_whether(register: str, reader: Any) -> bool:
    """Whether ``reader`` only asks if a variable has a value: then the value need not cross."""
    return register[0] == "o" and isinstance(reader, Step) and reader.node.op is report_uninitialized_op


def _keyless(body: Any) -> bool:
    """Whether a body draws without keys of its own, at any depth."""
    stack = [body]
    while stack:
        for node in stack.pop().nodes:
            if "random" in node.op.traits and node.params.get("key") is None:
                return True
            if "control" in node.op.traits:
                stack += bodies(node)
    return False


__all__ = ["Edge", "Partition", "partition"]
