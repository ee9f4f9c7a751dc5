"""One call of a ufunc on one element as CUDA C++ text. What is not here cannot be part of a kernel.

C's own rules are kept out: every operand is a value of a stated dtype, whole numbers wrap around in unsigned arithmetic, and
what C leaves open (shifts beyond the word, the sign of a remainder, NaNs in a maximum) is written out as numpy has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy

from graphs.codegen.primitives import Call, Dtype, Literal


_NAMES = {
    ("b", 1): "bool",
    ("i", 1): "signed char",
    ("i", 2): "short",
    ("i", 4): "int",
    ("i", 8): "long long",
    ("u", 1): "unsigned char",
    ("u", 2): "unsigned short",
    ("u", 4): "unsigned int",
    ("u", 8): "unsigned long long",
    ("f", 4): "float",
    ("f", 8): "double",
}


def kind(dtype: Dtype) -> str:
    """The C type that a value of ``dtype`` has while it is computed with."""
    return _NAMES[dtype.kind, dtype.itemsize]


def stored(dtype: Dtype) -> str:
    """The C type that it has in memory: any byte but 0 is true, of which C's ``bool`` knows nothing."""
    return "unsigned char" if dtype.kind == "b" else kind(dtype)


def literal(each: Literal) -> str:
    """A number as C writes it, exactly."""
    dtype = each.dtype
    if dtype.kind == "b":
        return "true" if each.value else "false"
    if dtype.kind != "f":
        value = int(each.value)
        if value == numpy.iinfo(numpy.int64).min:
            return "(-9223372036854775807LL - 1)"
        return f"(({kind(dtype)}){value}{'ULL' if dtype.kind == 'u' else 'LL'})"
    with numpy.errstate(all="ignore"):
        exact = numpy.asarray(each.value).astype(dtype)[()]
    if numpy.isfinite(exact):
        return f"({float(exact).hex()}{'f' if dtype.itemsize == 4 else ''})"
    if dtype.itemsize == 4:
        return f"__int_as_float({exact.view(numpy.int32)})"
    return f"__longlong_as_double({exact.view(numpy.int64)}LL)"


_OPERATORS = {"add": "+", "subtract": "-", "multiply": "*"}
_BITS = {"bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}
_ORDERED = {"equal": "==", "not_equal": "!=", "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">="}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_LOGIC = {"logical_and": "&&", "logical_or": "||", "logical_xor": "!="}
_TRUTH = {"add": "||", "multiply": "&&", "maximum": "||", "minimum": "&&", **_LOGIC}
_TRUTH |= {"bitwise_and": "&&", "bitwise_or": "||", "bitwise_xor": "!=", "subtract": "!="}

_FUNCTIONS = {
    "absolute": "fabs",
    "fabs": "fabs",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "copysign": "copysign",
    "fmod": "fmod",
    "hypot": "hypot",
    "nextafter": "nextafter",
    "power": "pow",
    **{name: name for name in ("cbrt", "cos", "cosh", "exp", "exp2", "expm1", "log", "log10", "log1p", "log2")},
    **{name: name for name in ("sin", "sinh", "sqrt", "tan", "tanh", "floor", "ceil", "trunc", "rint")},
}
"""Ufuncs of floats that are functions of C; those of float32 end in ``f``."""

_HELPERS = frozenset(["maximum", "minimum", "sign", "floor_divide", "remainder", "logaddexp", "logaddexp2"])
"""Ufuncs that are functions of ``PREAMBLE`` (of whole numbers also ``fmod`` and the shifts)."""


@cache
def _writable(name: str, dtypes: tuple[Dtype, ...], dtype: Dtype) -> bool:
    return expression(Call(name, (0,) * len(dtypes), dtypes, dtype), ["x"] * len(dtypes)) is not None


def writable(calls: Sequence[Call]) -> bool:
    """Whether all calls can be written as CUDA C++."""
    return all(_writable(call.name, call.dtypes, call.dtype) for call in calls)


def expression(call: Call, args: Sequence[str]) -> str | None:
    """What ``call`` yields on ``args``, names or literals of the call's dtypes; None where it cannot be written."""
    name, dtype = call.name, call.dtypes[0]
    if name == "where":
        return f"{args[0]} ? {args[1]} : {args[2]}"
    if name == "cast":
        return _truth(dtype, args[0]) if call.dtype.kind == "b" else f"({kind(call.dtype)}){args[0]}"
    if name == "logical_not":
        return f"!{_truth(dtype, args[0])}"
    if name in _LOGIC:
        return f" {_LOGIC[name]} ".join(_truth(each, x) for each, x in zip(call.dtypes, args, strict=True))
    if name in _ORDERED:
        return _compared(_ORDERED[name], call.dtypes, args)
    if any(each != dtype for each in call.dtypes):
        return None
    if dtype.kind == "f":
        return _float(name, dtype, args)
    return _bool(name, args) if dtype.kind == "b" else _whole(name, dtype, args)


def _truth(dtype: Dtype, x: str) -> str:
    return x if dtype.kind == "b" else f"({x} != 0)"


def _compared(sign: str, dtypes: Sequence[Dtype], args: Sequence[str]) -> str:
    """A comparison. numpy compares signed with unsigned numbers by their values, C would convert the signed one."""
    (x, y), kinds = args, [dtype.kind for dtype in dtypes]
    if kinds == ["u", "i"]:
        (y, x), kinds, sign = args, ["i", "u"], _TURNED[sign]
    if kinds == ["i", "u"]:
        below = f"{x} < 0 ||" if sign in ("<", "<=", "!=") else f"{x} >= 0 &&"
        return f"{below} (unsigned long long){x} {sign} {y}"
    return f"{x} {sign} {y}"


def _float(name: str, dtype: Dtype, args: Sequence[str]) -> str | None:
    x, y = args[0], args[-1]
    single = dtype.itemsize == 4
    if name in _OPERATORS or name == "divide":
        return f"{x} {_OPERATORS.get(name, '/')} {y}"
    if name in _FUNCTIONS:
        return f"{_FUNCTIONS[name]}{'f' if single else ''}({', '.join(args)})"
    if name in _HELPERS:
        return f"dip_{name}({', '.join(args)})"
    if name in ("fmax", "fmin"):
        return f"{x} {'>' if name == 'fmax' else '<'}= {y} || {y} != {y} ? {x} : {y}"
    infinity = literal(Literal(numpy.inf, dtype))
    size = f"fabs{'f' if single else ''}({x})"
    written = {
        "negative": f"-{x}",
        "positive": x,
        "square": f"{x} * {x}",
        "signbit": f"copysign{'f' if single else ''}(1.0{'f' if single else ''}, {x}) < 0",
        "reciprocal": f"1 / {x}",
        "isnan": f"{x} != {x}",
        "isinf": f"{size} == {infinity}",
        "isfinite": f"{size} < {infinity}",
    }
    return written.get(name)


def _bool(name: str, args: Sequence[str]) -> str | None:
    if name in _TRUTH:
        return f"{args[0]} {_TRUTH[name]} {args[1]}"
    if name == "invert":
        return f"!{args[0]}"
    if name in ("absolute", "positive", "floor", "ceil", "trunc"):
        return args[0]
    return {"isnan": "false", "isinf": "false", "isfinite": "true"}.get(name)


def _whole(name: str, dtype: Dtype, args: Sequence[str]) -> str | None:
    t, x, y = kind(dtype), args[0], args[-1]
    wide = "unsigned long long" if dtype.itemsize == 8 else "unsigned int"  # a product of shorts overflows C's int
    if name in _OPERATORS:
        return f"({t})(({wide}){x} {_OPERATORS[name]} ({wide}){y})"
    if name in _BITS:
        return f"({t})({x} {_BITS[name]} {y})"
    if name in _HELPERS - {"logaddexp", "logaddexp2"} or name in ("fmod", "left_shift", "right_shift", "gcd", "lcm"):
        return f"dip_{name}({', '.join(args)})"
    if name in ("fmax", "fmin"):
        return f"dip_{name[1:]}imum({', '.join(args)})"
    if name in ("positive", "floor", "ceil", "trunc", "rint"):
        return x
    written = {
        "negative": f"({t})(0 - ({wide}){x})",
        "absolute": x if dtype.kind == "u" else f"{x} < 0 ? ({t})(0 - ({wide}){x}) : {x}",
        "square": f"({t})(({wide}){x} * ({wide}){x})",
        "invert": f"({t})~{x}",
        "isnan": "false",
        "isinf": "false",
        "isfinite": "true",
    }
    return written.get(name)


_TEMPLATES = """\
template <class T> __device__ __forceinline__ T dip_maximum(T x, T y) { return x > y || x != x ? x : y; }
template <class T> __device__ __forceinline__ T dip_minimum(T x, T y) { return x < y || x != x ? x : y; }
template <class T> __device__ __forceinline__ T dip_sign(T x) {
    return x > (T)0 ? (T)1 : x < (T)0 ? (T)-1 : x == (T)0 ? (T)0 : x;
}
template <class T> __device__ __forceinline__ T dip_floor_divide(T x, T y) {
    if (y == (T)0) return (T)0;
    if ((T)-1 < (T)0 && y == (T)-1) return (T)(0ULL - (unsigned long long)x);
    const T quotient = (T)(x / y);
    return x % y != 0 && (x < (T)0) != (y < (T)0) ? (T)(quotient - 1) : quotient;
}
template <class T> __device__ __forceinline__ T dip_fmod(T x, T y) {
    return y == (T)0 || ((T)-1 < (T)0 && y == (T)-1) ? (T)0 : (T)(x % y);
}
template <class T> __device__ __forceinline__ T dip_remainder(T x, T y) {
    const T left = dip_fmod(x, y);
    return left != (T)0 && (left < (T)0) != (y < (T)0) ? (T)(left + y) : left;
}
template <class T> __device__ __forceinline__ unsigned long long dip_size(T x) {
    return x < (T)0 ? 0ULL - (unsigned long long)x : (unsigned long long)x;
}
__device__ __forceinline__ unsigned long long dip_common(unsigned long long a, unsigned long long b) {
    while (a != 0) {
        const unsigned long long left = b % a;
        b = a;
        a = left;
    }
    return b;
}
template <class T> __device__ __forceinline__ T dip_gcd(T x, T y) { return (T)dip_common(dip_size(x), dip_size(y)); }
template <class T> __device__ __forceinline__ T dip_lcm(T x, T y) {
    const unsigned long long common = dip_common(dip_size(x), dip_size(y));
    return common == 0 ? (T)0 : (T)(dip_size(x) / common * dip_size(y));
}
template <class T> __device__ __forceinline__ T dip_left_shift(T x, T y) {
    return (unsigned long long)y < 8 * sizeof(T) ? (T)((unsigned long long)x << y) : (T)0;
}
template <class T> __device__ __forceinline__ T dip_right_shift(T x, T y) {
    return (unsigned long long)y < 8 * sizeof(T) ? (T)(x >> y) : x < (T)0 ? (T)-1 : (T)0;
}
"""

_OF_FLOATS = """\
__device__ __forceinline__ T dip_remainder(T x, T y) {
    const T left = fmodS(x, y);
    if (y == 0) return left;
    if (left == 0) return copysignS((T)0, y);
    return (left < 0) != (y < 0) ? left + y : left;
}
__device__ __forceinline__ T dip_floor_divide(T x, T y) {
    if (y == 0) return x / y;
    const T left = fmodS(x, y);
    const T rough = (x - left) / y - (left != 0 && (left < 0) != (y < 0) ? (T)1 : (T)0);
    if (rough == 0) return copysignS((T)0, x / y);
    const T whole = floorS(rough);
    return rough - whole > (T)0.5 ? whole + (T)1 : whole;
}
__device__ __forceinline__ T dip_logaddexp(T x, T y) {
    const T apart = x - y;
    if (x == y) return x + (T)0.693147180559945309417232121458176568;
    if (apart > 0) return x + log1pS(expS(-apart));
    return apart <= 0 ? y + log1pS(expS(apart)) : apart;
}
__device__ __forceinline__ T dip_logaddexp2(T x, T y) {
    const T apart = x - y, e = (T)1.442695040888963407359924681001892137;
    if (x == y) return x + 1;
    if (apart > 0) return x + e * log1pS(exp2S(-apart));
    return apart <= 0 ? y + e * log1pS(exp2S(apart)) : apart;
}
"""

PREAMBLE = _TEMPLATES + "".join(
    _OF_FLOATS.replace("T ", f"{t} ").replace("(T)", f"({t})").replace("S(", f"{suffix}(")
    for t, suffix in (("float", "f"), ("double", ""))
)
"""What stands before kernels: numpy's rules where C has others. It is C++ for a host, too, which tests compile it for."""
