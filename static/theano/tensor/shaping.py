"""Making, reshaping, joining and changing parts of variables, and products, under Theano's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from graphs import ops
from graphs.core.errors import at_line
from static.array import broadcast_to, range_, split as parted, tile as tiled
from static.tensor import constant_value
from static.theano.indexing import put
from static.theano.settings import config
from static.theano.variable import TensorVariable, as_tensor_variable, product, sizes_of, wrapped


# Making


def constant(x: Any, name: str | None = None, ndim: int | None = None, dtype: Any = None) -> Any:
    """A variable whose value is always ``x``."""
    return as_tensor_variable(numpy.asarray(x, dtype) if dtype is not None else x, name, ndim)


def alloc(value: Any, *shape: Any) -> Any:
    """``value`` repeated to ``shape``."""
    sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (list, tuple)) else list(shape)
    return wrapped(broadcast_to(as_tensor_variable(value).tensor, sizes_of(sizes)))


def zeros(shape: Any, dtype: Any = None) -> Any:
    """Zeros of ``shape``, whose sizes may be variables."""
    return wrapped(broadcast_to(_number(0, dtype), sizes_of(shape)))


def ones(shape: Any, dtype: Any = None) -> Any:
    """Ones of ``shape``, whose sizes may be variables."""
    return wrapped(broadcast_to(_number(1, dtype), sizes_of(shape)))


def _number(x: int, dtype: Any) -> Any:
    return as_tensor_variable(numpy.asarray(x, dtype or config.floatX)).tensor


def zeros_like(model: Any, dtype: Any = None, opt: bool = False) -> Any:
    """Zeros of the shape of ``model``."""
    return as_tensor_variable(model).zeros_like(dtype)


def ones_like(model: Any, dtype: Any = None, opt: bool = False) -> Any:
    """Ones of the shape of ``model``."""
    return as_tensor_variable(model).ones_like(dtype)


def fill(a: Any, b: Any) -> Any:
    """``b`` in the shape of ``a``."""
    return as_tensor_variable(a).fill(b)


def eye(n: int, m: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """A matrix of ``n`` rows and ``m`` columns with ones on the diagonal ``k`` above the main one."""
    rows, columns = (constant_value(x) for x in (n, n if m is None else m))
    if rows is None or columns is None:
        first, second = arange(n), arange(n if m is None else m)
        return ops.equal(first.dimshuffle(0, "x") + k, second).astype(dtype or config.floatX)
    return as_tensor_variable(numpy.eye(int(rows), int(columns), k, dtype or config.floatX))


def identity_like(x: Any) -> Any:
    """The identity matrix of the shape of ``x``."""
    x = as_tensor_variable(x)
    return eye(x.shape[0], x.shape[1], dtype=x.dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    """The numbers from ``start`` (0) up to but without ``stop``, ``step`` apart; of integers in int64."""
    first, last = (0, start) if stop is None else (start, stop)
    given = [as_tensor_variable(x) for x in (first, last, step)]
    kind = numpy.result_type(*(x.dtype for x in given))
    kind = numpy.dtype(dtype) if dtype else numpy.dtype("int64") if kind.kind in "biu" else kind
    return wrapped(range_(given[0], given[1], given[2], str(kind)))


# Shapes


def shape(x: Any) -> Any:
    """The sizes of ``x``, a vector."""
    return as_tensor_variable(x).shape


def reshape(x: Any, newshape: Any, ndim: int | None = None) -> Any:
    """``x.reshape(newshape)``."""
    return as_tensor_variable(x).reshape(newshape, ndim)


def flatten(x: Any, ndim: int | None = None, outdim: int = 1) -> Any:
    """``x`` with the axes from ``ndim - 1`` on made one."""
    return as_tensor_variable(x).flatten(outdim if ndim is None else ndim)


def transpose(x: Any, axes: Any = None) -> Any:
    """``x`` with its axes in the order ``axes``, by default reversed."""
    return as_tensor_variable(x).transpose(*(axes or ()))


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """``x`` with two axes exchanged."""
    return as_tensor_variable(x).swapaxes(axis1, axis2)


def squeeze(x: Any) -> Any:
    """``x`` without the axes that are known to be of size 1."""
    return as_tensor_variable(x).squeeze()


def shape_padleft(t: Any, n_ones: int = 1) -> Any:
    """``t`` with ``n_ones`` axes of size 1 before its own."""
    t = as_tensor_variable(t)
    return t.dimshuffle(*["x"] * n_ones, *range(t.ndim))


def shape_padright(t: Any, n_ones: int = 1) -> Any:
    """``t`` with ``n_ones`` axes of size 1 after its own."""
    t = as_tensor_variable(t)
    return t.dimshuffle(*range(t.ndim), *["x"] * n_ones)


def shape_padaxis(t: Any, axis: int) -> Any:
    """``t`` with an axis of size 1 put in at ``axis``."""
    return ops.expand_dims(as_tensor_variable(t), axis=axis)


def addbroadcast(x: Any, *axes: int) -> Any:
    """``x``, known to be of size 1 along ``axes``. A run raises where it is not."""
    x = as_tensor_variable(x)
    dims = tuple(1 if i in axes else n for i, n in enumerate(x.tensor.spec.shape))
    return ops.ensure_shape(x, dims=dims)


def unbroadcast(x: Any, *axes: int) -> Any:
    """``x``; here a dimension of size 1 is always free to be repeated."""
    return as_tensor_variable(x)


def patternbroadcast(x: Any, broadcastable: Sequence[bool]) -> Any:
    """``x``, known to be of size 1 where ``broadcastable`` says so. A run raises where it is not."""
    x = as_tensor_variable(x)
    if len(broadcastable) != x.ndim:
        raise ValueError(f"{x} has {x.ndim} dimensions, and the pattern is {tuple(broadcastable)}{at_line()}")
    return addbroadcast(x, *(i for i, one in enumerate(broadcastable) if one))


def tile(x: Any, reps: Any, ndim: int | None = None) -> Any:
    """``x`` repeated as a whole as often along each axis as ``reps`` says."""
    x = as_tensor_variable(x)
    counts = sizes_of(list(reps) if isinstance(reps, (list, tuple)) else reps)
    if isinstance(counts, list):
        x = shape_padleft(x, max(0, len(counts) - x.ndim)) if len(counts) > x.ndim else x
        counts = [1] * (x.ndim - len(counts)) + counts
    return wrapped(tiled(x.tensor, counts))


def repeat(x: Any, repeats: int, axis: int | None = None) -> Any:
    """``x`` with each slice along ``axis`` (each element, by default) ``repeats`` times."""
    return as_tensor_variable(x).repeat(repeats, axis)


def roll(x: Any, shift: int, axis: int | None = None) -> Any:
    """``x`` moved by ``shift`` places along ``axis``, what leaves at one end coming in at the other."""
    return ops.roll(as_tensor_variable(x), shift=shift, axis=axis)


# Joining


def concatenate(tensor_list: Sequence[Any], axis: int = 0) -> Any:
    """The variables one after another along ``axis``."""
    if not isinstance(tensor_list, (list, tuple)):
        raise TypeError(f"The 'tensors' argument must be either a tuple or a list{at_line()}")
    xs = [as_tensor_variable(x) for x in tensor_list]
    dtype = numpy.result_type(*(x.dtype for x in xs))
    return ops.concat(*[x.astype(dtype) for x in xs], axis=axis)


def join(axis: int, *tensors: Any) -> Any:
    """The variables one after another along ``axis``."""
    return concatenate(tensors, axis)


def stack(*tensors: Any, axis: int = 0) -> Any:
    """The variables along a new axis."""
    if tensors and isinstance(tensors[0], (list, tuple)):
        axis = tensors[1] if len(tensors) > 1 else axis
        tensors = tuple(tensors[0])
    xs = [as_tensor_variable(x) for x in tensors]
    dtype = numpy.result_type(*(x.dtype for x in xs))
    return ops.stack(*[x.astype(dtype) for x in xs], axis=axis)


def horizontal_stack(*args: Any) -> Any:
    """Matrices side by side."""
    return concatenate(args, 1)


def vertical_stack(*args: Any) -> Any:
    """Matrices one below another."""
    return concatenate(args, 0)


def split(x: Any, splits_size: Any, n_splits: int, axis: int = 0) -> list[Any]:
    """The ``n_splits`` parts of ``x`` along ``axis`` whose lengths are ``splits_size``."""
    return wrapped(parted(as_tensor_variable(x).tensor, sizes_of(splits_size), axis, num=n_splits))


# Parts


def set_subtensor(x: Any, y: Any, inplace: bool = False, tolerate_inplace_aliasing: bool = False) -> Any:
    """The variable that ``x`` is a part of (``x = whole[...]``), with ``y`` in place of the part."""
    return _changed(x, y, False)


def inc_subtensor(
    x: Any, y: Any, inplace: bool = False, set_instead_of_inc: bool = False, tolerate_inplace_aliasing: bool = False
) -> Any:
    """The variable that ``x`` is a part of, with ``y`` added to the part, once for each time a position occurs."""
    return _changed(x, y, not set_instead_of_inc)


def _changed(x: Any, y: Any, add: bool) -> Any:
    if not isinstance(x, TensorVariable) or x.subtensor is None:
        raise TypeError(f"x must be the result of a subtensor operation{at_line()}")
    whole, key = x.subtensor
    new = as_tensor_variable(y)
    if numpy.promote_types(new.dtype, whole.dtype) != whole.dtype and isinstance(y, (TensorVariable, numpy.ndarray)):
        raise TypeError(f"Trying to put a {new.dtype} subtensor into {whole}, which has dtype {whole.dtype}{at_line()}")
    if new.ndim > x.ndim:
        raise TypeError(f"Trying to put a {new.ndim}-dimensional value into a {x.ndim}-dimensional subtensor{at_line()}")
    return wrapped(put(whole.tensor, key, new.astype(whole.dtype).tensor, add))


def take(a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    """The slices of ``a`` at ``indices`` along ``axis``, by default its elements."""
    return as_tensor_variable(a).take(indices, axis)


def diag(v: Any, k: int = 0) -> Any:
    """The matrix with the vector ``v`` on its diagonal, or the diagonal of a matrix."""
    v = as_tensor_variable(v)
    return ops.diag(v, offset=k) if v.ndim == 1 else v.diagonal(k)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The elements of ``a`` where the positions along both axes agree, but for ``offset``."""
    return as_tensor_variable(a).diagonal(offset, axis1, axis2)


def tril(m: Any, k: int = 0) -> Any:
    """``m`` with zeros above its diagonal ``k``."""
    return ops.tril(as_tensor_variable(m), offset=k)


def triu(m: Any, k: int = 0) -> Any:
    """``m`` with zeros below its diagonal ``k``."""
    return ops.triu(as_tensor_variable(m), offset=k)


# Products


def dot(a: Any, b: Any) -> Any:
    """The product over the last axis of ``a`` and the last but one of ``b``."""
    return product(as_tensor_variable(a), as_tensor_variable(b))


def outer(x: Any, y: Any) -> Any:
    """The products of all pairs of elements."""
    return ops.outer(as_tensor_variable(x).flatten(), as_tensor_variable(y).flatten())


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """The products summed over pairs of axes: a number of the last and first ones, or two lists."""
    if not isinstance(axes, int):
        first, second = (tuple(x) if isinstance(x, (list, tuple)) else (x,) for x in axes)
        axes = (first, second)
    return ops.tensordot(as_tensor_variable(a), as_tensor_variable(b), axes=axes)


def batched_dot(a: Any, b: Any) -> Any:
    """``dot`` of each pair of slices along the first axes."""
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    if not a.ndim or not b.ndim:
        raise TypeError(f"batched_dot: {a} or {b} has no first axis{at_line()}")
    x = a.dimshuffle(0, "x", 1) if a.ndim == 2 else a
    y = b.dimshuffle(0, 1, "x") if b.ndim == 2 else b
    if a.ndim == 1 or b.ndim == 1:
        one, other = (a, b) if a.ndim == 1 else (b, a)
        return shape_padright(one, other.ndim - 1) * other
    if x.ndim > 3 or y.ndim > 3:
        raise TypeError(f"batched_dot takes up to three dimensions, not {a.ndim} and {b.ndim}{at_line()}")
    out = ops.matmul(x, y)
    out = out[:, :, 0] if b.ndim == 2 else out
    return out[:, 0] if a.ndim == 2 else out
