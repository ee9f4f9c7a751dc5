"""What the laws do not reach: slopes at kinks and at the edge of a domain, and accuracy in the tails."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy
import pytest

from graphs.codegen import compiled
from graphs.core.op import OPS
from tests.helpers import bare_gradients, by_rules, function_of
from tests.samples.table import case


@pytest.fixture(autouse=True)
def _quiet() -> Iterable[None]:
    with numpy.errstate(all="ignore"):
        yield


def slopes(name: str, *args: float, **params: Any) -> list[float]:
    """The derivatives of an op by each of its arguments at a point."""
    call = case(*(numpy.asarray(x, float) for x in args), **params)
    function = function_of(OPS[name], call)
    found = bare_gradients(function, call.args, [numpy.asarray(1.0)], range(len(args)))
    return [float(g) for g in found]


@pytest.mark.parametrize(
    ("name", "at", "slope"),
    [
        ("relu", 0.0, 0.0),
        ("absolute", 0.0, 0.0),
        ("relu6", 6.0, 0.0),
        ("leaky_relu", 0.0, 0.01),
        ("elu", 0.0, 1.0),
        ("hard_tanh", 1.0, 0.0),
        ("hard_sigmoid", -3.0, 0.0),
        ("hard_swish", -3.0, 0.0),
        ("sinc", 0.0, 0.0),
        ("floor", 1.0, 0.0),
        ("sigmoid", -800.0, 0.0),
        ("softplus", 800.0, 1.0),
        ("gelu", 0.0, 0.5),
        ("log_sigmoid", -800.0, 1.0),
    ],
)
def test_slope_at(name: str, at: float, slope: float) -> None:
    assert slopes(name, at) == [slope]


@pytest.mark.parametrize(("x", "slope"), [(-1.0, 1.0), (1.0, 1.0), (1.5, 0.0)])
def test_clip_passes_gradients_at_its_limits(x: float, slope: float) -> None:
    assert slopes("clip", x, min=-1.0, max=1.0) == [slope]


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_ties_go_to_the_first_or_to_both(name: str) -> None:
    assert slopes(name, 2.0, 2.0) == [1.0, 0.0]
    assert slopes(name, 2.0, 2.0, tie="both") == [0.5, 0.5]


@pytest.mark.parametrize(
    ("x", "y", "by_x", "by_y"),
    [
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 1.0, 1.0, 0.0),
        (0.0, 2.0, 0.0, 0.0),
        (2.0, -1.0, -0.25, 0.5 * math.log(2.0)),
        (-2.0, 2.0, -4.0, math.nan),
        (0.0, -1.0, -math.inf, -math.inf),
    ],
)
def test_power_at_zero_and_below(x: float, y: float, by_x: float, by_y: float) -> None:
    numpy.testing.assert_allclose(slopes("power", x, y), [by_x, by_y], rtol=1e-15)


def test_atan2_is_flat_at_the_origin() -> None:
    assert slopes("atan2", 0.0, 0.0) == [0.0, 0.0]


def test_where_keeps_nan_out_of_the_gradient() -> None:
    """``where(x > 0, log(x), 0)`` has slope 0 where x is not positive, if the logarithm's argument is guarded likewise."""
    condition, x = numpy.asarray(False), numpy.asarray(math.nan)
    call = case(condition, x, numpy.asarray(1.0))
    found = bare_gradients(function_of(OPS["where"], call), call.args, [numpy.asarray(math.inf)], [1, 2])
    assert [float(g) for g in found] == [0.0, math.inf]


def test_second_slope_of_sinc_at_zero() -> None:
    from_series = by_rules(OPS["sinc"], (True,), [1.0], [1.0], [numpy.asarray(1e-9)], {})
    assert float(from_series[0]) / 1e-9 == pytest.approx(-(math.pi**2) / 3)


def test_erf_is_within_a_few_units_in_the_last_place() -> None:
    x = numpy.linspace(-7, 7, 2001)
    exact = numpy.vectorize(math.erf)(x)
    assert numpy.max(abs(OPS["erf"](x) - exact) / numpy.spacing(abs(exact))) <= 4


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
def test_sigmoid_keeps_its_lower_tail_without_warnings(dtype: Any) -> None:
    x = numpy.array([-1e4, -80.0, -20.0, 0.0, 20.0, 1e4], dtype)
    with numpy.errstate(over="raise", invalid="raise", divide="raise"):
        out = OPS["sigmoid"](x)
    assert out.dtype == dtype
    numpy.testing.assert_allclose(out, [0.0, math.exp(-80), math.exp(-20) / (1 + math.exp(-20)), 0.5, 1.0, 1.0], rtol=1e-6)


def test_cross_entropy_of_certainty_is_capped() -> None:
    out = OPS["binary_cross_entropy"](numpy.array([0.0, 1.0, 0.0, 1.0]), numpy.array([1.0, 0.0, 0.0, 1.0]))
    assert out.tolist() == [100.0, 100.0, 0.0, 0.0]


def test_softmax_of_large_numbers() -> None:
    assert OPS["softmax"](numpy.array([1000.0, 1000.0, -1000.0])).tolist() == [0.5, 0.5, 0.0]
    assert OPS["log_softmax"](numpy.array([0.0, -1000.0])).tolist() == [0.0, -1000.0]


@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod"])
@pytest.mark.parametrize("way", ["called", "compiled"])
def test_integers_divided_by_zero_have_no_result(name: str, way: str) -> None:
    def call(x: Any, y: Any) -> Any:
        if way == "called":
            return OPS[name](x, y)
        return compiled(function_of(OPS[name], case(x, y)))([v for v in (x, y) if isinstance(v, numpy.ndarray)])

    for x, y in ((numpy.array([1, 2]), numpy.array([1, 0])), (numpy.array(1), 0), (1, numpy.array(0, numpy.uint8))):
        with pytest.raises(ZeroDivisionError, match="integer division by zero"):
            call(x, y)
    for x, y in ((numpy.array([1.0]), 0), (numpy.array([1]), 0.0), (numpy.array([], int), 1), (1.0, numpy.array([0]))):
        call(x, y)
