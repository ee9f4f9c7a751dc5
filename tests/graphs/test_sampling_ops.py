"""How drawn classes, gamma numbers and counts are distributed (bounds of five standard errors and more)."""

from __future__ import annotations

import numpy
import pytest

from graphs import ops


KEY = (5, 0, 0)
N = 20_000
ZIPF = numpy.diff(numpy.log(numpy.arange(1, 12))) / numpy.log(11)


@pytest.mark.parametrize(("distribution", "shares"), [("uniform", [0.1] * 10), ("log_uniform", ZIPF)])
def test_classes_with_repeats(distribution: str, shares: list[float]) -> None:
    drawn, tries = ops.sample_classes(count=N, classes=10, unique=False, distribution=distribution, key=KEY)
    assert tries == N
    numpy.testing.assert_allclose(numpy.bincount(drawn, minlength=10) / N, shares, atol=0.018)


def test_weighted_classes_with_repeats() -> None:
    weights = numpy.array([1.0, 0.0, 5.0, 2.0, 0.0])
    drawn, _ = ops.sample_weighted(weights, count=N, unique=False, key=KEY)
    numpy.testing.assert_allclose(numpy.bincount(drawn, minlength=5) / N, weights / 8, atol=0.018)
    assert set(drawn) == {0, 2, 3}


def test_unique_classes_differ_and_take_as_many_draws_as_expected() -> None:
    """Six different classes of six take 6 · (1 + 1/2 + ... + 1/6) = 14.7 draws on average."""
    tries = []
    for ordinal in range(2000):
        drawn, count = ops.sample_classes(count=6, classes=6, key=(5, 0, ordinal))
        assert sorted(drawn) == list(range(6))
        tries.append(int(count))
    assert min(tries) >= 6
    assert numpy.mean(tries) == pytest.approx(14.7, abs=0.7)


def test_a_class_is_first_as_often_as_its_weight_says() -> None:
    firsts = [int(ops.sample_weighted(numpy.array([1.0, 3.0]), count=2, key=(5, 0, i))[0][0]) for i in range(2000)]
    assert numpy.mean(firsts) == pytest.approx(0.75, abs=0.05)


def test_too_few_classes_with_weight() -> None:
    with pytest.raises(ValueError, match="3 classes of 2"):
        ops.sample_weighted(numpy.array([1.0, 0.0, 5.0]), count=3, key=KEY)


@pytest.mark.parametrize(("draw", "spread"), [(ops.random_gamma, 1.0), (ops.random_poisson, 1.0)])
def test_gamma_and_poisson_have_their_mean_and_variance(draw: object, spread: float) -> None:
    for mean in (0.5, 4.0):
        drawn = draw(numpy.full(N, mean, "float32"), key=KEY)  # type: ignore[operator]
        assert drawn.dtype == numpy.float32
        assert drawn.mean() == pytest.approx(mean, rel=0.06)
        assert drawn.var() == pytest.approx(mean * spread, rel=0.12)
