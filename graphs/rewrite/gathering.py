"""Sums over the rounds, had at once: a weight's gradient is one product of all rounds' inputs with all rounds' gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from graphs import ops
from graphs.core.node import Value
from graphs.core.spec import axes_of, axis_of
from graphs.rewrite.program import is_pure, spec_of
from graphs.rewrite.rounds import product_of_rows, sum_of_rounds


class Gathered(NamedTuple):
    """How a sum over the rounds can be had after them.

    Attributes:
        bases: the values of the body that are needed of all rounds.
        nodes: the nodes of the body that no round needs then.
        build: makes the sum.
    """

    bases: tuple[Value, ...]
    nodes: tuple[Any, ...]
    build: Callable[[], Any]


_LINEAR = frozenset([
    ops.negative, ops.matrix_transpose, ops.transpose, ops.swapaxes, ops.reshape, ops.expand_dims, ops.squeeze, ops.flip,
    ops.put_like, ops.reshape_like, ops.put_at_like, ops.identity,
])  # fmt: skip
"""Ops that are linear in their first operand; the others, shapes to go by, are constants."""


class Gathering:
    """Looks at sums over the rounds of one loop.

    ``at`` has what is known of the loop: ``whole(x)``, ``constant(x)`` and ``at_hand(x)`` say whether a value is to be had
    before the loop for all rounds, is the same in each, or can be had after it; ``reads(x)`` how often it is read; ``make``
    makes nodes beside the loop, of ``fixed(x)`` and ``all(x)``.
    """

    def __init__(self, at: Any) -> None:
        self.at = at

    def sum(self, x: Any) -> Gathered | None:
        """How to have the sum of ``x`` over the rounds; None where that cannot be, or would not pay."""
        at = self.at
        if not isinstance(x, Value) or at.constant(x) or x.dtype.kind not in "fc":
            return None
        if at.whole(x):
            return Gathered((x,), (), lambda: sum_of_rounds(at.make, at.all(x)))
        node = x.node
        if node.width != 1 or at.reads(x) != 1 or node.after or not is_pure(node):
            return None
        found = self._of(node)
        return None if found is None else found._replace(nodes=(*found.nodes, node))

    def _of(self, node: Any) -> Gathered | None:
        op = node.op
        if op in _LINEAR:
            return self._linear(node)
        if op is ops.add:
            return self._terms(node, lambda parts: self.at.make(ops.add, *parts))
        if op is ops.concat:
            return self._terms(node, lambda parts: self.at.make(ops.concat, *parts, **node.params))
        if op in (ops.multiply, ops.divide):
            return self._scaled(node) or self._outer(node)
        if op is ops.unbroadcast:
            return self._unbroadcast(node)
        if op is ops.matmul:
            return self._product(node, 2)
        if op is ops.sum:
            return self._total(node)
        if op is ops.take_adjoint:
            return self._taken(node)
        return self._convolved(node) if op is ops.convolution_weight else None

    def _base(self, values: Sequence[Any], build: Callable[[], Any]) -> Gathered | None:
        ready = all(isinstance(x, Value) and not self.at.constant(x) and self.at.at_hand(x) for x in values)
        return Gathered(tuple(values), (), build) if ready else None

    def _linear(self, node: Any) -> Gathered | None:
        first, *others = node.inputs
        if not all(self.at.constant(x) for x in others):
            return None
        inner = self.sum(first)
        if inner is None:
            return None
        make, fixed = self.at.make, [self.at.fixed(x) for x in others]
        return inner._replace(build=lambda: make(node.op, inner.build(), *fixed, **node.params))

    def _terms(self, node: Any, join: Callable[[list[Any]], Any]) -> Gathered | None:
        """Sums of the terms, or of the parts, each on its own."""
        specs = [spec_of(x) for x in node.inputs]
        known = all(spec.known and spec.dtype == node.outputs[0].spec.dtype for spec in specs)
        if node.op is ops.add and not known and any(spec != node.outputs[0].spec for spec in specs):
            return None
        found = [self.sum(x) for x in node.inputs]
        if any(each is None for each in found):
            return None
        parts = [each for each in found if each is not None]
        bases = tuple(x for each in parts for x in each.bases)
        nodes = tuple(x for each in parts for x in each.nodes)
        return Gathered(bases, nodes, lambda: join([each.build() for each in parts]))

    def _scaled(self, node: Any) -> Gathered | None:
        """A multiple: of the sum, as of each term."""
        left, right = node.inputs
        if self.at.constant(right) and (found := self._multiple(node, left, lambda x: (x, self.at.fixed(right)))):
            return found
        if node.op is ops.divide or not self.at.constant(left):
            return None
        return self._multiple(node, right, lambda x: (self.at.fixed(left), x))

    def _multiple(self, node: Any, x: Any, operands: Callable[[Any], tuple[Any, Any]]) -> Gathered | None:
        inner = self.sum(x) if spec_of(x) == node.outputs[0].spec else None
        if inner is None:
            return None
        return inner._replace(build=lambda: self.at.make(node.op, *operands(inner.build())))

    def _outer(self, node: Any) -> Gathered | None:
        """Products of each element of one vector with each of another."""
        left, right = node.inputs
        vectors = [self._vector(left, 1), self._vector(right, 0)]
        if node.op is not ops.multiply or any(x is None for x in vectors):
            return None
        at = self.at
        return self._base(vectors, lambda: self._rows(*map(at.all, vectors)))

    def _vector(self, x: Any, axis: int) -> Any:
        """The vector that ``x`` is with an axis put in."""
        node = x.node if isinstance(x, Value) else None
        if node is None or node.op is not ops.expand_dims or spec_of(node.inputs[0]).dims is None or spec_of(x).ndim != 2:
            return None
        return node.inputs[0] if axes_of(node.params["axis"], 2) == (axis,) else None

    def _unbroadcast(self, node: Any) -> Gathered | None:
        x, like = node.inputs
        at = self.at
        if not at.constant(like) or not isinstance(x, Value) or spec_of(x).dims is None or spec_of(like).dims is None:
            return None
        if x.node.op is ops.matmul and at.reads(x) == 1 and spec_of(like).ndim == 2:
            product = self._product(x.node, None)
            if product is not None:
                return product._replace(nodes=(*product.nodes, x.node))
        return self._base([x], lambda: at.make(ops.unbroadcast, at.all(x), at.fixed(like)))

    def _product(self, node: Any, rank: int | None) -> Gathered | None:
        """``xᵀ @ y``, of matrices of examples."""
        left, right = node.inputs
        turned = left.node if isinstance(left, Value) else None
        if turned is None or turned.op is not ops.matrix_transpose or not isinstance(right, Value):
            return None
        source, at = turned.inputs[0], self.at
        ranks = [spec_of(x).dims and spec_of(x).ndim for x in (source, right)]
        if ranks[0] != ranks[1] or not ranks[0] or (rank is not None and ranks[0] != rank):
            return None
        return self._base([source, right], lambda: self._rows(at.all(source), at.all(right)))

    def _rows(self, left: Any, right: Any) -> Any:
        specs = [spec_of(left), spec_of(right)]
        if all(spec.shape[-1] for spec in specs):
            return product_of_rows(self.at.make, left, right)
        axes = tuple(range(specs[0].ndim - 1))
        return self.at.make(ops.tensordot, left, right, axes=(axes, axes))

    def _total(self, node: Any) -> Gathered | None:
        params = {**node.op.attributes, **node.params}
        x, at = node.inputs[0], self.at
        if params["keepdims"] or not isinstance(x, Value) or spec_of(x).dims is None:
            return None
        axes = (0, *(i + 1 for i in axes_of(params["axis"], spec_of(x).ndim)))
        return self._base([x], lambda: at.make(ops.sum, at.all(x), axis=axes))

    def _taken(self, node: Any) -> Gathered | None:
        g, like, indices = node.inputs
        at = self.at
        if not at.constant(like) or spec_of(like).dims is None:
            return None
        if axis_of({**node.op.attributes, **node.params}["axis"], spec_of(like).ndim):
            return None
        return self._base([g, indices], lambda: at.make(node.op, at.all(g), at.fixed(like), at.all(indices), axis=0))

    def _convolved(self, node: Any) -> Gathered | None:
        x, g, like = node.inputs
        at = self.at
        if not at.constant(like) or not all(isinstance(each, Value) and spec_of(each).known for each in (x, g)):
            return None

        def build() -> Any:
            flat = [at.make(ops.reshape, at.all(each), shape=(-1, *spec_of(each).shape[1:])) for each in (x, g)]
            return at.make(node.op, *flat, at.fixed(like), **node.params)

        return self._base([x, g], build) if spec_of(x).size and spec_of(g).size else None
