"""Random numbers drawn by a GPU's kernels: numpy's own, for every kind, dtype, length and key."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from graphs.codegen import draws
from graphs.codegen.capture import Capturable
from graphs.core.random import DeviceKey, generator
from graphs.ops import random as ops
from tests.graphs import nvrtc


KEYS = [(0, 0, 0), (123, 7, 5), (-5, 2**63 + 7, 2**64 - 1)]


def by_numpy(key: Any, kind: str, shape: Any, dtype: str) -> numpy.ndarray:
    drawing = generator(key)
    return drawing.random(shape, dtype) if kind == "uniform" else drawing.standard_normal(shape, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_numbers_are_numpys(cp: Any, kind: str, dtype: str) -> None:
    for key in KEYS:
        for shape in [(), (1,), (7,), (64,), (63, 3), (1000,), (0, 4)]:
            found = draws.drawn(cp, key, kind, shape, numpy.dtype(dtype))
            assert (found.shape, found.dtype) == (shape, dtype)
            numpy.testing.assert_array_equal(found.get(), by_numpy(key, kind, shape, dtype))
    found = draws.drawn(cp, KEYS[1], kind, (200_000,), numpy.dtype(dtype))  # tails and all
    numpy.testing.assert_array_equal(found.get(), by_numpy(KEYS[1], kind, (200_000,), dtype))


def test_stretches_that_are_entered_late_are_walked(cp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws rarely reach far into the next stretch: here one word is far."""
    monkeypatch.setattr(draws, "ENTRIES", 1)
    draws.program.cache_clear()
    draws._kernels.cache_clear()
    try:
        found = draws.drawn(cp, KEYS[0], "normal", (20_000,), numpy.dtype("f4"))
    finally:
        draws.program.cache_clear()
        draws._kernels.cache_clear()
    numpy.testing.assert_array_equal(found.get(), by_numpy(KEYS[0], "normal", (20_000,), "f4"))


def test_what_the_stretches_do_not_give_is_drawn_all_the_same(cp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draws, "SPARE", 10**9)  # one stretch too few for many lengths
    for n in range(1, 1300, 61):
        found = draws.drawn(cp, KEYS[1], "normal", (n,), numpy.dtype("f8"))
        numpy.testing.assert_array_equal(found.get(), by_numpy(KEYS[1], "normal", (n,), "f8"))


CASES = {
    "random_normal": ((), {"shape": (5, 3), "dtype": "float32", "mean": 2.0, "stddev": 0.5}),
    "random_uniform": ((), {"shape": (40,), "dtype": "float64", "low": -1.0, "high": 3.0}),
    "random_normal_like": ((numpy.zeros((4, 3), "f4"),), {}),
    "random_uniform_like": ((numpy.zeros((4, 3), "f8"),), {"low": 1.0, "high": 2.0}),
    "dropout_mask": ((numpy.zeros((50, 3), "f4"),), {"rate": 0.4}),
    "bernoulli": ((numpy.linspace(0, 1, 60, dtype="f4"),), {}),
    "random_normal of float16": ((), {"shape": (9,), "dtype": "float16"}),
}


@pytest.mark.parametrize("name", CASES)
def test_ops_draw_the_same_on_a_gpu(cp: Any, name: str) -> None:
    args, settings = CASES[name]
    op = getattr(ops, name.split()[0])
    for key in KEYS:
        here = op.kernel(numpy, *args, **settings, key=key)
        given = [cp.asarray(x) for x in args]
        held = DeviceKey(cp.asarray(numpy.array([word & (2**64 - 1) for word in key], numpy.uint64)))
        for each in (key, held):
            there = op.kernel(Capturable(cp), *given, **settings, key=each)
            assert there.dtype == here.dtype
            numpy.testing.assert_array_equal(there.get(), here)


def test_a_key_of_the_device_needs_a_device(cp: Any) -> None:
    with pytest.raises(ValueError, match="nothing draws there"):
        ops.random_normal.kernel(numpy, shape=(2,), key=DeviceKey(cp.zeros(3, numpy.uint64)))


@pytest.mark.parametrize("architecture", [pytest.param("sm_80", marks=pytest.mark.long), "sm_90"])
@pytest.mark.parametrize("kind", ["uniform", "normal"])
class TestNvidia:
    """NVIDIA's compiler takes the text."""

    pytestmark = nvrtc.here

    def test_text(self, kind: str, architecture: str) -> None:
        for single in (True, False):
            for by_value in (False, True)[: 1 + (architecture == "sm_90")]:
                assert nvrtc.cubin(draws.program(kind, single, by_value), architecture)
