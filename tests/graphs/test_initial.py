"""Initialisers: moments, bounds, shapes, and the same numbers for the same key."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy
import pytest

from graphs import initial


KEY = (5, 0, 0)
SHAPE = (300, 200)

DRAWN: dict[str, tuple[Callable[..., Any], float, float]] = {  # initialiser, standard deviation, largest magnitude
    "normal": (initial.normal, 1.0, math.inf),
    "uniform": (initial.uniform, 1 / math.sqrt(3), 1.0),
    "truncated": (initial.truncated, 0.8796, 2.0),
    "glorot_uniform": (initial.glorot_uniform, math.sqrt(2 / 500), math.sqrt(6 / 500)),
    "glorot_normal": (initial.glorot_normal, math.sqrt(2 / 500), math.inf),
    "he_uniform": (initial.he_uniform, math.sqrt(2 / 300), math.sqrt(6 / 300)),
    "he_normal": (initial.he_normal, math.sqrt(2 / 300), math.inf),
    "orthogonal": (initial.orthogonal, math.sqrt(1 / 300), 1.0),
}


@pytest.mark.parametrize("name", DRAWN)
def test_drawn(name: str) -> None:
    draw, deviation, largest = DRAWN[name]
    values = draw(SHAPE, key=KEY)
    assert values.shape == SHAPE
    assert values.dtype == numpy.float32
    assert abs(values.mean()) < 5 * deviation / math.sqrt(values.size)
    assert values.std() == pytest.approx(deviation, rel=0.02)
    assert numpy.abs(values).max() <= largest
    numpy.testing.assert_array_equal(values, draw(SHAPE, key=KEY))
    assert (values != draw(SHAPE, key=(5, 0, 1))).mean() > 0.99
    assert draw((3, 4), "float64", key=KEY).dtype == numpy.float64


def test_filled() -> None:
    numpy.testing.assert_array_equal(initial.zeros((2, 3)), numpy.zeros((2, 3), "f4"), strict=True)
    numpy.testing.assert_array_equal(initial.ones((2,), "f8"), numpy.ones(2), strict=True)
    numpy.testing.assert_array_equal(initial.constant([1, 2], (2, 2)), numpy.array([[1, 2], [1, 2]], "f4"), strict=True)


@pytest.mark.parametrize(
    ("shape", "expected"), [((), (1, 1)), ((7,), (7, 7)), ((3, 5), (3, 5)), ((2, 2, 3, 5), (12, 20))], ids=str
)
def test_fans(shape: tuple[int, ...], expected: tuple[int, int]) -> None:
    assert initial.fans(shape) == expected


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (2, 3, 4)], ids=str)
def test_orthogonal(shape: tuple[int, ...]) -> None:
    matrix = initial.orthogonal(shape, "float64", key=KEY, gain=2.0).reshape(-1, shape[-1])
    product = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    numpy.testing.assert_allclose(product, 4 * numpy.eye(len(product)), atol=1e-12)
    with pytest.raises(ValueError, match="no rows"):
        initial.orthogonal((3,), key=KEY)
