"""Values of a graph that is being built: operators, scalars beside them, scopes, refusals; where arrays are found."""

from __future__ import annotations

import ctypes
import operator
import os
import sys
import types
from typing import Any

import numpy
import pytest

from graphs import ops
from graphs.core import arrays, gpus, large, memory, parts, random
from graphs.core.arrays import MODULES, diagonal_view, is_array, module_of, register_module, to_numpy
from graphs.core.errors import GraphsError, ShapeError, Where, at_line, listed
from graphs.core.files import write_whole
from graphs.core.function import Function, trace
from graphs.core.node import Value, current_scope, new_parameter, scope, weak_spec
from graphs.core.notebook import Shown
from graphs.core.op import OPS
from graphs.core.random import DeviceKey, Stream, drawn
from graphs.core.spec import Spec


def value(*dims: int | None, dtype: str = "float64") -> Value:
    return new_parameter(Spec(dims, dtype))


BOTH = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge"]


@pytest.mark.parametrize("name", BOTH)
def test_operators_of_values_are_those_of_arrays(name: str) -> None:
    apply = getattr(operator, name)
    x, y = numpy.array([3.0, -2.0, 5.0]), numpy.array([2.0, 3.0, -4.0])
    traced, _ = trace(lambda a, b: (apply(a, b), apply(a, 2.0), apply(7.0, b)), Spec((3,), "float64"), Spec((3,), "float64"))
    for found, expected in zip(traced(x, y), (apply(x, y), apply(x, 2.0), apply(7.0, y)), strict=True):
        numpy.testing.assert_allclose(found, expected, rtol=1e-15)


@pytest.mark.parametrize("name", ["and_", "or_", "xor"])
def test_logical_operators_too(name: str) -> None:
    apply = getattr(operator, name)
    x, y = numpy.array([True, True, False, False]), numpy.array([True, False, True, False])
    traced, _ = trace(lambda a, b: (apply(a, b), apply(a, True), apply(True, b), ~a), *[Spec((4,), "bool")] * 2)
    for found, expected in zip(traced(x, y), (apply(x, y), apply(x, True), apply(True, y), ~x), strict=True):
        numpy.testing.assert_array_equal(found, expected)


def test_products_from_either_side_and_signs() -> None:
    x = numpy.arange(6.0).reshape(2, 3) - 2
    traced, _ = trace(lambda a: (a @ x.T, x.T @ a, -a, abs(a)), Spec((2, 3), "float64"))
    for found, expected in zip(traced(x), (x @ x.T, x.T @ x, -x, abs(x)), strict=True):
        numpy.testing.assert_array_equal(found, expected)


def test_values_are_not_known_while_the_graph_is_built() -> None:
    x = value(2)
    with pytest.raises(TypeError, match=rf"the value of {x.node.name} is not known while the graph is being built"):
        bool(x)
    with pytest.raises(TypeError, match=rf"{x.node.name} cannot be iterated over"):
        iter(x)
    assert repr(x) == f"<value {x.node.name}:0 {x.spec}>"
    assert repr((x + 1.0).node).endswith(": add -> float64(2,)>")


def test_other_things_are_no_operands() -> None:
    with pytest.raises(TypeError, match=r"add takes arrays, scalars and .*Values?, not str"):
        OPS["add"](value(2), "two")


@pytest.mark.parametrize(
    ("scalar", "dtype", "expected"),
    [
        (2, "float32", "float32"),
        (True, "int8", "int8"),
        (2.5, "int32", "float64"),
        (2.5, "float32", "float32"),
        (2, "bool", "int64"),
        (3, "uint8", "uint8"),
        (1j, "float64", "complex128"),
        (1j, "complex64", "complex64"),
        (True, "bool", "bool"),
        (2, None, "int64"),
        (2.0, "U3", "float64"),
    ],
)
def test_a_scalar_is_of_the_dtype_beside_it_unless_its_kind_is_higher(scalar: Any, dtype: Any, expected: str) -> None:
    assert weak_spec(scalar, None if dtype is None else numpy.dtype(dtype)) == Spec((), expected)


def test_scopes_stand_before_names() -> None:
    assert current_scope() == ""
    with scope("outer"):
        assert current_scope() == "outer"
        with pytest.raises(ZeroDivisionError), scope("inner"):
            raise ZeroDivisionError
        assert current_scope() == "outer"
    assert current_scope() == ""


def test_a_parameter_has_no_value() -> None:
    with pytest.raises(GraphsError, match=r"a parameter of float64\(2,\) was not given a value"):
        OPS["parameter"](spec=Spec((2,), "float64"))


def test_a_function_is_called_with_as_many_values_as_it_has_parameters() -> None:
    made, captured = trace(lambda x, y: x * y, Spec((2,), "float64"), Spec((2,), "float64"))
    assert isinstance(made, Function)
    assert not captured
    with pytest.raises((TypeError, GraphsError)):
        made(numpy.ones(2))


# Messages


def test_long_lists_are_cut_in_messages() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdef")) == "a, b, c, d, e, f"
    assert listed(list("abcdefgh")) == "a, b, c, d, e, f and 2 more"
    assert listed(list("abcd"), 1) == "a and 3 more"


def test_a_line_that_is_not_there_is_line_nought() -> None:
    where = Where((lambda: None).__code__, 10_000)
    assert where.line == 0
    assert str(where) == f"{__file__}:0"
    assert at_line().startswith(f"\n  at {__file__}:")


def test_rules_that_want_more_dimensions_say_so() -> None:
    with pytest.raises(ShapeError, match=r"matmul: .*\(given float64\(\), float64\(2,\)\)"):
        ops.matmul(new_parameter(Spec((), "float64")), value(2))


# Array modules


class Far:
    """An array that lives elsewhere."""

    def __init__(self, data: numpy.ndarray) -> None:
        self.data = data
        self.copies = 0

    def get(self) -> numpy.ndarray:
        self.copies += 1
        return self.data


@pytest.fixture
def far() -> Any:
    module = types.ModuleType("far")
    register_module(Far, module)
    yield module
    del MODULES[Far]


def test_what_lives_elsewhere_is_fetched_once_asked_for(far: types.ModuleType) -> None:
    here = numpy.ones(2)
    there = Far(here)
    assert to_numpy(here) is here
    assert to_numpy(there) is here
    assert there.copies == 1
    assert is_array(there)
    assert is_array(numpy.float32(1))
    assert not is_array([1.0])
    numpy.testing.assert_array_equal(to_numpy([1.0, 2.0]), [1.0, 2.0])


def test_a_tensor_tells_its_module(far: types.ModuleType) -> None:
    class Tensor:
        def __init__(self, module: types.ModuleType) -> None:
            self.module = module

        def __array_module__(self) -> types.ModuleType:
            return self.module

    assert module_of([1.0, Tensor(numpy), Tensor(far)]) is far
    assert module_of([Tensor(numpy), numpy.ones(1)]) is numpy
    assert module_of([Far(numpy.ones(1)), Tensor(numpy)]) is far


def test_arrays_of_cupy_are_known_by_their_class(monkeypatch: pytest.MonkeyPatch) -> None:
    cupy = types.ModuleType("cupy")
    kind = type("ndarray", (), {"__module__": "cupy"})
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    try:
        assert module_of([kind()]) is cupy
        assert arrays.MODULES[kind] is cupy
        assert is_array(kind())
    finally:
        arrays.MODULES.pop(kind, None)


@pytest.mark.parametrize("offset", [-1, 0, 2])
def test_diagonals_are_views_to_write_to(offset: int) -> None:
    x = numpy.arange(12.0).reshape(3, 4)
    view = diagonal_view(numpy, x, offset)
    expected = x.diagonal(offset).copy()
    numpy.testing.assert_array_equal(view, expected)
    view += 100
    numpy.testing.assert_array_equal(x.diagonal(offset), expected + 100)
    x.flags.writeable = False
    assert not diagonal_view(numpy, x, offset).flags.writeable


def test_a_gpu_that_is_not_found_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def cupy(count: Any) -> types.ModuleType:
        module = types.ModuleType("cupy")
        module.cuda = types.SimpleNamespace(runtime=types.SimpleNamespace(getDeviceCount=count))  # type: ignore[attr-defined]
        return module

    def broken() -> int:
        raise RuntimeError("no driver\nand more")

    told = [(lambda: 0, (0, "cupy is installed, but finds no GPU")), (lambda: 2, (2, ""))]
    told.append((broken, (0, "cupy is installed, but finds no GPU and driver (no driver)")))
    for count, expected in told:
        monkeypatch.setitem(sys.modules, "cupy", cupy(count))
        assert gpus.installed()
        assert gpus.found() == expected
    monkeypatch.delitem(sys.modules, "cupy")
    monkeypatch.setattr(gpus, "find_spec", lambda _: None)
    gpus._findable.cache_clear()
    try:
        assert gpus.found() == (0, gpus.MISSING)
    finally:
        gpus._findable.cache_clear()


# Large arrays, threads, memory


def test_large_arrays_are_left_to_native_code_where_it_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def native(op: Any, given: Any, params: dict[str, Any]) -> Any:
        asked.append((op.name, len(given), params))
        return "native" if len(asked) == 1 else None

    monkeypatch.setattr(large._Chosen, "native", None)
    x, small = numpy.ones(large.LARGE), numpy.ones(large.LARGE - 1)
    wide = large.widened(ops.maximum)
    plain = wide(numpy, x, x)
    large.use(native)
    assert wide(numpy, x, x) == "native"
    numpy.testing.assert_array_equal(wide(numpy, x, x), plain)
    assert len(asked) == 2
    assert [each[1:] for each in asked] == [(2, {}), (2, {})]
    wide(numpy, small, small)
    wide(numpy, x, numpy.ones(1))
    wide(numpy, x, 2.0)
    assert len(asked) == 2


def test_native_code_needs_somebody_who_makes_it_and_llvmlite(monkeypatch: pytest.MonkeyPatch) -> None:
    for native, found, expected in ((None, True, False), (len, None, False), (len, True, True)):
        monkeypatch.setattr(large._Chosen, "native", native)
        monkeypatch.setattr(large, "find_spec", lambda _, found=found: found)
        assert large.possible.__wrapped__() is expected


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [([(1 << 16,)], True), ([(1 << 8, 1 << 8)] * 2, True), ([(1 << 16,), (1,)], False), ([((1 << 16) - 1,)], False)],
)
def test_what_is_large(shapes: list[Any], expected: bool) -> None:
    assert large.is_large(shapes) is expected


def test_which_texts_are_for_native_code() -> None:
    assert large.applies("log1p(exp(-abs(x)))")
    assert large.applies("tanh(x)")
    assert not large.applies("myexp(x)")
    assert not large.applies("x * exponent")
    assert not large.applies(None)


def test_work_is_parted_as_another_process_would(monkeypatch: pytest.MonkeyPatch) -> None:
    def bounds() -> list[tuple[int, int]]:
        return parts.in_parts(numpy, lambda first, last: (first, last), 12, 1 << 30)

    before = bounds()
    with parts.split_as(3):
        assert bounds() == [(0, 4), (4, 8), (8, 12)]
        with parts.split_as(2):
            assert bounds() == [(0, 6), (6, 12)]
        assert bounds() == [(0, 4), (4, 8), (8, 12)]
    assert bounds() == before
    with parts.split_as(4):
        assert parts.in_parts(types, lambda first, last: (first, last), 12, 1 << 30) == [(0, 12)]
        assert parts.in_parts(numpy, lambda first, last: (first, last), 2, 1 << 30) == [(0, 1), (1, 2)]
        assert parts.in_parts(numpy, lambda first, last: (first, last), 12, (1 << 20) + 1) == [(0, 6), (6, 12)]


def test_without_openblas_nobodys_threads_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: Any) -> Any:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", none)
    parts._blas.cache_clear()
    try:
        assert parts._blas() is None
        with parts.one_thread_each():
            assert parts._Held.callers == 0
    finally:
        monkeypatch.undo()
        parts._blas.cache_clear()


@pytest.mark.parametrize(("said", "expected"), [("3", 3), ("0", None), ("many", None), ("", None)])
def test_how_many_threads_there_are(said: str, expected: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    assert parts.threads.__wrapped__() == (expected or here)


def test_freed_memory_is_kept_once_and_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: list[tuple[int, int]] = []
    library = types.SimpleNamespace(mallopt=lambda *setting: set_to.append(setting))
    monkeypatch.setattr(memory, "_done", False)
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: library)
    monkeypatch.setattr(memory.sys, "platform", "linux")
    monkeypatch.setenv("DIPTYCH_KEEP_MEMORY", "0")
    keep = next(f for f in vars(memory).values() if isinstance(f, types.FunctionType) and f.__module__ == memory.__name__)
    keep()
    assert not set_to
    monkeypatch.setenv("DIPTYCH_KEEP_MEMORY", "1")
    keep()
    keep()
    assert sorted(value for _, value in set_to) == [32 << 20, 256 << 20]


# Random numbers


def test_there_are_no_draws_without_a_key() -> None:
    with pytest.raises(ValueError, match="a random op was run without a key"):
        drawn(numpy, None, "uniform", (2,), "float32")
    with pytest.raises(ValueError, match="nothing draws there"):
        drawn(numpy, DeviceKey(numpy.zeros(2)), "uniform", (2,), "float32")


def test_another_module_gets_the_hosts_numbers_or_draws_them_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    other = types.SimpleNamespace(asarray=lambda x: ("carried", x))

    def drawer(xp: Any, key: Any, kind: str, shape: Any, dtype: Any) -> Any:
        asked.append((xp is other, key, kind, shape, dtype))
        return None if kind == "uniform" else "drawn there"

    key = Stream(3).key()
    expected = drawn(numpy, key, "uniform", (3,), "float64")
    monkeypatch.setattr(random._Chosen, "drawer", None)
    carried, found = drawn(other, key, "uniform", (3,), "float64")
    numpy.testing.assert_array_equal(found, expected)
    monkeypatch.setattr(random._Chosen, "drawer", drawer)
    assert drawn(other, key, "uniform", (3,), "float64")[0] == carried == "carried"
    assert drawn(other, key, "normal", (3,), "float64") == "drawn there"
    numpy.testing.assert_array_equal(drawn(numpy, key, "uniform", (3,), "float64"), expected)
    assert [each[2] for each in asked] == ["uniform", "normal"]


# Files and notebooks


def test_what_cannot_be_shown_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("graphs.core.notebook.import_module", failing)
    assert Shown()._repr_mimebundle_() == {}
    told = types.SimpleNamespace(bundle=lambda shown, include: {"text/plain": f"{type(shown).__name__} {include}"})
    monkeypatch.setattr("graphs.core.notebook.import_module", lambda name: told)
    assert Shown()._repr_mimebundle_(include={"text/plain"}) == {"text/plain": "Shown {'text/plain'}"}


def test_what_fails_while_it_is_written_leaves_nothing(tmp_path: Any) -> None:
    path = tmp_path / "kept"
    path.write_bytes(b"before")

    class Failing:
        def __bytes__(self) -> bytes:
            raise AssertionError

        def __len__(self) -> int:
            return 1

    with pytest.raises(TypeError):
        write_whole(str(path), Failing())  # type: ignore[arg-type]
    assert path.read_bytes() == b"before"
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]
