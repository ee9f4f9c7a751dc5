"""Processes that share tensors: the standard library's ``multiprocessing``, where tensors travel through shared memory.

A tensor that is sent, or whose ``share_memory_()`` was called, is seen by both processes, and so are changes of it in place.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing import (
    AuthenticationError as AuthenticationError,
    BufferTooShort as BufferTooShort,
    Process as Process,
    ProcessError as ProcessError,
    TimeoutError as TimeoutError,
    active_children as active_children,
    cpu_count as cpu_count,
    current_process as current_process,
    freeze_support as freeze_support,
    get_all_start_methods as get_all_start_methods,
    get_logger as get_logger,
    get_start_method as get_start_method,
    log_to_stderr as log_to_stderr,
    parent_process as parent_process,
    set_executable as set_executable,
    set_start_method as set_start_method,
)
from typing import Any

from dynamic.multiprocessing.channels import Pipe as Pipe
from dynamic.multiprocessing.contexts import get_context as get_context
from dynamic.multiprocessing.spawning import (
    ProcessContext as ProcessContext,
    ProcessExitedException as ProcessExitedException,
    ProcessRaisedException as ProcessRaisedException,
    SpawnContext as SpawnContext,
    spawn as spawn,
    start_processes as start_processes,
)
from dynamic.names import lacking


_MADE = (
    *("Array", "Barrier", "BoundedSemaphore", "Condition", "Event", "JoinableQueue", "Lock", "Manager", "Pool", "Queue"),
    *("RLock", "RawArray", "RawValue", "Semaphore", "SimpleQueue", "Value"),
)
"""What the context makes whose start method is set when it is called."""


def _maker(name: str) -> Any:
    def make(*args: Any, **settings: Any) -> Any:
        return getattr(get_context(), name)(*args, **settings)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"What ``multiprocessing.{name}`` makes, by the start method that is set."
    return make


globals().update({name: _maker(name) for name in _MADE})

_STRATEGIES = {"file_descriptor", "file_system"}
_strategy = "file_descriptor"


def set_sharing_strategy(new_strategy: str) -> None:
    """Take PyTorch's word for how memory is shared. Here it is always by descriptors, which leave nothing behind."""
    global _strategy
    if new_strategy not in _STRATEGIES:
        raise ValueError(f"no sharing strategy {new_strategy!r}; there are {', '.join(sorted(_STRATEGIES))}")
    _strategy = new_strategy


def get_sharing_strategy() -> str:
    """The strategy that was set."""
    return _strategy


def get_all_sharing_strategies() -> set[str]:
    """The strategies that can be set."""
    return set(_STRATEGIES)


allow_connection_pickling = multiprocessing.allow_connection_pickling
__getattr__ = lacking(__name__)
