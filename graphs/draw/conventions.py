"""Three ways to draw one program: ops as boxes, values as boxes with the ops on arrows, and both.

The first is how graphs of operations are drawn, the second how PyTorch's tutorials speak ("nodes are tensors, edges are
functions"), the third how Chainer and Theano draw: an op, its result, the next op.
"""

from __future__ import annotations

from dataclasses import replace

from graphs.core.spec import Spec, show
from graphs.draw.labels import title
from graphs.draw.picture import Item, Link, Picture
from graphs.draw.protocol import BACKWARD
from graphs.draw.style import SOURCES


NODES = ("ops", "tensors", "both")
"""What can be drawn as boxes."""

Slot = tuple[str, int, int]
"""A value of the picture: of the way forward or back, the key of the item that makes it, and which output it is."""


def as_nodes(picture: Picture, nodes: str) -> Picture:
    """``picture``, which has ops as boxes, with values as boxes (``"tensors"``) or as boxes besides (``"both"``)."""
    if nodes == "ops":
        return picture
    return _Values(picture, both=nodes == "both").picture()


class _Values:
    """The values of a picture, each a box behind the item that makes it."""

    def __init__(self, picture: Picture, *, both: bool) -> None:
        self.was = picture
        self.both = both
        self.by_key = {item.key: item for item in picture.items}
        self.key_of: dict[Slot, int] = {}
        self.specs: dict[Slot, Spec | None] = {}
        self.told: dict[Slot, Link] = {}
        self.of_item: dict[int, list[Slot]] = {}
        self.fed: set[int] = set()
        for link in picture.links:
            if link.kind in ("data", "shape"):
                self._note(("value", link.tail, self._output(link)), link.spec, link)
            elif self._flows(link):
                self._note(("gradient", link.head, 0), link.spec, link)
        for item in picture.items:
            if item.key not in self.of_item and self._yields(item):
                self._note(("value", item.key, 0), item.node.specs[0])

    def picture(self) -> Picture:
        """The boxes in order, and what leads from one to the next."""
        items: list[Item] = []
        order: dict[int, int] = {}
        for item in self.was.items:
            if self._stays(item):
                order[item.key] = len(items)
                items.append(self._source(replace(item, key=len(items))))
            for slot in self.of_item.get(item.key, ()):
                if self._alone(slot):
                    self.key_of[slot] = order[item.key]
                    continue
                self.key_of[slot] = len(items)
                items.append(self._box(slot, item, len(items)))
        self.order = order
        links = self._both_links() if self.both else self._links()
        pairs = [(self._end(a), self._end(b)) for a, b in self.was.pairs]
        for item in items:
            item.of = None if item.of is None else self._end(item.of)
        return replace(self.was, items=items, links=links, pairs=pairs)

    # Which boxes there are

    def _note(self, slot: Slot, spec: Spec | None, link: Link | None = None) -> None:
        if link is not None and link.notes:
            self.told.setdefault(slot, link)
        if slot not in self.specs:
            self.specs[slot] = spec
            self.of_item.setdefault(slot[1], []).append(slot)

    def _flows(self, link: Link) -> bool:
        """Whether a value flows along a link; what an optimiser is handed is a gradient that has a box already."""
        return link.kind in ("data", "shape") or (link.kind == "gradient" and self.by_key[link.head].kind != "change")

    @staticmethod
    def _output(link: Link) -> int:
        return link.value[1] if link.value is not None else 0

    @staticmethod
    def _yields(item: Item) -> bool:
        return item.kind == "gradient" or (item.node is not None and bool(item.node.specs) and item.phase != BACKWARD)

    def _stays(self, item: Item) -> bool:
        """Whether an item is a box: an op among ops and values, a source, or what yields no value."""
        return self.both or item.kind in SOURCES or item.kind == "fold" or item.key not in self.of_item

    def _source(self, item: Item) -> Item:
        """An item that stays; among values the end of a way back is where the gradient is kept: ``w1.grad``."""
        if self.both or item.kind != "variable" or item.phase != BACKWARD:
            return item
        return replace(item, title=f"{(item.notes or ('parameter',))[0] or 'parameter'}.grad", notes=item.notes[1:])

    def _alone(self, slot: Slot) -> bool:
        """Whether a value needs no box beside its item: a source's is the source, a leaf's gradient where that is kept."""
        return self.by_key[slot[1]].kind in SOURCES and slot[2] == 0 and (slot[0] == "value" or not self.both)

    def _box(self, slot: Slot, item: Item, key: int) -> Item:
        spec = self.specs[slot]
        words = "value" if spec is None else show(spec.dims)
        flows, _, output = slot
        back = flows == "gradient" or (item.kind == "gradient" and bool(item.title))
        name = f"gradient {words}" if back else f"{words} [{output}]" if output else words
        dtype = () if spec is None or spec.dtype.name == self.was.dtype else (spec.dtype.name,)
        notes = (*dtype, *self.told[slot].notes) if slot in self.told else dtype
        if self.both:
            return Item(
                key, "tensor", item.node, item.phase, item.scope, name, notes, count=0, status=item.status, freed=item.freed
            )
        made = replace(item, key=key, title=name, notes=(*item.notes, *notes))
        return replace(made, kind="tensor") if item.kind == "operation" else made

    # What leads where

    def _end(self, key: int) -> int:
        """The box that an item's links end at which are none of values."""
        if key in self.order:
            return self.order[key]
        return self.key_of[self.of_item[key][0]]

    def _value_of(self, link: Link) -> int:
        if link.kind == "gradient":
            return self.key_of["gradient", link.head, 0]
        return self.key_of["value", link.tail, self._output(link)]

    def _both_links(self) -> list[Link]:
        links: list[Link] = []
        fed: set[int] = set()
        for link in (_bare(link) for link in self.was.links):
            tail, head = self._end(link.tail), self._end(link.head)
            if not self._flows(link):
                if link.kind in ("saved", "freed") and (slots := self.of_item.get(link.tail)):
                    tail = self.key_of[slots[0]]
                links.append(replace(link, tail=tail, head=head))
                continue
            value = self._value_of(link)
            if link.kind == "gradient":
                links.append(replace(link, tail=tail, head=value))
                if value not in fed:
                    fed.add(value)
                    links.append(replace(link, tail=value, head=head))
                continue
            if value != tail and value not in self.fed:
                self.fed.add(value)
                links.append(replace(link, tail=tail, head=value, kind="data", label=""))
            links.append(replace(link, tail=value, head=head))
        for slot, key in self.key_of.items():
            if key not in self.fed and slot[0] == "value" and not self._alone(slot):
                links.append(Link(self._end(slot[1]), key, value=None))
        return links

    def _links(self) -> list[Link]:
        """From each value that an op reads to each that it makes, with the op's name; several inputs are told apart."""
        links = []
        reads: dict[int, list[Link]] = {}
        for link in self.was.links:
            if self._flows(link):
                reads.setdefault(link.tail if link.kind == "gradient" else link.head, []).append(link)
            else:
                links.append(replace(link, tail=self._end(link.tail), head=self._end(link.head)))
        for key, read in reads.items():
            item = self.by_key[key]
            several = len({self._value_of(link) for link in read if link.kind != "gradient"}) > 1
            for link in read:
                if link.kind == "gradient":
                    tail = self.key_of.get(("gradient", key, 0), self._end(key))
                    heads = [self._value_of(link)]
                else:
                    tail = self._value_of(link)
                    heads = [self.order[key]] if self._stays(item) else [self.key_of[slot] for slot in self.of_item[key]]
                name = _named(item, link, several)
                label = f"{name} {link.label}".strip()
                links += [replace(_bare(link), tail=tail, head=head, label=label) for head in heads if head != tail]
        return links


def _bare(link: Link) -> Link:
    """A link on which nothing of the value stands that its box says."""
    return replace(link, spec=None, count=1, notes=(), numbers={}) if link.kind in ("data", "shape", "gradient") else link


def _named(item: Item, link: Link, several: bool) -> str:
    """The op's name for an arrow, and the argument's where there are several."""
    if item.kind == "fold" or item.node is None:
        return ""
    name = title(item)
    known = list(item.node.op.names)
    if not several or link.at >= len(known):
        return name
    return f"{name} \u00b7 {known[link.at].lstrip('_')}"
