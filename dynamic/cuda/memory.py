"""The memory of GPUs, which cupy's pool hands out, and what crosses to and from it."""

from __future__ import annotations

from typing import Any

from dynamic.devices import available, cupy_for, number_of
from dynamic.elsewhere import OutOfMemoryError as OutOfMemoryError, Transfers as Transfers, counted
from dynamic.names import lacking


def transfers() -> Transfers:
    """How many arrays, and bytes, this process has sent to GPUs, fetched from them and sent between them so far.

    The difference of two is what happened between.
    """
    return counted.copy()


class _Peaks:
    """The most that tensors of each GPU have had; followed from the first question on, in the thread that asks it."""

    def __init__(self) -> None:
        self._hooked: Any = None
        self._now: dict[int, int] = {}
        self._most: dict[int, int] = {}
        self._reserved: dict[int, int] = {}

    def follow(self, device: int) -> None:
        """Begin to follow, where nobody does yet."""
        module = cupy_for("cuda")
        if self._hooked is not module:
            peaks = self

            class Hook(module.cuda.MemoryHook):  # type: ignore[name-defined]
                name = "peaks of memory"

                def malloc_postprocess(self, **told: Any) -> None:
                    if told["mem_ptr"]:
                        peaks.changed(told["device_id"], told["mem_size"])

                def free_postprocess(self, **told: Any) -> None:
                    peaks.changed(told["device_id"], -told["mem_size"])

            Hook().__enter__()
            self._hooked = module
            self._now.clear()
        if device not in self._now:
            self._now[device] = self._most[device] = memory_allocated(device)

    def changed(self, device: int, size: int) -> None:
        """Note memory that was handed out or came back."""
        if device in self._now:
            now = self._now[device] = self._now[device] + size
            self._most[device] = max(now, self._most[device])

    def reset(self, device: int) -> None:
        """Forget the peak of a GPU."""
        self.follow(device)
        self._now[device] = self._most[device] = memory_allocated(device)
        self._reserved[device] = memory_reserved(device)

    def allocated(self, device: int) -> int:
        """The most bytes that tensors had."""
        self.follow(device)
        return self._most[device]

    def reserved(self, device: int) -> int:
        """The most bytes that the pool was seen to have."""
        most = self._reserved[device] = max(self._reserved.get(device, 0), memory_reserved(device), self.allocated(device))
        return most


_peaks = _Peaks()


def _of_pool(device: Any, what: str) -> int:
    if not available():
        return 0
    module = cupy_for("cuda")
    with module.cuda.Device(number_of(device)):
        return int(getattr(module.get_default_memory_pool(), what)())


def empty_cache() -> None:
    """Give memory that is kept for the next tensors back to the GPU."""
    if available():
        cupy_for("cuda").get_default_memory_pool().free_all_blocks()


def memory_allocated(device: Any = None) -> int:
    """Bytes of a GPU's memory that tensors have, in blocks of 512; 0 where there is no GPU."""
    return _of_pool(device, "used_bytes")


def memory_reserved(device: Any = None) -> int:
    """Bytes of a GPU's memory that tensors have or that are kept for the next ones; 0 where there is no GPU."""
    return _of_pool(device, "total_bytes")


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that tensors have had since ``reset_peak_memory_stats``, or since somebody first asked.

    Nothing is followed before, since that costs each tensor a microsecond.
    """
    return _peaks.allocated(number_of(device)) if available() else 0


def max_memory_reserved(device: Any = None) -> int:
    """The most bytes that the pool has had, as far as was seen when somebody asked."""
    return _peaks.reserved(number_of(device)) if available() else 0


def reset_peak_memory_stats(device: Any = None) -> None:
    """Let ``max_memory_allocated`` begin anew with what tensors have now."""
    if available():
        _peaks.reset(number_of(device))


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Free and total bytes of a GPU's memory."""
    module = cupy_for("cuda")
    with module.cuda.Device(number_of(device)):
        free, total = module.cuda.runtime.memGetInfo()
    return int(free), int(total)


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Let tensors have no more than a part of a GPU's memory. Raises ValueError for a fraction outside of 0 to 1."""
    if not 0 <= fraction <= 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    module = cupy_for("cuda")
    with module.cuda.Device(number_of(device)):
        module.get_default_memory_pool().set_limit(fraction=float(fraction))


def memory_stats(device: Any = None) -> dict[str, int]:
    """PyTorch's figures of memory that there are here, and the transfers of the process, by name; empty without a GPU."""
    if not available():
        return {}
    moved = {f"transfers.{name}": getattr(counted, name) for name in Transfers.__slots__}
    return {
        "allocated_bytes.all.current": memory_allocated(device),
        "allocated_bytes.all.peak": max_memory_allocated(device),
        "reserved_bytes.all.current": memory_reserved(device),
        "reserved_bytes.all.peak": max_memory_reserved(device),
        **moved,
    }


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """``memory_stats`` as lines of text."""
    stats = memory_stats(device)
    width = max(map(len, stats), default=0)
    return "\n".join(f"{name:{width}} {value:>20,}" for name, value in stats.items())


__getattr__ = lacking(__name__)
