"""The strategy that makes programs: their inputs, and step after step what can be done with the values at hand."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from textwrap import indent
from typing import Any

import numpy
from hypothesis import strategies as st

from graphs.rewrite.probes import edges
from tests.agree import effects, free, words
from tests.agree.bodies import CONTROL, UnfitError
from tests.agree.machines import Trial
from tests.agree.program import Leaf, Program
from tests.agree.scope import RULES, Picks, Scope, Val, names


_NUMBERS = st.binary(min_size=6, max_size=10)
"""Choices, each a number from 0 to 255: one draw for all of a step's."""

# fmt: off
_COMMON = [
    "add", "multiply", "subtract", "divide", "tanh", "exp", "negative", "square", "maximum", "where", "relu", "sigmoid",
    "greater", "absolute", "sqrt", "cast", "identity", "log",
]
# fmt: on


def _weighted() -> list[words.Word]:
    """The words, each as often as it should be chosen, the simple ones first: programs that fail shrink towards these."""
    groups = [
        (16, [("elementwise", name) for name in _COMMON]),
        (16, [("free", name) for name in free.FREE]),
        (12, [("elementwise", name) for name in words.ELEMENTWISE]),
        (12, [("ruled", name) for name in RULES]),
        (10, [("sampled", name) for name in words.BY_SAMPLES]),
        (5, [("drawn", name) for name in words.RANDOM]),
    ]
    return [group[i % len(group)] for weight, group in groups for i in range(weight * 40)]


_WORD = st.sampled_from(_weighted())
_CONTROL = st.sampled_from([("control", name) for name in CONTROL])
_SIMPLE = st.tuples(_WORD, _NUMBERS)


def _control(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(_CONTROL, _NUMBERS, st.lists(inner, min_size=1, max_size=6))


_REGIONS = [
    *[("woven", name) for name in ("add", "subtract", "maximum", "minimum", "add", "subtract")],
    *[("free", name) for name in ("sum", "mean", "max")],
]
_STATE = st.tuples(st.sampled_from([("state", name) for name in effects.STATE]), _NUMBERS)
_AGAIN = st.tuples(st.just(("again", "")), _NUMBERS)
_NESTED = st.one_of(_SIMPLE, _SIMPLE, _SIMPLE, _AGAIN, _control(_SIMPLE))
_ANY = st.one_of(_SIMPLE, _SIMPLE, _STATE, _AGAIN)


def _lists(step: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[Any]:
    """Short and long ones. (Of one list of ``most`` steps hypothesis makes a few steps only.)"""
    parts = [st.lists(step, max_size=most // 6) for _ in range(6)]
    return st.tuples(*parts).map(lambda lists: [each for part in lists for each in part])


STEPS = {
    "straight": _lists(st.one_of(*[_SIMPLE] * 5, _AGAIN), 60),
    "dense": _lists(st.tuples(st.sampled_from(_REGIONS), _NUMBERS), 60),
    "looping": _lists(st.one_of(_SIMPLE, _SIMPLE, _control(_NESTED)), 24),
    "stateful": _lists(_ANY, 40),
    "mixed": _lists(st.one_of(_SIMPLE, _STATE, _AGAIN, _control(st.one_of(_ANY, _ANY, _control(_ANY)))), 24),
}
"""Kinds of programs: without control flow; of few ops in several shapes that go into one another; with loops and branches
(nested once); with effects; with all of it together.

Effects are variables that change and values that are told; what repeats is written once more as it stands.
"""

_STATEFUL = ("stateful", "mixed")
_WAYS = {**words.WAYS, "free": free.free, "state": effects.state, "again": effects.again}


def follow(scope: Scope, steps: Sequence[Any]) -> None:
    """Add the steps that suit to ``scope``."""
    for (way, name), numbers, *rest in steps:
        picks = Picks(numbers)
        if way == "control":
            with suppress(UnfitError):
                CONTROL[name](scope, name, picks, rest[0], follow)
        else:
            _WAYS[way](scope, name, picks)


@st.composite
def programs(
    draw: Any,
    kind: str = "straight",
    *,
    special: bool | None = None,
    smooth: bool = False,
    dtypes: Sequence[str] = ("float32", "float32", "float64", "float16"),
    batches: bool | None = None,
    most: int = 60,
) -> Program:
    """A program of one of the ``STEPS``, with inputs.

    Args:
        kind: which of them.
        special: whether there are NaNs, infinities, zeros of both signs, least and greatest numbers; either, if None.
        smooth: only functions whose results move little where inputs do.
        dtypes: the dtypes to choose the program's own from.
        batches: whether there are inputs of several batch sizes.
        most: how many steps are taken at most.
    """
    dtype = numpy.dtype(draw(st.sampled_from(dtypes)))
    special = draw(st.booleans()) if special is None else special
    batches = draw(st.booleans()) if batches is None else batches
    seed = draw(st.integers(0, 2**16))
    base = draw(st.lists(st.sampled_from([3, 2, 4, 1, 0]), min_size=4, max_size=4))
    shapes = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 15), st.integers(0, 31)), min_size=1, max_size=4))
    kinds = draw(st.lists(st.sampled_from("ffffib"), min_size=4, max_size=4))
    leaves = _leaves(dtype, special, batches, seed, base, shapes, kinds, kind in _STATEFUL)
    given = draw(STEPS[kind])[:most]
    return made(leaves, given, dtype, not special, smooth, draw(_NUMBERS), seed)


def _leaves(
    dtype: numpy.dtype,
    special: bool,
    batches: bool,
    seed: int,
    base: Sequence[int],
    shapes: Sequence[tuple[int, int, int]],
    kinds: Sequence[str],
    variables: bool,
) -> list[Leaf]:
    random = numpy.random.default_rng(seed)
    leaves = []
    for number, ((rank, ones, open_), kind) in enumerate(zip(shapes, kinds, strict=False)):
        variable = variables and number % 2 == 1
        wanted = {"f": dtype, "i": numpy.dtype("int64" if ones % 2 else "int32"), "b": numpy.dtype(bool)}[kind]
        if variable or number == 0:
            wanted = dtype
        sizes = [1 if ones >> axis & 1 else n for axis, n in enumerate(base[4 - rank :])]
        arrays = []
        for batch in (None, 5, 1) if batches else (None,):
            shape = tuple(sizes)
            if batch is not None and not variable and rank and not ones & 1:
                shape = (batch, *shape[1:])
            arrays.append(arrays[0] if variable and arrays else _drawn(random, shape, wanted, special))
        dims: tuple[int | None, ...] | None
        dims = tuple(None if open_ >> axis & 1 else n for axis, n in enumerate(sizes))
        if batches and rank and not ones & 1:
            dims = (None, *dims[1:])
        if open_ == 31:
            dims = None
        leaves.append(Leaf(f"{'w' if variable else 'x'}{number}", tuple(sizes) if variable else dims, tuple(arrays)))
    return leaves


def _drawn(random: numpy.random.Generator, shape: tuple[int, ...], dtype: numpy.dtype, special: bool) -> numpy.ndarray:
    if dtype.kind == "b":
        return numpy.asarray(random.random(shape) < 0.5)
    if dtype.kind == "i":
        return numpy.asarray(random.integers(-4, 5, shape), dtype)
    normal = random.standard_normal(shape)
    if special:
        normal = numpy.where(random.random(shape) < 0.5, random.choice(edges(dtype), shape), normal)
    return numpy.asarray(normal, dtype)


def made(
    leaves: list[Leaf], steps: Sequence[Any], dtype: numpy.dtype, tame: bool, smooth: bool, numbers: Sequence[int], seed: int
) -> Program:
    """The program that ``steps`` make on ``leaves``."""
    envs = []
    for i in range(len(leaves[0].arrays)):
        machine = Trial()
        machine.begin()
        machine.state.update({leaf.name: leaf.arrays[i] for leaf in leaves if leaf.variable})
        envs.append({**names(), "m": machine, **{leaf.name: leaf.arrays[i] for leaf in leaves}})
    scope = Scope(dtype, tame, smooth, envs, [Val(leaf.name, leaf.arrays) for leaf in leaves])
    follow(scope, steps)
    picks = Picks(numbers)
    total = _total(scope, picks)
    wrt = [v.name for v in scope.values[: len(leaves)] if v.kind == "f"]
    inner = [v.name for v in scope.values[len(leaves) : -1] if v.kind == "f" and v.name not in scope.drawn]
    wrt += inner[picks.number() % len(inner) :][:1] if inner else []
    arguments = ", ".join(["m", *(leaf.name for leaf in leaves)])
    values = {v.name: v.dtype for v in scope.values[len(leaves) :]}
    lines = [*scope.lines, f"return dict({', '.join(f'{name}={name}' for name in values)})"]
    text = f"def program({arguments}):\n" + indent("\n".join(lines), "    ")
    drawn = [name for name in values if name in scope.drawn or name in scope.effects.values()]
    return Program(leaves, text, values, drawn, total, wrt, scope.used, not tame, [picks.number() for _ in range(6)])


def _total(scope: Scope, picks: Picks) -> str | None:
    """A sum of some of the values, the last among them."""
    found = [v for v in scope.values if v.kind in "fc"]
    if not found:
        return None
    chosen = dict.fromkeys([found[-1], *(found[picks.number() % len(found)] for _ in range(picks.number() % 3))])
    text = ""
    for v in chosen:
        term = f"m.sum(m.add(m.real({v.name}), m.imag({v.name})))" if v.kind == "c" else f"m.sum({v.name})"
        if v.first.real.dtype != scope.dtype:
            term = f"m.cast({term}, dtype={scope.dtype.name!r})"
        text = f"m.add({text}, {term})" if text else term
    tame, scope.tame = scope.tame, False
    kept = scope.keep(text)
    scope.tame = tame
    return scope.values[-1].name if kept else None
