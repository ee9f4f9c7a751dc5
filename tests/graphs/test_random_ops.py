"""The random ops: what their keys mean, and how their numbers are distributed (bounds of five standard errors and more)."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from graphs import ops
from graphs.core.op import OPS
from tests.helpers import load_samples
from tests.samples.table import Case


KEY = (5, 0, 0)
N = 20_000
DRAWS = [(name, case) for name, entry in load_samples().items() if "random" in OPS[name].traits for case in entry.cases]


@pytest.mark.parametrize(("name", "case"), DRAWS, ids=[f"{name}-{case}" for name, case in DRAWS])
def test_the_key_decides_the_numbers(name: str, case: Case) -> None:
    first, again = (OPS[name](*case.args, **case.params) for _ in range(2))
    for x, y in zip(first, again, strict=True) if isinstance(first, tuple) else [(first, again)]:
        numpy.testing.assert_array_equal(x, y, strict=True)


@pytest.mark.parametrize("other", [(6, 0, 0), (5, 1, 0), (5, 0, 1)], ids=["seed", "step", "ordinal"])
def test_every_part_of_the_key_counts(other: tuple[int, int, int]) -> None:
    drawn = ops.random_normal(shape=(50,), key=KEY)
    assert not numpy.isin(ops.random_normal(shape=(50,), key=other), drawn).any()


@pytest.mark.parametrize("name", sorted({name for name, _ in DRAWS}))
def test_without_a_key_nothing_is_drawn(name: str) -> None:
    case = next(case for drawn, case in DRAWS if drawn == name)
    with pytest.raises(ValueError, match="key"):
        OPS[name](*case.args, **{**case.params, "key": None})


@pytest.mark.parametrize("dtype", [numpy.float16, numpy.float32, numpy.float64])
def test_normal(dtype: Any) -> None:
    drawn = ops.random_normal(shape=(N,), dtype=dtype, mean=3.0, stddev=2.0, key=KEY)
    assert drawn.dtype == dtype
    assert float(numpy.mean(drawn, dtype=float)) == pytest.approx(3.0, abs=0.08)
    assert float(numpy.std(drawn, dtype=float)) == pytest.approx(2.0, abs=0.06)


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64, numpy.int32])
def test_uniform(dtype: Any) -> None:
    drawn = ops.random_uniform(shape=(N,), dtype=dtype, low=-2, high=6, key=KEY)
    assert drawn.dtype == dtype
    assert drawn.min() >= -2
    assert drawn.max() < 6
    counts = numpy.bincount(numpy.floor(drawn + 2).astype(int), minlength=8)
    numpy.testing.assert_allclose(counts, N / 8, atol=5 * (N / 8) ** 0.5)


def test_truncated_normal() -> None:
    drawn = ops.truncated_normal(shape=(N,), mean=1.0, stddev=0.5, key=KEY)
    assert abs(drawn - 1.0).max() <= 1.0
    assert drawn.mean() == pytest.approx(1.0, abs=0.016)
    assert drawn.std() == pytest.approx(0.5 * 0.8796, abs=0.012)


def test_bernoulli() -> None:
    drawn = ops.bernoulli(numpy.repeat([[0.0], [0.3], [1.0]], N, axis=1), key=KEY)
    assert set(numpy.unique(drawn)) == {0.0, 1.0}
    numpy.testing.assert_allclose(drawn.mean(axis=1), [0.0, 0.3, 1.0], atol=0.017)


def test_dropout_keeps_the_mean_and_drops_alike_in_every_dtype() -> None:
    single, double = (ops.dropout(numpy.ones(N, dtype), rate=0.25, key=KEY) for dtype in (numpy.float32, numpy.float64))
    assert single.dtype == numpy.float32
    numpy.testing.assert_array_equal(single == 0, double == 0)
    assert numpy.unique(double).tolist() == [0.0, 1 / 0.75]
    assert (double == 0).mean() == pytest.approx(0.25, abs=0.016)
    assert not ops.dropout(numpy.ones(9), rate=1.0, key=KEY).any()


def test_permutation() -> None:
    firsts = [int(ops.permutation(n=4, key=(5, 0, ordinal))[0]) for ordinal in range(2000)]
    numpy.testing.assert_allclose(numpy.bincount(firsts), 500, atol=5 * 500**0.5)
    assert sorted(ops.permutation(n=100, key=KEY)) == list(range(100))


@pytest.mark.parametrize("logits", [False, True])
def test_multinomial_with_replacement(logits: bool) -> None:
    weights = numpy.array([[1.0, 2.0, 0.0, 5.0], [0.0, 1.0, 1.0, 0.0]])
    with numpy.errstate(divide="ignore"):
        drawn = ops.multinomial(numpy.log(weights) if logits else weights, num_samples=N, logits=logits, key=KEY)
    assert drawn.dtype == numpy.int64
    for row, weight in zip(drawn, weights, strict=True):
        numpy.testing.assert_allclose(numpy.bincount(row, minlength=4) / N, weight / weight.sum(), atol=0.018)
        assert set(row) <= set(numpy.flatnonzero(weight))


def test_multinomial_without_replacement() -> None:
    weights = numpy.tile([1.0, 3.0, 6.0], (N, 1))
    drawn = ops.multinomial(weights, num_samples=2, replacement=False, key=KEY)
    assert (drawn[:, 0] != drawn[:, 1]).all()
    numpy.testing.assert_allclose(numpy.bincount(drawn[:, 0]) / N, [0.1, 0.3, 0.6], atol=0.018)
    second_after_last = numpy.bincount(drawn[drawn[:, 0] == 2, 1], minlength=2)
    numpy.testing.assert_allclose(second_after_last / second_after_last.sum(), [0.25, 0.75], atol=0.022)
