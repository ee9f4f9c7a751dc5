"""Functions of each element that take several steps: blends, roundings, powers, angles, tests, what replaces NaN."""

from __future__ import annotations

import math
from typing import Any

import numpy

from dynamic.apply import Carried, apply, binary, default_dtype, unary, wrap
from dynamic.dtypes import type_name
from dynamic.elsewhere import beside
from dynamic.functions.calling import named, on_host, results
from graphs.core.arrays import xp_of
from graphs.core.errors import DtypeError, at_line
from graphs.core.op import OPS
from graphs.ops import identity, multiply, where as where_op


FREXP = results("frexp", "mantissa exponent")


def lerp(input: Any, end: Any, weight: Any) -> Any:
    """``input + weight * (end - input)``. Raises RuntimeError where the dtypes differ."""
    kinds = {x._array.dtype for x in (input, end, weight) if isinstance(x, Carried)}
    if len(kinds) > 1:
        raise DtypeError(f"lerp takes tensors of one dtype, not {' and '.join(map(type_name, kinds))}{at_line()}")
    return apply(OPS["lerp"], (input, end, weight))


def _added(input: Any, term: Any, value: Any) -> Any:
    return input + (term if value.__class__ is int and value == 1 else term * value)


def addcmul(input: Any, tensor1: Any, tensor2: Any, *old: Any, value: Any = 1) -> Any:
    """``input + value * tensor1 * tensor2``; ``addcmul(input, value, tensor1, tensor2)`` too, PyTorch's form until 1.4."""
    if old:
        value, tensor1, tensor2 = tensor1, tensor2, *old
    return _added(input, tensor1 * tensor2, value)


def addcdiv(input: Any, tensor1: Any, tensor2: Any, *old: Any, value: Any = 1) -> Any:
    """``input + value * tensor1 / tensor2``; ``addcdiv(input, value, tensor1, tensor2)`` too, PyTorch's form until 1.4.

    Raises RuntimeError for integers, whose quotient is ambiguous.
    """
    if old:
        value, tensor1, tensor2 = tensor1, tensor2, *old
    if tensor1._array.dtype.kind in "biu" and tensor2._array.dtype.kind in "biu":
        raise DtypeError(f"addcdiv does not divide integers: cast with .float(), or use div(rounding_mode=){at_line()}")
    return _added(input, tensor1 / tensor2, value)


def round(input: Any, *, decimals: int = 0) -> Any:
    """The nearest number of so many decimals, the even one of two."""
    if not decimals:
        return unary(OPS["round"], input)
    if input._array.dtype.kind != "f":
        raise NotImplementedError(f"round to decimals is not for {type_name(input._array.dtype)}{at_line()}")
    scale = 10.0 ** abs(decimals)
    if decimals > 0:
        return unary(OPS["round"], input * scale) / scale
    return unary(OPS["round"], input / scale) * scale


def positive(input: Any) -> Any:
    """The tensor itself. Raises RuntimeError for bools."""
    if input._array.dtype.kind == "b":
        raise DtypeError(f"positive is not for bools{at_line()}")
    return apply(identity, (input,))


def sgn(input: Any) -> Any:
    """-1, 0 or 1; of a complex number the one of size 1 in its direction."""
    if input._array.dtype.kind != "c":
        return unary(OPS["sign"], input)
    size = unary(OPS["absolute"], input)
    return input / apply(where_op, (size == 0, 1.0, size))


def float_power(input: Any, exponent: Any) -> Any:
    """``input`` to the power ``exponent``, in float64."""
    return binary(OPS["power"], *(float(x) if isinstance(x, (int, float)) else x.to("float64") for x in (input, exponent)))


def ldexp(input: Any, other: Any) -> Any:
    """``input * 2**other``."""
    return binary(multiply, input, binary(OPS["power"], 2.0, other))


def frexp(input: Any) -> Any:
    """Mantissas of size in [0.5, 1) and int32 exponents: ``input = mantissa * 2**exponent``."""
    if input._array.dtype.kind != "f":
        raise DtypeError(f"frexp takes floating-point tensors, not {type_name(input._array.dtype)}{at_line()}")
    return FREXP(*apply(OPS["frexp"], (input,)))


def heaviside(input: Any, values: Any) -> Any:
    """0 below 0, 1 above, ``values`` at 0. Raises RuntimeError where the dtypes differ."""
    if input._array.dtype != values._array.dtype:
        raise DtypeError(f"heaviside takes tensors of one dtype{at_line()}")
    return apply(OPS["heaviside"], (input, values))


def nan_to_num(input: Any, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """Numbers in place of NaN and the infinities; of these the dtype's extremes by default."""
    if input._array.dtype.kind == "b":
        return input.clone()
    return apply(OPS["nan_to_num"], (input,), {"nan": 0.0 if nan is None else nan, "posinf": posinf, "neginf": neginf})


def logit(input: Any, eps: float | None = None) -> Any:
    """``log(input / (1 - input))``, of what lies in ``[eps, 1 - eps]`` where ``eps`` is given."""
    x = input if input._array.dtype.kind == "f" else input.to(default_dtype.get())
    if eps is not None:
        x = apply(OPS["clip"], (x,), {"min": eps, "max": 1 - eps})
    return unary(OPS["log"], x / (1 - x))


def deg2rad(input: Any) -> Any:
    """Degrees as radians."""
    return input * (math.pi / 180.0)


def rad2deg(input: Any) -> Any:
    """Radians as degrees."""
    return input * (180.0 / math.pi)


def digamma(input: Any) -> Any:
    """The derivative of ``lgamma``."""
    return apply(OPS["polygamma"], (input,), {"order": 0})


def polygamma(n: Any, input: Any) -> Any:
    """The derivative of order ``n`` of ``digamma``; as a method ``x.polygamma(n)``."""
    if isinstance(n, Carried):
        n, input = input, n
    if n < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n{at_line()}")
    return apply(OPS["polygamma"], (input,), {"order": int(n)})


def mvlgamma(input: Any, p: int) -> Any:
    """The logarithm of the gamma function of ``p`` dimensions. Raises RuntimeError below ``(p - 1) / 2``."""
    if p < 1:
        raise RuntimeError(f"mvlgamma: p has to be at least 1, not {p}{at_line()}")
    x = input if input._array.dtype.kind == "f" else input.to(default_dtype.get())
    shifts = wrap(beside(numpy.arange(1 - p, 1).astype(x._array.dtype) / 2, x._array))
    total = unary(OPS["lgamma"], x[..., None] + shifts).sum(-1)
    return total + p * (p - 1) / 4 * math.log(math.pi)


# Complex numbers


def conj(input: Any) -> Any:
    """The complex conjugate; a real tensor itself."""
    return apply(OPS["conj"], (input,)) if input._array.dtype.kind == "c" else input


def angle(input: Any) -> Any:
    """The angle of a complex number; of a real one 0, or π below 0."""
    if input._array.dtype.kind == "c":
        return apply(OPS["atan2"], (input.imag, input.real))
    x = input if input._array.dtype.kind == "f" else input.to(default_dtype.get())
    return apply(where_op, (x < 0, math.pi, x * 0.0))


# Tests


def isposinf(input: Any) -> Any:
    """Whether an element is infinite and positive."""
    return input == math.inf


def isneginf(input: Any) -> Any:
    """Whether an element is infinite and negative."""
    return input == -math.inf


def isreal(input: Any) -> Any:
    """Whether an element has no imaginary part."""
    xp: Any = xp_of((input._array,))
    return wrap(xp.isreal(input._array))


def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """Whether ``|input - other| <= atol + rtol * |other|``. Raises RuntimeError where the dtypes differ."""
    if input._array.dtype != other._array.dtype:
        raise DtypeError(f"isclose takes tensors of one dtype{at_line()}")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: tolerances are not negative: {rtol} and {atol}{at_line()}")
    xp: Any = xp_of((input._array, other._array))
    return wrap(xp.isclose(input._array, other._array, rtol, atol, equal_nan))


@on_host
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Any:
    """Whether an element is among ``test_elements``."""
    x, among = (each._array if isinstance(each, Carried) else each for each in (elements, test_elements))
    return wrap(numpy.isin(x, among, assume_unique=assume_unique, invert=invert))


def threshold(input: Any, threshold: float, value: float) -> Any:
    """Each element above ``threshold``, else ``value``."""
    return apply(where_op, (input > threshold, input, value))


METHODS = {
    **named(lerp, addcmul, addcdiv, round, positive, sgn, float_power, ldexp, frexp, heaviside, nan_to_num, logit, deg2rad),
    **named(rad2deg, digamma, polygamma, mvlgamma, conj, angle, isposinf, isneginf, isreal, isclose),
}
METHODS |= {"conj_physical": METHODS["conj"], "resolve_conj": positive, "resolve_neg": positive}
"""Functions that are methods too."""

FUNCTIONS = {**METHODS, **named(isin, threshold)}
"""Functions of the package."""

IN_PLACE = (
    *("lerp", "addcmul", "addcdiv", "round", "sgn", "float_power", "ldexp", "heaviside", "nan_to_num", "logit", "deg2rad"),
    *("rad2deg", "digamma", "polygamma", "mvlgamma", "conj_physical"),
)
"""Functions that have a variant in place, named with an underscore."""
