"""Compiled bodies on the arrays of a GPU: what is launched, into which memory, and what goes op by op."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

from graphs.codegen import compiled, launch
from graphs.codegen.fused import fused
from graphs.codegen.store import Store
from graphs.core.function import Function, trace
from graphs.core.spec import Spec
from graphs.ops.elementwise import cast, floor_divide
from graphs.ops.functions import sqrt
from graphs.ops.logic import where
from graphs.updates import Adam
from tests.graphs import fake_driver
from tests.graphs.test_codegen import BODIES, draw


ROOT = Path(__file__).resolve().parents[2]

ROUNDED = {"several outputs", "kernels of several calls", "a kernel's result read again"}
"""Bodies with functions in them that differ from library to library."""


def body(fn: Any, *specs: Spec) -> Function:
    return trace(fn, *specs, name="body")[0]


def agree(found: Any, expected: Any, exact: bool = True) -> None:
    assert len(found) == len(expected)
    for x, y in zip(found, expected, strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        if exact:
            numpy.testing.assert_array_equal(x.get(), y)
        else:
            numpy.testing.assert_allclose(x.get(), y, rtol=1e-14)


def kernels(cp: Any, function: Function) -> list[str]:
    """The texts of the kernels that have been made of a body."""
    made = function.cache.get(("device", cp))
    return list(made.texts.values()) if made is not None else []


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("shape", [(5,), (2, 3), (0,), (), (1,), (3, 700)], ids=str)
def test_results_are_those_of_op_by_op(cp: Any, name: str, shape: tuple[int, ...]) -> None:
    function = Function(BODIES[name].inputs, BODIES[name].outputs, name)
    inputs = [draw(*shape), draw(*shape, seed=1), numpy.asarray(0.7)]
    expected = [numpy.array(out) for out in function(*inputs)]
    given = [cp.asarray(inputs[0]), cp.asarray(inputs[1]), inputs[2]]
    found = compiled(function)(given)
    agree(found, expected, name not in ROUNDED)
    agree(given[:2], inputs[:2])
    assert len(kernels(cp, function)) == (0 not in shape and not (name == "a scalar output" and shape))
    for i, x in enumerate(found):
        assert not x.size or not any(x.data.ptr == y.data.ptr for y in [*given[:2], *found[:i]])


@pytest.mark.parametrize("name", BODIES)
def test_outputs_over_inputs(cp: Any, name: str) -> None:
    function = BODIES[name]
    for targets in [(0, 1, None), (1, 0, None), (None, 0, 1), (None, 1, 0), (None, None, None)]:
        inputs = [draw(40, 7), draw(40, 7, seed=1), numpy.asarray(0.7)]
        expected = [numpy.array(out) for out in function(*inputs)]
        used = [at if e.dtype == "f8" and e.shape else None for e, at in zip(expected, targets, strict=False)]
        given = [cp.asarray(inputs[0]), cp.asarray(inputs[1]), inputs[2]]
        outs = [cp.empty(e.shape, e.dtype) if at is None else given[at] for e, at in zip(expected, used, strict=True)]
        found = compiled(function, tuple(used))(given, outs)
        assert all(x is y for x, y in zip(found, outs, strict=True))
        agree(found, expected, name not in ROUNDED)


LAYOUTS = {
    "transposed": lambda: (draw(30, 20).T, draw(30, 20, seed=1).T),
    "mixed": lambda: (draw(20, 30), draw(30, 20, seed=1).T),
    "strided": lambda: (draw(20, 60)[:, ::2], draw(20, 30, seed=1)),
    "backwards": lambda: (draw(20, 30)[::-1], draw(20, 30, seed=1)),
    "broadcast": lambda: (draw(20, 30), draw(30, seed=1)),
    "broadcast both ways": lambda: (draw(20, 1), draw(1, 30, seed=1)),
    "three axes": lambda: (draw(4, 5, 6)[:, ::2], draw(4, 1, 6, seed=1)),
    "one element": lambda: (draw(4, 5), draw(1, 1, seed=1)),
    "0-d": lambda: (draw(), draw(seed=1)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(cp: Any, layout: str) -> None:
    function = Function(BODIES["chain"].inputs, BODIES["chain"].outputs, "chain")
    inputs = [*LAYOUTS[layout](), numpy.asarray(0.7)]

    def placed(x: numpy.ndarray) -> Any:
        """The same elements in the same places."""
        if x.base is None:
            return cp.asarray(x)
        whole = cp.asarray(x.base)
        if layout == "backwards":
            return whole[::-1]
        if layout in ("strided", "three axes"):
            return whole[:, ::2]
        return whole.T

    found = compiled(function)((placed(inputs[0]), placed(inputs[1]), inputs[2]))
    agree(found, function(*inputs))
    assert found[0].strides == function(*inputs)[0].strides
    assert len(kernels(cp, function)) == 1


def test_outs_that_are_not_contiguous(cp: Any) -> None:
    function = Function(BODIES["chain"].inputs, BODIES["chain"].outputs, "chain")
    inputs = [draw(20, 30), draw(20, 30, seed=1), numpy.asarray(0.7)]
    out = cp.empty((30, 20), "f8").T
    found = compiled(function)((cp.asarray(inputs[0]), cp.asarray(inputs[1]), 0.7), (out,))
    assert found[0] is out
    agree(found, function(*inputs))
    assert "at0" in kernels(cp, function)[0]


def test_memory_that_is_shared_but_not_wholly(cp: Any) -> None:
    """A kernel would read what another thread has written already."""
    function = body(lambda x, y: [x + y], Spec(None, "f8"), Spec(None, "f8"))
    x = draw(6, 6)
    given = cp.asarray(x)
    compiled(function)((given, given.T), (given,))
    numpy.testing.assert_array_equal(given.get(), x + x.T)
    long = draw(10)
    moved = cp.asarray(long)
    compiled(function)((moved[:-1], moved[:-1]), (moved[1:],))
    numpy.testing.assert_array_equal(moved.get()[1:], 2 * long[:-1])
    assert not kernels(cp, function)
    compiled(function)((moved, moved[:]), (moved,))
    assert len(kernels(cp, function)) == 1


@pytest.mark.parametrize("scalar", [0.7, numpy.float64(0.7), numpy.asarray(0.7), "device"])
def test_scalars_in_any_form(cp: Any, scalar: Any) -> None:
    function = Function(BODIES["scalars among themselves"].inputs, BODIES["scalars among themselves"].outputs, "s")
    x, y = draw(5), draw(5, seed=1)
    given = cp.asarray(numpy.asarray(0.7)) if isinstance(scalar, str) else scalar
    agree(compiled(function)((cp.asarray(x), cp.asarray(y), given)), function(x, y, numpy.asarray(0.7)))
    (text,) = kernels(cp, function)
    assert ("const double s2" in text) == (not isinstance(scalar, str))


def test_small_numbers_stay(cp: Any) -> None:
    function = body(lambda x, y: [x * y, x + y, x / y, where(x > 0, x, y)], *[Spec(None, "f4")] * 2)
    tiny = numpy.array([1e-45, 3e-39, -1e-40, 0.0], "f4")
    other = numpy.array([0.5, 2.0, 3.0, -2e-45], "f4")
    agree(compiled(function)((cp.asarray(tiny), cp.asarray(other))), function(tiny, other))
    assert kernels(cp, function)


def test_an_optimisers_update_in_place(cp: Any) -> None:
    rule = Adam(amsgrad=True, weight_decay=True)
    arrays = [draw(50, 3, seed=i, dtype="f4") for i in range(5)]
    arrays[4] = numpy.abs(arrays[4])
    arrays[3] = numpy.abs(arrays[3])
    rates = rule.step("f4", 3, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01)
    kernel = rule.kernel("f4")
    device = [cp.asarray(x) for x in arrays]
    found = kernel((*device, *rates), (device[0], *device[2:]))
    expected = kernel((*[x.copy() for x in arrays], *rates))
    agree(found, expected)
    assert found[0] is device[0]


def test_the_op_and_its_gradient(cp: Any) -> None:
    function = body(lambda x, y: [sqrt(x * x + 1.0) * y, x - y], *[Spec(None, "f8")] * 2)
    x, y = draw(7), draw(7, seed=1)
    agree(fused(cp.asarray(x), cp.asarray(y), body=function), fused(x, y, body=function))


def test_what_does_not_fit_goes_op_by_op(cp: Any) -> None:
    half = body(lambda x: [cast(x, dtype="float16") * 2.0], Spec(None, "f4"))
    z = numpy.array([0.5, 1.25], "f4")
    agree(compiled(half)((cp.asarray(z),)), half(z))
    other = body(lambda x: [x + 1.0], Spec(None, "f8"))
    agree(compiled(other)((cp.asarray(z),)), other(z))  # of another dtype than the body was traced for
    two = body(lambda x, y: [x + 1.0, y * 2.0], *[Spec(None, "f8")] * 2)
    agree(compiled(two)((cp.asarray(draw(5)), cp.asarray(draw(3)))), two(draw(5), draw(3)))
    for function in (half, other, two):
        assert not kernels(cp, function)
    whole = body(lambda x, y: [floor_divide(x, y)], *[Spec(None, "i4")] * 2)
    with pytest.raises(launch.UnlaunchedError):
        launch.DeviceKernel(cp, whole)([cp.asarray(numpy.arange(3, dtype="i4"))] * 2)


def test_numpy_arrays_are_not_mixed_in(cp: Any) -> None:
    function = BODIES["chain"]
    with pytest.raises(TypeError, match="ndarray"):
        compiled(function)((cp.asarray(draw(5)), draw(5, seed=1), 0.7))


def test_refusals(cp: Any) -> None:
    with pytest.raises(ValueError, match="unpack"):
        compiled(BODIES["chain"])((cp.asarray(draw(3)),))


# What only the stand-in can tell


def test_one_launch_and_one_compilation_a_form(fake: Any) -> None:
    function = Function(BODIES["several outputs"].inputs, BODIES["several outputs"].outputs, "several")
    state = fake_driver.state()
    for shape in [(5,), (2, 3), (4, 5, 6)]:
        compiled(function)((fake.asarray(draw(*shape)), fake.asarray(draw(*shape, seed=1)), 0.7))
    assert (state.launches, len(state.compiled)) == (3, 1)
    compiled(function)((fake.asarray(draw(2, 3)), fake.asarray(draw(3, seed=1)), 0.7))
    assert (state.launches, len(state.compiled)) == (4, 2)


def test_kernels_are_kept_on_disk(fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "kernels")
    monkeypatch.setattr(launch, "_kept", lambda: store)
    for _ in range(2):
        function = body(lambda x: [x * 3.0 - 1.0], Spec(None, "f8"))
        agree(compiled(function)((fake.asarray(draw(5)),)), function(draw(5)))
    assert len(fake_driver.state().compiled) == 1
    assert len(list((tmp_path / "kernels").iterdir())) == 1


def test_each_device_has_its_kernel(fake: Any) -> None:
    function = body(lambda x: [x * 3.0], Spec(None, "f8"))
    state = fake_driver.state()
    with fake.cuda.Device(1):
        x = fake.asarray(draw(5))
    y = fake.asarray(draw(5, seed=1))
    for each in (x, y):
        compiled(function)((each,), (each,))
    assert (state.launches, state.device, len(state.compiled)) == (2, 0, 2)
    assert [compiled(function)((each,))[0].data.device_id for each in (x, y)] == [1, 0]
    assert (state.launches, len(state.compiled)) == (4, 2)


def test_a_program_that_does_not_compile_goes_op_by_op(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "source", lambda *_: "#error")
    function = body(lambda x: [x * 3.0], Spec(None, "f8"))
    with pytest.warns(RuntimeWarning, match="body runs op by op"):
        found = compiled(function)((fake.asarray(draw(5)),))
    agree(found, function(draw(5)))
    agree(compiled(function)((fake.asarray(draw(5)),)), function(draw(5)))
    assert fake_driver.state().launches == 0


def test_nothing_is_made_for_hip(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake.cuda.runtime, "is_hip", True)
    function = body(lambda x: [x * 3.0], Spec(None, "f8"))
    agree(compiled(function)((fake.asarray(draw(5)),)), function(draw(5)))
    assert fake_driver.state().launches == 0


def test_geometries_are_forgotten_when_there_are_many(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_MOST_SHAPES", 3)
    function = body(lambda x: [x + 1.0], Spec(None, "f8"))
    for n in range(1, 9):
        agree(compiled(function)((fake.asarray(draw(n)),)), function(draw(n)))
    assert len(function.cache["device", fake]._geometries) <= 3


def test_compiling_for_numpy_loads_no_cupy() -> None:
    code = (
        "import sys, numpy; from graphs.codegen import compiled; from graphs.core.function import trace; import graphs.ops;"
        "from graphs.core.spec import Spec; f = trace(lambda x, y: x * y, *[Spec(None, 'f8')] * 2)[0];"
        "compiled(f)((numpy.ones(3), numpy.ones(1))); print('cupy' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "False"
