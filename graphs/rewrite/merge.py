"""Two loops of the same rounds made one: over sequences of one length, or with one condition, neither needing the other.

What both go through is read once a round, and what both compute is computed once (by ``cse``, afterwards). All results keep
their bits.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from graphs.control import loop
from graphs.core.function import Function
from graphs.core.node import Node, Value, new_parameter
from graphs.rewrite.fold import input_key, structure
from graphs.rewrite.loops import Parts, among, counted_by, deciding, exchanged, rounds
from graphs.rewrite.outside import counting
from graphs.rewrite.program import Choice, Edge, Program, Rebuild, Rewritten, is_kept, is_pure, known, spec_of, task_of
from graphs.rewrite.records import Log, Record
from graphs.rewrite.rules import NAMES


MOST_LOOPS = 512
"""Loops of a program that are looked at; each costs a bit for every node behind which it is."""

LAW = "for t: f(x[t]); for t: g(y[t]) -> for t: f(x[t]), g(y[t])"

_CHECKED_ROUNDS = 3
"""How many rounds a record has of a loop that would run for as long as its condition holds."""

NAMES.add("merge")


def merge(program: Program, log: Log, choice: Choice) -> Program:
    """The program with loops merged that have the same rounds, and of which neither needs the other."""
    if not any("control" in node.op.traits for node in program.nodes):
        return program
    rebuild = Rebuild(program)

    def inside(body: Program) -> Program:
        return merge(body, log, choice)

    for old in program.nodes:
        node = rebuild.visit(old)
        rebuild.keep(rebuild.sweep(node, old, inside) if node.params else node)
    swept = rebuild.finish()
    order = _Order(swept)
    groups = [group for group in _groups(swept, order, log, choice) if group.record is not None]
    return _merged(swept, order, groups) if groups else swept


class _Order:
    """What comes before what in a program.

    Attributes:
        before: for each node's place, the places of the nodes it comes after: those it reads, and for effects the last.
    """

    def __init__(self, program: Program) -> None:
        self.nodes = program.nodes
        self.places = {node: place for place, node in enumerate(self.nodes)}
        self.before: list[set[int]] = []
        held: list[int] = []
        for place, node in enumerate(self.nodes):
            before = {self.places[x.node] for x in node.inputs if isinstance(x, Value) and x.node in self.places}
            before.update(self.places[other] for other in node.after if other in self.places)
            if node.after or is_kept(node):  # effects, and what stands in an order to them, keep their order
                before.update(held)
                held = [place]
            self.before.append(before)

    def sorted(self, groups: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """The places, those of a group together, each after what it comes after, else as they stood."""
        number = list(range(len(self.nodes)))
        for group in groups:
            for place in group:
                number[place] = group[-1]
        members: dict[int, list[int]] = {}
        for place, each in enumerate(number):
            members.setdefault(each, []).append(place)
        readers: dict[int, list[int]] = {}
        waiting: dict[int, int] = {}
        for each, places in members.items():
            before = {number[other] for place in places for other in self.before[place]} - {each}
            waiting[each] = len(before)
            for other in before:
                readers.setdefault(other, []).append(each)
        ready = [each for each, count in waiting.items() if not count]
        heapq.heapify(ready)
        while ready:
            each = heapq.heappop(ready)
            yield members[each]
            for reader in readers.get(each, ()):
                waiting[reader] -= 1
                if not waiting[reader]:
                    heapq.heappush(ready, reader)


class _Group:
    """Loops that may be one, by their places, and the record of that once there are two."""

    def __init__(self, place: int) -> None:
        self.places = [place]
        self.record: Record | None = None

    def join(self, place: int, program: Program, log: Log, choice: Choice) -> None:
        """Take in one more."""
        self.places.append(place)
        if self.record is None:
            self.record = Record("merge", "merge", LAW, [], [], [], [], fed=program.fed)
            log.add(self.record)
            choice.fired += 1


def _groups(program: Program, order: _Order, log: Log, choice: Choice) -> list[_Group]:
    """The places of loops that may be one: a loop joins the first group with its kind of rounds that it does not need."""
    fixed = {root for root in program.roots if isinstance(root, Node)} | {node for node, _ in program.fed}
    groups: list[_Group] = []
    needs: list[int] = []  # for each group the groups it needs, as bits
    alike: dict[Any, list[int]] = {}
    mine: dict[int, int] = {}  # the group of each loop, by its place
    behind: list[int] = []  # for each node the loops behind it, as bits
    loops: list[int] = []
    for place, node in enumerate(order.nodes):
        seen = 0
        for other in order.before[place]:
            seen |= behind[other] | (1 << mine[other] if other in mine else 0)
        behind.append(seen)
        if node.op is not loop or node in fixed or node.params.get("record") or not is_pure(node):
            continue
        if len(loops) >= MOST_LOOPS:
            continue
        loops.append(place)
        behind_me = seen
        for group in _bits(seen):
            behind_me |= needs[group]
        key = (task_of(node), _key(node, program.fed, lambda x: mine.get(order.places.get(x, -1))))
        fitting = [group for group in alike.setdefault(key, []) if not behind_me >> group & 1]
        if fitting and (groups[fitting[0]].record or choice.allows("merge")):
            group = fitting[0]
            groups[group].join(place, program, log, choice)
            needs[group] |= behind_me
            for other, needed in enumerate(needs):
                if needed >> group & 1:
                    needs[other] |= behind_me
        else:
            group = len(groups)
            groups.append(_Group(place))
            needs.append(behind_me)
            alike[key].append(group)
        mine[place] = group
    return groups


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


# Which loops have the same rounds


def _key(node: Any, fed: frozenset[Edge], group_of: Callable[[Any], int | None]) -> Any:
    """Equal for loops that have the same rounds. ``group_of`` says of loops before which are to be one."""
    parts = Parts.of(node)
    length = counted_by(parts.length) if parts.cond is None else parts.length
    number = known(length, fed)
    if number is not None:
        counted: Any = int(number) if parts.cond is not None else max(0, int(number))
    else:
        group = group_of(length.node) if length.index == 0 else None
        counted = input_key(length) if group is None else ("as many as", group)
    if parts.cond is None:
        return (parts.reverse, counted)
    decisive = deciding(parts)
    own = [parts.first[i] for i in decisive]
    cond, update, read = _decision(parts, decisive)
    return (parts.reverse, counted, structure(cond), structure(update), tuple(map(input_key, [*own, *read])))


def _decision(parts: Parts, decisive: Sequence[int]) -> tuple[Function, Function, list[Any]]:
    """The condition and the deciding states' way from round to round, and what they read from outside, in order."""
    cond, states = parts.cond, len(parts.first)
    assert cond is not None
    following = [parts.following[i] for i in decisive]
    tested = sorted(among(cond.outputs, cond.inputs[states:]))
    read = sorted(among(following, parts.body.inputs[states:]))
    test = Function([*(cond.inputs[i] for i in decisive), *(cond.inputs[states + i] for i in tested)], cond.outputs)
    own = [*(parts.states[i] for i in decisive), *(parts.body.inputs[states + i] for i in read)]
    outer = [*parts.given, *parts.constants]
    return test, Function(own, following), [*(parts.constants[i] for i in tested), *(outer[i] for i in read)]


# Making one of several


def _merged(program: Program, order: _Order, groups: Sequence[_Group]) -> Program:
    together = {group.places[-1]: group for group in groups}
    rebuild = Rebuild(program)
    for places in order.sorted([group.places for group in groups]):
        olds = [program.nodes[place] for place in places]
        nodes = [rebuild.visit(old) for old in olds]
        group = together.get(places[-1])
        if group is None or group.record is None:
            for node in nodes:
                rebuild.keep(node)
            continue
        made, values = _Joined([Parts.of(node) for node in nodes]).made(program, nodes)
        rebuild.keep(made)
        for old, node, outputs in zip(olds, nodes, values, strict=True):
            rebuild.replace(node, old, outputs)
        _fill(group.record, program, nodes, made, values)
    return rebuild.finish()


class _Joined:
    """Loops put side by side, operand by operand: what several read they read together."""

    def __init__(self, parts: Sequence[Parts]) -> None:
        self.parts = parts
        first = parts[0]
        self.states: list[tuple[Value, Any, Any]] = []  # parameter, next state, initial state
        self.given: dict[Any, tuple[Value, Any]] = {}
        self.constants: dict[Any, tuple[Value, Any]] = {}
        self.stacked: list[tuple[Any, bool]] = []
        self.sums: list[tuple[Any, Any]] = []
        self.places: list[list[int]] = []  # for each loop, of each of its states the place among all
        self._deciding = [] if first.cond is None else deciding(first)
        for each in parts:
            self._add(each)

    def _add(self, parts: Parts) -> None:
        shared = dict(zip(deciding(parts), self._deciding, strict=True)) if parts.cond is not None and self.states else {}
        places = []
        fresh: list[Value] = []
        for i, x in enumerate(parts.states):
            if i in shared:
                places.append(self.places[0][shared[i]])
            else:
                places.append(len(self.states))
                self.states.append((new_parameter(x.spec), None, parts.first[i]))
            fresh.append(self.states[places[-1]][0])
        for mine, slots, operands in (
            (parts.slices, self.given, parts.given),
            (parts.fixed, self.constants, parts.constants),
        ):
            for x, operand in zip(mine, operands, strict=True):
                key = (*input_key(operand), x.spec)
                slots.setdefault(key, (new_parameter(x.spec), operand))
                fresh.append(slots[key][0])
        outputs, _ = exchanged(parts.body.nodes, parts.body.outputs, (), parts.body.inputs, fresh)
        for i, place in enumerate(places):
            param, following, first = self.states[place]
            self.states[place] = (param, outputs[i] if following is None else following, first)
        states, end = len(places), len(outputs) - len(parts.likes)
        self.stacked += [(x, j in parts.boxed) for j, x in enumerate(outputs[states:end])]
        self.sums += zip(outputs[end:], parts.likes, strict=True)
        self.places.append(places)

    def made(self, program: Program, nodes: Sequence[Any], length: Any = None) -> tuple[Any, list[list[Any]]]:
        """The node in the place of ``nodes``, and for each of them what stands for its outputs."""
        first = self.parts[0]
        inputs = [param for param, *_ in (*self.states, *self.given.values(), *self.constants.values())]
        outputs = [
            *(following for _, following, _ in self.states),
            *(x for x, _ in self.stacked),
            *(x for x, _ in self.sums),
        ]
        names = "+".join(dict.fromkeys(each.body.name for each in self.parts))
        joined = Parts(
            Function(inputs, outputs, names),
            counted_by(first.length) if length is None else length,
            [value for *_, value in self.states],
            [like for _, like in self.sums],
            [value for _, value in self.given.values()],
            [value for _, value in self.constants.values()],
            self._condition(),
            frozenset(j for j, (_, boxed) in enumerate(self.stacked) if boxed),
            first.reverse,
        )
        hints = self._hints(nodes)
        last = nodes[-1]
        made = joined.made(program.kind, last, rounds(joined, program.fed), hints, nodes, _after(nodes))
        return made, self._values(made)

    def _condition(self) -> Function | None:
        """The first loop's condition, on all states and constants."""
        cond, parts = self.parts[0].cond, self.parts[0]
        if cond is None:
            return None
        states, own = len(parts.first), dict(zip(self.places[0], cond.inputs, strict=False))
        inputs = [own[i] if i in own else new_parameter(param.spec) for i, (param, *_) in enumerate(self.states)]
        given = {
            (*input_key(operand), x.spec): cond.inputs[states + i]
            for i, (x, operand) in enumerate(zip(parts.fixed, parts.constants, strict=True))
        }
        for key, (param, _) in self.constants.items():
            inputs.append(given[key] if key in given else new_parameter(param.spec))
        return Function(inputs, cond.outputs, cond.name, cond.nodes)

    def _hints(self, nodes: Sequence[Any]) -> list[Any]:
        """What is known of the outputs of the loops as they were."""
        states: list[Any] = [None] * len(self.states)
        stacked, sums = [], []
        for node, parts, places in zip(nodes, self.parts, self.places, strict=True):
            specs = [out.spec for out in node.outputs]
            for i, place in enumerate(places):
                states[place] = specs[1 + i]
            end = 1 + len(places) + len(parts.stacked)
            stacked += specs[1 + len(places) : end]
            sums += specs[end:]
        return [None, *states, *stacked, *sums]

    def _values(self, made: Any) -> list[list[Any]]:
        values = []
        stacked, sums = 1 + len(self.states), 1 + len(self.states) + len(self.stacked)
        for parts, places in zip(self.parts, self.places, strict=True):
            width, more = len(parts.stacked), len(parts.likes)
            values.append(
                [
                    made.outputs[0],
                    *(made.outputs[1 + place] for place in places),
                    *made.outputs[stacked : stacked + width],
                    *made.outputs[sums : sums + more],
                ]
            )
            stacked, sums = stacked + width, sums + more
        return values


def _shared(slots: dict[Any, tuple[Value, Any]], x: Value, operand: Any) -> Value:
    """The parameter for ``operand``, in the place of ``x``: one for all that read it."""
    key = (*input_key(operand), x.spec)
    slots.setdefault(key, (new_parameter(x.spec), operand))
    return slots[key][0]


def _after(nodes: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(other for node in nodes for other in node.after))


def _fill(record: Record, program: Program, nodes: Sequence[Any], made: Any, values: Sequence[Sequence[Any]]) -> None:
    """Say what was merged: loops that all have one number of rounds, which the program says in several ways.

    Loops that may go on for ever are recorded with a few rounds, others by their slices.
    """
    parts = [Parts.of(node) for node in nodes]
    lead: list[Any] = []
    if rounds(parts[0], program.fed) is None:
        sequences = [x for each in parts for x in each.given if spec_of(x).dtype.kind != "O"]
        lead = counting(sequences[:1]) if sequences and parts[0].cond is None else []
        length = lead[-1].outputs[0] if lead else _CHECKED_ROUNDS
        for each in parts:
            each.length = length
        nodes = [each.made(Rewritten, node, of=[node]) for each, node in zip(parts, nodes, strict=True)]
        made, values = _Joined(parts).made(Program((), (), program.fed), nodes, length)
    elif len({input_key(each.length) for each in parts}) > 1:
        for each in parts:
            each.length = counted_by(parts[0].length)
        nodes = [each.made(Rewritten, node, of=[node]) for each, node in zip(parts, nodes, strict=True)]
    pairs = [(x, y) for node, outs in zip(nodes, values, strict=True) for x, y in zip(node.outputs, outs, strict=True)]
    pairs = [(x, y) for x, y in pairs if x.spec.dtype.kind != "O"]
    record.before, record.after = (*lead, *nodes), (made,)
    record.old, record.new = tuple(x for x, _ in pairs), tuple(y for _, y in pairs)
