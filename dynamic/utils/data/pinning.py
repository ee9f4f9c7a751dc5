"""Batches copied to pinned memory, from which a GPU can read them while others work."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dynamic.apply import Carried
from dynamic.devices import available
from dynamic.names import lacking
from dynamic.utils.data.collate import like_mapping, like_sequence


def pin_memory(data: Any, device: Any = None) -> Any:
    """``data`` with the tensors in it, at any depth, in pinned memory; so is what has a method of this name."""
    if isinstance(data, Carried):
        return data.pin_memory()  # type: ignore[attr-defined]
    if isinstance(data, (str, bytes)):
        return data
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, Mapping):
        return like_mapping(data, {key: pin_memory(each) for key, each in data.items()})
    if isinstance(data, tuple):
        given = [pin_memory(each) for each in data]
        return type(data)(*given) if hasattr(data, "_fields") else tuple(given)
    return like_sequence(data, [pin_memory(each) for each in data]) if isinstance(data, Sequence) else data


class Pinned:
    """An iterator whose batches are pinned."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self._batches = batches

    def __iter__(self) -> Pinned:
        return self

    def __next__(self) -> Any:
        return pin_memory(next(self._batches))

    def __len__(self) -> int:
        return len(self._batches)  # type: ignore[arg-type]


def pinned(batches: Iterator[Any]) -> Iterator[Any]:
    """``batches`` in pinned memory, if there is a GPU for it; else as they are, with PyTorch's warning."""
    if available():
        return Pinned(batches)
    warnings.warn("'pin_memory' is True, but there is no GPU: batches stay in ordinary memory", UserWarning, stacklevel=3)
    return batches


__getattr__ = lacking(__name__)
