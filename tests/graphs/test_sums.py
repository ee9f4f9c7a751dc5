"""Sums over leading axes of large arrays, many rows at once."""

from __future__ import annotations

import numpy
import pytest

import static
from graphs import ops
from graphs.core.sums import folds, sum_over


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("shape", [(70_000, 1), (8192, 16), (10_007, 7), (3, 5001, 16), (1000, 128), (600, 129), (64, 1025)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_sums_are_near_those_of_exact_arithmetic(shape: tuple[int, ...], dtype: str, keepdims: bool) -> None:
    x = numpy.random.default_rng(0).standard_normal(shape).astype(dtype)
    axes = tuple(range(len(shape) - 1))
    found, wanted = sum_over(x, axes, keepdims), x.astype("f8").sum(axis=axes, keepdims=keepdims)
    assert found.dtype == x.dtype
    assert found.shape == wanted.shape
    numpy.testing.assert_allclose(found, wanted, rtol=0, atol=numpy.finfo(dtype).eps * x.size)
    turned = numpy.asfortranarray(x)
    assert sum_over(turned, axes, keepdims).tobytes() == found.tobytes() or not folds(shape, axes, x.dtype)


def test_which_sums_are_folded() -> None:
    f4 = numpy.dtype("f4")
    assert folds((8192, 16), 0, f4)
    assert folds((100, 28, 28, 16), (0, 1, 2), f4)
    assert folds((2, 9000, 8), (1, 0), f4)
    assert not folds((8192, 16), 1, f4)
    assert not folds((8192, 16), None, f4)
    assert not folds((100, 16), 0, f4)
    assert not folds((8192, 16), 0, numpy.dtype("i8"))
    assert not folds((16, 100, 900), (1,), f4)


def test_a_session_adds_up_in_the_same_order() -> None:
    x = numpy.random.default_rng(0).standard_normal((10_007, 16)).astype("f4")
    with static.Graph().as_default():
        given = static.placeholder(static.float32, x.shape)
        total = static.reduce_sum(static.square(given), axis=0)
        with static.Session() as session:
            found = [session.run(total, {given: x}), *session.interpret([total], {given: x})]
    wanted = ops.sum(ops.square(x), axis=0)
    assert [each.tobytes() for each in found] == [wanted.tobytes()] * 2
