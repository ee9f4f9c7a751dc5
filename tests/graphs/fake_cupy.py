"""A strict stand-in for cupy over this machine's memory: it refuses what cupy refuses, and really captures and replays.

Arrays never become numpy arrays by themselves and take none beside them. Work goes to the current stream: it is done at
once, or, while the stream is being captured, noted and done at each launch of the graph, on what then lies at the same
addresses (``fake_driver``). Kernels are compiled by g++ for this processor (``host_cuda``).
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy

from tests.graphs import fake_driver as driver, host_cuda
from tests.graphs.fake_driver import MemoryPointer, enqueue, forbid


class CompileException(Exception):  # noqa: N818  (cupy's name)
    """What the compiler says."""


# Arrays


class ndarray:  # noqa: N801  (cupy's name)
    """An array of the device; ``host`` is what only this module may look at."""

    __array_ufunc__ = None

    def __init__(self, host: numpy.ndarray, data: MemoryPointer, base: ndarray | None = None) -> None:
        self.host = host
        self.data = MemoryPointer(data.mem, host.__array_interface__["data"][0] - data.mem.buffer.ctypes.data)
        self.base = base
        self.shape, self.dtype, self.strides = host.shape, host.dtype, host.strides
        self.size, self.ndim, self.nbytes, self.itemsize = host.size, host.ndim, host.nbytes, host.itemsize
        self.flags = host.flags

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    def get(self) -> numpy.ndarray:
        forbid(driver.current(), "a copy to the host")
        return self.host.copy()

    def set(self, value: numpy.ndarray) -> None:
        assert type(value) is numpy.ndarray
        assert (value.shape, value.dtype) == (self.shape, self.dtype)
        forbid(driver.current(), "a copy from the host")
        self.host[...] = value

    def item(self) -> Any:
        return self.get().item()

    def __bool__(self) -> bool:
        return bool(self.get())

    def __float__(self) -> float:
        return float(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __len__(self) -> int:
        return len(self.host)

    def __getitem__(self, index: Any) -> Any:
        return _apply(lambda x: x[index], (self,), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        target, source = self.host, _host(value)
        enqueue(lambda: target.__setitem__(index, source))

    def astype(self, dtype: Any, copy: bool = True) -> ndarray:
        if not copy and self.dtype == dtype:
            return self
        return _apply(lambda x: x.astype(dtype), (self,), {})

    def copy(self, order: str = "C") -> ndarray:
        return _apply(lambda x: x.copy(order), (self,), {})

    @property
    def T(self) -> ndarray:  # noqa: N802
        return _apply(lambda x: x.T, (self,), {})

    def __getattr__(self, name: str) -> Any:
        if name in ("reshape", "ravel", "transpose", "sum", "mean", "max", "min", "swapaxes", "squeeze", "view"):
            return lambda *args, **settings: _apply(lambda x: getattr(x, name)(*args, **settings), (self,), {})
        raise AttributeError(name)


def _operator(name: str, turned: bool) -> Any:
    function = getattr(numpy, name)

    def method(self: ndarray, *other: Any) -> Any:
        if any(isinstance(x, numpy.ndarray) for x in other):
            return NotImplemented
        return _apply(function, (*other, self) if turned else (self, *other), {})

    return method


_BINARY = "add:add sub:subtract mul:multiply truediv:divide floordiv:floor_divide mod:remainder pow:power"
_BINARY += " and:bitwise_and or:bitwise_or xor:bitwise_xor"
_OTHERS = "lt:less le:less_equal gt:greater ge:greater_equal eq:equal ne:not_equal neg:negative abs:absolute invert:invert"
for _name, _function in [each.split(":") for each in _BINARY.split()]:
    setattr(ndarray, f"__{_name}__", _operator(_function, False))
    setattr(ndarray, f"__r{_name}__", _operator(_function, True))
for _name, _function in [each.split(":") for each in _OTHERS.split()]:
    setattr(ndarray, f"__{_name}__", _operator(_function, False))
ndarray.__hash__ = object.__hash__  # type: ignore[method-assign]
ndarray.__matmul__ = lambda x, y: matmul(x, y)  # type: ignore[attr-defined]


def _host(x: Any) -> Any:
    """What a function of numpy is handed for an argument; numpy's arrays are refused, as cupy refuses them."""
    if isinstance(x, ndarray):
        return x.host
    if isinstance(x, numpy.ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    return type(x)(map(_host, x)) if type(x) in (list, tuple) else x


def _new(shape: Any, dtype: Any, order: str = "C") -> ndarray:
    dtype = numpy.dtype(dtype)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    size = int(numpy.prod(shape, dtype=numpy.int64))
    data = driver.state().allocators[-1](size * dtype.itemsize)
    flat = data.mem.buffer[: max(size, 0) * dtype.itemsize].view(dtype)
    return ndarray(flat.reshape(shape, order=order), data)


def _apply(function: Callable[..., Any], args: Sequence[Any], settings: dict[str, Any]) -> Any:
    """What a function of numpy gives: a view where numpy gives one, else a new array that the stream will fill."""
    hosts = [_host(x) for x in args]
    out = settings.pop("out", None)
    settings = {name: _host(value) for name, value in settings.items()}

    def compute() -> Any:
        with numpy.errstate(all="ignore"):
            return function(*hosts, **settings)

    shaped = compute()
    if out is not None:
        into = out.host
        enqueue(lambda: numpy.copyto(into, compute()))
        return out
    if isinstance(shaped, (tuple, list)):
        several = [_new(numpy.shape(x), numpy.asarray(x).dtype) for x in shaped]
        targets = [x.host for x in several]

        def fill() -> None:
            for each, value in zip(targets, compute(), strict=True):
                each[...] = value

        enqueue(fill)
        return type(shaped)(several)
    if isinstance(shaped, numpy.ndarray):
        for x in args:
            if isinstance(x, ndarray) and x.size and numpy.may_share_memory(shaped, x.host):
                return ndarray(shaped, x.data, x.base if x.base is not None else x)
    elif not isinstance(shaped, numpy.generic):
        return shaped
    order = "F" if numpy.ndim(shaped) > 1 and shaped.flags.fnc else "C"
    made = _new(numpy.shape(shaped), shaped.dtype, order)
    target = made.host  # a graph holds addresses, not arrays: their memory may be handed out again
    enqueue(lambda: target.__setitem__(..., compute()))
    return made


def matmul(x: ndarray, y: ndarray) -> ndarray:
    if driver.current().is_capturing():
        raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")
    return _apply(numpy.matmul, (x, y), {})


def array(value: Any, dtype: Any = None) -> ndarray:
    if isinstance(value, ndarray):
        return _apply(lambda x: numpy.array(x, dtype), (value,), {})
    host = numpy.array(value, dtype)
    if host.ndim and driver.current().is_capturing():
        raise AssertionError("a copy from host memory that will have gone by the time of a replay")
    out = _new(host.shape, host.dtype)
    target = out.host
    enqueue(lambda: target.__setitem__(..., host))
    return out


def asarray(value: Any, dtype: Any = None) -> ndarray:
    if isinstance(value, ndarray):
        return value if dtype is None or value.dtype == dtype else value.astype(dtype)
    return array(value, dtype)


def empty(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    return _new(shape, dtype, order)


def zeros(shape: Any, dtype: Any = float) -> ndarray:
    out = _new(shape, dtype)
    target = out.host
    enqueue(lambda: target.fill(0))
    return out


def copyto(out: ndarray, value: ndarray) -> None:
    target, source = out.host, _host(value)
    enqueue(lambda: numpy.copyto(target, source))


# Compiling and launching


class Module:
    def load(self, code: bytes) -> None:
        text, binary = code.split(b"\0\0binary\0\0", 1)
        self._text = text.decode()
        self._library = host_cuda.load(binary)

    def get_function(self, name: str) -> Callable[..., None]:
        function = getattr(self._library, f"launch_{name}")
        kinds = host_cuda.kinds(self._text, name)

        def launch(grid: tuple[int, ...], block: tuple[int, ...], args: Sequence[Any]) -> None:
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


def compile_using_nvrtc(source: str, options: Sequence[str] = (), arch: str | None = None) -> tuple[bytes, None]:
    """A "binary" that ``Module`` loads. Like cupy it appends options; these must not undo what was asked for."""
    assert "-fmad=false" in options
    assert "-ftz=false" in options
    driver.state().compiled.append(source)
    if "#error" in source:
        raise CompileException("an error, as asked for")
    return _binary(source), None


@cache
def _binary(source: str) -> bytes:
    return source.encode() + b"\0\0binary\0\0" + host_cuda.library(source)


class FakeCupy(types.ModuleType):
    """The module itself: functions that are not here are numpy's, applied to arrays of the device."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(numpy, name)
        if isinstance(value, type) or not callable(value):
            return value
        return lambda *args, **settings: _apply(value, args, settings)


def module() -> Any:
    """The stand-in."""
    made: Any = FakeCupy("cupy")
    made.__version__ = "0 of a stand-in"
    for each in (ndarray, matmul, array, asarray, empty, zeros, copyto):
        setattr(made, each.__name__, each)
    cuda: Any = types.SimpleNamespace(
        Device=driver.Device,
        get_device_id=lambda: driver.state().device,
        Stream=driver.Stream,
        Event=driver.Event,
        Graph=driver.Graph,
        get_current_stream=driver.current,
        MemoryPool=driver.MemoryPool,
        using_allocator=driver.using_allocator,
        Module=Module,
        compiler=types.SimpleNamespace(CompileException=CompileException, compile_using_nvrtc=compile_using_nvrtc),
        runtime=types.SimpleNamespace(is_hip=False, runtimeGetVersion=lambda: 12090),
    )
    made.cuda = cuda
    return made
