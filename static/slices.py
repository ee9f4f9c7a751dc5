"""``tf.IndexedSlices``: some rows of a tensor, where all others are zero. It is what the gradient of a gather is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from graphs import ops
from graphs.core.errors import ShapeError
from graphs.core.node import Value
from static.dtypes import DType
from static.shapes import TensorShape
from static.state import _session_op
from static.tensor import Tensor, apply, constant_value, convert_to_tensor


class IndexedSlicesValue(NamedTuple):
    """What a run gives for ``IndexedSlices``: arrays."""

    values: Any
    indices: Any
    dense_shape: Any


class IndexedSlices:
    """Rows ``values[i]`` that stand at ``indices[i]`` of a larger tensor; those for the same place add up.

    Used as a tensor it is that larger tensor (``dense_shape`` has to be given for this).
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self._values = convert_to_tensor(values)
        self._indices = convert_to_tensor(indices)
        self._dense_shape = None if dense_shape is None else convert_to_tensor(dense_shape)
        self._dense: Any = None

    @property
    def values(self) -> Any:
        """The rows."""
        return self._values

    @property
    def indices(self) -> Any:
        """Where each row stands."""
        return self._indices

    @property
    def dense_shape(self) -> Any:
        """The shape of the whole, a vector, or None where it is not known."""
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole as far as it is known."""
        known = None if self._dense_shape is None else constant_value(self._dense_shape)
        if known is not None:
            return TensorShape(known.tolist())
        rest = self._values.shape
        return TensorShape(None) if rest.ndims is None else TensorShape([None, *rest.as_list()[1:]])

    def get_shape(self) -> TensorShape:
        """The shape of the whole as far as it is known."""
        return self.shape

    @property
    def name(self) -> str:
        """The name of ``values``."""
        return self._values.name

    @property
    def device(self) -> str:
        """Always empty: everything runs where its arrays are."""
        return ""

    @property
    def op(self) -> Any:
        """The operation that yields ``values``."""
        return self._values.op

    @property
    def dtype(self) -> DType:
        """The dtype of ``values``."""
        return self._values.dtype

    @property
    def graph(self) -> Any:
        """The graph of ``values``."""
        return self._values.graph

    def __neg__(self) -> IndexedSlices:
        return self.with_values(-self._values)

    def with_values(self, values: Any) -> IndexedSlices:
        """The same places, with other rows."""
        return IndexedSlices(values, self._indices, self._dense_shape)

    def _as_tensor(self) -> Any:
        if self._dense is None:
            if self._dense_shape is None:
                raise ValueError(
                    "Tensor conversion requested for IndexedSlices without dense_shape: "
                    f"{self.name} (made at {self.op.where})"
                )
            whole = constant_value(self._dense_shape)
            dims = None if whole is None else tuple(whole.tolist())
            self._dense = apply(dense_op, self._values, self._indices, self._dense_shape, dims=dims)
        return self._dense

    def _as_graph_element(self) -> Any:
        return self._values

    def _fetched(self) -> tuple[list[Any], Any]:
        parts = [self._values, self._indices]
        if self._dense_shape is None:
            return parts, lambda values, indices: IndexedSlicesValue(values, indices, None)
        return [*parts, self._dense_shape], IndexedSlicesValue

    def __repr__(self) -> str:
        return f"IndexedSlices(indices={self._indices!r}, values={self._values!r}, dense_shape={self._dense_shape!r})"


@_session_op("dense", lambda values, *_, dims: dims, lambda values, *_, **__: values)
def dense_op(xp: Any, values: Any, indices: Any, _shape: Any, *, dims: tuple[int, ...] | None) -> Any:
    """Zeros of the shape ``_shape``, with each of ``values`` added at its index."""
    out = xp.zeros(tuple(_shape.tolist()), values.dtype)
    if indices.size and (indices.min() < 0 or indices.max() >= len(out)):
        raise ShapeError(f"indices reach from {indices.min()} to {indices.max()}, and there are {len(out)} rows")
    xp.add.at(out, indices, values)
    return out


dense_op.vjp(lambda g, _out, _values, indices, _shape: ops.take(g, indices, axis=0), None, None)


_MOST_ROUNDS = 256
"""Rows of one index that a GPU adds up one after the other, so that each run gives the same bits."""


@_session_op(
    "without_duplicates",
    lambda values, indices: ((None, *values.shape[1:]), (None,)),
    lambda values, indices: (values, indices),
)
def without_duplicates_op(xp: Any, values: Any, indices: Any) -> Any:
    """The sums of those ``values`` that have the same index, and each index once, in ascending order."""
    order = indices.argsort(kind="stable")
    ordered = indices[order]
    first = xp.ones(len(ordered), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    if first.all():
        return values[order], ordered
    starts = first.nonzero()[0]
    if xp is numpy:
        return numpy.add.reduceat(values[order], starts, axis=0), ordered[starts]
    return _summed(xp, values[order], starts), ordered[starts]


def _summed(xp: Any, values: Any, starts: Any) -> Any:
    """What ``numpy.add.reduceat`` gives along the first axis, on a GPU: the first of each, then the second, in order."""
    counts = xp.diff(starts, append=xp.asarray([len(values)], starts.dtype))
    out = values[starts]
    most = int(counts.max())
    if most > _MOST_ROUNDS:  # one row for almost all: sums in whatever order the GPU takes
        out = xp.zeros_like(out)
        xp.add.at(out, xp.searchsorted(starts, xp.arange(len(values)), side="right") - 1, values)
        return out
    for at in range(1, most):
        there = (counts > at).nonzero()[0]
        out[there] += values[starts[there] + at]
    return out


def without_duplicates(slices: IndexedSlices) -> IndexedSlices:
    """The same whole with one row for each index."""
    values, indices = apply(without_duplicates_op, slices.values, slices.indices, node="sum_of_duplicates")
    return IndexedSlices(values, indices, slices.dense_shape)


def rows_of(g: Any) -> Any:
    """The gradient ``g`` as ``IndexedSlices`` where it is the sum of gradients of gathers along axis 0; else itself.

    What computes the whole stays in the graph, and runs only where somebody asks for it.
    """
    found: list[tuple[Any, Any]] = []
    stack = [g]
    like = None
    while stack:
        node = stack.pop().node
        if node.op is ops.take_adjoint and node.params["axis"] == 0:
            values, like, indices = node.inputs
            found.append((values, indices))
        elif node.op is ops.add and all(isinstance(x, Value) and x.dims == g.dims for x in node.inputs):
            stack += reversed(node.inputs)
        else:
            return g
    if like is None or like.dims is None:
        return g
    parts = []
    for values, indices in found:
        part = _one_row_each(values, indices, like.dims[1:])
        if part is None:
            return g
        parts.append(part)
    made = IndexedSlices(_joined([p[0] for p in parts]), _joined([p[1] for p in parts]), ops.shape_of(like))
    made._dense = g
    return made


def _one_row_each(values: Any, indices: Any, rest: Sequence[int | None]) -> tuple[Any, Any] | None:
    """Slices whose ``indices`` are a vector; None where the shapes are not known well enough to say how."""
    if not isinstance(indices, Tensor) or not isinstance(values, Tensor) or indices.dims is None:
        return None
    if len(indices.dims) == 1:
        return values, indices
    if None in rest or 0 in rest:
        return None
    return ops.reshape(values, shape=(-1, *rest)), ops.reshape(indices, shape=(-1,))


def _joined(parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else ops.concat(*parts, axis=0)
