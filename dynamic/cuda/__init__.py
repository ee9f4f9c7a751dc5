"""Tensors on a GPU, through cupy (PyTorch's ``torch.cuda``). Without one, questions are answered and work is refused."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from dynamic.cuda.memory import (
    OutOfMemoryError as OutOfMemoryError,
    Transfers as Transfers,
    empty_cache as empty_cache,
    max_memory_allocated as max_memory_allocated,
    max_memory_reserved as max_memory_reserved,
    mem_get_info as mem_get_info,
    memory_allocated as memory_allocated,
    memory_reserved as memory_reserved,
    memory_stats as memory_stats,
    memory_summary as memory_summary,
    reset_peak_memory_stats as reset_peak_memory_stats,
    set_per_process_memory_fraction as set_per_process_memory_fraction,
    transfers as transfers,
)
from dynamic.cuda.streams import (
    Event as Event,
    Stream as Stream,
    current_stream as current_stream,
    default_stream as default_stream,
    stream as stream,
)
from dynamic.devices import DeviceError, available, cupy_for, number_of
from dynamic.dtypes import CUDA_TYPES
from dynamic.names import lacking
from dynamic.random import default_generator


globals().update(CUDA_TYPES)
CudaError = DeviceError
max_memory_cached, memory_cached = max_memory_reserved, memory_reserved
reset_max_memory_allocated = reset_max_memory_cached = reset_peak_memory_stats


def is_available() -> bool:
    """Whether tensors can live on a GPU: cupy is installed and finds one."""
    return available()


def is_initialized() -> bool:
    """Whether a GPU is in use."""
    return available()


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: numpy and cupy have no bfloat16."""
    return False


def init() -> None:
    """Make sure that there is a GPU. Raises an error that says what is missing."""
    cupy_for("cuda")


def device_count() -> int:
    """How many GPUs there are."""
    return int(cupy_for("cuda").cuda.runtime.getDeviceCount()) if available() else 0


def current_device() -> int:
    """The number of the GPU that is used now."""
    return int(cupy_for("cuda").cuda.runtime.getDevice())


def set_device(device: Any) -> None:
    """Use another GPU from now on."""
    module = cupy_for("cuda")
    module.cuda.Device(number_of(device)).use()


class device:  # noqa: N801 (PyTorch's name)
    """Use another GPU inside a block; None or -1 for the one that is used anyway."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self._inside: Any = None

    def __enter__(self) -> Self:
        if self._device not in (None, -1):
            self._inside = cupy_for("cuda").cuda.Device(number_of(self._device))
            self._inside.__enter__()
        return self

    def __exit__(self, *error: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._inside is not None:
            self._inside.__exit__(*error)


class device_of(device):  # noqa: N801 (PyTorch's name)
    """Use the GPU of a tensor inside a block; one of the processor's changes nothing."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device())


def _properties(device: Any) -> Any:
    return cupy_for("cuda").cuda.runtime.getDeviceProperties(number_of(device))


def get_device_name(device: Any = None) -> str:
    """The name of a GPU."""
    name = _properties(device)["name"]
    return name.decode() if isinstance(name, bytes) else str(name)


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """A GPU's compute capability."""
    found = _properties(device)
    return int(found["major"]), int(found["minor"])


_MORE = {
    "warp_size": "warpSize",
    "L2_cache_size": "l2CacheSize",
    "max_threads_per_multi_processor": "maxThreadsPerMultiProcessor",
    "max_threads_per_block": "maxThreadsPerBlock",
    "shared_memory_per_block": "sharedMemPerBlock",
    "regs_per_multiprocessor": "regsPerMultiprocessor",
    "is_integrated": "integrated",
}
"""What PyTorch tells of a GPU, and what CUDA calls it."""


class _Properties:
    """What is known of a GPU."""

    def __init__(self, found: Any) -> None:
        self.name = found["name"].decode() if isinstance(found["name"], bytes) else str(found["name"])
        self.major, self.minor = int(found["major"]), int(found["minor"])
        self.total_memory = int(found["totalGlobalMem"])
        self.multi_processor_count = int(found["multiProcessorCount"])
        for ours, theirs in _MORE.items():
            if theirs in found:
                setattr(self, ours, int(found[theirs]))

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"_CudaDeviceProperties({told})"


def get_device_properties(device: Any = None) -> _Properties:
    """Name, compute capability, memory and processors of a GPU."""
    return _Properties(_properties(device))


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Whether one GPU can read another's memory."""
    return bool(cupy_for("cuda").cuda.runtime.deviceCanAccessPeer(number_of(device), number_of(peer_device)))


def get_arch_list() -> list[str]:
    """The architectures that kernels were compiled for beforehand: none, cupy compiles as needed."""
    return []


def synchronize(device: Any = None) -> None:
    """Wait until the GPU has done its work."""
    cupy_for("cuda").cuda.Device(number_of(device)).synchronize()


# Random numbers: the processor's streams draw for every device


def manual_seed(seed: int) -> None:
    """Begin the default stream that ``seed`` names, where there is a GPU; without one nothing is drawn for it."""
    if available():
        default_generator.manual_seed(int(seed))


manual_seed_all = manual_seed


def seed() -> None:
    """Begin a default stream that nobody chose, where there is a GPU."""
    if available():
        default_generator.seed()


seed_all = seed


def initial_seed() -> int:
    """The seed that the default stream began with."""
    cupy_for("cuda")
    return default_generator.initial_seed()


def get_rng_state(device: Any = "cuda") -> Any:
    """Where the default stream stands."""
    cupy_for("cuda")
    return default_generator.get_state()


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Let the default stream go on from a state that ``get_rng_state`` gave."""
    cupy_for("cuda")
    default_generator.set_state(new_state)


def get_rng_state_all() -> list[Any]:
    """Where the default stream stands, once for each GPU."""
    return [default_generator.get_state() for _ in range(device_count())]


def set_rng_state_all(new_states: Any) -> None:
    """Let the default stream go on from a state that ``get_rng_state_all`` gave."""
    for state in new_states:
        default_generator.set_state(state)


__getattr__ = lacking(__name__, late=("amp",))
