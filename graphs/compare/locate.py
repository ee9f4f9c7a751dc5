"""The first node at which two logs part, found by walking back from a value that differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy

from graphs.compare.calls import Call, Log, ulps


class Operand(NamedTuple):
    """An operand as the two modes had it.

    Attributes:
        specs: dtype and shape in either mode.
        ulps: the distance in units in the last place, 0 where every bit is equal, None where there is none.
        values: the first elements in either mode.
    """

    specs: tuple[str, str]
    ulps: int | None
    values: tuple[str, str]


class Node(NamedTuple):
    """The two nodes at which the modes part: what ran, on what, and how far the results are apart."""

    ops: tuple[str, str]
    names: tuple[str, str]
    where: tuple[str, str]
    operands: tuple[Operand, ...]
    ulps: int | None


def locate(first: Log, second: Log, end: str, other_end: str, modes: tuple[str, str]) -> tuple[Node | None, str]:
    """The pair of calls where the way to two values that ought to be equal first differs, and what is different there."""
    if end == other_end:
        return None, "run once more, node by node, the two agree: the program does not repeat itself"
    logs = (first, second)
    wanted = (end, other_end)
    before: Sequence[int | None] = (None, None)
    node: Node | None = None
    while True:
        at, other_at = (log.maker(digest, limit) for log, digest, limit in zip(logs, wanted, before, strict=True))
        if at is None or other_at is None:
            return node, _outside((at, other_at), modes, node)
        if first.calls[at].op != second.calls[other_at].op:
            at, other_at = _origin(first, at), _origin(second, other_at)
        calls = (first.calls[at], second.calls[other_at])
        pairs = _pair_up(*calls)
        node = _describe(logs, calls, pairs)
        if calls[0].op != calls[1].op or len(calls[0].operands) != len(calls[1].operands):
            return node, f"the {modes[0]} form computes it with {calls[0].op}, the {modes[1]} form with {calls[1].op}"
        apart = next(((a, b) for a, b in pairs if a != b), None)
        if apart is None:
            if calls[0].params != calls[1].params:
                return node, f"the same op on the same bits with other attributes: {calls[0].params} and {calls[1].params}"
            return node, "the same op on the same bits gives other results: the kernels differ or saw another memory layout"
        wanted, before = apart, (at, other_at)


def _origin(log: Log, place: int) -> int:
    """The call at ``place``, or the one behind it that made the value which it only hands on: casts, sums with zeros, ..."""
    while True:
        call = log.calls[place]
        made = log.arrays[call.results[0]]
        handed = next((x for x in call.operands if numpy.array_equal(log.arrays[x], made)), None)
        further = None if handed is None or len(call.results) > 1 else log.maker(handed, place)
        if further is None:
            return place
        place = further


def _outside(places: Sequence[int | None], modes: tuple[str, str], node: Node | None) -> str:
    idle = " and ".join(mode for mode, place in zip(modes, places, strict=True) if place is None)
    if node is None:
        return f"no op of the {idle} form made it: it is given from outside or updated in place"
    return f"an operand that no op of the {idle} form made in this step: it was given, or kept from an earlier step"


def _pair_up(first: Call, second: Call) -> list[tuple[str, str]]:
    """The operands of two calls, side by side; those of a commutative op so that equal ones meet."""
    mine, theirs = list(first.operands), list(second.operands)
    if first.commutative and sorted(mine) != sorted(theirs) and len(mine) == len(theirs) == 2 and set(mine) & set(theirs):
        shared = next(digest for digest in mine if digest in theirs)
        mine.remove(shared)
        theirs.remove(shared)
        return [(shared, shared), (mine[0], theirs[0])]
    if first.commutative and sorted(mine) == sorted(theirs):
        theirs = mine
    return list(zip(mine, theirs, strict=False))


def _describe(logs: tuple[Log, Log], calls: tuple[Call, Call], pairs: Sequence[tuple[str, str]]) -> Node:
    def both(a: str, b: str) -> tuple[numpy.ndarray, numpy.ndarray]:
        return logs[0].arrays[a], logs[1].arrays[b]

    operands = []
    for a, b in pairs:
        arrays = both(a, b)
        operands.append(
            Operand(
                (f"{arrays[0].dtype}{arrays[0].shape}", f"{arrays[1].dtype}{arrays[1].shape}"),
                ulps(*arrays),
                (_begin(arrays[0]), _begin(arrays[1])),
            )
        )
    return Node(
        (calls[0].op, calls[1].op),
        (calls[0].name, calls[1].name),
        (calls[0].where, calls[1].where),
        tuple(operands),
        ulps(*both(calls[0].results[0], calls[1].results[0])),
    )


def _begin(array: numpy.ndarray) -> str:
    """The first elements with every digit."""
    shown = ", ".join(str(x) for x in array.ravel()[:3])
    return f"{shown}, …" if array.size > 3 else shown
