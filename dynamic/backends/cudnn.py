"""Settings of cuDNN that programs make (PyTorch's ``torch.backends.cudnn``): accepted, and without effect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dynamic.names import lacking


enabled, benchmark, deterministic, allow_tf32, fastest, verbose = True, False, False, True, False, False
benchmark_limit: int | None = 10


def is_available() -> bool:
    """False: convolutions do not go through cuDNN."""
    return False


def version() -> int | None:
    """None: there is no cuDNN."""
    return None


@contextmanager
def flags(
    enabled: bool = False, benchmark: bool = False, deterministic: bool = False, allow_tf32: bool = True, **_: object
) -> Iterator[None]:
    """Have other settings inside."""
    wanted = {"enabled": enabled, "benchmark": benchmark, "deterministic": deterministic, "allow_tf32": allow_tf32}
    before = {name: globals()[name] for name in wanted}
    globals().update(wanted)
    try:
        yield
    finally:
        globals().update(before)


__getattr__ = lacking(__name__)
