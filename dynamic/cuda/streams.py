"""Streams and events of a GPU: cupy's, under PyTorch's names."""

from __future__ import annotations

from typing import Any, Self

from dynamic.devices import cupy_for, number_of
from dynamic.names import lacking


class Stream:
    """A queue of work. Raises RuntimeError where there is no GPU."""

    def __init__(self, device: Any = None, priority: int = 0, *, of: Any = None) -> None:
        if of is None:
            module = cupy_for("cuda")
            with module.cuda.Device(number_of(device)):
                of = module.cuda.Stream(non_blocking=True, priority=priority or None)
        self._stream = of

    @property
    def cuda_stream(self) -> int:
        """The address of CUDA's own stream."""
        return int(self._stream.ptr)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self._stream == other._stream

    def __hash__(self) -> int:
        return hash(self._stream)

    def __enter__(self) -> Self:
        self._stream.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stream.__exit__(*error)

    def synchronize(self) -> None:
        """Wait until its work is done."""
        self._stream.synchronize()

    def query(self) -> bool:
        """Whether its work is done."""
        return bool(self._stream.done)

    def record_event(self, event: Event | None = None) -> Event:
        """Mark the place that the work has come to."""
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Go on only once an event has come."""
        self._stream.wait_event(event._event)

    def wait_stream(self, stream: Stream) -> None:
        """Go on only once another stream has done what it has to do now."""
        self.wait_event(stream.record_event())


class Event:
    """A place in a stream. Raises RuntimeError where there is no GPU."""

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False) -> None:
        self._event = cupy_for("cuda").cuda.Event(block=blocking, disable_timing=not enable_timing)

    def record(self, stream: Stream | None = None) -> None:
        """Mark the place that the stream's work has come to."""
        self._event.record(None if stream is None else stream._stream)

    def synchronize(self) -> None:
        """Wait until it has come."""
        self._event.synchronize()

    def wait(self, stream: Stream | None = None) -> None:
        """Let a stream, by default the current one, go on only once it has come."""
        (stream or current_stream()).wait_event(self)

    def query(self) -> bool:
        """Whether it has come."""
        return bool(self._event.done)

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this event to another."""
        return float(cupy_for("cuda").cuda.get_elapsed_time(self._event, end_event._event))


class stream:  # noqa: N801 (PyTorch's name)
    """Put work into another stream inside a block; None for the one it goes to anyway."""

    def __init__(self, stream: Stream | None) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        if self._stream is not None:
            self._stream._stream.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        if self._stream is not None:
            self._stream._stream.__exit__(*error)


def current_stream(device: Any = None) -> Stream:
    """The stream that work goes to now."""
    return Stream(of=cupy_for("cuda").cuda.get_current_stream())


def default_stream(device: Any = None) -> Stream:
    """The stream that work goes to by default."""
    return Stream(of=cupy_for("cuda").cuda.Stream.null)


__getattr__ = lacking(__name__)
