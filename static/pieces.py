"""A schedule cut up by device: what is done where, in which order, and which arrays cross in between."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphs.control import acts, bodies
from graphs.core.node import Value
from graphs.core.spec import Spec
from static.operation import Operation
from static.placement import HOST, READ_BY_HOST, SHAPES, Placement, place_name
from static.schedule import Schedule, Step
from static.state import is_initialized_op, report_uninitialized_op


@dataclass(frozen=True, slots=True)
class Move:
    """An array that crosses: ``register`` at ``source`` becomes ``out`` at ``target``."""

    register: str
    out: str
    source: int
    target: int
    spec: Spec
    name: str

    def __str__(self) -> str:
        return f"{self.name} {self.spec}: {place_name(self.source)} to {place_name(self.target)}"


@dataclass(slots=True)
class Piece:
    """Steps that are done at one place, one after the other.

    Attributes:
        place: where.
        steps: with registers as they are named there.
        captured: whether they can be part of a graph.
        takes: the registers of arrays that come from outside.
        gives: those that others read.
        commits: the variables that get their new values here, each with the register of that.
    """

    place: int
    steps: list[Step] = field(default_factory=list)
    captured: bool = True
    takes: list[str] = field(default_factory=list)
    gives: list[str] = field(default_factory=list)
    commits: list[tuple[Operation, str]] = field(default_factory=list)


@dataclass(slots=True)
class Division:
    """The pieces of a run and what crosses between them, in order.

    Attributes:
        items: the order.
        fetches: for each fetched tensor its register where it is handed out, and whether nothing else holds its array.
        writes: for each variable on the host that changes, the same.
    """

    items: list[Move | Piece]
    fetches: list[tuple[str, bool]]
    writes: dict[Operation, tuple[str, bool]]

    @property
    def moves(self) -> list[Move]:
        """What crosses."""
        return [item for item in self.items if isinstance(item, Move)]

    @property
    def pieces(self) -> list[Piece]:
        """The pieces."""
        return [item for item in self.items if isinstance(item, Piece)]


def divide(made: Schedule, placement: Placement, home: bool = True) -> Division:
    """The division of a schedule. With ``home`` what is fetched comes to the host, else it stays where it is."""
    return _Divider(made, placement, home).divided()


class _Divider:
    def __init__(self, made: Schedule, placement: Placement, home: bool) -> None:
        self.made = made
        self.placement = placement
        self.home = home
        self.items: list[Move | Piece] = []
        self.homes: dict[str, int] = dict.fromkeys(made.feeds, HOST)
        self.specs: dict[str, Spec] = dict(made.feeds)
        self.names: dict[str, str] = {register: f"feed {at}" for at, register in enumerate(made.feeds)}
        for register, variable in (*made.reads.items(), *made.peeks.items()):
            self._enter(register, placement.of(variable), variable, 0)
        for step in made.steps:
            for index, register in enumerate(step.outs):
                self._enter(register, placement.of(step.node), step.node, index)
        self.moved: dict[tuple[str, int], str] = {}
        self.kinds = [self._kind(step, uneven) for step, uneven in zip(made.steps, _uneven(made, placement), strict=True)]

    def _enter(self, register: str, place: int, node: Any, index: int) -> None:
        self.homes[register] = place
        self.specs[register] = node.specs[index]
        self.names[register] = f"{node.name}:{index}" if index else node.name

    def divided(self) -> Division:
        made = self.made
        written = {register for register, _ in made.writes.values()}
        fetched = []
        for register, _ in made.fetches:
            # A variable is fetched as the run found it: before anything on the device changes it in place.
            early = register in made.reads and self.home
            fetched.append(self._at(register, HOST) if early else register)
        for kind, group in self._groups():
            self._piece(kind, group)
        writes = {}
        for variable, (register, own) in made.writes.items():
            if self.placement.of(variable) == HOST:
                here = self._at(register, HOST)
                writes[variable] = (here, own and here == register)
        self._commit()
        fetches = []
        for register, (before, own) in zip(fetched, made.fetches, strict=True):
            here = self._at(before, HOST) if self.home and register == before else register
            fetches.append((here, own and here == before and before not in written))
        self._bury()
        return Division(self.items, fetches, writes)

    # The order

    def _groups(self) -> Iterator[tuple[tuple[int, bool], list[Step]]]:
        """The steps in an order in which few pieces do, each piece after what it needs; effects keep their order."""
        steps = self.made.steps
        kinds = self.kinds
        producers = {register: at for at, step in enumerate(steps) for register in step.outs}
        waiting = [0] * len(steps)
        readers: list[list[int]] = [[] for _ in steps]
        last: int | None = None
        for at, step in enumerate(steps):
            before = {producers[arg] for arg in step.args if arg in producers}
            if _in_order(step):
                if last is not None:
                    before.add(last)
                last = at
            waiting[at] = len(before)
            for each in before:
                readers[each].append(at)
        ready: dict[tuple[int, bool], list[int]] = {}
        for at, count in enumerate(waiting):
            if not count:
                heapq.heappush(ready.setdefault(kinds[at], []), at)
        # What the host can do from the start is done first: it is fed there.
        kind = (HOST, False)
        while any(ready.values()):
            if not ready.get(kind):
                kind = min((queue[0], each) for each, queue in ready.items() if queue)[1]
            group = []
            queue = ready[kind]
            while queue:
                at = heapq.heappop(queue)
                group.append(steps[at])
                for reader in readers[at]:
                    waiting[reader] -= 1
                    if not waiting[reader]:
                        heapq.heappush(ready.setdefault(kinds[reader], []), reader)
            yield kind, group

    def _kind(self, step: Step, uneven: bool) -> tuple[int, bool]:
        place = self.placement.of(step.node)
        return place, place != HOST and not uneven and not _reads_values(step, self.made)

    # Pieces

    def _piece(self, kind: tuple[int, bool], group: Sequence[Step]) -> None:
        place, captured = kind
        piece = Piece(place, captured=captured)
        inside = {register for step in group for register in step.outs}
        for step in group:
            by_host = _by_host(step)
            args = []
            for at, arg in enumerate(step.args):
                if arg in inside or (place == HOST and _looks_only(step)):
                    args.append(arg)
                elif arg in self.made.constants:
                    args.append(f"{arg}_cpu" if place != HOST and at in by_host and arg[0] == "c" else arg)
                else:
                    args.append(self._at(arg, HOST if at in by_host else place))
            piece.steps.append(replace(step, args=tuple(args), dead=[]))
        self.items.append(piece)
        taken = dict.fromkeys(arg for step in piece.steps for arg in step.args)
        piece.takes = [arg for arg in taken if arg not in inside and not self._constant(arg)]

    def _constant(self, arg: str) -> bool:
        return arg in self.made.constants or arg.removesuffix("_cpu") in self.made.constants

    def _at(self, register: str, place: int) -> str:
        """The register that holds ``register`` at ``place``, which a move makes where it has to."""
        home = self.homes.get(register)
        if home is None or home == place:
            return register
        found = self.moved.get((register, place))
        if found is None:
            found = self.moved[register, place] = f"{register}_{'cpu' if place == HOST else f'gpu{place}'}"
            self.items.append(Move(register, found, home, place, self.specs[register], self.names[register]))
        return found

    def _commit(self) -> None:
        """Have variables of a GPU changed by the last piece there, last of all."""
        there: dict[int, list[tuple[Operation, str]]] = {}
        for variable, (register, _) in self.made.writes.items():
            place = self.placement.of(variable)
            if place != HOST:
                there.setdefault(place, []).append((variable, register))
        for place, writes in there.items():
            last = self.items[-1] if self.items else None
            inside = {r for step in last.steps for r in step.outs} if isinstance(last, Piece) else set()
            ends = len(there) == 1 and isinstance(last, Piece) and last.place == place and last.captured
            commits = []
            for variable, register in writes:
                constant = self._constant(register)
                commits.append((variable, register if constant or register in inside else self._at(register, place)))
            if not ends or self.items[-1] is not last:
                last = Piece(place)
                self.items.append(last)
                inside = set()
            assert isinstance(last, Piece)
            last.commits = commits
            for _, register in commits:
                if register not in inside and register not in last.takes and not self._constant(register):
                    last.takes.append(register)

    def _bury(self) -> None:
        """Note what pieces give, and after which step of a piece nothing needs a register."""
        read = {register for item in self.items for register in ([item.register] if isinstance(item, Move) else item.takes)}
        read.update(register for register, _ in self.made.fetches)
        read.update(register for variable, (register, _) in self.made.writes.items() if self.placement.of(variable) == HOST)
        for piece in self.items:
            if not isinstance(piece, Piece) or piece.place == HOST:
                continue
            outs = dict.fromkeys(register for step in piece.steps for register in step.outs)
            piece.gives = [register for register in outs if register in read]
            own = outs.keys() - piece.gives - {register for _, register in piece.commits}
            last = {register: step for step in piece.steps for register in (*step.outs, *step.args) if register in own}
            for register, step in last.items():
                step.dead.append(register)


def _in_order(step: Step) -> bool:
    """Whether a step keeps its place among others that do: it has effects, or waits for what has, or draws by its turn."""
    node = step.node
    if node.after or "stateful" in node.op.traits:
        return True
    if step.draws:
        return "random" not in node.op.traits or node.params.get("key") is None
    return acts(node)


def _looks_only(step: Step) -> bool:
    """Whether a step asks for a shape, or whether there is a value: wherever that is."""
    return step.node.op.name in SHAPES or step.node.op in (is_initialized_op, report_uninitialized_op)


def _by_host(step: Step) -> range:
    """The operands whose numbers the kernel needs on the host."""
    if step.node.op.name == "loop":
        return range(1)
    first = READ_BY_HOST.get(step.node.op.name)
    return range(0) if first is None else range(first, len(step.args))


def _reads_values(step: Step, made: Schedule) -> bool:
    """Whether a step asks for numbers of arrays while it runs: a branch does, or a loop that ends when something is so."""
    if any(step.args[at] not in made.constants for at in _by_host(step)):
        return True
    return _decides(step.node)


def _decides(node: Any) -> bool:
    if node.op.name == "branch" or (node.op.name == "loop" and node.params.get("cond") is not None):
        return True
    return any(_decides(inner) for body in bodies(node) for inner in body.nodes)


def _uneven(made: Schedule, placement: Placement) -> list[bool]:
    """For each step whether the shapes that it works with hang on numbers of a GPU, and so differ from run to run."""
    loose: set[str] = set()
    found = []
    for step in made.steps:
        inputs = [x for x in step.node.inputs if isinstance(x, Value)]
        known = all(x.spec.known for x in inputs)
        there = placement.of(step.node) != HOST
        opened = there and known and any(not spec.known for spec in step.node.specs) and "control" not in step.node.op.traits
        uneven = opened or any(arg in loose for arg in step.args)
        if uneven:
            loose.update(out for out, spec in zip(step.outs, step.node.specs, strict=True) if not spec.known)
        found.append(uneven)
    return found


__all__ = ["Division", "Move", "Piece", "divide"]
