"""The benchmarks' programs compute the same in every system. Nothing is timed here."""

from __future__ import annotations

import warnings
from typing import Any

import numpy
import pytest

from benchmarks import overhead
from benchmarks.contenders import CONTENDERS
from benchmarks.workloads import WORKLOADS, Gan, Net, Recurrent


SMALL = {
    "net": Net(4, 6, 5, 3, learning_rate=1e-3),
    "gan": Gan(batch=4, pixels=9, hidden=5, noise=3),
    "scan": Recurrent(steps=5, batch=2, units=4, learning_rate=1e-1),
}
OWN = ["numpy by hand", "dynamic", "static"]


def losses(who: str, work: Any) -> list[float]:
    with warnings.catch_warnings(), numpy.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        module = CONTENDERS[who].load()
        if module is None:
            pytest.skip(f"{who} is not installed")
        step = CONTENDERS[who].step(module, work)
        return [step() for _ in range(20)]


@pytest.mark.parametrize("work", SMALL)
@pytest.mark.parametrize(
    "who", [*OWN[1:], *(pytest.param(who, marks=pytest.mark.oracle) for who in CONTENDERS if who not in OWN)]
)
def test_everybody_runs_the_same_program(who: str, work: str) -> None:
    expected = losses("numpy by hand", SMALL[work])
    assert len(set(expected)) == len(expected)
    numpy.testing.assert_allclose(losses(who, SMALL[work]), expected, rtol=1e-4)


def test_workloads_are_drawn_the_same_each_time() -> None:
    for work in WORKLOADS.values():
        first, second = ([*w.weights()["generator"]] if isinstance(w, Gan) else [*w.arrays()] for w in (work, work))
        for x, y in zip(first, second, strict=True):
            assert x is not y
            numpy.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("title", [title for title, who, _ in overhead.ROWS if who in OWN])
def test_chains_run(title: str) -> None:
    (who, make), *_ = [(who, make) for name, who, make in overhead.ROWS if name == title]
    out = make(CONTENDERS[who].load())()
    if not title.endswith("backward"):
        numpy.testing.assert_array_equal(out.detach() if who == "dynamic" else out, overhead.LENGTH + 1.0)
