"""Whole steps on a GPU as CUDA graphs: what a step launches is captured once, and replayed by one launch.

The rules of a replay:

1. The step is a function of arrays that returns a tuple of arrays. What it gives depends on its arguments alone, it changes
   none of them, and it has no effects: for a graph it is called twice, once to warm up and once while it is captured, and
   not again. Numbers of Python's that it returns, or computes with, are those of the capture; they may depend on shapes.
2. The arguments of a call are copied into buffers that the graph reads, whether they are arrays of the device, of numpy, or
   numbers. The results of a call are copies: the next call writes over what the graph itself writes.
3. The graph's memory comes from a pool of its own, which is kept as long as the graph. What the step frees on the way is
   used again in the same graph, and by nobody else.
4. It is captured on a stream of its own and launched, like the copies around it, on the stream that is current for the
   caller. A call on another stream waits for the last one.
5. Other shapes, dtypes or devices of the arguments have a graph of their own; ``MOST_GRAPHS`` are kept.
6. Where a step cannot be captured, it is run, now and at later calls, and ``reason`` says why. Reading an array's values on
   the host is one such reason; matrix products are one where the step asks cupy for them rather than ``Capturable``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy

from graphs.codegen.capturable import Capturable as Capturable, Lazily, UncapturableError as UncapturableError, active
from graphs.core.arrays import xp_of


MOST_GRAPHS = 8
"""Graphs that a replay keeps, for as many signatures of arguments; the one that was made first goes first."""

Step = Callable[..., tuple[Any, ...]]

Signature = tuple[tuple[tuple[int, ...], Any, int | None], ...]
"""Shape, dtype and device (None for the host) of each argument."""


class Captured:
    """What one capture makes: the graph, the arrays that it yields, and all that has to be kept for it.

    Attributes:
        done: is recorded after each launch.
        last: the stream of the last launch.
        outs: what the captured step gave; it is written anew by each launch.
    """

    def __init__(self, xp: Any) -> None:
        self._xp = xp
        self._pool = xp.cuda.MemoryPool()
        self._stream = xp.cuda.Stream(non_blocking=True)
        self.done = xp.cuda.Event(disable_timing=True)
        self.last = xp.cuda.get_current_stream()
        self.outs: Any = ()
        self._graph: Any = None
        self._products = Lazily(xp, self._stream)

    def make(self, warm: Callable[[], Any], step: Callable[[], Any]) -> None:
        """Call ``warm``, which is to do what ``step`` does, and capture ``step``.

        Raises what ``warm`` raises, and UncapturableError.
        """
        self._stream.wait_event(self.last.record())
        with self._xp.cuda.using_allocator(self._pool.malloc), self._stream:
            # All that is done once for all comes now: kernels are compiled and loaded, and the pool gets its blocks.
            active.products = self._products
            try:
                warm()
                self._stream.synchronize()
                self._graph, self.outs = self._captured(step)
            finally:
                active.products = None
                if self._products.made is not None:
                    self._products.made.close()
        self.done.record(self._stream)

    def _captured(self, step: Callable[[], Any]) -> tuple[Any, Any]:
        self._stream.begin_capture()
        try:
            outs = step()
        except BaseException as error:
            with suppress(Exception):  # what the driver makes of a capture cut short does not matter
                self._stream.end_capture()
            if not isinstance(error, Exception):
                raise
            raise UncapturableError(f"{type(error).__name__}: {error}") from error
        try:
            return self._stream.end_capture(), outs
        except Exception as error:
            raise UncapturableError(f"{type(error).__name__}: {error}") from error

    def begin(self) -> Any:
        """The stream to work on: the current one, which waits for the last launch where that was on another."""
        stream = self._xp.cuda.get_current_stream()
        if stream != self.last:
            stream.wait_event(self.done)
        self.last = stream
        return stream

    def launch(self, stream: Any) -> None:
        """Do it once more."""
        self._graph.launch(stream)


class _Graph(Captured):
    """A capture whose arguments are copied into buffers of its own."""

    def __init__(self, xp: Any, step: Step, args: Sequence[Any], signature: Signature) -> None:
        """Warm up and capture. Raises what the step raises in warming up, and UncapturableError."""
        super().__init__(xp)
        self.buffers: list[Any] = []

        def warm() -> None:
            self.buffers = [xp.empty(shape, dtype) for shape, dtype, _ in signature]
            self._fill(args)
            step(*self.buffers)

        self.make(warm, lambda: tuple(step(*self.buffers)))

    def _fill(self, args: Sequence[Any]) -> None:
        for buffer, x in zip(self.buffers, args, strict=True):
            if isinstance(x, numpy.ndarray):
                buffer.set(numpy.ascontiguousarray(x).reshape(buffer.shape))
            else:
                buffer[...] = x

    def replay(self, args: Sequence[Any]) -> tuple[Any, ...]:
        """The step's results for ``args``."""
        stream = self.begin()
        self._fill(args)
        self.launch(stream)
        results = tuple([x.copy() if isinstance(x, self._xp.ndarray) else x for x in self.outs])
        self.done.record(stream)
        return results


class Replay:
    """``step``, replayed as the rules above say. It may be called from several threads, one after the other.

    Args:
        step: the function.
        xp: cupy's module.
    """

    def __init__(self, step: Step, xp: Any) -> None:
        self._step = step
        self._xp = xp
        self._made: dict[Signature, _Graph | str] = {}
        self._reason = ""
        self._lock = threading.RLock()

    @property
    def reason(self) -> str:
        """Why the last call was run rather than replayed; empty where it was replayed."""
        return self._reason

    @property
    def graphs(self) -> int:
        """How many graphs there are."""
        return sum(isinstance(made, _Graph) for made in self._made.values())

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        """The step's results."""
        if self._xp.cuda.get_current_stream().is_capturing():  # part of a step that is being captured itself
            return tuple(self._step(*args))
        with self._lock:
            signature = self._signature(args)
            made = self._made.get(signature)
            if made is None:
                made = self._entered(signature, args)
            if isinstance(made, str):
                self._reason = made
            else:
                self._reason = ""
                with self._xp.cuda.Device(_device(signature, self._xp)):
                    return made.replay(args)
        return tuple(self._step(*[self._xp.asarray(x) if _of_host(x) else x for x in args]))

    def forget(self) -> None:
        """Let go of all graphs and their memory; the next call captures anew."""
        with self._lock:
            for made in self._made.values():
                _finish(made)
            self._made.clear()

    def _signature(self, args: Sequence[Any]) -> Signature:
        return tuple([(numpy.shape(x), numpy.result_type(x), None) if _of_host(x) else _about(x) for x in args])

    def _entered(self, signature: Signature, args: Sequence[Any]) -> _Graph | str:
        made: _Graph | str
        if len({device for _, _, device in signature if device is not None}) > 1:
            made = "the arguments are on several devices"
        else:
            try:
                with self._xp.cuda.Device(_device(signature, self._xp)):
                    made = _Graph(self._xp, self._step, args, signature)
            except UncapturableError as error:
                made = str(error)
        if len(self._made) >= MOST_GRAPHS:
            _finish(self._made.pop(next(iter(self._made))))
        self._made[signature] = made
        return made


def captured(step: Step, inputs: Sequence[Any]) -> Replay:
    """``step`` as a Replay, captured for ``inputs`` now. They tell the module: one of them at least is an array of a GPU.

    Raises TypeError where none is, and what the step raises.
    """
    xp = xp_of(inputs)
    if xp is numpy:
        raise TypeError("no array of a GPU is among the inputs of a step to capture")
    made = Replay(step, xp)
    made(*inputs)
    return made


def _of_host(x: Any) -> bool:
    return isinstance(x, (bool, int, float, complex, numpy.generic, numpy.ndarray))


def _about(x: Any) -> tuple[tuple[int, ...], Any, int | None]:
    return x.shape, x.dtype, x.data.device_id


def _device(signature: Signature, xp: Any) -> int:
    """The device of the arguments; the current one where all are of the host."""
    return next((device for _, _, device in signature if device is not None), xp.cuda.get_device_id())


def _finish(made: _Graph | str) -> None:
    """See to it that the device is through with a graph before its memory is freed."""
    if isinstance(made, _Graph):
        made.done.synchronize()


__all__ = ["MOST_GRAPHS", "Capturable", "Captured", "Replay", "Step", "UncapturableError", "captured"]
