"""The driver under the stand-in for cupy: memory from pools, streams that note what is asked of them, graphs of that.

Fresh and reused blocks hold 0xFF (NaNs), so that what nobody has computed, or somebody has written over, shows.
"""

from __future__ import annotations

import ctypes
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy


class CUDARuntimeError(RuntimeError):
    """What the driver says."""


# Memory


class MemoryPool:
    """Blocks that go back to it when nobody has them, to be handed out again."""

    def __init__(self, allocator: Any = None) -> None:
        self.free: dict[int, list[numpy.ndarray]] = defaultdict(list)
        self.blocks = 0
        self.limit = 0
        self._used = 0

    def malloc(self, size: int) -> MemoryPointer:
        size = max(1, -(-size // 512)) * 512
        if self.free[size]:
            buffer = self.free[size].pop()
        else:
            buffer = numpy.empty(size, numpy.uint8)
            self.blocks += 1
        buffer[:] = 0xFF
        self._used += size
        mem = Memory(buffer, self)
        for hook in state().hooks:
            hook.malloc_postprocess(device_id=mem.device_id, size=size, mem_size=size, mem_ptr=buffer.ctypes.data, pmem_id=1)
        return MemoryPointer(mem, 0)

    def returned(self, buffer: numpy.ndarray) -> None:
        self._used -= buffer.size
        self.free[buffer.size].append(buffer)

    def set_limit(self, size: int | None = None, fraction: float | None = None) -> None:
        assert size is None or fraction is None
        self.limit = size or int((fraction or 0) * (1 << 31))

    def get_limit(self) -> int:
        return self.limit

    def free_bytes(self) -> int:
        return sum(size * len(buffers) for size, buffers in self.free.items())

    def used_bytes(self) -> int:
        return self._used

    def total_bytes(self) -> int:
        return self._used + self.free_bytes()

    def free_all_blocks(self, stream: Any = None) -> None:
        self.free.clear()


class Memory:
    def __init__(self, buffer: numpy.ndarray, pool: MemoryPool) -> None:
        self.buffer = buffer
        self.pool = pool
        self.device_id = _state.device

    def __del__(self) -> None:
        self.pool.returned(self.buffer)
        for hook in state().hooks:
            ptr = self.buffer.ctypes.data
            hook.free_postprocess(device_id=self.device_id, mem_size=self.buffer.size, mem_ptr=ptr, pmem_id=1)


class MemoryHook:
    """Is told, inside its block, of what pools hand out and get back."""

    def __enter__(self) -> MemoryHook:
        state().hooks.append(self)
        return self

    def __exit__(self, *_: Any) -> None:
        state().hooks.remove(self)


class MemoryPointer:
    """Where an array's memory begins."""

    def __init__(self, mem: Memory, offset: int) -> None:
        self.mem = mem
        self.ptr = mem.buffer.ctypes.data + offset
        self.device_id = mem.device_id

    def copy_from_host_async(self, mem: int, size: int, stream: Any = None) -> None:
        assert stream is None or stream == current()
        enqueue(lambda: ctypes.memmove(self.ptr, mem, size))

    def copy_to_host_async(self, mem: int, size: int, stream: Any = None) -> None:
        assert stream is None or stream == current()
        enqueue(lambda: ctypes.memmove(mem, self.ptr, size))


class PinnedMemoryPointer(numpy.ndarray):
    """What cupy calls a place in pinned memory; an array of numpy's over it leads back to it."""


class PinnedMemoryPool:
    """Pinned memory."""

    def malloc(self, size: int) -> Any:
        size = max(1, -(-size // 512)) * 512  # numpy.frombuffer is told how much of it to take
        state().pinned += 1
        return PinnedMemoryPointer((size,), numpy.uint8)

    def free_all_blocks(self) -> None:
        pass

    def n_free_blocks(self) -> int:
        return 0


# Streams


class Stream:
    """A queue. ``log`` of the module notes what is asked of it."""

    null: Stream

    def __init__(
        self, null: bool = False, non_blocking: bool = False, ptds: bool = False, priority: int | None = None
    ) -> None:
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
        forbid(self, "synchronize")
        _state.waits += 1

    @property
    def done(self) -> bool:
        return self.tasks is None

    def use(self) -> Stream:
        _state.stack[-1] = self
        return self

    def record(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.recorded = self
        _state.log.append(f"record on {self.ptr}")
        return event

    def wait_event(self, event: Event) -> None:
        assert event.recorded is not None
        _state.log.append(f"{self.ptr} waits for {event.recorded.ptr}")


class Event:
    done = True

    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False) -> None:
        self.recorded: Stream | None = None

    def record(self, stream: Stream | None = None) -> None:
        (stream or current()).record(self)

    def synchronize(self) -> None:
        assert self.recorded is not None
        _state.log.append(f"synchronize with {self.recorded.ptr}")


class Graph:
    """What a stream noted."""

    def __init__(self, tasks: Sequence[Callable[[], None]]) -> None:
        self.tasks = tuple(tasks)

    def upload(self, stream: Stream | None = None) -> None:
        _state.log.append(f"upload on {(stream or current()).ptr}")

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
        self.syncs = 0
        self.waits = 0
        self.uploads = 0
        self.pinned = 0
        self.hooks: list[Any] = []
        self.compiled: list[str] = []


_state = _State()
log = _state.log
Stream.null = Stream(null=True)
_state.stack.append(Stream.null)
default_pool = MemoryPool()
pinned_pool = PinnedMemoryPool()
_state.allocators.append(default_pool.malloc)


def state() -> _State:
    """What the module stands for: the log, how many kernels were launched, what was compiled, and how often the host waited
    for the numbers of the device (``syncs``), copied an array to it (``uploads``), or waited for a stream (``waits``)."""
    return _state


def current() -> Stream:
    return _state.stack[-1]


def forbid(stream: Stream, what: str) -> None:
    if stream.is_capturing():
        stream.broken = True
        raise CUDARuntimeError(f"cudaErrorStreamCaptureUnsupported: {what} while the stream is capturing")


def enqueue(task: Callable[[], None]) -> None:
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


class Device:
    def __init__(self, device: int | None = None) -> None:
        self.id = _state.device if device is None else device
        self.compute_capability = "90"
        self.attributes = {"MultiProcessorCount": 2}
        self.mem_info = (1 << 30, 1 << 31)
        self._before = 0

    def use(self) -> Device:
        _state.device = self.id
        return self

    def synchronize(self) -> None:
        _state.waits += 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self) -> int:
        return self.id

    def __int__(self) -> int:
        return int(self.id)

    def __enter__(self) -> Device:
        self._before, _state.device = _state.device, self.id
        return self

    def __exit__(self, *_: Any) -> None:
        _state.device = self._before


def runtime() -> Any:
    """The functions of CUDA's runtime, as one GPU answers them."""
    return SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        is_hip=False,
        runtimeGetVersion=lambda: 12090,
        driverGetVersion=lambda: 12090,
        getDeviceCount=lambda: 1,
        getDevice=lambda: _state.device,
        deviceSynchronize=lambda: None,
        memGetInfo=lambda: (1 << 30, 1 << 31),
        getDeviceProperties=lambda device: {
            "name": b"Stand-in",
            "pciDomainID": 0,
            "pciBusID": 1,
            "pciDeviceID": 0,
            "major": 7,
            "minor": 5,
            "totalGlobalMem": 1 << 30,
            "multiProcessorCount": 4,
        },
    )
