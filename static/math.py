"""Arithmetic, comparison, logic, reductions and products under TensorFlow 1's names and dtype rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphs import ops
from graphs.core.errors import DtypeError, at_line
from static.calls import BOOLS, FLOATS, INEXACT, NUMBERS, REALS, binary, both, call, cast, unary
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
from static.tensor import apply, convert_to_tensor


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
