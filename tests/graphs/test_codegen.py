"""Blocked kernels give the bits of op by op whatever the size, layout and aliasing; ``fused`` has gradients of any order."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from graphs.autodiff import adjoint
from graphs.codegen import blocked, compiled, ours
from graphs.codegen.fused import fused
from graphs.codegen.lines import as_ufunc
from graphs.core.errors import GraphsError
from graphs.core.function import Function, trace
from graphs.core.node import Value
from graphs.core.spec import Spec
from graphs.ops.activations import sigmoid
from graphs.ops.elementwise import cast, identity, maximum, power, reciprocal
from graphs.ops.functions import exp, sqrt
from graphs.ops.linalg import matmul
from graphs.ops.logic import where
from graphs.ops.shape import unbroadcast


TILE = blocked.TILE_BYTES // 8


def body(fn: Any, *specs: Spec) -> Function:
    return trace(fn, *specs, name="body")[0]


def arrays(count: int, dtype: Any = numpy.float64) -> list[Spec]:
    return [Spec(None, dtype)] * count


def scalars(count: int, dtype: Any = numpy.float64) -> list[Spec]:
    return [Spec((), dtype)] * count


def draw(*shape: int, seed: int = 0, dtype: Any = numpy.float64) -> numpy.ndarray:
    return numpy.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def plainly(function: Function, *inputs: Any) -> tuple[Any, ...]:
    """Its outputs op by op, by the functions that kernels have for exponentials and the like."""
    given = [numpy.asarray(x) if isinstance(x, (int, float)) else x for x in inputs]
    return ours.evaluated(function, *given) if ours.needed(function) else function(*inputs)


def same(found: Any, expected: Any) -> None:
    assert len(found) == len(expected)
    for x, y in zip(found, expected, strict=True):
        assert x.dtype == y.dtype
        numpy.testing.assert_array_equal(x, y, strict=True)


BODIES = {
    "chain": body(lambda x, y, s: [sqrt(abs(x) + 1.0) * s - y / 3], *arrays(2), *scalars(1)),
    "several outputs": body(lambda x, y, s: [x * y, x + y * s, exp(x)], *arrays(2), *scalars(1)),
    "an output read again": body(lambda x, y, s: [(t := x - y), t * t, t * s], *arrays(2), *scalars(1)),
    "one value twice": body(lambda x, y, s: [(t := x * s), t, y], *arrays(2), *scalars(1)),
    "swapped inputs": body(lambda x, y, s: [y, x, x * s], *arrays(2), *scalars(1)),
    "kernels of several calls": body(lambda x, y, s: [sigmoid(x) * y, where(x > 0.5, x, y * s)], *arrays(2), *scalars(1)),
    "a kernel's result read again": body(lambda x, y, s: [(t := sigmoid(x)), t + y, t * s], *arrays(2), *scalars(1)),
    "a view of an input": body(lambda x, y, s: [identity(y), x * s, identity(x) * y], *arrays(2), *scalars(1)),
    "scalars among themselves": body(lambda x, y, s: [x * (1.0 - s) + y * sqrt(s * s)], *arrays(2), *scalars(1)),
    "two dtypes": body(
        lambda x, y, s: [cast(x > y, dtype="int32"), cast(x, dtype="float32") * 2, x * s], *arrays(2), *scalars(1)
    ),
    "a scalar output": body(lambda x, y, s: [x + y, s * 2.0], *arrays(2), *scalars(1)),
    "attributes": body(lambda x, y, s: [maximum(x, y, tie="both") + s], *arrays(2), *scalars(1)),
    "no array output of its own": body(lambda x, y, s: [x], *arrays(2), *scalars(1)),
}

SHAPES = [(0,), (1,), (5,), (2, 3), (TILE,), (TILE + 1,), (3, TILE // 2), (2 * TILE + 7,)]


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bits_of_op_by_op(name: str, shape: tuple[int, ...]) -> None:
    function = BODIES[name]
    inputs = [draw(*shape), draw(*shape, seed=1), numpy.asarray(0.7)]
    expected = [numpy.array(out) for out in plainly(function, *inputs)]
    before = [x.copy() for x in inputs]
    found = compiled(function)(inputs)
    same(found, expected)
    same(inputs, before)
    for i, x in enumerate(found):
        assert not any(numpy.may_share_memory(x, y) for y in [*inputs, *found[:i]])


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("shape", [(5,), (2 * TILE + 7,)], ids=str)
def test_outputs_over_inputs(name: str, shape: tuple[int, ...]) -> None:
    function = BODIES[name]
    for targets in [(0, 1, None), (1, 0, None), (None, 0, 1), (None, 1, 0), (None, None, None)]:
        inputs = [draw(*shape), draw(*shape, seed=1), numpy.asarray(0.7)]
        expected = [numpy.array(out) for out in plainly(function, *inputs)]
        used = [at if e.dtype == "f8" and e.shape else None for e, at in zip(expected, targets, strict=False)]
        for declared in (None, tuple(used)):
            given = [x.copy() for x in inputs]
            outs = [numpy.empty_like(e) if at is None else given[at] for e, at in zip(expected, used, strict=True)]
            found = compiled(function, declared)(given, outs)
            assert all(x is y for x, y in zip(found, outs, strict=True))
            same(found, expected)


LAYOUTS = {
    "transposed": lambda: (draw(300, 200).T, draw(300, 200, seed=1).T),
    "mixed": lambda: (draw(200, 300), draw(300, 200, seed=1).T),
    "strided": lambda: (draw(200, 600)[:, ::2], draw(200, 300, seed=1)),
    "backwards": lambda: (draw(200, 300)[::-1], draw(200, 300, seed=1)),
    "broadcast": lambda: (draw(200, 300), draw(300, seed=1)),
    "broadcast both ways": lambda: (draw(200, 1), draw(1, 300, seed=1)),
    "0-d": lambda: (draw(), draw(seed=1)),
    "float32": lambda: (draw(200, 300, dtype="f4"), draw(200, 300, seed=1, dtype="f4")),
    "other byte order": lambda: (draw(200, 300).astype(">f8"), draw(200, 300, seed=1)),
    "numpy scalars": lambda: (numpy.float64(2.0), numpy.float64(3.0)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["chain", "several outputs", "kernels of several calls", "swapped inputs"])
def test_layouts(name: str, layout: str) -> None:
    inputs = [*LAYOUTS[layout](), numpy.asarray(0.7)]
    same(compiled(BODIES[name])(inputs), plainly(BODIES[name], *inputs))


def test_outs_that_are_not_contiguous() -> None:
    function = BODIES["several outputs"]
    inputs = [draw(200, 300), draw(200, 300, seed=1), numpy.asarray(0.7)]
    outs = [numpy.empty((300, 200)).T for _ in range(3)]
    expected = plainly(function, *inputs)
    compiled(function, (None, None, None))(inputs, outs)
    same(outs, expected)


@pytest.mark.parametrize("scalar", [0.7, numpy.float64(0.7), numpy.asarray(0.7), numpy.asarray(0.7, ">f8")])
def test_scalars_in_any_form(scalar: Any) -> None:
    function = BODIES["scalars among themselves"]
    x, y = draw(5), draw(5, seed=1)
    same(compiled(function)((x, y, scalar)), function(x, y, numpy.asarray(0.7)))


def test_what_is_one_ufunc() -> None:
    found = {}
    x, y = (trace(lambda x: x, Spec(None, "f8"))[0].inputs[0] for _ in range(2))
    for value in (x + y, y - x, sqrt(x), maximum(x, y), reciprocal(x), power(x, y), sigmoid(x), 2.0 * x):
        plain = as_ufunc(value.node)
        found[value.node.op.name] = plain and (plain[0], [a if isinstance(a, float) else "xy"[a is y] for a in plain[1]])
    assert found == {
        "add": (numpy.add, ["x", "y"]),
        "subtract": (numpy.subtract, ["y", "x"]),
        "sqrt": (numpy.sqrt, ["x"]),
        "maximum": (numpy.maximum, ["x", "y"]),
        "reciprocal": (numpy.divide, [1.0, "x"]),
        "power": None,
        "sigmoid": None,
        "multiply": (numpy.multiply, [2.0, "x"]),
    }


def test_scratch_is_reused() -> None:
    def long(x: Any) -> Any:
        for _ in range(50):
            x = x * 1.01 + 0.1
        return x

    kernel: Any = compiled(body(long, *arrays(1)))
    assert "t0 = " in kernel.source
    assert "t1 = " not in kernel.source


def test_refusals() -> None:
    with pytest.raises(ValueError, match="matmul"):
        compiled(body(matmul, Spec((2, 2), "f8"), Spec((2, 2), "f8")))
    with pytest.raises(ValueError, match="unpack"):
        compiled(BODIES["chain"])((draw(3),))


def test_made_once() -> None:
    function = BODIES["chain"]
    assert compiled(function) is compiled(function)
    assert compiled(function, (0,)) is not compiled(function)


# The op


def test_fused_shapes() -> None:
    function = BODIES["several outputs"]

    def shapes(*specs: Spec) -> list[str]:
        traced = trace(lambda *values: fused(*values, body=function), *specs)[0]
        return [str(spec) for spec in traced.specs]

    scalar = Spec((), "f8")
    assert shapes(Spec((3, 4), "f8"), Spec((4,), "f8"), scalar) == ["float64(3, 4)"] * 3
    assert shapes(Spec((3, 1), "f8"), Spec((4,), "f8"), scalar) == ["float64(3, 4)", "float64(3, 4)", "float64(3, 1)"]
    assert shapes(Spec((None, 4), "f8"), Spec((4,), "f8"), scalar) == ["float64(?, 4)"] * 3
    assert shapes(Spec(None, "f8"), Spec((4,), "f8"), scalar) == ["float64<unknown>"] * 3
    with pytest.raises(GraphsError, match="do not broadcast"):
        shapes(Spec((3,), "f8"), Spec((4,), "f8"), scalar)


def gradients(function: Function, order: int) -> Function:
    for _ in range(order):
        function = adjoint(function, (True,) * len(function.inputs))
    return function


@pytest.mark.parametrize(
    "name", ["chain", "several outputs", "kernels of several calls", "an output read again", "two dtypes"]
)
@pytest.mark.parametrize("shape", [(3, 4), (4,), (3, 1)], ids=str)
@pytest.mark.parametrize("order", [1, 2])
def test_fused_gradients_are_the_bodys(name: str, shape: tuple[int, ...], order: int) -> None:
    function = BODIES[name]
    if name == "two dtypes":
        function = Function(function.inputs, function.outputs[1:], "two floats")
    specs = [Spec((3, 4), "f8"), Spec(shape, "f8"), Spec((), "f8")]
    inlined = trace(function, *specs)[0]
    as_op = trace(lambda *values: fused(*values, body=function, label="Body"), *specs)[0]
    values = [draw(*v.dims, seed=i) for i, v in enumerate(gradients(inlined, order).inputs)]
    values[2] = numpy.asarray(0.7)
    values = [v.astype(p.dtype) for v, p in zip(values, gradients(inlined, order).inputs, strict=True)]
    for x, y in zip(gradients(as_op, order)(*values), gradients(inlined, order)(*values), strict=True):
        numpy.testing.assert_allclose(x, y, rtol=1e-5 if name == "two dtypes" else 1e-12, atol=1e-12)


def test_gradients_of_outputs_of_different_shapes_with_unknown_sizes() -> None:
    function = BODIES["an output read again"]
    two = Function(function.inputs, [function.outputs[0], function.inputs[1] * 1.5], "two shapes")

    def through(*values: Any) -> Any:
        return fused(*values, body=two)

    x, y, g, h = draw(5, 4), draw(4, seed=1), draw(5, 4, seed=2), draw(4, seed=3)
    for rows in (5, None):
        traced = trace(through, Spec((rows, 4), "f8"), Spec((4,), "f8"), Spec((), "f8"))[0]
        found = adjoint(traced, (True, True, False))(x, y, numpy.asarray(0.7), g, h)
        numpy.testing.assert_allclose(found[0], g)
        numpy.testing.assert_allclose(found[1], 1.5 * h - g.sum(0))


def test_gradient_of_fused_is_fused() -> None:
    function = body(lambda x, y, s: [x * y * s, exp(x) + y * s], *arrays(2), *scalars(1))
    specs = [Spec((3, 4), "f8"), Spec((3, 4), "f8"), Spec((), "f8")]
    traced = trace(lambda *values: fused(*values, body=function, label="Body"), *specs)[0]
    nodes = adjoint(traced, (True, True, True)).nodes
    assert [node.op.name for node in nodes] == ["fused", "unbroadcast"]
    assert nodes[0].params["label"] == "Body gradient"


def test_gradient_where_only_some_outputs_matter() -> None:
    function = BODIES["several outputs"]

    def second(x: Any, y: Any, s: Any) -> Any:
        return fused(x, y, s, body=function)[2]

    traced = trace(second, *[Spec((3, 4), "f8")] * 2, Spec((), "f8"))[0]
    x, g = draw(3, 4), draw(3, 4, seed=2)
    only = adjoint(traced, (True, False, False))
    numpy.testing.assert_allclose(only(x, draw(3, 4, seed=1), numpy.asarray(0.7), g)[0], numpy.exp(x) * g)
    assert isinstance(only.outputs[0], Value)


def test_undone_broadcasting_stays_outside() -> None:
    function = BODIES["chain"]
    specs = [Spec((None, 4), "f8"), Spec((4,), "f8"), Spec((), "f8")]
    traced = trace(lambda *values: fused(*values, body=function), *specs)[0]
    ops = {node.op for node in adjoint(traced, (True, True, True)).nodes}
    assert ops == {fused, unbroadcast}
