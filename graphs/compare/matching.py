"""Which node of the static graph computes what which record of the tape computes.

Two steps of one program on the same batch, without passes, have the same bits. So values tell first: a call of a kernel is
the counterpart of one that gives the same bits in the other mode, best of all by the same op on the same bits. What values
leave open (they differ, or are constants that many have) structure decides: nodes whose surroundings look alike, then
neighbours of those that are matched. A node may have several counterparts: the body of a loop has the rounds of a loop in
Python, the gradient of one record may take several nodes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import networkx

from graphs.compare.calls import Call, Log
from graphs.compare.passes import without_passes
from graphs.compare.program import Batch, Twins
from graphs.compare.reasons import reason
from graphs.compare.structure import Pairs, by_structure, family
from graphs.compare.units import OUTSIDE, Key, Side, Unit, side
from graphs.draw import BACKWARD, FORWARD, UPDATE


MEETS = {
    FORWARD: (FORWARD, OUTSIDE),
    BACKWARD: (BACKWARD, OUTSIDE),
    UPDATE: (UPDATE, OUTSIDE),
    OUTSIDE: (OUTSIDE, FORWARD, BACKWARD, UPDATE),
}
"""The phases that a unit's counterpart may have, the likeliest first."""


class Pair(NamedTuple):
    """Two counterparts. Serials are those of nodes and records, by which pictures know them.

    Attributes:
        first, second: serials in the first mode and the second.
        phases: of either: ``"forward"``, ``"backward"``, ``"update"``, or ``"outside"`` for a call that left no record, and
            so is in no picture.
        how: ``"value"`` or ``"structure"``.
    """

    first: int
    second: int
    phases: tuple[str, str]
    how: str


class Alone(NamedTuple):
    """A node without counterpart, and why it has none."""

    mode: str
    serial: int
    phase: str
    op: str
    name: str
    where: str
    why: str


class Matching(NamedTuple):
    """The counterparts of one step.

    Attributes:
        modes: the two modes.
        roots: by mode the ends of the graph that was matched; pictures drawn from them have the serials of ``pairs``.
        pairs: in order of the first mode's serials.
        alone: what has no counterpart, the first mode's before the second's.
        kept: what has to live as long as the roots: a tape knows its leaves weakly.
    """

    modes: tuple[str, str]
    roots: Mapping[str, list[Any]]
    pairs: tuple[Pair, ...]
    alone: tuple[Alone, ...]
    kept: tuple[Any, ...] = ()

    @property
    def graph(self) -> networkx.Graph:
        """The pairs as edges (attribute ``how``) between ``(mode, serial, phase)``."""
        graph = networkx.Graph()
        for pair in self.pairs:
            ends = zip(self.modes, (pair.first, pair.second), pair.phases, strict=True)
            graph.add_edge(*ends, how=pair.how)
        return graph

    def groups(self) -> dict[tuple[str, int, str], int]:
        """For each ``(mode, serial, phase)`` with counterparts the number of its group, from 0 in order of the pairs.

        A group is what belongs together, directly or by way of others: all of it is to be highlighted at once.
        """
        numbers: dict[tuple[str, int, str], int] = {}
        for number, group in enumerate(networkx.connected_components(self.graph)):
            numbers.update(dict.fromkeys(group, number))
        return numbers

    def of(self, mode: str, serial: int, phase: str | None = None) -> list[Key]:
        """The counterparts of a node, as serials and phases."""
        here = self.modes.index(mode)
        return [
            (pair[1 - here], pair.phases[1 - here])  # type: ignore[misc]
            for pair in self.pairs
            if pair[here] == serial and phase in (None, pair.phases[here])
        ]

    def as_dict(self) -> dict[str, Any]:
        """The matching as JSON takes it."""
        return {
            "modes": list(self.modes),
            "pairs": [pair._asdict() for pair in self.pairs],
            "alone": [each._asdict() for each in self.alone],
        }


def match(twins: Twins, modes: tuple[str, str], batch: Batch, dtype: str) -> Matching:
    """The counterparts in one step of a program's two forms on ``batch``, run without passes.

    Raises ProgramError where the file's code fails.
    """
    setup = twins.begin(dtype)
    plain = without_passes(twins)
    sides, programs = [], []
    for mode in modes:
        program: Any = plain.build(mode, setup)
        log = Log()
        roots = twins.run(program.trace, {name: array.copy() for name, array in batch.items()}, log)
        sides.append(side(mode, roots, log))
        programs.append(program)
    return matched(sides[0], sides[1], tuple(programs))


def matched(first: Side, second: Side, kept: tuple[Any, ...] = (), loosely: bool = False) -> Matching:
    """The counterparts of two steps; ``loosely`` also pairs ops of a kind in the same order, whatever their shapes."""
    pairs: Pairs = {}
    _by_parameter(first, second, pairs)
    _by_value(first, second, pairs)
    by_structure(first, second, pairs, MEETS, loosely)
    found = tuple(
        Pair(mine[0], theirs[0], (mine[1], theirs[1]), how)
        for (mine, theirs), how in sorted(pairs.items(), key=lambda item: item[0])
    )
    alone = [*_alone(first, second, pairs, 0), *_alone(second, first, pairs, 1)]
    roots = {first.mode: first.roots, second.mode: second.roots}
    return Matching((first.mode, second.mode), roots, found, tuple(alone), kept)


def _alone(own: Side, other: Side, pairs: Mapping[tuple[Key, Key], str], at: int) -> Iterator[Alone]:
    """What of ``own`` pictures have and the other's have not."""
    partners: dict[Key, list[Unit]] = {}
    for pair in pairs:
        partners.setdefault(pair[at], []).append(other.units[pair[1 - at]])
    for key, unit in own.units.items():
        if unit.phase == OUTSIDE:
            continue
        found = partners.get(key, [])
        if all(partner.phase == OUTSIDE for partner in found):
            why = reason(unit, own, other, partners, found[0] if found else None)
            yield Alone(own.mode, unit.serial, unit.phase, unit.op, unit.name, unit.where, why)


def _by_parameter(first: Side, second: Side, pairs: Pairs) -> None:
    """Variables and the leaves that begin with the same values, under the same name where several do, and their updates."""
    theirs = {(held.name, held.before): serial for serial, held in second.log.held.items()}
    unnamed = {held.before: serial for serial, held in second.log.held.items()}
    leaves = {}
    for serial, held in first.log.held.items():
        leaf = theirs.get((held.name, held.before), unnamed.get(held.before))
        if leaf is not None:
            leaves[serial] = leaf
    for one, other in leaves.items():
        mine = next((key for key in first.units if key[0] == one), None)
        if mine is not None and (other, FORWARD) in second.units:
            pairs[mine, (other, FORWARD)] = "value"
    for unit in first.units.values():
        node = first.nodes.get(unit.serial)
        if node is not None and "update" in node.op.traits and node.edges and node.edges[0] is not None:
            change = (leaves.get(node.edges[0].node.serial, 0), UPDATE)
            if change in second.units:
                pairs[unit.key, change] = "value"


def _by_value(first: Side, second: Side, pairs: Pairs) -> None:
    """Pair calls that give the same bits: by the same op on the same bits, by the same op, by one of its family."""
    owners = [{position: unit.key for unit in own.units.values() for position in unit.calls} for own in (first, second)]
    left = [dict.fromkeys(sorted(owner)) for owner in owners]
    for same in (_operands, _op, _family):
        groups: dict[Any, tuple[list[int], list[int]]] = {}
        for at, own in enumerate((first, second)):
            for position in left[at]:
                word = same(own, own.log.calls[position])
                if word is not None:
                    groups.setdefault(word, ([], []))[at].append(position)
        for mine, theirs in groups.values():
            if mine and theirs:
                _pair_calls(mine, theirs, owners, left, pairs)


def _pair_calls(
    mine: Sequence[int],
    theirs: Sequence[int],
    owners: Sequence[Mapping[int, Key]],
    left: Sequence[dict[int, None]],
    pairs: Pairs,
) -> None:
    """Pair calls that are alike in order, each with one of a phase that fits, what is left over with the last of those."""
    waiting: dict[str, deque[int]] = {}
    for position in theirs:
        waiting.setdefault(owners[1][position][1], deque()).append(position)
    last: dict[str, int] = {}
    for position in mine:
        key = owners[0][position]
        phases = [phase for phase in MEETS[key[1]] if phase in waiting]
        phase = next((phase for phase in phases if waiting[phase]), None)
        if phase is not None:
            last[phase] = waiting[phase].popleft()
            left[0].pop(position)
            left[1].pop(last[phase])
        elif not phases:
            continue
        pairs.setdefault((key, owners[1][last[phase or phases[0]]]), "value")
        left[0].pop(position, None)
    for phase, positions in waiting.items():
        fitting = [position for position in mine if phase in MEETS[owners[0][position][1]] and position not in left[0]]
        for position in positions if fitting else ():
            pairs.setdefault((owners[0][fitting[-1]], owners[1][position]), "value")
            left[1].pop(position)


def _operands(own: Side, call: Call) -> Any:
    """What a call did, to the bit."""
    operands = tuple(sorted(call.operands)) if call.commutative else call.operands
    return (family(call.op), operands, call.results) if call.results else None


def _op(own: Side, call: Call) -> Any:
    """What a call gave, and by which op; nothing where it only handed on what it was given."""
    return (family(call.op), call.results) if call.results and call.results[0] not in call.operands else None


def _family(own: Side, call: Call) -> Any:
    """What a call gave, unless many do: one number, or the same number throughout."""
    if not call.results or call.results[0] in call.operands:
        return None
    array = own.log.arrays[call.results[0]]
    return call.results if array.size > 1 and array.dtype.kind != "O" and (array != array.flat[0]).any() else None
