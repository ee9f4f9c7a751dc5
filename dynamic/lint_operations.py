"""What a lint sees in operations as they run: tapes that grow, forms that lose digits, columns against rows."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from dynamic.apply import Carried
from dynamic.lint_gradients import checksum
from dynamic.tape import Record
from graphs.core.errors import Where, user_line
from graphs.core.op import Op
from graphs.inspection.lint import Findings, place, same_line
from graphs.inspection.lint_forms import Saturation, crossed, probabilities, reduces, saturated, saturation


_PASSES = 5
"""A tape that reaches back over so many backward passes grows without end."""

_RECENT = 256
"""Results without history that are remembered, with what made them."""

_COLUMNS = frozenset(["expand_dims", "reshape", "index", "getitem", "slice"])
"""Ops that make a column on purpose, if they stand on the line that uses it."""


class Mark(NamedTuple):
    """What is kept with a record: when it was made, over how many backward passes it reaches back, what it saved."""

    generation: int
    span: int
    clock: int
    sums: tuple[int, ...]
    crossed: tuple[Any, ...] | None


class _Made(NamedTuple):
    """What made an array: its op, the first operand's shape, and the line."""

    array: weakref.ref[Any]
    op: str
    shape: Any
    where: Where | None


class Operations:
    """The account of operations.

    Attributes:
        generation: how many backward passes there have been.
        clock: how many operations and steps of optimizers.
    """

    def __init__(self, found: Findings) -> None:
        self.found = found
        self.generation = 0
        self.clock = 0
        self._recent: OrderedDict[int, _Made] = OrderedDict()
        self._logs: dict[Any, tuple[Where | None, Saturation, int, int]] = {}

    def look(self, op: Op, args: tuple[Any, ...], result: Any) -> None:
        """Look at an operation that has run."""
        self.clock += 1
        first = result[0] if isinstance(result, tuple) else result
        record = None if first._edge is None else first._edge.node
        if record is None or record.op.name != op.name:
            self._remember(op, args, first._array)
            return
        span, generation, crosses = 0, self.generation, False
        for edge in record.edges:
            mark = None if edge is None else vars(edge.node).get("lint")
            if mark is not None:
                before = mark.generation < generation
                crosses |= before
                span = max(span, mark.span + before)
        arrays = (*record.saved, *record.outs)
        line = self._crossing(op, args, record)
        vars(record)["lint"] = Mark(generation, span, self.clock, tuple(map(checksum, arrays)), line)
        if crosses and span >= _PASSES:
            message = f"what this line computes leads back over {span} backward passes, and further with each: {op.name}"
            self.found.add("growing-tape", "dynamic", record.where, message, (record.name,))
        if op.name == "broadcast_to":
            self._remember(op, args, first._array)
        hit = saturation(record)
        if hit is not None:
            self._logarithm(op, args[-1]._array, hit, record)
        source = probabilities(record)
        if source is not None:
            message = f"{op.name} takes logits and is given the result of {source.op.name} from {place(source.where)}"
            self.found.add("softmax-twice", "dynamic", record.where, message, (record.name,))

    def _logarithm(self, op: Op, x: Any, hit: Saturation, record: Record) -> None:
        """Take note of the logarithm of what saturates."""
        zeros = int(numpy.count_nonzero((x + 1 if op.name == "log1p" else x) == 0))
        if not hit.direct and not (zeros and saturated(hit.source.outs[0])):
            return
        at = record.where
        key = (at.code, at.lasti)
        before = self._logs.get(key)
        if before is None or zeros > before[2]:
            self._logs[key] = (at, hit, zeros, x.size)

    def _remember(self, op: Op, args: tuple[Any, ...], array: Any) -> None:
        if array.__class__ is not numpy.ndarray:
            return
        shape = args[0]._array.shape if args and isinstance(args[0], Carried) else None
        self._recent[id(array)] = _Made(weakref.ref(array), op.name, shape, user_line(4))
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)

    def _maker(self, array: Any) -> _Made | None:
        made = self._recent.get(id(array))
        return made if made is not None and made.array() is array else None

    def _crossing(self, op: Op, args: tuple[Any, ...], record: Record) -> tuple[Any, ...] | None:
        """The shapes of a prediction and a target that are broadcast against each other, None where they are not."""
        pair = args[:2]
        if (
            len(pair) < 2
            or not all(isinstance(x, Carried) for x in pair)
            or (pair[0]._edge is None) == (pair[1]._edge is None)
        ):
            return None
        made = [self._maker(x._array) for x in pair]
        shapes = [
            m.shape if m is not None and m.op == "broadcast_to" else x._array.shape for x, m in zip(pair, made, strict=True)
        ]
        if not crossed(record, shapes):
            return None
        column = 0 if len(shapes[0]) == 2 else 1
        edge, known = pair[column]._edge, made[column]
        name, line = (
            (edge.node.op.name, edge.node.where) if edge is not None else (known.op, known.where) if known else ("", None)
        )
        meant = name in _COLUMNS and same_line(line, record.where)
        return None if meant else tuple(shapes)

    def crossings(self, nodes: Sequence[Any], roots: Sequence[Any]) -> None:
        """Report predictions broadcast against targets on the way to a loss."""
        marked = {node for node in nodes if (mark := vars(node).get("lint")) is not None and mark.crossed is not None}
        if not marked:
            return
        plain = {edge.node for edge, _ in roots}
        for node in reversed(nodes):
            if node in plain and reduces(node) and node not in marked:
                plain.update(edge.node for edge in node.edges if edge is not None)
        for node in nodes:
            if node in marked and node in plain:
                one, other = vars(node)["lint"].crossed
                size = max(one[0], other[0])
                message = f"a tensor of shape {one} against one of shape {other} is {size} by {size} numbers in the loss"
                self.found.add("broadcast-loss", "dynamic", node.where, message, (node.name,))

    def finish(self) -> None:
        """Report what only the whole run tells."""
        for where, hit, most, size in self._logs.values():
            seen = f"; here, of {size} numbers, {most} were 0 and their logarithms infinite" if most else ""
            message = f"{hit.text} loses its digits, and then is -inf, where {hit.source.op.name} saturates{seen}"
            self.found.add("log-of-saturated", "dynamic", where, message, (hit.source.name,))
