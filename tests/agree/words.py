"""What a program is made of: for each op of the registry how to call it on values that a program has.

An element-wise op takes what broadcasts; ops that work on shapes get attributes that suit the shape at hand (``free``); any
op can also be called as one of its samples calls it, on values made to fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy

import dynamic as torch
import graphs.codegen.fused
import graphs.control  # noqa: F401 - enters the ops in the registry
import static as tf
from graphs.core.function import trace
from graphs.core.op import OPS, Op
from tests.agree.scope import MOST_ELEMENTS, RULES, SMOOTH, TABLE, Picks, Scope, Val, floats_integers, listed
from tests.samples.table import Case


NOT_CALLED = {
    "parameter": "an argument of a body: it has no kernel",
    "nextafter": "it has no gradient",
    **dict.fromkeys(("igamma", "igammac", "zeta"), "the gradient in the first argument is not known"),
    "ctc_occupancy": "a gradient whose own gradient is refused",
}
"""Ops that no program calls, and why."""

RANDOM = tuple(name for name, op in OPS.items() if "random" in op.traits)
ELEMENTWISE = tuple(name for name, op in OPS.items() if op.elementwise and name not in NOT_CALLED)
BY_SAMPLES = tuple(name for name in OPS if name not in NOT_CALLED and name not in RANDOM)

LITERALS = {
    "f": (1.0, 0.0, 2.0, -1.0, 0.5, -0.0, 3.0, -0.25, 1.5, 4.0, 1, 0, 2),
    "i": (1, 0, 2, -1, 3, 7),
    "b": (True, False),
    "c": (1.0, 2.0, -1.0),
}


def call(name: str, *args: str | None, **params: Any) -> str:
    """The text of a call."""
    return f"m.{name}({', '.join([*map(str, args), *(f'{k}={v!r}' for k, v in params.items())])})"


def written(op: str, at: int, params: dict[str, Any]) -> dict[str, Any]:
    """A sample's attributes as texts can hold them."""
    return {name: value if _readable(value) else _Setting(op, at, name) for name, value in params.items()}


class _Setting:
    def __init__(self, op: str, at: int, name: str) -> None:
        self.text = f"setting({op!r}, {at}, {name!r})"

    def __repr__(self) -> str:
        return self.text


def _readable(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_readable, value))
    return value is None or value is Ellipsis or isinstance(value, (bool, int, float, str))


# Element-wise


def elementwise(scope: Scope, name: str, picks: Picks) -> bool:
    op, entry = OPS[name], TABLE[name]
    kinds = entry.kinds + ("c" if name in _COMPLEX and picks.number() % 4 == 3 else "")
    if scope.smooth and name not in SMOOTH:
        return False
    first = scope.value(picks, "b" if name == "where" else kinds) or scope.value(picks)
    if first is None:
        return False
    chosen = TABLE[name].cases[picks.number() % len(entry.cases)]
    params = dict(chosen.params)
    if name == "cast":
        params = {"dtype": picks.of(["float32", "float64", "int64", "bool", "int32", scope.dtype.name])}
        if first.kind == "f" and params["dtype"].startswith("int"):
            return scope.keep(f"m.whole({first.name}, {params['dtype']!r})", ops=[name])
    dtype = first.dtype if first.kind in kinds else _suited(scope, kinds)
    if dtype.kind in "bi" and name not in ("cast", "cast_like") and "f" in kinds and floats_integers(op):
        dtype = scope.dtype
    if name == "where":
        other = scope.number(picks)
        dtype = other.dtype if other is not None else scope.dtype
    args = [scope.as_dtype(first, "bool" if name == "where" else dtype)]
    domain = _domain(name)
    args += [_beside(scope, name, first, dtype, picks) for _ in op.names[1:]]
    if len(args) > 1 and name not in ("where", "lerp") and picks.number() % 5 == 1:
        args.reverse()
    if dtype.kind == "f" and (picks.likely(8) or scope.smooth):
        args = [_within(arg, domain.get(i)) for i, arg in enumerate(args)]
    if (op.name in _FLAT_IN_TENSORFLOW or not op.differentiable) and dtype.kind == "f":
        args = [arg if arg[0] != "v" and arg[0] != "x" and arg[0] != "m" else f"m.stop_gradient({arg})" for arg in args]
    return scope.keep(call(name, *args, **params), ops=[name])


_COMPLEX = frozenset(["add", "subtract", "multiply", "negative", "identity", "square", "exp", "divide"])
_FLAT_IN_TENSORFLOW = frozenset(["floor", "ceil", "round", "trunc", "floor_divide"])
"""TensorFlow gives no gradient for these, PyTorch zeros: no gradient is asked for."""


def _suited(scope: Scope, kinds: str) -> numpy.dtype:
    return scope.dtype if "f" in kinds else numpy.dtype("int64" if "i" in kinds else "bool")


_NEUTRAL = {"add": (0.0, -0.0), "subtract": (0.0, -0.0), "multiply": (1.0, -1.0), "divide": (1.0, -1.0), "power": (1.0,)}
"""Numbers that leave another as it is, or its sign only."""


def _beside(scope: Scope, name: str, first: Val, dtype: numpy.dtype, picks: Picks) -> str:
    """A further operand: a value that broadcasts with ``first``, a number, an array, or ``first`` itself."""
    way = picks.number()
    if way % 8 in (6, 7) and name in _NEUTRAL and dtype.kind == "f":
        literal = picks.of(_NEUTRAL[name])
        shape = first.shape if len({x.shape for x in first.arrays}) == 1 else ()
        wide = picks.of([None, (2, *shape), (1,)])
        return repr(literal) if wide is None else f"m.array({listed(numpy.full(wide, literal, dtype))})"
    if way % 4 == 1:
        return repr(picks.of(LITERALS[dtype.kind]))
    if way % 8 == 2:
        literal = picks.of(LITERALS[dtype.kind])
        shape = first.shape if len({x.shape for x in first.arrays}) == 1 else ()
        shape = picks.of([(), (1,), shape, shape[-1:], (2, *shape)])
        return f"m.array({listed(numpy.full(shape, literal, dtype))})"
    fitting = [v for v in scope.values if v.kind in "bif" + dtype.kind and _broadcast(first, v)]
    v = fitting[-1 - picks.number() % len(fitting)] if fitting else first
    return scope.as_dtype(v, dtype)


def _broadcast(x: Val, y: Val) -> bool:
    try:
        return all(
            math.prod(numpy.broadcast_shapes(a.shape, b.shape)) <= MOST_ELEMENTS
            for a, b in zip(x.arrays, y.arrays, strict=True)
        )
    except ValueError:
        return False


def _domain(name: str) -> dict[int, str]:
    """Where a function is smooth, going by its samples: per operand a text that brings any number there."""
    out = {}
    entry = TABLE[name]
    for position in range(len(OPS[name].names)):
        given = [case.args[position] for case in entry.cases if position < len(case.args)]
        arrays = [x for x in given if isinstance(x, numpy.ndarray) and x.dtype.kind == "f" and x.size]
        if len(arrays) < len(given) or not arrays:
            continue
        low, high = min(x.min() for x in arrays), max(x.max() for x in arrays)
        if low > 1:
            out[position] = "m.add(m.square(m.tanh({})), 1.25)"
        elif low > 0:
            out[position] = "m.add(m.square({}), 0.5)"
        elif low > -1 and high < 1:
            out[position] = "m.multiply(m.tanh({}), 0.75)"
    return out


def _within(arg: str, domain: str | None) -> str:
    return arg if domain is None or arg[0] not in "vxm" else domain.format(arg)


# As the samples call it


def sampled(scope: Scope, name: str, picks: Picks) -> bool:
    """The op called as in one of its samples, on the program's own values where these can be made to fit."""
    op, entry = OPS[name], TABLE[name]
    at = picks.number() % len(entry.cases)
    case = entry.cases[at]
    if scope.smooth and name not in SMOOTH:
        return False
    raw = picks.number() % 3 != 1 and name not in _LINEAR_ALGEBRA
    dtype = scope.dtype if "f" in entry.kinds or not entry.kinds else numpy.dtype("int64" if "i" in entry.kinds else "bool")
    if dtype == numpy.float16 and name in _LINEAR_ALGEBRA:
        dtype = numpy.dtype(numpy.float32)
    if "body" in case.params or "branches" in case.params:
        dtype = numpy.dtype(numpy.float64)
    args = []
    for position, x in enumerate(case.args):
        letter = op.names[position] if position < len(op.names) else ""
        args.append(_argument(scope, op, letter, x, dtype, picks, raw))
    if name in _FLAT_IN_TENSORFLOW or not (op.differentiable or name in _NO_GRADIENT):
        args = [f"m.stop_gradient({arg})" if arg[0] in "mvx" else arg for arg in args]
    params = written(name, at, case.params)
    text = call(name, *args, **params)
    return scope.keep(text, _width(op, case), [name])


_LINEAR_ALGEBRA = frozenset(["inverse", "det", "solve", "cholesky", "eigh", "qr", "svd"])
_NO_GRADIENT = frozenset(["full", "arange", "linspace", "eye"])


def _argument(scope: Scope, op: Op, letter: str, x: Any, dtype: numpy.dtype, picks: Picks, raw: bool) -> str:
    if not isinstance(x, numpy.ndarray):
        return repr(x)
    if x.dtype.kind == "f":
        x = x.astype(dtype)
    given = f"m.array({listed(x)})"
    if x.dtype.kind in "b" or not x.size or picks.number() % 8 == 7:
        return given
    v = scope.value(picks, "fi" if x.dtype.kind != "i" else "i") or scope.value(picks)
    if v is None:
        return given
    if x.dtype.kind == "f":
        mine = scope.fitted(v, x.shape, dtype)
        if mine is None:
            return given
        return mine if raw else f"m.add({given}, m.multiply(m.tanh({mine}), 0.125))"
    if x.dtype.kind == "c":
        return given
    if letter.startswith("_") or op.name in ("shape_of",):
        return scope.fitted(v, x.shape, scope.dtype) or given
    if v.kind == "i" and picks.number() % 2 and x.min() >= 0:
        mine = scope.fitted(v, x.shape, x.dtype)
        return given if mine is None else f"m.turn({mine}, {int(x.max()) + 1})"
    return given


def _width(op: Op, case: Case) -> int:
    with numpy.errstate(all="ignore"):
        out = op(*case.args, **case.params)
    return len(out) if isinstance(out, tuple) else 1


# Random numbers


def drawn(scope: Scope, name: str, picks: Picks) -> bool:
    """A random op, of the run's own stream or with a seed."""
    op, entry = OPS[name], TABLE[name]
    if scope.smooth and name not in _DRAWN_SMOOTHLY:
        return False
    at = picks.number() % len(entry.cases)
    case = entry.cases[at]
    params = {k: v for k, v in written(name, at, case.params).items() if k != "key"}
    if scope.smooth:
        params["dtype"] = _Single()
    elif "dtype" in op.attributes and picks.likely(3):
        params["dtype"] = scope.dtype.name
    if picks.number() % 3 == 1:
        params["seed"] = scope.counter[0]  # no two draws share one
    args = [_argument(scope, op, "", x, scope.dtype, picks, False) for x in case.args]
    if op.names and op.names[0].startswith("_") and (v := scope.value(picks, "f")):
        args = [v.name]
    if op.names and not op.names[0].startswith("_"):
        args = [f"m.stop_gradient({arg})" for arg in args]
    before = scope.counter[0]
    text = call("draw", repr(name), *args, **params)
    if scope.smooth:
        text = call("cast", text, dtype=scope.dtype.name)
    if not scope.keep(text, _width(op, case), [name]):
        return False
    if "seed" not in params:
        scope.drawn.add(f"v{before + 1}")
    return True


_DRAWN_SMOOTHLY = frozenset(["random_normal", "random_uniform", "truncated_normal"])


class _Single:
    """float32 for draws, which are of other numbers in float64: the program stays the same where it is computed in that."""

    def __repr__(self) -> str:
        return "'float' '32'"


# What the rules of the passes look for


def ruled(scope: Scope, name: str, picks: Picks) -> bool:
    """An expression on which a rule fires."""
    samples = RULES[name]
    at = picks.number() % len(samples)
    _, specs = samples[at]
    if not in_both(name, at):
        return False
    args = []
    for spec in specs:
        dims = tuple(3 if n is None else n for n in spec.shape)
        dtype = scope.dtype if spec.dtype.kind == "f" else spec.dtype
        v = scope.value(picks, {"f": "f", "i": "i", "b": "b"}.get(spec.dtype.kind, "f")) or scope.value(picks)
        text = None if v is None else scope.fitted(v, dims, dtype)
        if text is None:
            return False
        args.append(text)
    if scope.smooth and not _smooth(name, at):
        return False
    return scope.keep(f"RULES[{name!r}][{at}][0]({', '.join(args)})")


@cache
def in_both(name: str, at: int) -> bool:
    """Whether a rule's sample can be written on tensors of either mode: some ask for numpy's dtype."""
    expression, specs = RULES[name][at]
    arrays = [numpy.ones([3 if n is None else n for n in spec.shape], spec.dtype) for spec in specs]
    try:
        expression(*map(torch.from_numpy, arrays))
        with tf.Graph().as_default():
            expression(*map(tf.constant, arrays))
    except (TypeError, AttributeError):
        return False
    return True


@cache
def _smooth(name: str, at: int) -> bool:
    expression, specs = RULES[name][at]
    return {node.op.name for node in trace(expression, *specs)[0].nodes} <= SMOOTH


def woven(scope: Scope, name: str, picks: Picks) -> bool:
    """The op of two of the latest values, of whatever shapes that go together."""
    latest = [v for v in scope.values[-8:] if v.kind == "f"]
    first = latest[picks.number() % len(latest)] if latest else None
    fitting = [v for v in latest if first is not None and v.dtype == first.dtype and _broadcast(first, v)]
    if first is None or len(fitting) < 2:
        return False
    return scope.keep(call(name, first.name, fitting[picks.number() % len(fitting)].name), ops=[name])


Word = tuple[str, str]
"""A way of making a line, and the name of the op or rule that it is about."""

WAYS: dict[str, Callable[[Scope, str, Picks], bool]] = {
    "elementwise": elementwise,
    "sampled": sampled,
    "drawn": drawn,
    "ruled": ruled,
    "woven": woven,
}
