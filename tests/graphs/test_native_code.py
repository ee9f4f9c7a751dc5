"""Native code against numpy: every element-wise op, regions of any layout, matrix products, sums, loops, shared work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy
import pytest

from graphs import ops
from graphs.codegen import instruction_text, ours
from graphs.codegen.accumulate import accumulated
from graphs.codegen.function_text import module
from graphs.codegen.instruction_text import InstructionText
from graphs.codegen.instructions import Fill, Instruction, Loop, Product, Region, Sum, Update, View
from graphs.codegen.machine import available, blas_symbol, native
from graphs.codegen.primitives import NUMBERS, scalars
from graphs.codegen.region_text import writable
from graphs.core.function import Function, trace
from graphs.core.op import OPS
from graphs.core.spec import Spec
from tests.helpers import load_samples
from tests.samples.table import Case


pytestmark = [
    pytest.mark.skipif(not available(), reason="native code cannot be made here"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]

EDGES = [numpy.nan, numpy.inf, -numpy.inf, 0.0, -0.0, 1.0, -1.0, 1e-40, 3e38, 0.5, -2.5, 1e-310]


def draw(*shape: int, dtype: Any = "f", seed: int = 0) -> numpy.ndarray:
    """Normal numbers, a fifth of them edges."""
    random = numpy.random.default_rng([seed, *shape])
    array = random.standard_normal(shape)
    return numpy.where(random.random(shape) < 0.2, random.choice(EDGES, shape), array).astype(dtype)


def view(name: str, array: numpy.ndarray) -> View:
    size = array.itemsize
    return View(name, array.dtype, array.shape, tuple(s // size for s in array.strides))


def run(instructions: Sequence[Instruction], **arrays: numpy.ndarray) -> None:
    """Compile and run instructions over the named arrays."""
    text = InstructionText("tested", {name: (i, 0) for i, name in enumerate(arrays)})
    for each in instructions:
        text.write(each)
    native(module([text]), "tested")(*arrays.values())


def same(found: Any, expected: Any) -> None:
    numpy.testing.assert_array_equal(found, expected, strict=True)
    if found.dtype.kind == "f":
        there = ~numpy.isnan(expected)
        numpy.testing.assert_array_equal(numpy.signbit(found)[there], numpy.signbit(expected)[there])


def regional(body: Function, *arrays: numpy.ndarray, own: bool = False) -> list[numpy.ndarray]:
    """What a region of ``body`` gives."""
    made = scalars(body)
    assert made is not None
    assert writable(made.calls)
    shape = numpy.broadcast_shapes(*(array.shape for array in arrays))
    outs = [numpy.zeros(shape, spec.dtype) for spec in body.specs]
    named = {**{f"x{i}": x for i, x in enumerate(arrays)}, **{f"y{i}": y for i, y in enumerate(outs)}}
    inputs = tuple(view(f"x{i}", x).spread(shape) for i, x in enumerate(arrays))
    run([Region(made, inputs, tuple(view(f"y{i}", y) for i, y in enumerate(outs)), shape, own)], **named)
    return outs


def body(fn: Callable[..., Any], *arrays: Any) -> Function:
    return trace(fn, *(Spec.of(x) for x in arrays), name="body")[0]


# Every op

LEFT_TO_PYTHON = {
    *("power", "lgamma", "polygamma", "sinc", "clip", "left_shift", "right_shift", "cast", "nan_to_num", "heaviside"),
    *("erfcx", "erfinv", "log_ndtr", "ndtri", "i0", "i0e", "i1", "i1e", "igamma", "igammac", "zeta", "xlogy", "xlog1py"),
}
"""Element-wise ops whose kernels do, for some dtype, what no code is generated for; a plan calls them from Python."""

TABLE = load_samples()
CASES = [
    pytest.param(name, case, dtype, id=f"{name}-{case}-{dtype}")
    for name, op in OPS.items()
    if op.elementwise
    for case in TABLE[name].cases[:3]
    for dtype in ("f4", "f8")
]


@pytest.mark.parametrize(("name", "case", "dtype"), CASES)
def test_every_element_wise_op_has_the_kernel_s_bits(name: str, case: Case, dtype: str) -> None:
    op = OPS[name]
    args = [
        numpy.asarray(x).astype(dtype) if getattr(x, "dtype", None) is not None and x.dtype.kind == "f" else numpy.asarray(x)
        for x in case.args
    ]
    if any(x.dtype.char not in NUMBERS for x in args):
        pytest.skip("complex numbers stay numpy's")
    function = body(lambda *values: op(*values, **case.params), *args)
    made = scalars(function)
    if made is None or not writable(made.calls):
        assert name in LEFT_TO_PYTHON or all(x.dtype.kind != "f" for x in args), f"{name} is not generated"
        return
    expected = numpy.asarray(op.kernel(numpy, *args, **case.params))
    same(regional(function, *args)[0], numpy.ascontiguousarray(expected).reshape(expected.shape))


def test_most_ops_are_generated() -> None:
    generated = {name for name, op in OPS.items() if op.elementwise} - LEFT_TO_PYTHON
    assert len(generated) > 75


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh", "sigmoid", "softplus", "silu"])
def test_interpreted_regions_have_the_bits_of_compiled_ones(name: str, dtype: str) -> None:
    x = draw(50, 40, dtype=dtype)
    function = body(lambda x: OPS[name](x) * 2, x)
    assert ours.needed(function)
    same(regional(function, x, own=True)[0], ours.evaluated(function, x)[0])


# Regions

LAYOUTS = {
    "scalars": lambda d: (draw(dtype=d), draw(dtype=d, seed=1)),
    "one": lambda d: (draw(1, dtype=d), draw(1, 1, dtype=d)),
    "empty": lambda d: (draw(3, 0, 2, dtype=d), draw(2, dtype=d)),
    "rows": lambda d: (draw(64, 37, dtype=d), draw(37, dtype=d)),
    "columns": lambda d: (draw(64, 37, dtype=d), draw(64, 1, dtype=d)),
    "outer": lambda d: (draw(64, 1, dtype=d), draw(1, 37, dtype=d)),
    "transposed": lambda d: (draw(64, 37, dtype=d).T, draw(37, 64, dtype=d)),
    "strided": lambda d: (draw(64, 74, dtype=d)[:, ::2], draw(64, 37, dtype=d)),
    "backwards": lambda d: (draw(640, dtype=d)[::-1], draw(640, dtype=d, seed=1)),
    "middle": lambda d: (draw(4, 5, 6, 7, dtype=d), draw(5, 1, 7, dtype=d)),
    "pieces": lambda d: (draw(5000, dtype=d), draw(5000, dtype=d, seed=1)),
    "pieces of rows": lambda d: (draw(3, 2500, dtype=d), draw(2500, dtype=d)),
}
BODIES: dict[str, Callable[..., Any]] = {
    "arithmetic": lambda x, y: x * y + ops.sqrt(ops.absolute(x)) - ops.maximum(x, y) / y,
    "stages": lambda x, y: ops.sin(x * 2) * y + ops.exp(-ops.absolute(ops.cos(y) + x)),
    "several": lambda x, y: (x + y, ops.where(x > y, x, y), ops.logical_and(x > 0, y < 1), ops.minimum(x, ops.tan(y))),
}


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", BODIES)
def test_regions_of_any_layout(name: str, layout: str, dtype: str) -> None:
    x, y = LAYOUTS[layout](dtype)
    function = body(BODIES[name], x, y)
    for found, expected in zip(regional(function, x, y), function(x, y), strict=True):
        same(found, numpy.ascontiguousarray(expected).reshape(numpy.shape(expected)))


@pytest.mark.parametrize("dtype", ["i4", "i8", "u1", "?"])
def test_whole_numbers_and_truth(dtype: str) -> None:
    random = numpy.random.default_rng(0)
    x, y = (random.integers(-9 if dtype[0] == "i" else 0, 9, 300).astype(dtype) for _ in range(2))
    function = body(
        lambda x, y: (
            x + y,
            x * y,
            ops.maximum(x, y),
            ops.equal(x, y),
            ops.logical_or(x > 0, y > 0),
            x > y,
            ops.where(x > y, x, y),
        ),
        x,
        y,
    )
    for found, expected in zip(regional(function, x, y), function(x, y), strict=True):
        same(found, expected)


def test_an_output_may_be_an_input() -> None:
    x, y = draw(3000), draw(3000, seed=1)
    function = body(lambda x, y: x * 2 + ops.sin(y) + x, x, y)
    (expected,) = function(x, y)
    made = scalars(function)
    assert made is not None
    run([Region(made, (view("x", x), view("y", y)), (view("x", x),), x.shape)], x=x, y=y)
    same(x, expected)


def test_large_regions_are_shared_among_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instruction_text, "threads", lambda: 3)
    for x, y in [(draw(1_000_003), draw(1_000_003, seed=1)), (draw(1001, 999), draw(999))]:
        function = body(BODIES["arithmetic"], x, y)
        same(regional(function, x, y)[0], function(x, y)[0])
    x, y = draw(3, 400_000), draw(400_000)
    text = InstructionText("tested", {"x": (0, 0), "y": (1, 0), "z": (2, 0)})
    made = scalars(function)
    assert made is not None
    text.write(Region(made, (view("x", x), view("y", y).spread(x.shape)), (View.whole("z", x.dtype, x.shape),), x.shape))
    assert module([text]).count("call void @dip.crew.run") == 1


# Products, sums, loops


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((5, 7), (7, 3)),
        ((64, 100), (100, 128)),
        ((1, 7), (7, 3)),
        ((5, 7), (7, 1)),
        ((5, 1), (1, 3)),
        ((4, 5, 6), (4, 6, 2)),
    ],
)
def test_products_have_the_bits_of_matmul(left: tuple[int, ...], right: tuple[int, ...], dtype: str) -> None:
    random = numpy.random.default_rng(0)
    x, y = random.standard_normal(left).astype(dtype), random.standard_normal(right).astype(dtype)
    flipped = [x, y, numpy.ascontiguousarray(x.mT).mT, numpy.ascontiguousarray(y.mT).mT]
    for a in (flipped[0], flipped[2]):
        for b in (flipped[1], flipped[3]):
            out = numpy.zeros((*left[:-1], right[-1]), dtype)
            run([Product(view("a", a), view("b", b), view("out", out))], a=a, b=b, out=out)
            same(out, a @ b)


@pytest.mark.skipif(not blas_symbol("sgemm"), reason="numpy has another BLAS")
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_updates_accumulate(dtype: str) -> None:
    random = numpy.random.default_rng(0)
    x, y, out = (random.standard_normal(shape).astype(dtype) for shape in ((40, 30), (40, 20), (30, 20)))
    expected = out - 0.5 * (x.T @ y)
    scale = numpy.asarray(-0.5, dtype)
    for given in (-0.5, view("scale", scale)):
        found = out.copy()
        into = view("out", found)
        run([Update(into, view("x", x.T), view("y", y), into, given)], x=x, y=y, out=found, scale=scale)
        other = numpy.zeros_like(out)
        moved = Update(view("out", out), view("x", x.T), view("y", y), view("other", other), given)
        run([moved], x=x, y=y, out=out, other=other, scale=scale)
        same(other, found)
        same(accumulated(out, x.T, y, -0.5), found)
        numpy.testing.assert_allclose(found, expected, rtol=100 * numpy.finfo(dtype).eps, atol=20 * numpy.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("shape", [(1,), (7,), (8,), (129,), (10_000,), (3, 5), (64, 10), (64, 1), (1, 64), (50, 1000)])
def test_sums_have_numpy_s_bits(shape: tuple[int, ...], dtype: str) -> None:
    x = draw(*shape, dtype=dtype)
    if len(shape) == 1:
        out = numpy.zeros((), dtype)
        run([Sum(view("x", x), view("out", out).at((1,), (1,)))], x=x, out=out)
        same(out, numpy.asarray(x.sum()))
        return
    rows = numpy.zeros(shape[0], dtype)
    run([Sum(view("x", x), view("out", rows))], x=x, out=rows)
    same(rows, x.sum(axis=1))


def test_loops_move_views_on() -> None:
    x, total, states = draw(20, 6), numpy.zeros(6, "f"), numpy.zeros((20, 6), "f")
    function = body(lambda a, b: a * 0.5 + b, total, x[0])
    made = scalars(function)
    assert made is not None
    state = view("total", total)
    row = View("x", x.dtype, (6,), (1,), 19 * 6, ((0, -6),))
    place = View("states", x.dtype, (6,), (1,), 0, ((0, 6),))
    copied = Region(type(made)([x.dtype], [], [0]), (state,), (place,), (6,))
    run(
        [Fill(state, 1.0), Loop(20, 0, (Region(made, (state, row), (state,), (6,)), copied))],
        x=x,
        total=total,
        states=states,
    )
    expected = numpy.ones(6, "f")
    for t in range(20):
        expected = expected * numpy.float32(0.5) + x[19 - t]
        same(states[t], expected)
