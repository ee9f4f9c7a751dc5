"""``tf.sparse``: tensors of which only some elements are kept, with their positions."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy

from graphs import ops
from static import array, reductions
from static.array import fill, shape
from static.calls import cast
from static.dtypes import DType
from static.indexing import boolean_mask, gather, gather_nd, scatter_nd, where
from static.segments import unsorted_segment_sum
from static.shapes import TensorShape
from static.tensor import apply, constant, constant_value, convert_to_tensor, placeholder as dense_placeholder


SparseTensorValue = namedtuple("SparseTensorValue", ["indices", "values", "dense_shape"])
"""What a run gives for a ``SparseTensor``: arrays."""


class SparseTensor:
    """The elements ``values`` at the positions ``indices`` (int64, a row each) of a tensor of shape ``dense_shape``, which
    has zeros elsewhere. Raises ValueError where the three do not fit together."""

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        self.indices = convert_to_tensor(indices, "int64", name="indices")
        self.values = convert_to_tensor(values, name="values")
        self.dense_shape = convert_to_tensor(dense_shape, "int64", name="dense_shape")
        self.indices.shape.with_rank(2)
        self.values.shape.with_rank(1)
        self.dense_shape.shape.with_rank(1)
        self.indices.shape[:1].merge_with(self.values.shape)
        self.indices.shape[1:].merge_with(self.dense_shape.shape)

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """The sparse tensor of a ``SparseTensorValue``, or itself."""
        if isinstance(sparse_tensor_value, SparseTensor):
            return sparse_tensor_value
        return cls(*sparse_tensor_value)

    @property
    def dtype(self) -> DType:
        """The dtype of the values."""
        return self.values.dtype

    @property
    def op(self) -> Any:
        """The operation that yields the values."""
        return self.values.op

    @property
    def graph(self) -> Any:
        """The graph it belongs to."""
        return self.values.graph

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole as far as it is known."""
        known = constant_value(self.dense_shape)
        if known is not None:
            return TensorShape([int(n) for n in known])
        return TensorShape([None] * rank if (rank := self.dense_shape.shape.as_list()[0]) is not None else None)

    def get_shape(self) -> TensorShape:
        """The shape of the whole as far as it is known."""
        return self.shape

    def eval(self, feed_dict: Any = None, session: Any = None) -> SparseTensorValue:
        """Its ``SparseTensorValue`` in ``session``, by default the default one."""
        parts = (x.eval(feed_dict, session) for x in (self.indices, self.values, self.dense_shape))
        return SparseTensorValue(*parts)

    def _fetched(self) -> Any:
        return (self.indices, self.values, self.dense_shape), SparseTensorValue

    def with_values(self, values: Any) -> SparseTensor:
        """Other values at the same positions."""
        return SparseTensor(self.indices, values, self.dense_shape)

    def __mul__(self, other: Any) -> SparseTensor:
        return self.with_values(self.values * self._of_dense(other))

    def __truediv__(self, other: Any) -> SparseTensor:
        return self.with_values(self.values / self._of_dense(other))

    __rmul__ = __mul__

    def _of_dense(self, other: Any) -> Any:
        """The elements of a dense tensor (of the whole's shape, or of one that broadcasts to it) at our positions."""
        dense = convert_to_tensor(other, preferred_dtype=self.dtype)
        if not dense.dims:
            return dense
        return gather_nd(dense * cast(fill(self.dense_shape, constant(1)), dense.dtype), self.indices)

    def __repr__(self) -> str:
        return f"SparseTensor(indices={self.indices}, values={self.values}, dense_shape={self.dense_shape})"


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """A sparse tensor whose three parts each run is given: feed ``x.indices``, ``x.values`` and ``x.dense_shape``."""
    name = name or "PlaceholderSparse"
    rank = None if shape is None else len(TensorShape(shape).as_list())
    dims = None if shape is None else TensorShape(shape).as_list()
    whole = constant(dims, "int64") if dims is not None and None not in dims else None
    return SparseTensor(
        dense_placeholder("int64", [None, rank], f"{name}/indices"),
        dense_placeholder(dtype, [None], f"{name}/values"),
        dense_placeholder("int64", [rank], f"{name}/shape") if whole is None else whole,
    )


def to_dense(sp_input: SparseTensor, default_value: Any = 0, validate_indices: bool = True, name: str | None = None) -> Any:
    """The whole as a tensor, ``default_value`` at the positions that are not kept."""
    out = sparse_to_dense(sp_input.indices, sp_input.dense_shape, sp_input.values, default_value, name=name)
    out.set_shape(sp_input.shape)
    return out


def sparse_to_dense(
    sparse_indices: Any,
    output_shape: Any,
    sparse_values: Any,
    default_value: Any = 0,
    validate_indices: bool = True,
    name: str | None = None,
) -> Any:
    """A tensor of ``output_shape`` with ``sparse_values`` at ``sparse_indices``, ``default_value`` elsewhere."""
    values = convert_to_tensor(sparse_values)
    at = convert_to_tensor(sparse_indices)
    default = convert_to_tensor(default_value, preferred_dtype=values.dtype)
    room = fill(output_shape, cast(default, values.dtype))
    places = [at] if len(at.shape) < 2 else [at[:, i] for i in range(at.shape.as_list()[1])]
    return apply(ops.index_put, room, values, *places, name=name, node="SparseToDense")


def from_dense(tensor: Any, name: str | None = None) -> SparseTensor:
    """The elements of ``tensor`` that are not 0."""
    x = convert_to_tensor(tensor)
    places = where(ops.not_equal(x, 0))
    return SparseTensor(places, gather_nd(x, places, name=name), shape(x, out_type="int64"))


def sparse_dense_matmul(
    sp_a: SparseTensor, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Any:
    """The product of a sparse matrix and a dense one, which is dense."""
    a, b = SparseTensor.from_value(sp_a), convert_to_tensor(b)
    b = ops.matrix_transpose(b) if adjoint_b else b
    row, column = a.indices[:, 1 if adjoint_a else 0], a.indices[:, 0 if adjoint_a else 1]
    products = gather(b, column) * ops.expand_dims(a.values, axis=1)
    return unsorted_segment_sum(products, row, a.dense_shape[1 if adjoint_a else 0], name=name or "SparseTensorDenseMatMul")


def _flat(sp: SparseTensor) -> Any:
    """The place of each element in row-major order."""
    rank = sp.dense_shape.shape.as_list()[0]
    if rank is None:
        raise ValueError(f"the number of dimensions of {sp} has to be known while the graph is being built")
    out = sp.indices[:, 0]
    for axis in range(1, rank):
        out = out * sp.dense_shape[axis] + sp.indices[:, axis]
    return out


def reorder(sp_input: SparseTensor, name: str | None = None) -> SparseTensor:
    """The same with its elements in row-major order."""
    order = ops.argsort(_flat(sp_input))
    return SparseTensor(gather(sp_input.indices, order), gather(sp_input.values, order), sp_input.dense_shape)


def retain(sp_input: SparseTensor, to_retain: Any) -> SparseTensor:
    """The elements for which ``to_retain`` holds."""
    keep = convert_to_tensor(to_retain)
    kept = boolean_mask(sp_input.indices, keep), boolean_mask(sp_input.values, keep)
    return SparseTensor(*kept, sp_input.dense_shape)


def sparse_transpose(sp_input: SparseTensor, perm: Any = None, name: str | None = None) -> SparseTensor:
    """The same with its axes in the order ``perm``, by default reversed; elements in row-major order."""
    rank = len(sp_input.shape)
    order = list(range(rank))[::-1] if perm is None else [int(i) for i in constant_value(perm)]  # type: ignore[union-attr]
    columns = array.transpose(gather(array.transpose(sp_input.indices), order))
    return reorder(SparseTensor(columns, sp_input.values, gather(sp_input.dense_shape, order)))


def sparse_reshape(sp_input: SparseTensor, dims: Any, name: str | None = None) -> SparseTensor:
    """The same in another shape, in row-major order; one size may be -1."""
    new = convert_to_tensor(dims)
    new = cast(new, "int64")
    whole, known = ops.prod(sp_input.dense_shape), ops.prod(ops.where(ops.equal(new, -1), ops.ones_like(new), new))
    new = ops.where(ops.equal(new, -1), ops.ones_like(new) * ops.floor_divide(whole, known), new)
    rest, columns = _flat(sp_input), []
    for axis in range(len_of(new) - 1, -1, -1):
        columns.append(ops.remainder(rest, new[axis]))
        rest = ops.floor_divide(rest, new[axis])
    return SparseTensor(apply(ops.stack, *columns[::-1], name=name, axis=1), sp_input.values, new)


def len_of(x: Any) -> int:
    """The number of elements of a vector that is known."""
    return int(x.shape.as_list()[0])


def sparse_reduce_sum(
    sp_input: SparseTensor, axis: Any = None, keepdims: bool | None = None, reduction_axes: Any = None, keep_dims: Any = None
) -> Any:
    """The sum over ``axis`` of the whole, dense."""
    at = reduction_axes if axis is None else axis
    return reductions.reduce_sum(to_dense(sp_input), at, bool(keepdims or keep_dims))


def sparse_reduce_max(
    sp_input: SparseTensor, axis: Any = None, keepdims: bool | None = None, reduction_axes: Any = None, keep_dims: Any = None
) -> Any:
    """The maximum over ``axis`` of the elements that are kept, 0 where there is none, dense."""
    at = reduction_axes if axis is None else axis
    least = sp_input.dtype.min
    found = reductions.reduce_max(to_dense(sp_input, sp_input.dtype.dtype.type(least)), at, bool(keepdims or keep_dims))
    return ops.where(ops.equal(found, sp_input.dtype.dtype.type(least).item()), ops.zeros_like(found), found)


def sparse_add(a: Any, b: Any, threshold: Any = None, thresh: Any = None) -> Any:
    """The sum: dense where one of the two is, else sparse, elements whose size is below ``threshold`` left out."""
    if not isinstance(a, SparseTensor):
        a, b = b, a
    if not isinstance(b, SparseTensor):
        return convert_to_tensor(b) + scatter_nd(a.indices, a.values, a.dense_shape)
    total = scatter_nd(a.indices, a.values, a.dense_shape) + scatter_nd(b.indices, b.values, b.dense_shape)
    limit = (thresh if threshold is None else threshold) or 0
    kept = scatter_nd(a.indices, ops.ones_like(a.values), a.dense_shape)
    kept = ops.not_equal(kept + scatter_nd(b.indices, ops.ones_like(b.values), b.dense_shape), 0)
    places = where(ops.logical_and(kept, ops.greater_equal(ops.absolute(total), limit)))
    return SparseTensor(places, gather_nd(total, places), a.dense_shape)


def sparse_concat(axis: int, sp_inputs: list[SparseTensor], name: str | None = None) -> SparseTensor:
    """The sparse tensors one after another along ``axis``, elements in row-major order."""
    start, parts = constant(0, "int64"), []
    at = axis % len(sp_inputs[0].shape)
    for sp in sp_inputs:
        move = numpy.eye(len(sp.shape), dtype="int64")[at]
        parts.append(sp.indices + start * move)
        start = start + sp.dense_shape[at]
    first = sp_inputs[0].dense_shape
    whole = array.concat([first[:at], array.reshape(start, [1]), first[at + 1 :]], 0)
    return reorder(SparseTensor(array.concat(parts, 0), array.concat([sp.values for sp in sp_inputs], 0), whole), name)


def softmax(sp_input: SparseTensor, name: str | None = None) -> SparseTensor:
    """The softmax of the elements that are kept in each vector along the last axis."""
    least = float(numpy.finfo(sp_input.dtype.dtype).min)
    return sp_input.with_values(gather_nd(ops.softmax(to_dense(sp_input, least)), sp_input.indices))


add = sparse_add
matmul = sparse_dense_matmul
concat = sparse_concat
reduce_max = sparse_reduce_max
reduce_sum = sparse_reduce_sum
reshape = sparse_reshape
transpose = sparse_transpose

__all__ = [
    "SparseTensor", "add", "concat", "from_dense", "matmul", "placeholder", "reduce_max", "reduce_sum", "reorder", "reshape",
    "retain", "softmax", "sparse_dense_matmul", "to_dense", "transpose",
]  # fmt: skip
