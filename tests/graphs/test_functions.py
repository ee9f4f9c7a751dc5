"""Functions of our own: within their bounds of the true values, right at the edges, the same bits however many at once."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from graphs.codegen.functions import FUNCTIONS, loops
from graphs.codegen.machine import available


pytestmark = pytest.mark.skipif(not available(), reason="no native code here")

SINGLE = sorted(name for name, char in FUNCTIONS if char == "f")
DOUBLE = sorted(name for name, char in FUNCTIONS if char == "d")

WIDER = {"f": numpy.float64, "d": numpy.longdouble}

EXTENDED = numpy.finfo(numpy.longdouble).nmant > 60
"""Whether this machine has a wider format to hold float64 to."""


def run(name: str, x: numpy.ndarray) -> numpy.ndarray:
    out = numpy.empty_like(x)
    loops()[name, x.dtype.char](x, out)
    return out


def true(name: str, x: numpy.ndarray) -> numpy.ndarray:
    with numpy.errstate(all="ignore"):
        return getattr(numpy, name)(x.astype(WIDER[x.dtype.char]))  # type: ignore[no-any-return]


def errors(name: str, x: numpy.ndarray) -> numpy.ndarray:
    """How far each result is from the true value, in units of its last place; infinite where what is not finite differs."""
    got, exact = run(name, x), true(name, x)
    with numpy.errstate(all="ignore"):
        rounded = exact.astype(x.dtype)
        finite = numpy.isfinite(rounded)
        unit = numpy.spacing(numpy.abs(numpy.where(finite, rounded, 1)))
        away = numpy.abs(got - exact) / unit
    same = (got == rounded) | (numpy.isnan(got) & numpy.isnan(rounded))
    error = numpy.where(finite, away, numpy.where(same, 0, numpy.inf))
    signs = (numpy.signbit(got) == numpy.signbit(rounded)) | numpy.isnan(rounded)
    return numpy.where(signs & ~numpy.isnan(error), error, numpy.inf)  # type: ignore[no-any-return]


def edges(dtype: str) -> numpy.ndarray:
    """Special values, and with their neighbours those where functions overflow, underflow or are computed in another way."""
    about = numpy.finfo(dtype)
    marks = [0.0, 1.0, 0.5, 2.0, 0.55, 0.625, 10.0, 20.0, 18.0, 40.0, float(about.tiny), float(about.smallest_subnormal)]
    marks += [float(about.max), float(about.eps), numpy.sqrt(0.5), numpy.sqrt(2.0), numpy.sqrt(2.0) - 1, numpy.sqrt(0.5) - 1]
    marks += [float(numpy.log(numpy.longdouble(about.max))), float(-numpy.log(numpy.longdouble(about.smallest_subnormal)))]
    marks += [float(-numpy.log(numpy.longdouble(about.tiny))), 104.0, 89.0, 746.0, 710.0]
    marks += [k * float(numpy.log(2.0)) / 2 for k in range(1, 60)] + [2.0**k for k in range(-60, 60)]
    found = [numpy.array([numpy.nan, numpy.inf, -numpy.inf], dtype)]
    for sign in (1, -1):
        middle = sign * numpy.array(marks).astype(dtype)
        found.append(middle)
        for toward in (numpy.inf, -numpy.inf):
            near = middle
            for _ in range(3):
                with numpy.errstate(all="ignore"):
                    near = numpy.nextafter(near, numpy.array(toward, dtype))
                found.append(near)
    return numpy.concatenate(found)


def doubles() -> numpy.ndarray:
    generator = numpy.random.default_rng(3)
    count = 60_000
    exponents = generator.integers(1023 - 70, 1023 + 12, count).astype("u8") << numpy.uint64(52)
    mantissas = generator.integers(0, 2**52, count).astype("u8")
    signs = generator.integers(0, 2, count).astype("u8") << numpy.uint64(63)
    spread = [generator.uniform(low, high, count) for low, high in [(-1.5, 1.5), (0.5, 2), (-30, 30), (-750, 715)]]
    return numpy.concatenate(
        [
            generator.integers(0, 2**64, count, dtype="u8").view("d"),  # all exponents alike
            (exponents | mantissas | signs).view("d"),
            generator.integers(0, 2**52, 1000).astype("u8").view("d"),  # subnormal numbers
            *spread,
        ]
    )


@pytest.mark.parametrize("name", SINGLE)
def test_float32_is_within_its_bound_all_over(name: str) -> None:
    """Every 4,099th of all the bit patterns there are: a million numbers, with every exponent and both signs alike."""
    error = errors(name, numpy.arange(0, 2**32, 4099, dtype="u4").view("f"))
    assert error.max() <= FUNCTIONS[name, "f"].ulps


@pytest.mark.parametrize("name", SINGLE)
def test_float32_is_within_its_bound_where_it_is_used_most(name: str) -> None:
    x = numpy.random.default_rng(4).uniform(-1.5, 1.5, 500_000).astype("f")
    assert errors(name, x).max() <= FUNCTIONS[name, "f"].ulps


@pytest.mark.skipif(not EXTENDED, reason="no format is wider than float64 here")
@pytest.mark.parametrize("name", DOUBLE)
def test_float64_is_within_its_bound(name: str) -> None:
    assert errors(name, doubles()).max() <= FUNCTIONS[name, "d"].ulps


@pytest.mark.parametrize(("name", "char"), sorted(FUNCTIONS))
def test_edges_are_right(name: str, char: str) -> None:
    if char == "d" and not EXTENDED:
        pytest.skip("no format is wider than float64 here")
    x = edges(char)
    error = errors(name, x)
    worst = int(error.argmax())
    assert error[worst] <= FUNCTIONS[name, char].ulps, (x[worst], run(name, x)[worst], true(name, x)[worst])


INF, NAN = numpy.inf, numpy.nan

SPECIAL: dict[str, list[tuple[float, float]]] = {
    "exp": [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (1000.0, INF), (-1000.0, 0.0), (NAN, NAN)],
    "expm1": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1.0), (1000.0, INF), (-1000.0, -1.0), (NAN, NAN)],
    "log": [(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-1.0, NAN), (-INF, NAN), (NAN, NAN)],
    "log1p": [(0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (INF, INF), (-2.0, NAN), (-INF, NAN), (NAN, NAN)],
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (1000.0, 1.0), (-1000.0, -1.0), (NAN, NAN)],
}


@pytest.mark.parametrize(("name", "char"), sorted(FUNCTIONS))
def test_special_values(name: str, char: str) -> None:
    got = run(name, numpy.array([x for x, _ in SPECIAL[name]], char))
    expected = numpy.array([y for _, y in SPECIAL[name]], char)
    numpy.testing.assert_array_equal(got, expected)
    assert (numpy.signbit(got) == numpy.signbit(expected))[~numpy.isnan(expected)].all()


@pytest.mark.parametrize("char", ["f", "d"])
@pytest.mark.parametrize("name", ["expm1", "log1p", "tanh"])
def test_small_numbers_are_their_own_values(name: str, char: str) -> None:
    """Down to the last bit of subnormal ones."""
    about = numpy.finfo(char)
    x = numpy.concatenate(
        [numpy.arange(2000) * about.smallest_subnormal, 2.0 ** numpy.arange(about.minexp, -about.nmant - 4)]
    )
    x = numpy.concatenate([x, -x]).astype(char)
    assert run(name, x).tobytes() == x.tobytes()


@pytest.mark.parametrize(("name", "char"), sorted(FUNCTIONS))
def test_bits_do_not_depend_on_how_many_there_are(name: str, char: str) -> None:
    """The last few of an array are computed one by one, the others in vectors."""
    x = numpy.concatenate([edges(char), numpy.random.default_rng(5).uniform(-3, 3, 400).astype(char)])
    together = run(name, x)
    alone = numpy.concatenate([run(name, x[i : i + 1]) for i in range(x.size)])
    nan = numpy.isnan(together)
    assert (numpy.isnan(alone) == nan).all()
    assert together[~nan].tobytes() == alone[~nan].tobytes()


@pytest.mark.parametrize(("name", "char"), sorted(FUNCTIONS))
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (7,), (5, 13), (2, 3, 4, 5)])
def test_loops_take_arrays_of_any_shape_in_place_too(name: str, char: str, shape: tuple[int, ...]) -> None:
    x: numpy.ndarray = numpy.random.default_rng(6).uniform(0.1, 2, shape or (1,)).astype(char).reshape(shape)
    guard = numpy.full(x.size + 2, 7.0, char)
    out = guard[1:-1].reshape(shape)
    function: Any = loops()[name, char]
    function(x, out)
    numpy.testing.assert_allclose(out, getattr(numpy, name)(x), rtol=8 * numpy.finfo(char).eps)
    assert guard[0] == guard[-1] == 7.0
    expected = out.copy()
    function(x, x)
    assert x.tobytes() == expected.tobytes()


def test_texts_stand_alone() -> None:
    """Each text declares what it needs a line each, and defines its symbol and nothing else."""
    for entry in FUNCTIONS.values():
        declarations, _, definition = entry.text.partition("define ")
        assert all(line.startswith("declare ") for line in declarations.splitlines())
        assert "define " not in definition
        assert f"@{entry.symbol}(" in definition
    assert len({entry.symbol for entry in FUNCTIONS.values()}) == len(FUNCTIONS)
