"""Work on the examples of a batch by several threads, each of which calls numpy, which lets the others run meanwhile.

Products inside are left to one thread each: OpenBLAS's own threads serve one caller at a time, and share out products of few
columns badly.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from typing import Any

import numpy


Work = Callable[[int, int], Any]


@cache
def threads() -> int:
    """How many threads share the work on large arrays: what ``OMP_NUM_THREADS`` says, else the processors there are."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(said) if said.isdigit() and int(said) else here


def in_parts(xp: Any, work: Work, count: int, size: int) -> list[Any]:
    """What ``work(first, last)`` gives for each part of the examples 0 to ``count``, in order, the parts worked on at once.

    Args:
        xp: the array module. Other arrays than numpy's are not parted.
        work: called by several threads. They hand on what it raises.
        count: the number of examples.
        size: bytes that the work goes through: where they are few, all examples are one part.
    """
    parts = min(_Held.split.__dict__.get("count") or threads(), count, 1 + size // _LEAST) if xp is numpy else 1
    if parts < 2 or _Held.inside.__dict__:
        return [work(0, count)]
    bounds = [count * i // parts for i in range(parts + 1)]
    with one_thread_each():
        if threads() == 1:
            return [_inside(work, *bounds[i : i + 2]) for i in range(parts)]
        others = [_pool().submit(copy_context().run, _inside, work, *bounds[i : i + 2]) for i in range(1, parts)]
        try:
            first = _inside(work, *bounds[:2])
        finally:
            for each in others:
                each.exception()
        return [first, *(each.result() for each in others)]


@contextmanager
def split_as(count: int) -> Iterator[None]:
    """Part work in this thread as a process of ``count`` threads does, however many there are: the results' last bits depend
    on where it is parted."""
    before = _Held.split.__dict__.get("count")
    _Held.split.count = count
    try:
        yield
    finally:
        _Held.split.count = before


_LEAST = 1 << 20
"""Bytes of a part: they take a thread as long as waking it, several times over."""


class _Held:
    pool: Any = None
    inside = threading.local()
    split = threading.local()
    lock = threading.Lock()
    callers = 0
    before = 1


def _inside(work: Work, first: int, last: int) -> Any:
    """Work in a thread of the pool, or beside it: a part is not parted again, since the pool may wait for it."""
    _Held.inside.part = True
    try:
        return work(first, last)
    finally:
        del _Held.inside.part


def _pool() -> Any:
    with _Held.lock:
        if _Held.pool is None:
            from concurrent.futures import ThreadPoolExecutor  # most programs never need it

            _Held.pool = ThreadPoolExecutor(threads() - 1, "diptych")
        return _Held.pool


def _forget() -> None:
    """A forked child has none of its parent's threads."""
    _Held.pool = None
    _Held.lock = threading.Lock()
    _Held.callers = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@cache
def _blas() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """OpenBLAS's functions that tell and set its number of threads; None where numpy brings another BLAS."""
    try:
        library = ctypes.CDLL(sys.modules["numpy._core._multiarray_umath"].__file__)
        return library.scipy_openblas_get_num_threads64_, library.scipy_openblas_set_num_threads64_
    except (KeyError, OSError, AttributeError):
        return None


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Have products computed by who asks for them, as long as anybody is in here."""
    found = _blas()
    if found is None:
        yield
        return
    tell, put = found
    with _Held.lock:
        if not _Held.callers:
            _Held.before = tell()
            put(1)
        _Held.callers += 1
    try:
        yield
    finally:
        with _Held.lock:
            _Held.callers -= 1
            if not _Held.callers:
                put(_Held.before)
