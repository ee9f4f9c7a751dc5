"""Which values have one shape in every run, although dimensions are unknown: as the batch's that runs through a net."""

from __future__ import annotations

from typing import Any

from graphs.core.node import Value
from graphs.core.op import OPS, Op
from graphs.rewrite.program import Edge


_LIKE = {
    **dict.fromkeys(["expand_like", "broadcast_like", "reshape_like", "unbroadcast", "spread_like", "put_like"], 1),
    **dict.fromkeys(["index_adjoint", "take_adjoint", "take_along_axis_adjoint", "diagonal_adjoint", "trace_adjoint"], 1),
    **dict.fromkeys(["tile_adjoint", "repeat_adjoint"], 1),
    **dict.fromkeys(["zeros_like", "ones_like", "full_like", "cast_like", "softmax", "log_softmax", "cumsum", "cumprod"], 0),
    **dict.fromkeys(["flip", "roll", "shift", "dropout_mask", "sort", "argsort", "tril", "triu", "bernoulli"], 0),
    **dict.fromkeys(["random_normal_like", "random_uniform_like", "index_put", "scatter", "scatter_add", "read"], 0),
}
"""Ops whose result has the shape of one of their operands, and which."""

# fmt: off
_BY_SHAPES = frozenset([
    "transpose", "swapaxes", "matrix_transpose", "expand_dims", "matmul", "dot", "outer", "getitem", "take",
    "one_hot", "pad", "tile", "repeat", "diagonal", "concat", "stack", "shape_of", "size_of",
])
# fmt: on
"""Ops, beside reductions, the shape of whose result depends on nothing but the shapes and dtypes of their operands."""


class ShapeClasses:
    """A number for each value, the same for values that have one shape in every run."""

    def __init__(self) -> None:
        self._classes: dict[Edge, int] = {}
        self._numbers: dict[Any, int] = {}

    def of(self, edge: Edge) -> int:
        """The class of a value; of one that nothing is known of, its own."""
        found = self._classes.get(edge)
        return self._number(edge) if found is None else found

    def enter(self, node: Any) -> None:
        """Work out the classes of a node's outputs; those it reads have been entered."""
        op: Op = node.op
        if len(node.specs) != 1:
            return
        like = _LIKE.get(op.name)
        if like is not None:
            x = node.inputs[like]
            if isinstance(x, Value):
                self._classes[node, 0] = self.of((x.node, x.index))
        elif OPS.get(op.name) != op:
            return
        elif op.elementwise:
            self._classes[node, 0] = self._broadcast(node)
        elif "reduction" in op.traits or op.name in _BY_SHAPES:
            parts = tuple([self._part(x) for x in node.inputs])
            settings = tuple(sorted((name, repr(value)) for name, value in node.params.items())) if node.params else ()
            self._classes[node, 0] = self._number((op.name if op.name in _BY_SHAPES else "reduced", parts, settings))

    def _number(self, key: Any) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    def _part(self, x: Any) -> Any:
        return self.of((x.node, x.index)) if isinstance(x, Value) else getattr(x, "shape", ())

    def _broadcast(self, node: Any) -> int:
        arrays = [(self._part(x), _dims(x)) for x in node.inputs if not isinstance(x, (bool, int, float, complex))]
        for number, dims in arrays:
            if (
                number.__class__ is int
                and dims is not None
                and all(other == number or _within(own, dims) for other, own in arrays)
            ):
                return int(number)
        return self._number(("broadcast", tuple(sorted({str(number) for number, _ in arrays}))))


def _dims(x: Any) -> Any:
    return x.node.outputs[x.index].spec.dims if isinstance(x, Value) else x.shape


def _within(dims: Any, into: Any) -> bool:
    """Whether a value of shape ``dims`` broadcasts to ``into`` whatever the unknown dimensions are, without adding to it."""
    if dims is None or len(dims) > len(into):
        return False
    return all(n == 1 or (n is not None and n == m) for n, m in zip(reversed(dims), reversed(into), strict=False))
