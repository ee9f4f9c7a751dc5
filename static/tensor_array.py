"""``TensorArray``: a sequence of tensors that a loop writes and reads one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from graphs.core.errors import ShapeError
from graphs.core.op import Op
from graphs.core.spec import Shape, Spec
from graphs.ops import identity
from static.dtypes import as_dtype
from static.registry import registered
from static.shapes import TensorShape, dims_of
from static.tensor import apply, convert_to_tensor


_BOXES = numpy.dtype(object)


def _array_op(name: str, shape: Callable[..., Any], dtype: Callable[..., Any]) -> Callable[[Callable[..., Any]], Op]:
    return lambda kernel: registered(Op(kernel, name=name, shape=shape, dtype=dtype))


def _one(*_: Any, **__: Any) -> Shape:
    return (None,)


def _boxes(*_: Any, **__: Any) -> Any:
    return _BOXES


def _declared_shape(*_: Any, spec: Spec) -> Shape | None:
    return spec.dims


def _declared_dtype(*_: Any, spec: Spec) -> Any:
    return spec.dtype


def _stacked_shape(*_: Any, spec: Spec) -> Shape | None:
    return None if spec.dims is None else (None, *spec.dims)


@_array_op("tensor_array", _one, _boxes)
def tensor_array_op(xp: Any, size: Any) -> Any:
    """An array of ``size`` elements that have not been written."""
    return numpy.full(int(size), None, object)


@_array_op("tensor_array_write", _one, _boxes)
def write_op(xp: Any, array: Any, index: Any, value: Any, *, dynamic: bool = False) -> Any:
    """``array`` with ``value`` at ``index``; a ``dynamic`` one grows as needed."""
    at = int(index)
    if not 0 <= at < len(array) and not (dynamic and at >= 0):
        raise ShapeError(f"Tried to write to index {at} but array is not resizeable and size is: {len(array)}")
    out = numpy.full(max(len(array), at + 1), None, object)
    out[: len(array)] = array
    out[at] = value
    return out


@_array_op("tensor_array_read", _declared_shape, _declared_dtype)
def read_op(xp: Any, array: Any, index: Any, *, spec: Spec) -> Any:
    """The element at ``index``; zeros where it has not been written and its shape is declared."""
    at = int(index)
    if not 0 <= at < len(array):
        raise ShapeError(f"Tried to read from index {at} but array size is: {len(array)}")
    return _element(xp, array[at], at, spec)


def _element(xp: Any, value: Any, at: int, spec: Spec) -> Any:
    if value is not None:
        return value
    if not spec.known:
        raise ShapeError(f"Could not read index {at} of the TensorArray because it has not been written")
    return xp.zeros(spec.shape, spec.dtype)


@_array_op("tensor_array_stack", _stacked_shape, _declared_dtype)
def stack_op(xp: Any, array: Any, *, spec: Spec) -> Any:
    """All elements, stacked."""
    values = [_element(xp, value, at, spec) for at, value in enumerate(array)]
    return xp.stack(values) if values else xp.zeros((0, *(dim or 0 for dim in spec.dims or ())), spec.dtype)


@_array_op("tensor_array_unstack", _one, _boxes)
def unstack_op(xp: Any, value: Any) -> Any:
    """The slices of ``value`` along its first axis, one an element."""
    out = numpy.empty(len(value), object)
    for i, item in enumerate(value):
        out[i] = item
    return out


@_array_op("tensor_array_size", lambda array: (), lambda array: numpy.dtype(numpy.int32))
def size_op(xp: Any, array: Any) -> Any:
    """The number of elements."""
    return xp.asarray(len(array), numpy.int32)


@_array_op("tensor_array_select", _one, _boxes)
def select_op(xp: Any, array: Any, indices: Any) -> Any:
    """The elements at ``indices``, as an array."""
    return array[indices]


@_array_op("tensor_array_merge", _one, _boxes)
def merge_op(xp: Any, array: Any, indices: Any, values: Any, *, dynamic: bool = False) -> Any:
    """``array`` with the elements of ``values`` at ``indices``."""
    for index, value in zip(indices, values, strict=True):
        array = write_op.kernel(xp, array, index, value, dynamic=dynamic)
    return array


@_array_op("tensor_array_concat", lambda array, *, spec: spec.dims and (None, *spec.dims[1:]), _declared_dtype)
def concat_op(xp: Any, array: Any, *, spec: Spec) -> Any:
    """All elements, one after the other along their first axis."""
    return xp.concatenate([_element(xp, value, at, spec) for at, value in enumerate(array)])


@_array_op("tensor_array_split", _one, _boxes)
def split_op(xp: Any, value: Any, lengths: Any) -> Any:
    """Pieces of ``value`` along its first axis, of the sizes ``lengths``."""
    if int(lengths.sum()) != len(value):
        raise ShapeError(f"Expected sum of lengths to be equal to values.shape[0], but {int(lengths.sum())} != {len(value)}")
    return unstack_op.kernel(xp, xp.split(value, numpy.cumsum(lengths)[:-1])) if len(lengths) else numpy.empty(0, object)


# Gradients: arrays in which 0 stands for no gradient


@_array_op("tensor_array_without", _one, _boxes)
def without_op(xp: Any, g: Any, indices: Any) -> Any:
    """``g`` with nothing at ``indices``: the gradient of an array that was written to there."""
    out = g.copy()
    for index in numpy.ravel(indices):
        out[int(index)] = 0
    return out


@_array_op("tensor_array_placed", _one, _boxes)
def placed_op(xp: Any, g: Any, array: Any, indices: Any) -> Any:
    """The elements of ``g`` added at ``indices`` of an array as long as ``array``: the gradient of ``select``."""
    out = numpy.full(len(array), 0, object)
    for index, value in zip(indices, g, strict=True):
        out[int(index)] = out[int(index)] + value
    return out


@_array_op("tensor_array_alone", _one, _boxes)
def alone_op(xp: Any, g: Any, array: Any, index: Any) -> Any:
    """``g`` at ``index`` of an array as long as ``array``: the gradient of ``read``."""
    out = numpy.full(len(array), 0, object)
    out[int(index)] = g
    return out


@_array_op("tensor_array_pick", lambda g, index, like: like.dims, lambda g, index, like: like)
def pick_op(xp: Any, g: Any, index: Any, like: Any) -> Any:
    """The gradient at ``index``, zeros like ``like`` where there is none."""
    value = g[int(index)]
    return xp.zeros_like(like) if isinstance(value, int) else value


@_array_op("tensor_array_stack_like", lambda g, like: like.dims, lambda g, like: like)
def stack_like_op(xp: Any, g: Any, like: Any) -> Any:
    """The gradients of the slices of ``like``, stacked."""
    out = xp.zeros_like(like)
    for i, value in enumerate(g):
        out[i] = value
    return out


@_array_op("tensor_array_concat_like", lambda g, like, lengths: like.dims, lambda g, like, lengths: like)
def concat_like_op(xp: Any, g: Any, like: Any, lengths: Any) -> Any:
    """The gradients of pieces of ``like``, one after the other."""
    out = xp.zeros_like(like)
    for value, end, size in zip(g, numpy.cumsum(lengths), lengths, strict=True):
        out[end - size : end] = value
    return out


@_array_op("tensor_array_lengths", _one, lambda array: numpy.dtype(numpy.int64))
def lengths_op(xp: Any, array: Any) -> Any:
    """The elements' sizes along their first axis."""
    return xp.asarray([len(value) for value in array], numpy.int64)


tensor_array_op.vjp(None)
size_op.vjp(None)
lengths_op.vjp(None)
write_op.vjp(
    lambda g, _out, array, index, value, *, dynamic: _before(g, array, index, dynamic),
    None,
    lambda g, _out, _array, index, value, *, dynamic: pick_op(g, index, value),
)
merge_op.vjp(
    lambda g, _out, array, indices, values, *, dynamic: _before(g, array, indices, dynamic),
    None,
    lambda g, _out, _array, indices, _values, *, dynamic: select_op(g, indices),
)
read_op.vjp(lambda g, _out, array, index, *, spec: alone_op(g, array, index), None)
select_op.vjp(lambda g, _out, array, indices: placed_op(g, array, indices), None)
placed_op.vjp(lambda g, _out, _g, _array, indices: select_op(g, indices), None, None)
stack_op.vjp(lambda g, _out, _array, *, spec: unstack_op(g))
unstack_op.vjp(lambda g, _out, value: stack_like_op(g, value))
stack_like_op.vjp(lambda g, _out, _g, _like: unstack_op(g), None)
concat_op.vjp(lambda g, _out, array, *, spec: split_op(g, lengths_op(array)))
split_op.vjp(lambda g, _out, value, lengths: concat_like_op(g, value, lengths), None)
concat_like_op.vjp(lambda g, _out, _g, _like, lengths: split_op(g, lengths), None, None)
without_op.vjp(lambda g, _out, _g, indices: without_op(g, indices), None)
alone_op.vjp(lambda g, _out, value, _array, index: pick_op(g, index, value), None, None)
pick_op.vjp(lambda g, _out, array, index, _like: alone_op(g, array, index), None, None)


def _before(g: Any, array: Any, indices: Any, dynamic: bool) -> Any:
    """The gradient of the array that was written to: as long as it, where it may have grown."""
    rest = without_op(g, indices)
    return shortened_op(rest, array) if dynamic else rest


@_array_op("tensor_array_shortened", _one, _boxes)
def shortened_op(xp: Any, g: Any, array: Any) -> Any:
    """``g`` as long as ``array``."""
    return numpy.concatenate([g[: len(array)], numpy.full(max(0, len(array) - len(g)), 0, object)])


shortened_op.vjp(lambda g, _out, array, _array: shortened_op(g, array), None)


class TensorArray:
    """An array of tensors of one dtype. It does not change: ``write`` and the like return the array as it is afterwards.

    Args:
        dtype: the elements' dtype.
        size: how many elements there are, a number or scalar tensor.
        dynamic_size: writing beyond the end makes it longer.
        element_shape: what is known of the elements' shape; with ``infer_shape`` it is learned from what is written.

    The other arguments are accepted so that programs run. Reading what was never written is an error, unless the shape of
    the elements is known (then it is zeros).
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        self._dtype = as_dtype(dtype)
        self._shape = TensorShape(element_shape)
        self._dynamic = bool(dynamic_size)
        self._infer = infer_shape
        if flow is None:
            flow = apply(tensor_array_op, 0 if size is None else convert_to_tensor(size), name=name, node="TensorArray")
        self._flow = flow

    def _as_tensor(self) -> Any:
        return self._flow

    def _dressed(self, flow: Any) -> TensorArray:
        """The same array with other contents: what a loop hands round is ``flow``."""
        return self._with(flow)

    def _with(self, flow: Any, shape: TensorShape | None = None) -> TensorArray:
        return TensorArray(
            self._dtype, dynamic_size=self._dynamic, flow=flow, infer_shape=self._infer, element_shape=shape or self._shape
        )

    @property
    def flow(self) -> Any:
        """The tensor that stands for its contents."""
        return self._flow

    @property
    def handle(self) -> Any:
        """As ``flow``."""
        return self._flow

    @property
    def dtype(self) -> Any:
        """The elements' dtype."""
        return self._dtype

    @property
    def element_shape(self) -> TensorShape:
        """What is known of the elements' shape."""
        return self._shape

    @property
    def _spec(self) -> Spec:
        return Spec(dims_of(self._shape), self._dtype.dtype)

    def _learned(self, shape: TensorShape) -> TensorShape:
        """The elements' shape once one of ``shape`` has been written. Raises ValueError where it is another."""
        if not self._shape.is_compatible_with(shape):
            raise ValueError(f"Inconsistent shapes: saw {shape} but expected {self._shape}")
        return self._shape.merge_with(shape) if self._infer else self._shape

    def identity(self) -> TensorArray:
        """The same array."""
        return self._with(apply(identity, self._flow))

    def read(self, index: Any, name: str | None = None) -> Any:
        """The element at ``index``."""
        return apply(read_op, self._flow, index, name=name, node="TensorArrayReadV3", spec=self._spec)

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with ``value`` at ``index``. Raises TypeError or ValueError where it is of another dtype or shape."""
        given = convert_to_tensor(value, preferred_dtype=self._dtype)
        if given.dtype != self._dtype:
            raise TypeError(f"TensorArray dtype is {self._dtype.name} but Op is trying to write dtype {given.dtype.name}.")
        shape = self._learned(given.shape)
        made = apply(write_op, self._flow, index, given, name=name, node="TensorArrayWriteV3", dynamic=self._dynamic)
        return self._with(made, shape)

    def stack(self, name: str | None = None) -> Any:
        """All elements, stacked."""
        return apply(stack_op, self._flow, name=name, node="TensorArrayStack", spec=self._spec)

    def gather(self, indices: Any, name: str | None = None) -> Any:
        """The elements at ``indices``, stacked."""
        chosen = apply(select_op, self._flow, convert_to_tensor(indices), node="TensorArraySelect")
        return apply(stack_op, chosen, name=name, node="TensorArrayGatherV3", spec=self._spec)

    def concat(self, name: str | None = None) -> Any:
        """All elements, one after the other along their first axis."""
        return apply(concat_op, self._flow, name=name, node="TensorArrayConcatV3", spec=self._spec)

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The array of the slices of ``value`` along its first axis."""
        given = convert_to_tensor(value, self._dtype)
        return self._with(apply(unstack_op, given, name=name, node="TensorArrayUnstack"), self._learned(given.shape[1:]))

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with the slices of ``value`` at ``indices``."""
        given = convert_to_tensor(value, self._dtype)
        made = apply(
            merge_op,
            self._flow,
            convert_to_tensor(indices),
            apply(unstack_op, given, node="TensorArrayUnstack"),
            name=name,
            node="TensorArrayScatterV3",
            dynamic=self._dynamic,
        )
        return self._with(made, self._learned(given.shape[1:]))

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """The array of pieces of ``value`` along its first axis, of the sizes ``lengths``."""
        given = convert_to_tensor(value, self._dtype)
        pieces = apply(split_op, given, convert_to_tensor(lengths), name=name, node="TensorArraySplitV3")
        rest = given.shape[1:]
        shape = TensorShape(None) if rest.ndims is None else TensorShape([None, *rest.as_list()])
        return self._with(pieces, self._learned(shape))

    def size(self, name: str | None = None) -> Any:
        """The number of elements, an int32 scalar."""
        return apply(size_op, self._flow, name=name, node="TensorArraySizeV3")

    def close(self, name: str | None = None) -> Any:
        """An operation that does nothing: there is nothing to close."""
        return apply(identity, self._flow, name=name, node="TensorArrayCloseV3").op
