"""Arithmetic, comparison, logic, reductions and products under TensorFlow 1's names and dtype rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphs import ops
from graphs.core.errors import DtypeError, at_line
from static.calls import BOOLS, FLOATS, INEXACT, NUMBERS, REALS, binary, both, call, cast, taken, unary
from static.counting import (
    bincount as bincount,
    confusion_matrix as confusion_matrix,
    invert_permutation as invert_permutation,
)
from static.extras import (
    digamma as digamma,
    erfc as erfc,
    is_non_decreasing as is_non_decreasing,
    is_strictly_increasing as is_strictly_increasing,
    lbeta as lbeta,
    lgamma as lgamma,
    multiply_no_nan as multiply_no_nan,
    polygamma as polygamma,
    polyval as polyval,
    realdiv as realdiv,
    reciprocal_no_nan as reciprocal_no_nan,
    reduce_euclidean_norm as reduce_euclidean_norm,
    scalar_mul as scalar_mul,
    truncatediv as truncatediv,
    xdivy as xdivy,
    xlogy as xlogy,
)
from static.graph import name_scope
from static.indexing import (
    in_top_k as in_top_k,
    top_k as top_k,
)
from static.numbers import abs_, angle as angle, conj as conj, imag as imag, real as real
from static.reductions import (
    argmax as argmax,
    argmin as argmin,
    count_nonzero as count_nonzero,
    cumprod as cumprod,
    cumsum as cumsum,
    norm as norm,
    reduce_all as reduce_all,
    reduce_any as reduce_any,
    reduce_logsumexp as reduce_logsumexp,
    reduce_max as reduce_max,
    reduce_mean as reduce_mean,
    reduce_min as reduce_min,
    reduce_prod as reduce_prod,
    reduce_std as reduce_std,
    reduce_sum as reduce_sum,
    reduce_variance as reduce_variance,
    zero_fraction as zero_fraction,
)
from static.segments import (
    segment_max as segment_max,
    segment_mean as segment_mean,
    segment_min as segment_min,
    segment_prod as segment_prod,
    segment_sum as segment_sum,
    unsorted_segment_max as unsorted_segment_max,
    unsorted_segment_mean as unsorted_segment_mean,
    unsorted_segment_min as unsorted_segment_min,
    unsorted_segment_prod as unsorted_segment_prod,
    unsorted_segment_sqrt_n as unsorted_segment_sqrt_n,
    unsorted_segment_sum as unsorted_segment_sum,
)
from static.tensor import apply, convert_to_tensor


# One argument

negative = unary("negative", ops.negative, NUMBERS)
abs = abs_
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
softplus = unary("softplus", ops.softplus, FLOATS)
softsign = unary("softsign", ops.softsign, FLOATS)
erf = unary("erf", ops.erf, FLOATS)
floor = unary("floor", ops.floor, FLOATS)
ceil = unary("ceil", ops.ceil, FLOATS)
round = unary("round", ops.round, REALS)
rint = unary("rint", ops.round, FLOATS)
is_nan = unary("is_nan", ops.isnan, FLOATS)
is_inf = unary("is_inf", ops.isinf, FLOATS)
is_finite = unary("is_finite", ops.isfinite, FLOATS)
logical_not = unary("logical_not", ops.logical_not, BOOLS)


def softmax(logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None) -> Any:
    """``exp(logits)`` scaled to sum to 1 along ``axis``, by default the last."""
    return call(ops.softmax, taken(logits, FLOATS, "softmax"), name=name, axis=_axis(axis, dim))


def log_softmax(logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None) -> Any:
    """The logarithm of ``softmax(logits)``, computed without it."""
    return call(ops.log_softmax, taken(logits, FLOATS, "log_softmax"), name=name, axis=_axis(axis, dim))


def _axis(axis: int | None, dim: int | None, last: int = -1) -> int:
    given = dim if axis is None else axis
    return last if given is None else int(given)


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


def div_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """Quotient ``x / y``, 0 where ``y`` is 0."""
    x, y = both(x, y)
    safe = apply(ops.where, equal(y, 0), ops.ones_like(y), y)
    return apply(ops.where, equal(y, 0), 0 * x, x / safe, name=name, node="div_no_nan")


def add_n(inputs: Sequence[Any], name: str | None = None) -> Any:
    """The sum of the tensors in ``inputs``. Raises ValueError where there are none, or their shapes differ."""
    given = [convert_to_tensor(item) for item in (inputs if isinstance(inputs, (list, tuple)) else [inputs])]
    if not given:
        raise ValueError(f"add_n: inputs must hold at least one tensor{at_line()}")
    for item in given[1:]:
        if not item.shape.is_compatible_with(given[0].shape):
            raise ValueError(f"add_n: {item!r} has not the shape of {given[0]!r}{at_line()}")
    if len(given) == 1:
        return given[0] if name is None else apply(ops.identity, given[0], name=name)
    with name_scope(name, "AddN") as scope:
        total = given[0]
        for item in given[1:-1]:
            total = apply(ops.add, total, item, node="add")
        return apply(ops.add, total, given[-1], name=scope)


accumulate_n = add_n


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


mod = floormod
divide_no_nan = div_no_nan


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
        raise ValueError(f"MatMul: shapes {a.shape} and {b.shape} must be at least rank 2 ({a.name}, {b.name}){at_line()}")
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
