"""The stand-in for cupy refuses what cupy refuses, has what cupy has, and tells when the host waits for the device."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.graphs import cupy_api, fake_cupy, fake_driver


ROOT = Path(__file__).parents[2]


def a(fake: Any, *values: Any, dtype: Any = float) -> Any:
    return fake.asarray(numpy.array(values, dtype))


ABSENT = {
    "errstate": lambda xp, x: xp.errstate(all="ignore"),
    "seterr": lambda xp, x: xp.seterr(),
    "a ufunc": lambda xp, x: xp.spacing(x),
    "a method": lambda xp, x: x.newbyteorder(),
    "whether an array may be written to": lambda xp, x: x.flags.writeable,
    "an attribute of one's own": lambda xp, x: setattr(x, "mine", 1),
    "truth that is no array": lambda xp, x: xp.where(True, x, x),
}


@pytest.mark.parametrize("what", ABSENT)
def test_what_cupy_has_not(fake: Any, what: str) -> None:
    with pytest.raises(AttributeError):
        ABSENT[what](fake, a(fake, 1, 2))


UNTAKEN = {
    "max from an initial value": lambda xp, x: x.max(initial=0),
    "sum where": lambda xp, x: xp.sum(x, where=x > 0),
    "sort stable": lambda xp, x: xp.argsort(x, stable=True),
    "ufunc where": lambda xp, x: xp.add(x, x, where=x > 0),
    "ufunc order": lambda xp, x: xp.exp(x, order="C"),
    "einsum out": lambda xp, x: xp.einsum("i,i->", x, x, out=x),
    "take by mode": lambda xp, x: xp.take(x, x.astype(int), mode="clip"),
    "an array of numpy's": lambda xp, x: xp.add(x, numpy.ones(2)),
    "one behind an operator": lambda xp, x: x + numpy.ones(2),
    "one before an operator": lambda xp, x: numpy.ones(2) + x,
    "one of no dimensions": lambda xp, x: xp.multiply(x, numpy.array(2.0)),
    "one that is put in": lambda xp, x: x.__setitem__(slice(None), numpy.ones(2)),
    "becoming one": lambda xp, x: numpy.asarray(x),
    "being read by one": lambda xp, x: numpy.concatenate([x, x]),
    "a range of arrays": lambda xp, x: xp.arange(x[0], 5),
    "a list of numbers and arrays": lambda xp, x: xp.asarray([1.0, x[0]]),
    "negative bool": lambda xp, x: xp.negative(x > 0),
    "adding truths at positions": lambda xp, x: xp.add.at(x > 0, x.astype(int), True),
    "a size that is an array": lambda xp, x: range(x.astype(int)[0]),
    "an iterator over no dimension": lambda xp, x: list(x[0]),
}


@pytest.mark.parametrize("what", UNTAKEN)
def test_what_cupy_does_not_take(fake: Any, what: str) -> None:
    with pytest.raises(TypeError):
        UNTAKEN[what](fake, a(fake, 1, 2))


UNDONE = {
    "maximum.reduce": lambda xp, x: xp.maximum.reduce(x),
    "logaddexp.accumulate": lambda xp, x: xp.logaddexp.accumulate(x),
    "multiply.at": lambda xp, x: xp.multiply.at(x, x.astype(int), 2.0),
    "two masks": lambda xp, x: xp.ones((2, 2))[x > 0, x > 0],
}


@pytest.mark.parametrize("what", UNDONE)
def test_what_cupy_does_not_do(fake: Any, what: str) -> None:
    with pytest.raises(NotImplementedError):
        UNDONE[what](fake, a(fake, 1, 2))


def test_sorting_is_stable_or_refused(fake: Any) -> None:
    with pytest.raises(ValueError, match="stable"):
        fake.sort(a(fake, 2, 1), kind="quicksort")
    with pytest.raises(ValueError, match="Unsupported dtype"):
        fake.asarray(numpy.array(["text"]))


WAITS = {
    "item": lambda xp, x: x[0].item(),
    "float": lambda xp, x: float(x[0]),
    "int": lambda xp, x: int(x[0]),
    "truth": lambda xp, x: bool((x > 0).all()),
    "get": lambda xp, x: x.get(),
    "tolist": lambda xp, x: x.tolist(),
    "a mask": lambda xp, x: x[x > 1],
    "putting through a mask": lambda xp, x: x.__setitem__(x > 1, 0.0),
    "nonzero": lambda xp, x: x.nonzero(),
    "unique": lambda xp, x: xp.unique(x),
    "where alone": lambda xp, x: xp.where(x > 1),
    "bincount": lambda xp, x: xp.bincount(x.astype(int)),
    "text": lambda xp, x: repr(x),
}


@pytest.mark.parametrize("what", WAITS)
def test_waiting_for_the_device_is_counted_and_cannot_be_captured(fake: Any, what: str) -> None:
    x = a(fake, 1, 2)
    before = fake_driver.state().syncs
    WAITS[what](fake, x)
    assert fake_driver.state().syncs == before + 1
    stream = fake.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        with pytest.raises(fake_driver.CUDARuntimeError):
            WAITS[what](fake, x)
        with pytest.raises(fake_driver.CUDARuntimeError):
            stream.end_capture()


def test_what_does_not_wait(fake: Any) -> None:
    x = a(fake, 1, 2, 3)
    before = fake_driver.state().syncs
    _ = (x * 2 + x[1]).sum(), x[x.astype(int) % 3], x.argsort(), fake.where(x > 1, x, 0.0), x.max(), len(x), x.shape
    x[fake.asarray(numpy.array([0, 2]))] = 5.0
    fake.add.at(x, fake.asarray(numpy.array([0, 0])), 1.0)
    assert fake_driver.state().syncs == before
    assert x.tolist() == [7.0, 2.0, 5.0]


def test_results_of_no_dimensions_are_arrays_and_positions_wrap_around(fake: Any) -> None:
    x = a(fake, 1, 2, 3)
    assert all(isinstance(y, fake.ndarray) for y in (x[0], x.sum(), fake.exp(x[0]), -x[0], x[0] > 1))
    assert x[fake.asarray(numpy.array([3, -4, 7]))].tolist() == [1.0, 3.0, 2.0]
    assert fake.take(x, fake.asarray(numpy.array([4]))).tolist() == [2.0]
    matrix = fake.asarray(numpy.arange(6.0).reshape(2, 3))
    assert matrix[:, fake.asarray(numpy.array([5]))].tolist() == [[2.0], [5.0]]


LOOPS = ["add", "power", "exp", "arctan2", "floor_divide", "maximum", "sqrt", "copysign", "logaddexp"]


@pytest.mark.parametrize("name", LOOPS)
def test_ufuncs_yield_the_dtypes_of_cupys_loops(fake: Any, name: str) -> None:
    """Which are numpy's, too."""
    ufunc, theirs = getattr(fake, name), getattr(numpy, name)
    for kinds in ("ff", "dd", "fd", "ii", "lf", "if", "bb", "?f"):
        arrays = [numpy.ones(2, kind) for kind in kinds[: ufunc.nin]]
        wanted = theirs(*arrays).dtype
        assert ufunc(*[fake.asarray(x) for x in arrays]).dtype == wanted
        if ufunc.nin == 2:
            for number in (2, 2.5, numpy.float64(2)):
                assert ufunc(fake.asarray(arrays[0]), number).dtype == theirs(arrays[0], number).dtype


# The driver


KINDS = {
    "cuda.Stream": fake_driver.Stream,
    "cuda.Event": fake_driver.Event,
    "cuda.Graph": fake_driver.Graph,
    "cuda.Device": fake_driver.Device,
    "cuda.MemoryPool": fake_driver.MemoryPool,
    "cuda.PinnedMemoryPool": fake_driver.PinnedMemoryPool,
    "cuda.MemoryPointer": fake_driver.MemoryPointer,
    "cuda.Module": fake_cupy.Module,
}
OWN = {"log", "null", "tasks", "broken", "recorded", "returned", "blocks", "free"}
"""What the stand-in's classes have for tests."""


@pytest.mark.parametrize("path", KINDS)
def test_the_driver_s_classes_have_cupys_methods_alone(path: str) -> None:
    about = cupy_api.api()["classes"][path]
    for name, value in vars(KINDS[path]).items():
        if name.startswith("_") or name in OWN:
            continue
        assert name in {*about["methods"], *about["others"].split()}
        if inspect.isfunction(value):
            theirs = list(cupy_api.method(path, name).parameters)
            assert list(inspect.signature(value).parameters)[1:] == theirs[: len(inspect.signature(value).parameters) - 1]
    if "__init__" in vars(KINDS[path]) and path != "cuda.Graph" and about["made"] is not None:
        ours = list(inspect.signature(KINDS[path].__init__).parameters)[1:]
        assert ours == list(cupy_api.signature(about["made"]).parameters)[: len(ours)]


def test_only_what_cupy_has_is_asked_of_it() -> None:
    """Whatever the sources read of ``cupy.cuda`` is there."""
    asked = re.compile(r"\b(?:xp|cupy|module|cupy_for\([^)]*\))\.cuda\.([\w.]+)")
    paths = [path for folder in ("graphs", "static", "dynamic") for path in (ROOT / folder).rglob("*.py")]
    names = {name for path in paths for name in asked.findall(path.read_text())}
    assert len(names) > 15
    assert [name for name in sorted(names) if not _there(name.rstrip(".").split("."))] == []


def _there(parts: list[str]) -> bool:
    """Whether ``cupy.cuda`` has what a dotted name says, as far as classes and modules go."""
    first = f"cuda.{parts[0]}"
    kinds = cupy_api.api()["classes"]
    if first in kinds:
        return len(parts) < 2 or parts[1] in {*kinds[first]["methods"], *kinds[first]["others"].split()}
    if first in ("cuda.runtime", "cuda.compiler", "cuda.nvtx") and len(parts) > 1:
        return cupy_api.has(f"{first}.{parts[1]}")
    return cupy_api.has(first)
