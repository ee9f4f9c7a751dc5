"""Arithmetic, comparison, logic, reductions and products under TensorFlow 1's names and dtype rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphs import ops
from graphs.core.errors import DtypeError, user_line
from graphs.core.op import Op
from static.dtypes import as_dtype
from static.names import type_name
from static.tensor import Tensor, apply, constant_value, convert_to_tensor


NUMBERS, REALS, FLOATS, INEXACT, BOOLS, ANY = "iufc", "iuf", "f", "fc", "b", "biufc"
"""The kinds of dtypes that functions take, as numpy's letters."""


def taken(x: Any, kinds: str, what: str) -> Any:
    """``x`` as a tensor. Raises TypeError where its dtype is of none of ``kinds``."""
    tensor = convert_to_tensor(x)
    if tensor.dtype.kind not in kinds:
        raise DtypeError(
            f"{what}: value passed to parameter 'x' has DataType {tensor.dtype.name}, which it does not take "
            f"({tensor.name})\n  at {user_line()}"
        )
    return tensor


def call(op: Op, *args: Any, name: str | None = None, **params: Any) -> Any:
    """The node of ``op``, named by its type where the user gave no name."""
    return apply(op, *args, name=name, node=type_name(op.name).removesuffix("V2"), **params)


def unary(tf_name: str, op: Op, kinds: str) -> Callable[..., Any]:
    """The function ``(x, name=None)`` of an op that takes one tensor of ``kinds``."""

    def function(x: Any, name: str | None = None) -> Any:
        return call(op, taken(x, kinds, tf_name), name=name)

    return _documented(function, tf_name, op)


def binary(tf_name: str, op: Op) -> Callable[..., Any]:
    """The function ``(x, y, name=None)`` of an op that takes two tensors of one dtype."""

    def function(x: Any, y: Any, name: str | None = None) -> Any:
        return call(op, x, y, name=name)

    return _documented(function, tf_name, op)


def _documented(function: Callable[..., Any], tf_name: str, op: Op) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = tf_name
    function.__doc__ = op.doc
    return function


# One argument

negative = unary("negative", ops.negative, NUMBERS)
abs = unary("abs", ops.absolute, REALS)
sign = unary("sign", ops.sign, REALS)
square = unary("square", ops.square, NUMBERS)
reciprocal = unary("reciprocal", ops.reciprocal, INEXACT)
sqrt = unary("sqrt", ops.sqrt, INEXACT)
rsqrt = unary("rsqrt", ops.rsqrt, INEXACT)
exp = unary("exp", ops.exp, INEXACT)
expm1 = unary("expm1", ops.expm1, INEXACT)
log = unary("log", ops.log, INEXACT)
log1p = unary("log1p", ops.log1p, INEXACT)
sin = unary("sin", ops.sin, INEXACT)
cos = unary("cos", ops.cos, INEXACT)
tan = unary("tan", ops.tan, INEXACT)
asin = unary("asin", ops.asin, INEXACT)
acos = unary("acos", ops.acos, INEXACT)
atan = unary("atan", ops.atan, INEXACT)
sinh = unary("sinh", ops.sinh, INEXACT)
cosh = unary("cosh", ops.cosh, INEXACT)
tanh = unary("tanh", ops.tanh, INEXACT)
asinh = unary("asinh", ops.asinh, INEXACT)
acosh = unary("acosh", ops.acosh, INEXACT)
atanh = unary("atanh", ops.atanh, INEXACT)
sigmoid = unary("sigmoid", ops.sigmoid, FLOATS)
log_sigmoid = unary("log_sigmoid", ops.log_sigmoid, FLOATS)
erf = unary("erf", ops.erf, FLOATS)
floor = unary("floor", ops.floor, FLOATS)
ceil = unary("ceil", ops.ceil, FLOATS)
round = unary("round", ops.round, REALS)
rint = unary("rint", ops.round, FLOATS)
is_nan = unary("is_nan", ops.isnan, FLOATS)
is_inf = unary("is_inf", ops.isinf, FLOATS)
is_finite = unary("is_finite", ops.isfinite, FLOATS)
logical_not = unary("logical_not", ops.logical_not, BOOLS)

# Two arguments

add = binary("add", ops.add)
subtract = binary("subtract", ops.subtract)
multiply = binary("multiply", ops.multiply)
maximum = binary("maximum", ops.maximum)
minimum = binary("minimum", ops.minimum)
pow = binary("pow", ops.power)
floordiv = binary("floordiv", ops.floor_divide)
floormod = binary("floormod", ops.remainder)
truncatemod = binary("truncatemod", ops.fmod)
atan2 = binary("atan2", ops.atan2)
squared_difference = binary("squared_difference", ops.squared_difference)
equal = binary("equal", ops.equal)
not_equal = binary("not_equal", ops.not_equal)
less = binary("less", ops.less)
less_equal = binary("less_equal", ops.less_equal)
greater = binary("greater", ops.greater)
greater_equal = binary("greater_equal", ops.greater_equal)
logical_and = binary("logical_and", ops.logical_and)
logical_or = binary("logical_or", ops.logical_or)
logical_xor = binary("logical_xor", ops.logical_xor)


def truediv(x: Any, y: Any, name: str | None = None) -> Any:
    """Quotient ``x / y``; integers are divided in float64, those of 8 and 16 bits in float32."""
    x, y = both(x, y)
    return apply(ops.divide, x, y, name=name, node="truediv")


def div(x: Any, y: Any, name: str | None = None) -> Any:
    """Quotient as Python 2 has it: rounded down for integers."""
    x, y = both(x, y)
    return apply(ops.floor_divide if x.dtype.kind in "iu" else ops.divide, x, y, name=name, node="div")


def divide(x: Any, y: Any, name: str | None = None) -> Any:
    """``x / y``, as Python 3 has it."""
    return truediv(x, y, name)


def both(x: Any, y: Any) -> tuple[Any, Any]:
    """Two operands as tensors, a constant among them in the other's dtype."""
    if isinstance(x, Tensor) or not isinstance(y, Tensor):
        x = convert_to_tensor(x)
        return x, y if isinstance(y, Tensor) else convert_to_tensor(y, preferred_dtype=x.dtype)
    return convert_to_tensor(x, preferred_dtype=y.dtype), y


def div_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """Quotient ``x / y``, 0 where ``y`` is 0."""
    x, y = both(x, y)
    safe = apply(ops.where, equal(y, 0), ops.ones_like(y), y)
    return apply(ops.where, equal(y, 0), 0 * x, x / safe, name=name, node="div_no_nan")


def add_n(inputs: Sequence[Any], name: str | None = None) -> Any:
    """The sum of the tensors in ``inputs``."""
    total = convert_to_tensor(inputs[0])
    for item in inputs[1:]:
        total = apply(ops.add, total, item, name=name if item is inputs[-1] else None, node="AddN")
    return total


accumulate_n = add_n


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """``x`` in ``dtype``; itself where it has it."""
    x, dtype = convert_to_tensor(x), as_dtype(dtype)
    return x if x.dtype == dtype else apply(ops.cast, x, name=name, node="Cast", dtype=dtype.name)


def to_float(x: Any, name: str | None = None) -> Any:
    """``x`` in float32."""
    return cast(x, "float32", name)


def to_double(x: Any, name: str | None = None) -> Any:
    """``x`` in float64."""
    return cast(x, "float64", name)


def to_int32(x: Any, name: str | None = None) -> Any:
    """``x`` in int32."""
    return cast(x, "int32", name)


def to_int64(x: Any, name: str | None = None) -> Any:
    """``x`` in int64."""
    return cast(x, "int64", name)


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """``t`` with what lies below ``clip_value_min`` or above ``clip_value_max`` set to these."""
    low = apply(ops.maximum, convert_to_tensor(t), clip_value_min)
    return apply(ops.minimum, low, clip_value_max, name=name, node="clip_by_value")


# Products


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """Matrix product over the last two axes; those before them have to be the same or broadcast."""
    a, b = both(a, b)
    if any(x.shape.ndims is not None and x.shape.ndims < 2 for x in (a, b)):
        raise ValueError(
            f"MatMul: shapes {a.shape} and {b.shape} must be at least rank 2 ({a.name}, {b.name})\n  at {user_line()}"
        )
    if (adjoint_a or adjoint_b) and a.dtype.is_complex:
        raise DtypeError("MatMul: adjoints of complex matrices are not taken")
    a = ops.matrix_transpose(a) if transpose_a or adjoint_a else a
    b = ops.matrix_transpose(b) if transpose_b or adjoint_b else b
    return call(ops.matmul, a, b, name=name)


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Any:
    """The product of ``a`` and ``b`` summed over ``axes``: a number of last and first axes, or the axes of each."""
    a, b = both(a, b)
    pairs = axes if isinstance(axes, int) else tuple((i,) if isinstance(i, int) else tuple(i) for i in axes)
    return apply(ops.tensordot, a, b, name=name, node="Tensordot", axes=pairs)


def einsum(equation: str, *inputs: Any, name: str | None = None) -> Any:
    """The sum of products that ``equation`` names, as in numpy."""
    return apply(ops.einsum, *map(convert_to_tensor, inputs), name=name, node="einsum", equation=equation.replace(" ", ""))


# Reductions


def axes(axis: Any) -> Any:
    """``axis`` as ops take it: None, an int or a tuple. Raises ValueError for a tensor whose value is not known."""
    if axis is None or isinstance(axis, int):
        return axis
    value = constant_value(axis)
    if value is None:
        raise ValueError("the axes of a reduction have to be known while the graph is being built")
    return int(value) if value.ndim == 0 else tuple(int(i) for i in value)


def _reduction(tf_name: str, op: Op, kinds: str, after: Callable[[Any, Any], Any] | None = None) -> Callable[..., Any]:
    def function(
        input_tensor: Any,
        axis: Any = None,
        keepdims: bool | None = None,
        name: str | None = None,
        reduction_indices: Any = None,
        keep_dims: bool | None = None,
    ) -> Any:
        x = taken(input_tensor, kinds, tf_name)
        axis = axes(reduction_indices if axis is None else axis)
        out = call(op, x, name=name, axis=axis, keepdims=bool(keepdims or keep_dims))
        return out if out.dtype == x.dtype else cast(out, x.dtype)

    return _documented(function, tf_name, op)


reduce_sum = _reduction("reduce_sum", ops.sum, NUMBERS)
reduce_mean = _reduction("reduce_mean", ops.mean, NUMBERS)
reduce_prod = _reduction("reduce_prod", ops.prod, NUMBERS)
reduce_max = _reduction("reduce_max", ops.max, REALS)
reduce_min = _reduction("reduce_min", ops.min, REALS)
reduce_any = _reduction("reduce_any", ops.any, BOOLS)
reduce_all = _reduction("reduce_all", ops.all, BOOLS)
reduce_logsumexp = _reduction("reduce_logsumexp", ops.logsumexp, FLOATS)
reduce_variance = _reduction("reduce_variance", ops.var, FLOATS)
reduce_std = _reduction("reduce_std", ops.std, FLOATS)


def count_nonzero(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    dtype: Any = "int64",
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Any:
    """The number of elements that are not zero, over ``axis``."""
    axis = axes(reduction_indices if axis is None else axis)
    x = convert_to_tensor(input_tensor)
    return cast(call(ops.count_nonzero, x, name=name, axis=axis, keepdims=bool(keepdims or keep_dims)), dtype)


def argmax(input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = "int64") -> Any:
    """The position of the greatest element along ``axis`` (by default 0), the first where there are several."""
    at = axes(dimension if axis is None else axis)
    return cast(call(ops.argmax, taken(input, REALS, "argmax"), name=name, axis=at or 0), output_type)


def argmin(input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = "int64") -> Any:
    """The position of the least element along ``axis`` (by default 0), the first where there are several."""
    at = axes(dimension if axis is None else axis)
    return cast(call(ops.argmin, taken(input, REALS, "argmin"), name=name, axis=at or 0), output_type)


def cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """Running sums along ``axis``; ``exclusive`` leaves each element itself out, ``reverse`` runs from the end."""
    return _running(ops.cumsum, ops.subtract, x, axis, exclusive, reverse, name)


def cumprod(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """Running products along ``axis``; ``exclusive`` leaves each element itself out, ``reverse`` runs from the end."""
    return _running(ops.cumprod, ops.divide, x, axis, exclusive, reverse, name)


def _running(op: Op, _undo: Op, x: Any, axis: int, exclusive: bool, reverse: bool, name: str | None) -> Any:
    x = taken(x, NUMBERS, op.name)
    start = apply(ops.flip, x, axis=(axis,)) if reverse else x
    if exclusive:
        start = apply(ops.shift, start, by=1, axis=axis, fill=0 if op is ops.cumsum else 1)
    out = cast(call(op, start, name=name, axis=axis), x.dtype)
    return apply(ops.flip, out, axis=(axis,)) if reverse else out


def norm(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    keep_dims: bool | None = None,
) -> Any:
    """The norm over ``axis``: Euclidean (of matrices: Frobenius), 1, infinity, or any positive number as order."""
    order = 2.0 if ord in ("euclidean", "fro") else float(ord)
    keep = bool(keepdims or keep_dims)
    return apply(ops.norm, taken(tensor, FLOATS, "norm"), name=name, node="norm", ord=order, axis=axes(axis), keepdims=keep)


def global_norm(t_list: Sequence[Any], name: str | None = None) -> Any:
    """The Euclidean norm of all the tensors together; those that are None are passed over."""
    squares = [reduce_sum(square(t)) for t in t_list if t is not None]
    return apply(ops.sqrt, add_n(squares), name=name, node="global_norm")


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """``t`` scaled down so that its Euclidean norm over ``axes`` is at most ``clip_norm``."""
    t = taken(t, FLOATS, "clip_by_norm")
    length = norm(t, axis=axes, keepdims=True)
    return apply(ops.divide, t * clip_norm, maximum(length, clip_norm), name=name, node="clip_by_norm")


def clip_by_global_norm(t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None) -> Any:
    """The tensors scaled down together so that their global norm is at most ``clip_norm``, and that norm."""
    length = global_norm(t_list) if use_norm is None else use_norm
    scale = clip_norm / maximum(length, clip_norm)
    return [
        None if t is None else apply(ops.multiply, t, scale, name=name, node="clip_by_global_norm") for t in t_list
    ], length


def zero_fraction(value: Any, name: str | None = None) -> Any:
    """The share of zeros, float32."""
    return reduce_mean(cast(equal(convert_to_tensor(value), 0), "float32"), name=name)
