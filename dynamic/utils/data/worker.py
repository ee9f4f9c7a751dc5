"""What runs in a loader's worker processes."""

from __future__ import annotations

import os
import pickle
import random
import sys
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import parent_process
from typing import Any, NamedTuple

import numpy

import dynamic
from dynamic.multiprocessing.parcels import pack_batch
from dynamic.utils.data.dataset import IterableDataset
from dynamic.utils.data.fetching import Plan, fetcher


_LOOK_EVERY = 5.0
"""Seconds between two looks whether the parent is still there; usually the closed connection tells at once."""


class WorkerInfo(NamedTuple):
    """What ``get_worker_info()`` tells inside a worker.

    Attributes:
        id: the worker's number, from 0.
        num_workers: how many there are.
        seed: what its generators were seeded with: the same base for all plus ``id``.
        dataset: its copy of the dataset.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Which worker this process is; None outside of workers."""
    return _info


class Failure:
    """An exception on its way to the parent: its class, and its traceback as text."""

    def __init__(self, error: BaseException, where: str) -> None:
        self.kind, self.name, self.where = type(error), type(error).__name__, where
        self.text = "".join(traceback.format_exception(error))
        try:
            pickle.dumps(self.kind)
        except Exception:  # a class that the parent cannot find
            self.kind = RuntimeError

    def again(self) -> BaseException:
        """The exception, of the class that it had, its message telling where it was raised and the traceback there."""
        message = f"Caught {self.name} {self.where}.\nOriginal {self.text}"
        try:
            # KeyError shows its argument's repr, which would fold the lines of the traceback into one.
            return self.kind(_Lines(message) if issubclass(self.kind, KeyError) else message)
        except Exception:  # a class whose instances are made of something else
            return RuntimeError(message)


class _Lines(str):
    """Text whose ``repr`` is itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def work(
    channel: Any,
    plan: Plan,
    info: WorkerInfo,
    init: Callable[[int], Any] | None,
    parent: int | None,
    inherited: Sequence[Any],
) -> None:
    """Answer what comes through ``channel`` until it is closed: the sampler's numbers with batches.

    Args:
        channel: the connection to the parent.
        plan: how batches are made.
        info: which worker this is.
        init: called with the worker's number before anything else.
        parent: the process that must not die, where it is the one that this process was forked from.
        inherited: connections of the parent that a fork has copied: closed here, lest their other ends never see the end.
    """
    global _info
    for other in inherited:
        other.close()
    try:
        _info = info
        random.seed(info.seed)
        dynamic.manual_seed(info.seed)
        numpy.random.seed(numpy.random.SeedSequence(info.seed).generate_state(4))
        broken = None
        fetch: Callable[[Any], Any] | None = None
        try:
            if init is not None:
                init(info.id)
            fetch = fetcher(plan)
        except Exception as error:
            broken = Failure(error, f"in DataLoader worker process {info.id}")
        while (asked := _next(channel, parent)) is not None:
            kind, numbers = asked
            if kind == "again":
                answer: tuple[str, Any] = ("again", None)
                fetch = None
            elif broken is not None:
                answer = ("error", broken)
                broken = None
            else:
                answer = _answer(fetch := fetch or fetcher(plan), numbers, info)
            try:
                parcel = pack_batch(answer)
            except Exception as error:
                parcel = pack_batch(("error", Failure(error, f"in DataLoader worker process {info.id}")))
            channel.send_parcel(parcel)
    except (KeyboardInterrupt, EOFError, ConnectionError):
        sys.exit(0)  # the parent reports the interrupt, or is gone


def _next(channel: Any, parent: int | None) -> Any:
    while not channel.poll(_LOOK_EVERY):
        if parent is not None:
            if os.getppid() != parent:
                return None
        elif (starter := parent_process()) is not None and not starter.is_alive():
            return None
    return channel.recv()


def _answer(fetch: Callable[[Any], Any], numbers: Any, info: WorkerInfo) -> tuple[str, Any]:
    try:
        return "batch", fetch(numbers)
    except StopIteration as end:
        if not isinstance(info.dataset, IterableDataset):
            return "error", Failure(end, f"in DataLoader worker process {info.id}")
        return "end", None
    except Exception as error:
        return "error", Failure(error, f"in DataLoader worker process {info.id}")
