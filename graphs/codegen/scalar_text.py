"""One call of a ufunc on one element as LLVM text. What is not here is left to numpy's own loops."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy

from graphs.codegen.functions import FUNCTIONS
from graphs.codegen.primitives import Call, Dtype, Literal


Emit = Callable[[str], str]
"""Writes the right side of an assignment and gives the name that the result has."""


def kind(dtype: Dtype) -> str:
    """The LLVM type that a value of ``dtype`` has while it is computed with."""
    return "i1" if dtype.kind == "b" else stored(dtype)


def stored(dtype: Dtype) -> str:
    """The LLVM type that it has in memory."""
    if dtype.kind == "f":
        return "float" if dtype.itemsize == 4 else "double"
    return f"i{8 * dtype.itemsize}"


def literal(each: Literal) -> str:
    """A number as LLVM writes it: floats by their bits."""
    if each.dtype.kind == "f":
        with numpy.errstate(all="ignore"):
            exact = float(numpy.asarray(each.value).astype(each.dtype))
        return f"0x{struct.unpack('>Q', struct.pack('>d', exact))[0]:016X}"
    return str(int(each.value))


_FLOAT = {"add": "fadd", "subtract": "fsub", "multiply": "fmul", "divide": "fdiv"}
_WHOLE = {"add": "add", "subtract": "sub", "multiply": "mul", "bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "xor"}
_TRUTH = {"add": "or", "multiply": "and", "maximum": "or", "minimum": "and", "bitwise_and": "and", "bitwise_or": "or"}
_TRUTH |= {"logical_and": "and", "logical_or": "or", "logical_xor": "xor", "bitwise_xor": "xor", "not_equal": "xor"}
_ORDERED = {"equal": "oeq", "not_equal": "une", "less": "olt", "less_equal": "ole", "greater": "ogt", "greater_equal": "oge"}
_INTRINSIC = {"absolute": "fabs", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "rint"}
_CHOSEN = {"maximum": ("ogt", "gt"), "minimum": ("olt", "lt")}


@cache
def _inline(name: str, dtypes: tuple[Dtype, ...], dtype: Dtype, own: bool) -> bool:
    call = Call(name, (0,) * len(dtypes), dtypes, dtype)
    return scalar(call, ["%x"] * len(dtypes), lambda _: "%y", set(), own) is not None


def inline(call: Call, own: bool = False) -> bool:
    """Whether the call is written out, not left to numpy's loop. With ``own``, functions of our own are too."""
    return _inline(call.name, call.dtypes, call.dtype, own)


def function(call: Call) -> Any:
    """The function of our own that stands for the call, if there is one."""
    return FUNCTIONS.get((call.name, call.dtypes[0].char)) if call.dtypes[0] == call.dtype else None


def scalar(call: Call, args: Sequence[str], emit: Emit, declared: set[str], own: bool) -> str | None:
    """The name of what ``call`` yields on ``args``; None where it is not written out. ``declared`` gets what it calls."""
    name, dtype = call.name, call.dtypes[0]
    if name == "where":
        t = kind(call.dtype)
        return emit(f"select i1 {args[0]}, {t} {args[1]}, {t} {args[2]}")
    if name == "cast":
        return _cast(dtype, call.dtype, args[0], emit)
    ours = function(call) if own else None
    if ours is not None:
        declared.add(ours.symbol)
        return emit(f"call {kind(dtype)} @{ours.symbol}({kind(dtype)} {args[0]})")
    if name in ("logical_and", "logical_or", "logical_xor", "logical_not") and dtype.kind != "b":
        args = [_truth(dtype, x, emit) for x in args]
        dtype = numpy.dtype(numpy.bool_)
    if dtype.kind == "f":
        return _float(name, kind(dtype), args, emit, declared)
    if dtype.kind == "b":
        if name in ("logical_not", "invert"):
            return emit(f"xor i1 {args[0]}, true")
        if name == "equal":
            return emit(f"xor i1 {emit(f'xor i1 {args[0]}, {args[1]}')}, true")
        return emit(f"{_TRUTH[name]} i1 {args[0]}, {args[1]}") if name in _TRUTH else None
    return _whole(name, dtype, args, emit) if dtype.kind in "iu" else None


def _truth(dtype: Dtype, x: str, emit: Emit) -> str:
    if dtype.kind == "b":
        return x
    zero = Literal(0, dtype)
    return emit(f"fcmp une {kind(dtype)} {x}, {literal(zero)}" if dtype.kind == "f" else f"icmp ne {kind(dtype)} {x}, 0")


def _float(name: str, t: str, args: Sequence[str], emit: Emit, declared: set[str]) -> str | None:
    x, y = args[0], args[-1]
    zero, one = "0x0000000000000000", "0x3FF0000000000000"
    suffix = "f32" if t == "float" else "f64"

    def intrinsic(which: str, *given: str) -> str:
        declared.add(f"llvm.{which}.{suffix}")
        return emit(f"call {t} @llvm.{which}.{suffix}({', '.join(f'{t} {each}' for each in given)})")

    if name in _FLOAT:
        return emit(f"{_FLOAT[name]} {t} {x}, {y}")
    if name in _ORDERED:
        return emit(f"fcmp {_ORDERED[name]} {t} {x}, {y}")
    if name in _INTRINSIC:
        return intrinsic(_INTRINSIC[name], x)
    if name in _CHOSEN:  # a NaN comes through, and of two equal ones the second, as numpy's loops have it
        first = emit(f"or i1 {emit(f'fcmp {_CHOSEN[name][0]} {t} {x}, {y}')}, {emit(f'fcmp uno {t} {x}, {x}')}")
        return emit(f"select i1 {first}, {t} {x}, {t} {y}")
    match name:
        case "square":
            return emit(f"fmul {t} {x}, {x}")
        case "negative":
            return emit(f"fneg {t} {x}")
        case "positive":
            return x
        case "reciprocal":
            return emit(f"fdiv {t} {one}, {x}")
        case "copysign":
            return intrinsic("copysign", x, y)
        case "isnan":
            return emit(f"fcmp uno {t} {x}, {x}")
        case "isinf":
            return emit(f"fcmp oeq {t} {intrinsic('fabs', x)}, 0x7FF0000000000000")
        case "isfinite":
            return emit(f"fcmp olt {t} {intrinsic('fabs', x)}, 0x7FF0000000000000")
        case "sign":
            at_zero = emit(f"select i1 {emit(f'fcmp oeq {t} {x}, {zero}')}, {t} {zero}, {t} {x}")
            below = emit(f"select i1 {emit(f'fcmp olt {t} {x}, {zero}')}, {t} 0xBFF0000000000000, {t} {at_zero}")
            return emit(f"select i1 {emit(f'fcmp ogt {t} {x}, {zero}')}, {t} {one}, {t} {below}")
    return None


def _whole(name: str, dtype: Dtype, args: Sequence[str], emit: Emit) -> str | None:
    t, sign = kind(dtype), "s" if dtype.kind == "i" else "u"
    x, y = args[0], args[-1]
    if name in _WHOLE:
        return emit(f"{_WHOLE[name]} {t} {x}, {y}")
    if name in ("equal", "not_equal"):
        return emit(f"icmp {'eq' if name == 'equal' else 'ne'} {t} {x}, {y}")
    if name in _ORDERED:
        return emit(f"icmp {sign}{_ORDERED[name][1:]} {t} {x}, {y}")
    if name in _CHOSEN:
        return emit(f"select i1 {emit(f'icmp {sign}{_CHOSEN[name][1]} {t} {x}, {y}')}, {t} {x}, {t} {y}")
    match name:
        case "square":
            return emit(f"mul {t} {x}, {x}")
        case "negative":
            return emit(f"sub {t} 0, {x}")
        case "invert":
            return emit(f"xor {t} {x}, -1")
        case "positive":
            return x
    return None


def _cast(source: Dtype, target: Dtype, x: str, emit: Emit) -> str | None:
    a, b = kind(source), kind(target)
    if target.kind == "b":
        return _truth(source, x, emit)
    if source.kind == "f":
        if target.kind != "f":
            return None  # beyond the integer's range numpy gives what the processor gives, LLVM anything
        return emit(f"{'fpext' if target.itemsize > source.itemsize else 'fptrunc'} {a} {x} to {b}")
    if target.kind == "f":
        return emit(f"{'sitofp' if source.kind == 'i' else 'uitofp'} {a} {x} to {b}")
    if source.kind == "b" or target.itemsize > source.itemsize:
        return emit(f"{'sext' if source.kind == 'i' else 'zext'} {a} {x} to {b}")
    return x if target.itemsize == source.itemsize else emit(f"trunc {a} {x} to {b}")
