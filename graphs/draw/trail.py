"""Which node of a program is which of the next, what a pass added, and what became of what it removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphs.core.function import Function
from graphs.core.node import Value
from graphs.draw.build import functions_of
from graphs.rewrite import Program, Record


KEPT, ADDED, REMOVED, MERGED, CHANGED = "kept", "added", "removed", "merged", "changed"
"""What happened to a node; ``merged`` ones are gone and another stands for them, ``changed`` ones were changed inside."""


class Trail:
    """Two programs, the second made of the first by a pass.

    Attributes:
        was, now: the programs.
        records: the pass's rewrites.
        nodes: all nodes of ``now``, and those of ``was`` that are gone, in order.
        targets: for a node that is gone, the node of ``now`` that stands for it.
    """

    def __init__(self, was: Program, now: Program, records: Sequence[Record]) -> None:
        self.was = was
        self.now = now
        self.records = records
        self._before = set(was.nodes)
        self._old: dict[Any, Any] = {}
        self._new: dict[Any, Any] = {}
        self._final: dict[Any, Any] = {}
        for node in now.nodes:
            each = node
            while each is not None:
                self._final.setdefault(each, node)
                if each in self._before:
                    self._old[node], self._new[each] = each, node
                    break
                each = getattr(each, "was", None)
        self._given = {x.node for node in now.nodes for x in node.inputs if isinstance(x, Value)} - set(now.nodes)
        self._rule: dict[Any, str] = {}
        self._instead: dict[Any, Any] = {}
        self._part: dict[Any, Any] = {}
        for record in records:
            self._read(record)
        gone = [node for node in was.nodes if node not in self._new]
        self.targets = {node: target for node in gone if (target := self._target(node)) is not None}
        self.nodes = self._ordered(gone)
        self._serials = {old.serial: new.serial for old, new in self._new.items()}
        self._inside = {node: pairs for node, old in self._old.items() if (pairs := _changed_bodies(old, node))}

    @property
    def changed(self) -> bool:
        """Whether the two programs differ."""
        return len(self._new) < len(self.was.nodes) or len(self._old) < len(self.now.nodes) or bool(self._inside)

    def status(self, node: Any) -> str:
        """What happened to a node of ``nodes``."""
        if node in self._old:
            return CHANGED if node in self._inside else KEPT
        if node in self._before:
            return MERGED if node in self.targets else REMOVED
        return ADDED

    def serial(self, serial: int) -> int:
        """The serial under which a node of ``was`` stands in ``nodes``."""
        return self._serials.get(serial, serial)

    def notes(self, node: Any) -> tuple[str, ...]:
        """The rule that made the node or removed it, where there is one."""
        rule = None if node in self._old else self._rule.get(node)
        return () if rule is None else (f"by {rule}",)

    def bodies(self, node: Any) -> list[tuple[str, Function, Function]]:
        """The bodies of a node that were changed, with their words: as they were, and as they are."""
        return self._inside.get(node, [])

    # Following nodes

    def _first(self, node: Any) -> Any:
        """The node that ``node`` is with other inputs: one of ``was``, or one that was made since."""
        while node not in self._before and getattr(node, "was", None) is not None:
            node = node.was
        return node

    def _read(self, record: Record) -> None:
        for node in record.before:
            self._rule.setdefault(self._first(node), record.rule)
        for node in record.after:
            final = self._final.get(node)
            if final is not None and final not in self._old:
                self._rule[final] = record.rule
        for old, new in zip(record.old, record.new, strict=False):
            if isinstance(old, Value) and isinstance(new, Value):
                self._instead.setdefault(self._first(old.node), new.node)
        made = next((x.node for x in record.new if isinstance(x, Value) and x.node in record.after), None)
        for node in record.before:
            self._part.setdefault(self._first(node), made)

    def _target(self, node: Any) -> Any:
        """The node of ``now`` that stands for one that is gone; None where nothing does."""
        seen = set()
        while node is not None and node not in seen:
            seen.add(node)
            found = self._final.get(node)
            if found is not None or node in self._given:
                return found or node
            first = self._first(node)
            node = self._instead.get(first) or self._part.get(first)
        return None

    def _ordered(self, gone: Sequence[Any]) -> list[Any]:
        """Nodes of ``now`` in order, with those that are gone where they stood."""
        place = {node: at for at, node in enumerate(self.was.nodes)}
        keyed: list[tuple[int, int, int, Any]] = [(place[node], 0, 0, node) for node in gone]
        last = -1
        for at, node in enumerate(self.now.nodes):
            old = self._old.get(node)
            last = last if old is None else place[old]
            keyed.append((last, 2 if old is None else 1, at, node))
        return [node for *_, node in sorted(keyed, key=lambda each: each[:3])]


def _changed_bodies(old: Any, new: Any) -> list[tuple[str, Function, Function]]:
    if old is new or old.params is new.params:
        return []
    before = dict(functions_of(old))
    pairs = [(word, before.get(word), body) for word, body in functions_of(new)]
    return [(word, was, now) for word, was, now in pairs if was is not None and was is not now]
