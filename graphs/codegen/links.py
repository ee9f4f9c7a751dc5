"""Copies between the host and a GPU: through pinned memory, asynchronous, counted, and waited for once a run."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy
from numpy import ndarray


_MOST_PLACES = 64
"""Places of pinned memory that a link keeps for shapes; then it begins anew."""


@dataclass(slots=True)
class Transfers:
    """What crossed between the processor's memory and GPUs': how many arrays, and how many bytes, each way.

    Attributes:
        to_device, to_device_bytes: sent to a GPU.
        to_host, to_host_bytes: fetched from one, single numbers too.
        between, between_bytes: sent from one GPU to another.
    """

    to_device: int = 0
    to_device_bytes: int = 0
    to_host: int = 0
    to_host_bytes: int = 0
    between: int = 0
    between_bytes: int = 0

    def __sub__(self, other: Transfers) -> Transfers:
        return Transfers(*[getattr(self, name) - getattr(other, name) for name in Transfers.__slots__])

    def copy(self) -> Transfers:
        """The counts as they are now."""
        return replace(self)

    def sent(self, array: Any) -> None:
        """Count an array that is sent to a GPU."""
        self.to_device += 1
        self.to_device_bytes += array.nbytes

    def fetched(self, array: Any) -> None:
        """Count one that is fetched from a GPU."""
        self.to_host += 1
        self.to_host_bytes += array.nbytes

    def crossed(self, array: Any) -> None:
        """Count one that is sent from a GPU to another."""
        self.between += 1
        self.between_bytes += array.nbytes


@dataclass(slots=True)
class Traffic(Transfers):
    """What crossed for a run of a session.

    Attributes:
        moved, moved_bytes: variables that had to be brought to the device where they live, once, before the run.
        keys_bytes: what tells captured draws which numbers to draw.
    """

    moved: int = 0
    moved_bytes: int = 0
    keys_bytes: int = 0

    def __str__(self) -> str:
        """One line."""
        text = f"{self.to_device} arrays to the GPU ({self.to_device_bytes:,} bytes), "
        text += f"{self.to_host} to the host ({self.to_host_bytes:,} bytes)"
        if self.between:
            text += f", {self.between} between GPUs ({self.between_bytes:,} bytes)"
        if self.moved:
            text += f"; {self.moved} variables moved before ({self.moved_bytes:,} bytes)"
        return text + (f"; {self.keys_bytes:,} bytes of keys" if self.keys_bytes else "")


def pinned(xp: Any, shape: Sequence[int], dtype: Any) -> ndarray:
    """A new array of numpy's in pinned memory, from the pool of cupy's module ``xp``."""
    dtype = numpy.dtype(dtype)
    count = math.prod(shape)
    memory = xp.cuda.alloc_pinned_memory(max(1, count * dtype.itemsize))
    return numpy.frombuffer(memory, dtype, count).reshape(shape)


class Link:
    """The way between the host and GPU number ``device``, for one user at a time.

    Each array that crosses has a slot, and for its shape a place in pinned memory and, on its way up, one on the device: so
    a graph that reads it finds it where it was. The copies may be part of graphs, too: ``waiting`` says from where,
    ``flush`` leaves out what a graph copies itself, ``brought`` tells what it has copied back.
    """

    def __init__(self, xp: Any, device: int) -> None:
        self.traffic = Traffic()
        self._xp = xp
        self._device = device
        self._up: dict[Any, tuple[Any, ndarray]] = {}
        self._down: dict[Any, ndarray] = {}
        self._pending: dict[int, tuple[Any, ndarray]] = {}
        self._brought: dict[int, tuple[Any, ndarray]] = {}
        self._left = self._own = xp.cuda.Event(disable_timing=True)
        self._sent = False
        self._waiting: Any = None

    def begin(self, traffic: Traffic) -> None:
        """Begin a run, whose traffic is counted in ``traffic``: what was sent last has left pinned memory."""
        self.traffic = traffic
        self._pending.clear()
        self._brought.clear()
        if self._sent:
            self._left.synchronize()
            self._sent = False

    def up(self, slot: Any, value: Any) -> Any:
        """``value``, an array of the host, on the device. The same array comes back for each value of its shape.

        An array that is on the device already is copied there, and not counted.
        """
        on_device = type(value) is not ndarray and isinstance(value, self._xp.ndarray)
        if not on_device and type(value) is not ndarray:
            value = numpy.asarray(value)
        if not on_device and value.dtype.kind == "O":
            return self._boxed(value)
        key = (slot, value.shape, value.dtype)
        found = self._up.get(key)
        if found is None:
            if len(self._up) >= _MOST_PLACES:
                self._up.clear()
            with self._xp.cuda.Device(self._device):
                found = self._up[key] = (
                    self._xp.empty(value.shape, value.dtype),
                    pinned(self._xp, value.shape, value.dtype),
                )
        there, here = found
        if on_device:
            there[...] = value
            return there
        here[...] = value
        self._pending[id(there)] = found
        self.traffic.sent(here)
        return there

    def waiting(self, there: Any) -> ndarray | None:
        """The pinned memory that waits to be sent to the array ``there`` of the device, if some does."""
        found = self._pending.get(id(there))
        return None if found is None else found[1]

    def waits(self, ids: Sequence[int]) -> bool:
        """Whether something waits to be sent to each of the arrays of these ids."""
        return all([each in self._pending for each in ids])  # noqa: C419 (faster)

    def flush(self, but: Collection[int] = ()) -> None:
        """Send what ``up`` has put into pinned memory, except for the arrays whose ids are in ``but``."""
        pending, self._pending = self._pending, {}
        for each, (there, here) in pending.items():
            if each not in but:
                self.send(there, here)

    def brought(self, arrays: Mapping[int, tuple[Any, ndarray]], done: Any) -> None:
        """A graph has been launched that copies arrays, by their ids, to pinned memory; ``done`` comes after it."""
        self._brought.update(arrays)
        self._left, self._sent = done, True

    def send(self, there: Any, here: ndarray) -> None:
        """Have pinned memory copied to an array of the device; ``here`` must stay as it is until ``begin``."""
        if here.nbytes:
            stream = self._xp.cuda.get_current_stream()
            there.data.copy_from_host_async(here.ctypes.data, here.nbytes, stream)
            self._left = self._own
            self._left.record(stream)
            self._sent = True

    def down(self, slot: Any, value: Any) -> Any:
        """An array of pinned memory that holds ``value``, in C's order, once ``finish`` has been called."""
        if not isinstance(value, self._xp.ndarray):  # a number, or what a loop has kept round by round
            return value if value is None or not isinstance(value, ndarray) else self._boxes(value)
        stream = self._xp.cuda.get_current_stream()
        there, here = self._brought.get(id(value), (None, None))
        if here is None or there is not value:
            here = self.below(slot, value)
            if value.nbytes:
                value.get(stream=stream, out=here, blocking=False)
        self._waiting = stream
        self.traffic.fetched(here)
        return here

    def below(self, slot: Any, value: Any) -> ndarray:
        """The place in pinned memory for arrays like ``value`` of this slot."""
        key = (slot, value.shape, value.dtype)
        here = self._down.get(key)
        if here is None:
            if len(self._down) >= _MOST_PLACES:
                self._down.clear()
            here = self._down[key] = pinned(self._xp, value.shape, value.dtype)
        return here

    def _boxes(self, value: ndarray) -> ndarray:
        """What a loop has kept of each round, brought to the host array by array; loops inside have boxes in boxes."""
        out = numpy.empty(value.shape, value.dtype)
        for at in numpy.ndindex(value.shape):
            each = value[at]
            if isinstance(each, self._xp.ndarray):
                each = each.get()
                self.traffic.fetched(each)
            elif type(each) is ndarray and each.dtype.kind == "O":
                each = self._boxes(each)
            out[at] = each
        return out

    def _boxed(self, value: ndarray) -> ndarray:
        """The same, sent to the device."""
        out = numpy.empty(value.shape, value.dtype)
        for at in numpy.ndindex(value.shape):
            each = value[at]
            if type(each) is ndarray and each.dtype.kind == "O":
                each = self._boxed(each)
            elif isinstance(each, (ndarray, numpy.generic)):
                self.traffic.sent(each)
                each = self._xp.asarray(each)
            out[at] = each
        return out

    def finish(self) -> None:
        """Wait until all that was asked for by ``down`` is there."""
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting.synchronize()
            self._sent = False


__all__ = ["Link", "Traffic", "Transfers", "pinned"]
