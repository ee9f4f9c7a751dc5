"""Options of the test run, and the array module of a GPU: cupy where there is one, and a strict stand-in everywhere."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from graphs.codegen import launch, products
from graphs.codegen.store import Store
from graphs.core import arrays
from tests.browser import Browser, running
from tests.graphs import fake_cupy, fake_driver
from tests.graphs.fake_cublas import FakeCublas


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--examples",
        type=int,
        default=None,
        metavar="N",
        help="try N random programs, others each time, in place of the 2,000 that are always the same (tests/agree)",
    )
    parser.addoption(
        "--long", action="store_true", help="run what takes long too: tests marked long, and other tests at full size"
    )


def pytest_configure(config: pytest.Config) -> None:
    given = config.getoption("--examples")
    if given is not None:
        os.environ["DIPTYCH_EXAMPLES"] = str(given)  # what pytest-xdist starts inherits it


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes long: ask for it by --long"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium, for a module: while it runs there is an event loop, and asyncio starts no other."""
    with running() as started:
        yield started


@pytest.fixture(autouse=True, scope="module")
def _old_objects_aside() -> Iterator[None]:
    """No collection of garbage goes through what there was before: with every oracle loaded that takes seconds each time."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(params=["stand-in", pytest.param("cupy", marks=pytest.mark.cuda)])
def cp(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """cupy's API: on a GPU, and on this machine's memory."""
    if request.param == "cupy":
        module = pytest.importorskip("cupy")
        if not module.cuda.is_available():
            pytest.skip("cupy finds no GPU")
        yield module
    else:
        yield from _standing_in(monkeypatch)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The stand-in alone, for what only it can tell."""
    yield from _standing_in(monkeypatch)


def _standing_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    if shutil.which("g++") is None:
        pytest.skip("no g++ here")
    module = fake_cupy.module()
    monkeypatch.setitem(arrays.MODULES, fake_cupy.ndarray, module)
    monkeypatch.setattr(launch, "_kept", lambda: Store(None))
    module.cublas = FakeCublas()
    monkeypatch.setattr(products, "library", lambda xp: xp.cublas)
    state = fake_driver.state()
    state.log.clear()
    state.compiled.clear()
    state.launches = 0
    yield module
    assert len(state.stack) == len(state.allocators) == 1
