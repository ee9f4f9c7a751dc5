"""Options of the test run, and the array module of a GPU: cupy where there is one, and a strict stand-in everywhere."""

from __future__ import annotations

import gc
import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from graphs.codegen import launch, products
from graphs.codegen.store import Store
from graphs.core import arrays, portable, random as core_random
from tests.browser import Browser, running
from tests.graphs import fake_array, fake_cupy, fake_driver
from tests.graphs.fake_cublas import FakeCublas
from tests.on_device import excepted


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--examples",
        type=int,
        default=None,
        metavar="N",
        help="try N random programs in place of the 200 (10,000 with --long) of tests/agree",
    )
    parser.addoption(
        "--first-seed",
        type=int,
        default=0,
        metavar="SEED",
        help="the first seed of these programs: 50 come of each, so that 10,000 of one law end 200 seeds later",
    )
    parser.addoption(
        "--device",
        choices=("cpu", "standin", "cuda"),
        default="cpu",
        help="where tests of GPUs run: on the stand-in for cupy, as by default, or (cuda) on the GPU that cupy finds",
    )
    parser.addoption(
        "--long", action="store_true", help="run what takes long too: tests marked long, and other tests at full size"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes long: ask for it by --long"))
    if config.getoption("--device") != "cpu":
        for item in items:
            if reason := excepted(item.nodeid):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def many(pytestconfig: pytest.Config) -> Callable[[int], int]:
    """How many there are to be of something that takes long by its number: all with ``--long``, else a tenth."""
    return lambda count: count if pytestconfig.getoption("--long") else count // 10


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium, for a module: while it runs there is an event loop, and asyncio starts no other."""
    with running() as started:
        yield started


@pytest.fixture(autouse=True)
def _same_seeds_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody gives a seed the operating system does: the same ones in each test, or some would fail now and then."""
    monkeypatch.setattr(core_random, "os", SimpleNamespace(urandom=np.random.default_rng(0).bytes))


@pytest.fixture(autouse=True, scope="module")
def _old_objects_aside() -> Iterator[None]:
    """No collection of garbage goes through what there was before: with every oracle loaded that takes seconds each time."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True, scope="module")
def _default_graph_of_its_own() -> Iterator[None]:
    """What a module leaves in the default graph is not there for the next one."""
    yield
    if "static" in sys.modules:
        sys.modules["static"].reset_default_graph()


@pytest.fixture(params=["stand-in", pytest.param("cupy", marks=pytest.mark.cuda)])
def cp(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """cupy's API: on a GPU, and on this machine's memory."""
    asked = request.config.getoption("--device")
    if request.param == "cupy":
        if asked == "standin":
            pytest.skip("on the stand-in alone")
        yield _cupy(asked == "cuda")
    elif asked == "cuda":
        pytest.skip("on the GPU itself")
    else:
        yield from _standing_in(monkeypatch)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The stand-in alone, for what only it can tell."""
    yield from _standing_in(monkeypatch)


@pytest.fixture(scope="module")
def device(request: pytest.FixtureRequest) -> Iterator[Any]:
    """cupy's API for a whole module: of the GPU with ``--device cuda``, else on this machine's memory."""
    if request.config.getoption("--device") == "cuda":
        yield _cupy(True)
        return
    with pytest.MonkeyPatch.context() as patch:
        yield from _standing_in(patch)


@pytest.fixture
def gpu(device: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``device``, where front-ends find it: as the cupy that is installed."""
    monkeypatch.setitem(sys.modules, "cupy", device)
    return device


def _cupy(must: bool) -> Any:
    module = importlib.import_module("cupy") if must else pytest.importorskip("cupy")
    if not module.cuda.is_available():
        (pytest.fail if must else pytest.skip)("cupy finds no GPU")
    return module


def _standing_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    if shutil.which("g++") is None:
        pytest.skip("no g++ here")
    module = fake_cupy.module()
    monkeypatch.setitem(arrays.MODULES, fake_array.ndarray, module)
    monkeypatch.setattr(launch, "_kept", lambda: Store(None))
    monkeypatch.setattr("dynamic.kernels.fused", False)  # so that tensors have numpy's bits and compile nothing
    module.cublas = FakeCublas()
    monkeypatch.setattr(products, "library", lambda xp: xp.cublas)
    state = fake_driver.state()
    state.log.clear()
    state.compiled.clear()
    state.launches = state.syncs = state.uploads = 0
    yield module
    portable.forget()
    assert len(state.stack) == len(state.allocators) == 1
