"""Counterparts by structure, for what values leave open: by what lies around a node, then by whom its neighbours have."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher

import networkx

from graphs.compare.units import OUTSIDE, Key, Side, Unit
from graphs.core.spec import Spec
from graphs.draw import BACKWARD, FORWARD


Pairs = dict[tuple[Key, Key], str]
"""Pairs of units found so far, and how."""

MOST_COMPARED = 4_000_000
"""Pairs of ops that are looked at for their order at most."""

ROUNDS = 6
"""How many edges around a node count at most."""

NO_COUNTERPART = frozenset({"placeholder", "constant", "read", "no_op", "placeholder_with_default", "initialized_value"})
"""Ops that only a graph has nodes for."""

_FAMILIES = {
    "rectifier": ("relu", "maximum", "clip", "threshold"),
    "power": ("square", "power", "squared_difference"),
    "product": ("matmul", "dot", "linear", "einsum", "outer", "addmm"),
    "sum": ("sum", "mean"),
    "leaf": ("variable", "leaf"),
    "update": ("fused", "assign", "assign_sub", "assign_add"),
}
_FAMILY = {op: family for family, ops in _FAMILIES.items() for op in ops}


def family(op: str) -> str:
    """What an op is the like of: ``relu`` and ``maximum`` are both rectifiers."""
    return _FAMILY.get(op, op)


def specs_of(unit: Unit, own: Side) -> str:
    """Shapes and dtypes of what a unit yields: those of the step, where it was called in it."""
    if not unit.calls:
        return unit.specs
    results = own.log.calls[unit.calls[0]].results
    return ", ".join(str(Spec.of(own.log.arrays[digest])) for digest in results)


def by_structure(first: Side, second: Side, pairs: Pairs, meets: Mapping[str, Sequence[str]], loosely: bool = False) -> None:
    """Add pairs of units that have none yet.

    ``meets`` has the phases that a unit's counterpart may have; ``loosely`` goes by order too, for other programs.
    """
    sides = (first, second)
    flows = tuple(_contracted(own) for own in sides)
    open_ = tuple({key for key, unit in own.units.items() if _matchable(unit, own)} for own in sides)
    for mine, theirs in pairs:
        open_[0].discard(mine)
        open_[1].discard(theirs)
    specs = tuple({key: specs_of(unit, own) for key, unit in own.units.items()} for own in sides)
    spread = _Spread(sides, flows, specs, open_, pairs, meets)
    spread.from_pairs(list(pairs))
    left = all(open_)
    hashes = tuple(_hashes(own, flow, made) for own, flow, made in zip(sides, flows, specs, strict=True)) if left else ()
    for depth in reversed(range(ROUNDS + 1)) if left else ():
        found = _alike(hashes, open_, depth)
        for pair in found:
            spread.add(*pair)
        spread.from_pairs(found)
    if loosely:
        found = _in_order(sides, open_)
        for pair in found:
            spread.add(*pair)
        spread.from_pairs(found)
    for own, other, at in ((first, second, 0), (second, first, 1)):
        if other.taped and not own.taped:
            _steps_back(own, other, at, pairs)


def _steps_back(graph: Side, tape: Side, at: int, pairs: Pairs) -> None:
    """Pair a graph's gradient nodes that are still open with the way back through the record of their forward node.

    Their name scope says whose gradient they are: ``gradients/D/Relu_grad/mul`` is a step of the gradient of ``D/Relu``.
    """
    matched = {pair[at] for pair in pairs}
    records: dict[str, list[Key]] = {}
    for pair in pairs:
        if pair[at][1] == FORWARD == pair[1 - at][1]:
            records.setdefault(graph.units[pair[at]].name, []).append((pair[1 - at][0], BACKWARD))
    for key, unit in graph.units.items():
        parts = unit.name.split("/")
        ends = [i for i, part in enumerate(parts) if part.endswith("_grad")]
        if unit.phase != BACKWARD or key in matched or not ends:
            continue
        forward = "/".join(parts[1 : ends[-1] + 1]).removesuffix("_grad")
        for way in records.get(forward, ()):
            if way in tape.units:
                pairs[(key, way) if at == 0 else (way, key)] = "structure"


def _matchable(unit: Unit, own: Side) -> bool:
    """Whether structure may pair it: calls outside a tape have no place in it, and some ops only a graph has."""
    if unit.phase == OUTSIDE or unit.op in NO_COUNTERPART:
        return False
    return not (own.taped and unit.phase == BACKWARD and not unit.calls)


def _contracted(own: Side) -> networkx.DiGraph:
    """The flow without what only a graph has nodes for: who reads a variable's value reads the variable."""
    flow = own.flow.copy()
    for key, unit in own.units.items():
        if unit.op in NO_COUNTERPART or unit.phase == OUTSIDE:
            flow.add_edges_from((a, b) for a in list(flow.predecessors(key)) for b in list(flow.successors(key)))
            flow.remove_node(key)
    return flow


def _hashes(own: Side, flow: networkx.DiGraph, specs: Mapping[Key, str]) -> dict[Key, list[tuple[str, str]]]:
    """For each unit and depth a digest of what lies that far before and behind it."""
    units = own.units
    labelled = networkx.DiGraph()
    labelled.add_nodes_from((key, {"is": f"{key[1]} {family(units[key].op)} {specs[key]}"}) for key in flow)
    labelled.add_edges_from(flow.edges())
    with warnings.catch_warnings():  # the hashes are other ones since 3.5, which matters to who has stored some
        warnings.filterwarnings("ignore", "The hashes produced for directed graphs changed", UserWarning)
        ways = [
            networkx.weisfeiler_lehman_subgraph_hashes(graph, node_attr="is", iterations=ROUNDS, include_initial_labels=True)
            for graph in (labelled, labelled.reverse())
        ]
    return {key: list(zip(ways[0][key], ways[1][key], strict=True)) for key in flow}


def _alike(
    hashes: Sequence[Mapping[Key, list[tuple[str, str]]]], open_: Sequence[set[Key]], depth: int
) -> list[tuple[Key, Key]]:
    """Units alike in all that lies ``depth`` edges around them, in order, where both sides have as many."""
    groups: tuple[dict[tuple[str, str], list[Key]], ...] = ({}, {})
    for group, made, left in zip(groups, hashes, open_, strict=True):
        for key in sorted(left & made.keys()):
            group.setdefault(made[key][depth], []).append(key)
    return [
        pair
        for digest, mine in groups[0].items()
        if len(mine) == len(theirs := groups[1].get(digest, []))
        for pair in zip(mine, theirs, strict=True)
    ]


def _in_order(sides: Sequence[Side], open_: Sequence[set[Key]]) -> list[tuple[Key, Key]]:
    """What of the forward ops runs in the same order on both sides, by family."""
    keys = [
        [key for key in sorted(left) if key[1] == FORWARD and own.nodes[key[0]].edges]
        for own, left in zip(sides, open_, strict=True)
    ]
    words = [[family(own.units[key].op) for key in each] for own, each in zip(sides, keys, strict=True)]
    if len(words[0]) * len(words[1]) > MOST_COMPARED:
        return []
    blocks = SequenceMatcher(None, words[0], words[1], autojunk=False).get_matching_blocks()
    return [
        pair
        for block in blocks
        for pair in zip(keys[0][block.a : block.a + block.size], keys[1][block.b : block.b + block.size], strict=True)
    ]


class _Spread:
    """Goes from pairs to their neighbours, and pairs those that fit best."""

    def __init__(
        self,
        sides: tuple[Side, Side],
        flows: tuple[networkx.DiGraph, ...],
        specs: tuple[dict[Key, str], ...],
        open_: tuple[set[Key], ...],
        pairs: Pairs,
        meets: Mapping[str, Sequence[str]],
    ) -> None:
        self._sides, self._flows, self._specs, self._open = sides, flows, specs, open_
        self._pairs, self._meets = pairs, meets
        self._ops = tuple({key: _ops(unit, own) for key, unit in own.units.items()} for own in sides)

    def add(self, mine: Key, theirs: Key) -> None:
        """One more pair."""
        self._pairs[mine, theirs] = "structure"
        self._open[0].discard(mine)
        self._open[1].discard(theirs)

    def from_pairs(self, frontier: Iterable[tuple[Key, Key]]) -> None:
        """Pair neighbours of ``frontier``, and theirs, until none fit."""
        frontier = list(frontier)
        while frontier:
            votes: Counter[tuple[Key, Key]] = Counter()
            for pair in frontier:
                if all(key in flow for key, flow in zip(pair, self._flows, strict=True)):
                    for way in ("predecessors", "successors"):
                        mine, theirs = (
                            [x for x in getattr(flow, way)(key) if x in self._open[at] or self._shared(at, x)]
                            for at, (flow, key) in enumerate(zip(self._flows, pair, strict=True))
                        )
                        votes.update((a, b) for a in mine for b in theirs if self._fits(a, b))
            frontier = []
            best = sorted(votes, key=lambda pair: (-self._likeness(pair) - votes[pair], pair))
            for a, b in best:
                free = a in self._open[0], b in self._open[1]
                if any(free) and (free[0] or self._shared(0, a)) and (free[1] or self._shared(1, b)):
                    self.add(a, b)
                    frontier.append((a, b))

    def _shared(self, at: int, key: Key) -> bool:
        """Whether a unit may have several counterparts: the way back through a record."""
        return self._sides[at].taped and key[1] == BACKWARD and _matchable(self._sides[at].units[key], self._sides[at])

    def _fits(self, mine: Key, theirs: Key) -> bool:
        if theirs[1] not in self._meets[mine[1]]:
            return False
        return bool(self._ops[0][mine] & self._ops[1][theirs])

    def _likeness(self, pair: tuple[Key, Key]) -> int:
        return 2 * (self._specs[0][pair[0]] == self._specs[1][pair[1]])


def _ops(unit: Unit, own: Side) -> frozenset[str]:
    """The families of ops that a unit runs: of the way back through a record several."""
    names = {own.log.calls[position].op for position in unit.calls} or {unit.op}
    return frozenset(map(family, names))
