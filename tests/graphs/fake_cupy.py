"""A strict stand-in for cupy over this machine's memory: it refuses what cupy refuses, and really captures and replays.

It has the names that cupy has and no others (``cupy_api.json``); they take what cupy's take. Arrays never become numpy
arrays by themselves and take none beside them (``fake_array``); ufuncs choose among cupy's loops (``fake_functions``). Work
goes to the current stream: it is done at once, or, while the stream is being captured, noted and done at each launch of the
graph, on what then lies at the same addresses (``fake_driver``). Kernels are compiled by g++ for this processor
(``host_cuda``).
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy

from tests.graphs import cupy_api, fake_driver as driver, fake_functions, host_cuda
from tests.graphs.fake_array import ndarray
from tests.graphs.fake_driver import enqueue


class CompileException(Exception):  # noqa: N818  (cupy's name)
    """What the compiler says."""


# Compiling and launching


class Module:
    def load(self, cubin: bytes) -> None:
        assert type(cubin) is bytes
        text, binary = cubin.split(b"\0\0binary\0\0", 1)
        self._text = text.decode()
        self._library = host_cuda.load(binary)

    def get_function(self, name: str) -> Callable[..., None]:
        function = getattr(self._library, f"launch_{name}")
        kinds = host_cuda.kinds(self._text, name)

        def launch(
            grid: tuple[int, ...],
            block: tuple[int, ...],
            args: Sequence[Any],
            shared_mem: int = 0,
            stream: Any = None,
            enable_cooperative_groups: bool = False,
        ) -> None:
            assert type(grid) is type(block) is tuple
            assert len(args) == len(kinds)
            assert grid[0] > 0
            given: list[Any] = []
            for x, kind in zip(args, kinds, strict=True):
                if isinstance(x, ndarray):
                    assert kind is None
                    given.append(host_cuda.ctypes.c_void_p(x.data.ptr))
                else:
                    assert isinstance(x, numpy.generic), f"{type(x)} for a kernel"
                    assert host_cuda.ctypes.sizeof(kind) == x.itemsize
                    given.append(kind(x.item()))
            driver.state().launches += 1
            enqueue(lambda: function(grid[0], block[0], *given))

        return launch


def compile_using_nvrtc(source: str, options: Sequence[str] = (), arch: str | None = None, **_: Any) -> tuple[bytes, None]:
    """A "binary" that ``Module`` loads. Like cupy it appends options; these must not undo what was asked for."""
    assert type(options) is tuple  # cupy adds a tuple to them
    assert "-fmad=false" in options
    assert "-ftz=false" in options
    driver.state().compiled.append(source)
    if "#error" in source:
        raise CompileException("an error, as asked for")
    return _binary(source), None


@cache
def _binary(source: str) -> bytes:
    return source.encode() + b"\0\0binary\0\0" + host_cuda.library(source)


class FakeModule(types.ModuleType):
    """A module of cupy: functions that cupy has, done by numpy on arrays of the device."""

    def __init__(self, path: str = "") -> None:
        super().__init__("cupy" + (path and f".{path}"))
        self._path = path

    def __getattr__(self, name: str) -> Any:
        path = f"{self._path}.{name}".lstrip(".")
        if name.startswith("_") or not cupy_api.has(path):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if path in cupy_api.api()["ufuncs"] or path in cupy_api.api()["functions"]:
            value = fake_functions.function(path)
        elif path in ("linalg", "fft", "lib", "lib.stride_tricks", "random"):
            value = FakeModule(path)
        else:
            of_numpy: Any = numpy
            for part in self._path.split(".") if self._path else ():
                of_numpy = getattr(of_numpy, part)
            value = getattr(of_numpy, name)
        setattr(self, name, value)
        return value


class FakeCupy(FakeModule):
    """cupy itself."""


def module() -> Any:
    """The stand-in."""
    made: Any = FakeCupy()
    made.__version__ = "0 of a stand-in"
    made.ndarray = ndarray
    cuda: Any = FakeModule("cuda")
    made.cuda = cuda
    for each in (
        driver.Device,
        driver.Stream,
        driver.Event,
        driver.Graph,
        driver.MemoryPool,
        driver.MemoryHook,
        driver.PinnedMemoryPool,
    ):
        setattr(cuda, each.__name__, each)
    cuda.Module = Module
    cuda.get_device_id = lambda: driver.state().device
    cuda.get_current_stream = driver.current
    cuda.get_cublas_handle = lambda: 1
    cuda.get_elapsed_time = lambda start_event, end_event: 0.0
    cuda.using_allocator = driver.using_allocator
    cuda.get_allocator = lambda: driver.state().allocators[-1]
    cuda.alloc_pinned_memory = driver.pinned_pool.malloc
    cuda.is_available = lambda: True
    cuda.compiler = types.SimpleNamespace(CompileException=CompileException, compile_using_nvrtc=compile_using_nvrtc)
    cuda.runtime = driver.runtime()
    cuda.nvtx = types.SimpleNamespace(available=False)
    made.get_default_memory_pool = lambda: driver.default_pool
    made.get_default_pinned_memory_pool = lambda: driver.pinned_pool
    return made
