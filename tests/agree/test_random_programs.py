"""Programs that nobody wrote give the same bits in both modes, gradients of two orders included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from hypothesis import given, settings, strategies as st

import dynamic as torch
import static as tf
from static.passes import EXACT


ONE: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "neg": (tf.negative, torch.neg),
    "exp": (lambda x: tf.exp(-tf.abs(x)), lambda x: torch.exp(-torch.abs(x))),
    "tanh": (tf.tanh, torch.tanh),
    "sigmoid": (tf.sigmoid, torch.sigmoid),
    "relu": (tf.nn.relu, torch.relu),
    "softplus": (tf.nn.softplus, lambda x: torch.nn.functional.softplus(x, threshold=float("inf"))),
    "sqrt": (lambda x: tf.sqrt(x * x + 1.0), lambda x: torch.sqrt(x * x + 1.0)),
    "log": (lambda x: tf.log(tf.abs(x) + 0.5), lambda x: torch.log(torch.abs(x) + 0.5)),
    "square": (tf.square, torch.square),
    "cube": (lambda x: x**3.0, lambda x: x**3.0),
    "sum rows": (lambda x: tf.reduce_sum(x, 0, keepdims=True), lambda x: x.sum(0, keepdim=True)),
    "mean columns": (lambda x: tf.reduce_mean(x, -1, keepdims=True), lambda x: x.mean(-1, keepdim=True)),
    "softmax": (lambda x: tf.nn.softmax(x, -1), lambda x: torch.softmax(x, -1)),
    "gram": (lambda x: tf.matmul(x, x, transpose_a=True), lambda x: x.t() @ x),
}
"""Functions of one value, in either mode's words."""

TWO: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / (y * y + 1.0),
}
"""Functions of two values that broadcast; the words are Python's."""

LEAVES = {"x": (4, 4), "row": (1, 4), "column": (4, 1)}

Step = tuple[str, int, int]

steps = st.lists(st.tuples(st.sampled_from([*ONE, *TWO]), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=12)


def follow(program: list[Step], leaves: list[Any], mode: int) -> Any:
    """The value of ``program``: each step takes earlier values by number, and the last is what comes out."""
    values = list(leaves)
    for name, first, second in program:
        x, y = values[first % len(values)], values[second % len(values)]
        values.append(ONE[name][mode](x) if name in ONE else TWO[name](x, y))
    return values[-1]


@settings(max_examples=120, deadline=None)
@given(steps, st.sampled_from(["float32", "float64"]), st.integers(0, 2**32 - 1))
def test_any_program_gives_the_same_bits_in_both_modes(program: list[Step], dtype: str, seed: int) -> None:
    random = numpy.random.default_rng(seed)
    arrays = [random.standard_normal(shape).astype(dtype) for shape in LEAVES.values()]

    leaves = [torch.from_numpy(array).requires_grad_() for array in arrays]
    out = follow(program, leaves, 1)
    found = [out]
    if out.requires_grad:
        first = torch.autograd.grad(out.sum(), leaves, create_graph=True, allow_unused=True)
        found += first
        total = sum((g * g).sum() for g in first if g is not None)
        if total.requires_grad:
            found += torch.autograd.grad(total, leaves, allow_unused=True)

    with tf.Graph().as_default():
        symbols = [tf.placeholder(dtype, (None, shape[1])) for shape in LEAVES.values()]
        value = follow(program, symbols, 0)
        fetches = [value]
        if out.requires_grad:
            slopes = tf.gradients(tf.reduce_sum(value), symbols)
            fetches += slopes
            if len(found) > 4:
                squares = [tf.reduce_sum(g * g) for g in slopes if g is not None]
                fetches += tf.gradients(sum(squares), symbols)
        wanted = [fetch for fetch in fetches if fetch is not None]
        with tf.Session(passes=EXACT) as session:
            results = session.run(wanted, dict(zip(symbols, arrays, strict=True)))

    expected = [each.detach().numpy() for each in found if each is not None]
    assert [fetch is None for fetch in fetches] == [each is None for each in found]
    for result, other in zip(results, expected, strict=True):
        assert (result.dtype, result.shape) == (other.dtype, other.shape)
        assert result.tobytes() == other.tobytes()
