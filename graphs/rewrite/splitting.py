"""Inside a loop: products and sums taken apart, so that what no round needs, or what none has to wait for, can leave.

``concat(x, h) @ w`` becomes ``x @ w[:n] + h @ w[n:]`` where ``x`` comes from a sequence: that is how a recurrent cell is
written, and what makes it fast. Its gradient's product is taken apart in the same way where no round reads one of its parts.
Terms that are known before the loop are added up first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from typing import Any

from graphs.core.node import Value
from graphs.core.spec import axis_of
from graphs.ops import add, concat, getitem, matmul, split, split_like
from graphs.ops.slicing import Slice
from graphs.rewrite.lateness import Lateness, constants_of
from graphs.rewrite.lifting import Lifting
from graphs.rewrite.loops import edge
from graphs.rewrite.program import spec_of


MOST_SUMS = 32
"""Sums of sums that are looked into for terms; beyond, a sum is a term. Else long sums would take time by their square."""


class Splitting:
    """Takes nodes of a body apart as it is gone through."""

    def __init__(self, lifting: Lifting) -> None:
        parts, body = lifting.outside.parts, lifting.body
        self.lifting = lifting
        constants = constants_of(body.nodes, lifting.constant) | set(lifting.constant)
        kept = [x for i, x in enumerate(parts.stacked) if i in parts.boxed]
        self.lateness = Lateness(body.nodes, (*parts.following, *kept, *parts.summed), constants.__contains__)

    def split(self, node: Any, old: Any) -> bool:
        """Put something else in the place of ``node``, if that pays."""
        if node.after or node.outputs[0].spec.dtype.kind != "f":
            return False
        if node.op is matmul:
            return self._product(node, old)
        if node.op in (split, split_like):
            return self._columns(node, old)
        return node.op is add and self._sum(node, old)

    # Products with parts side by side

    def _product(self, node: Any, old: Any) -> bool:
        lifting = self.lifting
        left, right = node.inputs
        joined = left.node if isinstance(left, Value) else None
        if joined is None or joined.op is not concat or not self._is_matrix(right) or spec_of(left).ndim != 2:
            return False
        widths = [spec_of(x).shape[-1] for x in joined.inputs]
        axis = axis_of(joined.params.get("axis", 0), 2)
        free = [lifting.free(x) for x in joined.inputs]
        if axis != 1 or None in widths or not any(free) or all(free):
            return False
        record = lifting.outside.fire("split_product")
        if record is None:
            return False
        starts = dict(enumerate((0, *accumulate(widths))))
        total: list[Any] = []
        for _, group in groupby(range(len(widths)), key=free.__getitem__):
            places = list(group)
            parts = [joined.inputs[i] for i in places]
            side = parts[0] if len(parts) == 1 else lifting.new(node, concat, *parts, axis=1)
            rows = lifting.new(node, getitem, right, index=(Slice(starts[places[0]], starts[places[-1] + 1]),))
            total.append(lifting.new(node, matmul, side, rows))
        total.sort(key=lambda x: not lifting.free(x))
        value = total[0]
        for other in total[1:]:
            value = lifting.new(node, add, value, other)
        lifting.outside.fill(record, [joined, node], self._fresh(value, (*joined.inputs, right)), node.outputs, [value])
        lifting.instead(node, old, [value])
        return True

    def _is_matrix(self, x: Any) -> bool:
        return isinstance(x, Value) and edge(x) in self.lifting.constant and spec_of(x).ndim == 2

    @staticmethod
    def _fresh(value: Any, leaves: Sequence[Any]) -> list[Any]:
        """The nodes between ``leaves`` and ``value``, in order."""
        stops = {edge(x) for x in leaves if isinstance(x, Value)}
        found: dict[Any, None] = {}
        stack = [value]
        while stack:
            x = stack.pop()
            if isinstance(x, Value) and edge(x) not in stops and x.node not in found:
                found[x.node] = None
                stack.extend(x.node.inputs)
        return sorted(found, key=lambda node: node.serial)

    # Products of which only parts are needed

    def _columns(self, node: Any, old: Any) -> bool:
        """A product cut into parts of different ends: those that a round waits for, others, and those that nobody reads."""
        lifting = self.lifting
        product = node.inputs[0].node if isinstance(node.inputs[0], Value) else None
        if product is None or product.op is not matmul or lifting.reads(node.inputs[0]) != 1:
            return False
        left, right = product.inputs
        axis = {**node.op.attributes, **node.params}["axis"]
        widths = [out.spec.shape[-1] if out.spec.ndim == 2 else None for out in node.outputs]
        if not self._is_matrix(right) or None in widths or axis_of(axis, 2) != 1 or lifting.free(left):
            return False
        ends = [(edge(x) in lifting.uses, self.lateness.waits(x)) for x in old.outputs]
        if len(set(ends)) == 1:
            return False
        record = lifting.outside.fire("split_columns")
        if record is None:
            return False
        starts = (0, *accumulate(widths))
        values: list[Any] = []
        for end, group in groupby(range(node.width), key=ends.__getitem__):
            places = list(group)
            if not end[0]:
                values += [None] * len(places)
                continue
            index = (Slice(), Slice(starts[places[0]], starts[places[-1] + 1]))
            part = lifting.new(product, matmul, left, lifting.new(product, getitem, right, index=index))
            if len(places) > 1:
                part = lifting.new(node, split, part, sections=tuple(widths[i] for i in places), axis=1)
            values += part if isinstance(part, tuple) else [part]
        read = [(out, x) for out, x in zip(node.outputs, values, strict=True) if x is not None]
        fresh = {each for _, x in read for each in self._fresh(x, (left, right))}
        after = sorted(fresh, key=lambda each: each.serial)
        lifting.outside.fill(record, [product, node], after, [out for out, _ in read], [x for _, x in read])
        lifting.instead(node, old, values)
        return True

    # Sums

    def _sum(self, node: Any, old: Any) -> bool:
        """Of a sum's terms those that can be had outside are added up first."""
        lifting = self.lifting
        dtype = node.outputs[0].spec.dtype
        terms = list(self._terms(node))
        free = [x for x in terms if lifting.cheap(x)]
        rest = [x for x in terms if not lifting.cheap(x)]
        if len(free) < 2 or not rest or all(map(lifting.free, terms)):
            return False
        if all(isinstance(x, (int, float)) for x in free):  # no dtype is theirs: what they add up to would be float64
            return False
        if any(spec_of(x).dtype != dtype or spec_of(x).dims is None for x in terms if isinstance(x, Value)):
            return False
        record = lifting.outside.fire("sum_of_fixed")
        if record is None:
            return False
        free.sort(key=lambda x: -(spec_of(x).ndim if isinstance(x, Value) else -1))
        value = free[0]
        for other in (*free[1:], *rest):
            value = lifting.new(node, add, value, other)
        before = self._fresh(node.outputs[0], terms)
        lifting.outside.fill(record, before, self._fresh(value, terms), node.outputs, [value])
        lifting.instead(node, old, [value])
        return True

    def _terms(self, node: Any) -> Iterator[Any]:
        """The terms of a sum, through sums that nothing else reads, from left to right."""
        stack = list(reversed(node.inputs))
        left = MOST_SUMS
        while stack:
            x = stack.pop()
            inner = x.node if isinstance(x, Value) and not self.lifting.free(x) else None
            if inner is None or inner.op is not add or inner.after or self.lifting.reads(x) != 1 or left <= 0:
                yield x
            else:
                left -= 1
                stack.extend(reversed(inner.inputs))
