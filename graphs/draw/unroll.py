"""A loop drawn round after round: its body as often as asked, the states handed on, and one box for what is left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from graphs.core.arrays import is_array
from graphs.core.function import Function
from graphs.core.node import Value
from graphs.draw.collect import collect
from graphs.draw.picture import Item, Link, Picture, program
from graphs.draw.protocol import FORWARD


MOST_ITEMS = 20_000
"""A picture with more boxes is unrolled no further: loops within loops grow by a power of the rounds."""


class _Body(NamedTuple):
    """A body's picture, and where its inputs and outputs are in it."""

    picture: Picture
    inputs: dict[int, int]
    outputs: list[tuple[int, int, int] | int | None]


def unrolled(picture: Picture, rounds: int) -> Picture:
    """``picture`` with the first ``rounds`` rounds of each loop beside each other, those of loops inside them too.

    A loop's own box comes last: it stands for the rounds that are left, takes the last states, and hands on the results.
    """
    while len(picture.items) < MOST_ITEMS:
        loops = [item for item in picture.items if _is_rolled(item)]
        if not loops:
            break
        picture = _Unrolling(picture, loops, rounds).picture()
    return picture


def _is_rolled(item: Item) -> bool:
    return item.node is not None and not item.title and item.node.op.name == "loop" and "body" in item.node.params


class _Unrolling:
    """A picture in the making in which some items are replaced by rounds."""

    def __init__(self, was: Picture, loops: Sequence[Item], rounds: int) -> None:
        self.was = was
        self.rounds = rounds
        self.loops = {item.key for item in loops}
        self.items: list[Item] = []
        self.key_of: dict[int, int] = {}
        self.links: list[Link] = []
        self.clusters = dict(was.clusters)
        self.into: dict[int, list[Link]] = {}
        self.loose: list[Link] = []
        for link in was.links:
            if link.head in self.loops and link.kind in ("data", "shape"):
                self.into.setdefault(link.head, []).append(link)
            else:
                self.loose.append(link)

    def picture(self) -> Picture:
        """The picture, its items numbered anew."""
        for item in self.was.items:
            if item.key in self.loops:
                self._loop(item)
            else:
                self._add(item, item.key)
        ends = (replace(link, tail=self.key_of[link.tail], head=self.key_of[link.head]) for link in self.loose)
        pairs = [(self.key_of[a], self.key_of[b]) for a, b in self.was.pairs]
        for item in self.items:
            item.of = self.key_of.get(item.of) if item.of is not None else None
        return replace(self.was, items=self.items, links=[*self.links, *ends], pairs=pairs, clusters=self.clusters)

    def _add(self, item: Item, old: int | None = None) -> int:
        key = len(self.items)
        self.items.append(replace(item, key=key))
        if old is not None:
            self.key_of[old] = key
        return key

    def _loop(self, item: Item) -> None:
        node = item.node
        params = {"states": 0, "sums": 0, "sequences": 0, "reverse": False, **node.params}
        states, sums, sequences = params["states"], params["sums"], params["sequences"]
        body = _pictured(node.params["body"], item.phase)
        known = _length(node)
        count = self.rounds if known is None else min(self.rounds, known)
        given = {link.at: link for link in self.into.get(item.key, ())}
        arriving: list[Link] = []
        handed: dict[int, tuple[int, Link]] = {
            at: (self.key_of[given[1 + at].tail], given[1 + at]) for at in range(states) if 1 + at in given
        }
        scope = (*item.scope, _name(item))
        if count:
            self.clusters[scope] = "round"
        for number in range(count):
            inside = (*scope, f"round {number + 1}")
            self.clusters[inside] = "round"
            place = {
                each.key: self._add(replace(each, scope=(*inside, *_own(each.scope, item)), root=False))
                for each in body.picture.items
                if each.key not in body.inputs.values()
            }
            at_input = {key: at for at, key in body.inputs.items()}
            for link in body.picture.links:
                if link.head not in place:
                    continue
                if link.tail in place:
                    self.links.append(replace(link, tail=place[link.tail], head=place[link.head]))
                    continue
                at = at_input[link.tail]
                if at < states:
                    source = handed.get(at)
                    label = ""
                else:
                    operand = given.get(1 + at if at < states else 1 + sums + at)
                    source = None if operand is None else (self.key_of[operand.tail], operand)
                    index = -1 - number if params["reverse"] else number
                    label = f"[{index}]" if at < states + sequences else ""
                if source is not None:
                    value = None if label else source[1].value
                    self.links.append(replace(link, tail=source[0], head=place[link.head], label=label, value=value))
            after = dict(handed)
            for at, out in enumerate(body.outputs):
                made = self._made(out, place, handed, given, states, sums)
                if made is None:
                    continue
                if at < states:
                    after[at] = made
                else:
                    label = "added up" if at >= len(body.outputs) - sums else f"[{number}]"
                    arriving.append(replace(made[1], tail=made[0], head=-1, label=label, kind="data"))
            handed = after
        arriving += [replace(link, tail=tail, head=-1, label="") for tail, link in handed.values()]
        self._close(item, known, count, arriving, given)

    def _made(
        self,
        out: Any,
        place: dict[int, int],
        handed: dict[int, tuple[int, Link]],
        given: dict[int, Link],
        states: int,
        sums: int,
    ) -> tuple[int, Link] | None:
        """Where a result of a round comes from: an item of the round, or what the round was given."""
        if isinstance(out, tuple):
            key, serial, index = out
            spec = self.items[place[key]].node.specs[index]
            return place[key], Link(place[key], -1, spec=spec, value=(serial, index))
        if out is None:
            return None
        if out < states:
            return handed.get(out)
        operand = given.get(1 + sums + out)
        return None if operand is None else (self.key_of[operand.tail], operand)

    def _close(self, item: Item, known: int | None, count: int, arriving: Iterable[Link], given: dict[int, Link]) -> None:
        left = None if known is None else known - count
        words = "end of loop" if left == 0 else f"\u2026 {left:,} more rounds" if left else "\u2026 more rounds"
        if left == 1:
            words = "\u2026 1 more round"
        scope = (*item.scope, _name(item)) if count else item.scope
        cond = item.node.params.get("cond")
        bodies = () if cond is None else (("cond", _condition(cond)),)
        key = self._add(replace(item, title=words, scope=scope, bodies=bodies), item.key)
        self.links += [replace(link, head=key) for link in arriving]
        params = item.node.params
        first = 1 + params.get("states", 0) + params.get("sums", 0)
        sliced = range(first, first + params.get("sequences", 0)) if count else ()
        self.links += [
            replace(link, tail=self.key_of[link.tail], head=key, label="the rest" if at in sliced else "")
            for at, link in given.items()
            if left != 0 and (at >= first or at == 0 or not count)
        ]


def _name(item: Item) -> str:
    return f"{item.node.params['body'].name}, round by round"


def _own(scope: tuple[str, ...], loop: Item) -> tuple[str, ...]:
    """The scopes of a node in a body beyond those that the loop itself stands in."""
    return scope[len(loop.scope) :] if scope[: len(loop.scope)] == loop.scope else scope


def _condition(cond: Function) -> Picture:
    """What decides whether there is another round."""
    body = _pictured(cond, FORWARD)
    for at, key in body.inputs.items():
        body.picture.items[key].title = f"input {at}"
    return replace(body.picture, title=cond.name)


def _pictured(body: Function, phase: str) -> _Body:
    inner = program(collect(body), "forward", lambda _: FORWARD)
    for each in inner.items:
        each.phase = phase
    by_serial = {each.node.serial: each.key for each in inner.items}
    inputs = {at: by_serial[value.node.serial] for at, value in enumerate(body.inputs)}
    places = {value.node.serial: at for at, value in enumerate(body.inputs)}
    outputs: list[Any] = []
    for out in body.outputs:
        if not isinstance(out, Value):
            outputs.append(None)
        elif out.node.serial in places:
            outputs.append(places[out.node.serial])
        else:
            outputs.append((by_serial[out.node.serial], out.node.serial, out.index))
    return _Body(inner, inputs, outputs)


def _length(node: Any) -> int | None:
    """How many rounds a loop makes, where that is known before it runs."""
    if node.params.get("cond") is not None:
        return None
    sequences = node.params.get("sequences", 0)
    first = 1 + node.params.get("states", 0) + node.params.get("sums", 0)
    known = getattr(node, "inputs", None) or getattr(node, "saved", None) or ()
    if known and isinstance(known[0], int):
        return known[0] if known[0] >= 0 else None
    if known and is_array(known[0]) and known[0].ndim == 0:
        return int(known[0]) if int(known[0]) >= 0 else None
    for at, edge in enumerate(node.edges):
        if first <= at < first + sequences and edge is not None:
            dims = edge.node.specs[edge.index].dims
            if dims and dims[0] is not None:
                return int(dims[0])
    return None
