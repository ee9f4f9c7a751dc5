"""Less common arithmetic: special functions, quotients that are 0 where the divisor is, polynomials, limits of dtypes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from graphs import ops
from static.calls import FLOATS, INEXACT, NUMBERS, both, cast, taken, unary
from static.dtypes import as_dtype
from static.reductions import reduce_all, reduce_sum
from static.tensor import apply, constant_value, convert_to_tensor


lgamma = unary("lgamma", ops.lgamma, FLOATS)
erfc = unary("erfc", ops.erfc, FLOATS)


def digamma(x: Any, name: str | None = None) -> Any:
    """The derivative of ``lgamma``."""
    return apply(ops.polygamma, taken(x, FLOATS, "digamma"), name=name, node="Digamma", order=0)


def polygamma(a: Any, x: Any, name: str | None = None) -> Any:
    """The derivative of order ``a``, which has to be known while building, of ``digamma``."""
    order = constant_value(a)
    if order is None or order.ndim or order.item() != int(order):
        raise ValueError("the order of tf.polygamma has to be one whole number that is known while the graph is being built")
    return apply(ops.polygamma, taken(x, FLOATS, "polygamma"), name=name, node="Polygamma", order=int(order))


def lbeta(x: Any, name: str | None = None) -> Any:
    """The logarithm of the (multivariate) beta function of the vectors along the last axis."""
    x = taken(x, FLOATS, "lbeta")
    whole = lgamma(reduce_sum(x, -1))
    return apply(ops.subtract, reduce_sum(lgamma(x), -1), whole, name=name, node="lbeta")


def polyval(coeffs: Sequence[Any], x: Any, name: str | None = None) -> Any:
    """The polynomial with these coefficients, the one of the highest power first, at ``x``."""
    x = convert_to_tensor(x)
    if not isinstance(coeffs, list):
        raise ValueError(f"Argument coeffs must be list type found {type(coeffs)}.")
    if not coeffs:
        return ops.zeros_like(x)
    each = [convert_to_tensor(c, preferred_dtype=x.dtype) for c in coeffs]
    out = each[0]
    for coefficient in each[1:]:
        out = apply(ops.add, coefficient, out * x, node="polyval")
    return out if name is None else apply(ops.identity, out, name=name)


# Products and quotients


def truncatediv(x: Any, y: Any, name: str | None = None) -> Any:
    """Quotient of integers rounded towards zero, as in C."""
    x, y = both(x, y)
    return apply(ops.floor_divide, x - ops.fmod(x, y), y, name=name, node="TruncateDiv")


def realdiv(x: Any, y: Any, name: str | None = None) -> Any:
    """Quotient ``x / y`` of floating or complex numbers."""
    x, y = both(x, y)
    return apply(ops.divide, taken(x, INEXACT, "realdiv"), y, name=name, node="RealDiv")


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """``x`` times a scalar. Raises ValueError where ``scalar`` has dimensions."""
    scalar, x = both(scalar, x)
    if scalar.dims:
        raise ValueError(f"Only scalar multiply works, got shape {scalar.shape}")
    return apply(ops.multiply, scalar, x, name=name, node="Mul")


def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """``x * y``, 0 where ``y`` is 0 even if ``x`` is infinite or NaN."""
    x, y = both(x, y)
    lost = ops.logical_and(ops.equal(y, 0), ops.logical_not(ops.isfinite(x)))
    return apply(ops.multiply, ops.where(lost, ops.zeros_like(x), x), y, name=name, node="MulNoNan")


def reciprocal_no_nan(x: Any, name: str | None = None) -> Any:
    """``1 / x``, 0 where ``x`` is 0."""
    x = taken(x, INEXACT, "reciprocal_no_nan")
    zero = ops.equal(x, 0)
    safe = ops.reciprocal(ops.where(zero, ops.ones_like(x), x))
    return apply(ops.where, zero, ops.zeros_like(x), safe, name=name, node="reciprocal_no_nan")


def xlogy(x: Any, y: Any, name: str | None = None) -> Any:
    """``x * log(y)``, 0 where ``x`` is 0."""
    x, y = both(x, y)
    safe = ops.log(ops.where(ops.equal(x, 0), ops.ones_like(x * y), y))
    return apply(ops.multiply, x, safe, name=name, node="Xlogy")


def xdivy(x: Any, y: Any, name: str | None = None) -> Any:
    """``x / y``, 0 where ``x`` is 0."""
    x, y = both(x, y)
    zero, whole = ops.equal(x, 0), ops.ones_like(x * y)
    quotient = x / ops.where(zero, whole, y)
    return apply(ops.where, zero, ops.zeros_like(whole), quotient, name=name, node="Xdivy")


# Order and size


def is_non_decreasing(x: Any, name: str | None = None) -> Any:
    """Whether no element, in row-major order, is less than the one before it."""
    return _rising(x, ops.less_equal, name or "is_non_decreasing")


def is_strictly_increasing(x: Any, name: str | None = None) -> Any:
    """Whether each element, in row-major order, is greater than the one before it."""
    return _rising(x, ops.less, name or "is_strictly_increasing")


def _rising(x: Any, compare: Any, name: str) -> Any:
    flat = ops.reshape(convert_to_tensor(x), shape=(-1,))
    return reduce_all(compare(flat[:-1], flat[1:]), name=name)


def reduce_euclidean_norm(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The square root of the sum of squares over ``axis``."""
    x = taken(input_tensor, NUMBERS, "reduce_euclidean_norm")
    total = reduce_sum(ops.square(x), axis, keepdims)
    return apply(ops.sqrt, total, name=name, node="EuclideanNorm")


def _limit(value: Any, dtype: Any) -> Any:
    """The number of ``dtype`` next to ``value`` on the side of 0."""
    near = dtype.dtype.type(value)
    if dtype.is_floating and abs(float(near)) > abs(value):
        near = numpy.nextafter(near, dtype.dtype.type(0))
    return near.item()


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Any:
    """``value`` in ``dtype``, what lies beyond its least and greatest value set to these."""
    x, wanted = convert_to_tensor(value), as_dtype(dtype)
    if wanted.min > x.dtype.min:
        x = ops.maximum(x, _limit(wanted.min, x.dtype))
    if wanted.max < x.dtype.max:
        x = ops.minimum(x, _limit(wanted.max, x.dtype))
    return cast(x, wanted, name or "saturate_cast")
