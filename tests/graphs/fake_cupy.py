"""A strict stand-in for cupy over this machine's memory: it refuses what cupy refuses, and really captures and replays.

Arrays never become numpy arrays by themselves and take none beside them. Work goes to the current stream: it is done at
once, or, while the stream is being captured, noted and done at each launch of the graph, on what then lies at the same
addresses. Memory comes from pools; fresh and reused blocks hold 0xFF (NaNs), so that what nobody has computed, or somebody
has written over, shows. Kernels are compiled by g++ for this processor (``host_cuda``).
"""

from __future__ import annotations

import types
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy

from tests.graphs import host_cuda


class CUDARuntimeError(RuntimeError):
    """What the driver says."""


class CompileException(Exception):  # noqa: N818  (cupy's name)
    """What the compiler says."""


# Memory


class MemoryPool:
    """Blocks that go back to it when nobody has them, to be handed out again."""

    def __init__(self) -> None:
        self.free: dict[int, list[numpy.ndarray]] = defaultdict(list)
        self.blocks = 0

    def malloc(self, size: int) -> MemoryPointer:
        size = max(1, -(-size // 512)) * 512
        if self.free[size]:
            buffer = self.free[size].pop()
        else:
            buffer = numpy.empty(size, numpy.uint8)
            self.blocks += 1
        buffer[:] = 0xFF
        mem = Memory(buffer, self)
        return MemoryPointer(mem, 0)

    def free_bytes(self) -> int:
        return sum(size * len(buffers) for size, buffers in self.free.items())


class Memory:
    def __init__(self, buffer: numpy.ndarray, pool: MemoryPool) -> None:
        self.buffer = buffer
        self.pool = pool
        self.device_id = _state.device

    def __del__(self) -> None:
        self.pool.free[self.buffer.size].append(self.buffer)


class MemoryPointer:
    def __init__(self, mem: Memory, offset: int) -> None:
        self.mem = mem
        self.ptr = mem.buffer.ctypes.data + offset
        self.device_id = mem.device_id


# Streams


class Stream:
    """A queue. ``log`` of the module notes what is asked of it."""

    null: Stream

    def __init__(self, null: bool = False, non_blocking: bool = False) -> None:
        _state.streams += 1
        self.ptr = 0 if null else 1000 + _state.streams
        self.non_blocking = non_blocking
        self.tasks: list[Callable[[], None]] | None = None
        self.broken = False

    def __enter__(self) -> Stream:
        _state.stack.append(self)
        return self

    def __exit__(self, *_: Any) -> None:
        _state.stack.pop()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self.ptr == other.ptr

    def __hash__(self) -> int:
        return self.ptr

    def begin_capture(self, mode: int | None = None) -> None:
        if self.ptr == 0:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        if not self.non_blocking:
            raise CUDARuntimeError("cudaErrorStreamCaptureImplicit: a blocking stream would wait for the default one")
        _state.log.append("begin")
        self.tasks, self.broken = [], False

    def end_capture(self) -> Graph:
        assert self.tasks is not None
        tasks, self.tasks = self.tasks, None
        _state.log.append("end")
        if self.broken:
            raise CUDARuntimeError("cudaErrorStreamCaptureInvalidated")
        return Graph(tasks)

    def is_capturing(self) -> bool:
        return self.tasks is not None

    def synchronize(self) -> None:
        _forbid(self, "synchronize")

    def record(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.recorded = self
        _state.log.append(f"record on {self.ptr}")
        return event

    def wait_event(self, event: Event) -> None:
        assert event.recorded is not None
        _state.log.append(f"{self.ptr} waits for {event.recorded.ptr}")


class Event:
    def __init__(self, block: bool = False, disable_timing: bool = False) -> None:
        self.recorded: Stream | None = None

    def record(self, stream: Stream) -> None:
        stream.record(self)

    def synchronize(self) -> None:
        assert self.recorded is not None
        _state.log.append(f"synchronize with {self.recorded.ptr}")


class Graph:
    """What a stream noted."""

    def __init__(self, tasks: Sequence[Callable[[], None]]) -> None:
        self.tasks = tuple(tasks)

    def launch(self, stream: Stream | None = None) -> None:
        stream = stream or current()
        assert not stream.is_capturing()
        _state.log.append(f"launch on {stream.ptr}")
        for task in self.tasks:
            task()


class _State:
    def __init__(self) -> None:
        self.device = 0
        self.streams = -1
        self.stack: list[Stream] = []
        self.log: list[str] = []
        self.allocators: list[Any] = []
        self.launches = 0
        self.compiled: list[str] = []


_state = _State()
log = _state.log
Stream.null = Stream(null=True)
_state.stack.append(Stream.null)
default_pool = MemoryPool()
_state.allocators.append(default_pool.malloc)


def state() -> _State:
    """What the module stands for: the log, how many kernels were launched, what was compiled."""
    return _state


def current() -> Stream:
    return _state.stack[-1]


def _forbid(stream: Stream, what: str) -> None:
    if stream.is_capturing():
        stream.broken = True
        raise CUDARuntimeError(f"cudaErrorStreamCaptureUnsupported: {what} while the stream is capturing")


def _enqueue(task: Callable[[], None]) -> None:
    stream = current()
    if stream.tasks is None:
        task()
    elif stream.broken:
        raise CUDARuntimeError("cudaErrorStreamCaptureInvalidated")
    else:
        stream.tasks.append(task)


@contextmanager
def using_allocator(allocator: Any) -> Iterator[None]:
    _state.allocators.append(allocator)
    try:
        yield
    finally:
        _state.allocators.pop()


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
        _forbid(current(), "a copy to the host")
        return self.host.copy()

    def set(self, value: numpy.ndarray) -> None:
        assert type(value) is numpy.ndarray
        assert (value.shape, value.dtype) == (self.shape, self.dtype)
        _forbid(current(), "a copy from the host")
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
        _enqueue(lambda: target.__setitem__(index, source))

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
    data = _state.allocators[-1](size * dtype.itemsize)
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
        _enqueue(lambda: numpy.copyto(into, compute()))
        return out
    if isinstance(shaped, (tuple, list)):
        several = [_new(numpy.shape(x), numpy.asarray(x).dtype) for x in shaped]
        targets = [x.host for x in several]

        def fill() -> None:
            for each, value in zip(targets, compute(), strict=True):
                each[...] = value

        _enqueue(fill)
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
    _enqueue(lambda: target.__setitem__(..., compute()))
    return made


def matmul(x: ndarray, y: ndarray) -> ndarray:
    if current().is_capturing():
        raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")
    return _apply(numpy.matmul, (x, y), {})


def array(value: Any, dtype: Any = None) -> ndarray:
    if isinstance(value, ndarray):
        return _apply(lambda x: numpy.array(x, dtype), (value,), {})
    host = numpy.array(value, dtype)
    if host.ndim and current().is_capturing():
        raise AssertionError("a copy from host memory that will have gone by the time of a replay")
    out = _new(host.shape, host.dtype)
    target = out.host
    _enqueue(lambda: target.__setitem__(..., host))
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
    _enqueue(lambda: target.fill(0))
    return out


def copyto(out: ndarray, value: ndarray) -> None:
    target, source = out.host, _host(value)
    _enqueue(lambda: numpy.copyto(target, source))


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
            _state.launches += 1
            _enqueue(lambda: function(grid[0], block[0], *given))

        return launch


def compile_using_nvrtc(source: str, options: Sequence[str] = (), arch: str | None = None) -> tuple[bytes, None]:
    """A "binary" that ``Module`` loads. Like cupy it appends options; these must not undo what was asked for."""
    assert "-fmad=false" in options
    assert "-ftz=false" in options
    _state.compiled.append(source)
    if "#error" in source:
        raise CompileException("an error, as asked for")
    return _binary(source), None


@cache
def _binary(source: str) -> bytes:
    return source.encode() + b"\0\0binary\0\0" + host_cuda.library(source)


class Device:
    def __init__(self, device: int | None = None) -> None:
        self.id = _state.device if device is None else device
        self.compute_capability = "90"
        self.attributes = {"MultiProcessorCount": 2}
        self._before = 0

    def __enter__(self) -> Device:
        self._before, _state.device = _state.device, self.id
        return self

    def __exit__(self, *_: Any) -> None:
        _state.device = self._before


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
        Device=Device,
        get_device_id=lambda: _state.device,
        Stream=Stream,
        Event=Event,
        Graph=Graph,
        get_current_stream=current,
        MemoryPool=MemoryPool,
        using_allocator=using_allocator,
        Module=Module,
        compiler=types.SimpleNamespace(CompileException=CompileException, compile_using_nvrtc=compile_using_nvrtc),
        runtime=types.SimpleNamespace(is_hip=False, runtimeGetVersion=lambda: 12090),
    )
    made.cuda = cuda
    return made
