"""The pictures of a tape: its records forwards, the way back that they will go, or both side by side."""

from __future__ import annotations

from typing import Any

import networkx

from graphs.core.arrays import is_array
from graphs.core.spec import Spec
from graphs.draw.labels import given_name
from graphs.draw.picture import Item, Link, Picture
from graphs.draw.protocol import BACKWARD, FORWARD, arguments, scope_of
from graphs.draw.style import kind_of


def tape(graph: networkx.MultiDiGraph, view: str, arrays: dict[tuple[int, int], Any] | None = None) -> Picture:
    """The picture of collected records. Data that is on no record goes into ``arrays`` under the links' ``value``.

    The forward view has the arguments that no gradient flows into, too, as far as the tape knows them. The backward view has
    for each record the function that its gradient will go through, the last first. The joined view sets the two side by
    side, with what is kept for the way back between them.
    """
    records = [node for _, node in graph.nodes(data="node")]
    if view == "backward":
        return _Backward(records[::-1], 0).picture
    forward = _Forward(records)
    if arrays is not None:
        arrays.update(forward.arrays)
    if view == "forward":
        return forward.picture
    back = _Backward(records, len(forward.picture.items), upwards=True)
    pairs = [(forward.key_of[r.serial], back.key_of[r.serial]) for r in records]
    links = [*forward.picture.links, *back.picture.links, *_kept(records, forward, back.key_of)]
    return Picture([*forward.picture.items, *back.picture.items], links, pairs)


class _Forward:
    """Records as they ran."""

    def __init__(self, records: list[Any]) -> None:
        self.key_of: dict[int, int] = {}
        self.outside: dict[tuple[int, int], int] = {}
        self.arrays: dict[tuple[int, int], Any] = {}
        self._known: dict[int, int] = {}
        items: list[Item] = []
        links: list[Link] = []
        for record in records:
            fed = []
            for at, (edge, given) in enumerate(zip(record.edges, arguments(record), strict=True)):
                if edge is not None:
                    value = (edge.node.serial, edge.index)
                    fed.append(Link(self.key_of[edge.node.serial], -1, spec=edge.node.specs[edge.index], value=value, at=at))
                elif _is_data(record, given):
                    key = self._key_of_data(given, items)
                    self.outside[record.serial, at] = key
                    fed.append(Link(key, -1, spec=_spec_of(given), value=(-1 - key, 0), at=at))
            key = self.key_of[record.serial] = len(items)
            items.append(Item(key, kind_of(record, FORWARD), record, FORWARD, scope_of(record)))
            for link in fed:
                link.head = key
            links += fed
        self.picture = Picture(items, links)

    def _key_of_data(self, given: Any, items: list[Item]) -> int:
        """The item of an array that is not on the tape: one for each array, one for each use of what was not kept."""
        known = self._known.get(id(given)) if is_array(given) else None
        if known is None:
            known = len(items)
            items.append(Item(known, "constant", None, title="data"))
            if is_array(given):
                self.arrays[-1 - known, 0] = given
                self._known[id(given)] = known
        return known


class _Backward:
    """The functions that gradients go through, one for each of ``records``."""

    def __init__(self, records: list[Any], first: int, *, upwards: bool = False) -> None:
        self.key_of = {record.serial: first + at for at, record in enumerate(records)}
        items = [
            Item(
                self.key_of[record.serial],
                "variable" if not record.edges else "gradient",
                record,
                BACKWARD,
                scope_of(record),
                title=record.label,
                notes=() if record.edges else (given_name(record),),
                freed=_is_freed(record),
            )
            for record in records
        ]
        links = [
            Link(
                self.key_of[record.serial],
                self.key_of[edge.node.serial],
                "gradient",
                edge.node.specs[edge.index],
                upwards=upwards,
                value=(edge.node.serial, edge.index),
                at=at,
            )
            for record in records
            for at, edge in enumerate(record.edges)
            if edge is not None
        ]
        self.picture = Picture(items, links)


def _kept(records: list[Any], forward: _Forward, back: dict[int, int]) -> list[Link]:
    """From each value that a gradient rule will read to the function that reads it; or would have, were it not freed."""
    links = []
    for record in records:
        saved = getattr(record, "saved", None) or ()
        kept: list[tuple[int, Spec | None]] = []
        for at, array in enumerate(saved):
            if is_array(array):
                edge = record.edges[at]
                tail = forward.outside[record.serial, at] if edge is None else forward.key_of[edge.node.serial]
                kept.append((tail, Spec.of(array)))
        outs = getattr(record, "outs", ())
        if any(is_array(made) for made in outs):
            kept.append((forward.key_of[record.serial], Spec.of(next(made for made in outs if is_array(made)))))
        specs = dict(reversed(kept))
        links += [Link(tail, back[record.serial], "saved", specs[tail]) for tail in dict.fromkeys(tail for tail, _ in kept)]
        links += [Link(tail, back[record.serial], "freed", spec) for tail, spec in _freed(record, forward)]
    return links


def _is_freed(record: Any) -> bool:
    """Whether a way back has let go of what a record had kept: it cannot go there again."""
    return bool(record.edges) and getattr(record, "saved", None) is None and bool(getattr(record, "held", ()))


def _freed(record: Any, forward: _Forward) -> list[tuple[int, Spec | None]]:
    """The values that a freed record had kept, as far as they are on the tape."""
    if not _is_freed(record):
        return []
    args, out = record.op.keep(tuple(edge is not None for edge in record.edges))
    found: dict[int, Spec | None] = {}
    for edge, keep in zip(record.edges, args, strict=False):
        if edge is not None and keep:
            found.setdefault(forward.key_of[edge.node.serial], edge.node.specs[edge.index])
    if out and record.specs:
        found.setdefault(forward.key_of[record.serial], record.specs[0])
    return list(found.items())


def _is_data(record: Any, given: Any) -> bool:
    """Whether an argument without an edge was an array; those of a tape that has been freed are not known any more."""
    if is_array(given):
        return given.ndim > 0
    return isinstance(given, tuple) or (given is None and getattr(record, "saved", None) is not None)


def _spec_of(given: Any) -> Spec | None:
    """The spec of an argument that is an array or was one; None where it is not known."""
    if is_array(given):
        return Spec.of(given)
    return Spec(*given) if isinstance(given, tuple) else None
