"""The pass ``fuse``: regions of element-wise nodes of one shape become one node each, which reads every array once.

A region is convex: no value leaves it and comes back. It may have several outputs, and takes in the updates of optimisers,
which are such nodes already.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import Any

from graphs.codegen.functions import FUNCTIONS
from graphs.codegen.fused import by_itself, fused
from graphs.codegen.primitives import Scalars, of_node
from graphs.codegen.region_text import writable
from graphs.codegen.scalar_text import function
from graphs.core.function import Function
from graphs.core.node import Node, Value, new_parameter
from graphs.rewrite.program import Choice, Program, Rebuild, is_kept, is_pure_there, origins, reads_there, spec_of, task_of
from graphs.rewrite.records import Log, Record
from graphs.rewrite.shapes import ShapeClasses


MOST_CALLS = 256
"""Steps of a region, after which it takes in no more: compiling takes 0.5 ms a step."""

MOST_LOOKED_AT = 256
"""Regions and nodes that are looked at to see whether two regions may be one; beyond, they stay apart."""


def fuse(program: Program, log: Log, choice: Choice) -> Program:
    """The program with its element-wise regions fused.

    Where a function of ``graphs.codegen.functions`` stands for one of numpy's, results differ by its rounding.
    """
    return _fuse(program, log, choice, exact=False)


def fuse_exactly(program: Program, log: Log, choice: Choice) -> Program:
    """As ``fuse``, without nodes for which a function of our own would stand in: to the last bit what numpy gives."""
    return _fuse(program, log, choice, exact=True)


def _fuse(program: Program, log: Log, choice: Choice, exact: bool) -> Program:
    rebuild = Rebuild(program)

    def inside(body: Program) -> Program:
        return _fuse(body, log, choice, exact)

    for old in program.nodes:
        node = rebuild.visit(old)
        rebuild.keep(rebuild.sweep(node, old, inside) if node.params else node)
    swept = rebuild.finish()
    groups = _Groups(swept, exact)
    regions = [members for members in groups.regions() if choice.allows("fuse" if not exact else "fuse_exactly")]
    if not regions:
        return swept
    return _rebuilt(swept, regions, groups, log, choice, "fuse_exactly" if exact else "fuse")


def _calls(node: Any) -> Scalars | None:
    """What a node computes for an element; None where code cannot be generated for it."""
    made = of_node(node)
    return made if made is not None and writable(made.calls) else None


class _Group:
    """A region in the making, or a node that is in none."""

    __slots__ = ("before", "calls", "key", "last", "members", "own", "rank")

    def __init__(self, place: int, before: list[int], key: Any, calls: int, own: set[str]) -> None:
        self.members = [place]
        self.before = before
        self.last = self.rank = place
        self.key = key
        self.calls = calls
        self.own = own


class _Groups:
    """The nodes of a program, by place, in groups that grow as edges are gone along."""

    def __init__(self, program: Program, exact: bool) -> None:
        self.nodes = program.nodes
        self.exact = exact
        self.places = {node: place for place, node in enumerate(self.nodes)}
        self.before: list[list[int]] = []
        self.read_by: list[list[int]] = [[] for _ in self.nodes]
        self.shapes = ShapeClasses()
        self.fixed = {root for root in program.roots if isinstance(root, Node)}
        self.fed = program.fed
        self.groups: list[_Group] = []
        self.parent = list(range(len(self.nodes)))
        held: list[int] = []
        readers: list[int] = []
        for place, node in enumerate(self.nodes):
            self.shapes.enter(node)
            before = {self.places[x.node] for x in node.inputs if isinstance(x, Value) and x.node in self.places}
            before.update(self.places[other] for other in node.after if other in self.places)
            if node.after or is_kept(node):  # effects, and what stands in an order to them, keep their order
                before.update(held, readers)
                held, readers = [place], []
            elif reads_there(node):
                before.update(held)
                readers.append(place)
            self.before.append(sorted(before))
            for each in before:
                self.read_by[each].append(place)
            self.groups.append(self._single(place, node))
        for place in range(len(self.nodes)):
            self._grow(place)

    def _single(self, place: int, node: Any) -> _Group:
        if not is_pure_there(node) or node.after or node in self.fixed:
            return _Group(place, list(self.before[place]), None, 0, set())
        if self.fed and any((node, index) in self.fed for index in range(node.width)):
            return _Group(place, list(self.before[place]), None, 0, set())
        made = _calls(node)
        own = {call.name for call in made.calls if function(call) is not None} if made is not None else set()
        if made is None or (own and self.exact):
            return _Group(place, list(self.before[place]), None, 0, set())
        keys = {self._key(node, index) for index in range(node.width)}
        key = (keys.pop(), task_of(node)) if len(keys) == 1 else None
        return _Group(place, list(self.before[place]), key, len(made.calls), own)

    def _key(self, node: Any, index: int) -> Any:
        spec = node.outputs[index].spec
        return spec.dims if spec.known else ("class", self.shapes.of((node, index)))

    def of(self, place: int) -> int:
        """The number of the group that the node at ``place`` is in."""
        parent = self.parent
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    def _grow(self, place: int) -> None:
        if self.groups[place].key is None:
            return
        for before in self.before[place]:
            mine, other = self.of(place), self.of(before)
            if mine == other or self.groups[other].key != self.groups[mine].key or not self._may_join(mine, other):
                continue
            a, b = self.groups[other], self.groups[mine]
            keep, gone = (other, mine) if len(a.members) >= len(b.members) else (mine, other)
            kept, left = self.groups[keep], self.groups[gone]
            kept.members += left.members
            kept.before += left.before
            kept.last = max(a.last, b.last)
            kept.calls, kept.own = a.calls + b.calls, a.own | b.own
            self.parent[gone] = keep

    def _may_join(self, one: int, other: int) -> bool:
        """Whether nothing leads from ``other`` by a third into ``one``, which reads it; if so, they get one rank.

        The rank of what reads a group is never less than the group's: nothing of a lesser rank comes from ``other``.
        """
        a, b = self.groups[one], self.groups[other]
        if a.calls + b.calls > MOST_CALLS:
            return False
        if len(b.members) == 1 and all(self.of(each) == one for each in self.read_by[b.last]):
            b.rank = a.rank  # what it alone reads leads into no third
            return True
        seen: set[int] = set()
        stack = [x for x in self._behind(one) if x != other]
        while stack:
            each = stack.pop()
            if each == other:
                return False
            if each in seen or self.groups[each].rank < b.rank:
                continue
            seen.add(each)
            if len(seen) > MOST_LOOKED_AT:
                return False
            stack.extend(self._behind(each))
        for each in (one, *seen):
            self.groups[each].rank = b.rank
        return True

    def _behind(self, group: int) -> list[int]:
        """The groups that a group reads, without itself."""
        found = self.groups[group]
        found.before = list({number for before in found.before if (number := self.of(before)) != group})
        return found.before

    def regions(self) -> list[list[int]]:
        """The places of the nodes of each region that is worth a node of its own."""
        found = []
        for place in range(len(self.nodes)):
            group = self.groups[place]
            if self.of(place) != place or group.key is None:
                continue
            alone = len(group.members) == 1
            if not alone or (group.own and self.nodes[place].op is not fused):
                found.append(sorted(group.members))
        return found

    def order(self, regions: Iterable[Sequence[int]]) -> list[int]:
        """The groups in an order in which each comes after what it reads, else as the nodes stood."""
        number = [self.of(place) for place in range(len(self.nodes))]
        waiting: dict[int, int] = {}
        readers: dict[int, list[int]] = {}
        for group in set(number):
            before = {number[each] for place in self.groups[group].members for each in self.before[place]} - {group}
            waiting[group] = len(before)
            for each in before:
                readers.setdefault(each, []).append(group)
        ready = [(self.groups[group].last, group) for group, count in waiting.items() if not count]
        heapq.heapify(ready)
        out = []
        while ready:
            _, group = heapq.heappop(ready)
            out.append(group)
            for reader in readers.get(group, ()):
                waiting[reader] -= 1
                if not waiting[reader]:
                    heapq.heappush(ready, (self.groups[reader].last, reader))
        return out


def _rebuilt(program: Program, regions: list[list[int]], groups: _Groups, log: Log, choice: Choice, name: str) -> Program:
    """The program with a node for each region."""
    chosen = {groups.of(members[0]): members for members in regions}
    wanted = {(root.node, root.index) for root in program.roots if isinstance(root, Value)}
    readers: dict[Any, set[int]] = {}
    for place, node in enumerate(program.nodes):
        for x in node.inputs:
            if isinstance(x, Value):
                readers.setdefault((x.node, x.index), set()).add(groups.of(place))
    rebuild = Rebuild(program)
    for number in groups.order(regions):
        members = chosen.get(number)
        if members is None or not choice.allows(name):
            for place in sorted(groups.groups[number].members):
                rebuild.keep(rebuild.visit(program.nodes[place]))
            continue
        olds = [program.nodes[place] for place in members]
        nodes = [rebuild.visit(old) for old in olds]
        outputs = [
            (old, index)
            for old in olds
            for index in range(old.width)
            if (old, index) in wanted or readers.get((old, index), set()) - {number}
        ]
        if not outputs:
            continue
        made = _region(rebuild, olds, nodes, outputs)
        rebuild.keep(made)
        values = dict(zip(outputs, made.outputs, strict=True))
        record = Record(name, name, "element-wise nodes -> one node", nodes, [made], [], [], fed=program.fed)
        record.apply = by_itself
        record.old = tuple(nodes[olds.index(old)].outputs[index] for old, index in outputs)
        record.new = made.outputs
        record.bound = _bound(groups.groups[number].own) or record.bound
        for old, node in zip(olds, nodes, strict=True):
            rebuild.replace(node, old, [values.get((old, index)) for index in range(node.width)])
        choice.fired += 1
        log.add(record)
    return rebuild.finish()


def _bound(own: Iterable[str]) -> str:
    """How far functions of our own are from the true values, in words."""
    worst = {name: max(entry.ulps for (each, _), entry in FUNCTIONS.items() if each == name) for name in sorted(own)}
    return f"close, {', '.join(f'{name} {ulps:g} ulps' for name, ulps in worst.items())}" if worst else ""


def _region(rebuild: Rebuild, olds: Sequence[Any], nodes: Sequence[Any], outputs: Sequence[tuple[Any, int]]) -> Any:
    """The node that computes ``outputs``."""
    inside: dict[Any, Any] = {}
    operands: dict[Any, Any] = {}
    given: list[Value] = []

    def look(x: Any) -> Any:
        if not isinstance(x, Value):
            return x
        edge = (x.node, x.index)
        found = inside.get(edge)
        if found is None:
            found = inside[edge] = new_parameter(spec_of(x))
            operands[edge] = x
            given.append(found)
        return found

    for old, node in zip(olds, nodes, strict=True):
        args = tuple([look(x) for x in node.inputs])
        if node.op is fused:
            made = node.params["body"](*args)
        else:
            specs = tuple([out.spec for out in node.outputs])
            made = Node(node.op, args, node.params, specs, node.name, value=Value, where=node.where).outputs
        for index, value in enumerate(made):
            inside[old, index] = inside[node, index] = value
    label = "+".join(dict.fromkeys(node.params["label"] or "fused" if node.op is fused else node.op.name for node in nodes))
    body = Function(given, [inside[edge] for edge in outputs], label[:48])
    specs = tuple(old.outputs[index].spec for old, index in outputs)
    last = nodes[-1]
    return rebuild.program.kind(
        fused,
        tuple(operands.values()),
        {"body": body, "label": label},
        specs,
        last.name,
        where=last.where,
        origins=origins(nodes),
    )


__all__ = ["fuse", "fuse_exactly"]
