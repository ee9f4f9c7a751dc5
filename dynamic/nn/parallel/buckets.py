"""Gradients side by side in memory, so that few large messages take the place of many small ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dynamic.apply import wrap
from graphs.core.arrays import xp_of


FIRST = 1 << 20
"""Bytes of the first bucket: small, so that its reduction begins early."""


def shared_out(arrays: Sequence[Any], order: Sequence[int], limits: Sequence[int]) -> list[list[int]]:
    """Numbers of arrays in buckets, in order: each bucket of one dtype, and closed once it has as many bytes as its limit.

    The last of ``limits`` holds for all buckets that follow. As PyTorch does it, each dtype has limits of its own.
    """
    open_: dict[Any, tuple[list[int], int]] = {}
    left: dict[Any, list[int]] = {}
    buckets: list[list[int]] = []
    for i in order:
        array = arrays[i]
        key = array.dtype.str, type(array)
        members, size = open_.pop(key, ([], 0))
        members.append(i)
        size += array.nbytes
        limit = left.setdefault(key, list(limits))
        if size >= limit[0]:
            buckets.append(members)
            if len(limit) > 1:
                limit.pop(0)
        else:
            open_[key] = members, size
    buckets += [members for members, _ in open_.values()]
    place = {i: at for at, i in enumerate(order)}
    return sorted(buckets, key=lambda members: place[members[0]])


class Bucket:
    """Memory for the gradients of some parameters.

    Attributes:
        members: the parameters' numbers.
        memory: an array of one dimension; ``views`` are its parts in the parameters' shapes.
        waiting: parameters whose gradients are not there yet in this backward pass.
        work: the reduction, once it has begun.
    """

    def __init__(self, members: list[int], arrays: Sequence[Any]) -> None:
        self.members = members
        first = arrays[members[0]]
        self.memory = xp_of((first,)).zeros(sum(arrays[i].size for i in members), first.dtype)
        self.views: dict[int, Any] = {}
        at = 0
        for i in members:
            size = arrays[i].size
            self.views[i] = self.memory[at : at + size].reshape(arrays[i].shape)
            at += size
        self.waiting = len(members)
        self.work: Any = None

    def tensor(self, i: int) -> Any:
        """The part of a parameter, as a tensor over the bucket's memory."""
        return wrap(self.views[i])
