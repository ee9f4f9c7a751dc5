"""CUDA C++ of every element-wise op computes, compiled for this processor, what numpy computes."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from graphs.codegen.cuda import FLAT, NUMBER, ONE, STRIDED, Geometry, fits, geometry
from graphs.codegen.primitives import Literal, Scalars, scalars
from graphs.core.function import trace
from graphs.core.op import OPS
from graphs.core.spec import Spec
from tests.graphs import host_cuda
from tests.graphs.cuda_bodies import (
    CHARS,
    ELEMENTWISE,
    EXACT,
    PARTLY,
    UNTRACED,
    alone,
    bodies,
    calls,
    edges,
    made,
    text,
    traced,
)


APPROXIMATE = {
    *(
        "arccos",
        "arccosh",
        "arcsin",
        "arcsinh",
        "arctan",
        "arctan2",
        "arctanh",
        "cbrt",
        "cos",
        "cosh",
        "exp",
        "exp2",
        "expm1",
    ),
    *("log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "power", "sin", "sinh", "tan", "tanh"),
}
"""Ufuncs whose results differ from library to library, by a few units in the last place; all others have numpy's bits."""


def apart(found: numpy.ndarray, expected: numpy.ndarray) -> float:
    """The largest difference in units of the last place; 0 for NaNs and infinities in the same places, else infinite."""
    odd = ~(numpy.isfinite(found) & numpy.isfinite(expected))
    if not numpy.array_equal(found[odd], expected[odd], equal_nan=True):
        return numpy.inf
    x, y = found[~odd].astype(numpy.longdouble), expected[~odd].astype(numpy.longdouble)
    unit = numpy.spacing(numpy.abs(expected[~odd])).astype(numpy.longdouble)
    return float(numpy.max(numpy.abs(x - y) / unit, initial=0))


def same(found: numpy.ndarray, expected: numpy.ndarray) -> bool:
    """Bit for bit, but for the payloads of NaNs."""
    nan = numpy.isnan(expected) if expected.dtype.kind == "f" else numpy.zeros(expected.shape, bool)
    return bool(numpy.isnan(found[nan]).all()) and found[~nan].tobytes() == expected[~nan].tobytes()


# What there is a kernel for


def test_every_elementwise_op_has_a_kernel_or_a_reason() -> None:
    assert {name for name in ELEMENTWISE if not made(name)} == set(UNTRACED)
    for name, attribute in UNTRACED.items():
        assert {str(found).partition(" calls ")[2] for _, found in traced(ELEMENTWISE[name])} == {attribute}
    refused = {
        (name, "".join(chars))
        for name in set(ELEMENTWISE) - set(UNTRACED)
        for chars, found in traced(ELEMENTWISE[name])
        if isinstance(found, str)
    }
    assert {name for name, _ in refused} == set(PARTLY)
    assert not [each for each in refused if set(each[1]) in ({"f"}, {"d"})]


@pytest.mark.parametrize("name", sorted(set(ELEMENTWISE) - set(UNTRACED)))
def test_every_call_of_every_op_can_be_written(name: str) -> None:
    for each in made(name):
        assert fits(each), each.calls


@host_cuda.here
def test_every_call_gives_what_numpy_gives() -> None:
    every = list(calls().values())
    built = host_cuda.kernels(text([alone(call) for call in every]))
    for i, call in enumerate(every):
        grids = numpy.meshgrid(*[edges(dtype) for dtype in call.dtypes], indexing="ij")
        ins = [numpy.ascontiguousarray(grid.ravel()) for grid in grids]
        found = numpy.empty(ins[0].size, call.dtype)
        built[f"k{i}"](3, 4, [*[x.ctypes.data for x in ins], found.ctypes.data, found.size])
        with numpy.errstate(all="ignore"):
            if call.name == "cast":
                expected = ins[0].astype(call.dtype)
                if call.dtypes[0].kind == "f" and call.dtype.kind in "iu":  # C, numpy and CUDA leave open what is beyond
                    limits, whole = numpy.iinfo(call.dtype), numpy.trunc(ins[0].astype(numpy.longdouble))
                    inside = (whole >= limits.min) & (whole <= limits.max)
                    found, expected = found[inside], expected[inside]
            elif call.name == "where":
                expected = numpy.where(*ins)
            else:
                expected = getattr(numpy, call.name)(*ins, signature=(*call.dtypes, call.dtype))
            assert expected.dtype == call.dtype
            if call.name in APPROXIMATE:
                assert apart(found, expected) <= 4, call
            else:
                assert same(found, expected), call


@host_cuda.here
@pytest.mark.parametrize("char", CHARS)
def test_literals_are_exact(char: str) -> None:
    values = edges(numpy.dtype(char))
    every = []
    for value in values:
        body = Scalars([numpy.dtype("?")])
        each = Literal(value.item(), values.dtype)
        body.outputs = [body.call("where", [0, each, each], [numpy.dtype("?"), *[values.dtype] * 2], values.dtype)]
        every.append(body)
    built = host_cuda.kernels(text(every))
    truth, found = numpy.array([True]), numpy.empty(1, values.dtype)
    for i, value in enumerate(values):
        built[f"k{i}"](1, 1, [truth.ctypes.data, found.ctypes.data, 1])
        assert same(found, numpy.array([value])), value


@host_cuda.here
def test_any_byte_but_zero_is_true() -> None:
    body = scalars(trace(lambda x: [OPS["logical_not"](x), OPS["identity"](x)], Spec(None, "?"))[0])
    assert body is not None
    built = host_cuda.kernels(text([body]))
    truth = numpy.array([0, 1, 2, 255], numpy.uint8)
    opposite, copied = numpy.empty((2, 4), numpy.uint8)
    built["k0"](1, 4, [truth.ctypes.data, opposite.ctypes.data, copied.ctypes.data, 4])
    assert opposite.tolist() == [1, 0, 0, 0]
    assert copied.tolist() == [0, 1, 1, 1]


def test_powers_are_the_ufuncs_that_numpy_calls() -> None:
    def names(fn: Any, dtype: str = "float32") -> list[str]:
        found = scalars(trace(fn, *[Spec(None, dtype)] * 2)[0])
        return [] if found is None else [call.name for call in found.calls]

    assert names(lambda x, y: x**2) == ["square"]
    assert names(lambda x, y: x**-1) == ["reciprocal"]
    assert names(lambda x, y: x**0.5) == ["sqrt"]
    for fn in (lambda x, y: x**y, lambda x, y: x**3, lambda x, y: 2.0**x, lambda x, y: x**2.5):
        assert names(fn) == ["power"]
    assert names(lambda x, y: x**2.5, "int64") == ["cast", "power"]
    assert names(lambda x, y: x**y, "int64") == names(lambda x, y: x**3, "int64") == []


@host_cuda.here
def test_powers() -> None:
    function = trace(lambda x, y: [x**2, x**-1, x**0.5, x**3, x**y, 2.0**x], *[Spec(None, "float32")] * 2)[0]
    body = scalars(function)
    assert body is not None
    x = numpy.repeat(edges(numpy.dtype("f4")), 7)
    y = numpy.resize(edges(numpy.dtype("f4")), x.size)
    outs = [numpy.empty_like(x) for _ in function.outputs]
    host_cuda.kernels(text([body]))["k0"](2, 8, [*[each.ctypes.data for each in (x, y, *outs)], x.size])
    with numpy.errstate(all="ignore"):
        expected = function(x, y)
    assert all(same(found, wanted) for found, wanted in zip(outs[:3], expected[:3], strict=True))
    assert all(apart(found, wanted) <= 4 for found, wanted in zip(outs[3:], expected[3:], strict=True))


@host_cuda.here
def test_random_bodies_have_the_bits_of_op_by_op() -> None:
    functions = bodies(60, EXACT, seed=1)
    every = [each for each in map(scalars, functions) if fits(each) and each is not None]
    assert len(every) == len(functions)
    built = host_cuda.kernels(text(every))
    for i, function in enumerate(functions):
        rng = numpy.random.default_rng(i)
        values = numpy.concatenate([edges(numpy.dtype("f4")), rng.standard_normal(900)])
        ins = [rng.permutation(values).astype(value.dtype) for value in function.inputs]
        with numpy.errstate(all="ignore"):
            expected = function(*ins)
        outs = [numpy.empty(values.size, out.dtype) for out in expected]
        built[f"k{i}"](2, 32, [*[x.ctypes.data for x in (*ins, *outs)], values.size])
        for found, wanted in zip(outs, expected, strict=True):
            assert same(found, wanted), function


# Where elements are


@pytest.mark.parametrize(
    ("inputs", "output", "forms", "numbers"),
    [
        ([((8, 10), (10, 1)), NUMBER], ((8, 10), (10, 1)), [FLAT, NUMBER], [80]),
        ([((8, 10), (1, 8)), None], ((8, 10), (1, 8)), [FLAT, None], [80]),
        ([((), ()), ((1, 1), (1, 1))], ((8, 10), (10, 1)), [ONE, ONE], [80]),
        ([((10,), (1,)), ((8, 1), (1, 1))], ((8, 10), (10, 1)), [STRIDED, STRIDED], [80, 10, 0, 1, 1, 0]),
        ([((8, 10), (1, 8)), ((8, 10), (10, 1))], ((8, 10), (10, 1)), [STRIDED, FLAT], [80, 10, 1, 8]),
        ([((4, 8, 10), (80, 10, 1)), ((4, 1, 1), (1, 1, 1))], ((4, 8, 10), (80, 10, 1)), [FLAT, STRIDED], [320, 80, 1, 0]),
        ([((6,), (-1,)), ((6,), (3,))], ((6,), (1,)), [STRIDED, STRIDED], [6, -1, 3]),
        ([((1, 1), (1, 1)), ((), ())], ((1, 1), (7, 9)), [FLAT, FLAT], [1]),
    ],
)
def test_geometry(inputs: Any, output: Any, forms: list[Any], numbers: list[int]) -> None:
    found = geometry(inputs, [output])
    assert list(found.form.inputs) == forms
    assert found.form.outputs == (FLAT,)
    assert found.numbers == numbers
    assert not found.form.wide


def test_strided_outputs_and_large_arrays() -> None:
    spaced = geometry([((8, 10), (10, 1))], [((8, 10), (40, 2))])
    assert (spaced.form.inputs, spaced.form.outputs, spaced.numbers) == ((FLAT,), (STRIDED,), [80, 10, 40, 2])
    large: Geometry = geometry([((2**15, 2**15), (2**15, 1))], [((2**15, 2**15), (2**15, 1))])
    assert not large.form.wide
    assert geometry([((2**15, 2**16), (2**16, 1))], [((2**15, 2**16), (2**16, 1))]).form.wide
    assert geometry([((100,), (2**25,))], [((100,), (1,))]).form.wide
