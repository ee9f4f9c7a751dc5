"""Programs made of what rules look for, at random: the same bits after every pass, gradients included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from hypothesis import given, settings, strategies as st

from graphs import ops
from graphs.autodiff import symbolic
from graphs.core.function import Function, trace
from graphs.core.node import Value
from graphs.core.spec import Spec
from graphs.ops.slicing import frozen
from graphs.rewrite import SIMPLIFY, Choice, Log, Program, check_all, cse, fold, rewrite


WORDS: dict[str, Callable[[Any, Any], Any]] = {
    "x + y": lambda x, y: x + y,
    "x - y": lambda x, y: x - y,
    "x * y": lambda x, y: x * y,
    "x / y": lambda x, y: x / y,
    "-x": lambda x, y: -x,
    "x - 0": lambda x, y: x - 0.0,
    "x + 0": lambda x, y: x + 0.0,
    "x * 1": lambda x, y: x * 1.0,
    "x * -1": lambda x, y: -1.0 * x,
    "x / 2": lambda x, y: x / 2.0,
    "1 - x": lambda x, y: 1.0 - x,
    "1 + x": lambda x, y: x + 1.0,
    "x ** 2": lambda x, y: x**2,
    "x ** 3": lambda x, y: x**3.0,
    "exp": lambda x, y: ops.exp(x),
    "log": lambda x, y: ops.log(x),
    "sqrt": lambda x, y: ops.sqrt(x),
    "square": lambda x, y: ops.square(x),
    "absolute": lambda x, y: ops.absolute(x),
    "sigmoid": lambda x, y: ops.sigmoid(x),
    "reciprocal": lambda x, y: ops.reciprocal(x),
    "softmax": lambda x, y: ops.softmax(x, axis=-1),
    "relu": lambda x, y: ops.relu(x),
    "maximum": lambda x, y: ops.maximum(x, 0.5),
    "minimum": lambda x, y: ops.minimum(x, 0.25),
    "clip": lambda x, y: ops.clip(x, min=-1.0, max=1.0),
    "choice": lambda x, y: ops.where(~(x > y), x, y),
    "same choice": lambda x, y: ops.where(ops.equal(x, y), ops.where(ops.equal(x, y), x, 2.0 * x), y),
    "transpose": lambda x, y: ops.transpose(x),
    "swap": lambda x, y: ops.swapaxes(x, axis1=0, axis2=1),
    "matrix transpose": lambda x, y: x.T if isinstance(x, Value) else ops.matrix_transpose(x),
    "product": lambda x, y: ops.matmul(x, ops.matrix_transpose(y)),
    "rows": lambda x, y: ops.broadcast_like(ops.sum(x, axis=0, keepdims=True), x),
    "mean": lambda x, y: x - ops.mean(x, axis=1, keepdims=True),
    "top": lambda x, y: x - ops.max(-x, axis=1, keepdims=True),
    "flip": lambda x, y: ops.flip(x, axis=0),
    "reshape": lambda x, y: ops.reshape(ops.reshape(x, shape=(2, 8)), shape=(4, 4)),
    "axes": lambda x, y: ops.squeeze(ops.expand_dims(x, axis=1), axis=1),
    "pad": lambda x, y: ops.getitem(ops.pad(x, paddings=((1, 0), (0, 1))), index=frozen(numpy.s_[1:, :4])),
    "join": lambda x, y: ops.getitem(ops.concat(x, y, axis=1), index=frozen(numpy.s_[:, 2:6])),
    "first": lambda x, y: ops.getitem(ops.concat(x, y, axis=0), index=frozen(numpy.s_[:4])),
    "cut": lambda x, y: ops.concat(*ops.split(x, sections=2, axis=1), axis=1),
    "stack": lambda x, y: ops.getitem(ops.stack(x, y), index=(1,)),
    "copy": lambda x, y: ops.identity(x),
    "cast": lambda x, y: ops.cast_like(ops.cast(x, dtype="float64"), x),
    "ones": lambda x, y: ops.ones_like(x) * y,
    "triangle": lambda x, y: ops.tril(ops.tril(x)),
}
"""Functions of two matrices of four by four."""

SPECIAL = numpy.array([0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan, 1.0, -2.0, 0.5, 1e-310])

steps = st.lists(st.tuples(st.sampled_from(sorted(WORDS)), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=10)

Step = tuple[str, int, int]


def program(chosen: list[Step], dtype: str) -> Function:
    """The last value and its gradients, as a Function of two matrices."""

    def values(*leaves: Any) -> list[Any]:
        found = list(leaves)
        for word, first, second in chosen:
            found.append(WORDS[word](found[first % len(found)], found[second % len(found)]))
        gradients = symbolic([found[-1]], [None], leaves)
        return [found[-1], *(g for g in gradients if g is not None)]

    return trace(values, *[Spec((4, 4), dtype)] * 2, name="program")[0]


def passed(body: Function, level: str) -> tuple[Function, Log]:
    log, choice = Log(), Choice(level)
    made = rewrite(cse(fold(Program.of(body), log, choice), log, choice), SIMPLIFY, log, choice)
    made = cse(made, log, choice)
    return Function(body.inputs, made.roots[: len(body.outputs)]), log


@settings(max_examples=150, deadline=None)
@given(steps, st.sampled_from(["float32", "float64"]), st.booleans(), st.integers(0, 2**32 - 1))
def test_exact_rules_keep_every_bit(chosen: list[Step], dtype: str, special: bool, seed: int) -> None:
    random = numpy.random.default_rng(seed)
    with numpy.errstate(all="ignore"):
        body = program(chosen, dtype)
        draw = (lambda shape: random.choice(SPECIAL, shape)) if special else random.standard_normal
        arrays = [draw((4, 4)).astype(dtype) for _ in body.inputs]
        after, _ = passed(body, "exact")
        for x, y in zip(body(*arrays), after(*arrays), strict=True):
            numpy.testing.assert_array_equal(y, x, strict=True)
            there = ~numpy.isnan(x)
            numpy.testing.assert_array_equal(numpy.signbit(y[there]), numpy.signbit(x[there]))


@settings(max_examples=40, deadline=None)
@given(steps, st.integers(0, 2**32 - 1))
def test_every_rewrite_of_any_level_holds(chosen: list[Step], seed: int) -> None:
    with numpy.errstate(all="ignore"):
        _, log = passed(program(chosen, "float32"), "fast")
        found = check_all(log, seed)
    assert not found, str(found[0])
