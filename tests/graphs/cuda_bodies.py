"""Bodies to write CUDA C++ for: of every element-wise op, of each call that any makes, of all optimisers; random ones."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy

import graphs.ops  # noqa: F401  (it fills the registry)
from graphs.codegen.cuda import FLAT, Form, kernel
from graphs.codegen.cuda_calls import PREAMBLE
from graphs.codegen.primitives import Call, Scalars, Traced, UnfitError, applied, scalars
from graphs.core.function import Function, trace
from graphs.core.op import OPS, Op
from graphs.core.spec import Spec
from graphs.updates import Rule


CHARS = "?bBhHiIlLqQfd"

UNTRACED = {
    "sinc": "sinc",
    "lgamma": "inf",
    "polygamma": "nan",
    "nan_to_num": "nan_to_num",
    **dict.fromkeys(("erfcx", "erfinv", "log_ndtr", "ndtri"), "inf"),
    **dict.fromkeys(("i0", "i0e", "i1", "i1e"), "ones_like"),
    **dict.fromkeys(("heaviside", "igamma", "igammac", "xlog1py", "xlogy", "zeta"), "result_type"),
}
"""Element-wise ops of which no kernel is made, and what they read of the array module that is no ufunc."""

PARTLY = {
    "floor_divide": "dividing whole numbers by zero is an error",
    "remainder": "likewise",
    "fmod": "likewise",
    "power": "negative powers of whole numbers are an error",
    "round": "numpy leaves whole numbers as they are",
    "atan2": "of small whole numbers numpy makes float32, of which the op's rule knows nothing",
    **dict.fromkeys(("copysign", "hypot", "logaddexp", "logaddexp2", "nextafter"), "likewise"),
    "binary_cross_entropy": "it reckons small whole numbers in float16, and subtracts truths",
    "sigmoid_cross_entropy_with_logits": "likewise",
}
"""Element-wise ops of which there are kernels for floats, but not for some whole numbers or truths, and why."""


def settings(op: Op) -> dict[str, Any]:
    """Attributes for a call of ``op`` that has some without a default."""
    some = {"min": 0.2, "max": 0.9, "dtype": "float32"}
    return {name: some.get(name, 1) for name, value in op.attributes.items() if value is inspect.Parameter.empty}


def traced(op: Op) -> Iterator[tuple[Sequence[str], Scalars | str]]:
    """For all dtypes that ``op`` takes, what it computes for an element, or why that cannot be told."""
    count = len(op.names)
    several = [tuple([char] * count) for char in CHARS] + [("?", *[char] * (count - 1)) for char in CHARS]
    for chars in itertools.product(CHARS, repeat=count) if count < 3 else several:
        into = Scalars([numpy.dtype(char) for char in chars])
        try:
            (spec,) = op.infer(*[Spec((), char) for char in chars], **settings(op))
        except (TypeError, ValueError):
            continue
        try:
            into.outputs = [applied(into, op, [Traced(into, i) for i in range(count)], settings(op), spec.dtype).value]
        except UnfitError as error:
            yield chars, str(error)
        else:
            yield chars, into


ELEMENTWISE = {name: op for name, op in OPS.items() if op.elementwise and op.kernel.__module__.startswith("graphs.ops")}


@cache
def made(name: str) -> list[Scalars]:
    return [each for _, each in traced(ELEMENTWISE[name]) if isinstance(each, Scalars)]


@cache
def homogeneous(char: str) -> dict[str, Scalars]:
    """By op, what it computes for operands that all have one dtype, but for a condition before them."""
    found = {}
    for name in sorted(ELEMENTWISE):
        for each in made(name):
            given = each.inputs[1:] if name == "where" else each.inputs
            if all(dtype.char == char for dtype in given):
                found[name] = each
    return found


def flat(each: Scalars) -> Form:
    return Form((FLAT,) * len(each.inputs), (FLAT,) * len(each.outputs), 0, False)


def text(all_of: Sequence[Scalars]) -> str:
    """One program of many kernels, ``k0`` and so on."""
    return PREAMBLE + "".join(kernel(each, flat(each), f"k{i}") for i, each in enumerate(all_of))


def calls() -> dict[tuple[Any, ...], Call]:
    """One of each call that any op makes, and casts between all dtypes."""
    found: dict[tuple[Any, ...], Call] = {}
    for name in ELEMENTWISE:
        for each in made(name):
            for call in each.calls:
                found[call.name, call.dtypes, call.dtype] = call
    for char, other in itertools.product(CHARS, repeat=2):
        dtypes = (numpy.dtype(char),)
        found["cast", dtypes, numpy.dtype(other)] = Call("cast", (0,), dtypes, numpy.dtype(other))
    for name in ("floor_divide", "remainder", "fmod", "left_shift", "right_shift"):  # ops check their operands, on numpy
        for types in getattr(numpy, name).types:
            ins, out = types.split("->")
            if set(ins + out) <= set(CHARS):
                dtypes = tuple(map(numpy.dtype, ins))
                found[name, dtypes, numpy.dtype(out)] = Call(name, (0, 1), dtypes, numpy.dtype(out))
    return found


def alone(call: Call) -> Scalars:
    """A body of that call on inputs."""
    return Scalars(
        list(call.dtypes), [Call(call.name, tuple(range(len(call.dtypes))), call.dtypes, call.dtype)], [len(call.dtypes)]
    )


def edges(dtype: numpy.dtype[Any]) -> numpy.ndarray:
    """Values at which things go wrong, and some that are ordinary."""
    if dtype.kind == "b":
        return numpy.array([False, True])
    if dtype.kind in "iu":
        limits = numpy.iinfo(dtype)
        some = [0, 1, 2, 3, 5, 7, 8, 10, 16, 31, 32, 63, 64, 100, -1, -2, -3, -7, -100, limits.max // 2]
        some += [limits.max, limits.max - 1, limits.min, limits.min + 1]
        return numpy.array(sorted({x for x in some if limits.min <= x <= limits.max}), dtype)
    limits = numpy.finfo(dtype)
    some = [
        0,
        1,
        0.5,
        2,
        3,
        1.5,
        2.5,
        0.1,
        7.25,
        1e-3,
        10,
        88,
        104,
        123456.7,
        limits.max,
        limits.tiny,
        limits.eps,
        1 + limits.eps,
    ]
    some += [limits.smallest_subnormal, 100 * limits.smallest_subnormal, numpy.inf]
    drawn = numpy.random.default_rng(0).standard_normal(30)
    return numpy.concatenate([numpy.array([*some, *(-x for x in some), numpy.nan]), drawn]).astype(dtype)


def updates() -> list[Scalars]:
    """The updates of all optimisers: with no setting and with all in both float dtypes, with each of them in float32."""
    found = []
    for kind in _kinds(Rule):
        flags = [field.name for field in dataclasses.fields(kind)]
        for chosen in ((), *((flag,) for flag in flags), flags):
            for dtype in ("float32", "float64") if len(chosen) != 1 else ("float32",):
                each = scalars(kind(**dict.fromkeys(chosen, True)).function(dtype))
                assert each is not None
                found.append(each)
    return found


def _kinds(kind: Any) -> list[Any]:
    return [each for under in kind.__subclasses__() for each in (under, *_kinds(under))]


EXACT = ("add", "subtract", "multiply", "divide", "sqrt", "maximum", "minimum", "absolute", "negative", "square", "floor")
EXACT += ("sign", "reciprocal", "squared_difference", "trunc", "rsqrt", "remainder", "floor_divide", "clip", "lerp", "relu")
SMOOTH = ("exp", "tanh", "sigmoid", "softplus", "log1p", "erf", "sin", "power", "expm1", "gelu", "mish", "acos")
"""Names of float ops whose results have numpy's bits, and of some that are a few units off."""


def bodies(count: int, names: Sequence[str], seed: int) -> list[Function]:
    """Random bodies of float ops, of several inputs and outputs, with literals, scalars and casts."""
    rng = numpy.random.default_rng(seed)
    made = []
    for _ in range(count):
        dtypes = rng.choice(["float32", "float64"], size=3)

        def body(*given: Any, rng: Any = rng) -> Any:
            values = list(given)
            for _ in range(int(rng.integers(3, 12))):
                op = OPS[names[int(rng.integers(len(names)))]]
                chosen = [values[int(rng.integers(len(values)))] for _ in op.names]
                if len(chosen) == 2 and rng.random() < 0.3:
                    chosen[int(rng.integers(2))] = float(rng.choice([0.1, 3.0, -2.5, 1e-3]))
                values.append(op(*chosen, **settings(op)))
                if rng.random() < 0.2:
                    values.append(OPS["cast"](values[-1], dtype=str(rng.choice(["float32", "float64"]))))
                if rng.random() < 0.2:
                    values.append(OPS["where"](OPS["less"](values[0], values[-1]), values[-1], 0.25))
            return [given[0] + x for x in values[-2:]]

        specs = [Spec(None, dtypes[0]), Spec(None, dtypes[1]), Spec((), dtypes[2])]
        made.append(trace(body, *specs, name="random")[0])
    return made
